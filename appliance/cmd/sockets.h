/*
 * cmd/sockets: who has which local port, as the kernel's tables tell (proc_pid_net(5)). The command line's process; sees other
 * users' processes only as root.
 */
#ifndef CMD_SOCKETS_H
#define CMD_SOCKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { SOCKETS_MAX = 65536 };

struct sockets;
struct socket_owner {
    pid_t pid;     /* 0: cannot be seen */
    char name[32]; /* of the program; "" when it cannot be seen */
};

int sockets_alloc(struct sockets **sp);
void sockets_free(struct sockets *s);
/* Is a port listened on (TCP) or used (UDP)? */
bool sockets_taken(const struct sockets *s, bool udp, uint16_t port, struct socket_owner *owner);

#endif

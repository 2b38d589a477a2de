/*
 * bench/turn/subject: a TURN server under test: ours (appliance/turn in a process of its own) or Debian's turnserver, measured from outside
 * in the same way.
 */
#ifndef BENCH_TURN_SUBJECT_H
#define BENCH_TURN_SUBJECT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define SUBJECT_SECRET "of the bench, 32 bytes and no more"
#define SUBJECT_REALM "bench"

struct subject {
    pid_t pid;
    char dir[64];
    uint16_t port, tls_port;
    uint16_t own_port; /* of a media worker in its process, that sends everything back; 0 = there is none */
    const char *user, *password; /* of a static user; NULL: a REST name of SUBJECT_SECRET */
    int stop;                    /* ours ends when this is closed; -1 */
};

/* Both listen on 127.0.0.1 and relay to it. errno, with words on stderr. */
int subject_ours(struct subject *s);
int subject_coturn(struct subject *s); /* ENOENT: the machine has no turnserver */
void subject_stop(struct subject *s);

/* CPU time, microseconds; thread: of that one alone. */
double subject_cpu_us(const struct subject *s, const char *thread);
long subject_rss_kb(const struct subject *s);

#endif

/* bench/server: the release binary under test: started on free ports with a fresh data directory, measured, stopped. */
#ifndef BENCH_SERVER_H
#define BENCH_SERVER_H

#include "loop.h"
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

struct server {
    pid_t pid;
    char dir[256];
    uint16_t https_port, sip_port;
    struct io log;
    char line[4096];
    unsigned line_len;
    char last[256];                             /* newest line of the log, for error messages */
    FILE *copy;                                 /* BENCH_LOG: the log goes there, too */
    int status;                                 /* of waitpid, when it has ended */
    void (*lineh)(const char *line, void *arg); /* each line of the log; may be NULL */
    void *arg;
    const char *codecs; /* of the trunk; NULL = as it comes */
};

/* Provisions `agents` DNs (1000, 1001, … with the password of server_password) and the trunk, then starts a copy of the binary, which
 * may be built anew meanwhile. Clears *s but for lineh, arg and codecs. Prints why it fails. */
int server_start(struct server *s, const char *binary, unsigned agents, uint16_t trunk_port);
/* Ends it; true when it ended by itself, with status 0. Its data stays until server_remove. */
bool server_end(struct server *s);
void server_remove(struct server *s);
void server_stop(struct server *s); /* both */
void server_password(char *buf, unsigned sz, unsigned dn);
double server_cpu_ms(const struct server *s); /* user and system time since its start */
long server_rss_kb(const struct server *s);

#endif

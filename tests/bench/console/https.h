/* bench/console/https: an administrator's program: one kept connection by TLS to 127.0.0.1, a request at a time, waiting, with the session's
 * cookie and CSRF word. */
#ifndef BENCH_CONSOLE_HTTPS_H
#define BENCH_CONSOLE_HTTPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct https {
    uint16_t port;
    int fd;
    struct tlsclient *tls;
    bool plain; /* asks for bodies that are not compressed */
    char cookie[256], csrf[128];
    char *buf; /* the last answer */
    size_t len;
    char *body; /* within buf; NUL behind it */
    size_t body_len;
};

bool https_open(struct https *h, uint16_t port);
void https_close(struct https *h);
/* The status, 0 when there is none; body NULL: none is sent. */
int https_call(struct https *h, const char *method, const char *path, const char *body);
/* Signs in and keeps what the session needs. */
bool https_sign_in(struct https *h, const char *name, const char *password);
/* Makes the connection a WebSocket of this subprotocol. */
bool https_upgrade(struct https *h, const char *path, const char *protocol);
/* Reads and forgets what has come; how many bytes, or -1 at the end. */
long https_skim(struct https *h);

#endif

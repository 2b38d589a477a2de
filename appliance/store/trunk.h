/* store/trunk: the SIP peers that calls go to and come from. */
#ifndef STORE_TRUNK_H
#define STORE_TRUNK_H

#include "store/store.h"

enum {
    TRUNK_NAME_MAX = 64,
    TRUNK_HOST_MAX = 256,
    TRUNK_SECRET_MAX = 128,
    TRUNK_CA_TEXT_MAX = 8192, /* some certificates in PEM form; more go into a file */
    TRUNK_FILE_MAX = 512,
    TRUNKS_MAX = 64
};
enum trunk_transport { TRUNK_UDP, TRUNK_TCP, TRUNK_TLS };

struct trunk {
    char name[TRUNK_NAME_MAX];
    char host[TRUNK_HOST_MAX]; /* IP or name */
    uint16_t port;
    enum trunk_transport transport;
    char username[TRUNK_SECRET_MAX];
    char password[TRUNK_SECRET_MAX]; /* opened only for the signalling thread; "" otherwise */
    bool password_set;               /* there is one; told by reading only */
    bool registers;                  /* DNs are registered there while their agents are here */
    bool enabled;
    int priority;          /* lower first; default 10 */
    uint32_t ping_seconds; /* OPTIONS interval; 0 = off (always considered up); default 30 */
    char codecs[64];       /* some of "pcmu,pcma,g722,opus" in order of preference */
    uint32_t
        ptime; /* ms of audio in a packet that we ask for, and send to who asks for nothing: 10, 20, … 60; 0 when written = 20 */
    /* TLS. Who must have signed its certificate: PEM text, or a file's path; "" = a CA that this machine trusts. */
    char tls_ca[TRUNK_CA_TEXT_MAX];
    char tls_name[TRUNK_HOST_MAX]; /* whose certificate it must be; "" = host's */
    char tls_cert[TRUNK_FILE_MAX]; /* PEM file: certificate that we show, and its key; "" = the web's */
};

const char *trunk_transport_name(enum trunk_transport t);
int trunk_transport_decode(enum trunk_transport *t, const char *name); /* EINVAL */
/* Ordered by priority, then name. with_password needs the store's secret key. */
typedef bool(trunk_h)(const struct trunk *t, void *arg);
int trunk_each(struct store_reader *r, bool with_password, trunk_h *h, void *arg);
int trunk_get(struct store_reader *r, const char *name, struct trunk *out);     /* ENOENT */
int trunk_add(struct store *s, const struct trunk *t, char *why, size_t whysz); /* EEXIST, EINVAL */
int trunk_remove(struct store *s, const char *name);                            /* ENOENT */
/* Which is tried first: all there are, each once. EINVAL with why. */
int trunk_order(struct store *s, const char *const *names, size_t n, char *why, size_t whysz);
/* Makes the trunk of t's name what t says; its password only when new_password. ENOENT, EINVAL with why. */
int trunk_set(struct store *s, const struct trunk *t, bool new_password, char *why, size_t whysz);

#endif

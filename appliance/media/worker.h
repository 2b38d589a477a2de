/*
 * media/worker: a media thread: one UDP port for all its browsers, the trunk sockets of its paths, a clock tick for all.
 * Private to media/.
 *
 *   while calls run, every WORKER_TICK_US:  commands → read what is ready → due playout → one sendmmsg → sleep
 *   without calls: sleep until a command or packet comes
 *
 * A browser's packet finds its path by what it is (RFC 7983): a STUN request by the path id at the head of our ufrag, a STUN
 * answer by the path id at the head of its transaction id, DTLS and SRTP by source address, once that passed an ICE check.
 */
#ifndef MEDIA_WORKER_H
#define MEDIA_WORKER_H

#include "core/addr.h"
#include "media/media.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct worker;
struct tally;
struct mbox;
struct dtls_identity;
struct udp_queue;

enum {
    WORKER_TICK_US = 2000,
    WORKER_TICK_FEW_US = 4000, /* with fewer than WORKER_FEW paths */
    WORKER_FEW = 8,
    WORKER_UFRAG_ID = 8, /* hex digits of the path id that begin our ufrag */
};

/* ---- signalling thread ---- */

struct worker_config {
    const struct media_config *media; /* copied */
    unsigned index;
    const struct dtls_identity *identity; /* must outlive the worker */
};
/* Binds the ICE port and starts the thread. EADDRINUSE and others of bind, with words in why; ENOMEM; EAGAIN. */
int worker_alloc(struct worker **wp, const struct worker_config *cfg, char *why, size_t whysz);
/* Ends the thread and its paths without events. */
void worker_free(struct worker *w);
uint16_t worker_ice_port(const struct worker *w);
unsigned worker_load(const struct worker *w); /* paths, also those on their way */
/* Any thread: its figures, at most 1 s old, and the CPU time of its thread. */
void worker_tally(const struct worker *w, struct tally *t, double *cpu_seconds);

enum worker_command {
    WORKER_WAKE,
    WORKER_START,
    WORKER_BROWSER,
    WORKER_TRUNK,
    WORKER_TONE,
    WORKER_DTMF,
    WORKER_HOLD,
    WORKER_RESTART
};
struct worker_restart {
    char ufrag[32], pwd[40];
};
struct worker_msg {
    enum worker_command command;
    struct media_path *path;
    union {
        struct media_browser *browser; /* malloc'd; the worker frees it */
        struct media_trunk trunk;
        enum media_tone tone;
        struct {
            enum media_side to;
            char digits[33];
            unsigned duration_ms;
        } dtmf;
        bool held;
        struct worker_restart restart;
    } u;
};
/* ENOBUFS; what msg owns stays the caller's then. WORKER_START hands the path over. */
int worker_post(struct worker *w, const struct worker_msg *msg);

/* ---- for paths, on the worker thread ---- */

const struct dtls_identity *worker_identity(const struct worker *w);
uint32_t worker_rtp_timeout_s(const struct worker *w);
int worker_complexity(const struct worker *w); /* of Opus, by load */
/* The queue of the socket that can reach dst; NULL when none can. */
struct udp_queue *worker_queue(struct worker *w, const struct addr *dst);
/* From now on packets from addr belong to p, unless they are another's: a claim can be made with a forged source. */
void worker_addr_claim(struct worker *w, const struct addr *addr, struct media_path *p);
/* … whoever had them: it has answered there. */
void worker_addr_take(struct worker *w, const struct addr *addr, struct media_path *p);
void worker_addr_del(struct worker *w, const struct addr *addr, struct media_path *p);
/* ENOBUFS */
int worker_event(struct worker *w, const struct media_event *ev);

#endif

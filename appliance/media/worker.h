/*
 * media/worker: a media thread: one UDP port for all its browsers, the trunk sockets of its paths, a clock tick for all.
 * Private to media/.
 *
 *   while calls run, every WORKER_TICK_US:  commands → read all that is ready → due playout → one sendmmsg → sleep
 *   with up to WORKER_AWAITED: the same, whenever a packet comes or something is due
 *   without calls: sleep until a command or packet comes
 */
#ifndef MEDIA_WORKER_H
#define MEDIA_WORKER_H

#include "core/addr.h"
#include "media/media.h"
#include "media/outside.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct worker;
struct tally;
struct mbox;
struct dtls_identity;
struct path;
struct path_host;

enum {
    WORKER_AWAITED = 4, /* so many paths cost less when each packet is waited for than a clock that ticks */
    WORKER_TICK_US = 2000,
    WORKER_TICK_FEW_US = 4500, /* with fewer than WORKER_FEW paths */
    WORKER_FEW = 12,
    WORKER_FILL = 16, /* paths that a worker has before the next one gets its first */
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
/* What its paths may ask of it. */
const struct path_host *worker_host(const struct worker *w);
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
    WORKER_AWAY,
    WORKER_DTMF,
    WORKER_HOLD,
    WORKER_RESTART,
    WORKER_REACHED, /* no path's … */
    WORKER_ASK,     /* … nor this */
};
struct worker_restart {
    char ufrag[32], pwd[40];
};
struct worker_reached {
    struct addr v[MEDIA_REACHED_MAX];
    size_t count;
};
struct worker_msg {
    enum worker_command command;
    struct path *path;
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
        bool away;
        struct worker_restart restart;
        struct worker_reached *reached; /* malloc'd; the worker frees it */
        struct outside_asked ask;
    } u;
};
/* ENOBUFS; what msg owns stays the caller's then. WORKER_START hands the path over. */
int worker_post(struct worker *w, const struct worker_msg *msg);

#endif

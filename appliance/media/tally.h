/*
 * media/tally: what a worker's paths did and how they do, for /metrics. The worker adds its paths up once a second and publishes the
 * sum; nothing here happens per packet. Private to media/.
 */
#ifndef MEDIA_TALLY_H
#define MEDIA_TALLY_H

#include "media/media.h"
#include "net/udp_set.h"

struct path;

enum { TALLY_ADDRESSES_MAX = MEDIA_PATHS_MAX * 4 };
enum { TALLY_BROWSER, TALLY_TRUNK, TALLY_SIDES };

struct tally_live { /* of the paths that run now and hear something from that side */
    unsigned paths;
    double mos_sum, mos_min;
    double jitter_ms_sum, jitter_ms_max;
};

struct tally {
    /* Totals: they only grow. */
    struct udp_count in[TALLY_SIDES], out[TALLY_SIDES];
    uint64_t expected[TALLY_SIDES], lost[TALLY_SIDES]; /* audio packets on their way to us */
    uint64_t concealed, filled;                  /* frames: in place of lost ones; of silence or lateness */
    uint64_t late, duplicate, overflow, skipped; /* packets that the jitter buffer threw away */
    /* Now. */
    struct tally_live live[TALLY_SIDES];
    unsigned buffers; /* jitter buffers in use */
    double buffer_ms_sum, buffer_ms_max;
    unsigned paths;
    size_t addresses; /* of browsers, that packets are told apart by */
    int complexity;   /* of Opus */
    double load;      /* share of one CPU, 0..1 */
};

/* Worker thread. Adds what was counted of one side, by sockets or otherwise; a path's totals; … */
void tally_add_counts(struct tally *t, int side, const struct udp_count *in, const struct udp_count *out);
void tally_add_sockets(struct tally *t, int side, const struct udp_set *set);
void tally_add(struct tally *t, const struct path *p);
/* … and how it does now. */
void tally_add_live(struct tally *t, const struct path *p);

/* Any thread: adds another worker's to sum. */
void tally_merge(struct tally *sum, const struct tally *t);

struct buf;
/* One worker's figures, and those of all together. */
void tally_render_worker(struct buf *out, unsigned index, const struct tally *t, double cpu_seconds);
void tally_render(struct buf *out, const struct tally *sum);

#endif

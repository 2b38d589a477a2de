/*
 * service/figures: the running server's figures: what is sampled once a second, what it means per second, and the last hour of it by the
 * minute. Nothing here asks anybody: the composition root (app_live) hands in what it has read. Owner: the main thread.
 */
#ifndef SERVICE_FIGURES_H
#define SERVICE_FIGURES_H

#include "call/callstat.h"
#include "store/history.h"

#include <stddef.h>
#include <stdint.h>

enum { FIGURES_MINUTES = 60 };

struct sample {
    int64_t wall_ms;
    uint64_t us; /* monotonic */
    struct callstat_totals calls;
    uint64_t bytes, turn_bytes; /* by all sockets; of these TURN's with its clients */
    uint64_t expected, lost;    /* audio packets on their way to us */
    unsigned heard;             /* streams that run, and the sums of their … */
    double mos_sum, jitter_ms_sum;
    uint64_t cpu_us, rss_bytes;
    uint64_t errors; /* lines of the log: error and warn */
    double load;
    int cpus;
    uint32_t turn_allocations;
    uint64_t disk_free, disk_size;
};

struct figures_box {
    double cpu_percent; /* of one CPU */
    int cpus;
    uint64_t rss_bytes, disk_free_bytes;
    double disk_percent; /* used */
    double bits_per_s, load;
};
struct figures_hour {
    uint64_t inbound, outbound, answered, abandoned, failed;
    double average_s, abandoned_percent; /* of answered calls, from answer to end; of inbound calls */
};
struct figures_voice { /* of the last hour; 0 = not known */
    double mos, loss_percent, jitter_ms, rtt_ms;
};
struct figures_now {
    struct figures_box box;
    struct figures_hour hour;
    struct figures_voice voice;
    double turn_bits_per_s;
    uint32_t turn_allocations;
    uint64_t errors_per_min;
};

struct figures_minute {
    int64_t minute; /* Unix time in minutes; 0: nothing yet */
    uint64_t inbound, outbound, answered, abandoned, failed, talk_ms, rtts, rtt_us, errors;
    uint64_t expected, lost, heard;
    double mos_sum, jitter_ms_sum;
    double cpu_sum, rss_sum, bits_sum, turn_bits_sum; /* of so many samples */
    unsigned samples;
    int64_t calls_max;
};

struct service_figures { /* all 0 at first */
    struct sample last;
    struct figures_minute ring[FIGURES_MINUTES];     /* by minute modulo */
    double cpu_percent, bits_per_s, turn_bits_per_s; /* of the last seconds */
};

/* What the call records say of a minute before the start. */
void figures_restore(struct service_figures *f, const struct history_calls *m);
/* Takes a sample. True: a minute is over, *over is its row (registrations: not known here). */
bool figures_take(struct service_figures *f, const struct sample *s, struct figures *over);
void figures_now(const struct service_figures *f, struct figures_now *out);
/* MOS of the last minutes; 0: nobody was heard. */
double figures_mos(const struct service_figures *f, unsigned minutes);

#endif

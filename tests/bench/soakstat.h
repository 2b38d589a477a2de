/* bench/soakstat: what a soak keeps of a server over time, and what it says of it in the end. */
#ifndef BENCH_SOAKSTAT_H
#define BENCH_SOAKSTAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

enum { TALLY_MAX = 64, TALLY_TEXT = 120, DELAYS_MS = 1000 };

struct usage { /* of a process, from /proc */
    double at_s;
    long rss_kb, pss_kb, anon_kb;
    unsigned fds, threads;
    double cpu_ms;
    bool steady;                   /* counts for the slopes */
    unsigned live, opus, straight; /* calls: connected; all of each kind, also those that begin and end */
};
void usage_read(struct usage *u, pid_t pid);

struct slope {
    double per_hour, error; /* standard error: of noise without memory, so rather too small */
    unsigned n;
};
/* Of the steady samples: RSS, or else descriptors. */
struct slope slope_fit(const struct usage *u, unsigned n, bool rss);
/* That of RSS at equal load: least squares over time and the number of calls of each kind. */
struct slope slope_at_load(const struct usage *u, unsigned n);

struct tally { /* how often each text came; what does not fit counts under the last */
    struct {
        char text[TALLY_TEXT];
        unsigned n;
    } row[TALLY_MAX];
    unsigned rows, total;
};
void tally_add(struct tally *t, const char *text);
void tally_print(const struct tally *t, const char *name);

struct delays { /* a histogram by millisecond */
    unsigned n[DELAYS_MS + 1], total;
};
void delays_add(struct delays *d, float ms);
unsigned delays_quantile(const struct delays *d, double q);

struct cdr_sums {
    int rows, open; /* open: calls noted and never closed */
    long long browser_lost, browser_packets, trunk_lost, trunk_packets;
};
/* Reads the database of a server that has ended; false with a line on stderr when it cannot. */
bool cdr_read(struct cdr_sums *c, const char *dir);

#endif

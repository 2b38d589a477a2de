/*
 * store/history: what the box has been like: figures by the minute, by five minutes and by the hour, and what happened to each DN and trunk.
 * All of it is bounded. Who writes never waits: what finds HISTORY_WAITING_MAX before it, or a disk that is full, is let go and counted.
 */
#ifndef STORE_HISTORY_H
#define STORE_HISTORY_H

#include "store/store.h"

enum {
    HISTORY_WAITING_MAX = 1024,
    HISTORY_OF_DN = 50,
    HISTORY_OF_TRUNK = 200,
    HISTORY_DAYS = 90,
};

enum figure {
    FIGURE_CALLS,
    FIGURE_REGISTRATIONS,
    FIGURE_MOS,
    FIGURE_LOSS,
    FIGURE_JITTER,
    FIGURE_CPU,
    FIGURE_RSS,
    FIGURE_BITS,
    FIGURE_TURN_BITS,
    FIGURE_ANSWERED,
    FIGURE_FAILED,
    FIGURE_ABANDONED,
    FIGURE_INBOUND,
    FIGURE_OUTBOUND,
    FIGURES
};
/* As the column is called, and the member of REST's answer. */
const char *figure_name(enum figure f);

struct figures {       /* of one step */
    int64_t time_ms;   /* its beginning */
    double v[FIGURES]; /* NAN: not known */
};

struct happening {
    char noun[8]; /* "dn", "trunk" */
    char name[64];
    int64_t time_ms;
    char event[16];
    char address[64], browser[128], detail[256];
    uint32_t times; /* so often in a row; 0 as 1 when it is written */
};

/* A minute is over; the coarser steps are made from the finer ones. Any thread. */
void history_minute(const struct store *s, const struct figures *f);
/* Something happened. One that is like the last of its name within an hour only counts there when it says so: refused. Any thread. */
void history_happened(const struct store *s, const struct happening *h);

typedef bool(figures_h)(const struct figures *f, void *arg);
/* step_s: 60, 300 or 3600. From then on, the oldest first. */
int history_figures(struct store_reader *r, unsigned step_s, int64_t from_ms, figures_h *h, void *arg);
typedef bool(happening_h)(const struct happening *h, void *arg);
/* Newest first; limit 0: all. */
int history_of(struct store_reader *r, const char *noun, const char *name, size_t limit, happening_h *h,
               void *arg);

/* Calls that ended in each minute since from_ms, as their records say. */
struct history_calls {
    int64_t minute; /* Unix time in minutes */
    uint32_t inbound, outbound, answered, abandoned, failed;
    uint64_t talk_ms;
};
typedef bool(history_calls_h)(const struct history_calls *m, void *arg);
int history_calls(struct store_reader *r, int64_t from_ms, history_calls_h *h, void *arg);

#endif

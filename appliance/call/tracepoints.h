/*
 * call/tracepoints: the figures of one call as time goes on, each second at first and less often as the call gets longer: at most
 * TRACE_POINTS_MAX, as fine as they are shown. Grows as they come.
 *
 * Owner: signalling thread.
 */
#ifndef CALL_TRACEPOINTS_H
#define CALL_TRACEPOINTS_H

#include "core/buf.h"
#include "media/media.h"
#include <stddef.h>
#include <stdint.h>

enum { TRACE_POINTS_MAX = 240 };

struct call_report;

struct trace_point { /* sums since the start, so that leaving one out loses nothing but detail */
    uint32_t t_ms;
    struct {
        uint32_t packets, lost;
        uint16_t jitter, mos; /* in tenths of a ms, in hundredths */
    } way[2];                 /* from the browser, from the trunk */
    uint16_t rtt;             /* in tenths of a ms */
    struct {
        uint16_t loss, jitter,
            mos; /* in tenths of a percent …; TRACE_POINT_UNKNOWN as loss: nothing is known */
    } page;      /* what the page hears, by its own getStats */
};
enum { TRACE_POINT_UNKNOWN = UINT16_MAX };

struct trace_points {
    struct trace_point *v;
    size_t count, room;
    uint32_t every_ms; /* between two */
};

void trace_points_init(struct trace_points *l);
void trace_points_free(struct trace_points *l);
/* One that comes sooner than wanted is left out, and so is one that finds no memory. page: what the page said last; NULL: nothing that is still true. */
void trace_points_add(struct trace_points *l, int64_t t_ms, const struct media_event *figures,
                      const struct call_report *page);
/* The value of "graphs". */
void trace_points_json(const struct trace_points *l, struct buf *out);

#endif

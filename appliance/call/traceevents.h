/*
 * call/traceevents: what happened in one call, SIP messages among it, small while the call runs: a line that is there already is kept once
 * (the messages of a dialog are alike), and it becomes JSON only when somebody asks. Bounded by what it would show; the last quarter is for
 * how the call ends.
 *
 * Owner: signalling thread.
 */
#ifndef CALL_TRACEEVENTS_H
#define CALL_TRACEEVENTS_H

#include "core/buf.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum trace_leg { TRACE_GATEWAY, TRACE_BROWSER, TRACE_TRUNK };
enum trace_kind { TRACE_SIP, TRACE_ICE, TRACE_DTLS, TRACE_RTP, TRACE_STATE };

struct trace_area { /* grows by little, since a call has it for long */
    uint8_t *data;
    size_t len, room;
};

struct trace_events {
    struct trace_area lines; /* each text once: a struct line and its bytes */
    struct trace_area list;  /* of struct event, each followed by the numbers of its lines */
    size_t line_count, count;
    size_t shown, max; /* bytes that they show, at most */
    uint32_t dropped;  /* events that found no room */
};

struct trace_event {
    int64_t t_ms;
    enum trace_leg leg;
    enum trace_kind kind;
    const char *title;
    const char
        *text; /* of a SIP message, its lines end with CR LF; NULL: it is none, and has none of these: */
    const char *from, *to, *transport;
    bool out;
};

void trace_events_init(struct trace_events *l, size_t max);
void trace_events_free(struct trace_events *l);
/* ends: it may take of the last quarter. One that finds no room, or no memory, leaves no half of itself. */
void trace_events_add(struct trace_events *l, const struct trace_event *e, bool ends);
/* The members of their array. ENOMEM; else out's error. */
int trace_events_json(const struct trace_events *l, struct buf *out);

#endif

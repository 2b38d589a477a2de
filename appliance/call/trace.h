/*
 * call/trace: what one call's trace holds: SIP messages of both legs as they were on the wire, with what is secret masked (sip/siplog), what
 * happened to its audio, figures each second at first and less often as it gets longer, and facts. Bounded in bytes: the last quarter is kept
 * for how it ends. As JSON it is what GET /cdr/{id}/trace answers:
 *
 *   {"id","from_ms","complete","dropped","events":[{"t_ms","leg","kind","direction","title","text","from","to","transport"}],"log":["…"],
 *    "graphs":{"t_ms":[],"to_trunk":{"packets":[],"loss_percent":[],"jitter_ms":[],"mos":[]},"to_browser":{…},"browser":{…},"rtt_ms":[]},"facts":{…}}
 *
 * Owner: signalling thread; knows nothing of calls.
 */
#ifndef CALL_TRACE_H
#define CALL_TRACE_H

#include "call/report.h"
#include "call/traceevents.h"
#include "call/tracefacts.h"
#include "call/tracepoints.h"
#include "core/addr.h"
#include "core/buf.h"
#include "media/media.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TRACE_JSON_MAX = 4 * 1024 * 1024 };

struct trace {
    char id[40];
    int64_t start_ms; /* Unix */
    struct trace_events events;
    struct trace_points points;
    struct trace_facts facts;
    struct call_report page; /* the last one … */
    int64_t page_ms;         /* … and when it came, since the start */
    bool page_unanswered;    /* its INFO has no answer yet */
    bool info_digit
        [2]
        [2]; /* the last INFO of the browser's or the trunk's leg, in or out, has a digit and no answer yet */
    bool info_told; /* a digit was refused to us, and who sent it is not told yet */
};

int trace_alloc(struct trace **tp, const char *id, int64_t start_ms, size_t bytes_max);
void trace_free(struct trace *t);

struct trace_message {
    int64_t t_ms; /* since the call's start */
    enum trace_leg leg;
    bool out;
    const char *transport; /* "udp", "tcp", "tls", "ws" */
    struct addr us, peer;
    const char *p;
    size_t len;
};
void trace_sip(struct trace *t, const struct trace_message *m);
__attribute__((format(printf, 5, 6))) void trace_note(struct trace *t, int64_t t_ms, enum trace_leg leg,
                                                      enum trace_kind kind, const char *fmt, ...);
/* Figures of now; those that come sooner than wanted are left out. */
void trace_point_add(struct trace *t, int64_t t_ms, const struct media_event *figures);
/* What the page says that it hears. The INFO that it came by, one each ten seconds, is left out, and so is its answer. */
void trace_report(struct trace *t, int64_t t_ms, const struct call_report *r);
/* complete: the call has ended. */
int trace_json(const struct trace *t, bool complete, struct buf *out);

#endif

/*
 * call/tracer: gives every call a trace (call/trace): hears all SIP messages of the signalling thread (sip/siplog) and finds their call by
 * Call-ID, takes the figures of running calls once a second, and when a call has ended decides whether its trace is kept (store/trace): it
 * failed, it was bad, its DN is under watch, or it belongs to the sample. The last answers are waited for, so that a trace outlives its call
 * by TRACER_LINGER_MS. Owner: signalling thread; nothing here runs per packet of media.
 */
#ifndef CALL_TRACER_H
#define CALL_TRACER_H

#include "call/trace.h"
#include "store/cdr.h"

struct calls;
struct conf;
struct tracer;
struct traced; /* a call's trace; NULL everywhere: it is not traced */

enum { TRACER_LINGER_MS = 1500 };

/* On the signalling thread. cs outlives it. */
int tracer_alloc(struct tracer **tp, struct calls *cs);
/* Keeps what has to be kept at once. */
void tracer_free(struct tracer *tr);

struct traced *tracer_begin(struct tracer *tr, const char *id, int64_t start_ms);
/* Messages with this Call-ID are its, those of just now, too. */
void traced_leg(struct traced *t, enum trace_leg leg, const char *call_id, size_t len);
void traced_media(struct traced *t, const struct media_event *ev);
__attribute__((format(printf, 4, 5))) void traced_note(struct traced *t, enum trace_leg leg,
                                                       enum trace_kind kind, const char *fmt, ...);
void traced_report(struct traced *t, const struct call_report *r);
/* What cannot be read from messages; NULL: not traced. */
struct trace_facts *traced_facts(struct traced *t);
/* Its record is complete; t is the caller's no more. */
void traced_end(struct traced *t, const struct cdr *c);

/* Something was wrong with a call that did not fail: its trace is kept. */
bool traced_bad(const struct trace_facts *f, const struct cdr *c);

/* The JSON of a call that runs, or ended just now. ENOENT. */
int tracer_json(struct tracer *tr, const char *id, struct buf *out);

#endif

/*
 * call/tracefacts: what a call's trace knows beyond its record, for whoever says what was wrong with it (service/verdict): by value, and as
 * the member "facts" of a trace's JSON. What descriptions say is read here, too: bytes from outside. No state, no thread.
 */
#ifndef CALL_TRACEFACTS_H
#define CALL_TRACEFACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct json_val;

enum { TRACE_ADDR_MAX = 64, TRACE_CODECS_MAX = 128 };

struct trace_facts {                   /* "", 0 or false: it did not happen, or is not known */
    char trunk_peer[TRACE_ADDR_MAX];   /* the trunk's SIP address */
    char trunk_sdp[TRACE_ADDR_MAX];    /* where its last description wants audio */
    char trunk_source[TRACE_ADDR_MAX]; /* where its audio comes from */
    char stranger[TRACE_ADDR_MAX];     /* the last other one that audio came from and was not taken */
    char our_media[TRACE_ADDR_MAX];    /* what our last description to the trunk says */
    char trunk_codecs[TRACE_CODECS_MAX],
        browser_codecs[TRACE_CODECS_MAX]; /* that they describe: "PCMU PCMA telephone-event" */
    char failed[16];                      /* media_reason_name() of what ended the audio */
    char warning[128];                    /* of a refusal: its Warning header */
    int64_t strangers;                    /* packets from such */
    int64_t trunk_heard, browser_heard;   /* SIP messages that came from them */
    int64_t trunk_tries;                  /* INVITEs to different addresses, retransmissions not counted */
    int64_t ice_ms, dtls_ms, failed_ms;   /* since the call's start */
    int64_t cands, relay_cands;           /* the browser's addresses, and those of TURN servers among them */
    int64_t keys, keys_lost; /* pressed by the agent as events or INFO; those that could not be passed on */
    int64_t info_refused;    /* INFO with digits that the trunk or we refused */
    bool trunk_events;       /* the trunk takes digits as events (RFC 4733) */
    bool held;               /* one side held when it ended */
};

int trace_facts_write(const struct trace_facts *f, struct buf *out);
/* What is missing or of another type stays 0. */
void trace_facts_read(struct trace_facts *f, const struct json_val *obj);

/* The audio's address, as "192.0.2.1:4000", and the names of its codecs in a description; "" when it has none. */
struct trace_sdp {
    char addr[TRACE_ADDR_MAX], codecs[TRACE_CODECS_MAX];
    int64_t cands, relay_cands;
};
void trace_sdp_read(struct trace_sdp *s, const char *text, size_t len);

#endif

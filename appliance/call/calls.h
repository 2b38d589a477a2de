/*
 * call/calls: all calls: where an INVITE, a media event, a lost connection come in; what can be asked and done from outside.
 *
 *   calls ─► echo; callin, callout ─► callmid ─► callevent ─► callinfo, callhold, callrefer (transfer) ─► callend ─► callsdp ─► call ─► callset (what calls share)
 *
 * One call = a SIP leg to the agent's browser + a SIP leg to the trunk + one media path + one CDR. A B2BUA without
 * routing logic: what an agent dials goes to the trunk, what the trunk sends to a DN rings that DN. Owner: signalling thread.
 */
#ifndef CALL_CALLS_H
#define CALL_CALLS_H

#include "call/callconf.h"
#include "store/cdr.h"
#include "store/dn.h"
#include <stdbool.h>
#include <stddef.h>

struct buf;
struct calls;

/* On the signalling thread (in start_h). */
int calls_alloc(struct calls **cp, const struct calls_config *cfg);
/* Ends every call with BYE/503/CANCEL and Reason, writes their CDRs. */
void calls_free(struct calls *c);
size_t calls_count(const struct calls *c);
/* One runs for this DN, on whatever page. */
bool calls_run_for(const struct calls *c, const char *dn);
/* With those that are ending. */
size_t calls_listed(const struct calls *c);
/* Stops (true) or allows new calls: 503 with Retry-After meanwhile. */
void calls_drain(struct calls *c, bool on);
/* Ends every call with BYE/503/CANCEL and this reason; their records follow when the media's figures are in. */
void calls_end_all(struct calls *c, const char *reason);
/* Something is still under way: a call, a record that waits for figures, a BYE without answer. */
bool calls_busy(const struct calls *c);

struct call_heard { /* how one direction of the audio does */
    bool known;
    double mos, loss_percent, jitter_ms;
};
struct call_info { /* live list, by value; what pads it is 0, so that two can be compared by their bytes */
    char id[40], dn[64], caller[128], callee[128], trunk[64], call_uuid[64];
    char name[DN_NAME_MAX], caller_name[128];
    char address[64];                        /* of the browser's media; "" = not found yet */
    char codec_browser[16], codec_trunk[16]; /* "opus", "PCMU", …; "" = not agreed yet */
    struct call_heard to_trunk, to_browser;  /* as it reaches us, on its way there; at most 1 s old */
    struct call_heard browser;               /* as the page hears it (call/report) */
    double rtt_ms, browser_rtt_ms;           /* to the browser; as the page measures it. 0 = not known */
    enum cdr_direction direction;
    char state[16]; /* "calling", "ringing", "answered", "held", "ending" */
    int64_t start_ms, answer_ms;
    enum cdr_path path; /* now */
    bool waits;         /* for its page, which is away … */
    uint32_t waits_s;   /* … for so long */
    bool registered;    /* its DN is, now: who lists calls for people says so (service/live) */
};
typedef bool(calls_h)(const struct call_info *ci, void *arg);
void calls_each(const struct calls *c, calls_h *h, void *arg);
/* What there is of a running call's trace, or of one that ended just now, as JSON (call/trace.h). ENOENT. */
int calls_trace(const struct calls *c, const char *id, struct buf *out);
/* ENOENT. */
int calls_hangup(struct calls *c, const char *id);

#endif

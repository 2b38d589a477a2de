/*
 * call/transfer: a transfer within a call, while it is under way: its states, who is told, and how another leg of the trunk's becomes the
 * call's. For callrefer, callreferout and callreplace. Owner: signalling thread.
 */
#ifndef CALL_TRANSFER_H
#define CALL_TRANSFER_H

#include "call/callsdp.h"
#include "call/party.h"
#include "call/refer.h"

enum { TRANSFER_S = 180 }; /* for an answer at the new place: as timer C of a call */

enum transfer_state {
    TRANSFER_NEW,
    TRANSFER_CALLING, /* the trunk's REFER: the new leg is under way */
    TRANSFER_ALONE,   /* and the old one has gone */
    TRANSFER_LEAVING, /* the new leg is the call's; the old one hears of it, and gets its BYE */
    TRANSFER_PASSED,  /* the page's REFER is the trunk's to follow */
    TRANSFER_OVER
};

struct transfer {
    struct call *call;
    uint8_t state;         /* enum transfer_state: transfer_enter() */
    struct leg *leg;       /* calling: the new one; leaving: the old one */
    struct sip_msg *early; /* the new one's 18x with a description, for a 200 without */
    struct addr addr;      /* where it was called */
    uint8_t hold_said;     /* in the offer to it */
    bool attended, silent, ringing;
    uint32_t id; /* of the subscription; 0: it needs none (RFC 3515 2.4.6) */
    char to[PARTY_MAX];
    struct tmr tmr;
};

enum transfer_result { TRANSFER_DONE, TRANSFER_REFUSED, TRANSFER_ABANDONED };

/* NULL: no memory. Freeing it (with its call) tells whoever waits for its end, and ends its leg. */
struct transfer *transfer_new(struct call *c, const struct refer *r);
void transfer_enter(struct transfer *t, enum transfer_state to);
/* It is the call's no more, and freed. */
void transfer_over(struct transfer *t);
void transfer_count(const struct transfer *t, enum transfer_result r);
void transfer_count_replaces(enum transfer_result r);
/* To the log and the trace. */
void transfer_say(struct call *c, const char *to, const char *what, unsigned code);
/* It has come to a good end: the record says so, however the call ends. */
void transfer_done(struct call *c, const char *to, const char *what);
/* One more state of the new call for whoever sent REFER, as RFC 3515 2.4.5 says it; the last from 200 on. */
void transfer_notify(const struct transfer *t, struct leg *leg, unsigned code, const char *phrase);
/* Answers a REFER that cannot be followed, and is true then. */
bool transfer_refused(struct call *c, struct leg *leg, const struct sip_msg *msg, struct refer *r);
/* Where the call's trunk takes requests outside of dialogs; what it calls from may be another port. AF_UNSPEC: nowhere. */
struct addr transfer_trunk_addr(const struct call *c);
/*
 * A leg, which said this (answer: to our offer), is the call's instead of *old, which is the caller's then. ENOENT without answer: it
 * said nothing, and has become it all the same; any other error: nothing has changed.
 */
int transfer_take_over(struct call *c, struct leg *leg, const struct sip_msg *msg, bool answer, struct sdp *s,
                       struct leg **old);

#endif

/* call/callpriv: shared by call*.c only. Owner: signalling thread. */
#ifndef CALL_CALLPRIV_H
#define CALL_CALLPRIV_H

#include "call/call.h"
#include "call/callfsm.h"
#include "call/callhdr.h"
#include "dialog/leg.h"
#include "call/sdp.h"
#include "core/table.h"

enum {
    CALL_TRIES_MAX = 8,
    CALL_TRUNK_BUDGET_MS =
        3600, /* all trunks together, until the agent gets 503; unless call.trunk_seconds is set */
    CALL_TRY_MIN_MS = 700, /* for each one tried: its INVITE goes twice (RFC 3261 17.1.1.2: T1 is 500 ms) */
    CALL_BROWSER_SILENT_MS = 5000, /* a browser that lives says 100 at once */
    CALL_LOST_MS = 30000,          /* for a browser to come back, after the 30 s that its consent lasted */
    CALL_RING_MAX_MS = 180000,     /* timer C: nobody waits longer for a final answer */
    CALL_SESSION_S = 1800,         /* session timer that a trunk is asked for; what RFC 4028 7.1 recommends */
    CALL_MEDIA_END_MS = 5000       /* the media's last figures; then the CDR goes without */
};

struct calls {
    struct calls_config cfg;
    struct legs *legs;
    struct list calll;
    struct table *by_path; /* of struct call, by path id */
    size_t live;           /* not yet ending */
    uint16_t serial;       /* orders calls of one millisecond */
    bool draining;
};

struct call {
    struct le le;
    uint64_t start_ms; /* monotonic; its wall time is cdr.start_ms */
    struct calls *calls;
    uint8_t state; /* enum call_state: call_move() */
    struct cdr cdr;
    char label[112];
    enum dn_codec dn_codec;
    bool withheld;     /* who calls does not want to be known */
    char instance[96]; /* of the browser: the one that may take the call over on a new connection */
    struct leg *agent, *trunk;
    struct tmr tmr;

    struct media_path *path;
    uint32_t path_id;
    struct media_local local;
    uint64_t sdp_id;

    struct media_browser browser;
    enum media_dir agent_dir; /* as the browser says it */

    struct addr trunk_addr;
    struct sdp_order order;
    struct sdp *trunk_lines; /* of its dialog, when it has more than the one m= line */
    struct media_trunk tm;   /* what the media has of the trunk: call_trunk_known() */

    struct trunk_target tries[CALL_TRIES_MAX]; /* outbound: in the order they are tried */
    size_t try_count, try_next;
    uint64_t tries_until_ms; /* monotonic */
    struct buf hdrs;         /* outbound: what the agent's INVITE passes on */
};

/* --- call.c --- */
int call_new(struct call **cp, struct calls *cs, enum cdr_direction dir);
void call_move(struct call *c, enum call_state to);
/* Both legs are answered: the record's time, the state, the log line, and what hold means from now on. */
void call_answered(struct call *c);
/* Wall time for the call's record, counted from its start: in order and true in length whatever is done to the clock meanwhile. */
int64_t call_wall_ms(const struct call *c);
size_t calls_of_dn(const struct calls *cs, const char *dn);
/* Draining, total and per-DN limit: 0 or the code to refuse with. */
uint16_t call_admit(const struct call *c, const char **phrase);
int call_media_open(struct call *c, bool controlling);
/* callhdr_pass() with the setting of now. */
int call_pass(const struct call *c, struct buf *out, const struct sip_msg *msg, enum callhdr_way way);
/* Notes the CallUUID that this message names for the record; an agent's counts if it may send one. */
void call_note_uuid(struct call *c, const struct sip_msg *msg, enum callhdr_way way);
/* "id=… dn=…", what log lines of the call begin with; valid while c is. */
const char *call_label(struct call *c);

/* --- callend.c --- */
struct call_refusal { /* what an INVITE or a request within a dialog is refused with */
    uint16_t code;
    const char *phrase;
    char hdrs[192];
};
/* Ends a call that is not taken. */
void call_refused(struct call *c, const struct call_refusal *r);
/* The end, whoever wants it: tells the legs that are left, closes the media, fills the CDR. Once. */
void call_end(struct call *c, enum cdr_party by, uint16_t code, const char *phrase, const char *hdrs);
/* The gateway's own wish: with a Reason header made of it. */
void call_abort(struct call *c, uint16_t code, const char *text);
/* A description cannot be served (err: call_refusal()): 488 with Warning for who still waits for an answer, BYE with Reason else. */
void call_abort_sdp(struct call *c, int err, const char *text);
/* leg_accept() of the call's INVITE failed: answers it, unless that has (EACCES: 422), and ends the call. */
void call_not_accepted(struct call *c, const struct sip_msg *msg, int err);
/* A leg ended: passes it on to the other. */
void call_leg_ended(struct call *c, enum cdr_party by, const struct leg_ended *end);
/* The last figures came, or (NULL) are not waited for: writes the CDR of an ended call and frees it. */
void call_media_ended(struct call *c, const struct media_event *ev);

/* --- callsdp.c: SDP of this call --- */
enum media_codec call_want(const struct call *c); /* what the DN's setting wants the browser to speak */
int call_trunk_offer(struct call *c, char **sdp);
/* Takes the trunk's description and tells the media; answer: to an offer of ours. The errors of sip/body and call/sdp: ENOENT: no SDP. */
int call_trunk_take(struct call *c, const struct sip_msg *msg, bool answer, struct sdp *out);
int call_trunk_answer(struct call *c, const struct sdp *offer, char **sdp);
int call_agent_offer(struct call *c, uint64_t ws_conn, char **sdp); /* to this browser */
/* Reads the browser's description, with the same errors; call_agent_take() then tells the media. */
int call_agent_read(const struct call *c, const struct sip_msg *msg, bool offer, struct sdp *s);
int call_agent_take(struct call *c, const struct sdp *s, enum media_codec want, bool offer);
int call_agent_answer(struct call *c, const struct sdp *offer, char **sdp);
bool call_trunk_known(const struct call *c); /* it has described itself */
bool call_trunk_holds(const struct call *c);
void call_hold_update(struct call *c);

/* What there is to say about a description, or a body, that cannot be served, by the error: 488 with Warning, 415 … */
void call_refusal(struct call_refusal *r, int err);
/* What call_refusal() makes of err, as the answer to a request within a dialog. */
void call_refuse(struct leg *leg, const struct sip_msg *msg, int err);

/* --- callout.c, callin.c: the two directions --- */
void call_outbound(struct calls *cs, const struct sip_msg *msg, const struct sip_origin *o);
void call_inbound(struct calls *cs, const struct sip_msg *msg, const struct sip_origin *o);

/* --- callinfo.c: INFO within the dialogs --- */
void call_info(struct call *c, struct leg *leg, const struct sip_msg *msg);

/* --- callmid.c: requests within the dialogs --- */
void call_agent_request(struct leg *leg, const struct sip_msg *msg, void *arg);
void call_trunk_request(struct leg *leg, const struct sip_msg *msg, void *arg);
void call_trunk_reanswered(struct leg *leg, const struct sip_msg *msg, void *arg);
bool call_agent_permit(struct leg *leg, const struct sip_msg *msg, void *arg);
bool call_trunk_permit(struct leg *leg, const struct sip_msg *msg, void *arg);

#endif

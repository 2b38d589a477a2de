/*
 * dialog/leg: one SIP INVITE dialog of ours (RFC 3261 12-15) over libre's transactions. libre's sipsess is not used: it can neither put
 * headers on CANCEL and BYE, nor follow forked provisional answers, nor hand on in-dialog requests before the answer.
 *
 *   client: connect → progress… → answered (ACKed here) → ended       leg_end(): CANCEL, or BYE
 *   server: accept  → [we: progress…] → answer → confirmed → ended    leg_end(): reject, or BYE after the ACK
 *
 * A leg belongs to whoever made it until its ended handler was called or leg_end() was: then it finishes its transactions alone.
 * Owner: signalling thread.
 */
#ifndef DIALOG_LEG_H
#define DIALOG_LEG_H

#include "dialog/offer.h"
#include "sip/stack.h"
#include <re.h>
#include <stdbool.h>
#include <stdint.h>

struct legs;
struct leg;

/* Methods that a dialog of ours takes. */
#define LEG_ALLOW "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, NOTIFY, REFER, PRACK"

enum { LEGS_MAX = 16384, LEG_HDRS_MAX = 8192 };

enum leg_how {
    LEG_FAILED,    /* client: final failure, timeout or no transport; code says which */
    LEG_CANCELLED, /* server: CANCEL came; answered 487 already */
    LEG_BYE,       /* the peer hung up; answered 200 already */
    LEG_LOST       /* the dialog died: no ACK, session expired, 481/408 to a request of ours */
};

struct leg_ended {
    enum leg_how how;
    uint16_t code;
    char phrase[128];
    const struct sip_msg *msg; /* the response, CANCEL or BYE, for its headers; may be NULL */
};

struct leg_handlers {
    void (*progress)(struct leg *leg, const struct sip_msg *msg, void *arg); /* client: 100..199 */
    void (*answered)(struct leg *leg, const struct sip_msg *msg, void *arg); /* client: 2xx */
    /* An offer of ours within the dialog has its answer, or should have: the ACK of a 2xx that offered, the 2xx to a re-INVITE.
     * NULL: not of interest */
    void (*reanswered)(struct leg *leg, const struct sip_msg *msg, void *arg);
    /* leg_reoffer() was called, and nothing is open: what to offer now (libre's, taken over); NULL: it is said already. */
    char *(*describe)(struct leg *leg, void *arg);
    /* What came of it: 2xx (behind reanswered), else how it was refused; 408: no answer. True: ask once more, later. Both NULL:
     * nothing is offered, also what was due when the leg was handed over */
    bool (*reoffered)(struct leg *leg, uint16_t code, void *arg);
    void (*request)(struct leg *leg, const struct sip_msg *msg,
                    void *arg); /* in-dialog: answer with leg_reply() */
    void (*ended)(struct leg *leg, const struct leg_ended *end, void *arg);
    bool (*permit)(struct leg *leg, const struct sip_msg *msg,
                   void *arg); /* may its sender speak in this dialog? else 403 */
};

/* An INVITE that opens a dialog; take it with leg_accept() or answer it with sip_treply(). */
typedef void(legs_invite_h)(const struct sip_msg *msg, void *arg);

int legs_alloc(struct legs **lp, struct sip_stack *st, legs_invite_h *h, void *arg);
/* Drops every leg without a word; transactions are given up. */
void legs_free(struct legs *ls);
size_t legs_count(const struct legs *ls);

/* Where a leg's requests go: a browser's connection, or an address. */
struct leg_route {
    uint64_t ws_conn; /* 0 = not a browser */
    enum sip_transp tp;
    struct addr addr;
};

struct leg_config {
    const char *label; /* what its log lines begin with: "id=… dn=…"; copied */
    struct leg_route route;
    const char *contact;             /* our Contact URI */
    const char *ruri;                /* client: request URI and To */
    const char *from_uri;            /* client */
    const char *from_name;           /* client: "" = none; quotes must have been taken out */
    const char *username, *password; /* client: credentials for 401/407; "" = none */
    uint32_t
        session_s; /* client: session timer to ask for (RFC 4028), 90 or more; 0 = none, unless the peer wants one */
};

/* Sends an INVITE. hdrs: complete header lines or ""; sdp: the offer. */
int leg_connect(struct leg **lp, struct legs *ls, const struct leg_config *cfg, const char *hdrs,
                const char *sdp, const struct leg_handlers *h, void *arg);
/* Takes an INVITE and sends 100. EBADMSG (no Contact), ENOSPC: not answered then; EACCES: answered (422). */
int leg_accept(struct leg **lp, struct legs *ls, const struct leg_config *cfg, const struct sip_msg *msg,
               const struct leg_handlers *h, void *arg);
/* sdp NULL = none; the 2xx then repeats the one that a provisional response had. */
int leg_progress(struct leg *leg, uint16_t code, const char *phrase, const char *hdrs, const char *sdp);
/* The next leg_progress() has to have our offer: RFC 3262 5. */
bool leg_must_offer(const struct leg *leg);
/* A description that a reliable 18x, and its PRACK, settled is not said again. It may go later: when the PRACK has come. */
int leg_answer(struct leg *leg, const char *hdrs, const char *sdp);
/*
 * Ends it the way its state asks for: server before the answer: rejects with code and phrase; client before the answer: CANCEL; else
 * BYE. A client that heard nothing yet may not send CANCEL (RFC 3261 9.1): its INVITE is sent no more from now on, and for
 * 32 s a late 1xx gets the CANCEL, a late 2xx ACK and BYE. hdrs goes with it (Reason: …). No handler is called any more; leg is not the caller's any more.
 */
void leg_end(struct leg *leg, uint16_t code, const char *phrase, const char *hdrs);
/*
 * There is something new to say of our media: a re-INVITE goes as soon as no exchange of either side is open; what it offers is asked
 * for then, so that what was wanted last wins. 491 waits as RFC 3261 14.1 says.
 */
void leg_reoffer(struct leg *leg);
/* Sends a request in the dialog (also an early one). resph may be NULL. EINVAL when there is no dialog yet. */
int leg_request(struct leg *leg, const char *method, const char *hdrs, const char *ctype, const char *body,
                sip_resp_h *resph, void *arg);
/*
 * Sends a request of another leg's peer on to this one's, with hdrs, ctype and body of the caller's; the final answer that comes goes
 * back, so that the request needs no other (401, 407, 408 and 481, which are about our own dialog, as 500). refusedh (may be NULL), if
 * to is still the caller's, may do something else about a refusal: true = answer 200.
 * EINVAL: there is no dialog; ENOSPC: too many under way: the request is not answered then.
 */
typedef bool(leg_refused_h)(const struct sip_msg *msg, void *arg);
int leg_relay(struct leg *to, const struct sip_msg *msg, const char *hdrs, const char *ctype,
              const char *body, leg_refused_h *refusedh, void *arg);
/* Answers a request given to the request handler; body with ctype, or NULL. */
int leg_reply(struct leg *leg, const struct sip_msg *msg, uint16_t code, const char *phrase, const char *hdrs,
              const char *ctype, const char *body);
/* The browser came back on another connection. */
void leg_move(struct leg *leg, uint64_t ws_conn);

/* It carries a session description. */
bool leg_describes(const struct sip_msg *msg);
/* Whose offer is open in the dialog, and what was said of it. */
struct offer *leg_offer(struct leg *leg);
/* The number for the o= line of our next description; NULL: for the INVITE that is to open the dialog. */
uint32_t leg_sdp_version(const struct leg *leg);
const char *leg_callid(const struct leg *leg);
/* A dialog as others name it: its own Call-ID and tags, for Replaces (RFC 3891), and where its requests go. */
enum { LEG_NAME_MAX = 512 };
/* "CALL-ID;to-tag=…;from-tag=…" as the peer reads it: to-tag is its own. EINVAL: no dialog; EMSGSIZE. */
int leg_name(const struct leg *leg, char *buf, size_t sz);
const char *leg_target(const struct leg *leg); /* the peer's Contact; NULL: no dialog */
/* The leg whose dialog this is; the tags are ours and the peer's. NULL: there is none. */
struct leg *legs_named(const struct legs *ls, const char *callid, const char *local_tag,
                       const char *remote_tag);
/* Answered, and not ending. */
bool leg_is_up(const struct leg *leg);
/* It has another owner from now on. */
void leg_hand_over(struct leg *leg, const struct leg_handlers *h, void *arg);

bool leg_takes_refer(const struct leg *leg); /* its last Allow had it */
bool leg_lists_info(const struct leg *leg);  /* its last Allow had it; and it answers */
bool leg_takes_info(const struct leg *leg);  /* its last Allow had it, or there was none; and it answers */
uint64_t leg_conn(const struct leg *leg);

#endif

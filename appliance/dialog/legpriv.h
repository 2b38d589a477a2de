/* dialog/legpriv: shared by leg*.c only. */
#ifndef DIALOG_LEGPRIV_H
#define DIALOG_LEGPRIV_H

#include "core/fsm.h"
#include "dialog/leg.h"
#include "sip/authclient.h"
#include <re-private/sip.h>

enum leg_state {
    LEG_CALLING,    /* client: INVITE sent, nothing came */
    LEG_PROCEEDING, /* client: 1xx came */
    LEG_INCOMING,   /* server: no final answer yet */
    LEG_ANSWERED,   /* server: 2xx sent, no ACK yet */
    LEG_CONFIRMED,
    LEG_DEAD /* waits for its last transactions */
};

enum { LEG_HASH = 1024, LEG_TXS_MAX = 32, LEG_LINGER_MS = 32000, SESSION_EXPIRES_MIN = 90 };

struct legs {
    struct sip_stack *st;
    struct sip *sip;
    struct hash *ht; /* of struct leg, by Call-ID; holds one reference */
    struct sip_lsnr *lsnr_cancel, *lsnr_req, *lsnr_late, *lsnr_resp;
    legs_invite_h *inviteh;
    void *arg;
    size_t count;
    bool closing;
};

struct leg {
    char label[112]; /* its log lines begin so */
    struct le he;
    struct legs *legs;
    const struct leg_handlers *h; /* NULL: given up by its owner */
    void *arg;
    uint8_t state; /* enum leg_state: leg_enter() */
    struct leg_route route;
    struct addr held
        [2]; /* admitted while it lives: its trunk's address, and that of the Contact or Route it sends to */
    struct sa dst; /* of requests */
    enum sip_transp tp;
    char *contact;
    struct authclient *auth; /* NULL: we have no credentials */

    struct sip_dialog *half; /* client: as the INVITE opened it; every To-tag forks from it */
    struct sip_dialog *dlg;
    struct list txl;       /* struct leg_tx: our requests under way */
    struct leg_tx *invite; /* client */
    struct mbuf *ack;      /* for retransmitted 2xx */
    struct sa ack_dst;
    enum sip_transp ack_tp;
    char *end_hdrs; /* with CANCEL or BYE */
    bool cancelled; /* CANCEL was sent */
    bool ending;    /* leg_end() while the final answer or the ACK is outstanding */
    uint64_t invite_ms;
    struct tmr tmr; /* gives up waiting for the end of a cancelled INVITE */

    struct sip_strans *strans; /* server: the INVITE */
    struct sip_msg *msg;
    struct sip_msg *cancel;
    struct list replyl; /* struct leg_2xx waiting for their ACK */

    uint32_t expires,
        expires_was; /* session timer (RFC 4028), seconds; 0 = none; was: before the request in hand */
    bool we_refresh, we_refresh_was;
    struct tmr tmr_session;
};

struct leg_tx { /* a client transaction of a leg */
    struct le le;
    struct leg *leg;
    struct sip_ctrans *ct;
    struct sip_dialog *dlg;
    char *met, *branch;
    struct mbuf *tail; /* headers and body after the dialog's */
    struct mbuf *sent; /* the whole request */
    sip_resp_h *resph;
    void *arg;
    bool retried[2]; /* after a 401, after a 407 */
};

struct leg_2xx { /* a 2xx to INVITE, sent again until its ACK comes (RFC 3261 13.3.1.4) */
    struct le le;
    struct tmr tmr, tmr_again;
    struct leg *leg;
    struct mbuf *mb;
    struct sip_msg *msg;
    struct sa dst;
    uint32_t txc;
};

int leg_new(struct leg **lp, struct legs *ls, enum leg_state state, const struct leg_config *cfg,
            const struct leg_handlers *h, void *arg);
void leg_enter(struct leg *leg, enum leg_state to);
void leg_hash(struct leg *leg, const char *callid);
/* Tells the owner, once. The caller holds a reference. */
void leg_tell_ended(struct leg *leg, enum leg_how how, uint16_t code, const char *phrase,
                    const struct sip_msg *msg);
/* Frees the leg when nothing is outstanding. */
void leg_settle(struct leg *leg);
int leg_bye(struct leg *leg);
struct leg *legs_find(const struct legs *ls, const struct sip_msg *msg);

int leg_tx_send(struct leg *leg, struct sip_dialog *dlg, const char *met, struct mbuf *tail,
                sip_resp_h *resph, void *arg, struct leg_tx **txp);
int leg_tail(struct mbuf **mbp, const struct leg *leg, const char *hdrs, const char *ctype, const char *body);
void leg_send_ack(struct leg *leg, struct sip_dialog *dlg, uint32_t cseq, bool keep);
int leg_send_cancel(struct leg *leg);
void leg_invite_resp(int err, const struct sip_msg *msg, void *arg);
/* A 2xx to our INVITE from another branch of a fork: ACK and BYE. */
void leg_refuse_fork(struct leg *leg, const struct sip_msg *msg);

bool leg_cancel_seen(const struct sip_msg *msg, void *arg);
bool leg_request_h(const struct sip_msg *msg, void *arg);
bool leg_late_seen(const struct sip_msg *msg, void *arg);
bool leg_response_h(const struct sip_msg *msg, void *arg);
/* What this address sends in the dialog gets through, whatever becomes of its trunk. */
void leg_hold(struct leg *leg, const struct addr *a);
void leg_hold_target(struct leg *leg);

/* A second of the session timer in ms; tests make it shorter, before the thread starts. */
extern uint32_t leg_timer_second;

/* Session timer. Takes the terms of an INVITE, UPDATE or 2xx; refused: 422 was answered. */
bool leg_timer_terms(struct leg *leg, const struct sip_msg *msg);
/* The request was refused: what held before it holds. */
void leg_timer_restore(struct leg *leg);
void leg_timer_start(struct leg *leg);
int leg_timer_print(struct re_printf *pf, const struct leg *leg);

#endif

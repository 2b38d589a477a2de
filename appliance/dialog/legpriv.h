/* dialog/legpriv: the inside of a leg, for leg*.c only. */
#ifndef DIALOG_LEGPRIV_H
#define DIALOG_LEGPRIV_H

#include "core/fsm.h"
#include "dialog/leg.h"
#include "dialog/legtimer.h"
#include "sip/authclient.h"
#include <re-private/sip.h>

enum leg_state {
    LEG_CALLING,    /* client: INVITE sent, nothing came */
    LEG_PROCEEDING, /* client: 1xx came */
    LEG_GIVEN_UP, /* client: its owner ended it before anything came: sent no more, a late answer is undone */
    LEG_INCOMING, /* server: no final answer yet */
    LEG_ANSWERED, /* server: 2xx sent, no ACK yet */
    LEG_CONFIRMED,
    LEG_DEAD /* waits for its last transactions */
};

enum { LEG_HASH = 1024, LEG_TXS_MAX = 32, LEG_LINGER_MS = 32000 };

struct legs {
    struct sip_stack *st;
    struct sip *sip;
    struct hash *ht; /* of struct leg, by Call-ID; holds one reference */
    struct sip_lsnr *lsnr_cancel, *lsnr_req, *lsnr_resp;
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
    struct list txl;         /* struct leg_tx: our requests under way */
    struct leg_tx *invite;   /* client: the one that opened the dialog */
    struct leg_tx *reinvite; /* one of ours within the dialog */
    sip_resp_h *reinvite_resph;
    struct mbuf *ack; /* for retransmitted 2xx */
    uint32_t ack_cseq;
    struct sa ack_dst;
    enum sip_transp ack_tp;
    struct offer offer;
    bool client; /* we made the Call-ID */
    struct {     /* what the peer's last Allow said */
        bool seen, update, info;
    } allow;
    char *end_hdrs; /* with CANCEL or BYE */
    bool cancelled; /* CANCEL was sent */
    bool ending;    /* leg_end() while the final answer or the ACK is outstanding */
    struct tmr tmr; /* gives up waiting for the end of a cancelled INVITE */

    struct sip_strans *strans; /* server: the INVITE */
    struct sip_msg *msg;
    struct sip_msg *cancel;
    struct list replyl; /* struct leg_2xx waiting for their ACK */

    struct leg_timer timer, timer_was; /* was: before the request in hand */
    uint32_t timer_again_s;            /* until a refresh that failed is tried again */
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
    struct leg_relay *relay; /* who asked for it; NULL: we did */
    bool retried[2];         /* after a 401, after a 407 */
    unsigned raised;         /* times that a 422 made it ask for a longer session */
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
/* A request to the address, and with the branch, of another that we sent: its CANCEL or ACK (RFC 3261 9.1, 17.1.1.3). */
int leg_tx_hop(struct leg *leg, const struct leg_tx *tx, const char *met, const struct pl *to);
/* Notes what the peer says it allows. */
void leg_learn(struct leg *leg, const struct sip_msg *msg);
/* It carries a session description. */
bool leg_describes(const struct sip_msg *msg);

int leg_send_cancel(struct leg *leg);
/* The INVITE goes no more. leg_given_up() undoes what still comes of it: CANCEL, ACK, or ACK and BYE. */
void leg_give_up(struct leg *leg);
void leg_given_up(struct leg *leg, const struct sip_msg *msg);
/* Our description as it is, once more (RFC 3261 14.1). EAGAIN while an INVITE of either side is open; ENOENT: there is none. */
int leg_reinvite(struct leg *leg, sip_resp_h *resph);
/* A 2xx to our INVITE from another branch of a fork: ACK and BYE. */
void leg_refuse_fork(struct leg *leg, const struct sip_msg *msg);

bool leg_cancel_seen(const struct sip_msg *msg, void *arg);
bool leg_request_h(const struct sip_msg *msg, void *arg);
bool leg_response_h(const struct sip_msg *msg, void *arg);
/* What this address sends in the dialog gets through, whatever becomes of its trunk. */
void leg_hold(struct leg *leg, const struct addr *a);
void leg_hold_target(struct leg *leg);
/* A target refresh (RFC 3261 12.2): requests go to this Contact from now on. */
void leg_retarget(struct leg *leg, const struct sip_msg *msg);

#endif

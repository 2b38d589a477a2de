/*
 * dialog/legpriv: the inside of a leg, for the files of dialog/ only. They stand on each other in this order:
 *
 *   legs     all legs, what libre shows them
 *   legin    the server's half, and what comes in a dialog
 *   legend   the end          legrelay  requests of others
 *   legprack   provisional responses that must arrive
 *   leginvite  the INVITE of ours that opens a dialog
 *   legtimer   refreshing, or waiting for it
 *   legreinvite  re-INVITEs of ours
 *   legtx    requests of ours
 *   leg      one leg          legterms  RFC 4028 in headers
 *   legroute   where its messages go   offer  whose offer is open
 */
#ifndef DIALOG_LEGPRIV_H
#define DIALOG_LEGPRIV_H

#include "core/fsm.h"
#include "dialog/leg.h"
#include "dialog/legclock.h"
#include "dialog/legterms.h"
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

enum { LEG_HASH = 1024, LEG_LINGER_S = 32 };

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
    bool reinvite_heard;     /* it has its 1xx, so that it may be cancelled */
    bool reinvite_cancelled; /* and was */
    struct tmr tmr_reinvite; /* for its final answer */
    uint8_t reoffer;         /* enum leg_reoffer_state: legreinvite.c */
    uint8_t reoffer_tries;   /* refused so often, one after the other */
    struct tmr tmr_reoffer;  /* until the next one */
    struct mbuf *ack;        /* for retransmitted 2xx */
    uint32_t ack_cseq;
    struct sa ack_dst;
    enum sip_transp ack_tp;
    struct offer offer;
    bool client; /* we made the Call-ID */
    struct {     /* what the peer's last Allow said */
        bool seen, update, info, refer;
        bool info_unheard; /* one of ours had no answer: no more of them */
    } allow;
    char *end_hdrs;    /* with CANCEL or BYE */
    bool cancelled;    /* CANCEL was sent */
    bool ending;       /* leg_end() while the final answer or the ACK is outstanding */
    struct tmr tmr;    /* client: gives up waiting for the end of a cancelled INVITE; server: rung again */
    struct mbuf *rung; /* server: our last 18x */
    uint32_t rung_ms;  /* until it goes again */

    struct sip_strans *strans; /* server: the INVITE */
    struct sip_msg *msg;
    struct sip_msg *cancel;
    struct list replyl;      /* struct leg_2xx waiting for their ACK */
    struct leg_rel_out *rel; /* server: the INVITE requires 100rel */
    uint32_t rseq;           /* client: of the last 18x in this dialog that got its PRACK */
    struct sip_msg *parked;  /* a re-INVITE that overtook the ACK with the answer to our offer */
    struct tmr tmr_parked;

    struct leg_terms terms, terms_was; /* session timer; was: before the request in hand */
    uint32_t timer_again_s;            /* until a refresh that failed is tried again */
    struct tmr tmr_session;
};

/* --- leg.c --- */
int leg_new(struct leg **lp, struct legs *ls, enum leg_state state, const struct leg_config *cfg,
            const struct leg_handlers *h, void *arg);
/* Moves it (core/fsm). */
void leg_enter(struct leg *leg, enum leg_state to);
/* Found by its Call-ID from now on; the table holds the reference that leg_settle() drops. */
void leg_hash(struct leg *leg, const char *callid);
/* Notes what the peer says it allows. */
void leg_learn(struct leg *leg, const struct sip_msg *msg);
/* Tells the owner, once. The caller holds a reference. */
void leg_tell_ended(struct leg *leg, enum leg_how how, uint16_t code, const char *phrase,
                    const struct sip_msg *msg);
/* Frees the leg when it is dead and nothing is outstanding. */
void leg_settle(struct leg *leg);

/* --- legroute.c --- */
int leg_route_set(struct leg *leg);
/* The next hop of a dialog: a browser's connection; else the first Route or the Contact when it is an address, else the trunk. */
void leg_next_hop(const struct leg *leg, const struct sip_dialog *dlg, enum sip_transp *tp, struct sa *dst);
/* What that address sends in the dialog gets through, whatever becomes of its trunk. */
void leg_hold_target(struct leg *leg);
/* A target refresh (RFC 3261 12.2): requests go to this Contact from now on. */
void leg_retarget(struct leg *leg, const struct sip_msg *msg);

/* --- legreinvite.c --- */
/* Our description as it is, once more (RFC 3261 14.1). EAGAIN while an INVITE of either side is open; ENOENT: there is none. */
int leg_reinvite(struct leg *leg, sip_resp_h *resph);
/* Something has ended: sends the re-INVITE that waited for it, if one does. */
void leg_reoffer_go(struct leg *leg);
/* How long who got 491 waits: who made the Call-ID longer (RFC 3261 14.1), in steps of 10 ms. */
uint64_t leg_glare_ms(const struct leg *leg);

#endif

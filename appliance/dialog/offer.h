/*
 * dialog/offer: the offer/answer exchange of one dialog (RFC 3264; RFC 6337 says which message may carry what): whose offer is open,
 * what one that comes now gets, and the number of our next description in its o= line. The leg tells it every message; it knows no SDP.
 *
 *            out        18x               answer
 *   none ──────────► sent ──► previewed ─────────► agreed     ours: in INVITE, or in the 2xx to an INVITE without one
 *    │                │            │                 │ ▲
 *    │       in       │ refused, or no answer: back  │ │
 *    └──────────► received ──► given ────────────────┼─┘      theirs: in INVITE or UPDATE
 *                              18x        2xx        └─► sent, received: the next one
 *
 * Owner: the signalling thread, as its leg.
 */
#ifndef DIALOG_OFFER_H
#define DIALOG_OFFER_H

#include <stdbool.h>
#include <stdint.h>

enum offer_state {
    OFFER_NONE, /* nothing was ever agreed */
    OFFER_SENT, /* ours is open */
    OFFER_PREVIEWED, /* ours is open; an unreliable 18x told the answer, which the 2xx may leave out (RFC 3261 13.2.1) */
    OFFER_RECEIVED, /* theirs is open */
    OFFER_GIVEN,    /* theirs is open; our answer went in an unreliable 18x, and the 2xx repeats it */
    OFFER_AGREED    /* none is open, and a session is agreed */
};

enum offer_msg {
    OFFER_REQUEST,
    OFFER_PROVISIONAL,
    OFFER_RELIABLE /* 18x with PRACK: RFC 3262 5 */,
    OFFER_SUCCESS,
    OFFER_REFUSAL,
    OFFER_ACK
};

struct offer {
    const char *label; /* of its leg, for the log */
    uint8_t state;     /* enum offer_state: offer_in(), offer_out() */
    bool agreed;       /* once: where a refused offer leads back to */
    uint32_t version;  /* of our last description */
    char *ours;        /* that description */
    void *theirs;      /* offer_keep() */
};

void offer_init(struct offer *o, const char *label);
void offer_reset(struct offer *o);
/* A message went out, with this description or (NULL) without. Only what belongs to an INVITE, or to an UPDATE with an offer, counts. */
void offer_out(struct offer *o, enum offer_msg m, const char *sdp);
/* One came, with a description or without. */
void offer_in(struct offer *o, enum offer_msg m, bool sdp);

bool offer_is_ours(const struct offer *o);   /* we wait for an answer */
bool offer_is_theirs(const struct offer *o); /* they do */
/* What an offer that comes now gets (RFC 3311 5.2, RFC 3261 14.2): 0, 491 while ours is open, 500 with Retry-After while theirs is. */
uint16_t offer_crosses(const struct offer *o);

/* The number for our next description: one more than the last one's (RFC 3264 8). */
uint32_t offer_version(const struct offer *o);
/* What the owner makes of their offer (a libre object, whose reference is taken over), until our answer goes. */
void offer_keep(struct offer *o, void *theirs);

#endif

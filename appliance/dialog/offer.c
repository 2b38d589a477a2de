/* dialog/offer: see offer.h. */
#include "dialog/offer.h"
#include "core/fsm.h"
#include <re.h>
#include <string.h>

static const struct fsm_state states[] = {
    [OFFER_NONE] = {"none", FSM(OFFER_SENT) | FSM(OFFER_RECEIVED)},
    [OFFER_SENT] = {"sent", FSM(OFFER_PREVIEWED) | FSM(OFFER_AGREED) | FSM(OFFER_NONE)},
    [OFFER_PREVIEWED] = {"previewed", FSM(OFFER_AGREED) | FSM(OFFER_NONE)},
    [OFFER_RECEIVED] = {"received", FSM(OFFER_GIVEN) | FSM(OFFER_AGREED) | FSM(OFFER_NONE)},
    [OFFER_GIVEN] = {"given", FSM(OFFER_AGREED) | FSM(OFFER_NONE)},
    [OFFER_AGREED] = {"agreed", FSM(OFFER_SENT) | FSM(OFFER_RECEIVED)},
};

/* Nothing of theirs is kept longer than its answer takes; what was agreed once stays so. */
static bool offer_holds(unsigned state, const void *obj)
{
    const struct offer *o = obj;

    return (!o->theirs || state == OFFER_RECEIVED) && (state != OFFER_AGREED || o->agreed) &&
           (state != OFFER_NONE || !o->agreed);
}

FSM_DEFINE(machine, "offer", states, offer_holds);

static void enter(struct offer *o, enum offer_state to)
{
    o->agreed = o->agreed || to == OFFER_AGREED;
    if (to != OFFER_RECEIVED)
        o->theirs = mem_deref(o->theirs);
    (void)fsm_move(&machine, &o->state, to, o, o->label);
}

/* Refused, or not answered: what was agreed before stands (RFC 3264 8, RFC 3261 14.1). */
static void back(struct offer *o)
{
    enter(o, o->agreed ? OFFER_AGREED : OFFER_NONE);
}

void offer_init(struct offer *o, const char *label)
{
    *o = (struct offer){.label = label};
}

void offer_reset(struct offer *o)
{
    o->ours = mem_deref(o->ours);
    o->theirs = mem_deref(o->theirs);
}

/* The same text again is the same description (RFC 3264 8). */
static void said(struct offer *o, const char *sdp)
{
    if (!sdp || (o->ours && !strcmp(o->ours, sdp)))
        return;
    o->version++;
    o->ours = mem_deref(o->ours);
    (void)str_dup(&o->ours, sdp); /* without it there is no refresh by re-INVITE */
}

void offer_out(struct offer *o, enum offer_msg m, const char *sdp)
{
    const bool theirs = offer_is_theirs(o);

    said(o, sdp);

    switch (m) {

    case OFFER_REQUEST:
        if (sdp)
            enter(o, OFFER_SENT);
        break;
    case OFFER_PROVISIONAL:
        if (sdp && theirs)
            enter(o, OFFER_GIVEN);
        break;
    case OFFER_RELIABLE:
    case OFFER_SUCCESS:
        if (sdp && !offer_crosses(o))
            enter(o, OFFER_SENT); /* the request asked for it */
        else if (theirs && (sdp || (o->state == OFFER_GIVEN && m == OFFER_SUCCESS)))
            enter(o, OFFER_AGREED);
        break;
    case OFFER_REFUSAL:
        if (theirs)
            back(o);
        break;
    case OFFER_ACK: /* we never ask for an offer */
        break;
    }
}

void offer_in(struct offer *o, enum offer_msg m, bool sdp)
{
    const bool ours = offer_is_ours(o);

    switch (m) {

    case OFFER_REQUEST:
        if (sdp)
            enter(o, OFFER_RECEIVED);
        break;
    case OFFER_PROVISIONAL:
        if (sdp && ours)
            enter(o, OFFER_PREVIEWED);
        break;
    case OFFER_RELIABLE:
        if (sdp && ours)
            enter(o, OFFER_AGREED);
        break;
    case OFFER_SUCCESS:
    case OFFER_ACK:
        if (ours && (sdp || o->state == OFFER_PREVIEWED))
            enter(o, OFFER_AGREED);
        else if (ours)
            back(o);
        break;
    case OFFER_REFUSAL:
        if (ours)
            back(o);
        break;
    }
}

bool offer_is_ours(const struct offer *o)
{
    return o->state == OFFER_SENT || o->state == OFFER_PREVIEWED;
}

bool offer_is_theirs(const struct offer *o)
{
    return o->state == OFFER_RECEIVED || o->state == OFFER_GIVEN;
}

uint16_t offer_crosses(const struct offer *o)
{
    return offer_is_ours(o) ? 491 : offer_is_theirs(o) ? 500 : 0;
}

uint32_t offer_version(const struct offer *o)
{
    return o->version + 1;
}

void offer_keep(struct offer *o, void *theirs)
{
    mem_deref(o->theirs);
    o->theirs = theirs;
}

#include "call/callrefer.h"
#include "call/callend.h"
#include "call/callhold.h"
#include "call/callmid.h"
#include "call/callout.h"
#include "call/transfer.h"
#include "core/log.h"
#include <string.h>

enum { LEAVE_MS = 2000 }; /* for a transferor that knows of its success to hang up */

/* --- the new leg --- */

/* Our offer in a dialog of its own: its m= lines and o= begin anew. */
static int offer_anew(struct call *c, char **offer, uint8_t *hold)
{
    struct sdp *lines = c->trunk_lines;
    const uint8_t said = c->hold_said;
    struct leg *trunk = c->trunk;
    int err;

    c->trunk = NULL;
    c->trunk_lines = NULL;
    err = call_trunk_offer(c, offer);
    *hold = c->hold_said;
    c->trunk = trunk;
    c->trunk_lines = lines;
    c->hold_said = said;
    return err;
}

/* It hangs up when it has heard (RFC 5589 6.1), or is hung up. */
static void leave_h(void *arg)
{
    transfer_over(arg);
}

static const struct leg_handlers leaving_handlers;

/* What the new leg says with its answer; a 18x may have said it. */
static int new_describes(struct call *c, struct leg *leg, const struct sip_msg *msg, struct leg **old)
{
    struct sip_msg *early = c->transfer->early;
    const struct addr was = c->trunk_addr;
    struct sdp s;
    int err;

    c->trunk_addr = c->transfer->addr;
    err = transfer_take_over(c, leg, msg, true, &s, old);
    if (err == ENOENT && early)
        err = transfer_take_over(c, leg, early, true, &s, old);
    if (err)
        c->trunk_addr = was;
    return err;
}

/* The new leg takes no part in the call. */
static void new_unfit(struct call *c, int err)
{
    struct transfer *t = c->transfer;
    struct leg *leg = t->leg;

    transfer_count(t, TRANSFER_REFUSED);
    transfer_say(c, t->to, "failed: no usable answer", 488);
    if (t->state == TRANSFER_ALONE) {
        transfer_over(t);
        call_abort_sdp(c, err, "Transfer: no usable answer");
        return;
    }
    transfer_notify(t, c->trunk, 488, "Not Acceptable Here");
    t->leg = NULL;
    leg_end(leg, 488, "", "Reason: SIP;cause=488\r\n");
    transfer_over(t);
}

static void new_answered_h(struct leg *leg, const struct sip_msg *msg, void *arg)
{
    struct call *c = arg;
    struct transfer *t = c->transfer;
    struct leg *old = NULL;
    int err;

    tmr_cancel(&t->tmr);
    err = new_describes(c, leg, msg, &old);
    if (err) {
        new_unfit(c, err);
        return;
    }
    leg_hand_over(leg, &call_trunk_talking, c);
    call_hold_said(c, (enum media_dir)t->hold_said);
    call_hold_agreed(c);
    call_note_uuid(c, msg, CALLHDR_TO_AGENT);
    transfer_done(c, t->to, "done");
    transfer_count(t, TRANSFER_DONE);
    call_hold_update(c);
    if (t->state == TRANSFER_ALONE) {
        transfer_over(t);
    } else {
        t->leg = old;
        leg_hand_over(old, &leaving_handlers, c);
        transfer_enter(t, TRANSFER_LEAVING);
        transfer_notify(t, old, 200, "OK");
        tmr_start(&t->tmr, LEAVE_MS, leave_h, t);
    }
    call_hold_tell(c);
}

static void new_progress_h(struct leg *leg, const struct sip_msg *msg, void *arg)
{
    struct call *c = arg;
    struct transfer *t = c->transfer;
    char phrase[REFER_PHRASE_MAX];
    struct sdp s;

    (void)leg;
    if (msg->scode == 100)
        return;
    if (leg_describes(msg)) {
        mem_deref(t->early);
        t->early = mem_ref((void *)msg);
    }
    if (t->state == TRANSFER_ALONE) {
        if (!call_trunk_take(c, msg, true, &s))
            (void)media_path_tone(c->path, MEDIA_TONE_NONE);
        else if (msg->scode == 180)
            (void)media_path_tone(c->path, MEDIA_TONE_RINGBACK);
    } else if (!t->ringing) {
        party_text(phrase, sizeof(phrase), &msg->reason, false);
        transfer_notify(t, c->trunk, msg->scode, phrase);
    }
    t->ringing = true;
}

static void new_ended_h(struct leg *leg, const struct leg_ended *end, void *arg)
{
    struct call *c = arg;
    struct transfer *t = c->transfer;

    if (!t || leg != (t->state == TRANSFER_ALONE ? c->trunk : t->leg))
        return;
    transfer_say(c, t->to, "refused", end->code);
    transfer_count(t, TRANSFER_REFUSED);
    if (t->state == TRANSFER_ALONE) {
        transfer_over(t);
        call_leg_ended(c, CDR_TRUNK, end);
        return;
    }
    t->leg = NULL;
    transfer_notify(t, c->trunk, end->code < 300 ? 487 : end->code, end->phrase[0] ? end->phrase : "Failed");
    transfer_over(t);
}

static void new_request_h(struct leg *leg, const struct sip_msg *msg, void *arg)
{
    struct call *c = arg;

    if (leg == c->trunk)
        call_trunk_request(leg, msg, c);
    else /* before the audio is there, which it could be about */
        (void)leg_reply(leg, msg, 491, "Request Pending", NULL, NULL, NULL);
}

static const struct leg_handlers new_handlers = {
    .progress = new_progress_h,
    .answered = new_answered_h,
    .reanswered = call_trunk_reanswered,
    .describe = call_hold_describe,
    .reoffered = call_hold_reoffered,
    .request = new_request_h,
    .ended = new_ended_h,
    .permit = call_trunk_permit,
};

/* What is still asked of the old leg is of no use to anybody. */
static void leaving_request_h(struct leg *leg, const struct sip_msg *msg, void *arg)
{
    (void)arg;
    (void)leg_reply(leg, msg, 481, "Transferred", NULL, NULL, NULL);
}

static void leaving_ended_h(struct leg *leg, const struct leg_ended *end, void *arg)
{
    struct call *c = arg;

    (void)end;
    if (c->transfer && c->transfer->leg == leg) {
        c->transfer->leg = NULL;
        transfer_over(c->transfer);
    }
}

static const struct leg_handlers leaving_handlers = {
    .request = leaving_request_h,
    .ended = leaving_ended_h,
    .permit = call_trunk_permit,
};

/* What the browser hears of the new leg, and nothing goes any more to who has left, nor is awaited from there. */
static void alone(struct call *c, struct transfer *t)
{
    struct sdp s;

    if (t->early && !call_trunk_take(c, t->early, true, &s))
        return;
    c->tm.dir = MEDIA_INACTIVE;
    (void)media_path_trunk(c->path, &c->tm);
    call_hold_update(c);
    if (t->ringing)
        (void)media_path_tone(c->path, MEDIA_TONE_RINGBACK);
}

bool call_refer_left(struct call *c, const struct leg *leg)
{
    struct transfer *t = c->transfer;

    if (leg != c->trunk)
        return true;
    if (!t || t->state != TRANSFER_CALLING)
        return false;
    c->trunk = t->leg;
    t->leg = NULL;
    c->trunk_addr = t->addr;
    c->hold_said = c->hold_agreed = t->hold_said;
    c->trunk_lines = mem_deref(c->trunk_lines);
    transfer_enter(t, TRANSFER_ALONE);
    alone(c, t);
    transfer_say(c, t->to, "goes on without the one who asked for it", 0);
    return true;
}

/* --- REFER of the trunk --- */

static void too_long_h(void *arg)
{
    struct transfer *t = arg;
    struct call *c = t->call;

    transfer_say(c, t->to, "given up: no answer", 408);
    transfer_count(t, TRANSFER_ABANDONED);
    if (t->state == TRANSFER_CALLING) {
        struct leg *leg = t->leg;

        t->leg = NULL;
        transfer_notify(t, c->trunk, 408, "Request Timeout");
        leg_end(leg, 408, "", "Reason: SIP;cause=408;text=\"No answer\"\r\n");
    }
    if (t->state == TRANSFER_ALONE) {
        transfer_over(t);
        call_abort(c, 408, "Transfer: no answer");
    } else {
        transfer_over(t);
    }
}

static int call_there(struct call *c, struct transfer *t, const struct refer *r)
{
    const struct trunk_peer *peer = trunks_find(c->calls->cfg.trunks, c->cdr.trunk);
    struct call_trunk_dial dial = {.leg = &t->leg, .target = r->target, .hdrs = r->hdrs, .h = &new_handlers};
    char *offer = NULL;
    int err;

    t->addr = transfer_trunk_addr(c);
    if (!peer || !addr_isset(&t->addr, true))
        return ENOENT;
    err = offer_anew(c, &offer, &t->hold_said);
    dial.sdp = offer;
    if (!err)
        err = call_trunk_invite(c, peer, &t->addr, &dial);
    mem_deref(offer);
    return err;
}

static void refer_trunk(struct call *c, struct leg *leg, const struct sip_msg *msg, struct refer *r)
{
    struct transfer *t;
    int err;

    if (transfer_refused(c, leg, msg, r))
        return;
    t = transfer_new(c, r);
    if (!t) {
        (void)leg_reply(leg, msg, 500, "Server Internal Error", NULL, NULL, NULL);
        return;
    }
    if (c->refers++)
        t->id = msg->cseq.num;
    (void)leg_reply(leg, msg, 202, "Accepted", t->silent ? "Refer-Sub: false\r\n" : NULL, NULL, NULL);
    call_note_uuid(c, msg, CALLHDR_TO_AGENT);
    err = call_there(c, t, r);
    if (err) {
        log_warn("call", "id=%s dn=%s error=\"%s\" cannot call where the trunk refers to", c->cdr.id,
                 c->cdr.dn, strerror(err));
        transfer_count(t, TRANSFER_REFUSED);
        transfer_notify(t, leg, 503, "Service Unavailable");
        mem_deref(t);
        return;
    }
    transfer_enter(t, TRANSFER_CALLING);
    c->transfer = t;
    traced_leg(c->traced, TRACE_TRUNK, leg_callid(t->leg), strlen(leg_callid(t->leg)));
    transfer_say(c, t->to, t->attended ? "asked for by the trunk, attended" : "asked for by the trunk", 202);
    transfer_notify(t, leg, 100, "Trying");
    tmr_start(&t->tmr, TRANSFER_S * 1000ull, too_long_h, t);
}

void call_refer_trunk(struct call *c, struct leg *leg, const struct sip_msg *msg)
{
    struct refer *r = mem_zalloc(sizeof(*r), NULL);

    if (r)
        refer_trunk(c, leg, msg, r);
    else
        (void)leg_reply(leg, msg, 500, "Server Internal Error", NULL, NULL, NULL);
    mem_deref(r);
}

/*
 * call/callmid: requests within the two dialogs. The trunk's hold, retrieve, new address or codec are between it and our media path;
 * the browser's are between it and our media path: neither side is ever renegotiated for the other.
 */
#include "call/callmid.h"
#include "call/callend.h"
#include "call/callhold.h"
#include "call/callevent.h"
#include "call/callinfo.h"
#include "call/callrefer.h"
#include "call/refer.h"
#include "core/log.h"
#include <errno.h>
#include <string.h>
#include <strings.h>

/* --- who may speak --- */

bool call_trunk_permit(struct leg *leg, const struct sip_msg *msg, void *arg)
{
    const struct call *c = arg;
    struct sip_origin o;

    (void)leg;
    return !sip_stack_origin(c->calls->cfg.stack, msg, &o) && o.source == SIP_FROM_TRUNK;
}

/* A browser that lost its connection in a call may come back as another one: with the DN's password, and nobody else there. */
static bool inherits(const struct call *c, const struct session *s)
{
    return (!c->session || session_state(c->session) == SESSION_LOST) &&
           session_state(s) == SESSION_SIGNED_IN && !strcmp(session_binding(s)->dn, c->cdr.dn);
}

/* The connection that the call runs on, or a new one by which its browser has come back. */
bool call_agent_permit(struct leg *leg, const struct sip_msg *msg, void *arg)
{
    struct call *c = arg;
    struct session *s;
    struct sip_origin o;

    if (sip_stack_origin(c->calls->cfg.stack, msg, &o) || o.source != SIP_FROM_AGENT)
        return false;
    if (o.ws_conn == leg_conn(leg))
        return true;
    s = registrar_session(c->calls->cfg.registrar, o.ws_conn);
    if (!s || (s != c->session && !inherits(c, s)))
        return false;
    if (s != c->session) {
        call_session_drop(c);
        call_session_take(c, o.ws_conn);
    }
    leg_move(leg, o.ws_conn);
    call_rebind_home(c);
    return true;
}

static void refuse(struct leg *leg, const struct sip_msg *msg)
{
    if (sip_event_taken(msg))
        (void)leg_reply(leg, msg, 200, "OK", NULL, NULL, NULL);
    else if (!pl_strcmp(&msg->met, "NOTIFY") || !pl_strcmp(&msg->met, "SUBSCRIBE"))
        (void)leg_reply(leg, msg, 489, "Bad Event", SIP_ALLOW_EVENTS, NULL, NULL);
    else
        (void)leg_reply(leg, msg, 405, "Method Not Allowed", "Allow: " LEG_ALLOW "\r\n", NULL, NULL);
}

/* An INVITE without SDP asks for an offer, and its ACK has the answer (RFC 3261 14.1); an UPDATE without is there for the timer. */
static void without_offer(struct leg *leg, const struct sip_msg *msg, int err, char *sdp)
{
    if (!err)
        (void)leg_reply(leg, msg, 200, "OK", "", sdp ? "application/sdp" : NULL, sdp);
    else
        (void)leg_reply(leg, msg, 500, "Server Internal Error", NULL, NULL, NULL);
    mem_deref(sdp);
}

/* --- the trunk --- */

static void trunk_offer(struct call *c, struct leg *leg, const struct sip_msg *msg)
{
    bool invite = !pl_strcmp(&msg->met, "INVITE"), held = call_trunk_holds(c);
    char *sdp = NULL;
    struct sdp s;
    int err;

    call_note_uuid(c, msg, CALLHDR_TO_AGENT);
    err = call_trunk_take(c, msg, false, &s);
    if (err == ENOENT) {
        err = invite ? call_trunk_offer(c, &sdp) : 0;
        without_offer(leg, msg, err, sdp);
        return;
    }
    if (!err)
        err = call_trunk_answer(c, &s, &sdp);
    if (err) {
        call_refuse(leg, msg, err);
        return;
    }
    if (held != call_trunk_holds(c))
        log_info("call", "id=%s dn=%s %s by the trunk", c->cdr.id, c->cdr.dn,
                 call_trunk_holds(c) ? "held" : "resumed");
    (void)leg_reply(leg, msg, 200, "OK", "", "application/sdp", sdp);
    mem_deref(sdp);
}

/*
 * What came of the answer to an offer that we made within the call. Where nothing that can be read came, what was agreed before (is
 * there such?) stands (RFC 3261 14.1); one that was read, and gives no audio, is an agreement to silence.
 */
static void reanswered(struct call *c, int err, bool before)
{
    bool nothing = err == ENOENT || err == EMEDIUMTYPE || err == EILSEQ || err == EBADMSG || err == EMSGSIZE;

    if (err && nothing && before)
        log_info("call", "id=%s dn=%s no answer to our offer: the audio stays as it is", c->cdr.id,
                 c->cdr.dn);
    else if (err)
        call_abort_sdp(c, err, "No usable answer to our offer");
}

void call_trunk_reanswered(struct leg *leg, const struct sip_msg *msg, void *arg)
{
    struct call *c = arg;
    struct sdp s;
    int err;

    (void)leg;
    if (c->state >= CALL_ENDING)
        return;
    (void)media_path_tone(c->path, MEDIA_TONE_NONE);
    err = call_trunk_take(c, msg, true, &s);
    if (!err)
        call_hold_agreed(c);
    reanswered(c, err, call_trunk_known(c));
}

void call_trunk_request(struct leg *leg, const struct sip_msg *msg, void *arg)
{
    struct call *c = arg;

    if (!pl_strcmp(&msg->met, "INVITE") || !pl_strcmp(&msg->met, "UPDATE") || !pl_strcmp(&msg->met, "PRACK"))
        trunk_offer(c, leg, msg);
    else if (!pl_strcmp(&msg->met, "INFO"))
        call_info(c, leg, msg);
    else if (!pl_strcmp(&msg->met, "REFER"))
        call_refer_trunk(c, leg, msg);
    else if (refer_is_notify(msg))
        call_refer_notify(c, leg, msg);
    else if (!pl_strcmp(&msg->met, "NOTIFY") || !pl_strcmp(&msg->met, "SUBSCRIBE"))
        call_event(c, leg, msg);
    else
        refuse(leg, msg);
}

static void trunk_ended_h(struct leg *leg, const struct leg_ended *end, void *arg)
{
    if (!call_refer_left(arg, leg))
        call_leg_ended(arg, CDR_TRUNK, end);
}

const struct leg_handlers call_trunk_talking = {
    .reanswered = call_trunk_reanswered,
    .describe = call_hold_describe,
    .reoffered = call_hold_reoffered,
    .request = call_trunk_request,
    .ended = trunk_ended_h,
    .permit = call_trunk_permit,
};

/* --- the browser --- */

static void agent_offer(struct call *c, struct leg *leg, const struct sip_msg *msg)
{
    bool invite = !pl_strcmp(&msg->met, "INVITE");
    char *sdp = NULL;
    struct sdp s;
    int err;

    err = call_agent_read(c, msg, true, &s);
    if (err == ENOENT) {
        err = invite ? call_agent_offer(c, leg_conn(leg), &sdp) : 0;
        without_offer(leg, msg, err, sdp);
        return;
    }
    if (!err)
        err = call_agent_take(c, &s, c->browser.codec, true);
    if (!err)
        err = call_agent_answer(c, &s, &sdp);
    if (err) {
        call_refuse(leg, msg, err);
        return;
    }
    c->agent_dir = s.dir;
    call_hold_update(c);
    (void)leg_reply(leg, msg, 200, "OK", "", "application/sdp", sdp);
    mem_deref(sdp);
    call_hold_tell(c); /* it does not wait for the trunk */
}

void call_agent_reanswered(struct leg *leg, const struct sip_msg *msg, void *arg)
{
    struct call *c = arg;
    struct sdp s;
    int err;

    (void)leg;
    if (c->state >= CALL_ENDING)
        return;
    err = call_agent_read(c, msg, false, &s);
    if (!err)
        err = call_agent_take(c, &s, MEDIA_NONE, false);
    if (!err) {
        c->agent_dir = s.dir;
        call_hold_update(c);
        call_hold_tell(c);
    }
    reanswered(c, err, true);
}

void call_agent_request(struct leg *leg, const struct sip_msg *msg, void *arg)
{
    struct call *c = arg;

    if (!pl_strcmp(&msg->met, "INFO")) /* also to an announcement before the answer */
        call_info(c, leg, msg);
    else if (!call_state_up(c->state) && pl_strcmp(&msg->met, "UPDATE"))
        (void)leg_reply(leg, msg, 491, "Request Pending", NULL, NULL, NULL);
    else if (!pl_strcmp(&msg->met, "INVITE") || !pl_strcmp(&msg->met, "UPDATE"))
        agent_offer(c, leg, msg);
    else if (!pl_strcmp(&msg->met, "REFER"))
        call_refer_agent(c, leg, msg);
    else
        refuse(leg, msg);
}

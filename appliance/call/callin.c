/*
 * call/callin: the trunk calls a DN: INVITE from the trunk → the DN's browser.
 *
 *   trunk              gateway                browser
 *     │── INVITE ────────►│ DN known, registered, admitted, media path
 *     │◄─ 100 ────────────│── INVITE (our WebRTC offer) ──►│
 *     │◄─ 180 ────────────│◄─ 180 ────────────────────────│
 *     │◄─ 200 + answer ───│◄─ 200 + answer ───────────────│
 *     │── ACK ───────────►│── ACK ───────────────────────►│
 *
 * An INVITE without SDP gets our offer in the 200; the ACK brings the answer (RFC 3261 13.2.1).
 */
#include "call/callin.h"
#include "call/callend.h"
#include "call/callhold.h"
#include "call/callevent.h"
#include "call/callmid.h"
#include "call/callrefer.h"
#include "call/directory.h"
#include "call/party.h"
#include "core/clock.h"
#include "core/log.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { BROWSER_SILENT_MS = 5000 }; /* one that lives says 100 at once */

/* --- the browser's leg --- */

static void no_answer_h(void *arg)
{
    call_abort(arg, 480, "No answer");
}

/* Its WebSocket is dead, and nobody has noticed yet: the caller must not wait for that. */
static void browser_silent_h(void *arg)
{
    call_abort(arg, 480, "Agent's browser does not respond");
}

/* What is left of the time that an agent has to answer. */
static uint64_t ring_ms(const struct call *c)
{
    uint64_t all = (uint64_t)(c->calls->cfg.ring_seconds ? c->calls->cfg.ring_seconds : 60) * 1000;
    uint64_t gone = clock_ms() - c->start_ms;

    return gone < all ? all - gone : 1;
}

static void agent_progress_h(struct leg *leg, const struct sip_msg *msg, void *arg)
{
    struct call *c = arg;
    struct buf hdrs;
    char *sdp = NULL;

    (void)leg;
    tmr_start(&c->tmr, ring_ms(c), no_answer_h, c);                    /* it lives: JsSIP sends 100 at once */
    if (msg->scode > 100 && c->state == CALL_RINGING && !c->ask.rings) /* anew */
        call_event_rings(c);
    if (msg->scode == 100 || c->state == CALL_RINGING)
        return;
    call_move(c, CALL_RINGING);
    c->cdr.ring_ms = call_wall_ms(c);
    log_info("call", "id=%s dn=%s ringing", c->cdr.id, c->cdr.dn);
    buf_init(&hdrs, LEG_HDRS_MAX);
    (void)buf_puts(&hdrs, CALL_ALLOW_EVENTS);
    (void)call_pass(c, &hdrs, msg, CALLHDR_TO_TRUNK);
    if (leg_must_offer(c->trunk))
        (void)call_trunk_offer(c, &sdp);
    (void)leg_progress(c->trunk, 180, "Ringing", hdrs.data ? hdrs.data : "", sdp);
    mem_deref(sdp);
    buf_reset(&hdrs);
    call_event_rings(c);
}

static int answer_trunk(struct call *c, const struct sip_msg *msg)
{
    struct buf hdrs;
    const struct offer *o = leg_offer(c->trunk);
    char *sdp = NULL;
    int err;

    if (offer_is_theirs(o))
        err = call_trunk_answer(c, o->theirs, &sdp);
    else if (o->state == OFFER_NONE)
        err = call_trunk_offer(c, &sdp);
    else
        err = 0; /* it went in a reliable 18x */
    if (err)
        return err;
    buf_init(&hdrs, LEG_HDRS_MAX);
    (void)buf_puts(&hdrs, CALL_ALLOW_EVENTS);
    (void)call_pass(c, &hdrs, msg, CALLHDR_TO_TRUNK);
    err = leg_answer(c->trunk, hdrs.data ? hdrs.data : "", sdp);
    buf_reset(&hdrs);
    mem_deref(sdp);
    return err;
}

static void agent_answered_h(struct leg *leg, const struct sip_msg *msg, void *arg)
{
    struct call *c = arg;
    struct sdp s;
    int err;

    (void)leg;
    tmr_cancel(&c->tmr);
    err = call_agent_read(c, msg, false, &s);
    if (!err)
        err = call_agent_take(c, &s, MEDIA_NONE, false);
    if (err) {
        call_abort_sdp(c, err, "Browser's answer is not acceptable");
        return;
    }
    err = answer_trunk(c, msg);
    if (err) {
        call_abort(c, 500, "Server Internal Error");
        return;
    }
    call_answered(c);
    call_event_answered(c);
    if (offer_is_ours(leg_offer(c->trunk))) /* the far end rings until its answer comes in the ACK */
        (void)media_path_tone(c->path, MEDIA_TONE_RINGBACK);
}

/* What a browser that does not take the call means for the caller. */
static void agent_ended_h(struct leg *leg, const struct leg_ended *end, void *arg)
{
    struct leg_ended e = *end;

    (void)leg;
    if (e.how == LEG_FAILED &&
        (e.code == 408 || e.code == 481 || (e.code >= 500 && e.code < 600) || e.code < 400)) {
        e.code = 480;
        (void)snprintf(e.phrase, sizeof(e.phrase), "Temporarily Unavailable");
    }
    call_leg_ended(arg, CDR_AGENT, &e);
}

static const struct leg_handlers agent_handlers = {
    .progress = agent_progress_h,
    .answered = agent_answered_h,
    .reanswered = call_agent_reanswered,
    .request = call_agent_request,
    .ended = agent_ended_h,
    .permit = call_agent_permit,
};

/* --- the trunk's leg --- */

static void trunk_ended_h(struct leg *leg, const struct leg_ended *end, void *arg)
{
    if (!call_refer_left(arg, leg))
        call_leg_ended(arg, CDR_TRUNK, end);
}

static const struct leg_handlers trunk_handlers = {
    .reanswered = call_trunk_reanswered,
    .describe = call_hold_describe,
    .reoffered = call_hold_reoffered,
    .request = call_trunk_request,
    .ended = trunk_ended_h,
    .permit = call_trunk_permit,
};

/* --- the INVITE --- */

static void who(struct call *c, const struct sip_msg *msg, const struct sip_origin *o)
{
    const struct trunk_peer *peer = trunks_find(c->calls->cfg.trunks, o->trunk);
    struct party caller, called;

    party_caller(&caller, msg);
    party_called(&called, msg);
    party_number(c->cdr.dn, sizeof(c->cdr.dn), &msg->uri);
    if (!dn_valid(c->cdr.dn)) /* log lines and our Contact are made of it */
        c->cdr.dn[0] = '\0';
    memcpy(c->cdr.callee, called.number, sizeof(c->cdr.callee));
    memcpy(c->cdr.caller, caller.number, sizeof(c->cdr.caller));
    c->withheld = caller.withheld;
    if (caller.withheld && !caller.number[0])
        (void)snprintf(c->cdr.caller, sizeof(c->cdr.caller), "anonymous");
    memcpy(c->cdr.caller_name, caller.name, sizeof(c->cdr.caller_name));
    call_note_uuid(c, msg, CALLHDR_TO_AGENT);
    (void)snprintf(c->cdr.trunk, sizeof(c->cdr.trunk), "%s", o->trunk);
    (void)pl_strcpy(&msg->callid, c->cdr.sip_call_id, sizeof(c->cdr.sip_call_id));
    c->trunk_addr = o->peer;
    call_order(c, peer);
}

int call_trunk_accept(struct call *c, struct leg **lp, const struct sip_msg *msg, const struct sip_origin *o,
                      const struct leg_handlers *h)
{
    char contact[PARTY_URI_MAX], self[ADDR_STRLEN];
    struct leg_config cfg = {
        .label = call_label(c), .route = {.tp = msg->tp, .addr = o->peer}, .contact = contact};
    const struct trunk_peer *peer = trunks_find(c->calls->cfg.trunks, o->trunk);
    struct addr laddr;

    if (sip_stack_laddr_by(c->calls->cfg.stack, &laddr, &o->peer, (int)msg->tp))
        return ENETUNREACH;
    if (peer) {
        cfg.username = peer->cfg.username;
        cfg.password = peer->cfg.password;
    }
    party_contact(contact, sizeof(contact), c->cdr.dn, addr_str(&laddr, self, sizeof(self)),
                  sip_transp_param(msg->tp));
    return leg_accept(lp, c->calls->legs, &cfg, msg, h, c);
}

/* The trunk's offer, if it has one, is kept until the browser answers. */
static bool take_offer(struct call *c, const struct sip_msg *msg, struct call_refusal *r)
{
    struct sdp *s;
    int err;

    *r = (struct call_refusal){503, "Media ports exhausted", ""};
    if (call_media_open(c, true))
        return false;
    s = mem_zalloc(sizeof(*s), NULL);
    if (!s)
        return false;
    err = call_trunk_take(c, msg, false, s);
    if (err) {
        mem_deref(s);
        call_refusal(r, err);
        return err == ENOENT;
    }
    offer_keep(leg_offer(c->trunk), s);
    return true;
}

/* True and the DN's binding, or what to refuse the call with. */
static bool check(struct call *c, const struct sip_msg *msg, const struct binding **bp,
                  struct call_refusal *r)
{
    struct dn dn;

    *r = (struct call_refusal){404, "Not Found", ""};
    if (!c->cdr.dn[0] || directory_get(c->calls->cfg.directory, c->cdr.dn, &dn) || !dn.enabled)
        return false;
    c->dn_codec = dn.codec;
    c->dn_limit = dn.call_limit;
    call_event_invite(c, msg, dn.auto_answer);
    if (call_first(c) != MEDIA_NONE)
        call_order(c, trunks_find(c->calls->cfg.trunks, c->cdr.trunk));
    r->code = call_admit(c, &r->phrase);
    if (r->code)
        return false;
    *r = (struct call_refusal){480, "Temporarily Unavailable", ""};
    *bp = registrar_find(c->calls->cfg.registrar, c->cdr.dn);
    return *bp && take_offer(c, msg, r);
}

/* Who calls, as the agent may know it, for From; and which number was dialled (RFC 7315 4.2), behind what the trunk's INVITE passes on. */
static void introduce(struct call *c, const struct sip_msg *msg, char uri[PARTY_URI_MAX],
                      char name[2 * PARTY_MAX])
{
    char ip[ADDR_STRLEN], to[PARTY_URI_MAX];
    struct party caller, called;
    struct pl host;

    (void)call_pass(c, &c->hdrs, msg, CALLHDR_TO_AGENT);
    pl_set_str(&host, addr_ip(&c->trunk_addr, ip, sizeof(ip)));
    party_caller(&caller, msg);
    party_called(&called, msg);
    if (called.number[0]) {
        party_uri(to, sizeof(to), called.number, called.host.l ? &called.host : &host,
                  called.host.l ? called.host_af : addr_af(&c->trunk_addr));
        (void)buf_printf(&c->hdrs, "P-Called-Party-ID: <%s>\r\n", to);
    }
    if (caller.withheld || !caller.number[0])
        (void)snprintf(uri, PARTY_URI_MAX, PARTY_ANONYMOUS_URI);
    else
        party_uri(uri, PARTY_URI_MAX, caller.number, caller.host.l ? &caller.host : &host,
                  caller.host.l ? caller.host_af : addr_af(&c->trunk_addr));
    party_quote(name, 2 * PARTY_MAX, caller.withheld ? PARTY_ANONYMOUS_NAME : caller.name);
}

int call_agent_invite(struct call *c, const struct binding *b, const char *from, const char *name,
                      const char *hdrs, const struct leg_handlers *h)
{
    char contact[PARTY_URI_MAX], self[ADDR_STRLEN];
    struct leg_config cfg = {.label = call_label(c),
                             .route = {.ws_conn = b->ws_conn},
                             .contact = contact,
                             .ruri = b->contact,
                             .from_uri = from,
                             .from_name = name};
    struct addr laddr;
    char *sdp = NULL;
    int err;

    err = sip_stack_laddr(c->calls->cfg.stack, &laddr, &b->peer);
    if (err)
        return err;
    party_contact(contact, sizeof(contact), c->cdr.dn, addr_str(&laddr, self, sizeof(self)), ";transport=ws");
    err = call_agent_offer(c, b->ws_conn, &sdp);
    if (!err)
        err = leg_connect(&c->agent, c->calls->legs, &cfg, hdrs, sdp, h, c);
    if (!err)
        traced_leg(c->traced, TRACE_BROWSER, leg_callid(c->agent), strlen(leg_callid(c->agent)));
    mem_deref(sdp);
    return err;
}

static int ring(struct call *c, const struct sip_msg *msg, const struct binding *b)
{
    char from[PARTY_URI_MAX], name[2 * PARTY_MAX];

    introduce(c, msg, from, name);
    call_session_take(c, b->ws_conn);
    return call_agent_invite(c, b, from, name, c->hdrs.data ? c->hdrs.data : "", &agent_handlers);
}

void call_other(const struct call *c, char uri[PARTY_URI_MAX], char name[2 * PARTY_MAX])
{
    const bool in = c->cdr.direction == CDR_INBOUND;
    const char *number = in ? c->cdr.caller : c->cdr.callee;
    char ip[ADDR_STRLEN];
    struct pl host;

    pl_set_str(&host, addr_ip(&c->trunk_addr, ip, sizeof(ip)));
    if (in && (c->withheld || !number[0]))
        (void)snprintf(uri, PARTY_URI_MAX, PARTY_ANONYMOUS_URI);
    else
        party_uri(uri, PARTY_URI_MAX, number, &host, addr_af(&c->trunk_addr));
    party_quote(name, 2 * PARTY_MAX, !in ? "" : c->withheld ? PARTY_ANONYMOUS_NAME : c->cdr.caller_name);
}

void call_ring_wait(struct call *c)
{
    tmr_start(&c->tmr, ring_ms(c), no_answer_h, c);
}

int call_ring_again(struct call *c, const struct binding *b)
{
    char from[PARTY_URI_MAX], name[2 * PARTY_MAX];
    int err;

    c->ask.rings = c->ask.told = false;
    tmr_cancel(&c->ask.tmr);
    call_other(c, from, name);
    err = media_path_ice_restart(c->path, &c->local);
    if (!err)
        err = call_agent_invite(c, b, from, name, c->hdrs.data ? c->hdrs.data : "", &agent_handlers);
    if (!err)
        tmr_start(&c->tmr, BROWSER_SILENT_MS, browser_silent_h, c);
    return err;
}

void call_inbound(struct calls *cs, const struct sip_msg *msg, const struct sip_origin *o)
{
    struct sip *sip = sip_stack_sip(cs->cfg.stack);
    const struct binding *b = NULL;
    struct call_refusal refusal;
    struct call *c = NULL;
    char number[PARTY_MAX];
    int err;

    if (call_new(&c, cs, CDR_INBOUND)) {
        (void)sip_treplyf(NULL, NULL, sip, msg, false, 503, "Service Unavailable",
                          "Retry-After: 5\r\nContent-Length: 0\r\n\r\n");
        return;
    }
    traced_leg(c->traced, TRACE_TRUNK, msg->callid.p, msg->callid.l);
    who(c, msg, o);
    err = call_trunk_accept(c, &c->trunk, msg, o, &trunk_handlers);
    if (err) {
        call_not_accepted(c, msg, err);
        return;
    }
    if (!check(c, msg, &b, &refusal)) {
        call_refused(c, &refusal);
        return;
    }
    call_move(c, CALL_CALLING);
    err = ring(c, msg, b);
    if (err) {
        log_warn("call", "id=%s dn=%s error=\"%s\" cannot ring the browser", c->cdr.id, c->cdr.dn,
                 strerror(err));
        call_abort(c, 480, "Agent's connection lost");
        return;
    }
    log_info("call", "id=%s dn=%s caller=\"%s\" trunk=%s uuid=\"%s\" calling", c->cdr.id, c->cdr.dn,
             log_quotable(number, sizeof(number), c->cdr.caller), c->cdr.trunk, c->cdr.call_uuid);
    tmr_start(&c->tmr, BROWSER_SILENT_MS, browser_silent_h, c);
}

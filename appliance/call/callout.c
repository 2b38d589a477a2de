/*
 * call/callout: an agent calls: INVITE from the browser → the first trunk that speaks.
 *
 *   browser            gateway                trunk
 *     │── INVITE ────────►│ authorised, admitted, media path
 *     │◄─ 100 ────────────│── INVITE (G.711) ───►│  silent or 503: the next trunk
 *     │◄─ 18x + answer ───│◄─ 18x [+ SDP] ──────│  no SDP in a 180: ringback made here, and ICE and DTLS are ready before the answer
 *     │◄─ 200 + answer ───│◄─ 200 + SDP ────────│
 *     │── ACK ───────────►│── ACK ─────────────►│
 */
#include "call/callout.h"
#include "call/callend.h"
#include "call/callhold.h"
#include "call/callmid.h"
#include "call/callrefer.h"
#include "call/directory.h"
#include "call/echo.h"
#include "call/party.h"
#include "call/testid.h"
#include "core/clock.h"
#include "core/log.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
    RING_MAX_MS = 180000, /* timer C: nobody waits longer for a final answer */
    SESSION_S = 1800      /* session timer that a trunk is asked for; what RFC 4028 4 recommends */
};

static void try_next(struct call *c, uint16_t code, const char *phrase);

/* The one that is being tried. */
static const struct trunk_target *tried(const struct call *c)
{
    return &c->tries[c->try_next - 1];
}

/* --- the agent's leg --- */

static void agent_ended_h(struct leg *leg, const struct leg_ended *end, void *arg)
{
    (void)leg;
    call_leg_ended(arg, CDR_AGENT, end);
}

static const struct leg_handlers agent_handlers = {
    .reanswered = call_agent_reanswered,
    .request = call_agent_request,
    .ended = agent_ended_h,
    .permit = call_agent_permit,
};

/* Our answer to the browser, which takes one: NULL when it has it. JsSIP fails on a second before the 200 (RFC 3261 13.2.1). */
static int agent_answer(struct call *c, char **sdp)
{
    const struct offer *o = leg_offer(c->agent);
    enum media_codec want = call_want(c);
    int err;

    if (o->state != OFFER_RECEIVED)
        return 0;
    if (want != MEDIA_OPUS && call_trunk_known(c))
        want = c->tm.codec; /* straight through */
    err = call_agent_take(c, o->theirs, want, true);
    if (!err)
        err = call_agent_answer(c, o->theirs, sdp);
    return err;
}

/* --- the trunk's leg --- */

static void ring_too_long_h(void *arg)
{
    call_abort(arg, 408, "No final answer");
}

static void trunk_progress_h(struct leg *leg, const struct sip_msg *msg, void *arg)
{
    struct call *c = arg;
    struct buf hdrs;
    char phrase[64], *sdp = NULL;
    struct sdp s;
    int err;

    (void)leg;
    tmr_start(&c->tmr, RING_MAX_MS, ring_too_long_h, c);
    if (msg->scode == 100)
        return;
    if (c->state == CALL_CALLING) {
        call_move(c, CALL_RINGING);
        c->cdr.ring_ms = call_wall_ms(c);
        log_info("call", "id=%s dn=%s trunk=%s code=%u ringing", c->cdr.id, c->cdr.dn, c->cdr.trunk,
                 msg->scode);
    }
    err = call_trunk_take(c, msg, true, &s);
    if (!err)
        (void)media_path_tone(c->path, MEDIA_TONE_NONE);
    else if (msg->scode == 180 && !call_trunk_known(c))
        (void)media_path_tone(c->path, MEDIA_TONE_RINGBACK);
    err = agent_answer(c, &sdp);
    if (err) {
        call_abort_sdp(c, err, "Not Acceptable Here");
        return;
    }
    buf_init(&hdrs, LEG_HDRS_MAX);
    (void)call_pass(c, &hdrs, msg, CALLHDR_TO_AGENT);
    party_text(phrase, sizeof(phrase), &msg->reason, false);
    (void)leg_progress(c->agent, msg->scode, phrase, hdrs.data ? hdrs.data : "", sdp);
    mem_deref(sdp);
    buf_reset(&hdrs);
}

static void trunk_answered_h(struct leg *leg, const struct sip_msg *msg, void *arg)
{
    struct call *c = arg;
    struct buf hdrs;
    char *sdp = NULL;
    struct sdp s;
    int err;

    (void)leg;
    tmr_cancel(&c->tmr);
    err = call_trunk_take(c, msg, true, &s);
    if (err == ENOENT && call_trunk_known(c))
        err = 0; /* the 18x had it */
    if (!err)
        err = agent_answer(c, &sdp);
    if (err) {
        call_abort_sdp(c, err, "Trunk's answer is not acceptable");
        return;
    }
    (void)media_path_tone(c->path, MEDIA_TONE_NONE);
    call_note_uuid(c, msg, CALLHDR_TO_AGENT);
    buf_init(&hdrs, LEG_HDRS_MAX);
    (void)call_pass(c, &hdrs, msg, CALLHDR_TO_AGENT);
    err = leg_answer(c->agent, hdrs.data ? hdrs.data : "", sdp);
    buf_reset(&hdrs);
    mem_deref(sdp);
    if (err) {
        call_abort(c, 480, "Agent's connection lost");
        return;
    }
    call_answered(c);
}

/* A 503 is about this call, unless it says how long not to come back (RFC 3261 21.5.4). */
static void rest(struct call *c, const struct sip_msg *msg)
{
    const struct sip_hdr *hdr = sip_msg_hdr(msg, SIP_HDR_RETRY_AFTER);
    struct pl seconds;

    if (hdr && !re_regex(hdr->val.p, hdr->val.l, "[0-9]+", &seconds) && seconds.p == hdr->val.p)
        trunks_rest(c->calls->cfg.trunks, tried(c)->trunk, pl_u32(&seconds));
}

static void trunk_ended_h(struct leg *leg, const struct leg_ended *end, void *arg)
{
    struct call *c = arg;

    if (call_refer_left(c, leg))
        return;
    if (c->state == CALL_CALLING && end->how == LEG_FAILED && (end->code == 503 || end->code == 408)) {
        c->trunk = NULL;
        if (!end->msg)
            trunks_silent(c->calls->cfg.trunks, tried(c));
        else if (end->code == 503)
            rest(c, end->msg);
        try_next(c, end->msg ? end->code : 503, end->phrase);
        return;
    }
    if (end->how == LEG_FAILED && (end->code == 401 || end->code == 407)) { /* not the agent's credentials */
        c->trunk = NULL;
        log_warn_limited("call", "trunk=%s code=%u it takes no call with our credentials", c->cdr.trunk,
                         end->code);
        call_abort(c, 403, "Trunk refuses our credentials");
        return;
    }
    call_leg_ended(c, CDR_TRUNK, end);
}

static const struct leg_handlers trunk_handlers = {
    .progress = trunk_progress_h,
    .answered = trunk_answered_h,
    .reanswered = call_trunk_reanswered,
    .describe = call_hold_describe,
    .reoffered = call_hold_reoffered,
    .request = call_trunk_request,
    .ended = trunk_ended_h,
    .permit = call_trunk_permit,
};

/* --- trying trunks --- */

static void trunk_silent_h(void *arg)
{
    struct call *c = arg;
    struct leg *leg = c->trunk;

    c->trunk = NULL;
    leg_end(leg, 503, "", "Reason: SIP;cause=408;text=\"No answer from the trunk\"\r\n");
    trunks_silent(c->calls->cfg.trunks, tried(c));
    try_next(c, 503, "Trunk does not answer");
}

/* SIP Server asks the DN for a password of its own (authenticate-requests); "" = it has none, and the trunk's serves. */
static void own_password(const struct call *c, char password[DN_TRUNK_PASSWORD_MAX])
{
    struct dn dn;

    if (!directory_get(c->calls->cfg.directory, c->cdr.dn, &dn))
        dn_trunk_password(c->calls->cfg.store, dn.dn, dn.trunk_password, password);
    explicit_bzero(&dn, sizeof(dn));
}

/*
 * From and P-Asserted-Identity name the DN at our address; an agent who withholds it leaves only the latter, for the trunk to keep to
 * itself (RFC 3323 4.1, RFC 3325 9). Whose call it was before: the name in the record is the caller's.
 */
int call_trunk_invite(struct call *c, const struct trunk_peer *peer, const struct addr *addr,
                      const struct call_trunk_dial *dial)
{
    const bool own_call = c->cdr.direction == CDR_OUTBOUND, withheld = own_call && c->withheld;
    char password[DN_TRUNK_PASSWORD_MAX] = "";
    char self[ADDR_STRLEN], ip[ADDR_STRLEN], contact[PARTY_URI_MAX], to[PARTY_URI_MAX], ruri[PARTY_URI_MAX],
        own[PARTY_URI_MAX], name[2 * PARTY_MAX];
    const struct trunk_config *t = &peer->cfg;
    struct leg_config cfg = {.label = call_label(c),
                             .contact = contact,
                             .ruri = dial->target ? dial->target : ruri,
                             .from_uri = withheld ? PARTY_ANONYMOUS_URI : own,
                             .from_name = withheld ? PARTY_ANONYMOUS_NAME : name,
                             .username = t->username,
                             .password = t->password,
                             .session_s = SESSION_S};
    struct addr laddr;
    struct buf hdrs;
    struct pl host;
    int err;

    err = sip_stack_laddr_by(c->calls->cfg.stack, &laddr, addr, t->transport);
    if (err)
        return err;
    own_password(c, password);
    if (password[0]) {
        cfg.username = c->cdr.dn;
        cfg.password = password;
    }
    cfg.route.addr = *addr;
    cfg.route.tp = (enum sip_transp)t->transport;
    (void)addr_ip(&laddr, ip, sizeof(ip));
    party_contact(contact, sizeof(contact), c->cdr.dn, addr_str(&laddr, self, sizeof(self)),
                  sip_transp_param(cfg.route.tp));
    pl_set_str(&host, addr_str(addr, self, sizeof(self)));
    party_uri(to, sizeof(to), c->cdr.callee, &host, AF_UNSPEC);
    (void)snprintf(ruri, sizeof(ruri), "%s%s", to, sip_transp_param(cfg.route.tp));
    pl_set_str(&host, ip);
    party_uri(own, sizeof(own), c->cdr.dn, &host, strchr(ip, ':') ? AF_INET6 : AF_INET);
    party_quote(name, sizeof(name), own_call ? c->cdr.caller_name : "");
    buf_init(&hdrs, LEG_HDRS_MAX * 2);
    if (name[0])
        (void)buf_printf(&hdrs, "P-Asserted-Identity: \"%s\" <%s>\r\n", name, own);
    else
        (void)buf_printf(&hdrs, "P-Asserted-Identity: <%s>\r\n", own);
    (void)buf_puts(&hdrs, withheld ? "Privacy: id\r\n" : "");
    (void)buf_puts(&hdrs, dial->hdrs);
    err =
        hdrs.err ? hdrs.err : leg_connect(dial->leg, c->calls->legs, &cfg, hdrs.data, dial->sdp, dial->h, c);
    explicit_bzero(password, sizeof(password));
    buf_reset(&hdrs);
    return err;
}

static int try_target(struct call *c, const struct trunk_peer *peer, const struct addr *addr)
{
    struct call_trunk_dial dial = {
        .leg = &c->trunk, .hdrs = c->hdrs.data ? c->hdrs.data : "", .h = &trunk_handlers};
    char *sdp = NULL;
    int err;

    (void)snprintf(c->cdr.trunk, sizeof(c->cdr.trunk), "%s", peer->cfg.name);
    c->trunk_addr = *addr;
    call_order(c, peer);
    err = call_trunk_offer(c, &sdp);
    dial.sdp = sdp;
    if (!err)
        err = call_trunk_invite(c, peer, addr, &dial);
    mem_deref(sdp);
    if (!err) {
        (void)snprintf(c->cdr.sip_call_id, sizeof(c->cdr.sip_call_id), "%s", leg_callid(c->trunk));
        traced_leg(c->traced, TRACE_TRUNK, c->cdr.sip_call_id, strlen(c->cdr.sip_call_id));
        if (traced_facts(c->traced))
            traced_facts(c->traced)->trunk_tries++;
    }
    return err;
}

/*
 * How long the next one is given: call.trunk_seconds; else its share of what is left of the time in which the agent must hear something,
 * but never less than two INVITEs need. 0 = there is no time for another one.
 */
static uint64_t try_ms(const struct call *c)
{
    const uint64_t now = clock_ms(), left = c->tries_until_ms > now ? c->tries_until_ms - now : 0;
    const uint64_t share = left / (c->try_count - c->try_next);

    if (c->calls->cfg.trunk_seconds)
        return (uint64_t)c->calls->cfg.trunk_seconds * 1000;
    if (left < CALL_TRY_MIN_MS)
        return 0;
    return share < CALL_TRY_MIN_MS ? CALL_TRY_MIN_MS : share;
}

static void try_next(struct call *c, uint16_t code, const char *phrase)
{
    struct trunks *trunks = c->calls->cfg.trunks;
    char number[PARTY_MAX];
    uint64_t ms;

    tmr_cancel(&c->tmr);
    while (c->try_next < c->try_count && (ms = try_ms(c))) {
        const struct trunk_target *target = &c->tries[c->try_next++];
        const struct trunk_peer *peer = trunks_by_id(trunks, target->trunk);
        int err = peer ? try_target(c, peer, &target->addr) : ENOENT;

        if (!err) {
            tmr_start(&c->tmr, ms, trunk_silent_h, c);
            log_info("call", "id=%s dn=%s callee=\"%s\" trunk=%s calling", c->cdr.id, c->cdr.dn,
                     log_quotable(number, sizeof(number), c->cdr.callee), c->cdr.trunk);
            return;
        }
        log_warn("call", "id=%s dn=%s trunk=%s error=\"%s\" cannot call", c->cdr.id, c->cdr.dn, c->cdr.trunk,
                 strerror(err)); /* nothing was sent: it says nothing of the trunk */
    }
    call_abort(c, code, c->try_count ? phrase : "No trunk is up");
}

static void list_targets(struct call *c)
{
    c->try_count = trunks_targets(c->calls->cfg.trunks, c->tries, CALL_TRIES_MAX);
    c->tries_until_ms = clock_ms() + CALL_TRUNK_BUDGET_MS;
}

/* --- the INVITE --- */

static void who(struct call *c, const struct sip_msg *msg, const struct dn *dn, uint64_t ws_conn)
{
    struct pl name;

    pl_set_str(&name, dn->name);
    c->dn_codec = dn->codec;
    c->dn_limit = dn->call_limit;
    (void)snprintf(c->cdr.dn, sizeof(c->cdr.dn), "%s", dn->dn);
    (void)snprintf(c->cdr.caller, sizeof(c->cdr.caller), "%s", dn->dn);
    party_text(c->cdr.caller_name, sizeof(c->cdr.caller_name), &name, false);
    party_number(c->cdr.callee, sizeof(c->cdr.callee), &msg->uri);
    c->withheld = party_private(msg) || !pl_strcasecmp(&msg->from.uri.host, "anonymous.invalid");
    call_note_uuid(c, msg, CALLHDR_TO_TRUNK);
    call_session_take(c, ws_conn);
    (void)call_pass(c, &c->hdrs, msg, CALLHDR_TO_TRUNK);
}

static int accept_agent(struct call *c, const struct sip_msg *msg, const struct sip_origin *o)
{
    char contact[PARTY_URI_MAX], self[ADDR_STRLEN];
    struct leg_config cfg = {.label = call_label(c), .route = {.ws_conn = o->ws_conn}, .contact = contact};
    struct addr laddr;

    if (sip_stack_laddr(c->calls->cfg.stack, &laddr, &o->peer))
        return ENETUNREACH;
    party_contact(contact, sizeof(contact), c->cdr.dn, addr_str(&laddr, self, sizeof(self)), ";transport=ws");
    return leg_accept(&c->agent, c->calls->legs, &cfg, msg, &agent_handlers, c);
}

/* True, or what to refuse the call with. */
static bool check(struct call *c, const struct sip_msg *msg, struct call_refusal *r)
{
    struct sdp *s;
    int err;

    *r = (struct call_refusal){.hdrs = ""};
    r->code = call_admit(c, &r->phrase);
    if (r->code)
        return false;
    *r = (struct call_refusal){484, "Address Incomplete", ""};
    if (!c->cdr.callee[0] || strchr(c->cdr.callee, ' '))
        return false;
    s = mem_zalloc(sizeof(*s), NULL);
    err = s ? call_agent_read(c, msg, true, s) : ENOMEM;
    if (err) {
        mem_deref(s);
        call_refusal(r, err);
        return false;
    }
    offer_keep(leg_offer(c->agent), s);
    *r = (struct call_refusal){503, "Media ports exhausted", ""};
    return !call_media_open(c, false);
}

void call_outbound(struct calls *cs, const struct sip_msg *msg, const struct sip_origin *o)
{
    struct sip *sip = sip_stack_sip(cs->cfg.stack);
    struct call_refusal refusal;
    struct call *c = NULL;
    char name[DN_MAX];
    struct dn dn;
    int err;

    if (registrar_authorize(cs->cfg.registrar, msg, name, sizeof(name)))
        return;
    if (testid_named(name)) {
        echo_invite(cs, msg, o, name);
        return;
    }
    if (directory_get(cs->cfg.directory, name, &dn) || !dn.enabled) {
        (void)sip_treply(NULL, sip, msg, 403, "Forbidden");
        return;
    }
    err = call_new(&c, cs, CDR_OUTBOUND);
    if (err) {
        (void)sip_treply(NULL, sip, msg, 503, "Service Unavailable");
        return;
    }
    traced_leg(c->traced, TRACE_BROWSER, msg->callid.p, msg->callid.l);
    who(c, msg, &dn, o->ws_conn);
    err = accept_agent(c, msg, o);
    if (err) {
        call_not_accepted(c, msg, err);
        return;
    }
    if (!check(c, msg, &refusal)) {
        call_refused(c, &refusal);
        return;
    }
    call_move(c, CALL_CALLING);
    list_targets(c);
    try_next(c, 503, "No trunk is up");
}

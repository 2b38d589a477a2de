#include "call/trunkprobe.h"
#include "call/callset.h"
#include "call/party.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/rnd.h"
#include "sip/transp.h"
#include "version.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct probe {
    struct trunkprobes *all;
    uint32_t id; /* 0: the slot is free */
    struct trunkprobe_order order;
    struct trunkprobe_found found;
    uint64_t began_us;
    bool held;               /* its address is let in meanwhile */
    struct sip_request *req; /* OPTIONS */
    struct leg *leg;         /* INVITE */
    struct tmr tmr;          /* for the answer, then until it is forgotten */
};

struct trunkprobes {
    struct calls *calls;
    uint32_t last_id;
    struct probe v[PROBES_MAX];
};

static void probe_free(struct probe *p)
{
    struct leg *leg = p->leg;

    tmr_cancel(&p->tmr);
    p->leg = NULL;
    p->req = mem_deref(p->req);
    if (leg)
        leg_end(leg, 487, "Test over", "");
    if (p->held)
        sip_stack_release(p->all->calls->cfg.stack, &p->order.addr);
    explicit_bzero(&p->order, sizeof(p->order));
    p->held = false;
    p->id = 0;
}

static void forget_h(void *arg)
{
    probe_free(arg);
}

static void done(struct probe *p, int err, uint16_t code, const struct pl *phrase)
{
    if (!p->found.us)
        p->found.us = (uint32_t)(clock_us() - p->began_us);
    p->found.done = true;
    p->found.err = err;
    p->found.code = code;
    if (phrase)
        (void)re_snprintf(p->found.phrase, sizeof(p->found.phrase), "%r", phrase);
    explicit_bzero(p->order.password, sizeof(p->order.password));
    tmr_start(&p->tmr, PROBE_KEPT_MS, forget_h, p);
}

static void server_note(struct probe *p, const struct sip_msg *msg)
{
    const struct sip_hdr *h = sip_msg_hdr(msg, SIP_HDR_SERVER);

    if (!h)
        h = sip_msg_hdr(msg, SIP_HDR_USER_AGENT);
    if (h)
        party_text(p->found.server, sizeof(p->found.server), &h->val, false);
}

/* ------------------------------------------------------------------ OPTIONS */

static void options_silent_h(void *arg)
{
    struct probe *p = arg;

    p->req = mem_deref(p->req);
    done(p, ETIMEDOUT, 0, NULL);
}

static void options_resp_h(int err, const struct sip_msg *msg, void *arg)
{
    struct probe *p = arg;

    if (msg && msg->scode < 200)
        return;
    if (msg)
        server_note(p, msg);
    done(p, err, msg ? msg->scode : 0, msg ? &msg->reason : NULL);
}

static int contact_h(enum sip_transp tp, const struct sa *src, const struct sa *dst, struct mbuf *mb,
                     void *arg)
{
    (void)dst;
    (void)arg;
    return mbuf_printf(mb, "Contact: <sip:%J%s>\r\n", src, sip_transp_param(tp));
}

static int options_send(struct probe *p)
{
    static const char *const transports[] = {"udp", "tcp", "tls"};
    struct sip *sip = sip_stack_sip(p->all->calls->cfg.stack);
    struct sa from, to;
    char uri[128];

    transp_sa(&from, &p->found.from);
    transp_sa(&to, &p->order.addr);
    (void)re_snprintf(uri, sizeof(uri), "sip:%J;transport=%s", &to,
                      transports[(unsigned)p->order.transport % 3]);
    tmr_start(&p->tmr, PROBE_OPTIONS_MS, options_silent_h, p);
    return sip_requestf(
        &p->req, sip, true, "OPTIONS", uri, NULL, NULL, contact_h, options_resp_h, p,
        "From: <sip:%J>;tag=%016llx\r\nTo: <%s>\r\nCall-ID: test-%016llx\r\nCSeq: 1 OPTIONS\r\n"
        "Accept: application/sdp\r\nUser-Agent: dngate/" DNGATE_VERSION "\r\nContent-Length: 0\r\n\r\n",
        &from, rnd_u64(), uri, rnd_u64());
}

/* ------------------------------------------------------------------ INVITE */

static void invite_over_h(void *arg)
{
    struct probe *p = arg;
    struct leg *leg = p->leg;

    p->leg = NULL;
    leg_end(leg, 487, "Test over", "Reason: SIP;cause=487;text=\"Test of the trunk is over\"\r\n");
    done(p, p->found.progress > 100 ? 0 : ETIMEDOUT, 0, NULL);
}

static void progress_h(struct leg *leg, const struct sip_msg *msg, void *arg)
{
    struct probe *p = arg;

    (void)leg;
    if (!p->found.us)
        p->found.us = (uint32_t)(clock_us() - p->began_us);
    if (msg->scode > 100 && p->found.progress <= 100)
        tmr_start(&p->tmr, PROBE_RINGS_MS, invite_over_h, p);
    if (msg->scode > p->found.progress)
        p->found.progress = msg->scode;
    server_note(p, msg);
}

static void answered_h(struct leg *leg, const struct sip_msg *msg, void *arg)
{
    struct probe *p = arg;

    p->leg = NULL;
    server_note(p, msg);
    done(p, 0, msg->scode, &msg->reason);
    leg_end(leg, 487, "Test over", "Reason: SIP;cause=487;text=\"Test of the trunk is over\"\r\n");
}

static void request_h(struct leg *leg, const struct sip_msg *msg, void *arg)
{
    (void)arg;
    (void)leg_reply(leg, msg, 481, "Call Does Not Exist", "", NULL, NULL);
}

static void ended_h(struct leg *leg, const struct leg_ended *end, void *arg)
{
    struct probe *p = arg;
    struct pl phrase;

    (void)leg;
    p->leg = NULL;
    pl_set_str(&phrase, end->phrase);
    if (end->msg && end->how == LEG_FAILED)
        server_note(p, end->msg);
    if (end->msg)
        done(p, 0, end->code, &phrase);
    else
        done(p, end->code == 408 ? ETIMEDOUT : EHOSTUNREACH, 0, NULL);
}

static const struct leg_handlers handlers = {
    .progress = progress_h, .answered = answered_h, .request = request_h, .ended = ended_h};

/* A description that asks for nothing: no port is opened for a call that must not be. */
static void sdp_print(char *buf, size_t sz, const struct addr *own)
{
    char ip[ADDR_STRLEN];
    const char *family = addr_af(own) == AF_INET6 ? "IP6" : "IP4";
    const unsigned id = rnd_u32() >> 1;

    (void)addr_ip(own, ip, sizeof(ip));
    (void)snprintf(
        buf, sz,
        "v=0\r\no=- %u 1 IN %s %s\r\ns=-\r\nc=IN %s %s\r\nt=0 0\r\nm=audio 9 RTP/AVP 0 8 101\r\n"
        "a=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\na=inactive\r\n",
        id, family, ip, family, ip);
}

static int invite_send(struct probe *p)
{
    char self[ADDR_STRLEN], peer[ADDR_STRLEN], contact[PARTY_URI_MAX], ruri[PARTY_URI_MAX],
        own[PARTY_URI_MAX], sdp[512];
    const char *transport = sip_transp_param((enum sip_transp)p->order.transport);
    struct leg_config cfg = {.label = "trunk test",
                             .route = {.tp = (enum sip_transp)p->order.transport, .addr = p->order.addr},
                             .contact = contact,
                             .ruri = ruri,
                             .from_uri = own,
                             .from_name = "",
                             .username = p->order.username,
                             .password = p->order.password};

    (void)addr_str(&p->found.from, self, sizeof(self));
    (void)addr_str(&p->order.addr, peer, sizeof(peer));
    (void)snprintf(contact, sizeof(contact), "sip:dngate@%s%s", self, transport);
    (void)snprintf(ruri, sizeof(ruri), "sip:" PROBE_NUMBER "@%s%s", peer, transport);
    (void)snprintf(own, sizeof(own), "sip:dngate@%s", addr_host(&p->found.from, peer, sizeof(peer)));
    sdp_print(sdp, sizeof(sdp), &p->found.from);
    tmr_start(&p->tmr, PROBE_INVITE_MS, invite_over_h, p);
    return leg_connect(&p->leg, p->all->calls->legs, &cfg, "", sdp, &handlers, p);
}

/* ------------------------------------------------------------------ */

static void begin(struct probe *p)
{
    struct sip_stack *st = p->all->calls->cfg.stack;
    int err = sip_stack_laddr_by(st, &p->found.from, &p->order.addr, p->order.transport);

    if (!err)
        err = sip_stack_hold(st, &p->order.addr);
    p->held = !err;
    p->began_us = clock_us();
    if (!err)
        err = p->order.invite ? invite_send(p) : options_send(p);
    if (err) {
        p->leg = NULL;
        done(p, err, 0, NULL);
    }
}

uint32_t trunkprobe_start(struct trunkprobes *all, const struct trunkprobe_order *o)
{
    struct probe *p = all->v;

    while (p < all->v + PROBES_MAX && p->id)
        p++;
    if (p == all->v + PROBES_MAX)
        return 0;
    memset(p, 0, sizeof(*p));
    tmr_init(&p->tmr);
    p->all = all;
    p->order = *o;
    p->id = ++all->last_id ? all->last_id : ++all->last_id;
    begin(p);
    return p->id;
}

int trunkprobe_look(struct trunkprobes *all, uint32_t id, struct trunkprobe_found *out)
{
    for (size_t i = 0; i < PROBES_MAX; i++) {
        struct probe *p = &all->v[i];

        if (!id || p->id != id)
            continue;
        *out = p->found;
        if (p->found.done)
            probe_free(p);
        return 0;
    }
    return ENOENT;
}

int trunkprobes_alloc(struct trunkprobes **pp, struct calls *calls)
{
    struct trunkprobes *all = calloc(1, sizeof(*all));

    if (!all)
        return ENOMEM;
    all->calls = calls;
    *pp = all;
    return 0;
}

void trunkprobes_free(struct trunkprobes *all)
{
    if (!all)
        return;
    for (size_t i = 0; i < PROBES_MAX; i++)
        if (all->v[i].id)
            probe_free(&all->v[i]);
    free(all);
}

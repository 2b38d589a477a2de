#include "call/echo.h"
#include "call/callhdr.h"
#include "call/callmedia.h"
#include "call/callsdp.h"
#include "call/party.h"
#include "call/testid.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/metric.h"
#include "sip/body.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

METRIC_GAUGE(running, "dngate_selftest_calls", NULL, "Test calls of self-tests that run now");
METRIC_LIMIT(used, "selftest_calls", ECHO_MAX);
METRIC_COUNTER(ended_done, "dngate_selftest_calls_total", "result=\"done\"", "Test calls of self-tests");
METRIC_COUNTER(ended_failed, "dngate_selftest_calls_total", "result=\"failed\"", "Test calls of self-tests");
METRIC_COUNTER(ended_yielded, "dngate_selftest_calls_total", "result=\"gave_way\"",
               "Test calls of self-tests");
METRIC_COUNTER(refused_busy, "dngate_selftest_calls_total", "result=\"busy\"", "Test calls of self-tests");
METRIC_COUNTER(refused_other, "dngate_selftest_calls_total", "result=\"refused\"",
               "Test calls of self-tests");

enum { SDP_MAX = 8192 };

struct echo {
    struct le le;
    struct calls *calls;
    char user[64];   /* call/testid */
    char label[96];  /* what its log lines begin with */
    struct addr net; /* where it comes from: an address, or the /64 of one */
    uint64_t start_ms, sdp_id;
    struct leg *leg;
    struct media_path *path;
    struct media_local local;
    enum media_via via;
    struct tmr tmr;
};

static void echo_destructor(void *arg)
{
    struct echo *e = arg;

    tmr_cancel(&e->tmr);
    list_unlink(&e->le);
}

static void counted(const struct calls *cs)
{
    const int64_t n = list_count(&cs->echol);

    metric_set(&running, n);
    metric_set(&used, n);
}

/* ------------------------------------------------------------------ the end */

/* What the media have measured so far; figures are at most 1 s old. */
static void figures_log(const struct echo *e, const char *reason)
{
    struct media_event ev = {0};

    if (e->path)
        (void)media_path_stats(e->path, &ev);
    log_info("selftest",
             "%s seconds=%llu path=%s packets=%llu lost=%u jitter_ms=%.1f rtt_ms=%.1f mos=%.1f reason=\"%s\" "
             "test call "
             "ended",
             e->label, (unsigned long long)(clock_ms() - e->start_ms) / 1000,
             cdr_path_name(call_media_path(e->via)), (unsigned long long)ev.browser.packets, ev.browser.lost,
             ev.browser.jitter_ms, ev.rtt_ms, ev.browser.mos, reason);
}

/* Tells the browser, when it still listens, and frees it. */
static void end(struct echo *e, struct metric *how, uint16_t code, const char *reason)
{
    struct calls *cs = e->calls;
    struct buf hdrs;

    figures_log(e, reason);
    metric_add(how, 1);
    buf_init(&hdrs, LEG_HDRS_MAX);
    (void)callhdr_reason(&hdrs, code, reason);
    if (e->leg)
        leg_end(e->leg, code, reason, hdrs.data ? hdrs.data : "");
    buf_reset(&hdrs);
    if (e->path)
        media_path_close(e->path);
    mem_deref(e);
    counted(cs);
}

static void time_over_h(void *arg)
{
    end(arg, &ended_done, 200, "The test call is over");
}

static void ended_h(struct leg *leg, const struct leg_ended *le, void *arg)
{
    struct echo *e = arg;

    (void)leg;
    e->leg = NULL;
    end(e, le->how == LEG_BYE ? &ended_done : &ended_failed, le->code,
        le->how == LEG_BYE ? "Hung up" : le->phrase);
}

bool echo_yield(struct calls *cs)
{
    struct le *le = cs->echol.head;

    if (le)
        end(le->data, &ended_yielded, 503, "Calls need its place");
    return le;
}

void echo_end_all(struct calls *cs, const char *reason)
{
    while (cs->echol.head)
        end(cs->echol.head->data, &ended_failed, 503, reason);
}

void echo_conn_gone(struct calls *cs, uint64_t ws_conn)
{
    struct le *le = cs->echol.head;

    while (le) {
        struct echo *e = le->data;

        le = le->next;
        if (e->leg && leg_conn(e->leg) == ws_conn)
            end(e, &ended_failed, 480, "Browser's connection lost");
    }
}

bool echo_media_event(struct calls *cs, const struct media_event *ev)
{
    char text[64];
    struct le *le;

    LIST_FOREACH(&cs->echol, le)
    {
        struct echo *e = le->data;

        if (media_path_id(e->path) != ev->path_id)
            continue;
        if (ev->type == MEDIA_ICE_UP || ev->type == MEDIA_ICE_MOVED)
            e->via = ev->way.via;
        if (ev->type == MEDIA_FAILED || ev->type == MEDIA_TIMEOUT) {
            (void)snprintf(text, sizeof(text), "Media %s: %s",
                           ev->type == MEDIA_TIMEOUT ? "timeout" : "failed", media_reason_name(ev->reason));
            end(e, &ended_failed, ev->type == MEDIA_TIMEOUT ? 408 : 500, text);
        }
        return true;
    }
    return false;
}

/* ------------------------------------------------------------------ within the dialog */

/* A test tries one way: another network, or a hold, is another test. */
static void request_h(struct leg *leg, const struct sip_msg *msg, void *arg)
{
    (void)arg;
    if (!pl_strcmp(&msg->met, "INVITE") || !pl_strcmp(&msg->met, "UPDATE"))
        (void)leg_reply(leg, msg, 488, "Not Acceptable Here",
                        "Warning: 399 dngate \"A self-test stays as it began\"\r\n", NULL, NULL);
    else
        (void)leg_reply(leg, msg, 405, "Method Not Allowed", "Allow: " LEG_ALLOW "\r\n", NULL, NULL);
}

static bool permit_h(struct leg *leg, const struct sip_msg *msg, void *arg)
{
    const struct echo *e = arg;
    struct sip_origin o;

    return !sip_stack_origin(e->calls->cfg.stack, msg, &o) && o.source == SIP_FROM_AGENT &&
           o.ws_conn == leg_conn(leg);
}

static const struct leg_handlers handlers = {.request = request_h, .ended = ended_h, .permit = permit_h};

/* ------------------------------------------------------------------ the INVITE */

static int fit_h(const struct sdp *s, void *arg)
{
    return sdp_to_browser(arg, s, MEDIA_OPUS, true);
}

/* Our answer to the browser's offer, with a media path behind it. */
static int answer_make(struct echo *e, const struct sip_msg *msg, struct buf *out)
{
    struct sdp_own own = {.id = e->sdp_id, .version = leg_sdp_version(e->leg), .dir = MEDIA_SENDRECV};
    struct media_browser *b = mem_zalloc(sizeof(*b), NULL);
    struct sdp *s = mem_zalloc(sizeof(*s), NULL);
    struct sdp_ice_own ice;
    struct pl text;
    int err = b && s ? body_sdp(&text, msg) : ENOMEM;

    if (!err)
        err = sdp_parse_offer(s, text.p, text.l, fit_h, b);
    if (!err)
        err = sdp_to_browser(b, s, MEDIA_OPUS, true);
    if (!err && s->dir != MEDIA_SENDRECV)
        err = ENOTSUP; /* nothing that could come back, or nobody who would hear it */
    if (!err)
        err = media_path_create_echo(&e->path, e->calls->cfg.media, &e->local);
    if (!err)
        err = media_path_browser(e->path, b);
    if (!err) {
        own.offer = s;
        call_cands(e->calls, &e->local, leg_conn(e->leg), &ice);
        err = sdp_write_browser_answer(out, &own, &ice, b);
    }
    mem_deref(s);
    mem_deref(b);
    return err;
}

static void answer(struct echo *e, const struct sip_msg *msg)
{
    struct call_refusal r;
    struct buf sdp;
    int err;

    buf_init(&sdp, SDP_MAX);
    err = answer_make(e, msg, &sdp);
    if (!err)
        err = leg_answer(e->leg, "", sdp.data);
    buf_reset(&sdp);
    if (!err) {
        log_info("selftest", "%s test call answered", e->label);
        tmr_start(&e->tmr, ECHO_MS, time_over_h, e);
        return;
    }
    call_refusal(&r, err);
    leg_end(e->leg, r.code, r.phrase, r.hdrs);
    e->leg = NULL;
    end(e, &ended_failed, r.code, r.phrase);
}

static void net_of(struct addr *net, const struct addr *peer)
{
    *net = *peer;
    addr_set_port(net, 0);
    if (addr_af(net) == AF_INET6)
        memset(&net->u.in6.sin6_addr.s6_addr[8], 0, 8);
}

/* Whether there is room for one more: of this test, of this source, in all, and beside the calls. */
static bool has_room(const struct calls *cs, const char *user, const struct addr *net)
{
    unsigned mine = 0, near = 0;
    struct le *le;

    LIST_FOREACH(&cs->echol, le)
    {
        const struct echo *e = le->data;

        mine += !strcmp(e->user, user);
        near += addr_eq_ip(&e->net, net);
    }
    return mine < ECHO_PER_TEST && near < ECHO_PER_SOURCE && list_count(&cs->echol) < ECHO_MAX &&
           list_count(&cs->calll) + list_count(&cs->echol) < MEDIA_PATHS_MAX;
}

static int echo_new(struct echo **ep, struct calls *cs, const char *user, const struct addr *net)
{
    struct echo *e = mem_zalloc(sizeof(*e), echo_destructor);

    if (!e)
        return ENOMEM;
    e->calls = cs;
    e->net = *net;
    e->start_ms = clock_ms();
    e->sdp_id = (uint64_t)clock_wall_ms();
    (void)snprintf(e->user, sizeof(e->user), "%s", user);
    (void)snprintf(e->label, sizeof(e->label), "test=%s", e->user);
    list_append(&cs->echol, &e->le, e);
    counted(cs);
    *ep = e;
    return 0;
}

static int accept_browser(struct echo *e, const struct sip_msg *msg, const struct sip_origin *o)
{
    char contact[PARTY_URI_MAX], self[ADDR_STRLEN];
    const struct leg_config cfg = {.label = e->label, .route = {.ws_conn = o->ws_conn}, .contact = contact};
    struct addr laddr;

    if (sip_stack_laddr(e->calls->cfg.stack, &laddr, &o->peer))
        return ENETUNREACH;
    party_contact(contact, sizeof(contact), TESTID_ECHO, addr_str(&laddr, self, sizeof(self)),
                  ";transport=ws");
    return leg_accept(&e->leg, e->calls->legs, &cfg, msg, &handlers, e);
}

static void refuse(struct calls *cs, const struct sip_msg *msg, struct metric *why, uint16_t code,
                   const char *phrase, const char *hdrs)
{
    metric_add(why, 1);
    (void)sip_treplyf(NULL, NULL, sip_stack_sip(cs->cfg.stack), msg, false, code, phrase,
                      "%sContent-Length: 0\r\n\r\n", hdrs);
}

void echo_invite(struct calls *cs, const struct sip_msg *msg, const struct sip_origin *o, const char *user)
{
    struct echo *e = NULL;
    struct addr net;
    int err;

    net_of(&net, &o->peer);
    if (pl_strcmp(&msg->uri.user, TESTID_ECHO)) {
        refuse(cs, msg, &refused_other, 403, "A Self-Test Calls Nobody", "");
        return;
    }
    if (cs->draining) {
        refuse(cs, msg, &refused_other, 503, "Service Unavailable", "Retry-After: 30\r\n");
        return;
    }
    if (!has_room(cs, user, &net)) {
        refuse(cs, msg, &refused_busy, 486, "Too Many Self-Tests", "Retry-After: 10\r\n");
        return;
    }
    err = echo_new(&e, cs, user, &net);
    if (!err)
        err = accept_browser(e, msg, o);
    if (!err) {
        answer(e, msg);
        return;
    }
    if (err != EACCES) /* answered: 422 */
        refuse(cs, msg, &refused_other, err == EBADMSG ? 400 : 503,
               err == EBADMSG ? "Bad Request" : "Service Unavailable", "");
    mem_deref(e);
    counted(cs);
}

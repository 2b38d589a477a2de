/* sip/upreg: one DN: its states, what is sent for it, and what the answers mean. */
#include "sip/upreg_priv.h"

#include "core/clock.h"
#include "core/fsm.h"
#include "core/log.h"
#include "core/metric.h"
#include "core/rnd.h"
#include "crypto/hash.h"
#include "sip/authclient.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CSEQ_EPOCH = 1600000000, GRANTED_MIN_S = 10, MIN_EXPIRES_MAX_S = 86400 };

#define STATE(var, name)                                                                                     \
    METRIC_GAUGE(var, "dngate_upstream_registrations", "state=\"" name "\"",                                 \
                 "DNs by what their registration at SIP Server does")
STATE(in_idle, "idle");
STATE(in_registering, "registering");
STATE(in_registered, "registered");
STATE(in_refreshing, "refreshing");
STATE(in_refused, "refused");
STATE(in_waiting, "waiting");
STATE(in_leaving, "leaving");

static struct metric *const gauges[UPREG_STATES] = {
    [UPREG_IDLE] = &in_idle,
    [UPREG_REGISTERING] = &in_registering,
    [UPREG_REGISTERED] = &in_registered,
    [UPREG_REFRESHING] = &in_refreshing,
    [UPREG_REFUSED] = &in_refused,
    [UPREG_WAITING] = &in_waiting,
    [UPREG_LEAVING] = &in_leaving,
};

#define OUTCOME(var, name)                                                                                   \
    METRIC_COUNTER(var, "dngate_upstream_registration_requests_total", "outcome=\"" name "\"",               \
                   "REGISTERs sent to SIP Server, by what came of them")
OUTCOME(done_ok, "ok");
OUTCOME(done_challenged, "challenged");
OUTCOME(done_refused, "refused");
OUTCOME(done_failed, "failed");
OUTCOME(done_silent, "silent");

static const struct fsm_state states[UPREG_STATES] = {
    [UPREG_IDLE] = {"idle", FSM(UPREG_REGISTERING) | FSM(UPREG_WAITING)},
    [UPREG_REGISTERING] = {"registering", FSM(UPREG_REGISTERED) | FSM(UPREG_REFUSED) | FSM(UPREG_WAITING) |
                                              FSM(UPREG_LEAVING) | FSM(UPREG_IDLE)},
    [UPREG_REGISTERED] = {"registered",
                          FSM(UPREG_REFRESHING) | FSM(UPREG_WAITING) | FSM(UPREG_LEAVING) | FSM(UPREG_IDLE)},
    [UPREG_REFRESHING] = {"refreshing", FSM(UPREG_REGISTERED) | FSM(UPREG_REFUSED) | FSM(UPREG_WAITING) |
                                            FSM(UPREG_LEAVING) | FSM(UPREG_IDLE)},
    [UPREG_REFUSED] = {"refused", FSM(UPREG_REGISTERING) | FSM(UPREG_WAITING) | FSM(UPREG_IDLE)},
    [UPREG_WAITING] = {"waiting", FSM(UPREG_REGISTERING) | FSM(UPREG_LEAVING) | FSM(UPREG_IDLE)},
    /* waiting: its agent came back before Expires: 0 was on its way */
    [UPREG_LEAVING] = {"leaving", FSM(UPREG_IDLE) | FSM(UPREG_WAITING)},
};

/* Something is under way only in states that wait for it. */
static bool dn_holds(unsigned state, const void *obj)
{
    const struct upreg_dn *e = obj;

    return !e->req || state == UPREG_REGISTERING || state == UPREG_REFRESHING || state == UPREG_LEAVING;
}

FSM_DEFINE(machine, "upstream", states, dn_holds);

const char *upreg_state_name(enum upreg_state s)
{
    return fsm_name(&machine, s);
}

/* ------------------------------------------------------------------ one of them */

struct upreg_dn *upregdn_new(struct upreg *u, const char *dn)
{
    const size_t len = strlen(dn) + 1;
    struct upreg_dn *e = calloc(1, sizeof(*e) + len);

    if (!e)
        return NULL;
    memcpy(e->dn, dn, len);
    if (table_put(u->dns, dn, len - 1, e)) {
        free(e);
        return NULL;
    }
    e->u = u;
    e->ask_s = UPREG_EXPIRES_S;
    e->cseq = (uint32_t)(clock_wall_ms() / 1000 - CSEQ_EPOCH); /* higher than any of before a restart */
    e->cseq = e->cseq > u->last_cseq ? e->cseq : u->last_cseq;
    e->since_ms = clock_wall_ms();
    metric_set(gauges[UPREG_IDLE], (int64_t)++u->in[UPREG_IDLE]);
    u->changes++;
    return e;
}

static void exchange_end(struct upreg_dn *e)
{
    e->req = mem_deref(e->req);
    e->auth = mem_deref(e->auth);
    e->challenged = 0;
}

void upregdn_free(struct upreg_dn *e)
{
    struct upreg *u = e->u;

    upregpace_remove(&e->le);
    exchange_end(e);
    (void)table_del(u->dns, e->dn, strlen(e->dn));
    metric_set(gauges[e->state], (int64_t)--u->in[e->state]);
    u->changes++;
    upreg_place_deref(u, e->at);
    u->last_cseq = e->cseq > u->last_cseq ? e->cseq : u->last_cseq;
    free(e);
}

void upregdn_info(const struct upreg_dn *e, struct upreg_info *out)
{
    static const char *const words[UPREG_STATES] = {
        [UPREG_IDLE] = "waits for its turn",        [UPREG_REGISTERING] = "REGISTER is on its way",
        [UPREG_REGISTERED] = "registered",          [UPREG_REFRESHING] = "registered",
        [UPREG_LEAVING] = "is being un-registered",
    };
    const char *text = words[e->state % UPREG_STATES];

    memset(out, 0, sizeof(*out));
    out->state = (enum upreg_state)e->state;
    out->code = e->code;
    out->since_ms = e->since_ms;
    out->until_ms = e->until_ms > clock_wall_ms() ? e->until_ms : 0;
    out->sequence = e->seq;
    (void)snprintf(out->trunk, sizeof(out->trunk), "%s", e->at ? e->at->trunk : "");
    if (!text && e->state == UPREG_WAITING && e->at && e->at->down)
        text = "the trunk is down";
    else if (!text && e->no_password)
        text = "SIP Server asks for a password, and the DN has none for it";
    else if (!text)
        text = upreganswer_words(e->code);
    (void)snprintf(out->text, sizeof(out->text), "%s", text);
}

static void tell(struct upreg_dn *e)
{
    const struct binding *b = registrar_find(e->u->cfg.registrar, e->dn);
    const bool refused = e->state == UPREG_REFUSED;
    struct upreg_info info;

    if (refused || e->state == UPREG_REGISTERED) {
        upregdn_info(e, &info);
        if (b && e->u->cfg.changed && (refused || e->was_refused))
            e->u->cfg.changed(b, &info, e->u->cfg.arg);
        if (refused && !e->was_refused)
            log_warn("upstream", "dn=%s trunk=%s code=%u refused: %s", e->dn, info.trunk, info.code,
                     info.text);
        e->was_refused = refused;
    }
}

void upregdn_enter(struct upreg_dn *e, enum upreg_state to)
{
    struct upreg *u = e->u;
    const uint8_t from = e->state;
    char label[80];

    (void)snprintf(label, sizeof(label), "dn=%s", e->dn);
    if (!fsm_move(&machine, &e->state, to, e, label))
        return;
    metric_set(gauges[from], (int64_t)--u->in[from]);
    metric_set(gauges[to], (int64_t)++u->in[to]);
    u->changes++;
    if (from != UPREG_REFRESHING || to != UPREG_REGISTERED)
        e->since_ms = clock_wall_ms();
    log_debug("upstream", "dn=%s state=%s code=%u cseq=%u", e->dn, fsm_name(&machine, to), e->code, e->cseq);
    if (to == UPREG_REGISTERED && from != UPREG_REFRESHING)
        log_info("upstream", "dn=%s trunk=%s sequence=%llu registered", e->dn, e->at ? e->at->trunk : "",
                 (unsigned long long)e->seq);
    tell(e);
}

/* ------------------------------------------------------------------ times */

/* Not all at once: half of it is certain, the rest by chance. */
static uint64_t jittered(uint64_t ms)
{
    return ms / 2 + (ms / 2 ? rnd_u32() % (ms / 2 + 1) : 0);
}

static uint64_t doubled(uint64_t min, uint64_t max, unsigned tries)
{
    const uint64_t ms = tries < 16 ? min << tries : max;

    return ms < max ? ms : max;
}

/* 2 to 60 s, with the first at 2 to 4. */
static uint64_t retry_ms(const struct upreg_dn *e)
{
    const uint64_t least = e->u->cfg.retry_ms;
    const uint64_t ms = jittered(doubled(2 * least, UPREG_RETRY_MAX_MS, e->tries));

    return ms > least ? ms : least;
}

static void count_try(struct upreg_dn *e)
{
    if (e->tries < UINT8_MAX)
        e->tries++;
}

/* ------------------------------------------------------------------ what happens to it */

static void wait_for(struct upreg_dn *e, uint64_t ms)
{
    e->due_ms = clock_ms() + ms;
    upregdn_enter(e, UPREG_WAITING);
}

void upregdn_register(struct upreg_dn *e, enum upregpace_line line)
{
    struct upreg *u = e->u;

    if (e->req || e->auth || !u->place || (e->state == UPREG_LEAVING && e->leave_seq == e->seq))
        return; /* what is under way decides first; who leaves, leaves */
    if (e->at != u->place) {
        upreg_place_deref(u, e->at);
        e->at = upreg_place_ref(u->place);
        e->until_ms = 0;
    }
    if (e->at->down) {
        wait_for(e, UPREG_RETRY_MAX_MS);
        return;
    }
    upreg_queue(e, line, false);
}

/* Nobody there knows it any more: forgotten, or, when somebody signed in meanwhile, registered again. */
static void left(struct upreg_dn *e)
{
    e->bound = false;
    e->until_ms = 0;
    e->due_ms = 0;
    e->tries = 0;
    upregdn_enter(e, UPREG_IDLE);
    if (e->u->stopping || !e->u->place || e->gone_ms) {
        upregdn_free(e);
        return;
    }
    upregdn_register(e, UPREG_LINE_NOW);
}

void upregdn_leave(struct upreg_dn *e)
{
    upregpace_remove(&e->le);
    e->leave_seq = e->seq;
    exchange_end(e); /* whatever comes of it: ours is the higher CSeq */
    if (!e->bound || !e->at || e->at->down) {
        left(e);
        return;
    }
    e->tries = 0;
    e->due_ms = 0;
    upregdn_enter(e, UPREG_LEAVING);
    upreg_queue(e, UPREG_LINE_LEAVE, false);
}

static void refused(struct upreg_dn *e)
{
    e->bound = false;
    e->until_ms = 0;
    metric_add(&done_refused, 1);
    e->due_ms = clock_ms() + jittered(doubled(2 * (uint64_t)e->u->cfg.ask_ms, UPREG_ASK_MAX_MS, e->tries));
    count_try(e);
    upregdn_enter(e, UPREG_REFUSED);
}

static void failed(struct upreg_dn *e, uint32_t retry_after)
{
    if (e->state == UPREG_LEAVING) {
        count_try(e);
        if (e->tries >= UPREG_LEAVE_TRIES || e->at->gone) {
            log_warn_limited("upstream", "dn=%s trunk=%s code=%u it may still be registered there", e->dn,
                             e->at->trunk, e->code);
            left(e);
        } else {
            e->due_ms = clock_ms() + retry_ms(e);
        }
        return;
    }
    if (retry_after)
        wait_for(e, 1000 * (uint64_t)(retry_after < UPREG_REST_MAX_S ? retry_after : UPREG_REST_MAX_S) +
                        rnd_u32() % 1000);
    else
        wait_for(e, retry_ms(e));
    count_try(e);
}

static void granted(struct upreg_dn *e, uint32_t seconds)
{
    const uint64_t ms = (uint64_t)(seconds > GRANTED_MIN_S ? seconds : GRANTED_MIN_S) * 1000;

    metric_add(&done_ok, 1);
    e->confirmed_ms = clock_ms();
    e->until_ms = clock_wall_ms() + (int64_t)seconds * 1000;
    e->due_ms = e->confirmed_ms + ms / 4 + jittered(ms / 2); /* between a half and three quarters of it */
    e->tries = 0;
    e->no_password = false;
    e->bound = true;
    upregdn_enter(e, UPREG_REGISTERED);
}

/* ------------------------------------------------------------------ challenges */

/* The DN's own password; without, what the trunk has. False: neither. */
static bool credentials(struct upreg_dn *e)
{
    char password[UPREG_SECRET_MAX] = "";
    int err;

    e->u->cfg.password(e->dn, password, e->u->cfg.arg);
    if (password[0])
        err = authclient_alloc(&e->auth, e->dn, password);
    else
        err = e->at->username[0] ? authclient_alloc(&e->auth, e->at->username, e->at->password) : ENOENT;
    explicit_bzero(password, sizeof(password));
    return !err;
}

/* True: the same again, with an answer to it. */
static bool challenged(struct upreg_dn *e, const struct sip_msg *msg)
{
    const uint8_t bit = msg->scode == 407 ? 2 : 1;

    if (e->challenged & bit) /* a second time: the password is wrong */
        return false;
    e->no_password = !e->auth && !credentials(e);
    if (e->no_password || authclient_take(e->auth, msg))
        return false;
    e->challenged |= bit;
    metric_add(&done_challenged, 1);
    upreg_queue(e, UPREG_LINE_NOW, true);
    return true;
}

/* ------------------------------------------------------------------ answers */

/* What says nothing against the DN, but of the moment. */
static bool of_the_moment(uint16_t code)
{
    return code < 400 || code >= 500 || code == 408 || code == 429 || code == 480 || code == 486 ||
           code == 491;
}

static bool longer(struct upreg_dn *e, const struct upreganswer *a)
{
    if (e->code != 423 || a->min_expires <= e->ask_s || a->min_expires > MIN_EXPIRES_MAX_S)
        return false;
    e->ask_s = a->min_expires;
    upreg_queue(e, UPREG_LINE_NOW, true);
    return true;
}

static void answer(struct upreg_dn *e, const struct sip_msg *msg)
{
    struct upreganswer a;

    upreganswer_read(&a, msg, &e->at->self, e->ask_s);
    if ((e->code == 401 || e->code == 407) && challenged(e, msg))
        return;
    e->auth = mem_deref(e->auth);
    e->challenged = 0;
    if (e->state == UPREG_LEAVING && !of_the_moment(e->code)) {
        metric_add(&done_refused, 1);
        left(e);
    } else if (e->state == UPREG_LEAVING && e->code < 300) {
        metric_add(&done_ok, 1);
        log_info("upstream", "dn=%s trunk=%s sequence=%llu un-registered", e->dn, e->at->trunk,
                 (unsigned long long)e->leave_seq);
        left(e);
    } else if (e->code < 300 && a.expires) {
        granted(e, a.expires);
    } else if (longer(e, &a)) {
        metric_add(&done_failed, 1);
    } else if (of_the_moment(e->code)) {
        metric_add(&done_failed, 1);
        failed(e, a.retry_after);
    } else {
        refused(e);
    }
}

static void silent(struct upreg_dn *e)
{
    struct upreg *u = e->u;
    struct upreg_place *at = upreg_place_ref(e->at);

    metric_add(&done_silent, 1);
    e->code = 0;
    exchange_end(e);
    failed(e, 0);
    upreg_silent(at);
    upreg_place_deref(u, at);
}

static void response_h(int err, const struct sip_msg *msg, void *arg)
{
    struct upreg_dn *e = arg;
    struct upreg *u = e->u;
    struct upreg_place *at;

    if (msg && msg->scode < 200)
        return;
    e->req = NULL;
    if (err || !msg) {
        silent(e);
        return;
    }
    at = upreg_place_ref(e->at);
    e->code = msg->scode;
    answer(e, msg); /* e may be gone */
    if (msg->scode < 300 || !of_the_moment(msg->scode))
        upreg_answered(u, at);
    upreg_place_deref(u, at);
}

/* ------------------------------------------------------------------ sending */

static void callid_of(const struct upreg_dn *e, char out[UPREG_CALLID_LEN])
{
    uint8_t mac[SHA256_LEN];

    hash_hmac_sha256(mac, e->u->cfg.key, sizeof(e->u->cfg.key), e->dn, strlen(e->dn));
    hash_hex(out, mac, (UPREG_CALLID_LEN - 1) / 2);
}

static void transmit(struct upreg_dn *e, uint32_t expires)
{
    char callid[UPREG_CALLID_LEN];
    const struct upregmsg m = {.dn = e->dn,
                               .host = e->at->host,
                               .to = &e->at->addr,
                               .self = &e->at->self,
                               .transport = e->at->transport,
                               .callid = callid,
                               .cseq = ++e->cseq,
                               .expires = expires,
                               .auth = e->auth};
    int err;

    callid_of(e, callid);
    e->bound = true;
    e->due_ms = clock_ms() + e->u->cfg.answer_ms;
    err = upregmsg_send(&e->req, e->u->cfg.stack, &m, response_h, e);
    if (err) {
        log_warn_limited("upstream", "dn=%s trunk=%s error=\"%s\" REGISTER not sent", e->dn, e->at->trunk,
                         strerror(err));
        silent(e);
    }
}

void upregdn_send(struct upreg_dn *e)
{
    if (e->state == UPREG_LEAVING && e->leave_seq != e->seq) { /* a newer sign-in */
        exchange_end(e);
        upregdn_enter(e, UPREG_WAITING);
        upregdn_register(e, UPREG_LINE_NOW);
        return;
    }
    if (e->state == UPREG_LEAVING) {
        transmit(e, 0);
        return;
    }
    if (e->at->down) {
        exchange_end(e);
        wait_for(e, UPREG_RETRY_MAX_MS);
        return;
    }
    if (e->state != UPREG_REGISTERING && e->state != UPREG_REFRESHING)
        upregdn_enter(e, e->state == UPREG_REGISTERED ? UPREG_REFRESHING : UPREG_REGISTERING);
    transmit(e, e->ask_s);
}

void upregdn_due(struct upreg_dn *e)
{
    e->due_ms = 0;
    if (e->req) {
        e->req = mem_deref(e->req);
        silent(e);
    } else if (e->state == UPREG_LEAVING) {
        upreg_queue(e, UPREG_LINE_LEAVE, false);
    } else if (e->state == UPREG_REGISTERED) {
        upregdn_register(e, UPREG_LINE_REFRESH);
    } else {
        upregdn_register(e, e->state == UPREG_REFUSED ? UPREG_LINE_REFRESH : UPREG_LINE_AGAIN);
    }
}

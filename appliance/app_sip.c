#include "app_sip.h"
#include "app_history.h"
#include "call/calls.h"
#include "call/directory.h"
#include "call/drain.h"
#include "call/testid.h"
#include "call/trunkprobe.h"
#include "conf/conf.h"
#include "core/ask.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/mbox.h"
#include "core/metric.h"
#include "service/live.h"
#include "sip/registrar.h"
#include "sip/stack.h"
#include "sip/trunks.h"
#include "sip/upreg.h"
#include "store/cdr.h"
#include "store/dn.h"
#include "store/trunk.h"
#include "turn/turn.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DRAINS_MAX = 4, QUESTIONS_MAX = 256, UNREGISTER_MAX_MS = 30000 };

#define UPSTREAM_KEY "upstream Call-IDs"

struct drain_order { /* MAIN → SIGNALLING */
    uint32_t seconds;
    bool unregister;
};

struct app_sip {
    struct app_sip_config cfg;
    struct trunk_config extra_trunk;
    uint8_t test_key[TESTID_KEY_LEN];
    struct mbox *drains, *questions;
    struct directory *directory;
    struct registrar *registrar;
    struct trunks *trunks;
    struct upreg *upreg;
    struct calls *calls;
    struct trunkprobes *probes;
    struct service_live live; /* what questions are answered from */
    struct app_history history;
    struct drain *drain; /* NULL until it is asked for */
    bool unregister;     /* DNs at SIP Server, when it is over */
    bool leaving;        /* that is under way */
};

static int registrar_lookup(const char *dn, struct registrar_dn *out, void *arg)
{
    struct app_sip *a = arg;
    struct dn row;
    int err;

    err = testid_named(dn) ? testid_lookup(&row, a->test_key, clock_wall_ms() / 1000, dn)
                           : directory_get(a->directory, dn, &row);
    if (err)
        return err;

    memcpy(out->ha1_md5, row.ha1_md5, sizeof(out->ha1_md5));
    memcpy(out->ha1_sha256, row.ha1_sha256, sizeof(out->ha1_sha256));
    out->enabled = row.enabled;
    out->guest = testid_named(dn);
    explicit_bzero(&row, sizeof(row));

    return 0;
}

static void trunk_fill(struct trunk_config *tc, const struct trunk *t)
{
    memset(tc, 0, sizeof(*tc));
    (void)snprintf(tc->name, sizeof(tc->name), "%s", t->name);
    (void)snprintf(tc->host, sizeof(tc->host), "%s", t->host);
    (void)snprintf(tc->username, sizeof(tc->username), "%s", t->username);
    (void)snprintf(tc->password, sizeof(tc->password), "%s", t->password);
    (void)snprintf(tc->codecs, sizeof(tc->codecs), "%s", t->codecs);
    (void)snprintf(tc->tls_ca, sizeof(tc->tls_ca), "%s", t->tls_ca);
    (void)snprintf(tc->tls_name, sizeof(tc->tls_name), "%s", t->tls_name);
    (void)snprintf(tc->tls_cert, sizeof(tc->tls_cert), "%s", t->tls_cert);
    tc->port = t->port;
    tc->transport = (int)t->transport;
    tc->priority = t->priority;
    tc->ping_seconds = t->ping_seconds;
    tc->registers = t->registers;
    tc->ptime = t->ptime;
}

static void trunks_changed(const struct trunk *v, size_t n, void *arg)
{
    struct app_sip *a = arg;
    struct trunk_config *list = calloc(TRUNKS_MAX + 1, sizeof(*list));
    size_t used = 0;
    int err = ENOMEM;

    if (list) {
        for (size_t i = 0; i < n; i++)
            if (v[i].enabled)
                trunk_fill(&list[used++], &v[i]);
        if (a->cfg.extra_trunk)
            list[used++] = a->extra_trunk;
        err = trunks_set(a->trunks, list, used);
        explicit_bzero(list, (TRUNKS_MAX + 1) * sizeof(*list));
    }
    if (err)
        log_error("app", "error=\"%s\" not every trunk is in use", strerror(err));
    upreg_retarget(a->upreg);
    free(list);
}

static void dn_changed(const char *key, void *arg)
{
    struct app_sip *a = arg;

    registrar_recheck(a->registrar, key);
    upreg_recheck(a->upreg, key);
}

static int dns_revoked(const char *dns, size_t count, void *arg)
{
    const struct app_sip *a = arg;

    return a->cfg.turn ? turn_revoke(a->cfg.turn, dns, count) : 0;
}

static void over_h(void *arg)
{
    const struct app_sip *a = arg;
    const uint64_t one = 1;

    if (write(a->cfg.drained_fd, &one, sizeof(one)) < 0)
        log_error("app", "error=\"%s\" end of the drain not told", strerror(errno));
}

/* The last call has ended. */
static void drained_h(void *arg)
{
    struct app_sip *a = arg;

    if (a->unregister) {
        a->leaving = true;
        upreg_leave_all(a->upreg, UNREGISTER_MAX_MS, over_h, a);
    } else {
        over_h(a);
    }
}

static void drain_h(void *msg, void *arg)
{
    const struct drain_order *order = msg;
    struct app_sip *a = arg;
    const struct drain_config cfg = {
        .calls = a->calls,
        .registrar = a->registrar,
        .stack = a->cfg.stack,
        .seconds = order->seconds,
        .done = drained_h,
        .arg = a,
    };

    a->unregister = order->unregister;
    if (a->leaving)
        upreg_hurry(a->upreg);
    else if (a->drain)
        drain_hurry(a->drain, order->seconds);
    else if (drain_alloc(&a->drain, &cfg))
        drained_h(a); /* then without */
}

struct mbox *app_sip_questions(const struct app_sip *a)
{
    return a->questions;
}

void app_sip_drain(struct app_sip *a, uint32_t seconds, bool unregister)
{
    const struct drain_order order = {seconds, unregister};

    (void)mbox_post(a->drains, &order); /* full: enough was said */
}

static uint32_t conf_u32(const struct conf *c, const char *key)
{
    return (uint32_t)conf_int(c, key);
}

static void refused_h(const char *dn, const struct addr *peer, const char *user_agent, const char *why,
                      void *arg)
{
    app_history_refused(&((struct app_sip *)arg)->history, dn, peer, user_agent, why);
}

static int registrar_start(struct app_sip *a)
{
    const struct conf *c = a->cfg.conf;
    const struct registrar_config cfg = {
        .realm = DN_REALM,
        .expires_min = conf_u32(c, "register.expires_min"),
        .expires_max = conf_u32(c, "register.expires_max"),
        .expires_default = conf_u32(c, "register.expires_default"),
        .guard = a->cfg.guard,
        .lookup = registrar_lookup,
        .refused = refused_h,
        .arg = a,
    };

    return registrar_alloc(&a->registrar, a->cfg.stack, &cfg);
}

/* ---------------------------------------------------------------- DNs at SIP Server */

static void upstream_settings(uint32_t *rate, uint32_t *unregister_ms, void *arg)
{
    const struct conf *c = ((const struct app_sip *)arg)->cfg.conf;

    *rate = conf_u32(c, "sip.register_rate");
    *unregister_ms = conf_u32(c, "sip.unregister_seconds") * 1000;
}

static void upstream_password(const char *dn, char out[UPREG_SECRET_MAX], void *arg)
{
    const struct app_sip *a = arg;
    struct dn row;

    _Static_assert((int)UPREG_SECRET_MAX >= (int)DN_TRUNK_PASSWORD_MAX, "a DN's password fits");
    if (!directory_get(a->directory, dn, &row))
        dn_trunk_password(a->cfg.store, dn, row.trunk_password, out);
    explicit_bzero(&row, sizeof(row));
}

static bool upstream_busy(const char *dn, void *arg)
{
    const struct app_sip *a = arg;

    return a->calls && calls_run_for(a->calls, dn);
}

/* The page says whether calls can reach it. */
static void upstream_changed(const struct binding *b, const struct upreg_info *info, void *arg)
{
    const struct app_sip *a = arg;
    char json[256];

    (void)snprintf(json, sizeof(json), "{\"upstream\":{\"state\":\"%s\",\"code\":%u,\"text\":\"%s\"}}",
                   upreg_state_name(info->state), info->code, info->text);
    (void)session_message(a->cfg.stack, b, json);
}

static int upstream_start(struct app_sip *a)
{
    struct upreg_config cfg = {
        .stack = a->cfg.stack,
        .registrar = a->registrar,
        .trunks = a->trunks,
        .settings = upstream_settings,
        .password = upstream_password,
        .busy = upstream_busy,
        .changed = upstream_changed,
        .arg = a,
    };

    upstream_settings(&cfg.rate, &cfg.unregister_ms, a);
    store_key(a->cfg.store, cfg.key, UPSTREAM_KEY);
    return upreg_alloc(&a->upreg, &cfg);
}

static int calls_start(struct app_sip *a)
{
    const struct conf *c = a->cfg.conf;
    const struct calls_config cfg = {
        .stack = a->cfg.stack,
        .registrar = a->registrar,
        .trunks = a->trunks,
        .media = a->cfg.media,
        .media_events = a->cfg.media_events,
        .store = a->cfg.store,
        .directory = a->directory,
        .conf = c,
        .limit_per_dn = conf_u32(c, "call.limit_per_dn"),
        .limit_total = conf_u32(c, "call.limit_total"),
        .ring_seconds = conf_u32(c, "call.ring_seconds"),
        .trunk_seconds = conf_u32(c, "call.trunk_seconds"),
    };

    return calls_alloc(&a->calls, &cfg);
}

static int thread_start_h(struct sip_stack *st, void *arg)
{
    struct app_sip *a = arg;
    int err;

    err = registrar_start(a);
    if (err)
        return err;

    err = trunks_alloc(&a->trunks, st);
    if (err)
        return err;

    a->history = (struct app_history){a->cfg.store, a->directory, a->registrar};
    err = app_history_listen(&a->history, a->trunks);
    if (err)
        return err;

    err = upstream_start(a);
    if (err)
        return err;

    err = directory_start(a->directory, st);
    if (err)
        return err;

    err = calls_start(a);
    if (err)
        return err;

    err = trunkprobes_alloc(&a->probes, a->calls);
    if (err)
        return err;

    err = sip_stack_fallback(st);
    if (err)
        return err;

    a->live = (struct service_live){a->calls, a->registrar, a->directory, a->trunks, st, a->probes, a->upreg};
    err = sip_stack_watch(st, a->questions, ask_answer_h, &a->live);
    if (err)
        return err;

    return sip_stack_watch(st, a->drains, drain_h, a);
}

static int thread_stop_h(struct sip_stack *st, void *arg)
{
    struct app_sip *a = arg;
    (void)st;

    trunkprobes_free(a->probes);
    calls_free(a->calls);
    upreg_free(a->upreg);
    trunks_free(a->trunks);
    registrar_free(a->registrar);
    drain_free(a->drain);
    directory_stop(a->directory);

    return 0;
}

void app_sip_close_left(struct store *s)
{
    size_t n = 0;
    const int err = cdr_close_left(s, "Gateway restarted", &n);

    if (err)
        log_error("app", "error=\"%s\" calls of the last run are not closed", store_strerror(err));
    else if (n)
        log_warn("app", "calls=%zu of the last run were cut off: closed in the call records", n);
}

int app_sip_start(struct app_sip **ap, const struct app_sip_config *cfg, char *why, size_t whysz)
{
    struct directory_config directory = {cfg->store, dn_changed, trunks_changed, dns_revoked, NULL};
    struct app_sip *a;
    int err;

    a = calloc(1, sizeof(*a));
    if (!a)
        return ENOMEM;

    directory.arg = a;
    a->cfg = *cfg;
    if (cfg->extra_trunk)
        a->extra_trunk = *cfg->extra_trunk;
    store_key(cfg->store, a->test_key, TESTID_KEY);

    err = mbox_alloc(&a->drains, "drain", sizeof(struct drain_order), DRAINS_MAX);
    if (err)
        goto out;

    err = ask_mbox_alloc(&a->questions, "questions", QUESTIONS_MAX);
    if (err)
        goto out;

    err = directory_alloc(&a->directory, &directory);
    if (err)
        goto out;

    err = sip_stack_start(cfg->stack, thread_start_h, thread_stop_h, a);

out:
    if (err) {
        (void)snprintf(why, whysz, "the signalling thread cannot start: %s", store_strerror(err));
        directory_free(a->directory);
        mbox_free(a->drains, NULL, NULL);
        ask_mbox_free(a->questions);
        free(a);
    } else {
        *ap = a;
    }
    return err;
}

void app_sip_stop(struct app_sip *a)
{
    if (!a)
        return;

    sip_stack_stop(a->cfg.stack);
    directory_free(a->directory);
    mbox_free(a->drains, NULL, NULL);
    ask_mbox_free(a->questions);
    explicit_bzero(&a->extra_trunk, sizeof(a->extra_trunk));
    explicit_bzero(a->test_key, sizeof(a->test_key));
    free(a);
}

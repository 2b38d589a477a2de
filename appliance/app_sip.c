#include "app_sip.h"
#include "call/calls.h"
#include "call/drain.h"
#include "conf/conf.h"
#include "core/ask.h"
#include "core/log.h"
#include "core/mbox.h"
#include "core/metric.h"
#include "service/live.h"
#include "sip/registrar.h"
#include "sip/stack.h"
#include "sip/trunks.h"
#include "store/dn.h"
#include "store/trunk.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CHANGES_MAX = 1024, DRAINS_MAX = 4, QUESTIONS_MAX = 16 };

struct change { /* a provisioning change, WRITER → SIGNALLING */
    enum store_noun noun;
    char key[DN_MAX];
};

struct drain_order { /* MAIN → SIGNALLING */
    uint32_t seconds;
};

struct app_sip {
    struct app_sip_config cfg;
    struct trunk_config extra_trunk;
    struct mbox *changes, *drains, *questions;
    struct store_reader *reader; /* of the signalling thread */
    struct registrar *registrar;
    struct trunks *trunks;
    struct calls *calls;
    struct service_live live; /* of registrar and calls: what questions are answered from */
    struct drain *drain;      /* NULL until it is asked for */
};

/* Writer thread. A notice that finds no room makes signalling look again at everything (change_h). */
static void store_change_handler(enum store_noun noun, const char *key, void *arg)
{
    struct app_sip *a = arg;
    struct change ch = {.noun = noun};

    (void)snprintf(ch.key, sizeof(ch.key), "%s", key);
    (void)mbox_post(a->changes, &ch); /* counted there */
}

static int registrar_lookup(const char *dn, struct registrar_dn *out, void *arg)
{
    struct app_sip *a = arg;
    struct dn row;
    int err;

    err = dn_get(a->reader, dn, &row);
    if (err)
        return err;

    memcpy(out->ha1_md5, row.ha1_md5, sizeof(out->ha1_md5));
    memcpy(out->ha1_sha256, row.ha1_sha256, sizeof(out->ha1_sha256));
    out->enabled = row.enabled;

    return 0;
}

struct trunk_list {
    struct trunk_config v[TRUNKS_MAX + 1];
    size_t n;
};

static bool trunk_collect_h(const struct trunk *t, void *arg)
{
    struct trunk_list *l = arg;
    struct trunk_config *tc;

    if (!t->enabled)
        return false;
    if (l->n >= TRUNKS_MAX)
        return true;

    tc = &l->v[l->n++];
    memset(tc, 0, sizeof(*tc));
    (void)snprintf(tc->name, sizeof(tc->name), "%s", t->name);
    (void)snprintf(tc->host, sizeof(tc->host), "%s", t->host);
    (void)snprintf(tc->username, sizeof(tc->username), "%s", t->username);
    (void)snprintf(tc->password, sizeof(tc->password), "%s", t->password);
    (void)snprintf(tc->codecs, sizeof(tc->codecs), "%s", t->codecs);
    tc->port = t->port;
    tc->transport = (int)t->transport;
    tc->priority = t->priority;
    tc->ping_seconds = t->ping_seconds;

    return false;
}

static int trunks_load(struct app_sip *a)
{
    struct trunk_list *l;
    int err;

    l = calloc(1, sizeof(*l));
    if (!l)
        return ENOMEM;

    err = trunk_each(a->reader, true, trunk_collect_h, l);
    if (!err && a->cfg.extra_trunk)
        l->v[l->n++] = a->extra_trunk;
    if (!err)
        err = trunks_set(a->trunks, l->v, l->n);

    explicit_bzero(l, sizeof(*l));
    free(l);

    return err;
}

static void change_h(void *msg, void *arg)
{
    const struct change *ch = msg;
    struct app_sip *a = arg;
    const bool all = mbox_lost(a->changes);
    int err = 0;

    if (all || ch->noun == STORE_TRUNK)
        err = trunks_load(a);
    if (all || ch->noun == STORE_DN)
        registrar_recheck(a->registrar, all ? "" : ch->key);

    if (err)
        log_error("app", "error=\"%s\" trunks cannot be read; the old ones stay", strerror(err));
}

static void drained_h(void *arg)
{
    const struct app_sip *a = arg;
    const uint64_t one = 1;

    if (write(a->cfg.drained_fd, &one, sizeof(one)) < 0)
        log_error("app", "error=\"%s\" end of the drain not told", strerror(errno));
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

    if (a->drain)
        drain_hurry(a->drain, order->seconds);
    else if (drain_alloc(&a->drain, &cfg))
        drained_h(a); /* then without */
}

struct mbox *app_sip_questions(const struct app_sip *a)
{
    return a->questions;
}

void app_sip_drain(struct app_sip *a, uint32_t seconds)
{
    const struct drain_order order = {seconds};

    (void)mbox_post(a->drains, &order); /* full: enough was said */
}

static uint32_t conf_u32(const struct conf *c, const char *key)
{
    return (uint32_t)conf_int(c, key);
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
        .arg = a,
    };

    return registrar_alloc(&a->registrar, a->cfg.stack, &cfg);
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
        .reader = a->reader,
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

    err = store_reader_alloc(&a->reader, a->cfg.store);
    if (err)
        return err;

    err = registrar_start(a);
    if (err)
        return err;

    err = trunks_alloc(&a->trunks, st);
    if (err)
        return err;

    err = trunks_load(a);
    if (err)
        return err;

    err = calls_start(a);
    if (err)
        return err;

    err = sip_stack_fallback(st);
    if (err)
        return err;

    a->live = (struct service_live){.calls = a->calls, .registrar = a->registrar};
    err = sip_stack_watch(st, a->questions, ask_answer_h, &a->live);
    if (err)
        return err;

    err = sip_stack_watch(st, a->drains, drain_h, a);
    if (err)
        return err;

    return sip_stack_watch(st, a->changes, change_h, a);
}

static int thread_stop_h(struct sip_stack *st, void *arg)
{
    struct app_sip *a = arg;
    (void)st;

    calls_free(a->calls);
    trunks_free(a->trunks);
    registrar_free(a->registrar);
    drain_free(a->drain);
    store_reader_free(a->reader);

    return 0;
}

int app_sip_start(struct app_sip **ap, const struct app_sip_config *cfg, char *why, size_t whysz)
{
    struct app_sip *a;
    int err;

    a = calloc(1, sizeof(*a));
    if (!a)
        return ENOMEM;

    a->cfg = *cfg;
    if (cfg->extra_trunk)
        a->extra_trunk = *cfg->extra_trunk;

    err = mbox_alloc(&a->changes, "provisioning", sizeof(struct change), CHANGES_MAX);
    if (err)
        goto out;

    err = mbox_alloc(&a->drains, "drain", sizeof(struct drain_order), DRAINS_MAX);
    if (err)
        goto out;

    err = ask_mbox_alloc(&a->questions, "questions", QUESTIONS_MAX);
    if (err)
        goto out;

    err = store_listen(cfg->store, store_change_handler, a);
    if (err)
        goto out;

    err = sip_stack_start(cfg->stack, thread_start_h, thread_stop_h, a);

out:
    if (err) {
        (void)snprintf(why, whysz, "the signalling thread cannot start: %s", strerror(err));
        store_unlisten(cfg->store, store_change_handler, a);
        mbox_free(a->changes, NULL, NULL);
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
    store_unlisten(a->cfg.store, store_change_handler, a);
    mbox_free(a->changes, NULL, NULL);
    mbox_free(a->drains, NULL, NULL);
    ask_mbox_free(a->questions);
    explicit_bzero(&a->extra_trunk, sizeof(a->extra_trunk));
    free(a);
}

#include "call/directory.h"
#include "core/buf.h"
#include "core/keyhash.h"
#include "core/log.h"
#include "core/mbox.h"
#include "core/metric.h"
#include "core/table.h"
#include "sip/stack.h"
#include <errno.h>
#include <re.h>
#include <stdlib.h>
#include <string.h>

enum { NEWS_MAX = 256 };

METRIC_LIMIT(dns_used, "directory_dns", DIRECTORY_DNS_MAX);
METRIC_GAUGE(memory, "dngate_directory_bytes", NULL,
             "Memory of the DNs that are kept for calls and sign-ins");
METRIC_COUNTER(unread, "dngate_directory_failures_total", NULL,
               "Times that changed DNs or trunks could not be read; read again within a minute");

struct entry { /* a DN, as small as it can be */
    enum dn_codec codec;
    bool enabled, auto_answer;
    uint8_t call_limit;
    char ha1_md5[33], ha1_sha256[65];
    char name[]; /* behind it the DN, and its sealed password for SIP Server */
};

struct trunk_list {
    size_t n;
    struct trunk v[TRUNKS_MAX];
};

enum news_kind { NEWS_DN, NEWS_DN_GONE, NEWS_DNS, NEWS_TRUNKS };

struct news { /* WRITER → SIGNALLING; pointers are owned */
    enum news_kind kind;
    struct dn dn;
    struct table *dns; /* of struct entry */
    struct trunk_list *trunks;
};

struct directory {
    struct directory_config cfg;
    struct mbox *news;

    /* --- the store's writer thread (before it listens: main) --- */
    struct store_reader *reader;
    uint64_t dns_sum, trunks_sum; /* of what was read last as a whole; 0 = not to be trusted */

    /* --- signalling thread --- */
    struct table *dns;         /* of struct entry, by DN */
    struct trunk_list *trunks; /* NULL: told */
    char changed[DN_MAX];      /* what is yet to be told: a DN, "" = any */
    bool dn_news;
    size_t bytes;
    struct buf revoked; /* yet to be told */
    size_t revoked_n;
    struct tmr tell; /* apart from the look-up that took it in */
};

/* ------------------------------------------------------------------ tables of DNs */

static const char *entry_dn(const struct entry *e)
{
    return e->name + strlen(e->name) + 1;
}

static const char *entry_trunk_password(const struct entry *e)
{
    return entry_dn(e) + strlen(entry_dn(e)) + 1;
}

static size_t entry_size(const struct entry *e)
{
    return sizeof(*e) + strlen(e->name) + strlen(entry_dn(e)) + strlen(entry_trunk_password(e)) + 3;
}

static struct entry *entry_new(const struct dn *dn)
{
    const size_t n = strlen(dn->name) + 1, dn_n = strlen(dn->dn) + 1,
                 sealed_n = strlen(dn->trunk_password) + 1;
    struct entry *e = malloc(sizeof(*e) + n + dn_n + sealed_n);

    if (!e)
        return NULL;
    e->codec = dn->codec;
    e->enabled = dn->enabled;
    e->auto_answer = dn->auto_answer;
    e->call_limit = (uint8_t)dn->call_limit;
    memcpy(e->ha1_md5, dn->ha1_md5, sizeof(e->ha1_md5));
    memcpy(e->ha1_sha256, dn->ha1_sha256, sizeof(e->ha1_sha256));
    memcpy(e->name, dn->name, n);
    memcpy(e->name + n, dn->dn, dn_n);
    memcpy(e->name + n + dn_n, dn->trunk_password, sealed_n);
    return e;
}

static void entry_free(struct entry *e)
{
    if (!e)
        return;
    explicit_bzero(e, entry_size(e));
    free(e);
}

static bool free_h(void *val, void *arg)
{
    (void)arg;
    entry_free(val);
    return false;
}

static void dns_free(struct table *dns)
{
    if (dns)
        (void)table_each(dns, free_h, NULL);
    table_free(dns);
}

static int dns_put(struct table *dns, const struct dn *dn)
{
    struct entry *e = entry_new(dn);
    int err;

    if (!e)
        return ENOMEM;
    entry_free(table_del(dns, dn->dn, strlen(dn->dn)));
    err = table_put(dns, dn->dn, strlen(dn->dn), e);
    if (err)
        entry_free(e);
    return err;
}

/* ------------------------------------------------------------------ reading: the writer thread */

/* Order does not matter to a sum; the 1 keeps an empty list from being "not to be trusted". */
static bool sum_h(const struct dn *dn, void *arg)
{
    *(uint64_t *)arg += keyhash(dn, sizeof(*dn));
    return false;
}

struct filling {
    struct table *dns;
    size_t left_out;
    int err;
};

static bool fill_h(const struct dn *dn, void *arg)
{
    struct filling *f = arg;

    f->err = dns_put(f->dns, dn);
    if (f->err == ENOSPC) {
        f->left_out++;
        f->err = 0;
    }
    return f->err != 0;
}

/* NULL in *dns: the same as last time. */
static int dns_read(struct directory *d, struct table **dns)
{
    struct filling f = {0};
    uint64_t sum = 1;
    int err;

    *dns = NULL;
    err = dn_each(d->reader, sum_h, &sum);
    if (err || sum == d->dns_sum)
        return err;
    err = table_alloc(&f.dns, DIRECTORY_DNS_MAX);
    if (!err)
        err = dn_each(d->reader, fill_h, &f);
    if (!err)
        err = f.err;
    if (err) {
        dns_free(f.dns);
        return err;
    }
    if (f.left_out)
        log_error("directory", "limit=%d dns=%zu find no room: nobody can call them", DIRECTORY_DNS_MAX,
                  f.left_out);
    d->dns_sum = sum;
    *dns = f.dns;
    return 0;
}

static void list_free(struct trunk_list *l)
{
    if (l)
        explicit_bzero(l, sizeof(*l));
    free(l);
}

static bool collect_h(const struct trunk *t, void *arg)
{
    struct trunk_list *l = arg;

    l->v[l->n++] = *t;
    return l->n == TRUNKS_MAX;
}

/* NULL in *list: the same as last time. */
static int trunks_read(struct directory *d, struct trunk_list **list)
{
    struct trunk_list *l = calloc(1, sizeof(*l));
    uint64_t sum;
    int err;

    *list = NULL;
    if (!l)
        return ENOMEM;
    err = trunk_each(d->reader, true, collect_h, l);
    sum = err ? 0 : keyhash(l, sizeof(*l));
    if (err || sum == d->trunks_sum) {
        list_free(l);
        return err;
    }
    d->trunks_sum = sum;
    *list = l;
    return 0;
}

static void news_drop_h(void *msg, void *arg)
{
    struct news *n = msg;
    (void)arg;

    dns_free(n->dns);
    list_free(n->trunks);
    explicit_bzero(n, sizeof(*n));
}

static int news_read(struct directory *d, enum store_noun noun, const char *key, struct news *n)
{
    int err;

    memset(n, 0, sizeof(*n));
    if (noun == STORE_TRUNK) {
        n->kind = NEWS_TRUNKS;
        return trunks_read(d, &n->trunks);
    }
    if (!key[0]) {
        n->kind = NEWS_DNS;
        return dns_read(d, &n->dns);
    }
    d->dns_sum = 0; /* a restore may lead back to exactly what was read last as a whole */
    (void)snprintf(n->dn.dn, sizeof(n->dn.dn), "%s", key);
    err = dn_get(d->reader, key, &n->dn);
    n->kind = err == ENOENT ? NEWS_DN_GONE : NEWS_DN;
    return err == ENOENT ? 0 : err;
}

/* What cannot be read or posted now is found different at the next reading of all. */
static void notice_h(enum store_noun noun, const char *key, void *arg)
{
    struct directory *d = arg;
    struct news n;
    int err;

    if (noun != STORE_DN && noun != STORE_TRUNK)
        return;
    err = news_read(d, noun, key, &n);
    if (!err && n.kind == NEWS_DNS && !n.dns)
        return;
    if (!err && n.kind == NEWS_TRUNKS && !n.trunks)
        return;
    if (!err)
        err = mbox_post(d->news, &n);
    if (!err)
        return;
    metric_add(&unread, 1);
    log_warn("directory", "error=\"%s\" a changed %s is not known to calls yet", store_strerror(err),
             noun == STORE_DN ? "DN" : "trunk");
    news_drop_h(&n, NULL);
    if (noun == STORE_DN)
        d->dns_sum = 0;
    else
        d->trunks_sum = 0;
}

/* ------------------------------------------------------------------ taking it in: the signalling thread */

static void tell_h(void *arg);

static void revoked_tell(struct directory *d)
{
    if (!d->revoked_n)
        return;
    if (d->cfg.dns_revoked && d->cfg.dns_revoked(d->revoked.data, d->revoked_n, d->cfg.arg)) {
        tmr_start(&d->tell, DIRECTORY_RETRY_MS, tell_h, d);
        return;
    }
    buf_reset(&d->revoked);
    d->revoked_n = 0;
}

static void tell_h(void *arg)
{
    struct directory *d = arg;
    struct trunk_list *l = d->trunks;
    char key[DN_MAX];

    revoked_tell(d);

    d->trunks = NULL;
    if (l)
        d->cfg.trunks_changed(l->v, l->n, d->cfg.arg);
    list_free(l);
    if (!d->dn_news)
        return;
    memcpy(key, d->changed, sizeof(key));
    d->dn_news = false;
    d->cfg.dn_changed(key, d->cfg.arg);
}

/* Two of them are as good as any. */
static void changed(struct directory *d, const char *dn)
{
    if (d->dn_news && strcmp(d->changed, dn))
        dn = "";
    memmove(d->changed, dn, strlen(dn) + 1);
    d->dn_news = true;
}

static bool size_h(void *val, void *arg)
{
    *(size_t *)arg += entry_size(val);
    return false;
}

static void revoked_add(struct directory *d, const char *dn)
{
    if (buf_write(&d->revoked, dn, strlen(dn) + 1))
        log_error("directory", "dn=%s its credentials of before stay good: no memory", dn);
    else
        d->revoked_n++;
    d->revoked.err = 0;
}

/* now: what it has become; NULL: removed. */
static void revoked_note(struct directory *d, const struct entry *was, const struct entry *now)
{
    if (was->enabled && !(now && now->enabled && !strcmp(was->ha1_sha256, now->ha1_sha256)))
        revoked_add(d, entry_dn(was));
}

/* At the start: who is disabled may have been so only just before it. */
static bool disabled_h(void *val, void *arg)
{
    const struct entry *e = val;

    if (!e->enabled)
        revoked_add(arg, entry_dn(e));
    return false;
}

struct comparison {
    struct directory *d;
    const struct table *now;
};

static bool compare_h(void *val, void *arg)
{
    const struct comparison *c = arg;
    const struct entry *was = val;

    revoked_note(c->d, was, table_get(c->now, entry_dn(was), strlen(entry_dn(was))));
    return false;
}

static void dns_replace(struct directory *d, struct table *dns)
{
    struct comparison c = {d, dns};

    if (d->dns)
        (void)table_each(d->dns, compare_h, &c);
    else
        (void)table_each(dns, disabled_h, d);
    dns_free(d->dns);
    d->dns = dns;
    d->bytes = 0;
    (void)table_each(dns, size_h, &d->bytes);
    changed(d, "");
}

static void dn_replace(struct directory *d, const struct news *n)
{
    struct entry *was = table_del(d->dns, n->dn.dn, strlen(n->dn.dn));
    const struct entry *now;

    if (was)
        d->bytes -= entry_size(was);
    now =
        n->kind == NEWS_DN && !dns_put(d->dns, &n->dn) ? table_get(d->dns, n->dn.dn, strlen(n->dn.dn)) : NULL;
    if (now)
        d->bytes += entry_size(now);
    if (was)
        revoked_note(d, was, now);
    entry_free(was);
    changed(d, n->dn.dn);
}

static void news_h(void *msg, void *arg)
{
    struct news *n = msg;
    struct directory *d = arg;

    switch (n->kind) {

    case NEWS_DN:
    case NEWS_DN_GONE:
        dn_replace(d, n);
        break;

    case NEWS_DNS:
        dns_replace(d, n->dns);
        break;

    case NEWS_TRUNKS:
        list_free(d->trunks);
        d->trunks = n->trunks;
        break;
    }
    explicit_bzero(n, sizeof(*n));
    metric_set(&dns_used, (int64_t)table_count(d->dns));
    metric_set(&memory, (int64_t)d->bytes);
    tmr_start(&d->tell, 0, tell_h, d);
}

size_t directory_count(const struct directory *d)
{
    return d->dns ? table_count(d->dns) : 0;
}

int directory_get(struct directory *d, const char *dn, struct dn *out)
{
    const struct entry *e;

    (void)mbox_drain(d->news, news_h, d);
    e = table_get(d->dns, dn, strlen(dn));
    if (!e || strlen(dn) >= sizeof(out->dn))
        return ENOENT;
    memset(out, 0, sizeof(*out));
    memcpy(out->dn, dn, strlen(dn) + 1);
    memcpy(out->name, e->name, strlen(e->name) + 1);
    memcpy(out->trunk_password, entry_trunk_password(e), strlen(entry_trunk_password(e)) + 1);
    out->enabled = e->enabled;
    out->codec = e->codec;
    out->auto_answer = e->auto_answer;
    out->call_limit = e->call_limit;
    memcpy(out->ha1_md5, e->ha1_md5, sizeof(out->ha1_md5));
    memcpy(out->ha1_sha256, e->ha1_sha256, sizeof(out->ha1_sha256));
    return 0;
}

int directory_start(struct directory *d, struct sip_stack *st)
{
    tell_h(d);
    return sip_stack_watch(st, d->news, news_h, d);
}

void directory_stop(struct directory *d)
{
    tmr_cancel(&d->tell);
}

/* ------------------------------------------------------------------ main thread */

int directory_alloc(struct directory **dp, const struct directory_config *cfg)
{
    struct directory *d = calloc(1, sizeof(*d));
    struct table *dns = NULL;
    int err;

    if (!d)
        return ENOMEM;
    d->cfg = *cfg;
    buf_init(&d->revoked, (size_t)DIRECTORY_DNS_MAX * DN_MAX);
    err = mbox_alloc(&d->news, "directory", sizeof(struct news), NEWS_MAX);
    if (!err)
        err = store_reader_alloc(&d->reader, cfg->store);
    if (!err)
        err = dns_read(d, &dns);
    if (!err) {
        dns_replace(d, dns);
        d->dn_news = false; /* nobody has signed in yet */
        err = trunks_read(d, &d->trunks);
    }
    metric_set(&dns_used, d->dns ? (int64_t)table_count(d->dns) : 0);
    metric_set(&memory, (int64_t)d->bytes);
    if (!err)
        err = store_listen(cfg->store, notice_h, d);
    if (err)
        directory_free(d);
    else
        *dp = d;
    return err;
}

void directory_free(struct directory *d)
{
    if (!d)
        return;
    store_unlisten(d->cfg.store, notice_h, d);
    store_reader_free(d->reader);
    mbox_free(d->news, news_drop_h, NULL);
    dns_free(d->dns);
    list_free(d->trunks);
    buf_reset(&d->revoked);
    free(d);
}

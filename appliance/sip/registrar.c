#include "sip/registrar.h"
#include "sip/auth.h"
#include "sip/regmsg.h"
#include "sip/stack_priv.h"

#include "core/clock.h"
#include "core/log.h"
#include "core/metric.h"
#include "core/table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    REGISTRAR_LISTENERS_MAX = 4,
    REGISTRAR_SWEEP_MS = 1000,
    REGISTRAR_MAX = SIP_WS_CONNS_MAX,
    REGISTRAR_STRANGER_MS = 30000
};

METRIC_GAUGE(registrations, "dngate_registrations", NULL, "DNs registered now");
METRIC_LIMIT(registrations_limit, "registrations", REGISTRAR_MAX);
METRIC_COUNTER(strangers_closed, "dngate_sip_ws_strangers_total", NULL,
               "WebSockets closed because nobody signed in on them");

#define CHANGE(var, event)                                                                                   \
    METRIC_COUNTER(var, "dngate_registration_changes_total", "event=\"" event "\"",                          \
                   "Registrations begun, kept up and ended, by what happened")
CHANGE(change_added, "registered");
CHANGE(change_refreshed, "refreshed");
CHANGE(change_replaced, "replaced_by_newer");
CHANGE(change_expired, "expired");
CHANGE(change_removed, "unregistered");
CHANGE(change_lost, "connection_lost");

static struct metric *const changes[] = {
    [REG_ADDED] = &change_added,     [REG_REFRESHED] = &change_refreshed, [REG_REPLACED] = &change_replaced,
    [REG_EXPIRED] = &change_expired, [REG_REMOVED] = &change_removed,     [REG_CONN_LOST] = &change_lost,
};

struct entry {
    struct binding b;
    struct registrar_dn dn; /* with the password it registered with */
    uint64_t until_ms;      /* monotonic */
};

struct registrar {
    struct sip_stack *st;
    struct registrar_config cfg;
    struct auth *auth;
    struct sip_lsnr *lsnr;
    struct table *by_dn, *by_conn; /* of struct entry */
    struct tmr sweep;
    struct {
        registrar_h *h;
        void *arg;
    } listeners[REGISTRAR_LISTENERS_MAX];
    size_t listener_count;
};

static void tell(struct registrar *r, enum registrar_event ev, const struct binding *b)
{
    metric_add(changes[ev], 1);
    metric_set(&registrations, (int64_t)table_count(r->by_dn));
    metric_set(&registrations_limit, (int64_t)table_count(r->by_dn));
    for (size_t i = 0; i < r->listener_count; i++)
        r->listeners[i].h(ev, b, r->listeners[i].arg);
}

static struct entry *entry_find(const struct registrar *r, const char *dn)
{
    return table_get(r->by_dn, dn, strlen(dn));
}

static struct entry *entry_by_conn(const struct registrar *r, uint64_t conn)
{
    return table_get(r->by_conn, &conn, sizeof(conn));
}

/* Takes it out and tells why. */
static void entry_remove(struct registrar *r, struct entry *e, enum registrar_event ev)
{
    static const char *const words[] = {[REG_EXPIRED] = "registration expired",
                                        [REG_REMOVED] = "unregistered",
                                        [REG_CONN_LOST] = "connection lost"};

    (void)table_del(r->by_dn, e->b.dn, strlen(e->b.dn));
    (void)table_del(r->by_conn, &e->b.ws_conn, sizeof(e->b.ws_conn));
    log_info("sip", "dn=%s conn=%llu %s", e->b.dn, (unsigned long long)e->b.ws_conn, words[ev]);
    tell(r, ev, &e->b);
    explicit_bzero(e, sizeof(*e));
    free(e);
}

static bool expire_h(void *val, void *arg)
{
    struct registrar *r = arg;
    struct entry *e = val;

    if (clock_ms() >= e->until_ms)
        entry_remove(r, e, REG_EXPIRED);
    return false;
}

/* A connection that costs memory and tells nobody who it is. */
static bool stranger_h(struct le *le, void *arg)
{
    struct registrar *r = arg;
    struct sip_conn *c = le->data;
    char src[ADDR_STRLEN];
    struct addr peer;

    if (c->tp != SIP_TRANSP_WS || !c->stranger_ms || clock_ms() < c->stranger_ms + r->cfg.stranger_ms)
        return false;
    c->stranger_ms = 0; /* asked once: WEB closes it */
    transp_addr(&peer, &c->paddr);
    metric_add(&strangers_closed, 1);
    log_warn_limited("sip", "conn=%llu source=%s nobody signed in: closed", (unsigned long long)c->id,
                     addr_ip(&peer, src, sizeof(src)));
    sip_ws_close(r->st, c->id, 4004, "nobody signed in");
    return false;
}

static void no_stranger(const struct sip_msg *msg) /* on a WebSocket: its sender has proved who he is */
{
    ((struct sip_conn *)msg->sock)->stranger_ms = 0;
}

static void sweep_h(void *arg)
{
    struct registrar *r = arg;

    (void)table_each(r->by_dn, expire_h, r);
    (void)hash_apply(r->st->sip->ht_conn, stranger_h, r);
    tmr_start(&r->sweep, REGISTRAR_SWEEP_MS, sweep_h, r);
}

static void gone_h(uint64_t conn, void *arg)
{
    struct registrar *r = arg;
    struct entry *e = entry_by_conn(r, conn);

    if (e)
        entry_remove(r, e, REG_CONN_LOST);
}

/* ------------------------------------------------------------------ serving it */

/* The binding as it is now; JsSIP finds itself by +sip.instance and reg-id. */
static void reply_ok(struct registrar *r, const struct sip_msg *msg, const struct entry *e,
                     const struct regmsg *w)
{
    uint64_t now = clock_ms();

    if (!e) {
        (void)sip_treply(NULL, r->st->sip, msg, 200, "OK");
        return;
    }
    (void)sip_treplyf(NULL, NULL, r->st->sip, msg, false, 200, "OK",
                      "Contact: <%s>;expires=%u%s%s%s%r\r\nContent-Length: 0\r\n\r\n", e->b.contact,
                      (uint32_t)(e->until_ms > now ? (e->until_ms - now + 999) / 1000 : 0),
                      e->b.instance[0] ? ";+sip.instance=" : "", e->b.instance, w->reg_id.l ? ";reg-id=" : "",
                      w->reg_id.l ? &w->reg_id : NULL);
}

static void unbind(struct registrar *r, const struct sip_msg *msg, const struct regmsg *w, uint64_t conn)
{
    struct entry *e = entry_find(r, w->dn);

    /* An old page that closes must not sign out the new one. */
    if (e && (w->all || e->b.ws_conn == conn || !strcmp(e->b.contact, w->contact)))
        entry_remove(r, e, REG_REMOVED);
    reply_ok(r, msg, NULL, w);
}

/* The newest wins: whoever held the DN, or another DN on this connection, goes. */
static void supersede(struct registrar *r, struct entry *old, const struct regmsg *w)
{
    bool same = w->instance[0] && !strcmp(w->instance, old->b.instance);

    log_info("sip", "dn=%s conn=%llu replaced by a newer registration", old->b.dn,
             (unsigned long long)old->b.ws_conn);
    sip_ws_close(r->st, old->b.ws_conn, same ? 4002 : 4001, same ? "replaced" : "signed in elsewhere");
    (void)table_del(r->by_conn, &old->b.ws_conn, sizeof(old->b.ws_conn));
}

static int entry_add(struct registrar *r, struct entry **ep, const struct regmsg *w)
{
    struct entry *e = calloc(1, sizeof(*e));
    int err;

    if (!e)
        return ENOMEM;
    memcpy(e->b.dn, w->dn, sizeof(e->b.dn));
    err = table_put(r->by_dn, e->b.dn, strlen(e->b.dn), e);
    if (err)
        free(e);
    else
        *ep = e;
    return err;
}

static void entry_fill(struct entry *e, const struct regmsg *w, const struct sip_msg *msg,
                       const struct sip_origin *o, const struct registrar_dn *dn)
{
    const struct sip_hdr *ua = sip_msg_hdr(msg, SIP_HDR_USER_AGENT);

    e->dn = *dn;
    e->b.ws_conn = o->ws_conn;
    e->b.peer = o->peer;
    memcpy(e->b.contact, w->contact, sizeof(e->b.contact));
    memcpy(e->b.instance, w->instance, sizeof(e->b.instance));
    (void)sip_ws_route(e->b.route, o->ws_conn);
    e->b.user_agent[0] = 0;
    if (ua) {
        struct pl pl = {ua->val.p,
                        ua->val.l < sizeof(e->b.user_agent) ? ua->val.l : sizeof(e->b.user_agent) - 1};

        (void)pl_strcpy(&pl, e->b.user_agent, sizeof(e->b.user_agent));
    }
    e->until_ms = clock_ms() + (uint64_t)w->expires * 1000;
    e->b.expires_ms = clock_wall_ms() + (int64_t)w->expires * 1000;
}

static int bind_dn(struct registrar *r, struct entry **ep, const struct regmsg *w, const struct sip_msg *msg,
                   const struct sip_origin *o, const struct registrar_dn *dn)
{
    struct entry *e = entry_find(r, w->dn), *other = entry_by_conn(r, o->ws_conn);
    enum registrar_event ev = REG_REFRESHED;
    char src[ADDR_STRLEN];
    int err;

    if (other && other != e)
        entry_remove(r, other, REG_REMOVED);
    if (!e) {
        ev = REG_ADDED;
        err = entry_add(r, &e, w);
        if (err)
            return err;
    } else if (e->b.ws_conn != o->ws_conn) {
        ev = REG_REPLACED;
        supersede(r, e, w);
    }
    entry_fill(e, w, msg, o, dn);
    if (ev != REG_REFRESHED) {
        e->b.registered_ms = clock_wall_ms();
        err = table_put(r->by_conn, &e->b.ws_conn, sizeof(e->b.ws_conn), e);
        if (err) {
            entry_remove(r, e, REG_REMOVED);
            return err;
        }
        log_info("sip", "dn=%s conn=%llu source=%s expires=%u registered", e->b.dn,
                 (unsigned long long)e->b.ws_conn, addr_ip(&e->b.peer, src, sizeof(src)), w->expires);
    }
    *ep = e;
    tell(r, ev, &e->b);
    return 0;
}

static void serve(struct registrar *r, const struct sip_msg *msg, const struct regmsg *w,
                  const struct registrar_dn *dn)
{
    struct regmsg granted = *w;
    struct entry *e = NULL;
    struct sip_origin o;

    (void)sip_stack_origin(r->st, msg, &o);
    if (!w->present) {
        reply_ok(r, msg, entry_find(r, w->dn), w);
    } else if (!w->expires) {
        unbind(r, msg, w, o.ws_conn);
    } else if (w->expires < r->cfg.expires_min) {
        (void)sip_treplyf(NULL, NULL, r->st->sip, msg, false, 423, "Interval Too Brief",
                          "Min-Expires: %u\r\nContent-Length: 0\r\n\r\n", r->cfg.expires_min);
    } else {
        if (granted.expires > r->cfg.expires_max)
            granted.expires = r->cfg.expires_max;
        if (bind_dn(r, &e, &granted, msg, &o, dn))
            (void)sip_treply(NULL, r->st->sip, msg, 503, "Service Unavailable");
        else
            reply_ok(r, msg, e, &granted);
    }
}

/* A user part that no DN can have is asked for like any other, and found unknown. */
static void user_copy(char *buf, size_t sz, const struct pl *user)
{
    if (regmsg_copy(buf, sz, user))
        buf[0] = 0;
}

static void register_now(const struct sip_msg *msg, void *arg)
{
    struct registrar *r = arg;
    struct registrar_dn dn;
    struct regmsg w = {.expires = 0};

    if (msg->tp == SIP_TRANSP_WS && ((struct sip_conn *)msg->sock)->closed)
        return; /* while it waited */
    user_copy(w.dn, sizeof(w.dn), &msg->to.uri.user);
    if (!auth_check(r->auth, msg, w.dn, &dn)) {
        no_stranger(msg);
        if (regmsg_decode(&w, msg, r->cfg.expires_default))
            (void)sip_treply(NULL, r->st->sip, msg, 400, "Bad Contact Or Expires");
        else
            serve(r, msg, &w, &dn);
    }
    explicit_bzero(&dn, sizeof(dn));
}

static bool request_h(const struct sip_msg *msg, void *arg)
{
    struct registrar *r = arg;

    if (pl_strcmp(&msg->met, "REGISTER") || msg->tp != SIP_TRANSP_WS)
        return false;
    if (auth_gate(r->auth, msg, register_now, r) == AUTH_NOW)
        register_now(msg, r);
    return true;
}

/* ------------------------------------------------------------------ what others ask */

int registrar_alloc(struct registrar **rp, struct sip_stack *st, const struct registrar_config *cfg)
{
    struct registrar *r;
    int err;

    if (!rp || !st || !cfg || !cfg->lookup || !cfg->guard || !cfg->realm)
        return EINVAL;
    r = calloc(1, sizeof(*r));
    if (!r)
        return ENOMEM;
    r->st = st;
    r->cfg = *cfg;
    r->cfg.expires_min = cfg->expires_min ? cfg->expires_min : 60;
    r->cfg.expires_max = cfg->expires_max ? cfg->expires_max : 3600;
    r->cfg.expires_default = cfg->expires_default ? cfg->expires_default : 600;
    r->cfg.stranger_ms = cfg->stranger_ms ? cfg->stranger_ms : REGISTRAR_STRANGER_MS;
    err = auth_alloc(&r->auth, st, &r->cfg);
    if (!err)
        err = table_alloc(&r->by_dn, REGISTRAR_MAX);
    if (!err)
        err = table_alloc(&r->by_conn, REGISTRAR_MAX);
    if (!err)
        err = sip_listen(&r->lsnr, st->sip, true, request_h, r);
    if (!err)
        err = sip_ws_on_gone(st, gone_h, r);
    if (err) {
        registrar_free(r);
        return err;
    }
    tmr_start(&r->sweep, REGISTRAR_SWEEP_MS, sweep_h, r);
    *rp = r;
    return 0;
}

static bool free_h(void *val, void *arg)
{
    (void)arg;
    explicit_bzero(val, sizeof(struct entry));
    free(val);
    return false;
}

void registrar_free(struct registrar *r)
{
    if (!r)
        return;
    tmr_cancel(&r->sweep);
    mem_deref(r->lsnr);
    auth_free(r->auth);
    table_free(r->by_conn);
    (void)table_each(r->by_dn, free_h, NULL);
    table_free(r->by_dn);
    metric_set(&registrations, 0);
    metric_set(&registrations_limit, 0);
    free(r);
}

int registrar_listen(struct registrar *r, registrar_h *h, void *arg)
{
    if (r->listener_count == REGISTRAR_LISTENERS_MAX)
        return ENOSPC;
    r->listeners[r->listener_count].h = h;
    r->listeners[r->listener_count++].arg = arg;
    return 0;
}

const struct binding *registrar_find(const struct registrar *r, const char *dn)
{
    const struct entry *e = dn ? entry_find(r, dn) : NULL;

    return e ? &e->b : NULL;
}

const struct binding *registrar_by_conn(const struct registrar *r, uint64_t conn)
{
    const struct entry *e = entry_by_conn(r, conn);

    return e ? &e->b : NULL;
}

size_t registrar_count(const struct registrar *r)
{
    return table_count(r->by_dn);
}

struct each_arg {
    registrar_each_h *h;
    void *arg;
};

static bool each_h(void *val, void *arg)
{
    const struct each_arg *ea = arg;

    return ea->h(&((const struct entry *)val)->b, ea->arg);
}

void registrar_each(const struct registrar *r, registrar_each_h *h, void *arg)
{
    struct each_arg ea = {h, arg};

    (void)table_each(r->by_dn, each_h, &ea);
}

static void drop(struct registrar *r, struct entry *e, const char *reason)
{
    sip_ws_close(r->st, e->b.ws_conn, 4003, reason);
    entry_remove(r, e, REG_REMOVED);
}

void registrar_drop(struct registrar *r, const char *dn, const char *reason)
{
    struct entry *e = entry_find(r, dn);

    if (e)
        drop(r, e, reason);
}

static bool recheck_h(void *val, void *arg)
{
    struct registrar *r = arg;
    struct entry *e = val;
    struct registrar_dn now;
    int err;

    memset(&now, 0, sizeof(now));
    err = r->cfg.lookup(e->b.dn, &now, r->cfg.arg);
    if (err == ENOENT)
        drop(r, e, "DN removed");
    else if (!err && !now.enabled)
        drop(r, e, "DN disabled");
    else if (!err && !auth_same_password(&now, &e->dn))
        drop(r, e, "password changed");
    explicit_bzero(&now, sizeof(now));
    return false;
}

void registrar_recheck(struct registrar *r, const char *dn)
{
    struct entry *e;

    if (!dn || !*dn) {
        (void)table_each(r->by_dn, recheck_h, r);
        return;
    }
    e = entry_find(r, dn);
    if (e)
        (void)recheck_h(e, r);
}

/* Only registrations wait for the guard; another request that would have to is told to come back. */
static void busy_h(const struct sip_msg *msg, void *arg)
{
    struct registrar *r = arg;

    (void)sip_treply(NULL, r->st->sip, msg, 403, "Forbidden");
}

/*
 * Whom a request names as its sender: From, or, where that says nothing (RFC 3323 4.1.1.3), P-Preferred-Identity (RFC 3325 9.2). false:
 * nobody.
 */
static bool sender(char *user, size_t sz, const struct sip_msg *msg)
{
    const struct sip_hdr *preferred = sip_msg_hdr(msg, SIP_HDR_P_PREFERRED_IDENTITY);
    struct sip_addr a;

    if (pl_strcasecmp(&msg->from.uri.host, "anonymous.invalid")) {
        user_copy(user, sz, &msg->from.uri.user);
        return true;
    }
    if (!preferred || sip_addr_decode(&a, &preferred->val))
        return false;
    user_copy(user, sz, &a.uri.user);
    return true;
}

int registrar_authorize(struct registrar *r, const struct sip_msg *msg, char *dn, size_t dnsz)
{
    const struct binding *b;
    struct registrar_dn row;
    struct sip_origin o;
    char user[64] = "";
    bool named;
    int err;

    if (sip_stack_origin(r->st, msg, &o) || o.source != SIP_FROM_AGENT)
        return EACCES;
    named = sender(user, sizeof(user), msg);
    b = registrar_by_conn(r, o.ws_conn);
    if (b && !named)
        (void)regmsg_copy(user, sizeof(user), &(struct pl){b->dn, strlen(b->dn)});
    if (b && strcmp(b->dn, user)) {
        (void)sip_treply(NULL, r->st->sip, msg, 403, "From Is Not The Registered DN");
        return EACCES;
    }
    if (!b) {
        if (auth_gate(r->auth, msg, busy_h, r) != AUTH_NOW)
            return EACCES;
        err = auth_check(r->auth, msg, user, &row);
        explicit_bzero(&row, sizeof(row));
        if (err)
            return EACCES;
        no_stranger(msg);
    }
    if (strlen(user) >= dnsz)
        return EOVERFLOW;
    memcpy(dn, user, strlen(user) + 1);
    return 0;
}

/* sip/session: all browsers: by DN and by connection, how connections come and go, and who is told. */
#include "sip/session_priv.h"

#include "core/clock.h"
#include "core/log.h"
#include "core/metric.h"

#include <stdlib.h>
#include <string.h>

enum { SWEEP_MS = 1000 };

METRIC_GAUGE(registrations, "dngate_registrations", NULL, "DNs registered now");
METRIC_LIMIT(registrations_limit, "registrations", SESSIONS_MAX);
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
CHANGE(change_returned, "returned_to_call");

static struct metric *const changes[] = {
    [REG_ADDED] = &change_added,       [REG_REFRESHED] = &change_refreshed, [REG_REPLACED] = &change_replaced,
    [REG_EXPIRED] = &change_expired,   [REG_REMOVED] = &change_removed,     [REG_CONN_LOST] = &change_lost,
    [REG_RETURNED] = &change_returned,
};

void sessions_tell(struct sessions *ss, enum registrar_event ev, const struct binding *b)
{
    ss->changes++;
    metric_add(changes[ev], 1);
    metric_set(&registrations, (int64_t)table_count(ss->by_dn));
    metric_set(&registrations_limit, (int64_t)table_count(ss->by_dn));
    for (size_t i = 0; i < ss->listener_count; i++)
        ss->listeners[i].h(ev, b, ss->listeners[i].arg);
}

struct session *session_by_conn(const struct sessions *ss, uint64_t conn)
{
    return table_get(ss->by_conn, &conn, sizeof(conn));
}

struct session *session_by_dn(const struct sessions *ss, const char *dn)
{
    return table_get(ss->by_dn, dn, strlen(dn));
}

struct session *session_of(struct sessions *ss, uint64_t conn)
{
    struct session *s = session_by_conn(ss, conn);

    if (s)
        return s;
    s = calloc(1, sizeof(*s));
    if (!s)
        return NULL;
    s->ss = ss;
    s->b.ws_conn = conn;
    s->until_ms = clock_ms() + ss->stranger_ms;
    if (!table_put(ss->by_conn, &conn, sizeof(conn), s))
        return s;
    free(s);
    return NULL;
}

static void open_h(uint64_t conn, void *arg)
{
    (void)session_of(arg, conn);
}

static void gone_h(uint64_t conn, void *arg)
{
    struct sessions *ss = arg;
    struct session *s = table_del(ss->by_conn, &conn, sizeof(conn));
    struct binding was;
    bool bound;

    if (!s)
        return;
    was = s->b;
    bound = s->state == SESSION_SIGNED_IN;
    if (bound)
        session_unbind(s, REG_CONN_LOST);
    s->b.ws_conn = 0;
    session_enter(s, s->calls ? SESSION_LOST : SESSION_GONE);
    if (s->state == SESSION_GONE)
        session_free(s);
    if (bound)
        sessions_tell(ss, REG_CONN_LOST, &was);
}

/* A connection that costs memory and tells nobody who it is. */
static void stranger(struct session *s)
{
    char src[ADDR_STRLEN] = "";
    struct addr peer;

    s->until_ms = 0; /* asked once: WEB closes it */
    if (!sip_ws_addrs(s->ss->st, s->b.ws_conn, &peer, NULL))
        (void)addr_ip(&peer, src, sizeof(src));
    metric_add(&strangers_closed, 1);
    log_warn_limited("sip", "conn=%llu source=%s nobody signed in: closed", (unsigned long long)s->b.ws_conn,
                     src);
    sip_ws_close(s->ss->st, s->b.ws_conn, SESSION_CLOSE_STRANGER, "nobody signed in");
}

static bool due_h(void *val, void *arg)
{
    struct session *s = val;

    (void)arg;
    if (!s->until_ms || clock_ms() < s->until_ms)
        return false;
    if (s->state == SESSION_SIGNED_IN)
        session_sign_out(s, REG_EXPIRED);
    else
        stranger(s);
    return false;
}

static void sweep_h(void *arg)
{
    struct sessions *ss = arg;

    (void)table_each(ss->by_conn, due_h, NULL);
    tmr_start(&ss->sweep, SWEEP_MS, sweep_h, ss);
}

/* ------------------------------------------------------------------ all of them */

int sessions_alloc(struct sessions **ssp, struct sip_stack *st, uint32_t stranger_ms)
{
    struct sessions *ss = calloc(1, sizeof(*ss));
    int err;

    if (!ss)
        return ENOMEM;
    ss->st = st;
    ss->stranger_ms = stranger_ms;
    err = table_alloc(&ss->by_dn, SESSIONS_MAX);
    if (!err)
        err = table_alloc(&ss->by_conn, SESSIONS_MAX);
    if (!err)
        err = sip_ws_on_open(st, open_h, ss);
    if (!err)
        err = sip_ws_on_gone(st, gone_h, ss);
    if (err) {
        sessions_free(ss);
        return err;
    }
    tmr_start(&ss->sweep, SWEEP_MS, sweep_h, ss);
    *ssp = ss;
    return 0;
}

static bool free_h(void *val, void *arg)
{
    struct session *s = val;

    (void)arg;
    list_unlink(&s->le);
    session_free(s);
    return false;
}

void sessions_free(struct sessions *ss)
{
    struct le *le;

    if (!ss)
        return;
    tmr_cancel(&ss->sweep);
    (void)table_each(ss->by_conn, free_h, NULL);
    while ((le = ss->busyl.head)) /* lost ones */
        (void)free_h(le->data, NULL);
    table_free(ss->by_conn);
    table_free(ss->by_dn);
    metric_set(&registrations, 0);
    metric_set(&registrations_limit, 0);
    free(ss);
}

int sessions_listen(struct sessions *ss, registrar_h *h, void *arg)
{
    if (ss->listener_count == SESSION_LISTENERS_MAX)
        return ENOSPC;
    ss->listeners[ss->listener_count].h = h;
    ss->listeners[ss->listener_count++].arg = arg;
    return 0;
}

uint64_t sessions_changes(const struct sessions *ss)
{
    return ss->changes;
}

size_t sessions_count(const struct sessions *ss)
{
    return table_count(ss->by_dn);
}

struct each_arg {
    registrar_each_h *h;
    void *arg;
};

static bool each_h(void *val, void *arg)
{
    const struct each_arg *ea = arg;

    return ea->h(&((const struct session *)val)->b, ea->arg);
}

void sessions_each(const struct sessions *ss, registrar_each_h *h, void *arg)
{
    struct each_arg ea = {h, arg};

    (void)table_each(ss->by_dn, each_h, &ea);
}

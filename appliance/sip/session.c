#include "sip/session.h"
#include "sip/registrar.h"
#include "sip/stack_priv.h"

#include "core/clock.h"
#include "core/fsm.h"
#include "core/log.h"
#include "core/metric.h"
#include "core/rnd.h"
#include "core/table.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SESSION_LISTENERS_MAX = 4, SWEEP_MS = 1000, SESSIONS_MAX = SIP_WS_CONNS_MAX };

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

static struct metric *const changes[] = {
    [REG_ADDED] = &change_added,     [REG_REFRESHED] = &change_refreshed, [REG_REPLACED] = &change_replaced,
    [REG_EXPIRED] = &change_expired, [REG_REMOVED] = &change_removed,     [REG_CONN_LOST] = &change_lost,
};

struct sessions {
    struct sip_stack *st;
    uint32_t stranger_ms;
    struct table *by_dn, *by_conn; /* of struct session: signed in; connected in any way */
    struct list busyl;             /* those with calls */
    struct tmr sweep;
    struct {
        registrar_h *h;
        void *arg;
    } listeners[SESSION_LISTENERS_MAX];
    size_t listener_count;
};

struct session {
    struct le le; /* in busyl */
    struct sessions *ss;
    uint8_t state; /* enum session_state: enter() */
    bool known;
    struct binding b; /* ws_conn 0: lost; dn "": nobody has signed in */
    struct registrar_dn dn;
    uint64_t until_ms; /* monotonic: of the registration, or of a stranger's patience */
    unsigned calls;
    uint16_t close_code; /* leaving */
    char close_reason[48];
};

/* ------------------------------------------------------------------ its states */

static const struct fsm_state states[] = {
    [SESSION_CONNECTED] = {"connected", FSM(SESSION_SIGNED_IN) | FSM(SESSION_LEAVING) | FSM(SESSION_LOST) |
                                            FSM(SESSION_GONE)},
    [SESSION_SIGNED_IN] = {"signed-in", FSM(SESSION_CONNECTED) | FSM(SESSION_LEAVING) | FSM(SESSION_LOST) |
                                            FSM(SESSION_GONE)},
    /* back: the agent takes his DN over again, or signs in with the new password */
    [SESSION_LEAVING] = {"leaving", FSM(SESSION_SIGNED_IN) | FSM(SESSION_LOST) | FSM(SESSION_GONE)},
    [SESSION_LOST] = {"lost", FSM(SESSION_SIGNED_IN) | FSM(SESSION_GONE)},
    [SESSION_GONE] = {"gone", 0},
};

/* Its DN's calls ring where it is signed in, and only there; nobody waits for a lost one without a call. */
static bool session_holds(unsigned state, const void *obj)
{
    const struct session *s = obj;
    const bool owns = s->b.dn[0] && session_by_dn(s->ss, s->b.dn) == s;

    switch (state) {

    case SESSION_SIGNED_IN:
        return owns && s->b.ws_conn;

    case SESSION_LOST:
        return !owns && !s->b.ws_conn && s->calls;

    case SESSION_GONE:
        return !owns && !s->calls;

    default:
        return !owns;
    }
}

FSM_DEFINE(machine, "session", states, session_holds);

static void enter(struct session *s, enum session_state to)
{
    char label[96];

    (void)snprintf(label, sizeof(label), "dn=%s conn=%llu", s->b.dn, (unsigned long long)s->b.ws_conn);
    (void)fsm_move(&machine, &s->state, to, s, label);
}

static void session_free(struct session *s)
{
    explicit_bzero(s, sizeof(*s));
    free(s);
}

static void tell(struct sessions *ss, enum registrar_event ev, const struct binding *b)
{
    metric_add(changes[ev], 1);
    metric_set(&registrations, (int64_t)table_count(ss->by_dn));
    metric_set(&registrations_limit, (int64_t)table_count(ss->by_dn));
    for (size_t i = 0; i < ss->listener_count; i++)
        ss->listeners[i].h(ev, b, ss->listeners[i].arg);
}

/* Takes the DN from it and says why; the state is the caller's to change. */
static void unbind(struct session *s, enum registrar_event ev)
{
    static const char *const words[] = {[REG_EXPIRED] = "registration expired",
                                        [REG_REMOVED] = "unregistered",
                                        [REG_CONN_LOST] = "connection lost",
                                        [REG_REPLACED] = "replaced by a newer registration"};

    (void)table_del(s->ss->by_dn, s->b.dn, strlen(s->b.dn));
    s->until_ms = 0;
    log_info("sip", "dn=%s conn=%llu %s", s->b.dn, (unsigned long long)s->b.ws_conn, words[ev]);
}

void session_sign_out(struct session *s, enum registrar_event ev)
{
    if (s->state != SESSION_SIGNED_IN)
        return;
    unbind(s, ev);
    enter(s, SESSION_CONNECTED);
    tell(s->ss, ev, &s->b);
}

/* ------------------------------------------------------------------ connections */

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
        unbind(s, REG_CONN_LOST);
    s->b.ws_conn = 0;
    enter(s, s->calls ? SESSION_LOST : SESSION_GONE);
    if (s->state == SESSION_GONE)
        session_free(s);
    if (bound)
        tell(ss, REG_CONN_LOST, &was);
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
    sip_ws_close(s->ss->st, s->b.ws_conn, 4004, "nobody signed in");
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

/* ------------------------------------------------------------------ one of them */

enum session_state session_state(const struct session *s)
{
    return (enum session_state)s->state;
}

const struct binding *session_binding(const struct session *s)
{
    return &s->b;
}

uint32_t session_seconds(const struct session *s)
{
    const uint64_t now = clock_ms();

    return s->until_ms > now ? (uint32_t)((s->until_ms - now + 999) / 1000) : 0;
}

const struct registrar_dn *session_dn(const struct session *s)
{
    return &s->dn;
}

void session_known(struct session *s)
{
    s->known = true;
    sip_ws_known(s->ss->st, s->b.ws_conn);
    if (s->state == SESSION_CONNECTED)
        s->until_ms = 0;
}

bool session_is_known(const struct session *s)
{
    return s->known;
}

bool session_in_call(const struct session *s)
{
    return s->calls > 0;
}

bool session_same_browser(const struct session *s, const char *dn, const char *instance)
{
    return instance[0] && !strcmp(s->b.dn, dn) && !strcmp(s->b.instance, instance);
}

void session_hold(struct session *s)
{
    if (!s->calls++)
        list_append(&s->ss->busyl, &s->le, s);
}

void session_release(struct session *s)
{
    if (--s->calls)
        return;
    list_unlink(&s->le);
    if (s->state == SESSION_LEAVING) {
        sip_ws_close(s->ss->st, s->b.ws_conn, s->close_code, s->close_reason);
    } else if (s->state == SESSION_LOST) {
        enter(s, SESSION_GONE);
        session_free(s);
    }
}

/* ------------------------------------------------------------------ signing in, and having to go */

/* That it did not take it is known to nobody but a reader of the debug log. */
static void told_h(int err, const struct sip_msg *msg, void *arg)
{
    (void)arg;
    if (err || msg->scode >= 300)
        log_debug("sip", "code=%u error=%d a page took no notice", msg ? msg->scode : 0, err);
}

int session_message(struct sip_stack *st, const struct binding *b, const char *json)
{
    char route[SIP_WS_ROUTE_LEN];
    struct uri uri;
    struct pl pl;
    int err;

    pl_set_str(&pl, sip_ws_route(route, b->ws_conn));
    err = uri_decode(&uri, &pl);
    if (err)
        return err;
    return sip_requestf(
        NULL, sip_stack_sip(st), true, "MESSAGE", b->contact, &uri, NULL, NULL, told_h, NULL,
        "To: <%s>\r\nFrom: <sip:gateway@dngate.invalid>;tag=%08x\r\nCall-ID: gateway-%016llx\r\n"
        "CSeq: 1 MESSAGE\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
        b->contact, rnd_u32(), (unsigned long long)rnd_u64(), strlen(json), json);
}

/* In a call it stays to the end of that; the page is told why it can take no other. */
static void see_off(struct session *s, uint16_t code, const char *reason, const char *json)
{
    s->close_code = code;
    (void)snprintf(s->close_reason, sizeof(s->close_reason), "%s", reason);
    enter(s, SESSION_LEAVING);
    if (!s->calls)
        sip_ws_close(s->ss->st, s->b.ws_conn, code, reason);
    else if (session_message(s->ss->st, &s->b, json))
        log_warn_limited("sip", "dn=%s conn=%llu the page in a call could not be told: %s", s->b.dn,
                         (unsigned long long)s->b.ws_conn, reason);
}

void session_leave(struct session *s, uint16_t code, const char *reason)
{
    char json[96];

    if (s->state != SESSION_SIGNED_IN)
        return;
    unbind(s, REG_REMOVED);
    (void)snprintf(json, sizeof(json), "{\"leaving\":{\"reason\":\"%s\"}}", reason);
    see_off(s, code, reason, json);
    tell(s->ss, REG_REMOVED, &s->b);
}

/* The session of the browser that b comes from, if it is known by another connection. */
static struct session *elsewhere_find(const struct sessions *ss, const struct binding *b)
{
    struct session *s = session_by_dn(ss, b->dn);
    struct le *le;

    if (s && session_same_browser(s, b->dn, b->instance))
        return s->b.ws_conn == b->ws_conn ? NULL : s;
    LIST_FOREACH(&ss->busyl, le)
    {
        s = le->data;
        if (s->b.ws_conn != b->ws_conn && session_same_browser(s, b->dn, b->instance))
            return s;
    }
    return NULL;
}

/* Its browser comes back by this connection, on which nothing has happened yet. */
static int adopt(struct session *s, uint64_t conn)
{
    struct sessions *ss = s->ss;
    struct session *other = table_del(ss->by_conn, &conn, sizeof(conn));
    int err = table_put(ss->by_conn, &conn, sizeof(conn), s);

    if (other) {
        other->b.ws_conn = 0;
        enter(other, SESSION_GONE);
        session_free(other);
    }
    if (err)
        return err;
    if (s->b.ws_conn) {
        transp_ws_inherit(ss->st->sip, conn, s->b.ws_conn);
        sip_ws_close(ss->st, s->b.ws_conn, 4002, "replaced");
        (void)table_del(ss->by_conn, &s->b.ws_conn, sizeof(s->b.ws_conn));
    }
    s->b.ws_conn = conn;
    return 0;
}

/* The session that b is signed in on; *moved: it came by another connection before. */
static int browser_find(struct session **sp, struct sessions *ss, const struct binding *b, bool *moved)
{
    struct session *here = session_by_conn(ss, b->ws_conn), *known = elsewhere_find(ss, b);

    *moved = known && !(here && here->calls);
    if (here && here->state == SESSION_SIGNED_IN && (*moved || strcmp(here->b.dn, b->dn)))
        session_sign_out(here, REG_REMOVED); /* one DN and one browser on a connection: the newest */
    if (*moved) {
        *sp = known;
        return adopt(known, b->ws_conn);
    }
    *sp = here ? here : session_of(ss, b->ws_conn);
    return *sp ? 0 : ENOMEM;
}

static void claim(struct session *s, const struct binding *b, const struct registrar_dn *dn, uint32_t seconds)
{
    const int64_t registered_ms = s->b.registered_ms;

    s->b = *b;
    s->b.registered_ms = registered_ms ? registered_ms : clock_wall_ms();
    s->b.expires_ms = clock_wall_ms() + (int64_t)seconds * 1000;
    s->until_ms = clock_ms() + (uint64_t)seconds * 1000;
    s->dn = *dn;
    s->known = true;
}

int session_sign_in(struct session **sp, struct sessions *ss, const struct binding *b,
                    const struct registrar_dn *dn, uint32_t seconds)
{
    struct session *s, *held;
    enum registrar_event ev;
    char src[ADDR_STRLEN];
    bool moved;
    int err;

    err = browser_find(&s, ss, b, &moved);
    if (err)
        return err;
    held = session_by_dn(ss, b->dn);
    ev = !held ? REG_ADDED : held == s && !moved ? REG_REFRESHED : REG_REPLACED;
    if (held && held != s) {
        unbind(held, REG_REPLACED);
        see_off(held, 4001, "signed in elsewhere", "{\"elsewhere\":true}");
    }
    if (ev != REG_REFRESHED)
        s->b.registered_ms = 0;
    claim(s, b, dn, seconds);
    if (held != s) {
        err = table_put(ss->by_dn, s->b.dn, strlen(s->b.dn), s);
        if (err)
            return err;
    }
    enter(s, SESSION_SIGNED_IN);
    if (ev != REG_REFRESHED)
        log_info("sip", "dn=%s conn=%llu source=%s expires=%u registered", s->b.dn,
                 (unsigned long long)s->b.ws_conn, addr_ip(&s->b.peer, src, sizeof(src)), seconds);
    *sp = s;
    tell(ss, ev, &s->b);
    return 0;
}

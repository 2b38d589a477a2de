/* sip/session: one browser: its states, signing in, and having to go. */
#include "sip/session_priv.h"

#include "core/clock.h"
#include "core/fsm.h"
#include "core/log.h"
#include "core/rnd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------ its states */

static const struct fsm_state states[] = {
    [SESSION_CONNECTED] = {"connected", FSM(SESSION_SIGNED_IN) | FSM(SESSION_LEAVING) | FSM(SESSION_LOST) |
                                            FSM(SESSION_GONE)},
    [SESSION_SIGNED_IN] = {"signed-in", FSM(SESSION_CONNECTED) | FSM(SESSION_LEAVING) | FSM(SESSION_LOST) |
                                            FSM(SESSION_GONE)},
    /* back: the agent takes his DN over again, or signs in with the new password */
    [SESSION_LEAVING] = {"leaving", FSM(SESSION_SIGNED_IN) | FSM(SESSION_LOST) | FSM(SESSION_GONE)},
    [SESSION_LOST] = {"lost", FSM(SESSION_SIGNED_IN) | FSM(SESSION_LEAVING) | FSM(SESSION_GONE)},
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

void session_enter(struct session *s, enum session_state to)
{
    char label[96];

    (void)snprintf(label, sizeof(label), "dn=%s conn=%llu", s->b.dn, (unsigned long long)s->b.ws_conn);
    (void)fsm_move(&machine, &s->state, to, s, label);
}

void session_free(struct session *s)
{
    explicit_bzero(s, sizeof(*s));
    free(s);
}

void session_unbind(struct session *s, enum registrar_event ev)
{
    static const char *const words[] = {[REG_EXPIRED] = "registration expired",
                                        [REG_REMOVED] = "unregistered",
                                        [REG_CONN_LOST] = "connection lost",
                                        [REG_REPLACED] = "replaced by a newer registration"};

    if (session_by_dn(s->ss, s->b.dn) == s)
        (void)table_del(s->ss->by_dn, s->b.dn, strlen(s->b.dn));
    s->until_ms = 0;
    log_info("sip", "dn=%s conn=%llu %s", s->b.dn, (unsigned long long)s->b.ws_conn, words[ev]);
}

void session_sign_out(struct session *s, enum registrar_event ev)
{
    if (s->state != SESSION_SIGNED_IN)
        return;
    session_unbind(s, ev);
    session_enter(s, SESSION_CONNECTED);
    sessions_tell(s->ss, ev, &s->b);
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

void session_guest(struct session *s, uint32_t ms)
{
    if (s->state == SESSION_CONNECTED && !s->known)
        s->until_ms = clock_ms() + ms;
}

bool session_is_known(const struct session *s)
{
    return s->known;
}

bool session_in_call(const struct session *s)
{
    return s->calls > 0;
}

uint16_t session_leaving(const struct session *s)
{
    return s->close_code;
}

const char *session_leaving_reason(const struct session *s)
{
    return s->close_reason;
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
        session_enter(s, SESSION_GONE);
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

static void leave(struct session *s, uint16_t code, const char *reason)
{
    s->close_code = code;
    if (reason != s->close_reason) /* still the one of before */
        (void)snprintf(s->close_reason, sizeof(s->close_reason), "%s", reason);
    session_enter(s, SESSION_LEAVING);
}

/* In a call it stays to the end of that; the page is told why it can take no other. */
static void see_off(struct session *s, uint16_t code, const char *reason, const char *json)
{
    leave(s, code, reason);
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
    session_unbind(s, REG_REMOVED);
    (void)snprintf(json, sizeof(json), "{\"leaving\":{\"reason\":\"%s\"}}", reason);
    see_off(s, code, reason, json);
    sessions_tell(s->ss, REG_REMOVED, &s->b);
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

struct session *session_of_browser(const struct sessions *ss, uint64_t conn, const char *dn,
                                   const char *instance)
{
    struct session *here = session_by_conn(ss, conn);
    struct binding b = {.ws_conn = conn};

    if (here && !strcmp(here->b.dn, dn))
        return here;
    (void)snprintf(b.dn, sizeof(b.dn), "%s", dn);
    (void)snprintf(b.instance, sizeof(b.instance), "%s", instance);
    return elsewhere_find(ss, &b);
}

/* Its browser comes back by this connection, on which nothing has happened yet. */
static int adopt(struct session *s, uint64_t conn)
{
    struct sessions *ss = s->ss;
    struct session *other = table_swap(ss->by_conn, &conn, sizeof(conn), s);
    int err = other ? 0 : table_put(ss->by_conn, &conn, sizeof(conn), s);

    if (err)
        return err;
    if (other) {
        other->b.ws_conn = 0;
        session_enter(other, SESSION_GONE);
        session_free(other);
    }
    if (s->b.ws_conn) {
        transp_ws_inherit(ss->st->sip, conn, s->b.ws_conn);
        sip_ws_close(ss->st, s->b.ws_conn, SESSION_CLOSE_MOVED, "replaced");
        (void)table_del(ss->by_conn, &s->b.ws_conn, sizeof(s->b.ws_conn));
    }
    s->b.ws_conn = conn;
    return 0;
}

int session_return(struct session *s, const struct binding *b, uint16_t code, const char *reason)
{
    const struct session *here = session_by_conn(s->ss, b->ws_conn);
    int err;

    if (here == s || (here && (here->calls || here->state != SESSION_CONNECTED)))
        return 0;
    err = adopt(s, b->ws_conn);
    if (err)
        return err;
    s->b = *b;
    leave(s, code, reason);
    log_info("sip", "dn=%s conn=%llu reason=\"%s\" back for its call, not signed in", s->b.dn,
             (unsigned long long)s->b.ws_conn, reason);
    sessions_tell(s->ss, REG_RETURNED, &s->b);
    return 0;
}

/* The session that b is signed in on; *moved: it came by another connection before. */
static int browser_find(struct session **sp, struct sessions *ss, const struct binding *b, bool *moved)
{
    struct session *here = session_by_conn(ss, b->ws_conn), *known = elsewhere_find(ss, b);

    *moved = known && !(here && here->calls);
    if (here && here->state == SESSION_SIGNED_IN && (*moved || strcmp(here->b.dn, b->dn)))
        session_sign_out(here, REG_REMOVED); /* one DN and one browser on a connection: the newest */
    *sp = *moved ? known : here ? here : session_of(ss, b->ws_conn);
    return *sp ? 0 : ENOMEM;
}

/* What can fail of signing in: until it has not, nothing has changed. *held: who had the DN, or NULL. */
static int move_in(struct session *s, const struct binding *b, bool moved, struct session **held)
{
    struct sessions *ss = s->ss;
    int err;

    *held = session_by_dn(ss, b->dn);
    err = *held ? 0 : table_put(ss->by_dn, b->dn, strlen(b->dn), s);
    if (err || !moved)
        return err;
    err = adopt(s, b->ws_conn);
    if (err && !*held)
        (void)table_del(ss->by_dn, b->dn, strlen(b->dn));
    return err;
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
    s->close_code = 0;
}

int session_sign_in(struct session **sp, struct sessions *ss, const struct binding *b,
                    const struct registrar_dn *dn, uint32_t seconds, enum registrar_event *ev)
{
    struct session *s, *held;
    char src[ADDR_STRLEN];
    bool moved;
    int err;

    err = browser_find(&s, ss, b, &moved);
    if (!err)
        err = move_in(s, b, moved, &held);
    if (err)
        return err;
    *ev = !held ? REG_ADDED : held == s && !moved ? REG_REFRESHED : REG_REPLACED;
    if (held && held != s) {
        (void)table_swap(ss->by_dn, b->dn, strlen(b->dn), s);
        session_unbind(held, REG_REPLACED);
        see_off(held, SESSION_CLOSE_TAKEN, "signed in elsewhere", "{\"elsewhere\":true}");
    }
    if (*ev != REG_REFRESHED)
        s->b.registered_ms = 0;
    claim(s, b, dn, seconds);
    s->b.moved = moved;
    session_enter(s, SESSION_SIGNED_IN);
    if (*ev != REG_REFRESHED)
        log_info("sip", "dn=%s conn=%llu source=%s expires=%u registered", s->b.dn,
                 (unsigned long long)s->b.ws_conn, addr_ip(&s->b.peer, src, sizeof(src)), seconds);
    *sp = s;
    return 0;
}

void session_told(const struct session *s, enum registrar_event ev)
{
    sessions_tell(s->ss, ev, &s->b);
}

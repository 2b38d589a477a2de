/* A browser across its connections: who holds the DN, who is seen off and when, and any order of events at all. */
#include "testing.h"

#include "sip/registrar.h"
#include "sip/stack_priv.h"

#include "core/log.h"
#include "core/mbox.h"
#include "metrics.h"

#include <stdlib.h>

enum { CONNS = 6, STEPS = 4000 };

static struct {
    struct sip_stack st;
    struct sessions *ss;
    bool open[CONNS + 1];
    uint16_t closed[CONNS + 1]; /* the code of the Close that web was asked for */
    enum registrar_event ev;
    unsigned events;
} t;

static void event_h(enum registrar_event ev, const struct binding *b, void *arg)
{
    (void)b;
    (void)arg;
    t.ev = ev;
    t.events++;
}

static void out_h(void *msg, void *arg)
{
    struct sip_ws_out *o = msg;

    (void)arg;
    if (o->type == SIP_WS_CLOSE && o->conn <= CONNS)
        t.closed[o->conn] = o->code;
    free(o->data);
}

static bool start(void)
{
    memset(&t, 0, sizeof(t));
    (void)log_set_level(NULL, LOG_ERROR);
    t.st.edge = (struct transp_edge){.frameh = wsedge_frame_h, .arg = &t.st};
    return !re_thread_init() && !mbox_alloc(&t.st.ws_out, "test", sizeof(struct sip_ws_out), 256) &&
           !sip_alloc(&t.st.sip, NULL, 8, 8, 8, "test", NULL, NULL) && !transp_add_ws(t.st.sip, &t.st.edge) &&
           !sessions_alloc(&t.ss, &t.st, 30000) && !sessions_listen(t.ss, event_h, NULL);
}

static void stop(void)
{
    sessions_free(t.ss);
    sip_close(t.st.sip, true);
    mem_deref(t.st.sip);
    if (t.st.ws_out)
        mbox_free(t.st.ws_out, out_h, NULL);
    re_thread_close();
}

static bool conn_open(uint64_t conn)
{
    struct addr a;

    (void)addr_parse_ip(&a, "192.0.2.7", (uint16_t)(4000 + conn));
    if (t.open[conn] || transp_ws_open(t.st.sip, conn, &a, &a))
        return false;
    t.open[conn] = true;
    t.closed[conn] = 0;
    t.st.opened.h(conn, t.st.opened.arg);
    return true;
}

static void conn_gone(uint64_t conn)
{
    if (!t.open[conn])
        return;
    t.open[conn] = false;
    transp_ws_closed(t.st.sip, conn);
    for (size_t i = 0; i < t.st.gone_count; i++)
        t.st.gone[i].h(conn, t.st.gone[i].arg);
}

static struct session *sign_in(uint64_t conn, const char *dn, const char *instance)
{
    struct registrar_dn row = {.enabled = true};
    struct binding b = {.ws_conn = conn};
    struct session *s = NULL;
    enum registrar_event ev;

    (void)snprintf(b.dn, sizeof(b.dn), "%s", dn);
    (void)snprintf(b.instance, sizeof(b.instance), "%s", instance);
    (void)snprintf(b.contact, sizeof(b.contact), "sip:a@x.invalid;transport=ws");
    if (session_sign_in(&s, t.ss, &b, &row, 600, &ev))
        return NULL;
    session_told(s, ev);
    return s;
}

static uint16_t closed(uint64_t conn)
{
    (void)mbox_drain(t.st.ws_out, out_h, NULL);
    return t.closed[conn];
}

#define RUN(body)                                                                                            \
    do {                                                                                                     \
        if (start() && conn_open(1) && conn_open(2)) {                                                       \
            body                                                                                             \
        }                                                                                                    \
        stop();                                                                                              \
    } while (0)
#define WANT(cond) CHECK_OR(cond, stop(); return )

TEST(an_idle_page_is_closed_at_once)
{
    RUN({
        WANT(sign_in(1, "5001", "a") && t.ev == REG_ADDED);
        WANT(sign_in(1, "5001", "a") && t.ev == REG_REFRESHED);
        WANT(sign_in(2, "5001", "b") && t.ev == REG_REPLACED && closed(1) == 4001);
        WANT(session_state(session_by_conn(t.ss, 1)) == SESSION_LEAVING);
        conn_gone(1);
        WANT(sessions_count(t.ss) == 1 && !session_by_conn(t.ss, 1));
        session_leave(session_by_dn(t.ss, "5001"), 4003, "DN disabled");
        WANT(t.ev == REG_REMOVED && !sessions_count(t.ss) && closed(2) == 4003);
    });
}

TEST(a_page_in_a_call_is_closed_after_it)
{
    struct session *s;

    RUN({
        s = sign_in(1, "5001", "a");
        WANT(s);
        session_hold(s);
        session_hold(s);
        WANT(sign_in(2, "5001", "b") && session_state(s) == SESSION_LEAVING && !closed(1));
        session_release(s);
        WANT(session_in_call(s) && !closed(1));
        session_release(s);
        WANT(!session_in_call(s) && closed(1) == 4001 && !closed(2));
    });
}

TEST(the_same_browser_keeps_its_session)
{
    struct session *s;

    RUN({
        s = sign_in(1, "5001", "a");
        WANT(s);
        session_hold(s);
        WANT(sign_in(2, "5001", "a") == s && t.ev == REG_REPLACED && closed(1) == 4002);
        WANT(session_binding(s)->ws_conn == 2 && session_by_conn(t.ss, 2) == s && !session_by_conn(t.ss, 1));
        conn_gone(1);
        WANT(session_state(s) == SESSION_SIGNED_IN);
        conn_gone(2);
        WANT(t.ev == REG_CONN_LOST && session_state(s) == SESSION_LOST && !session_by_dn(t.ss, "5001"));
        WANT(conn_open(3) && sign_in(3, "5001", "a") == s && t.ev == REG_ADDED);
        conn_gone(3);
        session_release(s); /* and is gone */
        WANT(!sessions_count(t.ss));
    });
}

/* It has not its DN, but its call. */
TEST(a_page_that_was_taken_over_comes_back_to_its_call)
{
    struct binding b = {.ws_conn = 3, .dn = "5001", .instance = "a"};
    struct session *s;

    RUN({
        s = sign_in(1, "5001", "a");
        WANT(s);
        session_hold(s);
        WANT(sign_in(2, "5001", "b"));
        for (int i = 0; i < 2; i++, b.ws_conn++) {
            conn_gone(b.ws_conn == 3 ? 1 : 3);
            WANT(session_state(s) == SESSION_LOST && session_leaving(s) == SESSION_CLOSE_TAKEN);
            WANT(conn_open(b.ws_conn) && session_of_browser(t.ss, b.ws_conn, "5001", "a") == s);
            WANT(!session_return(s, &b, session_leaving(s), session_leaving_reason(s)));
            WANT(t.ev == REG_RETURNED && session_state(s) == SESSION_LEAVING &&
                 session_by_conn(t.ss, b.ws_conn) == s);
        }
        WANT(!closed(4) && session_by_dn(t.ss, "5001") == session_by_conn(t.ss, 2));
        session_release(s);
        WANT(closed(4) == 4001 && !strcmp(session_leaving_reason(s), "signed in elsewhere"));
    });
}

/* A connection on which somebody else is signed in, or talks, is not given to whoever names his instance. */
TEST(a_page_does_not_come_back_by_another_ones_connection)
{
    struct binding b = {.ws_conn = 2, .dn = "5001", .instance = "a"};
    struct session *s, *other;

    RUN({
        s = sign_in(1, "5001", "a");
        other = sign_in(2, "5002", "b");
        WANT(s && other);
        session_hold(s);
        session_leave(s, 4003, "DN disabled");
        conn_gone(1);
        WANT(!session_return(s, &b, 4003, "DN disabled") && session_state(s) == SESSION_LOST);
        session_hold(other);
        session_sign_out(other, REG_EXPIRED);
        WANT(!session_return(s, &b, 4003, "DN disabled") && session_by_conn(t.ss, 2) == other);
        session_release(other);
        session_release(s);
    });
}

/* --- any order --- */

static struct session *held[64];
static size_t holds;

static void release(size_t i)
{
    struct session *s = held[i];

    held[i] = held[--holds];
    session_release(s);
}

/* As the registrar does with one that is in a call and does not get its DN. */
static void come_back(uint64_t conn, const char *dn, const char *instance)
{
    struct session *s = session_of_browser(t.ss, conn, dn, instance);
    struct binding b = {.ws_conn = conn};

    if (!s || !session_in_call(s) || session_state(s) == SESSION_SIGNED_IN)
        return;
    (void)snprintf(b.dn, sizeof(b.dn), "%s", dn);
    (void)snprintf(b.instance, sizeof(b.instance), "%s", instance);
    (void)session_return(s, &b, SESSION_CLOSE_TAKEN, "signed in elsewhere");
}

static void step(uint64_t *seed)
{
    static const char *const dns[] = {"5001", "5002"}, *const instances[] = {"", "a", "b"};
    const uint64_t conn = 1 + test_random(seed) % CONNS;
    const char *dn = dns[test_random(seed) % 2];
    struct session *s = session_by_conn(t.ss, conn);

    switch (test_random(seed) % 10) {

    case 0:
    case 1:
        (void)conn_open(conn);
        break;

    case 2:
        conn_gone(conn);
        break;

    case 3:
    case 4:
        if (t.open[conn])
            (void)sign_in(conn, dn, instances[test_random(seed) % 3]);
        break;

    case 5:
        if (s && holds < ARRAY_SIZE(held)) {
            session_hold(s);
            held[holds++] = s;
        }
        break;

    case 6:
        if (holds)
            release(test_random(seed) % holds);
        break;

    case 7:
        if (s)
            session_sign_out(s, REG_EXPIRED);
        break;

    case 8:
        if (t.open[conn])
            come_back(conn, dn, instances[test_random(seed) % 3]);
        break;

    default:
        if (session_by_dn(t.ss, dn))
            session_leave(session_by_dn(t.ss, dn), 4003, "DN disabled");
        break;
    }
}

/* Whoever holds a DN is signed in on an open connection; whoever is to go, and in no call, was asked to; whoever talks and is not lost
 * is where his connection says. */
static bool consistent(void)
{
    static const char *const dns[] = {"5001", "5002"};

    for (size_t i = 0; i < 2; i++) {
        const struct session *s = session_by_dn(t.ss, dns[i]);

        if (s && (session_state(s) != SESSION_SIGNED_IN || !t.open[session_binding(s)->ws_conn] ||
                  session_by_conn(t.ss, session_binding(s)->ws_conn) != s))
            return false;
    }
    for (uint64_t conn = 1; conn <= CONNS; conn++) {
        const struct session *s = session_by_conn(t.ss, conn);

        if (s && session_state(s) == SESSION_LEAVING && !session_in_call(s) && !closed(conn))
            return false;
    }
    for (size_t i = 0; i < holds; i++) {
        const uint64_t conn = session_binding(held[i])->ws_conn;

        if (conn ? session_by_conn(t.ss, conn) != held[i] : session_state(held[i]) != SESSION_LOST)
            return false;
    }
    return true;
}

TEST(any_order_of_events)
{
    static const char refused[] = "dngate_fsm_refused_total{machine=\"session\"}";
    const double before = metric_value(refused);
    uint64_t seed = test_seed();

    holds = 0;
    RUN({
        for (int i = 0; i < STEPS; i++) {
            step(&seed);
            WANT(consistent());
        }
        while (holds)
            release(0);
        WANT(metric_value(refused) == before);
    });
}

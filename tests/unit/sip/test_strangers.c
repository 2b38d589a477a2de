/* What others make us hold, of what they send and of what they do not take, has a bound, and leaves room for everybody else. */
/* TSAN */
#include "rig.h"

#include "core/budget.h"
#include "metrics.h"
#include "sip/stack_priv.h"

#define USED(part) "dngate_limit_used{name=\"strangers_bytes_" part "\"}"

static unsigned long strangers_hold(void)
{
    return (unsigned long)metric_value(USED("sip"));
}

/* What waits for signalling is the connection's that sent it, in however small pieces. */
TEST(a_connection_that_fills_the_mailbox_leaves_room_for_others)
{
    enum { PIECE = 8000 };
    static struct sip_stack st;
    static char piece[PIECE];
    size_t n = 0;

    memset(&st, 0, sizeof(st));
    CHECK(!wsedge_init(&st));
    while (!sip_ws_recv(&st, 1, piece, PIECE))
        n++;
    CHECK_OR(n > 100 && !sip_ws_recv(&st, 2, piece, PIECE), ;);
    CHECK_OR(metric_value(USED("mailbox")) == (double)(n + 1) * PIECE, ;);
    wsedge_close(&st);
    CHECK_OR(metric_value(USED("mailbox")) == 0, ;);
}

/* More addresses than can be admitted beside the trunks: it is said, and those that are stay. */
TEST(addresses_of_running_calls_beyond_the_limit_are_counted)
{
    static struct sip_stack st;
    const double before = metric_value("dngate_sip_unheld_total");
    struct addr a;
    char ip[32];
    int err = 0;

    memset(&st, 0, sizeof(st));
    CHECK(!admit_init(&st));
    for (unsigned i = 0; i <= SIP_HELD_MAX; i++) {
        snprintf(ip, sizeof(ip), "10.0.%u.%u", i >> 8, i & 255);
        addr_parse_ip(&a, ip, 5060);
        err = sip_stack_hold(&st, &a);
    }
    CHECK_OR(err == ENOSPC && metric_value("dngate_sip_unheld_total") == before + 1 && !admit_h(&a, &st), ;);
    addr_parse_ip(&a, "10.0.0.0", 5060);
    CHECK_OR(admit_h(&a, &st) && !sip_stack_hold(&st, &a), ;); /* once more: that is no other one */
    admit_close(&st);
}

static struct mbuf *text(const char *s)
{
    struct mbuf *mb = mbuf_alloc(strlen(s) + 1);

    (void)mbuf_write_str(mb, s);
    mb->pos = 0;
    return mb;
}

/* A message for which there is no room is not half kept, to go out with the next one. */
TEST(what_finds_no_room_on_tcp_is_not_sent_later)
{
    enum { ALL = 4 << 20 };
    struct sip_conn c = {.fd = -1};
    struct mbuf *first = text("first"), *second = text("the second, which is longer"), *third = text("third");
    size_t taken = 0;

    for (size_t n = BUDGET_LITTLE_CONN; n; n /= 2)
        while (budget_take(BUDGET_TCP, 0, n))
            taken += n;
    CHECK_OR(taken == ALL && transp_tcp_write(&c, second) == ENOBUFS && !c.tx && !c.held, ;);
    budget_give(BUDGET_TCP, first->end + 1);
    CHECK_OR(!transp_tcp_write(&c, first) && transp_tcp_write(&c, second) == ENOBUFS, ;);
    CHECK_OR(c.tx && c.tx->end == first->end && c.held == c.tx->size, ;);
    budget_give(BUDGET_TCP, taken - first->end - 1);
    CHECK_OR(!transp_tcp_write(&c, third) && c.tx->end == first->end + third->end && c.held == c.tx->size, ;);
    CHECK_OR(!memcmp(c.tx->buf, "firstthird", c.tx->end), ;);
    budget_give(BUDGET_TCP, c.held);
    mem_deref(c.tx);
    mem_deref(first);
    mem_deref(second);
    mem_deref(third);
}

/* An agent who signed in has more room, but not all of it: what others send is answered. */
TEST(an_agent_who_sends_invites_is_held_up_to_a_bound)
{
    enum { INVITES = 800, BODY = 7000, ALL = 4 << 20 };
    struct rig rig = {.extra_h = rig_invites_h};
    static char body[BODY + 1];
    unsigned answers = 0;
    uint16_t code;

    memset(body, 'x', BODY);
    CHECK(rig_start(&rig));
    ws_open(&rig, 1);
    if (ws_sign_in(&rig, 1, "5001", "lab5001", "MD5", "u", 600, 200)) {
        for (int i = 0; i < INVITES; i++)
            ws_send(
                &rig, 1,
                "INVITE sip:600@dngate.test SIP/2.0\r\nVia: SIP/2.0/WSS r4k2.invalid;branch=z9hG4bKa%d\r\n"
                "Max-Forwards: 69\r\nFrom: <sip:5001@dngate.test>;tag=a\r\nTo: <sip:600@dngate.test>\r\n"
                "Call-ID: a%d\r\nCSeq: 1 INVITE\r\nContent-Length: %d\r\n\r\n%s",
                i, i, BODY, body);
        ws_send(&rig, 1, "\r\n\r\n");
        while (ws_next(&rig, 1, &code, RIG_WAIT_MS) && strcmp(rig.text, "\r\n"))
            answers += strstr(rig.text, " 486 ") != NULL;
        CHECK_OR(answers > 100 && answers <= ALL / BODY, ;);
    }
    ws_open(&rig, 2);
    ws_sign_in(&rig, 2, "5001", "lab5001", "MD5", "v", 600, 200);
    rig_run(&rig, rig_invites_end_h, NULL);
    rig_stop(&rig);
    CHECK_EQ_INT(strangers_hold(), 0);
}

/* What he sends is counted as what it costs us: a list of many values is more than its bytes. */
TEST(a_strangers_lists_are_counted_by_value)
{
    enum { VALUES = 500 };
    struct rig rig = {.extra_h = rig_invites_h};
    char list[2 * VALUES + 1];
    unsigned long held;

    for (size_t i = 0; i < VALUES; i++)
        memcpy(list + 2 * i, "a,", 2);
    list[2 * VALUES] = 0;
    CHECK(rig_start(&rig));
    ws_open(&rig, 1);
    ws_send(&rig, 1,
            "INVITE sip:600@dngate.test SIP/2.0\r\nVia: SIP/2.0/WSS r4k2.invalid;branch=z9hG4bKlist\r\n"
            "Max-Forwards: 69\r\nFrom: <sip:5001@dngate.test>;tag=a\r\nTo: <sip:600@dngate.test>\r\n"
            "Call-ID: list\r\nCSeq: 1 INVITE\r\nSupported: %s\r\nContent-Length: 0\r\n\r\n",
            list);
    ws_expect(&rig, 1, 401);
    held = strangers_hold();
    CHECK_OR(held > (size_t)VALUES * sizeof(struct sip_hdr), ;);
    rig_run(&rig, rig_invites_end_h, NULL);
    rig_stop(&rig);
    CHECK_EQ_INT(strangers_hold(), 0);
}

/* INVITEs with long bodies, each challenged and none of them acknowledged: a transaction would hold each for 32 s. */
TEST(a_stranger_who_sends_invites_is_held_up_to_a_bound)
{
    enum { INVITES = 400, BODY = 6000, ONE = 262144 };
    struct rig rig = {.extra_h = rig_invites_h};
    static char body[BODY + 1];
    unsigned long held;
    uint16_t code;

    memset(body, 'x', BODY);
    CHECK(rig_start(&rig));
    for (uint64_t conn = 1; conn <= 2; conn++) {
        ws_open(&rig, conn);
        for (int i = 0; i < INVITES; i++)
            ws_send(
                &rig, conn,
                "INVITE sip:600@dngate.test SIP/2.0\r\nVia: SIP/2.0/WSS r4k2.invalid;branch=z9hG4bK%u-%d\r\n"
                "Max-Forwards: 69\r\nFrom: <sip:5001@dngate.test>;tag=a\r\nTo: <sip:600@dngate.test>\r\n"
                "Call-ID: s%u-%d\r\nCSeq: 1 INVITE\r\nContent-Length: %d\r\n\r\n%s",
                (unsigned)conn, i, (unsigned)conn, i, BODY, body);
        ws_send(&rig, conn, "\r\n\r\n");
        while (ws_next(&rig, conn, &code, RIG_WAIT_MS) && strcmp(rig.text, "\r\n"))
            ;
        held = strangers_hold();
        CHECK_OR(held > 0 && held <= conn * ONE, ;);
    }
    ws_open(&rig, 3);
    if (ws_sign_in(&rig, 3, "5001", "lab5001", "MD5", "u", 600, 200)) /* nobody else is touched */
        CHECK_OR(strangers_hold() <= 3 * ONE, ;);
    rig_run(&rig, rig_invites_end_h, NULL);
    rig_stop(&rig);
    CHECK_EQ_INT(strangers_hold(), 0); /* all of it is given back */
}

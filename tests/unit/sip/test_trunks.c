/* OPTIONS, up and down, failover order, two trunks on one address, names. */
/* TSAN */
#include "rig.h"

#include "core/health.h"

struct changes { /* state changes as they come */
    char name[16][64];
    enum trunk_state state[16];
    size_t n;
    sem_t sem;
};

static void state_h(const struct trunk_peer *p, void *arg)
{
    struct changes *c = arg;

    if (c->n < 16) {
        snprintf(c->name[c->n], sizeof(c->name[0]), "%s", p->cfg.name);
        c->state[c->n++] = p->state;
    }
    sem_post(&c->sem);
}

static struct changes changes;

static int listen_extra_h(struct sip_stack *st, struct rig *rig)
{
    (void)st;
    memset(&changes, 0, sizeof(changes));
    sem_init(&changes.sem, 0, 0);
    return trunks_listen(rig->trunks, state_h, &changes);
}

static bool change_is(size_t i, const char *name, enum trunk_state state)
{
    struct timespec ts;

    clock_gettime(CLOCK_REALTIME, &ts);
    ts.tv_sec += RIG_WAIT_MS / 1000;
    CHECK_OR(!sem_timedwait(&changes.sem, &ts), return false);
    if (changes.n <= i || strcmp(changes.name[i], name) || changes.state[i] != state)
        testing_fail(__FILE__, __LINE__, "change %zu is %s %d, want %s %d", i, changes.name[i],
                     (int)changes.state[i], name, (int)state);
    return true;
}

/* Takes what was repeated because we were slow to answer: its transaction is over. */
static void drain(struct rig *rig, int fd)
{
    while (sock_recv(rig, fd, 0))
        ;
}

/* Answers the OPTIONS in rig->text. */
static void answer(struct rig *rig, int fd, const char *status)
{
    static char out[RIG_TEXT_MAX];
    char *eol = strstr(rig->text, "\r\n"), *ua = strstr(rig->text, "Contact:"),
         *end = strstr(rig->text, "From:");
    int n;

    CHECK_OR(eol && end && !strncmp(rig->text, "OPTIONS sip:", 12), return );
    if (ua && ua < end) { /* Via …, then From, To, Call-ID, CSeq are echoed */
        memmove(ua, end, strlen(end) + 1);
    }
    n = snprintf(out, sizeof(out), "SIP/2.0 %s%s", status, eol);
    if (rig->addr.u.sa.sa_family)
        CHECK_OR(sendto(fd, out, (size_t)n, 0, &rig->addr.u.sa, addr_len(&rig->addr)) == n, return );
}

struct chosen {
    struct rig *rig;
    char name[4][64];
    uint32_t rtt_us;
};

static void choose_h(void *arg)
{
    struct chosen *c = arg;
    const struct trunk_peer *p;

    for (size_t i = 0; i < 4; i++) {
        p = trunks_choose(c->rig->trunks, i);
        snprintf(c->name[i], sizeof(c->name[i]), "%s", p ? p->cfg.name : "");
        if (p && !i)
            c->rtt_us = p->rtt_us;
    }
}

static struct chosen choose(struct rig *rig)
{
    struct chosen c = {.rig = rig};

    rig_run(rig, choose_h, &c);
    return c;
}

static void suspect_h(void *arg)
{
    trunks_suspect(((struct rig *)arg)->trunks, "a");
}

TEST(up_down_and_failover)
{
    struct rig rig = {.extra_h = listen_extra_h};
    struct trunk_config v[2];
    struct addr a, b;
    struct chosen c;
    int fa, fb;

    health_reset();
    CHECK(rig_start(&rig));
    CHECK_OR(health_ready(), ;); /* a fresh install is no fault */
    fa = sock_open(SOCK_DGRAM, "127.0.0.1", &a);
    fb = sock_open(SOCK_DGRAM, "127.0.0.1", &b);
    v[0] = trunk_at("b", &b, 20, 60);
    v[1] = trunk_at("a", &a, 10, 60);
    CHECK_OR(rig_trunks(&rig, v, 2), ;);
    c = choose(&rig); /* unknown ones are tried */
    CHECK_OR(!strcmp(c.name[0], "a") && !strcmp(c.name[1], "b") && !c.name[2][0], ;);
    CHECK_OR(sock_recv(&rig, fa, RIG_WAIT_MS) && strstr(rig.text, "Max-Forwards: 70") &&
                 strstr(rig.text, "CSeq: 1 OPTIONS"),
             ;);
    answer(&rig, fa, "404 Not Found"); /* any answer is life */
    change_is(0, "a", TRUNK_UP);
    CHECK_OR(sock_recv(&rig, fb, RIG_WAIT_MS), ;);
    answer(&rig, fb, "503 Service Unavailable");
    change_is(1, "b", TRUNK_DOWN);
    drain(&rig, fb);
    c = choose(&rig);
    CHECK_OR(!strcmp(c.name[0], "a") && c.rtt_us > 0 && !c.name[1][0], ;);
    CHECK_OR(health_ready(), ;);
    /* a down one is asked again soon */
    CHECK_OR(sock_recv(&rig, fb, RIG_WAIT_MS), ;);
    answer(&rig, fb, "200 OK");
    change_is(2, "b", TRUNK_UP);
    /* a call found the first one dead: the other is next, and it is asked at once */
    drain(&rig, fa);
    rig_run(&rig, suspect_h, &rig);
    change_is(3, "a", TRUNK_DOWN);
    c = choose(&rig);
    CHECK_OR(!strcmp(c.name[0], "b") && !c.name[1][0], ;);
    CHECK_OR(sock_recv(&rig, fa, RIG_WAIT_MS), ;);
    answer(&rig, fa, "200 OK");
    change_is(4, "a", TRUNK_UP);
    /* what stays keeps its state */
    CHECK_OR(rig_trunks(&rig, &v[1], 1), ;);
    c = choose(&rig);
    CHECK_OR(!strcmp(c.name[0], "a") && c.rtt_us > 0 && !c.name[1][0], ;);
    close(fa);
    close(fb);
    rig_stop(&rig);
}

TEST(silence_is_down_within_four_seconds)
{
    struct rig rig = {.extra_h = listen_extra_h};
    struct trunk_config v;
    struct addr a;
    int fd;

    CHECK(rig_start(&rig));
    fd = sock_open(SOCK_DGRAM, "127.0.0.1", &a);
    v = trunk_at("a", &a, 10, 60);
    CHECK_OR(rig_trunks(&rig, &v, 1), ;);
    change_is(0, "a", TRUNK_DOWN);
    CHECK_OR(!choose(&rig).name[0][0], ;);
    close(fd);
    rig_stop(&rig);
}

TEST(tcp_refused_is_down_at_once_and_up_when_it_listens)
{
    struct rig rig = {.extra_h = listen_extra_h};
    struct trunk_config v;
    struct addr a, dst;
    int fd, conn = -1;

    CHECK(rig_start(&rig));
    fd = sock_open(SOCK_STREAM, "127.0.0.1", &a);
    v = trunk_at("a", &a, 10, 60);
    v.transport = 1;
    CHECK_OR(rig_trunks(&rig, &v, 1), ;);
    change_is(0, "a", TRUNK_DOWN);
    CHECK_OR(!listen(fd, 4), ;);
    conn = accept(fd, NULL, NULL);
    dst = rig.addr;
    memset(&rig.addr, 0, sizeof(rig.addr));
    if (sock_recv(&rig, conn, RIG_WAIT_MS)) {
        char *p = strstr(rig.text, "\r\nVia: SIP/2.0/TCP 127.0.0.1:");
        static char out[RIG_TEXT_MAX];

        CHECK_OR(p, ;);
        snprintf(out, sizeof(out), "SIP/2.0 200 OK%s", p ? p : "");
        CHECK_OR(send(conn, out, strlen(out), 0) > 0, ;);
        change_is(1, "a", TRUNK_UP);
    }
    rig.addr = dst;
    close(conn);
    close(fd);
    rig_stop(&rig);
}

static char origin_trunk[4][64];

static void origin_of(struct rig *rig, const struct addr *a, char *out);

struct origin_arg {
    struct rig *rig;
    const struct addr *a;
    char *out;
};

#include <re.h>

static void origin_h(void *arg)
{
    struct origin_arg *o = arg;
    struct sip_msg msg = {.tp = SIP_TRANSP_UDP};
    struct sip_origin origin;

    sa_set_sa(&msg.src, &o->a->u.sa);
    (void)sip_stack_origin(o->rig->stack, &msg, &origin);
    snprintf(o->out, 64, "%s", origin.trunk);
}

static void origin_of(struct rig *rig, const struct addr *a, char *out)
{
    struct origin_arg o = {rig, a, out};

    rig_run(rig, origin_h, &o);
}

TEST(two_trunks_on_one_address)
{
    struct trunk_config v[2];
    struct addr a, b, c, d;
    struct rig rig = {0};

    CHECK(rig_start(&rig));
    addr_parse_ip(&a, "127.0.0.1", 6001);
    addr_parse_ip(&b, "127.0.0.1", 6002);
    addr_parse_ip(&c, "127.0.0.1", 6003);
    addr_parse_ip(&d, "127.0.0.3", 6001);
    v[0] = trunk_at("a", &a, 10, 0);
    v[1] = trunk_at("b", &b, 10, 0);
    CHECK_OR(rig_trunks(&rig, v, 2), ;);
    origin_of(&rig, &a, origin_trunk[0]);
    origin_of(&rig, &b, origin_trunk[1]);
    origin_of(&rig, &c, origin_trunk[2]);
    origin_of(&rig, &d, origin_trunk[3]);
    rig_stop(&rig);
    CHECK_STR(origin_trunk[0], "a");
    CHECK_STR(origin_trunk[1], "b");
    CHECK_STR(origin_trunk[2], "a"); /* the port is unknown, the address is not */
    CHECK_STR(origin_trunk[3], "");
}

TEST(a_name_is_resolved_elsewhere)
{
    struct rig rig = {.extra_h = listen_extra_h};
    struct trunk_config v;
    struct addr a;
    int fd;

    CHECK(rig_start(&rig));
    fd = sock_open(SOCK_DGRAM, "127.0.0.1", &a);
    v = trunk_at("a", &a, 10, 60);
    snprintf(v.host, sizeof(v.host), "localhost");
    CHECK_OR(rig_trunks(&rig, &v, 1), ;);
    if (sock_recv(&rig, fd, RIG_WAIT_MS)) {
        answer(&rig, fd, "200 OK");
        change_is(0, "a", TRUNK_UP);
    } else {
        testing_fail(__FILE__, __LINE__, "no OPTIONS");
    }
    close(fd);
    rig_stop(&rig);
}

TEST(tls_is_refused_in_clear_words)
{
    struct rig rig = {.extra_h = listen_extra_h};
    struct trunk_config v;
    struct addr a;

    CHECK(rig_start(&rig));
    addr_parse_ip(&a, "127.0.0.1", 6001);
    v = trunk_at("a", &a, 10, 60);
    v.transport = 2;
    CHECK_OR(rig_trunks(&rig, &v, 1), ;);
    change_is(0, "a", TRUNK_DOWN);
    CHECK_OR(!choose(&rig).name[0][0], ;);
    rig_stop(&rig);
}

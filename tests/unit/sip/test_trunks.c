/* OPTIONS, up, suspect and down, failover order, two trunks on one address, names with several addresses. */
/* TSAN */
/* SLOW */
#include "rig.h"

#include "sip/transp.h"

#include "core/health.h"
#include "sip/resolver.h"

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
    char name[4][64]; /* of the targets' trunks */
    struct addr addr[4];
    uint32_t rtt_us; /* of the first one's trunk */
};

static void choose_h(void *arg)
{
    struct chosen *c = arg;
    struct trunk_target v[4];
    size_t n = trunks_targets(c->rig->trunks, v, 4);

    for (size_t i = 0; i < n; i++) {
        const struct trunk_peer *p = trunks_by_id(c->rig->trunks, v[i].trunk);

        snprintf(c->name[i], sizeof(c->name[i]), "%s", p->cfg.name);
        c->addr[i] = v[i].addr;
        if (!i)
            c->rtt_us = p->rtt_us;
    }
}

static struct chosen choose(struct rig *rig)
{
    struct chosen c = {.rig = rig};

    rig_run(rig, choose_h, &c);
    return c;
}

/* The first target that a call would take was silent. */
static void silent_h(void *arg)
{
    struct trunks *t = ((struct rig *)arg)->trunks;
    struct trunk_target first;

    if (trunks_targets(t, &first, 1))
        trunks_silent(t, &first);
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
    /* the first one was silent to a call: the other is next, and it is asked at once, but not given up */
    drain(&rig, fa);
    rig_run(&rig, silent_h, &rig);
    change_is(3, "a", TRUNK_SUSPECT);
    CHECK_OR(health_ready(), ;);
    c = choose(&rig);
    CHECK_OR(!strcmp(c.name[0], "b") && !strcmp(c.name[1], "a") && !c.name[2][0], ;);
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

/* What the name server knows of every name: that many addresses 127.0.0.1, 127.0.0.2, …, from the given one on. */
static _Atomic int dns_first, dns_count;
/* And for as long as this is 0, it is silent about this one. */
#define SILENT "silent.example"
static sem_t silence;

static int lookup_h(struct addr *v, size_t max, size_t *n, const char *host, uint16_t port)
{
    char ip[32];

    if (!strcmp(host, SILENT)) {
        while (sem_wait(&silence))
            ;
        return EHOSTUNREACH;
    }
    CHECK_OR(!strcmp(host, "sip.example"), return EHOSTUNREACH);
    if (!dns_count)
        return EHOSTUNREACH;
    for (*n = 0; *n < (size_t)dns_count && *n < max; (*n)++) {
        snprintf(ip, sizeof(ip), "127.0.0.%d", dns_first + (int)*n);
        addr_parse_ip(&v[*n], ip, port);
    }
    return 0;
}

/* A trunk that is configured by its name, with a socket at its first address. */
static int named_trunk(struct trunk_config *v, struct addr *a, int first, int count)
{
    int fd = sock_open(SOCK_DGRAM, "127.0.0.1", a);

    dns_first = first;
    dns_count = count;
    resolver_lookup = lookup_h;
    *v = trunk_at("a", a, 10, 60);
    snprintf(v->host, sizeof(v->host), "sip.example");
    return fd;
}

static bool is_admitted(struct rig *rig, const char *ip, uint16_t port)
{
    char name[64];
    struct addr a;

    addr_parse_ip(&a, ip, port);
    origin_of(rig, &a, name);
    return !strcmp(name, "a");
}

TEST(a_name_is_resolved_elsewhere)
{
    struct rig rig = {.extra_h = listen_extra_h};
    struct trunk_config v;
    struct addr a;
    int fd;

    CHECK(rig_start(&rig));
    fd = named_trunk(&v, &a, 1, 1);
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

TEST(a_name_whose_server_is_silent_keeps_no_other_waiting)
{
    struct rig rig = {.extra_h = listen_extra_h};
    struct trunk_config v[2];
    struct addr a;
    int fd;

    CHECK(!sem_init(&silence, 0, 0));
    CHECK(rig_start(&rig));
    fd = named_trunk(&v[1], &a, 1, 1);
    v[0] = trunk_at("silent", &a, 1, 60);
    snprintf(v[0].host, sizeof(v[0].host), SILENT);
    CHECK_OR(rig_trunks(&rig, v, 2), ;);
    if (sock_recv(&rig, fd, RIG_WAIT_MS)) {
        answer(&rig, fd, "200 OK");
        change_is(0, "a", TRUNK_UP);
    } else {
        testing_fail(__FILE__, __LINE__, "no OPTIONS");
    }
    sem_post(&silence);
    change_is(1, "silent", TRUNK_DOWN);
    close(fd);
    rig_stop(&rig);
}

TEST(every_address_of_a_name_may_send_and_is_asked_and_tried)
{
    struct rig rig = {.extra_h = listen_extra_h};
    struct addr a, b;
    struct trunk_config v;
    struct chosen c;
    int fa, fb;

    CHECK(rig_start(&rig));
    fa = named_trunk(&v, &a, 1, 3);
    addr_parse_ip(&b, "127.0.0.2", addr_port(&a));
    fb = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    CHECK_OR(!bind(fb, &b.u.sa, addr_len(&b)), ;);
    CHECK_OR(rig_trunks(&rig, &v, 1), ;);
    CHECK_OR(sock_recv(&rig, fa, RIG_WAIT_MS), ;); /* the first one is silent */
    CHECK_OR(sock_recv(&rig, fb, RIG_WAIT_MS), ;);
    answer(&rig, fb, "200 OK");
    change_is(0, "a", TRUNK_UP);
    c = choose(&rig); /* what answers is tried before what was not heard of yet */
    CHECK_OR(addr_eq(&c.addr[0], &b) && addr_eq(&c.addr[1], &a) && c.name[2][0] && !c.name[3][0], ;);
    CHECK_OR(is_admitted(&rig, "127.0.0.1", 1) && is_admitted(&rig, "127.0.0.2", 1) &&
                 is_admitted(&rig, "127.0.0.3", 1) && !is_admitted(&rig, "127.0.0.4", 1),
             ;);
    /* a call finds the one that answered silent: the trunk goes on with the others */
    drain(&rig, fb);
    rig_run(&rig, silent_h, &rig);
    c = choose(&rig);
    CHECK_OR(c.name[0][0] && !addr_eq(&c.addr[0], &b) && c.name[2][0] && addr_eq(&c.addr[2], &b), ;);
    close(fa);
    close(fb);
    rig_stop(&rig);
}

TEST(a_name_that_moves_takes_its_admission_along)
{
    struct rig rig = {.extra_h = listen_extra_h};
    const uint32_t was = resolver_again_ms;
    struct trunk_config v;
    struct addr a;
    int fd;

    resolver_again_ms = 20;
    CHECK(rig_start(&rig));
    fd = named_trunk(&v, &a, 1, 2);
    CHECK_OR(rig_trunks(&rig, &v, 1), ;);
    CHECK_OR(sock_recv(&rig, fd, RIG_WAIT_MS), ;);
    answer(&rig, fd, "200 OK");
    change_is(0, "a", TRUNK_UP);
    dns_count = 0; /* an ill name server changes nothing */
    CHECK_OR(is_admitted(&rig, "127.0.0.1", 1), ;);
    dns_first = 2;
    dns_count = 2;
    for (int i = 0; i < RIG_WAIT_MS && is_admitted(&rig, "127.0.0.1", 1); i++)
        (void)poll(NULL, 0, 1);
    CHECK_OR(!is_admitted(&rig, "127.0.0.1", 1) && is_admitted(&rig, "127.0.0.2", 1) &&
                 is_admitted(&rig, "127.0.0.3", 1),
             ;);
    close(fd);
    rig_stop(&rig);
    resolver_again_ms = was;
}

TEST(a_trunk_that_is_down_is_looked_for_elsewhere_soon)
{
    struct rig rig = {.extra_h = listen_extra_h};
    const uint32_t was = resolver_retry_ms;
    struct trunk_config v;
    struct addr a;
    int fd;

    resolver_retry_ms = 20;
    CHECK(rig_start(&rig));
    fd = named_trunk(&v, &a, 9, 1); /* nobody is there */
    CHECK_OR(rig_trunks(&rig, &v, 1), ;);
    change_is(0, "a", TRUNK_DOWN);
    dns_first = 1;
    CHECK_OR(sock_recv(&rig, fd, RIG_WAIT_MS), ;);
    close(fd);
    rig_stop(&rig);
    resolver_retry_ms = was;
}

static void rest_h(void *arg)
{
    struct trunks *t = ((struct rig *)arg)->trunks;

    trunks_rest(t, trunks_find(t, "a")->id, 3600);
}

TEST(a_rest_puts_a_trunk_behind_the_others_and_never_down)
{
    struct rig rig = {.extra_h = listen_extra_h};
    struct trunk_config v[2];
    struct addr a, b;
    struct chosen c;

    CHECK(rig_start(&rig));
    addr_parse_ip(&a, "127.0.0.1", 6001);
    addr_parse_ip(&b, "127.0.0.1", 6002);
    v[0] = trunk_at("a", &a, 10, 0);
    v[1] = trunk_at("b", &b, 20, 0);
    CHECK_OR(rig_trunks(&rig, v, 2), ;);
    rig_run(&rig, rest_h, &rig);
    c = choose(&rig);
    CHECK_OR(!strcmp(c.name[0], "b") && !strcmp(c.name[1], "a"), ;);
    CHECK_OR(rig_trunks(&rig, v, 1), ;); /* alone it is tried all the same */
    CHECK_OR(!strcmp(choose(&rig).name[0], "a"), ;);
    rig_stop(&rig);
}

/* Where nothing listens, and where something listens that speaks no TLS. */
TEST(tls_says_why_there_is_none)
{
    struct rig rig = {.extra_h = listen_extra_h};
    struct addr a;
    struct trunk_config v;
    int fd = sock_open(SOCK_STREAM, "127.0.0.1", &a), peer;

    CHECK(rig_start(&rig));
    v = trunk_at("a", &a, 10, 60);
    v.transport = 2;
    CHECK_OR(rig_trunks(&rig, &v, 1), ;);
    change_is(0, "a", TRUNK_DOWN);
    CHECK_OR(!choose(&rig).name[0][0], ;);
    CHECK_OR(!listen(fd, 1), ;);
    peer = accept(fd, NULL, NULL);
    CHECK_OR(sock_recv(&rig, peer, RIG_WAIT_MS) > 5 && rig.text[0] == 22,
             ;); /* a handshake record, RFC 8446 5.1 */
    CHECK_OR(send(peer, "SIP/2.0 400 Bad Request\r\n\r\n", 27, MSG_NOSIGNAL) == 27, ;);
    CHECK_OR(sock_recv(&rig, peer, RIG_WAIT_MS) < 8, ;); /* an alert at most, and the end */
    close(peer);
    close(fd);
    rig_stop(&rig);
}

/* By TCP, as by TLS: one that we made and that lies idle is asked whether it lives; who has answered once must go on. */
TEST(a_connection_that_lies_idle_is_kept_alive)
{
    struct rig rig = {.extra_h = listen_extra_h};
    struct addr a;
    struct trunk_config v;
    int fd = sock_open(SOCK_STREAM, "127.0.0.1", &a), peer;

    transp_ping_ms = 100;
    transp_pong_ms = 300;
    CHECK(rig_start(&rig) && !listen(fd, 1));
    v = trunk_at("a", &a, 10, 60);
    v.transport = 1;
    CHECK_OR(rig_trunks(&rig, &v, 1), ;);
    peer = accept(fd, NULL, NULL);
    CHECK_OR(sock_recv(&rig, peer, RIG_WAIT_MS) > 0 && !strncmp(rig.text, "OPTIONS ", 8), ;);
    for (int i = 0; i < 3; i++) /* unanswered: perhaps it does not know what that is */
        CHECK_OR(sock_recv(&rig, peer, RIG_WAIT_MS) >= 4 && !strncmp(rig.text, "\r\n\r\n", 4), ;);
    CHECK_OR(send(peer, "\r\n", 2, MSG_NOSIGNAL) == 2, ;);
    CHECK_OR(sock_recv(&rig, peer, RIG_WAIT_MS) >= 4 && !strncmp(rig.text, "\r\n\r\n", 4), ;);
    while (sock_recv(&rig, peer, RIG_WAIT_MS)) /* one that was on its way */
        ;
    CHECK_OR(recv(peer, rig.text, 1, MSG_DONTWAIT) == 0, ;); /* no answer this time: it is over */
    close(peer);
    close(fd);
    rig_stop(&rig);
    transp_ping_ms = 30000;
    transp_pong_ms = 10000;
}

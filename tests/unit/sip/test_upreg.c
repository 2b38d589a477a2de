/* sip/upreg: one DN from sign-in to un-registering, with a SIP Server that says each of the things that it may say. */
/* TSAN */
#include "rig.h"

#include "core/clock.h"
#include "sip/upreg.h"

#include <ctype.h>

#define UUID_A "0f7d5c1e-1111-4a52-9a35-aaaaaaaaaaaa"
#define UUID_B "0f7d5c1e-2222-4a52-9a35-bbbbbbbbbbbb"
#define PASSWORD "Gsx-upstream-1"

enum { GRACE_MS = 400, QUIET_MS = 900 };

static struct up {
    struct rig rig;
    struct upreg *u;
    int fd; /* SIP Server's */
    struct addr at;
    struct addr from; /* of the last REGISTER */
    _Atomic bool busy;
    bool no_password;
    _Atomic int told; /* pages, of refusals and ends of them */
    uint32_t grace_ms;
    char callid[64];
    unsigned cseq;
} up;

static void password_h(const char *dn, char out[UPREG_SECRET_MAX], void *arg)
{
    (void)dn;
    (void)arg;
    snprintf(out, UPREG_SECRET_MAX, "%s", up.no_password ? "" : PASSWORD);
}

static bool busy_h(const char *dn, void *arg)
{
    (void)dn;
    (void)arg;
    return up.busy;
}

static void told_h(const struct binding *b, const struct upreg_info *info, void *arg)
{
    (void)b;
    (void)info;
    (void)arg;
    up.told++;
}

static int extra_h(struct sip_stack *st, struct rig *rig)
{
    struct upreg_config cfg = {.stack = st,
                               .registrar = rig->registrar,
                               .trunks = rig->trunks,
                               .rate = 1000,
                               .unregister_ms = up.grace_ms,
                               .answer_ms = 300,
                               .retry_ms = 100,
                               .ask_ms = 200,
                               .tick_ms = 20,
                               .password = password_h,
                               .busy = busy_h,
                               .changed = told_h};

    memset(cfg.key, 7, sizeof(cfg.key));
    return upreg_alloc(&up.u, &cfg);
}

static void over_h(struct rig *rig)
{
    (void)rig;
    upreg_free(up.u);
}

static void retarget_h(void *arg)
{
    (void)arg;
    upreg_retarget(up.u);
}

static bool trunk_set(bool registers, uint32_t ping)
{
    struct trunk_config t = trunk_at("genesys", &up.at, 10, ping);
    bool ok;

    t.registers = registers;
    ok = rig_trunks(&up.rig, &t, 1);
    rig_run(&up.rig, retarget_h, NULL);
    return ok;
}

static bool begin(uint32_t grace_ms)
{
    memset(&up, 0, sizeof(up));
    up.grace_ms = grace_ms;
    up.rig.extra_h = extra_h;
    up.rig.over_h = over_h;
    up.fd = sock_open(SOCK_DGRAM, "127.0.0.1", &up.at);
    CHECK_OR(up.fd >= 0 && rig_start(&up.rig), return false);
    return trunk_set(true, 0);
}

static void end(void)
{
    rig_stop(&up.rig);
    close(up.fd);
}

static const char *line(const char *name, char *buf, size_t sz)
{
    const char *p = strstr(up.rig.text, name);

    snprintf(buf, sz, "%.*s", p ? (int)strcspn(p, "\r\n") : 0, p ? p : "");
    return buf;
}

/* The next request that comes within ms: "REGISTER 3600", "OPTIONS", "" for none. Those that come again, from a transaction that nobody
 * waits for any more, too, are told by their numbers. */
static const char *next(char *buf, size_t sz, int ms)
{
    char text[256];
    unsigned cseq;
    struct sockaddr_storage ss;
    socklen_t len = sizeof(ss);
    const char *expires;
    ssize_t n;

    for (;;) {
        struct pollfd pfd = {.fd = up.fd, .events = POLLIN};

        buf[0] = 0;
        up.rig.text[0] = 0;
        if (poll(&pfd, 1, ms) <= 0)
            return buf;
        n = recvfrom(up.fd, up.rig.text, sizeof(up.rig.text) - 1, 0, (struct sockaddr *)&ss, &len);
        CHECK_OR(n > 0, return buf);
        up.rig.text[n] = 0;
        addr_set_sockaddr(&up.from, (struct sockaddr *)&ss);
        if (sscanf(line("CSeq:", text, sizeof(text)), "CSeq: %u REGISTER", &cseq) == 1 &&
            strstr(text, "REGISTER")) {
            if (cseq <= up.cseq)
                continue;
            up.cseq = cseq;
        }
        expires = line("Expires:", text, sizeof(text));
        snprintf(buf, sz, "%.*s%s", (int)strcspn(up.rig.text, " "), up.rig.text,
                 expires[0] ? expires + 8 : "");
        line("Call-ID:", text, sizeof(text));
        snprintf(up.callid, sizeof(up.callid), "%s", text);
        return buf;
    }
}

static bool comes(const char *want)
{
    char got[64];

    if (!strcmp(next(got, sizeof(got), RIG_WAIT_MS), want))
        return true;
    testing_fail(__FILE__, __LINE__, "want %s, got %s", want, got);
    return false;
}

static bool quiet(int ms)
{
    char got[64];

    if (!next(got, sizeof(got), ms)[0])
        return true;
    testing_fail(__FILE__, __LINE__, "want nothing, got %s", got);
    return false;
}

/* Answers what came last, in SIP Server's order of headers. */
static void answer(const char *status, const char *more)
{
    char out[RIG_TEXT_MAX], from[256], to[256], callid[128], cseq[64], via[256];
    int n = snprintf(out, sizeof(out),
                     "SIP/2.0 %s\r\n%s\r\n%s;tag=G\r\n%s\r\n%s\r\nContent-Length: 0\r\n%s\r\n%s\r\n", status,
                     line("From:", from, sizeof(from)), line("To:", to, sizeof(to)),
                     line("Call-ID:", callid, sizeof(callid)), line("CSeq:", cseq, sizeof(cseq)),
                     line("Via:", via, sizeof(via)), more);

    CHECK_OR(sendto(up.fd, out, (size_t)n, 0, &up.from.u.sa, addr_len(&up.from)) == n, return );
}

static void grant(unsigned seconds)
{
    char contact[256], more[400];

    snprintf(more, sizeof(more), "%s;expires=%u\r\n", line("Contact:", contact, sizeof(contact)), seconds);
    answer("200 OK", more);
}

#define CHALLENGE "WWW-Authenticate: Digest realm=\"genesys\",nonce=\"n1\",algorithm=MD5\r\n"

struct look {
    struct upreg_info info;
    struct upreg_counts counts;
    int err;
};

static void look_h(void *arg)
{
    struct look *l = arg;

    l->err = upreg_get(up.u, "5001", &l->info);
    upreg_counts(up.u, &l->counts);
}

static struct look look(void)
{
    struct look l;

    rig_run(&up.rig, look_h, &l);
    return l;
}

/* Waits until the DN is in this state; UPREG_STATES: forgotten. */
static bool becomes(enum upreg_state want)
{
    struct look l;

    for (int i = 0; i < RIG_WAIT_MS / 10; i++) {
        l = look();
        if (want == UPREG_STATES ? l.err == ENOENT : !l.err && l.info.state == want)
            return true;
        usleep(10000);
    }
    testing_fail(__FILE__, __LINE__, "want %s, is %s",
                 want < UPREG_STATES ? upreg_state_name(want) : "forgotten",
                 l.err ? "forgotten" : upreg_state_name(l.info.state));
    return false;
}

static bool signs_in(uint64_t conn)
{
    ws_open(&up.rig, conn);
    return ws_sign_in(&up.rig, conn, "5001", "lab5001", "MD5", conn % 2 ? UUID_A : UUID_B, 600, 200);
}

static void goes(uint64_t conn)
{
    sip_ws_closed(up.rig.stack, conn);
}

/* Signed in and registered for so long. */
static bool registered(unsigned seconds)
{
    if (!signs_in(7) || !comes("REGISTER 3600"))
        return false;
    grant(seconds);
    return becomes(UPREG_REGISTERED);
}

TEST(registered_once_with_our_contact_and_un_registered_after_the_grace_time)
{
    char text[256], self[ADDR_STRLEN], want[128], callid[64], got[64];
    unsigned cseq;
    struct look l;

    CHECK(begin(GRACE_MS));
    if (signs_in(7) && comes("REGISTER 3600")) {
        snprintf(want, sizeof(want), "Contact: <sip:5001@%s>", addr_str(&up.rig.addr, self, sizeof(self)));
        CHECK_OR(!strcmp(line("Contact:", text, sizeof(text)), want), ;);
        CHECK_OR(!strncmp(line("From:", text, sizeof(text)), "From: <sip:5001@127.0.0.1>;tag=", 31), ;);
        grant(1800);
        CHECK_OR(becomes(UPREG_REGISTERED), ;);
        l = look();
        CHECK_OR(!strcmp(l.info.trunk, "genesys") && l.info.code == 200 && l.counts.in[UPREG_REGISTERED] == 1,
                 ;);
        CHECK_OR(l.info.until_ms - clock_wall_ms() > 1700000 && l.info.until_ms - clock_wall_ms() <= 1800000,
                 ;);
        cseq = up.cseq;
        snprintf(callid, sizeof(callid), "%s", up.callid);
        goes(7);
        CHECK_OR(comes("REGISTER 0") && up.cseq == cseq + 1 && !strcmp(callid, up.callid), ;);
        answer("200 OK", "");
        CHECK_OR(becomes(UPREG_STATES), ;);
        cseq = up.cseq;
        up.cseq = 0;
        CHECK_OR(signs_in(9), ;);
        while (!strcmp(next(got, sizeof(got), RIG_WAIT_MS), "REGISTER 0"))
            ; /* once more */
        CHECK_OR(!strcmp(got, "REGISTER 3600") && !strcmp(callid, up.callid) && up.cseq > cseq, ;);
    }
    end();
}

TEST(who_comes_back_within_the_grace_time_is_left_alone)
{
    CHECK(begin(GRACE_MS));
    if (registered(3600)) {
        const uint64_t sequence = look().info.sequence;

        for (uint64_t conn = 8; conn < 12; conn++) {
            goes(conn - 1);
            CHECK_OR(signs_in(conn), break);
        }
        CHECK_OR(quiet(QUIET_MS), ;);
        CHECK_OR(look().info.state == UPREG_REGISTERED && look().info.sequence > sequence, ;);
    }
    end();
}

TEST(a_call_holds_it_whoever_signs_out_is_taken_at_his_word)
{
    CHECK(begin(60000));
    if (registered(3600)) {
        up.busy = true;
        ws_register(&up.rig, 7, "5001", UUID_A, 0, "");
        (void)ws_next(&up.rig, 7, NULL, RIG_WAIT_MS);
        if (strstr(up.rig.text, " 401 ")) {
            struct creds c = {.user = "5001", .password = "lab5001", .algorithm = "MD5", .nc = 1};
            char auth[1024];

            creds_challenge(&c, &up.rig);
            ws_register(&up.rig, 7, "5001", UUID_A, 0, creds_header(&c, "REGISTER", auth, sizeof(auth)));
            CHECK_OR(ws_expect(&up.rig, 7, 200), ;);
        }
        CHECK_OR(quiet(QUIET_MS), ;);
        up.busy = false;
        CHECK_OR(comes("REGISTER 0"), ;);
    }
    end();
}

TEST(a_challenge_is_answered_with_the_dns_password_a_second_one_is_a_wrong_password)
{
    char text[512];

    CHECK(begin(GRACE_MS));
    if (signs_in(7) && comes("REGISTER 3600")) {
        answer("401 Unauthorized", CHALLENGE);
        CHECK_OR(comes("REGISTER 3600"), ;);
        CHECK_OR(strstr(line("Authorization:", text, sizeof(text)),
                        "username=\"5001\", realm=\"genesys\", nonce=\"n1\""),
                 ;);
        answer("401 Unauthorized", CHALLENGE);
        CHECK_OR(becomes(UPREG_REFUSED), ;);
        CHECK_OR(look().counts.in[UPREG_REFUSED] == 1 && strstr(look().counts.text, "password"), ;);
        CHECK_OR(comes("REGISTER 3600") && !strstr(up.rig.text, "Authorization"),
                 ;); /* asked for again, seldom */
        answer("401 Unauthorized", CHALLENGE);
        CHECK_OR(comes("REGISTER 3600"), ;);
        grant(3600);
        CHECK_OR(becomes(UPREG_REGISTERED) && up.told == 2, ;);
    }
    end();
}

TEST(a_challenge_without_any_password_is_refused_at_once)
{
    CHECK(begin(GRACE_MS));
    up.no_password = true;
    if (signs_in(7) && comes("REGISTER 3600")) {
        answer("401 Unauthorized", CHALLENGE);
        CHECK_OR(becomes(UPREG_REFUSED) && strstr(look().info.text, "has none"), ;);
    }
    end();
}

/* It carries what a 200 would: only the code tells. And there is nothing to un-register. */
TEST(a_404_is_no_registration)
{
    char contact[256], more[400];

    CHECK(begin(0));
    if (signs_in(7) && comes("REGISTER 3600")) {
        snprintf(more, sizeof(more), "%s;expires=3600\r\nExpires: 3600\r\n",
                 line("Contact:", contact, sizeof(contact)));
        answer("404 Not Found", more);
        CHECK_OR(becomes(UPREG_REFUSED) && look().info.code == 404 && !look().info.until_ms, ;);
        goes(7);
        CHECK_OR(becomes(UPREG_STATES), ;);
        for (char got[64]; next(got, sizeof(got), QUIET_MS)[0];) /* asked for again before it went */
            CHECK_OR(strcmp(got, "REGISTER 0"), break);
    }
    end();
}

TEST(a_longer_time_is_asked_for_and_a_granted_one_is_refreshed)
{
    unsigned cseq;

    CHECK(begin(GRACE_MS));
    if (signs_in(7) && comes("REGISTER 3600")) {
        answer("423 Interval Too Brief", "Min-Expires: 7200\r\n");
        CHECK_OR(comes("REGISTER 7200"), ;);
        cseq = up.cseq;
        grant(1); /* taken for 10 */
        CHECK_OR(becomes(UPREG_REGISTERED), ;);
        CHECK_OR(comes("REGISTER 7200") && up.cseq == cseq + 1, ;);
        grant(7200);
        CHECK_OR(becomes(UPREG_REGISTERED), ;);
        CHECK_OR(quiet(QUIET_MS), ;);
    }
    end();
}

TEST(silence_is_tried_anew_and_a_rest_is_kept)
{
    uint64_t begin_ms;

    CHECK(begin(GRACE_MS));
    if (signs_in(7) && comes("REGISTER 3600")) {
        CHECK_OR(becomes(UPREG_WAITING) && look().info.code == 0, ;);
        CHECK_OR(comes("REGISTER 3600"), ;);
        begin_ms = clock_ms();
        answer("503 Service Unavailable", "Retry-After: 1\r\n");
        CHECK_OR(becomes(UPREG_WAITING) && look().info.code == 503, ;);
        CHECK_OR(comes("REGISTER 3600") && clock_ms() - begin_ms >= 1000, ;);
        answer("302 Moved Temporarily",
               "Contact: <sip:127.0.0.2>\r\n"); /* to its peer, which is another trunk */
        CHECK_OR(becomes(UPREG_WAITING), ;);
        CHECK_OR(comes("REGISTER 3600"), ;);
        grant(3600);
        CHECK_OR(becomes(UPREG_REGISTERED), ;);
    }
    end();
}

/* Answers OPTIONS so until something else comes, at most so often; what it is. */
static const char *pinged(const char *status, int times, char *buf, size_t sz)
{
    while (!strcmp(next(buf, sz, RIG_WAIT_MS), "OPTIONS") && times--)
        answer(status, "");
    return buf;
}

TEST(a_trunk_that_was_down_gets_all_again)
{
    char got[64];

    CHECK(begin(GRACE_MS));
    CHECK_OR(trunk_set(true, 1), ;);
    if (signs_in(7)) {
        CHECK_OR(!strcmp(pinged("200 OK", 5, got, sizeof(got)), "REGISTER 3600"), ;);
        grant(3600);
        CHECK_OR(becomes(UPREG_REGISTERED), ;);
        CHECK_OR(!strcmp(pinged("503 Service Unavailable", 2, got, sizeof(got)), "OPTIONS"), ;); /* down */
        answer("200 OK", "");
        CHECK_OR(!strcmp(pinged("200 OK", 5, got, sizeof(got)), "REGISTER 3600"), ;);
        grant(3600);
        CHECK_OR(becomes(UPREG_REGISTERED), ;);
    }
    end();
}

TEST(a_trunk_that_registers_no_more_is_left_and_taken_again)
{
    CHECK(begin(GRACE_MS));
    if (registered(3600)) {
        CHECK_OR(trunk_set(false, 0), ;);
        CHECK_OR(comes("REGISTER 0"), ;);
        answer("200 OK", "");
        CHECK_OR(becomes(UPREG_STATES), ;);
        CHECK_OR(trunk_set(true, 0), ;); /* who signed in before is registered, too */
        CHECK_OR(comes("REGISTER 3600"), ;);
        grant(3600);
        CHECK_OR(becomes(UPREG_REGISTERED), ;);
    }
    end();
}

TEST(who_signs_in_while_nothing_registers_is_registered_when_something_does)
{
    CHECK(begin(60000));
    if (registered(3600)) {
        goes(7);
        CHECK_OR(trunk_set(false, 0), ;);
        CHECK_OR(comes("REGISTER 0"), ;);
        CHECK_OR(signs_in(8), ;);
        CHECK_OR(trunk_set(true, 0), ;);
        CHECK_OR(comes("REGISTER 3600"), ;); /* behind the un-registering, though nobody answers that */
        grant(3600);
        CHECK_OR(becomes(UPREG_REGISTERED), ;);
    }
    end();
}

static void leave_old_h(void *arg)
{
    *(bool *)arg = upreg_leave(up.u, "5001", *(uint64_t *)((char *)arg + 8));
}

TEST(an_un_registering_of_an_older_sign_in_is_dropped)
{
    struct {
        bool done;
        uint64_t sequence;
    } order = {true, 0};

    CHECK(begin(60000));
    if (registered(3600)) {
        order.sequence = look().info.sequence;
        goes(7);
        CHECK_OR(signs_in(8), ;);
        rig_run(&up.rig, leave_old_h, &order);
        CHECK_OR(!order.done, ;);
        CHECK_OR(quiet(QUIET_MS / 2), ;);
        order.sequence = look().info.sequence;
        rig_run(&up.rig, leave_old_h, &order);
        CHECK_OR(order.done && comes("REGISTER 0"), ;);
        CHECK_OR(signs_in(9), ;); /* while it is on its way: after its answer, registered again */
        answer("200 OK", "");
        CHECK_OR(comes("REGISTER 3600"), ;);
        grant(3600);
        CHECK_OR(becomes(UPREG_REGISTERED), ;);
    }
    end();
}

static void over_done_h(void *arg)
{
    sem_post(arg);
}

static void leave_all_h(void *arg)
{
    upreg_leave_all(up.u, RIG_WAIT_MS, over_done_h, arg);
}

TEST(all_leave_before_the_end)
{
    sem_t done;

    CHECK(begin(60000));
    sem_init(&done, 0, 0);
    if (registered(3600)) {
        rig_run(&up.rig, leave_all_h, &done);
        CHECK_OR(comes("REGISTER 0"), ;);
        CHECK_OR(sem_trywait(&done), ;);
        answer("200 OK", "");
        sem_wait(&done);
    }
    sem_destroy(&done);
    end();
}

/* A worker's port and those who are no callers: STUN servers outside that it asks, and the doctor who asks it. */
/* TSAN */
#include "core/addr.h"
#include "mboxwait.h"
#include "media/media.h"
#include "media/outside.h"
#define TESTING_NO_OOM "threads and sockets: what they wait for would not come"
#include "testing.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { WAIT_MS = 10000, SHORT_MS = 100 };

static struct media *media;
static struct mbox *events, *seen;
static int far = -1; /* a socket elsewhere: the STUN server, or the doctor */
static struct addr port, there;
static const uint8_t key[STUN_DOCTOR_KEY_LEN] = "the doctor's key of thirty-two b";

static bool start(bool doctored)
{
    struct media_config cfg = {.workers = 1, .bind_count = 1, .jbuf_max_ms = 200};
    struct sockaddr_storage ss;
    socklen_t len = sizeof(ss);
    uint16_t ice;
    char why[128];

    if (mbox_alloc(&events, "test_outside", sizeof(struct media_event), 16) ||
        mbox_alloc(&seen, "test_seen", sizeof(struct stun_seen), 4) ||
        addr_parse_ip(&cfg.bind[0], "127.0.0.1", 0))
        return false;
    cfg.events = events;
    cfg.seen = seen;
    if (doctored)
        memcpy(cfg.doctor, key, sizeof(key));
    if (media_start(&media, &cfg, why, sizeof(why)) || media_ice_ports(media, &ice, 1) != 1)
        return false;
    addr_parse_ip(&port, "127.0.0.1", ice);
    addr_parse_ip(&there, "127.0.0.1", 0);
    far = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (far < 0 || bind(far, &there.u.sa, addr_len(&there)) || getsockname(far, (struct sockaddr *)&ss, &len))
        return false;
    addr_set_sockaddr(&there, (struct sockaddr *)&ss);
    return true;
}

static void stop(void)
{
    media_stop(media);
    mbox_free(events, NULL, NULL);
    mbox_free(seen, NULL, NULL);
    close(far);
}

static bool send_port(const uint8_t *p, size_t n)
{
    return sendto(far, p, n, 0, &port.u.sa, addr_len(&port)) == (ssize_t)n;
}

static size_t receive(uint8_t mem[STUN_MSG_MAX], int ms)
{
    struct pollfd pfd = {.fd = far, .events = POLLIN};
    ssize_t n = poll(&pfd, 1, ms) == 1 ? recv(far, mem, STUN_MSG_MAX, 0) : 0;

    return n > 0 ? (size_t)n : 0;
}

static void seen_h(void *msg, void *arg)
{
    memcpy(arg, msg, sizeof(struct stun_seen));
}

/* The server's answer to that request. */
static bool answer(const uint8_t tid[STUN_TID_LEN], enum stun_class cls, const char *ip)
{
    uint8_t msg[128];
    struct stun_writer w;
    struct addr a;
    size_t n;

    stun_begin(&w, msg, sizeof(msg), STUN_BINDING, cls, tid);
    if (cls == STUN_ERROR)
        stun_put_error(&w, 420, "Unknown");
    else if (!addr_parse_ip(&a, ip, 10000))
        stun_put_xaddr(&w, STUN_XOR_MAPPED_ADDRESS, &a);
    return !stun_end(&w, &n) && send_port(msg, n);
}

TEST(a_stun_server_is_asked_from_the_browsers_port)
{
    uint8_t tid[STUN_TID_LEN] = {0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8}, mem[STUN_MSG_MAX];
    struct stun_view v;
    struct stun_seen got;
    char ip[ADDR_STRLEN];
    size_t n;

    CHECK(start(false));
    for (int i = 0; i < 2; i++) { /* a repetition is the same request */
        CHECK_EQ_INT(media_ask_outside(media, &there, tid), 0);
        n = receive(mem, WAIT_MS);
        CHECK(n && !stun_parse(&v, mem, n) && v.method == STUN_BINDING && v.cls == STUN_REQUEST);
        CHECK(!memcmp(v.tid, tid, sizeof(tid)) && v.fp && stun_fingerprint_ok(&v));
    }
    tid[11] ^= 1; /* a guess */
    CHECK(answer(tid, STUN_SUCCESS, "192.0.2.66"));
    tid[11] ^= 1;
    CHECK(answer(tid, STUN_SUCCESS, "203.0.113.7"));
    CHECK(!mbox_wait(seen, WAIT_MS));
    CHECK_EQ_INT(mbox_drain(seen, seen_h, &got), 1);
    CHECK(addr_eq(&got.server, &there) && !memcmp(got.tid, tid, sizeof(tid)) && !got.code);
    CHECK_STR(addr_ip(&got.mapped, ip, sizeof(ip)), "203.0.113.7");
    CHECK_EQ_INT(got.port, addr_port(&port));
    CHECK(answer(tid, STUN_SUCCESS, "192.0.2.66")); /* once only */
    CHECK(mbox_wait(seen, SHORT_MS));
    tid[11]++;
    CHECK_EQ_INT(media_ask_outside(media, &there, tid), 0);
    CHECK(receive(mem, WAIT_MS));
    CHECK(answer(tid, STUN_ERROR, NULL));
    CHECK(!mbox_wait(seen, WAIT_MS));
    CHECK_EQ_INT(mbox_drain(seen, seen_h, &got), 1);
    CHECK(got.code == 420 && !addr_isset(&got.mapped, false));
    stop();
}

TEST(an_answer_from_elsewhere_is_nobodys)
{
    const uint8_t tid[STUN_TID_LEN] = {0, 0, 0, 0, 9, 9};
    uint8_t mem[STUN_MSG_MAX];
    struct addr a;
    int other, was;

    CHECK(start(false));
    CHECK_EQ_INT(media_ask_outside(media, &there, tid), 0);
    CHECK(receive(mem, WAIT_MS));
    other = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    addr_parse_ip(&a, "127.0.0.2", addr_port(&there));
    CHECK(other >= 0 && !bind(other, &a.u.sa, addr_len(&a)));
    was = far;
    far = other;
    CHECK(answer(tid, STUN_SUCCESS, "192.0.2.66"));
    far = was;
    CHECK(mbox_wait(seen, SHORT_MS));
    close(other);
    stop();
}

static size_t question(uint8_t *mem, const char *user, const void *k, size_t klen)
{
    struct stun_writer w;
    size_t n;

    stun_begin(&w, mem, STUN_MSG_MAX, STUN_BINDING, STUN_REQUEST, (const uint8_t *)"of a doctor!");
    if (user)
        stun_put(&w, STUN_USERNAME, user, strlen(user));
    if (k)
        stun_put_integrity(&w, k, klen);
    return stun_end(&w, &n) ? 0 : n;
}

TEST(the_doctor_is_answered_and_nobody_else)
{
    static const struct {
        const char *user;
        bool signed_, right;
    } cases[] = {{NULL, false, false},
                 {STUN_DOCTOR_USER, false, false},
                 {STUN_DOCTOR_USER, true, false},
                 {"00000000:another", true, true},
                 {"00000000", true, true}};
    uint8_t mem[STUN_MSG_MAX], wrong[sizeof(key)];
    struct stun_view v;
    struct addr mapped;
    size_t n;

    memcpy(wrong, key, sizeof(key));
    wrong[0] ^= 1;
    CHECK(start(true));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        n = question(mem, cases[i].user,
                     !cases[i].signed_ ? NULL
                     : cases[i].right  ? key
                                       : wrong,
                     sizeof(key));
        CHECK(n && send_port(mem, n));
    }
    n = question(mem, STUN_DOCTOR_USER, key, sizeof(key));
    CHECK(n && send_port(mem, n));
    n = receive(mem, WAIT_MS);
    CHECK(n && !stun_parse(&v, mem, n) && v.cls == STUN_SUCCESS && stun_auth(&v, key, sizeof(key)));
    CHECK(stun_get_xaddr(&v, STUN_XOR_MAPPED_ADDRESS, &mapped) && addr_eq(&mapped, &there));
    CHECK(!receive(mem, SHORT_MS)); /* what was asked before it has no answer */
    stop();
}

TEST(without_a_key_nobody_is_the_doctor)
{
    static const uint8_t none[STUN_DOCTOR_KEY_LEN];
    uint8_t mem[STUN_MSG_MAX];
    size_t n;

    CHECK(start(false));
    n = question(mem, STUN_DOCTOR_USER, none, sizeof(none));
    CHECK(n && send_port(mem, n));
    CHECK(!receive(mem, SHORT_MS));
    stop();
}

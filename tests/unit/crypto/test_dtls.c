/* DTLS-SRTP between two associations through memory: loss, reordering, the wrong certificate, rubbish. */
#include "crypto/dtls.h"
#include "testing.h"

#include <errno.h>

enum { QUEUE = 128, DGRAM = 2048 };

struct wire { /* one direction */
    uint8_t data[QUEUE][DGRAM];
    size_t len[QUEUE], head, tail;
    unsigned sent;
    unsigned drop_mask; /* the n-th datagram is lost when bit n is set */
};

static struct wire to_server, to_client;
static struct dtls_identity *cid, *sid;
static struct dtls *client, *server;

static void wire_put_h(const uint8_t *p, size_t n, void *arg)
{
    struct wire *w = arg;
    unsigned nth = w->sent++;

    if (n > DGRAM || w->tail - w->head == QUEUE || (nth < 32 && (w->drop_mask >> nth & 1)))
        return;
    memcpy(w->data[w->tail % QUEUE], p, n);
    w->len[w->tail++ % QUEUE] = n;
}

static void wire_deliver(struct wire *w, struct dtls *d, bool backwards)
{
    size_t n = w->tail - w->head, first = w->head;

    w->head = w->tail;
    for (size_t i = 0; i < n; i++) {
        size_t at = (first + (backwards ? n - 1 - i : i)) % QUEUE;

        (void)dtls_recv(d, w->data[at], w->len[at]);
    }
}

static bool setup(bool wrong_fp)
{
    uint8_t fp[32];

    memset(&to_server, 0, sizeof(to_server));
    memset(&to_client, 0, sizeof(to_client));
    if (dtls_identity_alloc(&cid) || dtls_identity_alloc(&sid))
        return false;
    memcpy(fp, dtls_identity_fingerprint(sid), 32);
    fp[31] ^= wrong_fp;
    return !dtls_alloc(&client, cid, DTLS_CLIENT, fp, wire_put_h, &to_server) &&
           !dtls_alloc(&server, sid, DTLS_SERVER, dtls_identity_fingerprint(cid), wire_put_h, &to_client);
}

static void teardown(void)
{
    dtls_free(client);
    dtls_free(server);
    dtls_identity_free(cid);
    dtls_identity_free(sid);
}

/* Runs at most 30 s of the handshake's own time. */
static void shake(bool backwards)
{
    (void)dtls_start(client);
    for (uint64_t now = 1000; now < 31000; now += 50) {
        wire_deliver(&to_server, server, backwards);
        wire_deliver(&to_client, client, backwards);
        dtls_tick(client, now);
        dtls_tick(server, now);
        if (dtls_state(client) != DTLS_HANDSHAKE && dtls_state(server) != DTLS_HANDSHAKE)
            return;
    }
}

static void check_agreed(void)
{
    struct dtls_keys c, s;

    CHECK_EQ_INT(dtls_state(client), DTLS_UP);
    CHECK_EQ_INT(dtls_state(server), DTLS_UP);
    CHECK_EQ_INT(dtls_keys(client, &c), 0);
    CHECK_EQ_INT(dtls_keys(server, &s), 0);
    CHECK_EQ_INT(c.profile, 1);
    CHECK_EQ_INT(c.len, 30);
    CHECK_MEM(c.local, s.remote, 30);
    CHECK_MEM(c.remote, s.local, 30);
    CHECK(memcmp(c.local, c.remote, 30));
}

TEST(both_sides_get_the_same_keys)
{
    CHECK(setup(false));
    shake(false);
    check_agreed();
    teardown();
}

TEST(survives_the_loss_of_any_early_datagram)
{
    for (unsigned lost = 0; lost < 6; lost++) {
        CHECK(setup(false));
        to_server.drop_mask = 1u << lost;
        to_client.drop_mask = 1u << (5 - lost);
        shake(false);
        check_agreed();
        teardown();
    }
}

TEST(survives_reordering)
{
    CHECK(setup(false));
    shake(true);
    check_agreed();
    teardown();
}

TEST(a_certificate_that_is_not_the_promised_one_fails)
{
    struct dtls_keys k;

    CHECK(setup(true));
    shake(false);
    CHECK_EQ_INT(dtls_state(client), DTLS_FAILED);
    CHECK(dtls_wrong_peer(client));
    CHECK_EQ_INT(dtls_state(server), DTLS_FAILED);
    CHECK_EQ_INT(dtls_keys(client, &k), ENOTCONN);
    CHECK_EQ_INT(dtls_keys(server, &k), ENOTCONN);
    teardown();
}

TEST(nobody_there_ends_in_time)
{
    CHECK(setup(false));
    to_server.drop_mask = ~0u;
    shake(false);
    CHECK_EQ_INT(dtls_state(client), DTLS_FAILED);
    CHECK(to_server.sent >= 5);
    teardown();
}

TEST(rubbish_does_not_disturb)
{
    uint64_t rnd = test_seed();
    uint8_t junk[200];

    CHECK(setup(false));
    for (unsigned i = 0; i < 200; i++) {
        for (size_t n = 0; n < sizeof(junk); n++)
            junk[n] = (uint8_t)test_random(&rnd);
        junk[0] = (uint8_t)(20 + i % 44); /* as the demultiplexer lets through */
        (void)dtls_recv(client, junk, 1 + test_random(&rnd) % sizeof(junk));
        (void)dtls_recv(server, junk, 1 + test_random(&rnd) % sizeof(junk));
    }
    shake(false);
    check_agreed();
    (void)dtls_recv(client, junk, sizeof(junk));
    CHECK_EQ_INT(dtls_state(client), DTLS_UP);
    teardown();
}

enum { RECORD_HDR = 13, MSG_HDR = 12, CLIENT_HELLO = 1 };

static void put24(uint8_t *p, size_t v)
{
    p[0] = (uint8_t)(v >> 16);
    p[1] = (uint8_t)(v >> 8);
    p[2] = (uint8_t)v;
}

/* Bytes from..to of the handshake message in this record, as a record of its own. */
static void fragment(const uint8_t *record, size_t from, size_t to, uint8_t number)
{
    uint8_t p[DGRAM];
    size_t n = to - from;

    memcpy(p, record, RECORD_HDR + MSG_HDR);
    p[10] = number;
    p[11] = (uint8_t)((MSG_HDR + n) >> 8);
    p[12] = (uint8_t)(MSG_HDR + n);
    put24(p + RECORD_HDR + 6, from);
    put24(p + RECORD_HDR + 9, n);
    memcpy(p + RECORD_HDR + MSG_HDR, record + RECORD_HDR + MSG_HDR + from, n);
    (void)dtls_recv(server, p, RECORD_HDR + MSG_HDR + n);
}

/* A browser with post-quantum keys says more than fits a datagram. */
TEST(a_client_hello_in_fragments_is_understood)
{
    const uint8_t *hello = to_server.data[0];

    for (unsigned backwards = 0; backwards < 2; backwards++) {
        size_t len, cut[3] = {0};

        CHECK(setup(false));
        CHECK_EQ_INT(dtls_start(client), 0);
        CHECK(to_server.len[0] > RECORD_HDR + MSG_HDR && hello[RECORD_HDR] == CLIENT_HELLO);
        len = to_server.len[0] - RECORD_HDR - MSG_HDR;
        to_server.head = to_server.tail;
        cut[1] = len / 3;
        cut[2] = len;
        for (uint8_t i = 0; i < 2; i++)
            fragment(hello, cut[i ^ backwards], cut[(i ^ backwards) + 1], i);
        CHECK(to_client.sent); /* without waiting for it to come again */
        shake(false);
        check_agreed();
        teardown();
    }
}

TEST(close_is_told)
{
    CHECK(setup(false));
    shake(false);
    check_agreed();
    dtls_free(client);
    client = NULL;
    wire_deliver(&to_server, server, false);
    CHECK_EQ_INT(dtls_state(server), DTLS_CLOSED);
    teardown();
}

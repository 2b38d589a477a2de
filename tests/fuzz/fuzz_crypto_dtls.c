/*
 * Two DTLS associations whose datagrams the input delivers, loses, doubles, swaps and spoils, and to which it adds its own. Nothing
 * of it may do harm; two that both say they are up have the same keys.
 * Input: one byte an act, see enum act; MAKE is followed by a length and so many bytes.
 */
#include "crypto/dtls.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { QUEUE = 64, DGRAM = 2048, TICK_MS = 250 };
enum act { DELIVER, LOSE, TWICE, LAST_FIRST, SPOIL, SHORTEN, MAKE, TICK, ACTS };

struct side {
    struct dtls *dtls;
    struct {
        uint8_t p[DGRAM];
        size_t n;
    } queue[QUEUE]; /* what it is to get */
    size_t head, tail;
};

static struct dtls_identity *identity[2];

static void put_h(const uint8_t *p, size_t n, void *arg)
{
    struct side *peer = arg;

    if (n > DGRAM || peer->tail - peer->head == QUEUE)
        return;
    memcpy(peer->queue[peer->tail % QUEUE].p, p, n);
    peer->queue[peer->tail++ % QUEUE].n = n;
}

static void give(struct side *s, size_t at, size_t n)
{
    (void)dtls_recv(s->dtls, s->queue[at % QUEUE].p, n);
}

/* The first datagram that waits for this side, and what becomes of it. */
static void act_on(struct side *s, enum act act, uint8_t where)
{
    size_t at = act == LAST_FIRST ? s->tail - 1 : s->head, n;

    if (s->head == s->tail)
        return;
    n = s->queue[at % QUEUE].n;
    if (act == SPOIL && n)
        s->queue[at % QUEUE].p[where % n] ^= 1u << where % 8;
    if (act == SHORTEN)
        n = where % (n + 1);
    if (act == LAST_FIRST)
        s->tail--;
    else
        s->head++;
    if (act != LOSE)
        give(s, at, n);
    if (act == TWICE)
        give(s, at, n);
}

static void check_keys(const struct side *s)
{
    struct dtls_keys a, b;

    if (dtls_keys(s[0].dtls, &a) || dtls_keys(s[1].dtls, &b))
        return;
    if (a.profile != b.profile || a.len != b.len || memcmp(a.local, b.remote, a.len) ||
        memcmp(a.remote, b.local, a.len))
        abort();
}

static bool set_up(struct side *s)
{
    for (int i = 0; i < 2 && !identity[i]; i++)
        if (dtls_identity_alloc(&identity[i]))
            return false;
    memset(s, 0, 2 * sizeof(*s));
    return !dtls_alloc(&s[0].dtls, identity[0], DTLS_CLIENT, dtls_identity_fingerprint(identity[1]), put_h,
                       &s[1]) &&
           !dtls_alloc(&s[1].dtls, identity[1], DTLS_SERVER, dtls_identity_fingerprint(identity[0]), put_h,
                       &s[0]) &&
           !dtls_start(s[0].dtls);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct side s[2];
    uint64_t now = 1000;
    size_t i = 0;

    if (!set_up(s))
        abort();
    while (i < size) {
        struct side *to = &s[data[i] >> 7];
        enum act act = (data[i++] & 0x7f) % ACTS;
        uint8_t more = i < size ? data[i] : 0;

        if (act == MAKE && i < size) {
            size_t n = more < size - i - 1 ? more : size - i - 1;

            (void)dtls_recv(to->dtls, data + i + 1, n);
            i += 1 + n;
        } else if (act == TICK) {
            now += TICK_MS;
            dtls_tick(s[0].dtls, now);
            dtls_tick(s[1].dtls, now);
        } else {
            i += act == SPOIL || act == SHORTEN;
            act_on(to, act, more);
        }
        check_keys(s);
    }
    dtls_free(s[0].dtls);
    dtls_free(s[1].dtls);
    return 0;
}

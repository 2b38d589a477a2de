/* SRTP contexts: what one side protects the other reads, once. */
#include "crypto/srtp.h"
#define TESTING_NO_OOM "libsrtp loses 384 bytes when a stream's second key finds no memory"
#include "testing.h"

#include <errno.h>

enum { PROFILE = 1, KEYLEN = 30, LEN = 12 + 160 };

static struct srtpctx *tx, *rx;
static uint8_t key[KEYLEN];

static bool setup(void)
{
    for (size_t i = 0; i < KEYLEN; i++)
        key[i] = (uint8_t)(i * 7);
    return !srtpctx_global_init() && !srtpctx_alloc(&tx, PROFILE, key, KEYLEN, false) &&
           !srtpctx_alloc(&rx, PROFILE, key, KEYLEN, true);
}

static void teardown(void)
{
    srtpctx_free(tx);
    srtpctx_free(rx);
    srtpctx_global_close();
}

static size_t packet(uint8_t *p, uint16_t seq)
{
    const uint8_t hdr[12] = {0x80, 0, (uint8_t)(seq >> 8), (uint8_t)seq, 0, 0, 0, 1, 1, 2, 3, 4};

    memcpy(p, hdr, sizeof(hdr));
    memset(p + sizeof(hdr), 0x55, LEN - sizeof(hdr));
    return LEN;
}

TEST(protects_and_unprotects)
{
    uint8_t p[LEN + SRTP_TRAILER_MAX], clear[LEN];
    size_t n = packet(p, 1);

    CHECK(setup());
    packet(clear, 1);
    CHECK_EQ_INT(srtpctx_protect(tx, p, &n), 0);
    CHECK_EQ_INT(n, LEN + 10);
    CHECK(memcmp(p + 12, clear + 12, 160));
    CHECK_EQ_INT(srtpctx_unprotect(rx, p, &n), 0);
    CHECK_EQ_INT(n, LEN);
    CHECK_MEM(p, clear, LEN);
    teardown();
}

TEST(refuses_replays_and_forgeries)
{
    uint8_t p[LEN + SRTP_TRAILER_MAX], again[sizeof(p)];
    size_t n = packet(p, 1), m;

    CHECK(setup());
    CHECK_EQ_INT(srtpctx_protect(tx, p, &n), 0);
    memcpy(again, p, n);
    m = n;
    again[40] ^= 1;
    CHECK_EQ_INT(srtpctx_unprotect(rx, again, &m), EBADMSG);
    memcpy(again, p, n);
    m = n;
    CHECK_EQ_INT(srtpctx_unprotect(rx, p, &n), 0);
    CHECK_EQ_INT(srtpctx_unprotect(rx, again, &m), EALREADY);
    teardown();
}

TEST(takes_packets_out_of_order_over_the_wrap)
{
    static const uint16_t order[] = {65533, 65535, 65534, 1, 0, 2};
    uint8_t p[6][LEN + SRTP_TRAILER_MAX];
    size_t n[6];

    CHECK(setup());
    for (size_t i = 0; i < 6; i++) {
        uint16_t seq = (uint16_t)(65533 + i);
        size_t at = 0;

        while (order[at] != seq)
            at++;
        n[at] = packet(p[at], seq);
        CHECK_EQ_INT(srtpctx_protect(tx, p[at], &n[at]), 0);
    }
    for (size_t i = 0; i < 6; i++)
        CHECK_EQ_INT(srtpctx_unprotect(rx, p[i], &n[i]), 0);
    teardown();
}

TEST(rtcp_has_its_own_protection)
{
    uint8_t p[64] = {0x80, 201, 0, 1, 1, 2, 3, 4};
    size_t n = 8;

    CHECK(setup());
    CHECK_EQ_INT(srtpctx_protect_rtcp(tx, p, &n), 0);
    CHECK_EQ_INT(n, 8 + 4 + 10);
    CHECK_EQ_INT(srtpctx_unprotect_rtcp(rx, p, &n), 0);
    CHECK_EQ_INT(n, 8);
    teardown();
}

TEST(refuses_what_is_too_short_and_unknown_profiles)
{
    uint8_t p[64] = {0x80};
    struct srtpctx *s = NULL;
    size_t n = 11;

    CHECK(setup());
    CHECK_EQ_INT(srtpctx_unprotect(rx, p, &n), EBADMSG);
    n = 7;
    CHECK_EQ_INT(srtpctx_unprotect_rtcp(rx, p, &n), EBADMSG);
    CHECK_EQ_INT(srtpctx_alloc(&s, 9, key, KEYLEN, true), EINVAL);
    CHECK_EQ_INT(srtpctx_alloc(&s, PROFILE, key, 29, true), EINVAL);
    teardown();
}

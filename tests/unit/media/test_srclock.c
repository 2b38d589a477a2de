/* Which source of the trunk is believed: the signalled one first, its neighbours when they insist, strangers never. */
#include "media/srclock.h"
#include "testing.h"

static struct srclock lock;
static struct addr a, b, c, near,
    stranger; /* a, b, c: signalled one after the other; near: another port of the same IP */
static uint16_t seq;

/* n consecutive packets; the verdict on the last. */
static enum srclock_verdict put(const struct addr *src, unsigned n)
{
    enum srclock_verdict v = SRCLOCK_DROP;

    while (n--)
        v = srclock_rtp(&lock, src, (uint32_t)addr_port(src), seq++);
    return v;
}

static void begin(void)
{
    struct addr *v[] = {&a, &b, &c, &near};

    for (uint16_t i = 0; i < 4; i++)
        (void)addr_parse_ip(v[i], "192.0.2.1", (uint16_t)(4000 + 2 * i));
    (void)addr_parse_ip(&stranger, "198.51.100.9", 4000);
    lock = (struct srclock){0};
    srclock_set(&lock, &a, &(struct addr){0});
    seq = 65530;
}

TEST(the_signalled_source_needs_one_packet)
{
    begin();
    CHECK(addr_eq(srclock_dest(&lock), &a));
    CHECK_EQ_INT(put(&a, 1), SRCLOCK_LATCHED);
    CHECK_EQ_INT(put(&a, 1), SRCLOCK_PASS);
    CHECK_EQ_INT(put(&near, 300), SRCLOCK_DROP);
    srclock_set(&lock, &a, &(struct addr){0}); /* a re-INVITE that changes nothing */
    CHECK_EQ_INT(put(&a, 1), SRCLOCK_PASS);
}

TEST(another_port_needs_three_packets_of_one_stream)
{
    begin();
    CHECK_EQ_INT(put(&near, SRCLOCK_PACKETS - 1), SRCLOCK_DROP);
    seq++;
    CHECK_EQ_INT(put(&near, SRCLOCK_PACKETS - 1), SRCLOCK_DROP);
    CHECK_EQ_INT(put(&near, 1), SRCLOCK_LATCHED);
    CHECK(addr_eq(srclock_dest(&lock), &near));
}

TEST(another_address_is_that_of_the_sip_peer_or_nobodys)
{
    struct addr sip = stranger;

    begin();
    CHECK_EQ_INT(put(&stranger, 300), SRCLOCK_DROP);
    addr_set_port(&sip, 5060);
    srclock_set(&lock, &a, &sip);
    CHECK_EQ_INT(put(&stranger, SRCLOCK_PACKETS), SRCLOCK_LATCHED);
}

/* The old stream goes on until the far end has our answer: it does not take the lock before the new one begins. */
TEST(after_a_change_the_old_stream_is_believed_last)
{
    begin();
    CHECK_EQ_INT(put(&a, 1), SRCLOCK_LATCHED);
    srclock_set(&lock, &b, &(struct addr){0});
    CHECK_EQ_INT(put(&a, SRCLOCK_OLD - 1), SRCLOCK_DROP);
    CHECK(addr_eq(srclock_dest(&lock), &b));
    CHECK_EQ_INT(put(&b, 1), SRCLOCK_LATCHED);
    CHECK_EQ_INT(put(&a, 3 * SRCLOCK_OLD), SRCLOCK_DROP);
}

TEST(the_signalled_source_wins_the_lock_back)
{
    begin();
    CHECK_EQ_INT(put(&a, 1), SRCLOCK_LATCHED);
    srclock_set(&lock, &b, &(struct addr){0});
    CHECK_EQ_INT(put(&a, SRCLOCK_OLD), SRCLOCK_LATCHED); /* it went on alone for long */
    for (unsigned i = 1; i < SRCLOCK_PACKETS; i++) {
        CHECK_EQ_INT(srclock_rtp(&lock, &b, 7, (uint16_t)i), SRCLOCK_DROP);
        CHECK_EQ_INT(put(&a, 1), SRCLOCK_PASS); /* both at once */
    }
    CHECK_EQ_INT(srclock_rtp(&lock, &b, 7, SRCLOCK_PACKETS), SRCLOCK_LATCHED);
    CHECK(addr_eq(srclock_dest(&lock), &b));
    CHECK_EQ_INT(put(&a, 3 * SRCLOCK_OLD), SRCLOCK_DROP);
}

TEST(a_packet_in_the_signalled_name_steals_nothing)
{
    begin();
    CHECK_EQ_INT(put(&near, SRCLOCK_PACKETS), SRCLOCK_LATCHED);
    for (unsigned i = 0; i < 20; i++) {
        CHECK_EQ_INT(put(&a, 1), SRCLOCK_DROP);
        CHECK_EQ_INT(put(&near, 1), SRCLOCK_PASS);
        CHECK(addr_eq(srclock_dest(&lock), &near));
    }
}

/* Hold at a port that never speaks, then back: who spoke there before is no old stream any more. */
TEST(back_again_a_symmetric_source_waits_no_longer)
{
    begin();
    CHECK_EQ_INT(put(&near, SRCLOCK_PACKETS), SRCLOCK_LATCHED);
    srclock_set(&lock, &c, &(struct addr){0});
    srclock_set(&lock, &a, &(struct addr){0});
    CHECK_EQ_INT(put(&near, SRCLOCK_PACKETS), SRCLOCK_LATCHED);
}

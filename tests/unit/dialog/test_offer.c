/* The offer/answer exchange of a dialog: every pattern of RFC 6337, what crosses it, and any order of messages at all. */
#include "dialog/offer.h"
#include "core/buf.h"
#include "core/metric.h"
#include "testing.h"
#include <re.h>

static struct offer o;

static long moves_refused(void)
{
    static const char line[] = "dngate_fsm_refused_total{machine=\"offer\"} ";
    struct buf b;
    const char *p;
    long n = -1;

    buf_init(&b, 1 << 20);
    if (!metric_render(&b) && (p = strstr(b.data, line)))
        n = strtol(p + strlen(line), NULL, 10);
    buf_reset(&b);
    return n;
}

#define OFFER(body)                                                                                          \
    do {                                                                                                     \
        offer_init(&o, "");                                                                                  \
        body offer_reset(&o);                                                                                \
    } while (0)
#define IS(want) CHECK_EQ_INT(o.state, OFFER_##want)

TEST(ours_is_answered_in_a_2xx_or_first_in_an_18x)
{
    OFFER({
        offer_out(&o, OFFER_REQUEST, "offer");
        IS(SENT);
        CHECK_EQ_INT(offer_crosses(&o), 491);
        offer_in(&o, OFFER_PROVISIONAL, false);
        IS(SENT);
        offer_in(&o, OFFER_PROVISIONAL, true);
        IS(PREVIEWED);
        CHECK_EQ_INT(offer_crosses(&o), 491);
        offer_in(&o, OFFER_PROVISIONAL, true);
        offer_in(&o, OFFER_SUCCESS, false); /* the 18x had it */
        IS(AGREED);
        CHECK_EQ_INT(offer_crosses(&o), 0);
    });
    OFFER({
        offer_out(&o, OFFER_REQUEST, "offer");
        offer_in(&o, OFFER_SUCCESS, true);
        IS(AGREED);
    });
    OFFER({
        offer_out(&o, OFFER_REQUEST, "offer");
        offer_in(&o, OFFER_SUCCESS, false);
        IS(NONE); /* a 2xx without an answer agrees nothing */
    });
}

TEST(theirs_is_answered_once_and_the_2xx_repeats_it)
{
    OFFER({
        offer_in(&o, OFFER_REQUEST, true);
        IS(RECEIVED);
        CHECK_EQ_INT(offer_crosses(&o), 500);
        offer_keep(&o, mem_alloc(8, NULL));
        offer_out(&o, OFFER_PROVISIONAL, NULL);
        IS(RECEIVED);
        CHECK(o.theirs);
        offer_out(&o, OFFER_PROVISIONAL, "answer");
        IS(GIVEN);
        CHECK(!o.theirs && o.version == 1);
        CHECK_EQ_INT(offer_crosses(&o), 500);
        offer_out(&o, OFFER_SUCCESS, "answer");
        IS(AGREED);
        CHECK_EQ_INT(o.version, 1); /* the same text is the same description */
        offer_in(&o, OFFER_ACK, false);
        IS(AGREED);
    });
}

TEST(an_invite_without_an_offer_gets_ours_in_the_2xx)
{
    OFFER({
        offer_in(&o, OFFER_REQUEST, false);
        IS(NONE);
        offer_out(&o, OFFER_SUCCESS, "offer");
        IS(SENT);
        CHECK_EQ_INT(offer_crosses(&o), 491);
        offer_in(&o, OFFER_ACK, true);
        IS(AGREED);
        offer_out(&o, OFFER_SUCCESS, "another"); /* a re-INVITE without one */
        IS(SENT);
        offer_in(&o, OFFER_ACK, false);
        IS(AGREED); /* as before: RFC 3261 14.1 */
        CHECK_EQ_INT(offer_version(&o), 3);
    });
    OFFER({
        offer_out(&o, OFFER_SUCCESS, "offer");
        offer_in(&o, OFFER_ACK, false);
        IS(NONE);
    });
}

/* RFC 3262 5, RFC 6337 2: patterns 3 to 5 */
TEST(a_reliable_18x_and_its_prack_settle_it_before_the_2xx)
{
    OFFER({
        offer_out(&o, OFFER_REQUEST, "offer");
        offer_in(&o, OFFER_PROVISIONAL, true);
        IS(PREVIEWED);
        offer_in(&o, OFFER_RELIABLE, true);
        IS(AGREED);
        offer_in(&o, OFFER_REQUEST, true); /* UPDATE behind it */
        IS(RECEIVED);
        offer_out(&o, OFFER_SUCCESS, "answer");
        offer_in(&o, OFFER_SUCCESS, true); /* the INVITE's 2xx says the old one again */
        IS(AGREED);
    });
    OFFER({
        offer_out(&o, OFFER_RELIABLE, NULL);
        IS(NONE);
        offer_out(&o, OFFER_RELIABLE, "offer");
        IS(SENT);
        offer_in(&o, OFFER_ACK, true); /* in the PRACK */
        IS(AGREED);
        offer_out(&o, OFFER_SUCCESS, NULL);
        IS(AGREED);
    });
    OFFER({
        offer_in(&o, OFFER_REQUEST, true);
        offer_out(&o, OFFER_RELIABLE, "answer");
        IS(AGREED);
        CHECK_EQ_INT(offer_crosses(&o), 0);
    });
}

TEST(what_is_refused_changes_nothing)
{
    OFFER({
        offer_in(&o, OFFER_REQUEST, true);
        offer_out(&o, OFFER_REFUSAL, NULL);
        IS(NONE);
        offer_in(&o, OFFER_REQUEST, true);
        offer_out(&o, OFFER_SUCCESS, "answer");
        IS(AGREED);
        offer_in(&o, OFFER_REQUEST, true);
        offer_out(&o, OFFER_REFUSAL, NULL);
        IS(AGREED);
        offer_out(&o, OFFER_REQUEST, "answer"); /* a refresh repeats what we said */
        IS(SENT);
        CHECK_EQ_INT(o.version, 1);
        offer_in(&o, OFFER_REFUSAL, false);
        IS(AGREED);
        offer_out(&o, OFFER_REFUSAL, NULL); /* of something else */
        offer_in(&o, OFFER_REFUSAL, false);
        IS(AGREED);
    });
}

/* Whatever comes after whatever: no illegal move, as long as crossing offers are turned away. */
TEST(any_order_of_messages)
{
    uint64_t seed, x;

    CHECK_EQ_INT(getrandom(&seed, sizeof(seed), 0), sizeof(seed));
    printf("# seed %" PRIu64 "\n", seed);
    x = seed | 1;
    offer_init(&o, "");
    for (int i = 0; i < 100000; i++) {
        enum offer_msg msg;
        bool sdp, in;

        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        msg = (enum offer_msg)((x >> 20) % 5);
        sdp = x & 1 << 10;
        in = x & 1 << 11;
        if (msg == OFFER_REQUEST && sdp && offer_crosses(&o))
            continue;
        if (in)
            offer_in(&o, msg, sdp);
        else
            offer_out(&o, msg, sdp ? (x & 1 << 12 ? "a" : "b") : NULL);
        if (o.state == OFFER_RECEIVED)
            offer_keep(&o, mem_alloc(1, NULL));
        CHECK(o.state <= OFFER_AGREED && (!o.theirs || o.state == OFFER_RECEIVED));
        CHECK(offer_is_ours(&o) + offer_is_theirs(&o) + !offer_crosses(&o) == 1);
    }
    offer_reset(&o);
    CHECK_EQ_INT(moves_refused(), 0);
}

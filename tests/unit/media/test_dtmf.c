/* Telephone events: one key press is one digit, whatever the network does to its packets. */
#include "media/dtmf.h"
#include "testing.h"
#include <errno.h>
#include <math.h>

static struct rtp_hdr event(uint8_t *p, unsigned code, bool end, unsigned duration, uint32_t ts)
{
    p[0] = (uint8_t)code;
    p[1] = (uint8_t)((end ? 0x80 : 0) | 10);
    p[2] = (uint8_t)(duration >> 8);
    p[3] = (uint8_t)duration;
    return (struct rtp_hdr){.payload = p, .len = DTMF_PAYLOAD, .ts = ts, .ssrc = 1};
}

static struct dtmf_rx rx;
static char digit;
static unsigned ms;

static enum dtmf_what put(unsigned code, bool end, unsigned duration, uint32_t ts, uint64_t now_ms)
{
    uint8_t p[DTMF_PAYLOAD];
    struct rtp_hdr h = event(p, code, end, duration, ts);

    return dtmf_rx_packet(&rx, &h, now_ms * 1000, &digit, &ms);
}

TEST(digits_and_events)
{
    for (unsigned i = 0; i < 16; i++)
        CHECK_EQ_INT(dtmf_event(dtmf_digit(i)), i);
    CHECK_EQ_INT(dtmf_digit(16), 0); /* flash */
    CHECK_EQ_INT(dtmf_digit(255), 0);
    CHECK_EQ_INT(dtmf_event('d'), 15);
    CHECK_EQ_INT(dtmf_event('x'), -1);
    CHECK_EQ_INT(dtmf_event(0), -1);
}

TEST(one_press_is_one_digit)
{
    dtmf_rx_init(&rx, 8000);
    CHECK_EQ_INT(put(11, false, 160, 1000, 0), DTMF_DOWN);
    CHECK_EQ_INT(digit, '#');
    for (unsigned i = 2; i < 5; i++)
        CHECK_EQ_INT(put(11, false, 160 * i, 1000, i * 20), DTMF_NOTHING);
    CHECK_EQ_INT(put(11, true, 800, 1000, 100), DTMF_UP);
    CHECK_EQ_INT(ms, 100);
    CHECK_EQ_INT(put(11, true, 800, 1000, 101), DTMF_NOTHING);
    CHECK_EQ_INT(put(11, true, 800, 1000, 102), DTMF_NOTHING);
    CHECK_EQ_INT(put(11, false, 640, 1000, 103), DTMF_NOTHING); /* reordered */
    CHECK_EQ_INT(put(11, false, 160, 2600, 200), DTMF_DOWN);    /* the same key again */
}

TEST(lost_packets_lose_no_digit)
{
    dtmf_rx_init(&rx, 8000);
    CHECK_EQ_INT(put(5, true, 800, 1000, 0), DTMF_DOWN); /* only an end packet came */
    CHECK_EQ_INT(digit, '5');
    CHECK_EQ_INT(ms, 100);
    CHECK_EQ_INT(put(5, true, 800, 1000, 1), DTMF_NOTHING);
    CHECK_EQ_INT(put(6, false, 320, 4000, 400), DTMF_DOWN);
    CHECK_EQ_INT(dtmf_rx_tick(&rx, 450000, &digit, &ms), DTMF_NOTHING);
    CHECK_EQ_INT(dtmf_rx_tick(&rx, 700000, &digit, &ms), DTMF_UP); /* its end was lost */
    CHECK_EQ_INT(ms, 40);
    CHECK_EQ_INT(put(7, false, 160, 6000, 800), DTMF_DOWN);
    CHECK_EQ_INT(put(8, false, 160, 8000, 1000), DTMF_DOWN); /* end lost, next one began */
    CHECK_EQ_INT(digit, '8');
    CHECK_EQ_INT(put(7, true, 800, 6000, 1010), DTMF_NOTHING);
}

/* Asked before each packet, it ends the press whose end packets were lost, and only that. */
TEST(the_next_press_cuts_the_last)
{
    uint8_t p[DTMF_PAYLOAD];
    struct rtp_hdr h;

    dtmf_rx_init(&rx, 8000);
    h = event(p, 7, false, 480, 6000);
    CHECK_EQ_INT(dtmf_rx_cut(&rx, &h, &digit, &ms), DTMF_NOTHING); /* the first of all */
    CHECK_EQ_INT(put(7, false, 480, 6000, 60), DTMF_DOWN);
    CHECK_EQ_INT(dtmf_rx_cut(&rx, &h, &digit, &ms), DTMF_NOTHING); /* the same press */
    h = event(p, 6, true, 480, 5000);
    CHECK_EQ_INT(dtmf_rx_cut(&rx, &h, &digit, &ms), DTMF_NOTHING); /* an older one, late */
    h = event(p, 8, false, 160, 7000);
    CHECK_EQ_INT(dtmf_rx_cut(&rx, &h, &digit, &ms), DTMF_UP);
    CHECK_EQ_INT(digit, '7');
    CHECK_EQ_INT(ms, 60);
    CHECK_EQ_INT(dtmf_rx_cut(&rx, &h, &digit, &ms), DTMF_NOTHING); /* once */
    CHECK_EQ_INT(put(8, false, 160, 7000, 130), DTMF_DOWN);
    CHECK_EQ_INT(put(8, true, 800, 7000, 210), DTMF_UP);
    CHECK_EQ_INT(digit, '8');
}

TEST(long_press_in_segments_is_one_digit)
{
    unsigned down = 0;

    dtmf_rx_init(&rx, 48000);
    for (unsigned i = 1; i <= 100; i++) { /* two seconds at 48 kHz: past 65535 */
        uint32_t total = i * 960, segment = (total - 1) / 0xffff, start = segment * 0xffff;

        down += put(1, false, total - start, 500 + start, i * 20) == DTMF_DOWN;
        if (total - start + 960 > 0xffff && i < 100) /* segment filled before the next begins */
            down += put(1, false, 0xffff, 500 + start, i * 20 + 10) == DTMF_DOWN;
    }
    CHECK_EQ_INT(down, 1);
}

TEST(rubbish_is_ignored)
{
    uint8_t p[DTMF_PAYLOAD];
    struct rtp_hdr h = event(p, 3, false, 160, 1);

    dtmf_rx_init(&rx, 8000);
    h.len = 3;
    CHECK_EQ_INT(dtmf_rx_packet(&rx, &h, 1, &digit, &ms), DTMF_NOTHING);
    CHECK_EQ_INT(put(16, false, 160, 1, 1), DTMF_NOTHING);
    CHECK_EQ_INT(dtmf_rx_tick(&rx, 9000000, &digit, &ms), DTMF_NOTHING);
}

TEST(sends_what_a_receiver_understands)
{
    static const char wanted[] = "15*#A0";
    char got[16] = "";
    struct dtmf_tx tx;
    struct dtmf_packet p;
    unsigned n = 0, ends = 0, last_end = 0, tick = 0, events = 0;
    uint32_t ts = 5000;

    dtmf_tx_init(&tx, 8000);
    dtmf_rx_init(&rx, 8000);
    CHECK_EQ_INT(dtmf_tx_queue(&tx, wanted, 110), 0);
    for (; dtmf_tx_busy(&tx) && tick < 1000; tick++, ts += 160) {
        bool end;
        struct rtp_hdr h;

        if (!dtmf_tx_tick(&tx, ts, &p))
            continue;
        end = p.payload[1] & 0x80;
        ends += end;
        if (p.marker) {
            CHECK(!end && (!events || (tick - last_end) * 20 >= 50));
            CHECK_EQ_INT(p.ts, ts);
            events++;
        }
        if (end) {
            last_end = tick;
            CHECK_EQ_INT(p.payload[2] << 8 | p.payload[3], 960); /* 110 ms in whole ticks: 120 */
        }
        h = (struct rtp_hdr){.payload = p.payload, .len = DTMF_PAYLOAD, .ts = p.ts, .ssrc = 1};
        if (dtmf_rx_packet(&rx, &h, tick * 20000u, &digit, &ms) == DTMF_DOWN && n < sizeof(got) - 1)
            got[n++] = digit;
    }
    got[n] = 0;
    CHECK_STR(got, wanted);
    CHECK_EQ_INT(events, 6);
    CHECK_EQ_INT(ends, 18);
}

static double share(const int16_t *pcm, size_t n, double hz, double *power)
{
    double re = 0, im = 0, sum = 0;

    for (size_t i = 0; i < n; i++) {
        re += pcm[i] * cos(2 * M_PI * hz * (double)i / 8000);
        im += pcm[i] * sin(2 * M_PI * hz * (double)i / 8000);
        sum += (double)pcm[i] * pcm[i];
    }
    *power = sum / (double)n;
    return sum > 0 ? 2 * (re * re + im * im) / ((double)n * sum) : 0;
}

/* Every key as its two tones (ITU-T Q.23), equally loud, -9 dBm0 each, long enough, and with silence behind it, whatever the packet's
 * length. */
TEST(each_key_has_its_two_tones)
{
    static const double low[] = {697, 770, 852, 941}, high[] = {1209, 1336, 1477, 1633};
    static const char keys[] = "123A456B789C*0#D";
    static const size_t frames[] = {80, 160, 240, 480};
    int16_t pcm[480];

    for (size_t k = 0; k < 16; k++) {
        size_t n = frames[k % 4], tone = 0, quiet = 0;
        char key[2] = {keys[k], 0};
        struct dtmf_tx tx;
        double power;

        dtmf_tx_init(&tx, 8000);
        CHECK_EQ_INT(dtmf_tx_queue(&tx, key, 40), 0);
        while (dtmf_tx_tones(&tx, pcm, n)) {
            double l = share(pcm, n, low[k / 4], &power), h = share(pcm, n, high[k % 4], &power);

            if (power == 0) {
                quiet += n;
                continue;
            }
            CHECK_EQ_INT(quiet, 0);
            tone += n;
            if (n < 160)
                continue; /* too short to tell neighbours apart */
            CHECK(l + h > 0.9 && l > 0.35 && h > 0.35);
            CHECK(fabs(10 * log10(power / (32767.0 * 32767.0 / 2)) + 3.14 + 6) < 0.5);
        }
        CHECK(tone >= 70 * 8 && tone < 70 * 8 + n);
        CHECK(quiet >= 70 * 8 && quiet < 70 * 8 + n);
        CHECK(!dtmf_tx_busy(&tx));
    }
}

TEST(what_waits_survives_another_clock_and_another_way)
{
    int16_t pcm[160];
    struct dtmf_packet p;
    struct dtmf_tx tx;

    dtmf_tx_init(&tx, 8000);
    CHECK_EQ_INT(dtmf_tx_queue(&tx, "12", 100), 0);
    CHECK(dtmf_tx_tick(&tx, 1000, &p));
    dtmf_tx_rate(&tx, 48000);
    CHECK(dtmf_tx_tick(&tx, 1960, &p));
    CHECK_EQ_INT(p.payload[2] << 8 | p.payload[3], 1920);
    dtmf_tx_cut(&tx); /* the one begun was heard: it is not sent twice */
    CHECK_EQ_INT(tx.count, 1);
    CHECK(dtmf_tx_tones(&tx, pcm, 160));
    dtmf_tx_cut(&tx);
    CHECK(!dtmf_tx_busy(&tx));
}

TEST(queue_has_a_limit)
{
    struct dtmf_tx tx;

    dtmf_tx_init(&tx, 8000);
    CHECK_EQ_INT(dtmf_tx_queue(&tx, "12x", 100), EINVAL);
    CHECK(!dtmf_tx_busy(&tx));
    CHECK_EQ_INT(dtmf_tx_queue(&tx, "1234567890123456789012345678901", 100), 0);
    CHECK_EQ_INT(dtmf_tx_queue(&tx, "12", 100), ENOSPC);
    CHECK_EQ_INT(dtmf_tx_queue(&tx, "1", 100), 0);
    CHECK_EQ_INT(dtmf_tx_queue(&tx, "1", 100), ENOSPC);
}

/* --- a key that is pressed just now --- */

static struct dtmf_tx live;

/* One tick; the duration that it says in ms, with 10000 added at the end. -1: nothing is sent. */
static int tick(void)
{
    static uint32_t ts;
    struct dtmf_packet p;

    ts += 160;
    if (!dtmf_tx_tick(&live, ts, &p))
        return -1;
    return (p.payload[2] << 8 | p.payload[3]) / 8 + (p.payload[1] & 0x80 ? 10000 : 0);
}

TEST(a_key_goes_out_while_it_is_pressed_and_as_long)
{
    dtmf_tx_init(&live, 8000);
    CHECK_EQ_INT(dtmf_tx_down(&live, '5', 0), 0); /* some begin with 0 */
    CHECK_EQ_INT(tick(), 20);
    dtmf_tx_heard(&live, 40);
    CHECK_EQ_INT(tick(), 40);
    CHECK_EQ_INT(tick(), 40); /* nothing was heard: it says no more than is known */
    dtmf_tx_heard(&live, 100);
    CHECK_EQ_INT(tick(), 100);
    dtmf_tx_heard(&live, 80); /* late */
    CHECK_EQ_INT(tick(), 100);
    dtmf_tx_up(&live, 170);
    for (int i = 0; i < 3; i++)
        CHECK_EQ_INT(tick(), 10180);
    CHECK_EQ_INT(tick(), -1);
    dtmf_tx_up(&live, 500); /* is nobody's */
    dtmf_tx_heard(&live, 500);
    CHECK(dtmf_tx_busy(&live)); /* the gap */
    while (dtmf_tx_busy(&live))
        CHECK_EQ_INT(tick(), -1);
}

TEST(a_key_that_waits_for_others_is_sent_whole_when_it_is_up_by_then)
{
    dtmf_tx_init(&live, 8000);
    CHECK_EQ_INT(dtmf_tx_queue(&live, "1", 40), 0);
    CHECK_EQ_INT(tick(), 20);
    CHECK_EQ_INT(dtmf_tx_down(&live, '2', 20), 0);
    CHECK_EQ_INT(dtmf_tx_queue(&live, "3", 40), 0); /* behind it */
    dtmf_tx_up(&live, 60);
    for (int i = 0; i < 3; i++)
        CHECK_EQ_INT(tick(), 10040);
    while (tick() != 20)
        CHECK(dtmf_tx_busy(&live));
    CHECK_EQ_INT(tick(), 40);
    CHECK_EQ_INT(tick(), 10060);
    CHECK_EQ_INT(tick(), 10060);
    CHECK_EQ_INT(tick(), 10060);
    while (tick() != 20)
        CHECK(dtmf_tx_busy(&live));
    CHECK_EQ_INT(tick(), 10040);
}

TEST(a_key_that_sticks_ends_after_all)
{
    unsigned ends = 0, n = 0;

    dtmf_tx_init(&live, 8000);
    CHECK_EQ_INT(dtmf_tx_down(&live, '#', 20), 0);
    for (; dtmf_tx_busy(&live) && n < 1000; n++) {
        const int said = tick();

        dtmf_tx_heard(&live, n * 20);
        ends += said >= 10000;
        CHECK(said < 10000 || said == 10000 + DTMF_MAX_MS);
    }
    CHECK_EQ_INT(ends, 3);
    CHECK_EQ_INT(dtmf_tx_down(&live, '#', 20), 0); /* and the next one may come */
    dtmf_tx_cut(&live);
    CHECK_EQ_INT(tick(), 20);
    dtmf_tx_cut(&live); /* the other side takes no events any more */
    dtmf_tx_up(&live, 100);
    CHECK_EQ_INT(tick(), -1);
    CHECK(!dtmf_tx_busy(&live));
}

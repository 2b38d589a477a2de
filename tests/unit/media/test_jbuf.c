/* The jitter buffer against simulated networks. Every figure is what a listener would notice: delay added, audio missing. */
#include "media/jbuf.h"
#include "testing.h"
#include <errno.h>
#include <math.h>

enum { NET_US = 40000 /* the network's constant delay */, PACKETS_MAX = 200000 };

struct packet {
    uint64_t sent, arrival; /* of our clock; sent: when the microphone's frame was complete */
    uint32_t ts, ssrc;
    uint16_t seq;
    unsigned number;
    bool lost, quiet;
};

struct network {
    uint32_t rate, frame_ms;
    double ppm; /* sender's clock against ours */
    double loss;
    uint64_t (*jitter)(unsigned n, uint64_t *rnd);
    uint16_t first_seq;
    uint32_t first_ts;
    bool ordered;      /* as one queue delivers: a late packet holds up those behind it */
    unsigned quiet_of; /* of every 50 frames so many are quiet */
};

struct result {
    unsigned played, lost, empty, out_of_order, fec;
    double p50_ms, p95_ms, max_ms, last_ms; /* sent → played, less NET_US */
    double odd_ms; /* greatest deviation of the outgoing interval from the frame's length */
    struct jbuf_stats st;
};

static struct packet packets[PACKETS_MAX], *arriving[PACKETS_MAX];
static double delays[PACKETS_MAX];
static uint64_t rnd;

static double uniform(uint64_t *r)
{
    return (double)(test_random(r) >> 11) / 9007199254740992.0;
}

static uint64_t no_jitter(unsigned n, uint64_t *r)
{
    (void)n;
    (void)r;
    return 0;
}

static uint64_t jitter_30(unsigned n, uint64_t *r)
{
    (void)n;
    return (uint64_t)(uniform(r) * 30000);
}

/* Wi-Fi: mostly little, at times a burst held back for up to 80 ms. */
static uint64_t jitter_wifi(unsigned n, uint64_t *r)
{
    static uint64_t hold;

    if (!n)
        hold = 0;
    hold = hold > 20000 ? hold - 20000 : 0;
    if (uniform(r) < 0.01)
        hold = (uint64_t)(uniform(r) * 80000);
    return hold + (uint64_t)(uniform(r) * 3000);
}

static uint64_t jitter_one_spike(unsigned n, uint64_t *r)
{
    (void)r;
    return n >= 500 && n < 506 ? (506 - n) * 20000u : 0;
}

/* Clean, then 40 ms of jitter from packet 1000 to 2000, then clean. */
static uint64_t jitter_phase(unsigned n, uint64_t *r)
{
    return n >= 1000 && n < 2000 ? (uint64_t)(uniform(r) * 40000) : 0;
}

/* After 500 packets the way becomes 150 ms longer, for good. */
static uint64_t jitter_longer_way(unsigned n, uint64_t *r)
{
    (void)r;
    return n >= 500 ? 150000 : 0;
}

static int by_arrival(const void *a, const void *b)
{
    const struct packet *p = *(struct packet *const *)a, *q = *(struct packet *const *)b;

    return p->arrival < q->arrival ? -1 : p->arrival > q->arrival ? 1 : p->number < q->number ? -1 : 1;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

static void make_packets(const struct network *net, unsigned count)
{
    double step = net->frame_ms * 1000.0 * (1.0 + net->ppm / 1e6);

    for (unsigned i = 0; i < count; i++) {
        struct packet *p = &packets[i];

        p->number = i;
        p->seq = (uint16_t)(net->first_seq + i);
        p->ts = net->first_ts + i * (net->rate / 1000 * net->frame_ms);
        p->ssrc = 1;
        p->sent = 1000000 + (uint64_t)(step * i);
        p->arrival = p->sent + NET_US + net->jitter(i, &rnd);
        if (net->ordered && i && p->arrival < packets[i - 1].arrival)
            p->arrival = packets[i - 1].arrival;
        p->lost = uniform(&rnd) < net->loss;
        p->quiet = i % 50 < net->quiet_of;
        arriving[i] = p;
    }
    qsort(arriving, count, sizeof(arriving[0]), by_arrival);
}

static void play(struct jbuf *j, uint64_t due, struct result *r, unsigned *next, uint64_t *last_due,
                 unsigned frame_ms)
{
    struct jbuf_frame f;
    enum jbuf_result what = jbuf_get(j, due, &f);
    unsigned number;

    if (*last_due) {
        double odd = fabs((double)(due - *last_due) / 1000.0 - frame_ms);

        if (odd > r->odd_ms)
            r->odd_ms = odd;
    }
    *last_due = due;
    if (what == JBUF_LOST) {
        r->lost++;
        r->fec += f.payload != NULL;
    } else if (what == JBUF_EMPTY) {
        r->empty++;
    } else if (what == JBUF_FRAME) {
        memcpy(&number, f.payload, sizeof(number));
        if (number < *next || f.ts != packets[number].ts)
            r->out_of_order++;
        *next = number + 1;
        delays[r->played++] = ((double)(due - packets[number].sent) - NET_US) / 1000.0;
        jbuf_quiet(j, packets[number].quiet);
    }
}

/* Runs the packets 0..count-1 through a buffer, each answer fetched when it is due. */
static struct result run(struct jbuf *j, const struct network *net, unsigned count)
{
    struct result r = {0};
    uint64_t last_due = 0, end = packets[count - 1].arrival + 40000;
    unsigned next = 0, i = 0;

    while (i < count || jbuf_due_us(j) < end) {
        struct packet *p = i < count ? arriving[i] : NULL;
        struct rtp_hdr h;

        if (!p || jbuf_due_us(j) < p->arrival) {
            play(j, jbuf_due_us(j), &r, &next, &last_due, net->frame_ms);
            continue;
        }
        i++;
        if (p->lost)
            continue;
        h = (struct rtp_hdr){.seq = p->seq,
                             .ts = p->ts,
                             .ssrc = p->ssrc,
                             .payload = (void *)&p->number,
                             .len = sizeof(p->number)};
        jbuf_put(j, &h, net->rate / 1000 * net->frame_ms, p->arrival);
    }
    r.last_ms = r.played ? delays[r.played - 1] : 0;
    qsort(delays, r.played, sizeof(delays[0]), by_value);
    r.p50_ms = r.played ? delays[r.played / 2] : 0;
    r.p95_ms = r.played ? delays[r.played * 95 / 100] : 0;
    r.max_ms = r.played ? delays[r.played - 1] : 0;
    jbuf_stats(j, &r.st);
    return r;
}

static void show(const char *what, const struct result *r)
{
    printf("  %-14s played %u lost %u (fec %u) empty %u late %" PRIu64 " skipped %" PRIu64
           " inserted %" PRIu64 " | delay p50 %.1f p95 %.1f max %.1f last %.1f ms, target %u, odd %.1f ms\n",
           what, r->played, r->lost, r->fec, r->empty, r->st.late, r->st.skipped, r->st.inserted, r->p50_ms,
           r->p95_ms, r->max_ms, r->last_ms, r->st.target_ms, r->odd_ms);
}

static struct result simulate(const char *what, const struct network *net, unsigned count, bool fec)
{
    struct jbuf_config cfg = {.clock_rate = net->rate};
    struct result r = {0};
    struct jbuf *j;

    rnd = test_seed();
    make_packets(net, count);
    if (jbuf_alloc(&j, &cfg))
        return r;
    jbuf_fec(j, fec);
    r = run(j, net, count);
    jbuf_free(j);
    show(what, &r);
    return r;
}

TEST(clean_stream_waits_five_milliseconds)
{
    static const uint32_t frames[] = {10, 20, 40, 60};

    for (unsigned i = 0; i < 4; i++) {
        struct network net = {.rate = i % 2 ? 48000 : 8000,
                              .frame_ms = frames[i],
                              .jitter = no_jitter,
                              .first_seq = 65000,
                              .first_ts = 0xffff0000};
        struct result r = simulate("clean", &net, 3000, false);

        CHECK_EQ_INT(r.played, 3000);
        CHECK(r.lost + r.empty <= 40 / frames[i] + 1); /* the end of the stream */
        CHECK(r.max_ms <= 8.0);
        CHECK_EQ_INT(r.out_of_order, 0);
        CHECK(r.odd_ms < 0.5);
    }
}

TEST(jitter_is_absorbed)
{
    struct network net = {.rate = 48000, .frame_ms = 20, .jitter = jitter_30};
    struct result r = simulate("uniform 30 ms", &net, 10000, false);

    CHECK_EQ_INT(r.out_of_order, 0);
    CHECK(r.played > 9800);
    CHECK(r.lost + r.empty < 200);
    CHECK(r.p95_ms < 55.0);
}

TEST(reordered_packets_are_put_right)
{
    /* 30 ms of independent jitter on 10 ms frames: every other packet overtakes another. */
    struct network net = {.rate = 48000, .frame_ms = 10, .jitter = jitter_30};
    struct result r = simulate("reordering", &net, 10000, false);

    CHECK_EQ_INT(r.out_of_order, 0);
    CHECK(r.played > 9600);
    CHECK(r.p95_ms < 50.0);
}

TEST(wifi_bursts_cost_little)
{
    struct network net = {
        .rate = 48000, .frame_ms = 20, .jitter = jitter_wifi, .ordered = true, .quiet_of = 15};
    struct result r = simulate("wifi", &net, 15000, false);

    CHECK_EQ_INT(r.out_of_order, 0);
    CHECK(r.lost + r.empty < 15000 * 3 / 100);
    CHECK(r.p50_ms < 75.0);
    CHECK(r.max_ms < 200.0);
}

TEST(one_spike_is_forgotten)
{
    struct network net = {
        .rate = 48000, .frame_ms = 20, .jitter = jitter_one_spike, .ordered = true, .quiet_of = 15};
    struct result r = simulate("one spike", &net, 3000, false);

    CHECK(r.played > 2980);
    CHECK(r.last_ms < 30.0);
    CHECK(r.p50_ms < 30.0);
}

TEST(a_longer_way_costs_its_length_and_no_more)
{
    struct network net = {
        .rate = 48000, .frame_ms = 20, .jitter = jitter_longer_way, .ordered = true, .quiet_of = 15};
    struct result r = simulate("longer way", &net, 1000, false);

    CHECK(r.played > 980);
    CHECK(r.last_ms < 150.0 + 30.0); /* ten seconds after the change */
}

TEST(delay_grows_at_once_and_shrinks_slowly)
{
    struct network net = {.rate = 48000, .frame_ms = 20, .jitter = jitter_phase, .quiet_of = 10};
    struct result r = simulate("jitter phase", &net, 6000, false);

    CHECK(r.lost + r.empty < 50);
    CHECK(r.played > 5950);
    CHECK(r.last_ms < 20.0);
}

TEST(loss_is_told_and_costs_no_delay)
{
    struct network net = {.rate = 48000, .frame_ms = 20, .jitter = no_jitter, .loss = 0.05};
    struct result r = simulate("loss 5 %", &net, 10000, false);

    CHECK(r.st.late == 0);
    CHECK(r.played + r.lost + r.empty >= 9998 && r.played + r.lost + r.empty <= 10010);
    CHECK(r.p95_ms < 10.0);
}

TEST(with_fec_the_next_frame_is_waited_for)
{
    struct network net = {.rate = 48000, .frame_ms = 20, .jitter = no_jitter, .loss = 0.05};
    struct result r = simulate("loss 5 %, FEC", &net, 10000, true);

    CHECK(r.fec > 10000 * 0.05 * 0.6);
    CHECK(r.p95_ms < 35.0);
}

TEST(an_hour_of_skew_drops_nothing)
{
    for (int sign = -1; sign <= 1; sign += 2) {
        struct network net = {
            .rate = 48000, .frame_ms = 20, .ppm = 200.0 * sign, .jitter = no_jitter, .first_seq = 1};
        struct result r = simulate("skew, 1 hour", &net, 180000, false);

        CHECK(r.played >= 179990);
        CHECK(r.lost + r.empty < 10);
        CHECK(r.max_ms < 12.0);
        CHECK(r.odd_ms < 3.0);
    }
}

TEST(skew_with_jitter)
{
    struct network net = {.rate = 48000, .frame_ms = 20, .ppm = -200.0, .jitter = jitter_30, .quiet_of = 10};
    struct result r = simulate("skew + jitter", &net, 90000, false);

    CHECK(r.played > 90000 * 0.98);
    CHECK(r.p95_ms < 60.0);
}

static struct rtp_hdr header(uint16_t seq, uint32_t ts, uint32_t ssrc)
{
    static const uint8_t data[4];

    return (struct rtp_hdr){.seq = seq, .ts = ts, .ssrc = ssrc, .payload = data, .len = sizeof(data)};
}

TEST(dtx_gap_is_silence_not_loss)
{
    struct jbuf *j;
    struct jbuf_config cfg = {.clock_rate = 48000};
    struct jbuf_frame f;
    struct jbuf_stats st;
    uint64_t now = 1000000;

    CHECK_EQ_INT(jbuf_alloc(&j, &cfg), 0);
    for (unsigned talk = 0; talk < 20; talk++) { /* 25 frames of talk, then 600 ms without a packet */
        for (unsigned i = 0; i < 25; i++) {
            struct rtp_hdr h = header((uint16_t)(talk * 25 + i), talk * 55 * 960 + i * 960, 7);
            uint64_t at = now + talk * 1100000 + i * 20000;

            while (jbuf_due_us(j) < at)
                jbuf_get(j, jbuf_due_us(j), &f);
            CHECK_EQ_INT(jbuf_put(j, &h, 960, at), 0);
        }
    }
    while (jbuf_due_us(j) < now + 20 * 1100000)
        jbuf_get(j, jbuf_due_us(j), &f);
    jbuf_stats(j, &st);
    CHECK_EQ_INT(st.played, 500);
    CHECK_EQ_INT(st.lost, 0);
    CHECK_EQ_INT(st.late, 0);
    jbuf_free(j);
}

TEST(restarts_and_jumps_go_on_at_once)
{
    struct jbuf *j;
    struct jbuf_config cfg = {.clock_rate = 8000};
    struct jbuf_frame f;
    struct jbuf_stats st;
    uint64_t at = 5000000;
    unsigned n = 0;

    CHECK_EQ_INT(jbuf_alloc(&j, &cfg), 0);
    for (unsigned part = 0; part < 4; part++) {
        static const struct {
            uint16_t seq;
            uint32_t ts, ssrc;
        } start[] = {{65500, 100, 1}, {10, 0x80000000, 2}, {20000, 0x80000000 + 160 * 100, 2}, {20100, 5, 2}};

        for (unsigned i = 0; i < 100; i++, at += 20000) {
            struct rtp_hdr h =
                header((uint16_t)(start[part].seq + i), start[part].ts + i * 160, start[part].ssrc);

            while (jbuf_due_us(j) < at)
                n += jbuf_get(j, jbuf_due_us(j), &f) == JBUF_FRAME;
            CHECK_EQ_INT(jbuf_put(j, &h, 160, at), 0);
        }
    }
    jbuf_stats(j, &st);
    CHECK(n >= 394);
    CHECK_EQ_INT(st.resyncs, 3);
    jbuf_free(j);
}

TEST(duplicates_late_and_too_much_are_counted)
{
    struct jbuf *j;
    struct jbuf_config cfg = {.clock_rate = 8000, .max_ms = 100};
    struct jbuf_frame f;
    struct jbuf_stats st;
    struct rtp_hdr h = header(1, 160, 1), big = h;

    CHECK_EQ_INT(jbuf_alloc(&j, &cfg), 0);
    CHECK_EQ_INT(jbuf_due_us(j) == UINT64_MAX, 1);
    CHECK_EQ_INT(jbuf_get(j, 1000, &f), JBUF_WAIT);
    CHECK_EQ_INT(jbuf_put(j, &h, 160, 1000), 0);
    CHECK_EQ_INT(jbuf_put(j, &h, 160, 1001), EALREADY);
    CHECK_EQ_INT(jbuf_put(j, &h, 0, 1001), EINVAL);
    CHECK_EQ_INT(jbuf_put(j, &h, 8000, 1001), EINVAL);
    big.len = RTP_PAYLOAD_MAX + 1;
    CHECK_EQ_INT(jbuf_put(j, &big, 160, 1001), EMSGSIZE);
    CHECK_EQ_INT(jbuf_get(j, 6000, &f), JBUF_FRAME);
    CHECK_EQ_INT(f.dur, 160);
    h = header(3, 480, 1);
    CHECK_EQ_INT(jbuf_put(j, &h, 160, 41000), 0);
    CHECK_EQ_INT(jbuf_get(j, 26000, &f), JBUF_LOST);
    CHECK(f.payload != NULL);
    h = header(2, 320, 1);
    CHECK_EQ_INT(jbuf_put(j, &h, 160, 41500), ETIME);
    for (uint16_t i = 4; i < 100; i++) { /* a second of packets at once */
        h = header(i, i * 160u, 1);
        jbuf_put(j, &h, 160, 60000);
    }
    CHECK_EQ_INT(jbuf_get(j, 61000, &f), JBUF_FRAME);
    jbuf_stats(j, &st);
    CHECK_EQ_INT(st.dup, 1);
    CHECK_EQ_INT(st.late, 1);
    CHECK(st.overflow > 0);
    CHECK(st.depth_ms <= 120);
    jbuf_free(j);
}

TEST(anything_goes_in_nothing_breaks)
{
    struct jbuf *j;
    struct jbuf_config cfg = {.clock_rate = 48000};
    uint64_t r = test_seed(), now = 1;
    struct jbuf_frame f;
    struct jbuf_stats st;

    CHECK_EQ_INT(jbuf_alloc(&j, &cfg), 0);
    for (unsigned i = 0; i < 200000; i++) {
        struct rtp_hdr h =
            header((uint16_t)test_random(&r), (uint32_t)test_random(&r), test_random(&r) % 50 == 0);

        if (test_random(&r) % 4) {
            h.seq = (uint16_t)(i + test_random(&r) % 40);
            h.ts = h.seq * 960u;
        }
        jbuf_put(j, &h, (uint32_t)(test_random(&r) % 6000), now);
        now += test_random(&r) % 30000;
        for (unsigned k = 0; k < 4 && jbuf_due_us(j) <= now; k++) {
            enum jbuf_result what = jbuf_get(j, now, &f);

            CHECK(what == JBUF_WAIT || (f.dur && f.dur <= 48 * JBUF_DUR_MAX_MS));
        }
        jbuf_stats(j, &st);
        CHECK(st.target_ms <= JBUF_MAX_MS);
    }
    jbuf_free(j);
}

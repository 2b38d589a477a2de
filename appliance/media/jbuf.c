/*
 * media/jbuf: see jbuf.h.
 *
 * The model: a packet's transit is its arrival minus its timestamp, on an arbitrary zero. `base` is the least transit of the last
 * few seconds, so a frame of timestamp ts ought to be played at ts + base + target. `due` is when the next frame will be played;
 * the difference, the error, is what steering works off.
 *
 * Steering has two means. Sliding `due` moves the outgoing packets against our clock, which the trunk sees as jitter; the sum
 * of slides, `phase`, therefore stays within half a packet, except that its centre may wander as fast as a browser's clock is
 * off (the leak). Everything beyond is done with whole frames, which the trunk does not see.
 */
#include "media/jbuf.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    BUCKETS = 128,
    BUCKET_US = 2000,
    HISTORY = 160,       /* packets that the histogram remembers, about */
    WINDOW_US = 2000000, /* base: the least transit of this window and the one before */
    WINDOW_PACKETS = 25,
    RESTART_US = 1000000, /* a transit so far off is another stream */
    SEQ_JUMP = 1000,
    STALL_US = 250000,    /* the caller was away for so long: no use catching up */
    BURST_US = 5000,      /* packets so close together were held up together */
    TARGET_FALL_US = 400, /* per packet: 20 ms a second at 20 ms */
    PHASE_MAX_US = 10000,
    PHASE_LEAK = 2048,  /* of the phase per frame: 244 ppm at the limit */
    SLIDE_UP_US = 2000, /* per frame */
    SLIDE_DOWN_US = 250,
    INSERT_PACE = 3,   /* frames between two inserted in speech */
    SKIP_PACE = 25,    /* frames between two left out in speech */
    SKIP_PACE_FAR = 8, /* the same when the delay is far too long */
    SKIP_FAR_FRAMES = 4
};

#define QUANTILE 0.97f
#define LATE_WEIGHT 4.0f /* what comes later than the target: two of those in three seconds make it grow */
#define FEC_LOSS 0.02f   /* from here on waiting for the next frame's FEC is worth a frame of delay */

struct slot {
    int64_t ts; /* extended; 0 = the stream's first packet */
    uint32_t dur;
    uint16_t seq, len;
    uint8_t pt;
    uint8_t data[RTP_PAYLOAD_MAX];
};

struct jbuf {
    uint32_t rate;
    int64_t min_us, max_us;

    bool started;      /* due is valid */
    uint32_t ssrc, ts; /* of the newest packet */
    int64_t ts_ext;
    uint16_t seq;
    uint64_t seen; /* bit i: seq - i has come */

    int64_t base_us, window_us[2]; /* least transit: of both windows, of this and the last */
    uint64_t window_start;
    unsigned window_count;
    float hist[BUCKETS], weight; /* weight: sum of hist */
    int64_t late_us;             /* of the newest packet that began an event */
    uint64_t late_at;
    int64_t target_us;

    int64_t play_ts;
    uint16_t play_seq; /* the frame expected at play_ts */
    uint64_t due;
    uint32_t dur; /* of the last frame: what a missing one is taken for */
    int64_t phase_us;
    unsigned since_insert, since_skip;
    bool quiet, fec;
    float loss;

    uint8_t order[JBUF_FRAMES_MAX],
        spare[JBUF_FRAMES_MAX]; /* slots by timestamp; free slots, used last in first out */
    unsigned count, spares;
    struct jbuf_stats st;
    struct slot slots[JBUF_FRAMES_MAX];
};

int jbuf_alloc(struct jbuf **jp, const struct jbuf_config *cfg)
{
    uint32_t min_ms = cfg->min_ms ? cfg->min_ms : JBUF_MIN_MS,
             max_ms = cfg->max_ms ? cfg->max_ms : JBUF_MAX_MS;
    struct jbuf *j;

    if (!cfg->clock_rate || max_ms < min_ms)
        return EINVAL;
    j = calloc(1, sizeof(*j));
    if (!j)
        return ENOMEM;
    j->min_us = (int64_t)min_ms * 1000;
    j->max_us = (int64_t)max_ms * 1000;
    jbuf_reset(j, cfg->clock_rate);
    *jp = j;
    return 0;
}

void jbuf_free(struct jbuf *j)
{
    free(j);
}

static void clear_slots(struct jbuf *j)
{
    j->count = 0;
    j->spares = JBUF_FRAMES_MAX;
    for (unsigned i = 0; i < JBUF_FRAMES_MAX; i++)
        j->spare[i] = (uint8_t)(JBUF_FRAMES_MAX - 1 - i);
}

void jbuf_reset(struct jbuf *j, uint32_t clock_rate)
{
    j->rate = clock_rate;
    j->started = false;
    j->dur = clock_rate / 50;
    j->phase_us = 0;
    j->loss = 0;
    j->quiet = false;
    clear_slots(j);
}

static int64_t ticks_us(const struct jbuf *j, int64_t ticks)
{
    return ticks * 1000000 / j->rate;
}

static struct slot *head_slot(struct jbuf *j)
{
    return j->count ? &j->slots[j->order[0]] : NULL;
}

/* ---- what the network does: base and target ---- */

static void model_start(struct jbuf *j, int64_t transit, uint64_t now)
{
    j->base_us = j->window_us[0] = j->window_us[1] = transit;
    j->window_start = now;
    j->window_count = 0;
    memset(j->hist, 0, sizeof(j->hist));
    j->weight = 0;
    j->late_us = 0;
    j->late_at = now;
    j->target_us = j->min_us;
}

/* The least transit has grown by rise: the way has become longer, or the sender's clock stood still. What was late by the
 * old measure is not by the new one. */
static void model_rise(struct jbuf *j, int64_t rise)
{
    unsigned n = rise / BUCKET_US < BUCKETS ? (unsigned)(rise / BUCKET_US) : BUCKETS - 1;

    for (unsigned i = 1; n && i < BUCKETS; i++) {
        j->hist[i > n ? i - n : 0] += j->hist[i];
        j->hist[i] = 0;
    }
    j->target_us = j->target_us - rise > j->min_us ? j->target_us - rise : j->min_us;
}

static void model_base(struct jbuf *j, int64_t transit, uint64_t now)
{
    int64_t base;

    if (now - j->window_start > WINDOW_US && j->window_count >= WINDOW_PACKETS) {
        j->window_us[1] = j->window_us[0];
        j->window_us[0] = transit;
        j->window_start = now;
        j->window_count = 0;
    }
    j->window_count++;
    if (transit < j->window_us[0])
        j->window_us[0] = transit;
    base = j->window_us[0] < j->window_us[1] ? j->window_us[0] : j->window_us[1];
    if (base > j->base_us)
        model_rise(j, base - j->base_us);
    j->base_us = base;
}

/*
 * The histogram forgets by growth of the newest entry's weight relative to the whole. Packets that were held up together
 * and arrive at once are one event, told by the first of them: a single stall of the network is not worth a longer delay,
 * a second one soon after is.
 */
static void model_histogram(struct jbuf *j, int64_t late, uint64_t now)
{
    bool queued = j->late_us > j->target_us && now - j->late_at < BURST_US;
    int64_t bucket = late / BUCKET_US;
    float w = late > j->target_us ? LATE_WEIGHT : 1.0f;
    float keep = j->weight + w > HISTORY ? HISTORY / (j->weight + w) : 1.0f;

    j->late_at = now;
    if (queued)
        return;
    j->late_us = late;
    j->hist[bucket < BUCKETS ? bucket : BUCKETS - 1] += w;
    if (keep < 1.0f)
        for (unsigned i = 0; i < BUCKETS; i++)
            j->hist[i] *= keep;
    j->weight = (j->weight + w) * keep;
}

static int64_t model_quantile(const struct jbuf *j)
{
    float want = j->weight * QUANTILE, sum = 0;

    for (unsigned i = 0; i < BUCKETS; i++) {
        sum += j->hist[i];
        if (sum >= want)
            return (int64_t)(i + 1) * BUCKET_US;
    }
    return (int64_t)BUCKETS * BUCKET_US;
}

static void model_target(struct jbuf *j)
{
    int64_t want = model_quantile(j), floor = j->min_us;

    if (j->fec && j->loss > FEC_LOSS)
        floor += ticks_us(j, j->dur);
    if (want < floor)
        want = floor;
    if (want > j->max_us)
        want = j->max_us;
    if (want < j->target_us - TARGET_FALL_US)
        want = j->target_us - TARGET_FALL_US;
    j->target_us = want;
}

/* ---- packets in ---- */

/* Begins with a packet as the first of a new source. A running playout clock runs on: the trunk notices nothing. */
static void stream_start(struct jbuf *j, const struct rtp_hdr *h, uint64_t now)
{
    if (j->started) {
        clear_slots(j);
        j->st.resyncs++;
    } else {
        j->due = now + (uint64_t)j->min_us;
        j->since_insert = j->since_skip = 0;
    }
    j->started = true;
    j->ssrc = h->ssrc;
    j->ts = h->ts;
    j->ts_ext = j->play_ts = 0;
    j->seq = j->play_seq = h->seq;
    j->seen = 0;
    model_start(j, (int64_t)now, now);
}

static bool is_restart(const struct jbuf *j, const struct rtp_hdr *h, uint64_t now)
{
    int ahead = rtp_seq_diff(h->seq, j->seq);
    int64_t ext = j->ts_ext + rtp_ts_diff(h->ts, j->ts);
    int64_t off = (int64_t)now - ticks_us(j, ext) - j->base_us;

    return h->ssrc != j->ssrc || ahead > SEQ_JUMP || ahead < -SEQ_JUMP || off > RESTART_US ||
           off < -RESTART_US;
}

/* Whether the sequence number came before, among the last 64; remembers it. */
static bool is_duplicate(struct jbuf *j, uint16_t seq)
{
    int ahead = rtp_seq_diff(seq, j->seq);
    uint64_t bit;

    if (ahead > 0)
        j->seen = ahead < 64 ? j->seen << ahead : 0;
    else if (ahead <= -64)
        return true;
    bit = ahead > 0 ? 1 : UINT64_C(1) << -ahead;
    if (j->seen & bit)
        return true;
    j->seen |= bit;
    return false;
}

static void drop_head(struct jbuf *j)
{
    j->spare[j->spares++] = j->order[0];
    memmove(j->order, j->order + 1, --j->count);
}

/* Leaves out the first frame for good: what comes next is played in its place. */
static void skip_head(struct jbuf *j)
{
    const struct slot *s = head_slot(j);

    j->play_seq = (uint16_t)(s->seq + 1);
    j->play_ts = s->ts + s->dur;
    drop_head(j);
}

/* EALREADY when a frame of this timestamp is there. */
static int insert_sorted(struct jbuf *j, const struct rtp_hdr *h, int64_t ext, uint32_t dur)
{
    unsigned at = j->count;
    struct slot *s;
    uint8_t slot;

    while (at && j->slots[j->order[at - 1]].ts > ext)
        at--;
    if (at && j->slots[j->order[at - 1]].ts == ext)
        return EALREADY;
    slot = j->spare[--j->spares];
    memmove(j->order + at + 1, j->order + at, j->count - at);
    j->order[at] = slot;
    j->count++;
    s = &j->slots[slot];
    s->ts = ext;
    s->dur = dur;
    s->seq = h->seq;
    s->pt = h->pt;
    s->len = (uint16_t)h->len;
    memcpy(s->data, h->payload, h->len);
    return 0;
}

/* Keeps count of time and order. */
static int64_t stream_packet(struct jbuf *j, const struct rtp_hdr *h, uint64_t now)
{
    int64_t ext = j->ts_ext + rtp_ts_diff(h->ts, j->ts), transit = (int64_t)now - ticks_us(j, ext);

    if (rtp_seq_diff(h->seq, j->seq) > 0) {
        j->seq = h->seq;
        j->ts = h->ts;
        j->ts_ext = ext;
    }
    model_base(j, transit, now);
    model_histogram(j, transit - j->base_us, now);
    model_target(j);
    return ext;
}

int jbuf_put(struct jbuf *j, const struct rtp_hdr *h, uint32_t dur, uint64_t now_us)
{
    int64_t ext;
    int err;

    if (h->len > RTP_PAYLOAD_MAX)
        return EMSGSIZE;
    if (!dur || dur > j->rate / 1000 * JBUF_DUR_MAX_MS)
        return EINVAL;
    if (!j->started || is_restart(j, h, now_us))
        stream_start(j, h, now_us);
    if (is_duplicate(j, h->seq)) {
        j->st.dup++;
        return EALREADY;
    }
    ext = stream_packet(j, h, now_us);
    if (ext < j->play_ts) {
        j->st.late++;
        return ETIME;
    }
    if (!j->spares) {
        skip_head(j);
        j->st.overflow++;
        if (ext < j->play_ts)
            return ETIME;
    }
    err = insert_sorted(j, h, ext, dur);
    if (err)
        j->st.dup++;
    return err;
}

/* ---- frames out ---- */

uint64_t jbuf_due_us(const struct jbuf *j)
{
    return j->started ? j->due : UINT64_MAX;
}

/* How much later than due a frame ought to be played; negative: the delay is longer than wanted. */
static int64_t steer_error(const struct jbuf *j, int64_t ts)
{
    return ticks_us(j, ts) + j->base_us + j->target_us - (int64_t)j->due;
}

/* Moves the clock on by dur, and a little of the way towards the target. */
static void advance(struct jbuf *j, uint32_t dur, bool slide)
{
    int64_t us = ticks_us(j, dur), s = 0;

    if (slide) {
        s = steer_error(j, j->play_ts) - us;
        s = s > SLIDE_UP_US ? SLIDE_UP_US : s < -SLIDE_DOWN_US ? -SLIDE_DOWN_US : s;
        if (j->phase_us + s > PHASE_MAX_US)
            s = PHASE_MAX_US - j->phase_us;
        else if (j->phase_us + s < -PHASE_MAX_US)
            s = -PHASE_MAX_US - j->phase_us;
        j->phase_us += s;
        j->phase_us -= j->phase_us / PHASE_LEAK;
    }
    j->due += (uint64_t)(us + s);
}

static void count_loss(struct jbuf *j, bool lost)
{
    j->loss += ((lost ? 1.0f : 0.0f) - j->loss) / 128.0f;
}

static enum jbuf_result give_frame(struct jbuf *j, struct jbuf_frame *f)
{
    const struct slot *s = head_slot(j);

    for (int gap = rtp_seq_diff(s->seq, j->play_seq); gap > 0 && gap <= SEQ_JUMP; gap--)
        count_loss(j, true);
    count_loss(j, false);
    *f = (struct jbuf_frame){.payload = s->data,
                             .len = s->len,
                             .pt = s->pt,
                             .ts = j->ts - (uint32_t)(j->ts_ext - s->ts),
                             .dur = s->dur};
    j->dur = s->dur;
    j->play_ts = s->ts + s->dur;
    j->play_seq = (uint16_t)(s->seq + 1);
    drop_head(j);
    advance(j, f->dur, true);
    j->since_insert++;
    j->since_skip++;
    j->st.played++;
    return JBUF_FRAME;
}

/* The frame at play_ts is missing although later ones are here. */
static enum jbuf_result give_lost(struct jbuf *j, struct jbuf_frame *f)
{
    const struct slot *s = head_slot(j);
    int64_t gap = s->ts - j->play_ts;

    f->dur = gap < j->dur ? (uint32_t)gap : j->dur;
    if (rtp_seq_diff(s->seq, j->play_seq) == 1) {
        f->payload = s->data;
        f->len = s->len;
        f->pt = s->pt;
    }
    count_loss(j, true);
    j->play_ts += f->dur;
    j->play_seq++;
    advance(j, f->dur, true);
    j->st.lost++;
    return JBUF_LOST;
}

/* Time passes without a frame; `passed`: in the sender's time, too. */
static enum jbuf_result give_empty(struct jbuf *j, struct jbuf_frame *f, uint32_t passed)
{
    f->dur = passed ? passed : j->dur;
    j->play_ts += passed;
    advance(j, f->dur, false);
    j->st.empty++;
    return JBUF_EMPTY;
}

static enum jbuf_result give_gap(struct jbuf *j, struct jbuf_frame *f, const struct slot *head)
{
    int64_t gap = head->ts - j->play_ts;

    /* What is missing has already been waited for, or was never sent: the next frame's time has come. */
    if (steer_error(j, head->ts) <= ticks_us(j, j->dur) / 2)
        return give_frame(j, f);
    if (rtp_seq_diff(head->seq, j->play_seq) > 0)
        return give_lost(j, f);
    return give_empty(j, f, gap < j->dur ? (uint32_t)gap : j->dur);
}

static bool want_insert(const struct jbuf *j, int64_t error)
{
    return error > ticks_us(j, j->dur) * 6 / 10 && (j->quiet || j->since_insert >= INSERT_PACE);
}

static bool want_skip(const struct jbuf *j, int64_t error)
{
    int64_t frame = ticks_us(j, j->dur);
    unsigned pace = error < -SKIP_FAR_FRAMES * frame ? SKIP_PACE_FAR : SKIP_PACE;

    return j->count > 1 && error < -frame && j->since_skip >= (j->quiet ? 2 : pace);
}

/* More than the most delay there may be: the oldest go. */
static void keep_within_max(struct jbuf *j)
{
    while (j->count > 1) {
        const struct slot *tail = &j->slots[j->order[j->count - 1]];
        int64_t first = head_slot(j)->ts;

        if (ticks_us(j, tail->ts - first) <= j->max_us)
            break;
        skip_head(j);
        j->st.skipped++;
    }
}

enum jbuf_result jbuf_get(struct jbuf *j, uint64_t now_us, struct jbuf_frame *f)
{
    const struct slot *head;
    int64_t error;

    *f = (struct jbuf_frame){0};
    if (!j->started || now_us < j->due)
        return JBUF_WAIT;
    if (now_us - j->due > STALL_US)
        j->due = now_us;
    keep_within_max(j);
    head = head_slot(j);
    if (!head)
        return give_empty(j, f, 0);
    if (head->ts > j->play_ts)
        return give_gap(j, f, head);
    error = steer_error(j, j->play_ts);
    if (want_insert(j, error)) {
        j->since_insert = 0;
        j->st.inserted++;
        return give_empty(j, f, 0);
    }
    if (want_skip(j, error)) {
        skip_head(j);
        j->since_skip = 0;
        j->st.skipped++;
        head = head_slot(j);
        if (head->ts > j->play_ts)
            return give_gap(j, f, head);
    }
    return give_frame(j, f);
}

void jbuf_quiet(struct jbuf *j, bool quiet)
{
    j->quiet = quiet;
}

void jbuf_fec(struct jbuf *j, bool on)
{
    j->fec = on;
}

void jbuf_stats(const struct jbuf *j, struct jbuf_stats *st)
{
    *st = j->st;
    st->target_ms = (uint32_t)(j->target_us / 1000);
    st->depth_ms = 0;
    if (j->started && j->count) {
        const struct slot *tail = &j->slots[j->order[j->count - 1]];

        st->depth_ms = (uint32_t)(ticks_us(j, tail->ts + tail->dur - j->play_ts) / 1000);
    }
}

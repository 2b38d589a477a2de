/* media/dtmf: see dtmf.h. */
#include "media/dtmf.h"
#include <errno.h>
#include <string.h>

enum {
    TICK_MS = 20,
    END_PACKETS = 3, /* RFC 4733 2.5.1.4 */
    END_MISSING_US = 200000,
    VOLUME = 10, /* -10 dBm0 */
    SAMPLES_MS = 8,
    REPEAT_WINDOW_MS =
        10000 /* an older timestamp further back than this is a new stream, not a late packet */
};

static const char digits_of_event[] = "0123456789*#ABCD";

char dtmf_digit(unsigned event)
{
    return event < sizeof(digits_of_event) - 1 ? digits_of_event[event] : 0;
}

int dtmf_event(char digit)
{
    const char *p =
        digit ? strchr(digits_of_event, digit >= 'a' && digit <= 'd' ? digit - 'a' + 'A' : digit) : NULL;

    return p ? (int)(p - digits_of_event) : -1;
}

void dtmf_rx_init(struct dtmf_rx *r, uint32_t clock_rate)
{
    *r = (struct dtmf_rx){.rate = clock_rate};
}

void dtmf_rx_rate(struct dtmf_rx *r, uint32_t clock_rate)
{
    if (!r->active)
        r->rate = clock_rate;
}

unsigned dtmf_rx_ms(const struct dtmf_rx *r)
{
    return r->rate ? (unsigned)((uint64_t)r->duration * 1000 / r->rate) : 0;
}

/* Whether ts belongs to the press already known or to one before it. An event longer than 65535 units goes on in a further
 * segment whose timestamp is where the last one stopped (RFC 4733 2.5.1.3): still the same press. */
static bool known(struct dtmf_rx *r, const struct rtp_hdr *h, unsigned event)
{
    int32_t ahead = rtp_ts_diff(h->ts, r->ts);

    if (!r->seen || h->ssrc != r->ssrc)
        return false;
    if (r->active && event == r->event && ahead > 0 && r->duration >= 0xffff - r->rate / 10 &&
        ahead <= 0xffff) {
        r->ts = h->ts;
        return true;
    }
    return ahead <= 0 && ahead > -(int32_t)(r->rate * (REPEAT_WINDOW_MS / 1000));
}

static enum dtmf_what key_up(struct dtmf_rx *r, char *digit, unsigned *ms)
{
    r->active = false;
    *digit = dtmf_digit(r->event);
    *ms = dtmf_rx_ms(r);
    return DTMF_UP;
}

static bool is_digit(const struct rtp_hdr *h)
{
    return h->len >= DTMF_PAYLOAD && dtmf_digit(h->payload[0]);
}

enum dtmf_what dtmf_rx_cut(struct dtmf_rx *r, const struct rtp_hdr *h, char *digit, unsigned *ms)
{
    return r->active && is_digit(h) && !known(r, h, h->payload[0]) ? key_up(r, digit, ms) : DTMF_NOTHING;
}

enum dtmf_what dtmf_rx_packet(struct dtmf_rx *r, const struct rtp_hdr *h, uint64_t now_us, char *digit,
                              unsigned *ms)
{
    unsigned event, duration;
    bool end;

    if (!is_digit(h))
        return DTMF_NOTHING;
    event = h->payload[0];
    end = h->payload[1] & 0x80;
    duration = (unsigned)h->payload[2] << 8 | h->payload[3];
    if (known(r, h, event)) {
        if (!r->active || h->ts != r->ts)
            return DTMF_NOTHING;
        if (duration > r->duration || end)
            r->duration = duration;
        r->last_us = now_us;
        return end ? key_up(r, digit, ms) : DTMF_NOTHING;
    }
    *r = (struct dtmf_rx){.rate = r->rate,
                          .active = !end,
                          .seen = true,
                          .event = (uint8_t)event,
                          .ssrc = h->ssrc,
                          .ts = h->ts,
                          .duration = duration,
                          .last_us = now_us};
    *digit = dtmf_digit(event);
    *ms = dtmf_rx_ms(r);
    return DTMF_DOWN;
}

enum dtmf_what dtmf_rx_tick(struct dtmf_rx *r, uint64_t now_us, char *digit, unsigned *ms)
{
    if (!r->active || now_us < r->last_us + END_MISSING_US)
        return DTMF_NOTHING;
    return key_up(r, digit, ms);
}

void dtmf_tx_init(struct dtmf_tx *t, uint32_t clock_rate)
{
    *t = (struct dtmf_tx){0};
    dtmf_tx_rate(t, clock_rate);
}

int dtmf_tx_queue(struct dtmf_tx *t, const char *digits, unsigned ms)
{
    size_t n = strlen(digits);

    for (size_t i = 0; i < n; i++)
        if (dtmf_event(digits[i]) < 0)
            return EINVAL;
    if (n > DTMF_QUEUE_MAX - t->count)
        return ENOSPC;
    ms = ms < DTMF_MIN_MS ? DTMF_MIN_MS : ms > DTMF_MAX_MS ? DTMF_MAX_MS : ms;
    for (size_t i = 0; i < n; i++) {
        unsigned slot = (t->head + t->count++) % DTMF_QUEUE_MAX;

        t->queue[slot] = digits[i];
        t->ms[slot] = (uint16_t)ms;
    }
    return 0;
}

static bool head_is_live(const struct dtmf_tx *t)
{
    return t->live && t->live_slot == t->head;
}

int dtmf_tx_down(struct dtmf_tx *t, char digit, unsigned ms)
{
    const char digits[] = {digit, 0};
    const unsigned slot = (t->head + t->count) % DTMF_QUEUE_MAX;
    int err = dtmf_tx_queue(t, digits, ms);

    if (err)
        return err;
    t->live = true;
    t->live_slot = slot;
    t->heard = 0;
    dtmf_tx_heard(t, ms);
    return 0;
}

void dtmf_tx_heard(struct dtmf_tx *t, unsigned ms)
{
    const unsigned ticks = ms / TICK_MS;

    if (ticks > t->heard)
        t->heard = ticks;
}

void dtmf_tx_up(struct dtmf_tx *t, unsigned ms)
{
    if (!t->live)
        return;
    ms = ms < DTMF_MIN_MS ? DTMF_MIN_MS : ms > DTMF_MAX_MS ? DTMF_MAX_MS : ms;
    t->ms[t->live_slot] = (uint16_t)ms;
    if (head_is_live(t) && t->state == DTMF_TONE) {
        const uint32_t total = (ms + TICK_MS - 1) / TICK_MS;

        t->ticks = total > t->ticks ? total : t->ticks;
        t->state = DTMF_ENDING;
        t->left = END_PACKETS;
    }
    t->live = false;
}

/* The digit at the head is through; the next one after a gap of `left`. */
static void tx_next(struct dtmf_tx *t, unsigned left)
{
    if (head_is_live(t))
        t->live = false;
    t->head = (t->head + 1) % DTMF_QUEUE_MAX;
    t->count--;
    t->state = DTMF_GAP;
    t->left = left;
}

static void tx_start(struct dtmf_tx *t, uint32_t ts_now)
{
    t->state = DTMF_TONE;
    t->total = (t->ms[t->head] + TICK_MS - 1) / TICK_MS;
    t->ticks = 0;
    t->ts = ts_now;
    t->fresh = true;
}

static void tx_fill(struct dtmf_tx *t, struct dtmf_packet *p, bool end)
{
    uint32_t duration = t->ticks * t->step;

    if (duration > 0xffff)
        duration = 0xffff;
    p->payload[0] = (uint8_t)dtmf_event(t->queue[t->head]);
    p->payload[1] = (uint8_t)((end ? 0x80 : 0) | VOLUME);
    p->payload[2] = (uint8_t)(duration >> 8);
    p->payload[3] = (uint8_t)duration;
    p->ts = t->ts;
    p->marker = t->fresh;
    t->fresh = false;
}

/* One tick more of the tone at the head; its last one makes it end. */
static void tx_tone(struct dtmf_tx *t)
{
    if (!head_is_live(t))
        t->ticks++;
    else if (t->ticks < t->heard || !t->ticks)
        t->ticks = t->heard ? t->heard : 1;
    if (t->ticks < (head_is_live(t) ? (uint32_t)(DTMF_MAX_MS / TICK_MS) : t->total))
        return;
    t->state = DTMF_ENDING;
    t->left = END_PACKETS;
}

bool dtmf_tx_tick(struct dtmf_tx *t, uint32_t ts_now, struct dtmf_packet *p)
{
    if (t->state == DTMF_GAP && --t->left == 0)
        t->state = DTMF_IDLE;
    if (t->state == DTMF_IDLE && t->count)
        tx_start(t, ts_now);
    switch (t->state) {
    case DTMF_TONE:
        tx_tone(t);
        break;
    case DTMF_ENDING:
        break;
    default:
        return false;
    }
    tx_fill(t, p, t->state == DTMF_ENDING);
    if (t->state == DTMF_ENDING && --t->left == 0)
        tx_next(t, DTMF_GAP_MS / TICK_MS);
    return true;
}

static void tones_start(struct dtmf_tx *t)
{
    unsigned ms = t->ms[t->head];

    t->state = DTMF_TONE;
    t->left = (ms < DTMF_TONE_MIN_MS ? DTMF_TONE_MIN_MS : ms) * SAMPLES_MS;
    tone_init(&t->tone, &tone_dtmf[dtmf_event(t->queue[t->head])]);
}

bool dtmf_tx_tones(struct dtmf_tx *t, int16_t *pcm, size_t n)
{
    if (t->state == DTMF_IDLE && t->count)
        tones_start(t);
    if (t->state == DTMF_IDLE)
        return false;
    if (t->state == DTMF_TONE)
        tone_read(&t->tone, pcm, n);
    else
        memset(pcm, 0, n * sizeof(*pcm));
    t->left = t->left > n ? t->left - (unsigned)n : 0;
    if (!t->left && t->state == DTMF_TONE)
        tx_next(t, DTMF_TONE_MIN_MS * SAMPLES_MS);
    else if (!t->left)
        t->state = DTMF_IDLE;
    return true;
}

void dtmf_tx_rate(struct dtmf_tx *t, uint32_t clock_rate)
{
    t->rate = clock_rate;
    t->step = clock_rate / (1000 / TICK_MS);
}

void dtmf_tx_cut(struct dtmf_tx *t)
{
    if (t->state == DTMF_TONE || t->state == DTMF_ENDING)
        tx_next(t, 0);
    t->state = DTMF_IDLE;
}

bool dtmf_tx_busy(const struct dtmf_tx *t)
{
    return t->count || t->state != DTMF_IDLE;
}

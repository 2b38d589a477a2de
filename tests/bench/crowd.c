/* bench/crowd: see crowd.h. */
#include "crowd.h"
#include "core/clock.h"
#include "crypto/srtp.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SLOTS = 20 /* ms of a packet */,
    SETUP_AT_ONCE = 10,
    REGISTER_MS = 20000,
    SETUP_MS = 60000,
    HANGUP_MS = 10000
};

static int by_value(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;

    return x < y ? -1 : x > y;
}

void crowd_quantiles(float *v, size_t n, double out[3])
{
    qsort(v, n, sizeof(*v), by_value);
    out[0] = n ? v[n / 2] : 0;
    out[1] = n ? v[n * 95 / 100] : 0;
    out[2] = n ? v[n - 1] : 0;
}

/* Every call has its millisecond in the 20 of a packet; its far end sends half a packet later. */
static void tick(uint64_t n, void *arg)
{
    struct crowd *c = arg;

    for (unsigned i = 0; i < c->calls; i++) {
        if ((n + i * 7) % SLOTS == 0)
            agent_send(&c->agent[i]);
        if ((n + i * 7) % SLOTS == SLOTS / 2)
            farend_send(&c->far, i);
    }
}

int crowd_open(struct crowd *c)
{
    int err = loop_open();

    if (!err)
        err = srtpctx_global_init();
    if (!err)
        err = dtls_identity_alloc(&c->identity);
    if (!err)
        err = sound_make(&c->wide, 48000);
    if (!err)
        err = sound_make(&c->middle, 16000);
    if (!err)
        err = sound_make(&c->narrow, 8000);
    loop_on_tick(tick, c);
    return err;
}

void crowd_close(struct crowd *c)
{
    dtls_identity_free(c->identity);
    srtpctx_global_close();
    loop_close();
}

static unsigned count(const struct crowd *c, enum agent_state state)
{
    unsigned n = 0;

    for (unsigned i = 0; i < c->calls; i++)
        n += c->agent[i].state == state;
    return n;
}

static bool none_registering(void *arg)
{
    return !count(arg, AGENT_REGISTERING);
}

static bool none_ending(void *arg)
{
    return !count(arg, AGENT_ENDING);
}

bool crowd_register(struct crowd *c, uint16_t port, unsigned calls, bool opus)
{
    c->calls = calls;
    for (unsigned i = 0; i < calls; i++)
        memset(&c->agent[i], 0, sizeof(c->agent[i]));
    for (unsigned i = 0; i < calls; i++) {
        struct agent *a = &c->agent[i];
        int err;

        a->dn = 1000 + i;
        a->number = FAREND_NUMBER + i;
        server_password(a->password, sizeof(a->password), a->dn);
        a->codec = opus ? MEDIA_OPUS : MEDIA_PCMU;
        a->identity = c->identity;
        a->wide = &c->wide;
        a->middle = &c->middle;
        a->narrow = &c->narrow;
        a->sound = c->forced;
        err = agent_register(a, port);
        if (err) {
            fprintf(stderr, "bench: agent %u: %s\n", a->dn, strerror(err));
            return false;
        }
    }
    return loop_run(none_registering, c, REGISTER_MS) && count(c, AGENT_READY) == calls;
}

/* Keeps SETUP_AT_ONCE calls on their way until all are up. */
static bool place_calls(void *arg)
{
    struct crowd *c = arg;

    while (c->placed < c->calls && count(c, AGENT_CALLING) + count(c, AGENT_CONNECTING) < SETUP_AT_ONCE) {
        struct agent *a = &c->agent[c->placed];

        if (agent_call(a))
            return true;
        a->out = &c->far.call[c->placed].in;
        c->far.call[c->placed].out = &a->in;
        c->placed++;
    }
    return crowd_is_up(c) || count(c, AGENT_FAILED);
}

bool crowd_call(struct crowd *c, struct crowd_setup *setup)
{
    static float ms[FAREND_CALLS_MAX];
    uint64_t start = clock_us(), last = start;
    double q[3];

    c->placed = 0;
    if (!loop_run(place_calls, c, SETUP_MS) || !crowd_is_up(c)) {
        fprintf(stderr, "bench: %u of %u calls are up\n", count(c, AGENT_UP), c->calls);
        return false;
    }
    for (unsigned i = 0; i < c->calls; i++) {
        ms[i] = (float)(c->agent[i].up_us - c->agent[i].called_us) / 1000.0f;
        last = c->agent[i].up_us > last ? c->agent[i].up_us : last;
    }
    crowd_quantiles(ms, c->calls, q);
    setup->ms[0] = q[0];
    setup->ms[1] = q[1];
    setup->per_s = c->calls * 1e6 / (double)(last - start);
    setup->opus = c->agent[0].sound == &c->narrow   ? "narrowband"
                  : c->agent[0].sound == &c->middle ? "wideband"
                                                    : "fullband";
    return true;
}

void crowd_listen(struct crowd *c)
{
    for (unsigned i = 0; i < c->calls; i++) {
        hearing_reset(&c->far.call[i].in);
        hearing_reset(&c->agent[i].in);
    }
    loop_lateness_reset();
}

static void hear_way(struct crowd *c, struct crowd_heard *out, unsigned way)
{
    static float delays[FAREND_CALLS_MAX * HEARING_DELAYS_MAX], jitter[FAREND_CALLS_MAX];
    double q[3];
    size_t n = 0;

    for (unsigned i = 0; i < c->calls; i++) {
        struct hearing *h = way == CROWD_TO_TRUNK ? &c->far.call[i].in : &c->agent[i].in;

        out->expected[way] += rtcp_recv_expected(&h->recv) - h->expected_before;
        out->lost[way] += rtcp_recv_lost(&h->recv) - h->lost_before;
        out->marks[way] += h->marks;
        out->heard[way] += h->heard;
        jitter[i] = (float)rtcp_recv_jitter_ms(&h->recv);
        memcpy(delays + n, h->delay_ms, h->heard * sizeof(*delays));
        n += h->heard;
    }
    crowd_quantiles(delays, n, out->delay_ms[way]);
    crowd_quantiles(jitter, c->calls, q);
    out->jitter_ms[way] = q[0];
}

void crowd_hear(struct crowd *c, struct crowd_heard *out)
{
    *out = (struct crowd_heard){.late_ms = {loop_lateness_ms(0.99), loop_lateness_ms(1.0)}};
    hear_way(c, out, CROWD_TO_TRUNK);
    hear_way(c, out, CROWD_TO_BROWSER);
}

bool crowd_is_up(const struct crowd *c)
{
    return count(c, AGENT_UP) == c->calls;
}

void crowd_end(struct crowd *c)
{
    for (unsigned i = 0; i < c->calls; i++)
        agent_hangup(&c->agent[i]);
    loop_run(none_ending, c, HANGUP_MS);
    for (unsigned i = 0; i < c->calls; i++)
        agent_close(&c->agent[i]);
    c->calls = 0;
}

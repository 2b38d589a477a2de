#include "service/figures.h"

#include <math.h>
#include <string.h>

enum { MINUTE_MS = 60000 };
static const double smooth = 0.3; /* how much the newest second counts */

static struct figures_minute *slot(struct service_figures *f, int64_t minute)
{
    struct figures_minute *m = &f->ring[(uint64_t)minute % FIGURES_MINUTES];

    if (m->minute != minute)
        *m = (struct figures_minute){.minute = minute};
    return m;
}

void figures_restore(struct service_figures *f, const struct history_calls *in)
{
    struct figures_minute *m = slot(f, in->minute);

    m->inbound += in->inbound;
    m->outbound += in->outbound;
    m->answered += in->answered;
    m->abandoned += in->abandoned;
    m->failed += in->failed;
    m->talk_ms += in->talk_ms;
}

/* Totals only grow, but for those of a part that was started anew. */
static uint64_t grown(uint64_t now, uint64_t before)
{
    return now > before ? now - before : 0;
}

static void calls_add(struct figures_minute *m, const struct callstat_totals *now,
                      const struct callstat_totals *was)
{
    m->inbound += grown(now->inbound, was->inbound);
    m->outbound += grown(now->outbound, was->outbound);
    m->answered += grown(now->answered, was->answered);
    m->abandoned += grown(now->abandoned, was->abandoned);
    m->failed += grown(now->failed, was->failed);
    m->talk_ms += grown(now->talk_ms, was->talk_ms);
    m->rtts += grown(now->rtts, was->rtts);
    m->rtt_us += grown(now->rtt_us, was->rtt_us);
    if (now->live > m->calls_max)
        m->calls_max = now->live;
}

static void voice_add(struct figures_minute *m, const struct sample *now, const struct sample *was)
{
    m->expected += grown(now->expected, was->expected);
    m->lost += grown(now->lost, was->lost);
    m->heard += now->heard;
    m->mos_sum += now->mos_sum;
    m->jitter_ms_sum += now->jitter_ms_sum;
}

static double per(double sum, double n)
{
    return n > 0 ? sum / n : 0;
}

static double per_or_nan(double sum, double n)
{
    return n > 0 ? sum / n : NAN;
}

static void row_make(struct figures *out, const struct figures_minute *m)
{
    *out = (struct figures){
        .time_ms = m->minute * MINUTE_MS,
        .v = {[FIGURE_CALLS] = (double)m->calls_max,
              [FIGURE_REGISTRATIONS] = NAN,
              [FIGURE_MOS] = per_or_nan(m->mos_sum, (double)m->heard),
              [FIGURE_LOSS] = per_or_nan(100.0 * (double)m->lost, (double)m->expected),
              [FIGURE_JITTER] = per_or_nan(m->jitter_ms_sum, (double)m->heard),
              [FIGURE_CPU] = per_or_nan(m->cpu_sum, m->samples),
              [FIGURE_RSS] = per_or_nan(m->rss_sum, m->samples),
              [FIGURE_BITS] = per_or_nan(m->bits_sum, m->samples),
              [FIGURE_TURN_BITS] = per_or_nan(m->turn_bits_sum, m->samples),
              [FIGURE_ANSWERED] = (double)m->answered,
              [FIGURE_FAILED] = (double)m->failed,
              [FIGURE_ABANDONED] = (double)m->abandoned,
              [FIGURE_INBOUND] = (double)m->inbound,
              [FIGURE_OUTBOUND] = (double)m->outbound},
    };
}

static void rates_add(struct service_figures *f, struct figures_minute *m, const struct sample *s)
{
    const double us = (double)grown(s->us, f->last.us);
    const double cpu = per(100.0 * (double)grown(s->cpu_us, f->last.cpu_us), us);
    const double bits = per(8e6 * (double)grown(s->bytes, f->last.bytes), us);
    const double turn = per(8e6 * (double)grown(s->turn_bytes, f->last.turn_bytes), us);

    f->cpu_percent += smooth * (cpu - f->cpu_percent);
    f->bits_per_s += smooth * (bits - f->bits_per_s);
    f->turn_bits_per_s += smooth * (turn - f->turn_bits_per_s);
    m->cpu_sum += cpu;
    m->bits_sum += bits;
    m->turn_bits_sum += turn;
    m->rss_sum += (double)s->rss_bytes;
    m->samples++;
}

bool figures_take(struct service_figures *f, const struct sample *s, struct figures *over)
{
    const int64_t minute = s->wall_ms / MINUTE_MS, before = f->last.wall_ms / MINUTE_MS;
    struct figures_minute *m;
    bool ended = false;

    if (f->last.us && minute != before) { /* what came between belongs to the minute that began it */
        ended = true;
        row_make(over, slot(f, before));
    }
    m = slot(f, minute);
    if (f->last.us) {
        calls_add(m, &s->calls, &f->last.calls);
        voice_add(m, s, &f->last);
        rates_add(f, m, s);
        m->errors += grown(s->errors, f->last.errors);
    }
    f->last = *s;
    return ended;
}

/* What is not older than so many minutes. */
static bool fresh(const struct service_figures *f, const struct figures_minute *m, int64_t minutes)
{
    const int64_t now = f->last.wall_ms / MINUTE_MS;

    return m->minute && m->minute <= now && m->minute > now - minutes;
}

double figures_mos(const struct service_figures *f, unsigned minutes)
{
    double sum = 0, n = 0;

    for (size_t i = 0; i < FIGURES_MINUTES; i++) {
        if (!fresh(f, &f->ring[i], minutes))
            continue;
        sum += f->ring[i].mos_sum;
        n += (double)f->ring[i].heard;
    }
    return per(sum, n);
}

static void hour_sum(const struct service_figures *f, struct figures_minute *sum)
{
    memset(sum, 0, sizeof(*sum));
    for (size_t i = 0; i < FIGURES_MINUTES; i++) {
        const struct figures_minute *m = &f->ring[i];

        if (!fresh(f, m, FIGURES_MINUTES))
            continue;
        sum->inbound += m->inbound;
        sum->outbound += m->outbound;
        sum->answered += m->answered;
        sum->abandoned += m->abandoned;
        sum->failed += m->failed;
        sum->talk_ms += m->talk_ms;
        sum->rtts += m->rtts;
        sum->rtt_us += m->rtt_us;
        sum->expected += m->expected;
        sum->lost += m->lost;
        sum->heard += m->heard;
        sum->mos_sum += m->mos_sum;
        sum->jitter_ms_sum += m->jitter_ms_sum;
    }
}

/* Those of this minute, and the share of the last one's that makes it a whole minute. */
static uint64_t errors_now(const struct service_figures *f)
{
    const int64_t now = f->last.wall_ms / MINUTE_MS, rest_ms = MINUTE_MS - f->last.wall_ms % MINUTE_MS;
    double n = 0;

    for (size_t i = 0; i < FIGURES_MINUTES; i++)
        if (fresh(f, &f->ring[i], 2))
            n += (double)f->ring[i].errors *
                 (f->ring[i].minute == now ? 1 : (double)rest_ms / (double)MINUTE_MS);
    return (uint64_t)(n + 0.5);
}

void figures_now(const struct service_figures *f, struct figures_now *out)
{
    const struct sample *s = &f->last;
    struct figures_minute sum;

    hour_sum(f, &sum);
    *out = (struct figures_now){
        .box = {.cpu_percent = f->cpu_percent,
                .cpus = s->cpus,
                .rss_bytes = s->rss_bytes,
                .disk_free_bytes = s->disk_free,
                .disk_percent =
                    s->disk_size ? 100.0 - 100.0 * (double)s->disk_free / (double)s->disk_size : 0,
                .bits_per_s = f->bits_per_s,
                .load = s->load},
        .hour = {sum.inbound, sum.outbound, sum.answered, sum.abandoned, sum.failed,
                 per((double)sum.talk_ms / 1e3, (double)sum.answered),
                 per(100.0 * (double)sum.abandoned, (double)sum.inbound)},
        .voice = {per(sum.mos_sum, (double)sum.heard), per(100.0 * (double)sum.lost, (double)sum.expected),
                  per(sum.jitter_ms_sum, (double)sum.heard), per((double)sum.rtt_us / 1e3, (double)sum.rtts)},
        .turn_bits_per_s = f->turn_bits_per_s,
        .turn_allocations = s->turn_allocations,
        .errors_per_min = errors_now(f),
    };
}

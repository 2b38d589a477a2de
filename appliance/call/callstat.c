#include "call/callstat.h"

#include "core/buf.h"
#include "core/histogram.h"
#include "core/metric.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

METRIC_LIMIT(limit, "calls", MEDIA_PATHS_MAX);

#define SETUP_BOUNDS 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2, 3, 5, 10
#define ANSWER_BOUNDS 0.5, 1, 2, 5, 10, 15, 20, 30, 60, 120
#define DURATION_BOUNDS 5, 15, 30, 60, 120, 180, 300, 600, 1200, 1800, 3600
#define MOS_BOUNDS 1.5, 2, 2.5, 3, 3.25, 3.5, 3.75, 4, 4.1, 4.2, 4.3, 4.4
#define JITTER_BOUNDS 0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2
#define LOSS_BOUNDS 0, 0.001, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2
#define RTT_BOUNDS 0.005, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1

#define PER_DIRECTION(var, name, help, ...)                                                                  \
    HISTOGRAM(var##_out, name, "direction=\"out\"", help, __VA_ARGS__);                                      \
    HISTOGRAM(var##_in, name, "direction=\"in\"", help, __VA_ARGS__);                                        \
    static struct histogram *const var[] = {[CDR_OUTBOUND] = &var##_out, [CDR_INBOUND] = &var##_in}
#define PER_SIDE(var, name, help, ...)                                                                       \
    HISTOGRAM(var##_browser, name, "from=\"browser\"", help, __VA_ARGS__);                                   \
    HISTOGRAM(var##_trunk, name, "from=\"trunk\"", help, __VA_ARGS__);                                       \
    static struct histogram *const var[] = {&var##_browser, &var##_trunk}

PER_DIRECTION(setup, "dngate_call_setup_seconds",
              "From INVITE to ringing, or to the answer when nothing rang", SETUP_BOUNDS);
PER_DIRECTION(answer, "dngate_call_answer_seconds", "From INVITE to answer", ANSWER_BOUNDS);
PER_DIRECTION(duration, "dngate_call_duration_seconds", "From answer to end", DURATION_BOUNDS);
PER_SIDE(mos, "dngate_call_mos",
         "Mean opinion score (1 bad to 4.5 best) of ended calls, as heard here from each side", MOS_BOUNDS);
PER_SIDE(jitter, "dngate_call_jitter_seconds", "Jitter (RFC 3550) of ended calls", JITTER_BOUNDS);
PER_SIDE(loss, "dngate_call_loss_ratio", "Share of an ended call's audio packets that did not arrive, 0 to 1",
         LOSS_BOUNDS);
HISTOGRAM(rtt, "dngate_call_rtt_seconds", NULL, "Round trip to the browser, of ended calls", RTT_BOUNDS);

/* ---- counts by labels ---- */

static const char *const direction_names[] = {[CDR_OUTBOUND] = "out", [CDR_INBOUND] = "in"};

static _Atomic int64_t live[2][CALL_STATES];
static _Atomic uint64_t ended[2][CDR_RESULTS], media_failures[MEDIA_REASONS], ways[CDR_PATHS], way_changes;

static _Atomic uint64_t talk_ms, rtts, rtt_us;

static void collect_h(struct buf *out, void *arg)
{
    char labels[64];

    (void)arg;
    for (int dir = 0; dir < 2; dir++) {
        for (int s = CALL_NEW; s < CALL_OVER; s++) {
            snprintf(labels, sizeof(labels), "direction=\"%s\",state=\"%s\"", direction_names[dir],
                     call_state_name((enum call_state)s));
            metric_sample(out, METRIC_TYPE_GAUGE, "dngate_calls", labels, (double)live[dir][s],
                          "Calls now, by direction (out = from an agent) and state");
        }
        for (enum cdr_result r = 0; r < CDR_RESULTS; r++) {
            snprintf(labels, sizeof(labels), "direction=\"%s\",result=\"%s\"", direction_names[dir],
                     cdr_result_name(r));
            metric_sample(out, METRIC_TYPE_COUNTER, "dngate_calls_total", labels, (double)ended[dir][r],
                          "Calls that have ended; out = from an agent, in = to an agent");
        }
    }
    for (enum cdr_path p = 0; p < CDR_PATHS; p++) {
        snprintf(labels, sizeof(labels), "path=\"%s\"", p ? cdr_path_name(p) : "none");
        metric_sample(
            out, METRIC_TYPE_COUNTER, "dngate_call_paths_total", labels, (double)ways[p],
            "Answered calls that have ended, by the last way of the audio between browser and gateway");
    }
    metric_sample(out, METRIC_TYPE_COUNTER, "dngate_call_path_changes_total", NULL, (double)way_changes,
                  "Times that this way became another in mid-call: another address, or by a relay");
    for (enum media_reason r = 0; r < MEDIA_REASONS; r++) {
        snprintf(labels, sizeof(labels), "reason=\"%s\"", media_reason_name(r));
        metric_sample(out, METRIC_TYPE_COUNTER, "dngate_call_media_failures_total", labels,
                      (double)media_failures[r],
                      "Calls ended for want of audio: what failed, or who (trunk, browser) fell silent");
    }
}

__attribute__((constructor)) static void collect_register(void)
{
    (void)metric_collector(collect_h, NULL);
}

void callstat_limit(size_t max)
{
    metric_set(&limit_max, (int64_t)max);
}

static void live_add(enum cdr_direction dir, enum call_state s, int n)
{
    atomic_fetch_add(&live[dir][s], n);
    if (s < CALL_ENDING)
        metric_add(&limit, n);
}

void callstat_enter(enum cdr_direction dir, enum call_state s)
{
    live_add(dir, s, 1);
}

void callstat_leave(enum cdr_direction dir, enum call_state s)
{
    live_add(dir, s, -1);
}

void callstat_media_failed(const struct media_event *ev)
{
    atomic_fetch_add(&media_failures[ev->reason], 1);
}

void callstat_totals(struct callstat_totals *out)
{
    memset(out, 0, sizeof(*out));
    for (int dir = 0; dir < 2; dir++) {
        for (int s = CALL_NEW; s < CALL_ENDING; s++)
            out->live += live[dir][s];
        for (enum cdr_result r = 0; r < CDR_RESULTS; r++)
            *(dir == CDR_INBOUND ? &out->inbound : &out->outbound) += ended[dir][r];
        out->answered += ended[dir][CDR_ANSWERED];
        out->failed += ended[dir][CDR_FAILED];
    }
    out->abandoned = ended[CDR_INBOUND][CDR_CANCELLED];
    out->talk_ms = talk_ms;
    out->rtts = rtts;
    out->rtt_us = rtt_us;
}

/* ---- a call that has ended ---- */

static void seconds_add(struct histogram *h, int64_t from_ms, int64_t to_ms)
{
    if (to_ms)
        histogram_add(h, to_ms > from_ms ? (double)(to_ms - from_ms) / 1e3
                                         : 0); /* the wall clock may be set back */
}

static void stream_add(int side, const struct cdr_stream *st)
{
    double expected = (double)st->packets + st->lost;

    if (!st->packets)
        return;
    if (st->mos > 0)
        histogram_add(mos[side], st->mos);
    histogram_add(jitter[side], st->jitter_ms / 1e3);
    histogram_add(loss[side], st->lost / expected);
}

void callstat_ended(const struct cdr *c)
{
    enum cdr_direction dir = c->direction;

    atomic_fetch_add(&ended[dir][cdr_result(c)], 1);
    seconds_add(setup[dir], c->start_ms, c->ring_ms ? c->ring_ms : c->answer_ms);
    seconds_add(answer[dir], c->start_ms, c->answer_ms);
    if (!c->answer_ms)
        return;
    atomic_fetch_add(&ways[c->path], 1);
    atomic_fetch_add(&way_changes, c->path_changes);
    seconds_add(duration[dir], c->answer_ms, c->end_ms);
    if (c->end_ms > c->answer_ms)
        atomic_fetch_add(&talk_ms, (uint64_t)(c->end_ms - c->answer_ms));
    stream_add(0, &c->from_browser);
    stream_add(1, &c->from_trunk);
    if (c->rtt_ms <= 0)
        return;
    histogram_add(&rtt, c->rtt_ms / 1e3);
    atomic_fetch_add(&rtts, 1);
    atomic_fetch_add(&rtt_us, (uint64_t)(c->rtt_ms * 1e3));
}

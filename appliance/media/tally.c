#include "media/tally.h"

#include "core/buf.h"
#include "core/metric.h"
#include "media/path_state.h"

#include <math.h>
#include <stdio.h>

static const char *const side_names[TALLY_SIDES] = {[TALLY_BROWSER] = "browser", [TALLY_TRUNK] = "trunk"};

/* ---- adding up: worker thread ---- */

static void count_add(struct udp_count *sum, const struct udp_count *c)
{
    sum->packets += c->packets;
    sum->bytes += c->bytes;
}

static void recv_add(struct tally *t, int side, const struct rtcp_recv *r)
{
    t->expected[side] += rtcp_recv_expected(r);
    t->lost[side] += rtcp_recv_lost(r);
}

void tally_add_counts(struct tally *t, int side, const struct udp_count *in, const struct udp_count *out)
{
    count_add(&t->in[side], in);
    count_add(&t->out[side], out);
}

void tally_add_sockets(struct tally *t, int side, const struct udp_set *set)
{
    for (size_t i = 0; i < set->count; i++)
        tally_add_counts(t, side, &set->v[i].in, &set->v[i].out);
}

void tally_add(struct tally *t, const struct path *p)
{
    struct jbuf_stats js;

    tally_add_sockets(t, TALLY_TRUNK, &p->rtp);
    tally_add_sockets(t, TALLY_TRUNK, &p->rtcp);
    recv_add(t, TALLY_BROWSER, &p->from_browser.recv);
    recv_add(t, TALLY_TRUNK, &p->from_trunk.recv);
    jbuf_stats(p->up.jbuf, &js);
    t->concealed += js.lost;
    t->filled += js.empty;
    t->late += js.late;
    t->duplicate += js.dup;
    t->overflow += js.overflow;
    t->skipped += js.skipped;
}

static void live_add(struct tally_live *l, const struct media_stream_stats *st)
{
    if (!st->packets)
        return;
    l->mos_min = !l->paths || st->mos < l->mos_min ? st->mos : l->mos_min;
    l->mos_sum += st->mos;
    l->jitter_ms_max = fmax(l->jitter_ms_max, st->jitter_ms);
    l->jitter_ms_sum += st->jitter_ms;
    l->paths++;
}

void tally_add_live(struct tally *t, const struct path *p)
{
    struct media_event ev;
    struct jbuf_stats js;

    path_figures(p, &ev);
    live_add(&t->live[TALLY_BROWSER], &ev.browser);
    live_add(&t->live[TALLY_TRUNK], &ev.trunk);
    t->paths++;
    jbuf_stats(p->up.jbuf, &js);
    if (!js.played)
        return;
    t->buffers++;
    t->buffer_ms_sum += js.target_ms;
    t->buffer_ms_max = fmax(t->buffer_ms_max, js.target_ms);
}

/* ---- rendering: any thread ---- */

static void live_merge(struct tally_live *sum, const struct tally_live *l)
{
    if (!l->paths)
        return;
    sum->mos_min = !sum->paths || l->mos_min < sum->mos_min ? l->mos_min : sum->mos_min;
    sum->mos_sum += l->mos_sum;
    sum->jitter_ms_max = fmax(sum->jitter_ms_max, l->jitter_ms_max);
    sum->jitter_ms_sum += l->jitter_ms_sum;
    sum->paths += l->paths;
}

void tally_merge(struct tally *sum, const struct tally *t)
{
    for (int side = 0; side < TALLY_SIDES; side++) {
        sum->expected[side] += t->expected[side];
        sum->lost[side] += t->lost[side];
        live_merge(&sum->live[side], &t->live[side]);
    }
    sum->concealed += t->concealed;
    sum->filled += t->filled;
    sum->late += t->late;
    sum->duplicate += t->duplicate;
    sum->overflow += t->overflow;
    sum->skipped += t->skipped;
    sum->buffers += t->buffers;
    sum->buffer_ms_sum += t->buffer_ms_sum;
    sum->buffer_ms_max = fmax(sum->buffer_ms_max, t->buffer_ms_max);
    sum->paths += t->paths;
}

static void traffic(struct buf *out, unsigned index, int side, const char *direction,
                    const struct udp_count *c)
{
    char labels[80];

    snprintf(labels, sizeof(labels), "worker=\"%u\",side=\"%s\",direction=\"%s\"", index, side_names[side],
             direction);
    metric_sample(out, METRIC_TYPE_COUNTER, "dngate_media_packets_total", labels, (double)c->packets,
                  "UDP packets of media (RTP, RTCP, ICE, DTLS), from (in) and to (out) each side");
    metric_sample(out, METRIC_TYPE_COUNTER, "dngate_media_bytes_total", labels, (double)c->bytes,
                  "Bytes in these packets, without UDP and IP headers");
}

void tally_render_worker(struct buf *out, unsigned index, const struct tally *t, double cpu_seconds)
{
    char worker[24], limit[32];

    snprintf(limit, sizeof(limit), "media_addresses_%u", index);
    metric_limit(out, limit, t->addresses, TALLY_ADDRESSES_MAX);
    snprintf(worker, sizeof(worker), "worker=\"%u\"", index);
    for (int side = 0; side < TALLY_SIDES; side++) {
        traffic(out, index, side, "in", &t->in[side]);
        traffic(out, index, side, "out", &t->out[side]);
    }
    metric_sample(out, METRIC_TYPE_COUNTER, "dngate_media_worker_cpu_seconds_total", worker, cpu_seconds,
                  "CPU time of a media thread; its rate is the share of one CPU, at most 1");
    metric_sample(out, METRIC_TYPE_GAUGE, "dngate_media_worker_load_ratio", worker, t->load,
                  "CPU share of a media thread in the last second, 0 to 1");
    metric_sample(out, METRIC_TYPE_GAUGE, "dngate_media_worker_paths", worker, t->paths,
                  "Calls whose audio a media thread carries");
    metric_sample(out, METRIC_TYPE_GAUGE, "dngate_media_opus_complexity", worker, t->complexity,
                  "Effort of the Opus encoder, 0 to 3; goes down when a media thread is busy");
}

static void gauge(struct buf *out, const char *name, const char *labels, double v, const char *help)
{
    metric_sample(out, METRIC_TYPE_GAUGE, name, labels, v, help);
}

static void render_side(struct buf *out, const struct tally *t, int side)
{
    const struct tally_live *l = &t->live[side];
    char from[24];

    snprintf(from, sizeof(from), "from=\"%s\"", side_names[side]);
    metric_sample(out, METRIC_TYPE_COUNTER, "dngate_audio_packets_expected_total", from,
                  (double)t->expected[side], "Audio packets that were sent to us, by their sequence numbers");
    metric_sample(out, METRIC_TYPE_COUNTER, "dngate_audio_packets_lost_total", from, (double)t->lost[side],
                  "Audio packets that did not arrive here");
    gauge(out, "dngate_live_mos_mean", from, l->paths ? l->mos_sum / l->paths : NAN,
          "Mean opinion score (1 bad to 4.5 best) of what we hear, mean of the live calls; NaN when there "
          "are none");
    gauge(out, "dngate_live_mos_min", from, l->paths ? l->mos_min : NAN,
          "Mean opinion score of the worst live call");
    gauge(out, "dngate_live_jitter_mean_seconds", from, l->paths ? l->jitter_ms_sum / l->paths / 1e3 : NAN,
          "Jitter (RFC 3550) of what we hear, mean of the live calls; NaN when there are none");
    gauge(out, "dngate_live_jitter_max_seconds", from, l->paths ? l->jitter_ms_max / 1e3 : NAN,
          "Jitter of the worst live call");
}

static void render_buffer(struct buf *out, const struct tally *t)
{
    static const char
        frames[] = "dngate_jitter_buffer_made_frames_total",
        frames_help[] =
            "Audio frames made up: lost = concealed, silent = nothing came in time or the browser was silent",
        packets[] = "dngate_jitter_buffer_discarded_packets_total",
        packets_help[] = "Browsers' audio packets not played";

    gauge(out, "dngate_jitter_buffer_delay_mean_seconds", NULL,
          t->buffers ? t->buffer_ms_sum / t->buffers / 1e3 : NAN,
          "Delay of the jitter buffers (browser to trunk), mean of the live calls; NaN when there are none");
    gauge(out, "dngate_jitter_buffer_delay_max_seconds", NULL, t->buffers ? t->buffer_ms_max / 1e3 : NAN,
          "Delay of the longest jitter buffer of the live calls");
    metric_sample(out, METRIC_TYPE_COUNTER, frames, "reason=\"lost\"", (double)t->concealed, frames_help);
    metric_sample(out, METRIC_TYPE_COUNTER, frames, "reason=\"silent\"", (double)t->filled, frames_help);
    metric_sample(out, METRIC_TYPE_COUNTER, packets, "reason=\"late\"", (double)t->late, packets_help);
    metric_sample(out, METRIC_TYPE_COUNTER, packets, "reason=\"duplicate\"", (double)t->duplicate,
                  packets_help);
    metric_sample(out, METRIC_TYPE_COUNTER, packets, "reason=\"no_room\"", (double)t->overflow, packets_help);
    metric_sample(out, METRIC_TYPE_COUNTER, packets, "reason=\"to_shorten_delay\"", (double)t->skipped,
                  packets_help);
}

void tally_render(struct buf *out, const struct tally *sum)
{
    for (int side = 0; side < TALLY_SIDES; side++)
        render_side(out, sum, side);
    render_buffer(out, sum);
}

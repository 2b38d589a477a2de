/* What /metrics says of the media of a running and of an ended call. */
/* TSAN */
#include "metrics.h"
#include "fake/mediacall.h"
#include "media/quality.h"
#define TESTING_NO_OOM "threads and sockets: what they wait for would not come"
#include "testing.h"

#include <math.h>

static struct mediacall call;

static bool no_paths(struct mediacall *c)
{
    (void)c;
    return metric_value("dngate_media_worker_paths{worker=\"0\"}") == 0;
}

static double bytes(const char *side, const char *direction)
{
    char name[120];

    snprintf(name, sizeof(name), "dngate_media_bytes_total{worker=\"0\",side=\"%s\",direction=\"%s\"}", side,
             direction);
    return metric_value(name);
}

/* Figures are published once a second. */
static bool all_told(struct mediacall *c)
{
    return c->browser_n >= 75 && c->trunk_n >= 75 &&
           metric_value("dngate_audio_packets_expected_total{from=\"browser\"}") == c->browser_n &&
           metric_value("dngate_audio_packets_expected_total{from=\"trunk\"}") == c->trunk_n;
}

static bool enough_said(struct mediacall *c)
{
    return c->browser_n >= 75 && c->trunk_n >= 75;
}

/* What the figures give: nothing was lost. */
static double trunk_mos(void)
{
    struct quality_input q = {.codec = MEDIA_PCMU,
                              .jitter_ms =
                                  1000 * metric_value("dngate_live_jitter_mean_seconds{from=\"trunk\"}")};

    return quality_mos(&q);
}

TEST(a_call_shows_while_it_runs_and_stays_in_the_totals)
{
    struct mediacall_config cfg = {.browser = MEDIA_OPUS, .trunk = MEDIA_PCMU};
    double expected;

    CHECK_EQ_INT(mediacall_start(&call, &cfg), 0);
    CHECK(isnan(metric_value("dngate_live_mos_mean{from=\"trunk\"}")));
    CHECK(mediacall_run(&call, mediacall_up, 8000));
    call.browser_talks = call.trunk_talks = true;
    CHECK(mediacall_run(&call, enough_said, 30000));
    call.browser_talks = call.trunk_talks = false;
    CHECK(mediacall_run(&call, all_told, 30000)); /* every packet, and none twice */
    CHECK(metric_value("dngate_limit_used{name=\"rtp_port_pairs\"}") == 1);
    CHECK(metric_value("dngate_media_worker_paths{worker=\"0\"}") == 1);
    CHECK(metric_value("dngate_media_worker_load_ratio{worker=\"0\"}") > 0);
    CHECK(metric_value("dngate_media_worker_cpu_seconds_total{worker=\"0\"}") > 0);
    CHECK(metric_value("dngate_jitter_buffer_delay_mean_seconds") > 0.001);
    CHECK(metric_value("dngate_jitter_buffer_delay_max_seconds") <= 0.2);
    CHECK(fabs(metric_value("dngate_live_mos_mean{from=\"trunk\"}") - trunk_mos()) < 0.01);
    CHECK(metric_value("dngate_live_mos_mean{from=\"browser\"}") ==
          metric_value("dngate_live_mos_min{from=\"browser\"}")); /* of one call */
    CHECK(metric_value("dngate_audio_packets_lost_total{from=\"browser\"}") == 0);
    CHECK(metric_value("dngate_audio_packets_lost_total{from=\"trunk\"}") == 0);
    CHECK(bytes("trunk", "in") >= call.trunk_n * 172.0);
    CHECK(bytes("trunk", "out") >= 172.0 * 70 && bytes("browser", "out") > call.trunk_n * 40.0);
    expected = call.browser_n;
    media_path_close(call.path);
    CHECK(mediacall_run(&call, mediacall_ended, 8000));
    call.path = NULL;
    CHECK(mediacall_run(&call, no_paths, 8000));
    CHECK(isnan(metric_value("dngate_live_mos_mean{from=\"trunk\"}")));
    CHECK(metric_value("dngate_audio_packets_expected_total{from=\"browser\"}") == expected);
    CHECK(bytes("trunk", "in") >= call.trunk_n * 172.0);
    mediacall_stop(&call);
}

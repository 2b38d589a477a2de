/* What /metrics says of the media of a running and of an ended call. */
/* TSAN */
#include "fake/mediacall.h"
#define TESTING_NO_OOM "threads and sockets: what they wait for would not come"
#include "testing.h"

#include <math.h>

static struct mediacall call;

static bool no_paths(struct mediacall *c)
{
    (void)c;
    return mediacall_metric("dngate_media_worker_paths{worker=\"0\"}") == 0;
}

static double bytes(const char *side, const char *direction)
{
    char name[120];

    snprintf(name, sizeof(name), "dngate_media_bytes_total{worker=\"0\",side=\"%s\",direction=\"%s\"}", side,
             direction);
    return mediacall_metric(name);
}

/* Figures are published once a second: the first ones may be of the first packets. */
static bool told(struct mediacall *c)
{
    (void)c;
    return mediacall_metric("dngate_live_mos_mean{from=\"trunk\"}") > 1 &&
           mediacall_metric("dngate_live_mos_min{from=\"browser\"}") > 1 &&
           mediacall_metric("dngate_audio_packets_expected_total{from=\"browser\"}") > 25 &&
           bytes("trunk", "in") > 160 * 25 && bytes("trunk", "out") > 160 * 25;
}

TEST(a_call_shows_while_it_runs_and_stays_in_the_totals)
{
    struct mediacall_config cfg = {.browser = MEDIA_OPUS, .trunk = MEDIA_PCMU};
    double expected;

    CHECK_EQ_INT(mediacall_start(&call, &cfg), 0);
    CHECK(isnan(mediacall_metric("dngate_live_mos_mean{from=\"trunk\"}")));
    CHECK(mediacall_run(&call, mediacall_up, 8000));
    call.browser_talks = call.trunk_talks = true;
    CHECK(mediacall_run(&call, told, 30000));
    CHECK(mediacall_metric("dngate_limit_used{name=\"rtp_port_pairs\"}") == 1);
    CHECK(mediacall_metric("dngate_media_worker_paths{worker=\"0\"}") == 1);
    CHECK(mediacall_metric("dngate_media_worker_load_ratio{worker=\"0\"}") > 0);
    CHECK(mediacall_metric("dngate_media_worker_cpu_seconds_total{worker=\"0\"}") > 0);
    CHECK(mediacall_metric("dngate_jitter_buffer_delay_mean_seconds") > 0.001);
    CHECK(mediacall_metric("dngate_jitter_buffer_delay_max_seconds") < 0.5);
    CHECK(mediacall_metric("dngate_live_jitter_mean_seconds{from=\"trunk\"}") < 0.1);
    CHECK(bytes("browser", "in") > 1000 && bytes("browser", "out") > 1000);
    CHECK(bytes("trunk", "in") > 160 * 20 && bytes("trunk", "out") > 160 * 20);
    expected = mediacall_metric("dngate_audio_packets_expected_total{from=\"browser\"}");
    CHECK(expected > 20);
    CHECK(mediacall_metric("dngate_audio_packets_lost_total{from=\"browser\"}") <= 1);
    media_path_close(call.path);
    CHECK(mediacall_run(&call, mediacall_ended, 8000));
    call.path = NULL;
    CHECK(mediacall_run(&call, no_paths, 8000));
    CHECK(isnan(mediacall_metric("dngate_live_mos_mean{from=\"trunk\"}")));
    CHECK(mediacall_metric("dngate_audio_packets_expected_total{from=\"browser\"}") >= expected);
    CHECK(bytes("trunk", "in") > 160 * 20);
    mediacall_stop(&call);
}

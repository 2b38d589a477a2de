/* Key presses: event types each on its own clock; what signalling is told of them and may ask for. */
/* TSAN */
#include "metrics.h"
#include "fake/mediacall.h"
#include "media/dtmf.h"
#define TESTING_NO_OOM "threads and sockets: what they wait for would not come"
#include "testing.h"

#include <errno.h>

static struct mediacall call;

static const struct mediacall_config opus = {.browser = MEDIA_OPUS, .trunk = MEDIA_PCMU};
static const char lost_digits[] = "dngate_digits_lost_total{to=\"trunk\"}";

enum { SOON_MS = 8000 };

static bool end_at_trunk(struct mediacall *c)
{
    return c->at_trunk.events >= 3 && c->at_trunk.event_payload[1] & 0x80;
}

static void sink_forget(struct mediacall_sink *s)
{
    memset(s->digits, 0, sizeof(s->digits));
    s->events = s->pcm_count = 0;
}

/* As Chromium sends it when the rest was lost or never sent: three end packets, each with the marker. */
static void press(uint8_t pt, uint8_t event, unsigned units, uint32_t ts)
{
    const uint8_t end[4] = {event, 0x8a, (uint8_t)(units >> 8), (uint8_t)units};

    for (int i = 0; i < 3; i++)
        CHECK_EQ_INT(fbrowser_send(call.browser, pt, true, ts, end, sizeof(end)), 0);
}

TEST(an_event_of_each_listed_type_counts_on_its_own_clock)
{
    static const struct {
        uint8_t pt;
        unsigned units;
    } types[] = {{MEDIACALL_PT_EVENT, 1280}, {MEDIACALL_PT_EVENT_48K, 7680}, {MEDIACALL_PT_EVENT, 1280}};

    CHECK_EQ_INT(mediacall_start(&call, &opus), 0);
    CHECK(mediacall_run(&call, mediacall_up, SOON_MS));
    for (uint32_t i = 0; i < 3; i++) {
        sink_forget(&call.at_trunk);
        press(types[i].pt, 5, types[i].units, (i + 1) * 99000);
        CHECK(mediacall_run(&call, end_at_trunk, SOON_MS));
        CHECK_STR(call.at_trunk.digits, "5");
        CHECK_EQ_INT(call.at_trunk.event_payload[2] << 8 | call.at_trunk.event_payload[3], 1280); /* 160 ms */
    }
    CHECK_EQ_INT(call.at_trunk.gaps, 0);
    mediacall_stop(&call);
}

static void no_events(struct media_formats *f)
{
    while (f->count && f->v[f->count - 1].codec == MEDIA_EVENT)
        f->count--;
}

TEST(how_digits_can_go_is_known_to_signalling)
{
    struct media_browser b;
    struct media_trunk t;

    CHECK_EQ_INT(mediacall_start(&call, &opus), 0);
    CHECK_EQ_INT(media_path_dtmf_way(call.path, MEDIA_TRUNK), MEDIA_DTMF_EVENTS);
    CHECK_EQ_INT(media_path_dtmf_way(call.path, MEDIA_BROWSER), MEDIA_DTMF_EVENTS);
    mediacall_trunk(&call, &t);
    no_events(&t.formats);
    CHECK_EQ_INT(media_path_trunk(call.path, &t), 0);
    mediacall_browser(&call, &b);
    b.we_are_dtls_client = true;
    no_events(&b.formats);
    CHECK_EQ_INT(media_path_browser(call.path, &b), 0);
    CHECK_EQ_INT(media_path_dtmf_way(call.path, MEDIA_TRUNK), MEDIA_DTMF_INBAND);
    CHECK_EQ_INT(media_path_dtmf_way(call.path, MEDIA_BROWSER), MEDIA_DTMF_INBAND);
    t.dir = MEDIA_RECV;
    CHECK_EQ_INT(media_path_trunk(call.path, &t), 0);
    CHECK_EQ_INT(media_path_dtmf_way(call.path, MEDIA_TRUNK), MEDIA_DTMF_NONE);
    mediacall_stop(&call);
}

static bool told(struct mediacall *c)
{
    return mediacall_event(c, MEDIA_DTMF) != NULL;
}

TEST(a_press_that_cannot_go_on_as_an_event_is_told_with_its_length)
{
    const struct media_event *ev;
    struct media_trunk t;

    CHECK_EQ_INT(mediacall_start(&call, &opus), 0);
    CHECK(mediacall_run(&call, mediacall_up, SOON_MS));
    mediacall_trunk(&call, &t);
    no_events(&t.formats);
    CHECK_EQ_INT(media_path_trunk(call.path, &t), 0);
    press(MEDIACALL_PT_EVENT_48K, 9, 9600, 99000);
    CHECK(mediacall_run(&call, told, SOON_MS));
    ev = mediacall_event(&call, MEDIA_DTMF);
    CHECK_EQ_INT(ev->digit, '9');
    CHECK_EQ_INT(ev->ms, 200);
    CHECK(ev->from_browser && !ev->relayed);
    mediacall_stop(&call);
}

static bool first_digit_gone(struct mediacall *c)
{
    (void)c;
    return media_path_dtmf(call.path, MEDIA_TRUNK, "1", 40) == 0;
}

TEST(a_digit_without_room_is_refused_and_counted)
{
    double before = metric_value(lost_digits);
    struct media_trunk t;

    CHECK_EQ_INT(mediacall_start(&call, &opus), 0);
    CHECK_EQ_INT(media_path_dtmf(call.path, MEDIA_TRUNK, "12345678901234567890123456789012", 6000), 0);
    CHECK_EQ_INT(media_path_dtmf(call.path, MEDIA_TRUNK, "1", 40), ENOSPC);
    CHECK(metric_value(lost_digits) == before + 1);
    mediacall_stop(&call);
    CHECK_EQ_INT(mediacall_start(&call, &opus), 0);
    CHECK_EQ_INT(media_path_dtmf(call.path, MEDIA_TRUNK, "12345678901234567890123456789012", 40), 0);
    CHECK(mediacall_run(&call, first_digit_gone, SOON_MS)); /* then there is room for another */
    mediacall_trunk(&call, &t);
    t.dir = MEDIA_RECV;
    CHECK_EQ_INT(media_path_trunk(call.path, &t), 0);
    CHECK_EQ_INT(media_path_dtmf_way(call.path, MEDIA_TRUNK), MEDIA_DTMF_NONE);
    CHECK_EQ_INT(media_path_dtmf(call.path, MEDIA_TRUNK, "1", 40), ENOTSUP);
    mediacall_stop(&call);
}

/* A call's trace: what it holds is whole, bounded and masked. */
#include "call/trace.h"
#include "call/tracer.h"
#include "core/json.h"
#include "testing.h"

#include <errno.h>

static struct trace *t;
static struct buf out;
static struct json *doc;

static bool start(size_t bytes)
{
    buf_init(&out, TRACE_JSON_MAX);
    return !trace_alloc(&t, "01a", 1700000000000, bytes);
}

static const struct json_val *read_back(void)
{
    CHECK_OR(!trace_json(t, true, &out), return NULL);
    CHECK_OR(!json_parse(&doc, out.data, out.len, NULL, 0), return NULL);
    return json_root(doc);
}

static void finish(void)
{
    json_free(doc);
    doc = NULL;
    buf_reset(&out);
    trace_free(t);
}

static void sip(enum trace_leg leg, bool outwards, const char *text)
{
    struct trace_message m = {
        .t_ms = 12, .leg = leg, .out = outwards, .transport = "udp", .p = text, .len = strlen(text)};

    (void)addr_parse_ip(&m.us, "192.0.2.1", 5060);
    (void)addr_parse_ip(&m.peer, "2001:db8::7", 5070);
    trace_sip(t, &m);
}

static const char invite[] = "INVITE sip:600@gw SIP/2.0\r\nCall-ID: a@b\r\nCSeq: 1 "
                             "INVITE\r\nProxy-Authorization: Digest response=\"0123\"\r\n"
                             "Content-Type: application/sdp\r\n\r\nv=0\r\no=- 1 1 IN IP4 10.1.2.3\r\nc=IN "
                             "IP4 10.1.2.3\r\nm=audio 4000 RTP/AVP 18 0 101\r\n"
                             "a=rtpmap:101 telephone-event/8000\r\na=ice-pwd:geheim\r\n";

TEST(messages_events_and_facts_read_as_they_were)
{
    const struct json_val *root, *events, *e;
    struct trace_facts f;

    if (!start(65536))
        return;
    sip(TRACE_TRUNK, false, invite);
    sip(TRACE_TRUNK, true, "SIP/2.0 488 Not Acceptable Here\r\nCSeq: 1 INVITE\r\n\r\n");
    sip(TRACE_BROWSER, false,
        "INFO sip:x SIP/2.0\r\nCSeq: 2 INFO\r\nContent-Type: application/dtmf-relay\r\n\r\nSignal=7\r\n");
    trace_note(t, 99, TRACE_GATEWAY, TRACE_STATE, "ringing \"%s\"", "<b>");
    if (t->events.dropped) { /* no memory: it said so */
        finish();
        return;
    }
    root = read_back();
    if (!root) {
        CHECK(out.err);
        finish();
        return;
    }
    events = json_get(root, "events");
    CHECK_EQ_INT(json_arr_size(events), 4);
    e = json_arr_at(events, 0);
    CHECK_STR(json_get_str(e, "title"), "INVITE");
    CHECK_STR(json_get_str(e, "direction"), "in");
    CHECK_STR(json_get_str(e, "leg"), "trunk");
    CHECK_STR(json_get_str(e, "from"), "[2001:db8::7]:5070");
    CHECK_STR(json_get_str(e, "to"), "192.0.2.1:5060");
    CHECK(strstr(json_get_str(e, "text"), "\r\n\r\nv=0\r\n"));
    CHECK(!strstr(out.data, "0123\\\"") && !strstr(out.data, "geheim") && !strstr(out.data, "Signal=7"));
    CHECK_STR(json_get_str(json_arr_at(events, 1), "title"), "488 Not Acceptable Here (INVITE)");
    CHECK_STR(json_get_str(json_arr_at(events, 3), "title"), "ringing \"<b>\"");
    trace_facts_read(&f, json_get(root, "facts"));
    CHECK_STR(f.trunk_sdp, "10.1.2.3:4000");
    CHECK_STR(f.trunk_codecs, "G729 PCMU telephone-event");
    CHECK(f.trunk_events);
    CHECK_EQ_INT(f.trunk_heard, 1);
    CHECK_EQ_INT(f.browser_heard, 1);
    finish();
}

TEST(lines_that_come_again_are_kept_once_and_read_as_they_were)
{
    const struct json_val *events;
    size_t once, rest;

    if (!start(65536))
        return;
    sip(TRACE_TRUNK, false, invite);
    once = t->events.lines.len;
    rest = t->events.list.len;
    sip(TRACE_TRUNK, true, invite);
    sip(TRACE_TRUNK, true, "SIP/2.0 200 OK\r\nCall-ID: a@b\r\nCSeq: 1 INVITE\r\n\r\n");
    if (t->events.dropped) { /* no memory: it said so */
        finish();
        return;
    }
    CHECK(t->events.lines.len < once + 60); /* two titles' worth: that of the answer, and its first line */
    CHECK_EQ_INT(t->events.count, 3);
    CHECK(t->events.list.len > 2 * rest);
    CHECK(t->events.shown > 2 * once);
    events = json_get(read_back(), "events");
    if (events) {
        CHECK_STR(json_get_str(json_arr_at(events, 0), "text"), json_get_str(json_arr_at(events, 1), "text"));
        CHECK_STR(json_get_str(json_arr_at(events, 0), "from"), json_get_str(json_arr_at(events, 1), "to"));
        CHECK_STR(json_get_str(json_arr_at(events, 2), "text"),
                  "SIP/2.0 200 OK\r\nCall-ID: a@b\r\nCSeq: 1 INVITE\r\n\r\n");
        CHECK_STR(json_get_str(json_arr_at(events, 2), "title"), "200 OK (INVITE)");
    }
    finish();
}

TEST(a_full_trace_keeps_room_for_the_end)
{
    const struct json_val *root, *events;
    size_t n;

    if (!start(8192))
        return;
    for (int i = 0; i < 100; i++)
        sip(TRACE_TRUNK, false, invite);
    CHECK(t->events.shown <= 8192 && t->events.dropped > 80);
    n = t->events.count;
    sip(TRACE_TRUNK, false, "BYE sip:x SIP/2.0\r\nCSeq: 9 BYE\r\n\r\n");
    sip(TRACE_TRUNK, true, "SIP/2.0 200 OK\r\nCSeq: 9 BYE\r\n\r\n");
    if (t->events.count == n + 2) {
        root = read_back();
        if (root) {
            events = json_get(root, "events");
            CHECK_STR(json_get_str(json_arr_at(events, json_arr_size(events) - 1), "title"), "200 OK (BYE)");
        }
    }
    finish();
}

TEST(keys_leave_room_for_the_end)
{
    size_t n;

    if (!start(8192))
        return;
    for (int i = 0; i < 200; i++)
        trace_note(t, i, TRACE_BROWSER, TRACE_RTP, "A key was pressed, passed on as an event");
    CHECK(t->events.dropped > 100);
    n = t->events.count;
    sip(TRACE_TRUNK, false, "BYE sip:x SIP/2.0\r\nCSeq: 9 BYE\r\n\r\n");
    CHECK(t->events.count == n + 1 || t->events.shown < 6144); /* else there was no memory */
    finish();
}

static void info(enum trace_leg leg, bool outwards, const char *type, const char *answer)
{
    char text[200];

    snprintf(text, sizeof(text), "INFO sip:x SIP/2.0\r\nCSeq: 2 INFO\r\nContent-Type: %s\r\n\r\nSignal=1\r\n",
             type);
    sip(leg, outwards, text);
    if (!answer)
        return;
    snprintf(text, sizeof(text), "SIP/2.0 %s\r\nCSeq: 2 INFO\r\n\r\n", answer);
    sip(leg, !outwards, text);
}

TEST(digits_that_are_refused_count_once_and_other_info_does_not)
{
    if (!start(65536))
        return;
    info(TRACE_BROWSER, false, "application/dtmf-relay", NULL);
    info(TRACE_TRUNK, true, "application/dtmf-relay", "415 Unsupported Media Type");
    sip(TRACE_BROWSER, true, "SIP/2.0 415 Unsupported Media Type\r\nCSeq: 2 INFO\r\n\r\n");
    CHECK(t->facts.info_refused == 1 || t->events.count < 4);
    info(TRACE_TRUNK, false, "application/media_control+xml", "415 Unsupported Media Type");
    info(TRACE_TRUNK, false, "application/vnd.example", "469 Bad Info Package");
    CHECK(t->facts.info_refused <= 1);
    info(TRACE_BROWSER, false, "application/dtmf", NULL); /* refused, and then sent as a tone */
    info(TRACE_TRUNK, true, "application/dtmf-relay", "500 Server Internal Error");
    sip(TRACE_BROWSER, true, "SIP/2.0 200 OK\r\nCSeq: 3 INFO\r\n\r\n");
    info(TRACE_BROWSER, false, "application/dtmf-relay", "500 Server Internal Error"); /* by us */
    CHECK(t->facts.info_refused == 3 || t->events.count < 13);
    finish();
}

TEST(a_long_call_has_no_more_figures_than_a_short_one)
{
    struct media_event ev = {.rtt_ms = 12};
    const struct json_val *root, *graphs;
    double first;

    if (!start(8192))
        return;
    for (int s = 1; s <= 5000; s++) {
        ev.browser.packets = (uint64_t)s * 50;
        ev.browser.lost = (uint32_t)s;
        ev.trunk.packets = s > 2000 ? 100000 : (uint64_t)s * 50;
        trace_point_add(t, s * 1000, &ev);
    }
    CHECK(t->points.count <= TRACE_POINTS_MAX && t->points.count > TRACE_POINTS_MAX / 3);
    CHECK(t->points.v[t->points.count - 1].t_ms > 4900000);
    root = read_back();
    if (root) {
        graphs = json_get(root, "graphs");
        CHECK_EQ_INT(json_arr_size(json_get(graphs, "t_ms")), t->points.count);
        CHECK(json_num(json_arr_at(json_get(json_get(graphs, "to_trunk"), "loss_percent"), 5), &first) &&
              first > 1.9 && first <= 2.0);
        CHECK(json_num(json_arr_at(json_get(json_get(graphs, "to_browser"), "packets"), t->points.count - 1),
                       &first) &&
              first == 0);
    }
    finish();
}

TEST(what_the_page_hears_is_in_the_graphs_and_not_among_the_messages)
{
    const struct json_val *mos;
    struct media_event ev = {.rtt_ms = 1};
    double n;

    if (!start(65536))
        return;
    for (int s = 1; s <= 40; s++) {
        if (s == 10 || s == 20) {
            sip(TRACE_BROWSER, false,
                "INFO sip:x SIP/2.0\r\nCSeq: 2 INFO\r\nContent-Type: "
                "application/vnd.dngate.report+json\r\n\r\n{}");
            trace_report(t, s * 1000, &(struct call_report){.mos = s / 10.0, .jitter_ms = 7});
            sip(TRACE_BROWSER, true, "SIP/2.0 200 OK\r\nCSeq: 2 INFO\r\n\r\n");
        }
        trace_point_add(t, s * 1000, &ev);
    }
    if (!t->page_unanswered) { /* else there was no memory to read it */
        CHECK_EQ_INT(t->events.count, 0);
        sip(TRACE_BROWSER, true, "SIP/2.0 200 OK\r\nCSeq: 3 INFO\r\n\r\n");
        CHECK(t->events.count + t->events.dropped <= 1);
    }
    mos = json_get(json_get(json_get(read_back(), "graphs"), "browser"), "mos");
    if (mos) {
        CHECK(!json_num(json_arr_at(mos, 3), &n)); /* null */
        CHECK(json_num(json_arr_at(mos, 12), &n) && n == 1.0);
        CHECK(json_num(json_arr_at(mos, 25), &n) && n == 2.0);
        CHECK(!json_num(json_arr_at(mos, 38), &n));
    }
    finish();
}

TEST(what_is_called_bad_is_kept)
{
    static const struct trace_facts none, held = {.held = true};
    const struct cdr_stream good = {.packets = 3000, .lost = 10, .jitter_ms = 5, .mos = 4.3};
    struct cdr c = {.answer_ms = 1000, .end_ms = 61000, .hangup = CDR_AGENT, .code = 200};

    c.from_browser = c.from_trunk = good;
    CHECK(!traced_bad(&none, &c));
    c.from_trunk.jitter_ms = 60;
    CHECK(traced_bad(&none, &c));
    c.from_trunk = good;
    c.from_browser.lost = 300;
    CHECK(traced_bad(&none, &c));
    c.from_browser = (struct cdr_stream){.packets = 20, .mos = 4.3};
    CHECK(traced_bad(&none, &c));
    CHECK(!traced_bad(&held, &c));
    c.end_ms = 1500; /* so short that it means nothing */
    CHECK(!traced_bad(&none, &c));
    c.from_browser.packets = 0;
    CHECK(!traced_bad(&none, &c));
}

TEST(facts_of_descriptions)
{
    static const struct {
        const char *sdp, *addr, *codecs;
        int64_t cands, relays;
    } cases[] = {
        {"", "", "", 0, 0},
        {"m=audio", "", "", 0, 0},
        {"v=0\nc=IN IP4 1.2.3.4\nm=audio 9 RTP/AVP 0 8\n", "1.2.3.4:9", "PCMU PCMA", 0, 0},
        {"c=IN IP4 1.2.3.4\r\nm=video 7 RTP/AVP 96\r\na=rtpmap:96 VP8/90000\r\nm=audio 9 RTP/AVP 8\r\nc=IN "
         "IP6 2001:db8::1\r\nm=audio 11 X 0\r\n",
         "[2001:db8::1]:9", "PCMA", 0, 0},
        {"m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=rtpmap:111 opus/48000/2\r\na=candidate:1 1 udp 1 10.0.0.1 5 "
         "typ host\r\n"
         "a=candidate:2 1 udp 1 10.0.0.2 5 typ relay raddr\r\n",
         "", "opus", 2, 1},
        {"c=IN IP4 <script>\nm=audio 1 x 0\n", "", "PCMU", 0, 0},
    };
    struct trace_sdp s;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        trace_sdp_read(&s, cases[i].sdp, strlen(cases[i].sdp));
        CHECK_STR(s.addr, cases[i].addr);
        CHECK_STR(s.codecs, cases[i].codecs);
        CHECK_EQ_INT(s.cands, cases[i].cands);
        CHECK_EQ_INT(s.relay_cands, cases[i].relays);
    }
}

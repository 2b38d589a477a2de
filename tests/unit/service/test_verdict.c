/* What was wrong with a call, in words: each kind of broken call gets its sentence, and good ones get none that alarms. */
#include "service/verdictwords.h"
#include "testing.h"

#define AT INT64_C(1700000000000)
#define FINE                                                                                                 \
    {                                                                                                        \
        "PCMU", 3000, 480000, 0, 2, 4.3                                                                      \
    }

struct kind {
    const char *name;
    struct cdr c;
    struct trace_facts f;
    enum verdict_level level;
    const char *title, *cause, *advice; /* parts of it; "" = none */
};

/* A minute's call. */
#define LASTED .start_ms = AT, .answer_ms = AT + 5000, .end_ms = AT + 65000, .trunk = "genesys"
#define TALK LASTED, .code = 200, .path = CDR_PATH_DIRECT
#define NEVER .start_ms = AT, .end_ms = AT + 4000, .trunk = "genesys", .callee = "0301234", .dn = "5001"

static const struct kind kinds[] = {
    /* the twelve */
    {"one way: nothing from the trunk",
     {TALK, .from_browser = FINE, .hangup = CDR_AGENT},
     {.trunk_sdp = "10.1.2.3:4000", .trunk_peer = "10.1.2.3:5060", .our_media = "10.9.9.9:10100"},
     VERDICT_BAD,
     "the agent heard nothing",
     "Its SDP named 10.1.2.3:4000; ours named 10.9.9.9:10100",
     "rtp.port_min"},
    {"one way: another source than the SDP says",
     {TALK, .from_browser = FINE, .hangup = CDR_AGENT},
     {.trunk_sdp = "10.1.2.3:4000",
      .trunk_peer = "10.1.2.3:5060",
      .stranger = "10.1.2.9:4000",
      .strangers = 2950},
     VERDICT_BAD,
     "the agent heard nothing",
     "named 10.1.2.3:4000, but 2950 packets came from 10.1.2.9:4000",
     "10.1.2.9:4000"},
    {"one way: nothing from the browser",
     {TALK, .from_trunk = FINE, .hangup = CDR_TRUNK},
     {.keys = 0},
     VERDICT_BAD,
     "the agent was not heard",
     "browser",
     "microphone"},
    {"a private address behind a NAT",
     {TALK, .from_browser = FINE, .hangup = CDR_AGENT},
     {.trunk_sdp = "192.168.7.7:4000", .trunk_peer = "203.0.113.5:5060"},
     VERDICT_BAD,
     "the agent heard nothing",
     "192.168.7.7:4000, a private address, while its SIP comes from 203.0.113.5:5060",
     "public address"},
    {"codec",
     {NEVER, .direction = CDR_OUTBOUND, .code = 488, .reason = "Not Acceptable Here", .hangup = CDR_TRUNK},
     {.trunk_codecs = "G729 telephone-event", .trunk_heard = 2, .trunk_tries = 1},
     VERDICT_BAD,
     "No common codec",
     "speaks G729 telephone-event",
     "G.711"},
    {"codec, refused with a warning",
     {NEVER, .direction = CDR_OUTBOUND, .code = 488, .hangup = CDR_TRUNK},
     {.warning = "305 sbc \"Incompatible media format\"", .trunk_heard = 2, .trunk_tries = 1},
     VERDICT_BAD,
     "No common codec",
     "The trunk refused the description of the audio: 305",
     "G.711"},
    {"ICE",
     {LASTED, .code = 500, .reason = "Media failed: ice", .hangup = CDR_GATEWAY, .path = CDR_PATH_NONE},
     {.failed = "ice", .cands = 3},
     VERDICT_BAD,
     "found no way to each other",
     "3 addresses",
     "TURN"},
    {"DTLS",
     {LASTED, .code = 500, .reason = "Media failed: dtls", .hangup = CDR_GATEWAY,
      .remote_ice = "192.0.2.1:5"},
     {.failed = "dtls"},
     VERDICT_BAD,
     "encryption",
     "DTLS handshake",
     "MTU"},
    {"404",
     {NEVER, .direction = CDR_OUTBOUND, .code = 404, .reason = "Not Found", .hangup = CDR_TRUNK},
     {.trunk_heard = 1, .trunk_tries = 1},
     VERDICT_BAD,
     "The number 0301234 does not exist",
     "genesys answered 404",
     "route"},
    {"480",
     {NEVER, .direction = CDR_INBOUND, .code = 480, .reason = "Agent's connection lost",
      .hangup = CDR_GATEWAY},
     {.keys = 0},
     VERDICT_BAD,
     "The agent could not be reached",
     "DN 5001",
     "Genesys"},
    {"trunk timeout",
     {NEVER, .direction = CDR_OUTBOUND, .code = 408, .hangup = CDR_GATEWAY},
     {.trunk_tries = 1, .trunk_peer = "10.0.0.1:5060"},
     VERDICT_BAD,
     "The trunk did not answer",
     "10.0.0.1:5060",
     "firewall"},
    {"trunk timeout, by another code",
     {NEVER, .direction = CDR_OUTBOUND, .code = 503, .hangup = CDR_GATEWAY},
     {.trunk_tries = 2, .trunk_peer = "10.0.0.1:5060"},
     VERDICT_BAD,
     "The trunk did not answer",
     "and others",
     "firewall"},
    {"a page that did not come back",
     {LASTED, .code = 200, .reason = "Agent's page did not come back", .hangup = CDR_GATEWAY,
      .from_browser = FINE, .from_trunk = FINE, .remote_ice = "192.0.2.1:5"},
     {.failed = ""},
     VERDICT_BAD,
     "page did not come back",
     "call.rebind_seconds",
     "network"},
    {"lost consent",
     {LASTED, .code = 500, .reason = "Media failed: browser did not come back", .hangup = CDR_GATEWAY,
      .from_browser = FINE, .from_trunk = FINE, .remote_ice = "192.0.2.1:5"},
     {.failed = "consent"},
     VERDICT_BAD,
     "connection to the agent's browser was lost",
     "192.0.2.1:5",
     "network"},
    {"jitter",
     {TALK, .from_browser = {"opus", 3000, 1, 3, 85, 3.2}, .from_trunk = FINE, .hangup = CDR_AGENT},
     {.keys = 0},
     VERDICT_BAD,
     "choppily",
     "jitter 85 ms",
     "agent's network"},
    {"jitter of the trunk, and a browser that is not good either",
     {TALK, .from_browser = {"opus", 3000, 1, 3, 20, 3.4}, .from_trunk = {"PCMU", 3000, 1, 3, 99, 3.2},
      .hangup = CDR_AGENT},
     {.keys = 0},
     VERDICT_BAD,
     "The agent heard choppily",
     "jitter 99 ms",
     "QoS"},
    {"digits of a type that is not taken",
     {TALK, .from_browser = FINE, .from_trunk = FINE, .hangup = CDR_AGENT},
     {.info_refused = 4, .trunk_codecs = "PCMU"},
     VERDICT_BAD,
     "Digits did not get through",
     "no telephone-event",
     "RFC 4733"},
    {"digits as tones",
     {TALK, .from_browser = FINE, .from_trunk = FINE, .hangup = CDR_AGENT},
     {.keys = 4, .trunk_codecs = "PCMU"},
     VERDICT_WARN,
     "Digits may not",
     "4 digits went as tones",
     "RFC 4733"},
    /* others */
    {"loss",
     {TALK, .from_browser = FINE, .from_trunk = {"PCMU", 2700, 1, 300, 2, 2.9}, .hangup = CDR_AGENT},
     {.keys = 0},
     VERDICT_BAD,
     "The agent heard with gaps",
     "10.0 % of the packets from the trunk",
     "QoS"},
    {"neither side",
     {TALK, .hangup = CDR_AGENT},
     {.keys = 0},
     VERDICT_BAD,
     "neither side",
     "hardly a packet",
     "Network"},
    {"no trunk is up",
     {.start_ms = AT, .end_ms = AT, .direction = CDR_OUTBOUND, .code = 503, .hangup = CDR_GATEWAY},
     {.keys = 0},
     VERDICT_BAD,
     "No trunk was up",
     "OPTIONS",
     "Trunks"},
    {"a DN that is not there",
     {NEVER, .direction = CDR_INBOUND, .code = 404, .hangup = CDR_GATEWAY},
     {.keys = 0},
     VERDICT_BAD,
     "DN 5001 does not exist here",
     "",
     "Genesys"},
    {"refused by the trunk",
     {NEVER, .direction = CDR_OUTBOUND, .code = 403, .reason = "Forbidden", .hangup = CDR_TRUNK},
     {.trunk_heard = 1, .trunk_tries = 1},
     VERDICT_BAD,
     "refuses our calls",
     "403 Forbidden",
     "password"},
    {"the other side's server",
     {NEVER, .direction = CDR_OUTBOUND, .code = 500, .reason = "Oops", .hangup = CDR_TRUNK},
     {.trunk_heard = 1, .trunk_tries = 1},
     VERDICT_BAD,
     "The trunk could not serve",
     "500 Oops",
     "SIP Server"},
    {"silence",
     {LASTED, .code = 408, .reason = "Media timeout: trunk", .hangup = CDR_GATEWAY, .from_browser = FINE,
      .from_trunk = FINE},
     {.failed = "trunk"},
     VERDICT_BAD,
     "nothing was heard from the trunk",
     "media.rtp_timeout",
     "BYE"},
    {"far away",
     {TALK, .from_browser = FINE, .from_trunk = FINE, .rtt_ms = 600, .hangup = CDR_AGENT},
     {.keys = 0},
     VERDICT_WARN,
     "delay",
     "600 ms",
     "VPN"},
    /* good ones */
    {"well",
     {TALK, .from_browser = FINE, .from_trunk = FINE, .hangup = CDR_AGENT},
     {.trunk_events = true, .keys = 3, .trunk_codecs = "PCMU telephone-event"},
     VERDICT_GOOD,
     "went well",
     "the agent hung up",
     ""},
    {"well, without a trace",
     {TALK, .from_browser = FINE, .from_trunk = FINE, .hangup = CDR_TRUNK},
     {.keys = 0},
     VERDICT_GOOD,
     "went well",
     "",
     ""},
    {"too short to say",
     {.start_ms = AT, .answer_ms = AT, .end_ms = AT + 900, .code = 200, .hangup = CDR_AGENT},
     {.keys = 0},
     VERDICT_GOOD,
     "went well",
     "",
     ""},
    {"held",
     {TALK, .from_browser = FINE, .hangup = CDR_AGENT},
     {.held = true},
     VERDICT_GOOD,
     "went well",
     "",
     ""},
    {"lost and came back",
     {TALK, .from_browser = FINE, .from_trunk = FINE, .hangup = CDR_AGENT},
     {.failed = "consent"},
     VERDICT_GOOD,
     "went well",
     "",
     ""},
    {"busy",
     {NEVER, .direction = CDR_OUTBOUND, .code = 486, .hangup = CDR_TRUNK},
     {.trunk_heard = 1},
     VERDICT_GOOD,
     "Busy",
     "",
     ""},
    {"gave up",
     {NEVER, .direction = CDR_INBOUND, .code = 487, .ring_ms = AT + 1000, .hangup = CDR_TRUNK},
     {.keys = 0},
     VERDICT_GOOD,
     "The caller gave up",
     "rung for 3 s",
     ""},
    {"nobody answered",
     {NEVER, .direction = CDR_INBOUND, .code = 480, .ring_ms = AT + 1000, .hangup = CDR_GATEWAY},
     {.keys = 0},
     VERDICT_GOOD,
     "Nobody answered",
     "3 s",
     ""},
    {"more calls than the DN may have, out",
     {NEVER, .direction = CDR_OUTBOUND, .code = 486, .reason = "Busy Here", .hangup = CDR_GATEWAY},
     {.browser_heard = 1},
     VERDICT_WARN,
     "as many calls as allowed",
     "DN 5001",
     "call limit"},
    {"more calls than the DN may have, in",
     {NEVER, .direction = CDR_INBOUND, .code = 486, .reason = "Busy Here", .hangup = CDR_GATEWAY},
     {.trunk_heard = 1},
     VERDICT_GOOD,
     "Busy",
     "call limit",
     ""},
    {"the agent's connection lost while it rang here",
     {NEVER, .direction = CDR_INBOUND, .code = 480, .ring_ms = AT + 1000, .reason = "Agent's connection lost",
      .hangup = CDR_GATEWAY},
     {.keys = 0},
     VERDICT_BAD,
     "connection was lost",
     "rung for 3 s",
     "network"},
    {"the agent's connection lost while it rang there",
     {NEVER, .direction = CDR_OUTBOUND, .code = 480, .reason = "Agent's connection lost",
      .hangup = CDR_GATEWAY},
     {.trunk_heard = 1, .trunk_tries = 1},
     VERDICT_BAD,
     "connection was lost",
     "browser",
     "network"},
    {"declined",
     {NEVER, .direction = CDR_INBOUND, .code = 603, .hangup = CDR_AGENT},
     {.keys = 0},
     VERDICT_GOOD,
     "declined",
     "",
     ""},
};

static bool has(const char *text, const char *part)
{
    return *part ? strstr(text, part) != NULL : true;
}

/* All that its texts name has something to stand for. */
static bool whole(const struct verdict *v)
{
    static const struct sentence_params none;

    for (int say = 0; say < SAYS; say++) {
        const struct verdict_row *row = verdict_row((enum verdict_say)say);
        const char *const texts[] = {row->title, row->cause, row->advice};
        char bare[512];

        if (strcmp(row->code, v->code) != 0)
            continue;
        for (size_t t = 0; t < 3; t++)
            for (const char *at = texts[t]; at && (at = strchr(at, '{')); at++) {
                const struct sentence_params *p = &v->params;
                size_t i = 0;

                while (i < SENTENCE_PARAMS_MAX && p->v[i].name &&
                       strncmp(at + 1, p->v[i].name, strlen(p->v[i].name)) != 0)
                    i++;
                if (i == SENTENCE_PARAMS_MAX || !p->v[i].name)
                    return false;
            }
        sentence_fill(bare, sizeof(bare), row->title, &none);
        return bare[0];
    }
    return false;
}

TEST(each_code_is_one_rows)
{
    for (int a = 0; a < SAYS; a++)
        for (int b = a + 1; b < SAYS; b++)
            CHECK(strcmp(verdict_row((enum verdict_say)a)->code, verdict_row((enum verdict_say)b)->code) !=
                  0);
}

TEST(a_sentence_is_filled_in)
{
    struct sentence_params p = {.v = {{NULL}}};
    struct buf json;
    char text[48], narrow[8];

    sentence_text(&p, "a", "%s", "{b} \"x\"");
    sentence_number(&p, "b", 2.25, 1);
    sentence_text(&p, "none", "%s", "");
    sentence_text(&p, "d", "4");
    sentence_text(&p, "e", "one too many");
    sentence_fill(text, sizeof(text), "{a}, {b} {none}. {d}{e}{", &p);
    CHECK_STR(text, "{b} \"x\", 2.2. 4{");
    sentence_fill(narrow, sizeof(narrow), "{a}{a}{a}", &p);
    CHECK_EQ_INT(strlen(narrow), 7);
    buf_init(&json, 200);
    sentence_json(&json, &p);
    CHECK(json.data && !strcmp(json.data, "{\"a\":\"{b} \\\"x\\\"\",\"b\":2.2,\"none\":\"\",\"d\":\"4\"}"));
    buf_reset(&json);
}

TEST(each_kind_of_call_gets_its_sentence)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        const struct kind *k = &kinds[i];
        struct verdict v;

        verdict_make(&v, &k->c, &k->f);
        if (v.level != k->level || !has(v.title, k->title) || !has(v.cause, k->cause) ||
            !has(v.advice, k->advice)) {
            testing_fail(__FILE__, __LINE__, "%s: %s: %s | %s | %s", k->name, verdict_level_name(v.level),
                         v.title, v.cause, v.advice);
            return;
        }
        CHECK(v.title[0]);
        CHECK(whole(&v));
        CHECK((v.level == VERDICT_BAD) <= (v.advice[0] != 0)); /* what is bad has something to do about it */
    }
}

/* A record alone, with any code and reason, gets a whole sentence. */
TEST(no_record_leaves_it_speechless)
{
    struct verdict v;

    for (unsigned code = 0; code < 700; code += 1)
        for (int d = 0; d < 2; d++)
            for (int by = 0; by < 4; by++) {
                struct cdr c = {.code = (uint16_t)code,
                                .direction = (enum cdr_direction)d,
                                .hangup = (enum cdr_party)by,
                                .start_ms = AT,
                                .end_ms = AT + 9000,
                                .ring_ms = code % 2 ? AT + 10 : 0};

                memset(c.callee, 'x', sizeof(c.callee) - 1);
                memset(c.reason, '%', sizeof(c.reason) - 1);
                verdict_make(&v, &c, NULL);
                CHECK(v.title[0] && whole(&v));
                c.answer_ms = AT + 20;
                verdict_make(&v, &c, NULL);
                CHECK(v.title[0] && whole(&v));
            }
}

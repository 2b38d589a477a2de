/* Which m-line of an offer is served, what its refusal says, and which payload types may come after an answer. */
#include "call/sdp.h"
#include "testing.h"
#include <errno.h>

#define HEAD "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\n"
#define CONN "c=IN IP4 192.0.2.1\r\n"
#define FP                                                                                                   \
    "a=ice-ufrag:EsAw\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\na=rtcp-mux\r\na=setup:actpass\r\n"            \
    "a=fingerprint:sha-256 "                                                                                 \
    "D1:2C:BE:AD:C4:F6:64:5C:25:16:11:9C:AF:E7:0F:73:79:36:4E:9C:1E:15:54:39:0C:06:8B:ED:96:86:00:39\r\n"
#define CRYPTO "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:dEqpO7RgmMamQxQ8S8WFAVE5FOaOEsexwRz74Ql5\r\n"

static struct media_trunk trunk;
static struct media_browser browser;

static int fits_trunk(const struct sdp *s, void *arg)
{
    struct sdp_order order;

    (void)arg;
    sdp_order_decode(&order, "", MEDIA_NONE);
    return sdp_to_trunk(&trunk, s, &order, false);
}

static int fits_browser(const struct sdp *s, void *arg)
{
    (void)arg;
    return sdp_to_browser(&browser, s, MEDIA_OPUS, true);
}

static int offer(struct sdp *s, const char *text)
{
    return sdp_parse_offer(s, text, strlen(text), fits_trunk, NULL);
}

/* Our answer to the offer, without CRs and attributes. */
static const char *answer(const struct sdp *s)
{
    static char lines[1024];
    struct sdp_own own = {.offer = s, .dir = MEDIA_SENDRECV};
    struct sdp_order order;
    struct buf out;

    lines[0] = '\0';
    sdp_order_decode(&order, "", MEDIA_NONE);
    (void)addr_parse_ip(&own.addr, "192.0.2.7", 10100);
    buf_init(&out, 8192);
    if (!sdp_write_trunk(&out, &own, &order, &trunk))
        for (const char *p = strstr(out.data, "m="); p;
             p = strstr(p + 1, "\nm=") ? strstr(p + 1, "\nm=") + 1 : NULL)
            (void)snprintf(lines + strlen(lines), sizeof(lines) - strlen(lines), "%.*s\n",
                           (int)strcspn(p, "\r"), p);
    buf_reset(&out);
    return lines;
}

TEST(the_first_line_that_can_be_served_is_answered_and_the_others_refused_as_they_are)
{
    static const struct {
        const char *media, *answer;
    } cases[] = {
        {"m=audio 40000 RTP/SAVP 0 8\r\n" CRYPTO "m=audio 40002 RTP/AVP 0 8\r\n",
         "m=audio 0 RTP/SAVP 0 8\nm=audio 10100 RTP/AVP 0\n"},
        {"m=audio 40000 RTP/AVP 0\r\nm=audio 40000 RTP/SAVP 0\r\n" CRYPTO,
         "m=audio 10100 RTP/AVP 0\nm=audio 0 RTP/SAVP 0\n"},
        {"m=audio 40000 RTP/AVPF 8\r\n", "m=audio 10100 RTP/AVPF 8\n"},
        {"m=audio 40000 rtp/avp 8\r\n", "m=audio 10100 rtp/avp 8\n"},
        {"m=audio 40000 RTP/AVP 18 9\r\nm=audio 40004 RTP/AVP 9 8\r\n",
         "m=audio 0 RTP/AVP 18 9\nm=audio 10100 RTP/AVP 8\n"},
        {"m=audio 40000 UDP/TLS/RTP/SAVPF 0\r\n" FP "m=audio 40000 RTP/AVP 0\r\n",
         "m=audio 0 UDP/TLS/RTP/SAVPF 0\nm=audio 10100 RTP/AVP 0\n"},
        {"m=image 5000 udptl t38\r\nm=audio 40000 RTP/AVP 0\r\nm=application 9 UDP/BFCP *\r\n",
         "m=image 0 udptl t38\nm=audio 10100 RTP/AVP 0\nm=application 0 UDP/BFCP *\n"},
        {"m=audio 0 RTP/AVP 0\r\nm=audio 40000 RTP/AVP 0\r\n",
         "m=audio 0 RTP/AVP 0\nm=audio 10100 RTP/AVP 0\n"},
        {"m=audio 40000 RTP/AVP 0\r\nc=IN IP4 media.example\r\nm=audio 40002 RTP/AVP 0\r\n",
         "m=audio 0 RTP/AVP 0\nm=audio 10100 RTP/AVP 0\n"},
    };
    char text[2048];
    struct sdp s;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        (void)snprintf(text, sizeof(text), HEAD CONN "%s", cases[i].media);
        CHECK_EQ_INT(offer(&s, text), 0);
        CHECK_STR(answer(&s), cases[i].answer);
    }
}

TEST(what_cannot_be_served_says_why)
{
    static const struct {
        const char *text;
        int err;
        unsigned warning;
    } cases[] = {
        {HEAD CONN, ENODATA, 304},
        {HEAD CONN "m=video 40000 RTP/AVP 96\r\n", ENODATA, 304},
        {HEAD CONN "m=audio 0 RTP/AVP 0\r\n", ENODATA, 304},
        {HEAD CONN "m=audio 40000 RTP/SAVP 0\r\n" CRYPTO, EPROTONOSUPPORT, 302},
        {HEAD CONN "m=audio 40000 RTP/SAVPF 0\r\n" FP, EPROTONOSUPPORT, 302},
        {HEAD CONN "m=audio 40000 UDP/TLS/RTP/SAVP 0\r\n" FP, EPROTONOSUPPORT, 302},
        {HEAD CONN "m=audio 40000 TCP/RTP/AVP 0\r\n", EPROTONOSUPPORT, 302},
        {HEAD CONN "m=audio 40000 udp 0\r\n", EPROTONOSUPPORT, 302},
        {HEAD CONN "m=audio 40000 RTP/AVP 18 101\r\na=rtpmap:101 telephone-event/8000\r\n", ENOTSUP, 305},
        {HEAD CONN "m=audio 40000 RTP/AVP 96\r\na=rtpmap:96 PCMU/8000/2\r\n", ENOTSUP, 305},
        {HEAD CONN "m=audio 40000 RTP/AVP 0\r\na=rtpmap:0 L16/8000\r\n", ENOTSUP, 305},
        {HEAD "m=audio 40000 RTP/AVP 0\r\n", EDESTADDRREQ, 301},
        {HEAD "c=IN IP4 media.example\r\nm=audio 40000 RTP/AVP 0\r\n", EDESTADDRREQ, 301},
        {HEAD CONN "m=audio 40000 RTP/AVP 0\r\nc=IN IP4 media.example\r\n", EDESTADDRREQ, 301},
        {HEAD "c=ATM NSAP 47.0091\r\nm=audio 40000 RTP/AVP 0\r\n", EDESTADDRREQ, 301},
        {HEAD "c=IN IP4 \r\nm=audio 40000 RTP/AVP 0\r\n", EDESTADDRREQ, 301},
        {HEAD "c=IN IP4 224.2.36.42/127\r\nm=audio 40000 RTP/AVP 0\r\n", EADDRNOTAVAIL, 330},
        {HEAD "c=IN IP6 ff15::101\r\nm=audio 40000 RTP/AVP 0\r\n", EADDRNOTAVAIL, 330},
        {HEAD "c=IN IP4 255.255.255.255\r\nm=audio 40000 RTP/AVP 0\r\n", ENETUNREACH, 301},
        {HEAD "c=IN IP4 0.0.0.9\r\nm=audio 40000 RTP/AVP 0\r\n", ENETUNREACH, 301},
        {HEAD CONN "m=audio 70000 RTP/AVP 0\r\n", EBADMSG, 399},
    };
    const char *said;
    struct sdp s;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        CHECK_EQ_INT(offer(&s, cases[i].text), cases[i].err);
        CHECK_EQ_INT(sdp_warning(cases[i].err, &said), cases[i].warning);
        CHECK(said && said[0] && !strchr(said, '"'));
    }
}

TEST(an_answer_has_the_proto_of_our_offer)
{
    static const char *protos[] = {"RTP/AVPF", "RTP/SAVP", "RTP/SAVPF", "UDP/TLS/RTP/SAVPF", "RTP/XYZ"};
    struct sdp_order order;
    char text[512];
    struct sdp s;

    sdp_order_decode(&order, "", MEDIA_NONE);
    for (size_t i = 0; i < sizeof(protos) / sizeof(protos[0]); i++) {
        (void)snprintf(text, sizeof(text), HEAD CONN "m=audio 40000 %s 0\r\n", protos[i]);
        CHECK_EQ_INT(sdp_parse(&s, text, strlen(text), SDP_LINE_ANY), 0);
        CHECK_EQ_INT(sdp_to_trunk(&trunk, &s, &order, true), EPROTONOSUPPORT);
    }
    /* a line of its own making behind the one that answers ours is none of ours */
    (void)snprintf(text, sizeof(text), HEAD CONN "m=audio 0 RTP/SAVP 0\r\nm=audio 40000 RTP/AVP 0\r\n");
    CHECK_EQ_INT(sdp_parse(&s, text, strlen(text), SDP_LINE_ANY), 0);
    CHECK(s.audio < 0 && s.refused);
    CHECK_EQ_INT(sdp_to_trunk(&trunk, &s, &order, true), ENODATA);
}

TEST(a_browser_may_name_the_proto_as_older_stacks_do)
{
    static const char *protos[] = {
        "RTP/SAVPF",         "RTP/SAVP",           "UDP/TLS/RTP/SAVP", "UDP/TLS/RTP/SAVPF",
        "TCP/DTLS/RTP/SAVP", "TCP/DTLS/RTP/SAVPF", "RTP/AVPF",         "RTP/AVP"};
    char text[1024];
    struct sdp s;

    for (size_t i = 0; i < sizeof(protos) / sizeof(protos[0]); i++) {
        (void)snprintf(text, sizeof(text), HEAD "m=audio 9 %s 0 8\r\nc=IN IP4 0.0.0.0\r\n" FP, protos[i]);
        CHECK_EQ_INT(sdp_parse_offer(&s, text, strlen(text), fits_browser, NULL), 0);
        CHECK_STR(s.mline[s.audio].proto, protos[i]);
        (void)snprintf(text, sizeof(text), HEAD "m=audio 9 %s 0 8\r\nc=IN IP4 0.0.0.0\r\n" CRYPTO, protos[i]);
        CHECK_EQ_INT(sdp_parse_offer(&s, text, strlen(text), fits_browser, NULL), EPROTO);
    }
    (void)snprintf(text, sizeof(text), HEAD "m=audio 9 UDP/XYZ 0 8\r\nc=IN IP4 0.0.0.0\r\n" FP);
    CHECK_EQ_INT(sdp_parse_offer(&s, text, strlen(text), fits_browser, NULL), EPROTONOSUPPORT);
}

/* --- payload types --- */

static bool may_come(const struct media_formats *f, uint8_t pt, enum media_codec c, uint32_t rate)
{
    const struct media_format *one = media_formats_of(f, pt);

    return one && one->codec == c && one->rate == rate;
}

/* Chromium answers our 110/48000 and 126/8000 with both, and sends the second. */
TEST(every_type_that_the_answer_lists_may_come_at_its_own_clock)
{
    struct sdp s;
    static const char text[] = HEAD "m=audio 9 UDP/TLS/RTP/SAVPF 111 0 8 110 126\r\nc=IN IP4 0.0.0.0\r\n" FP
                                    "a=rtpmap:111 opus/48000/2\r\na=rtpmap:110 telephone-event/48000\r\n"
                                    "a=rtpmap:126 telephone-event/8000\r\n";

    CHECK_EQ_INT(sdp_parse(&s, text, sizeof(text) - 1, SDP_LINE_ANY), 0);
    CHECK_EQ_INT(sdp_to_browser(&browser, &s, MEDIA_NONE, false), 0);
    CHECK(may_come(&browser.formats, 111, MEDIA_OPUS, 48000) &&
          may_come(&browser.formats, 0, MEDIA_PCMU, 8000));
    CHECK(may_come(&browser.formats, 8, MEDIA_PCMA, 8000));
    CHECK(may_come(&browser.formats, 110, MEDIA_EVENT, 48000) &&
          may_come(&browser.formats, 126, MEDIA_EVENT, 8000));
}

/* RFC 3264 6.1: an answerer sends by the offer's numbers and names those that it wants to get; many send their own. */
TEST(an_answer_with_other_numbers_leaves_both_ways_open)
{
    struct sdp_order order;
    struct sdp s;
    static const char page[] = HEAD "m=audio 9 UDP/TLS/RTP/SAVPF 96 97 98\r\nc=IN IP4 0.0.0.0\r\n" FP
                                    "a=rtpmap:96 opus/48000/2\r\na=rtpmap:97 telephone-event/48000\r\n"
                                    "a=rtpmap:98 opus/48000/2\r\n";
    static const char server[] =
        HEAD CONN "m=audio 40000 RTP/AVP 97 8 96 100\r\na=rtpmap:97 pcmu/8000\r\n"
                  "a=rtpmap:96 telephone-event/8000\r\na=rtpmap:100 telephone-event/8000\r\n";

    CHECK_EQ_INT(sdp_parse(&s, page, sizeof(page) - 1, SDP_LINE_ANY), 0);
    CHECK_EQ_INT(sdp_to_browser(&browser, &s, MEDIA_NONE, false), 0);
    CHECK_EQ_INT(media_formats_codec(&browser.formats, MEDIA_OPUS)->pt, 96);
    CHECK_EQ_INT(media_formats_event(&browser.formats, MEDIA_OPUS)->pt, 97);
    CHECK(may_come(&browser.formats, 111, MEDIA_OPUS, 48000) &&
          may_come(&browser.formats, 98, MEDIA_OPUS, 48000));
    CHECK(may_come(&browser.formats, 110, MEDIA_EVENT, 48000));
    CHECK(!media_formats_of(&browser.formats, 126) &&
          !media_formats_of(&browser.formats, 0)); /* it takes none */

    sdp_order_decode(&order, "", MEDIA_NONE);
    CHECK_EQ_INT(sdp_parse(&s, server, sizeof(server) - 1, SDP_LINE_ANY), 0);
    CHECK_EQ_INT(sdp_to_trunk(&trunk, &s, &order, true), 0);
    CHECK_EQ_INT(trunk.codec, MEDIA_PCMU);
    CHECK_EQ_INT(media_formats_codec(&trunk.formats, MEDIA_PCMU)->pt, 97);
    CHECK_EQ_INT(media_formats_event(&trunk.formats, MEDIA_PCMU)->pt, 96);
    CHECK(may_come(&trunk.formats, 0, MEDIA_PCMU, 8000) && may_come(&trunk.formats, 8, MEDIA_PCMA, 8000));
    CHECK(may_come(&trunk.formats, 100, MEDIA_EVENT, 8000) &&
          may_come(&trunk.formats, 101, MEDIA_EVENT, 8000));
}

/* However many an offer lists, what we answer with is among those that may come. */
TEST(a_flood_of_types_leaves_room_for_the_chosen)
{
    char text[4096] = HEAD CONN "m=audio 40000 RTP/AVP";
    struct sdp s;
    size_t n;

    for (int pt = 96; pt < 120; pt++) {
        n = strlen(text);
        (void)snprintf(text + n, sizeof(text) - n, " %d", pt);
    }
    n = strlen(text);
    (void)snprintf(text + n, sizeof(text) - n, " 8\r\n");
    for (int pt = 96; pt < 120; pt++) {
        n = strlen(text);
        (void)snprintf(text + n, sizeof(text) - n, "a=rtpmap:%d telephone-event/8000\r\n", pt);
    }
    CHECK_EQ_INT(offer(&s, text), 0);
    CHECK(may_come(&trunk.formats, 8, MEDIA_PCMA, 8000));
    CHECK_STR(answer(&s), "m=audio 10100 RTP/AVP 8 96\n");
}

TEST(packets_are_as_long_as_the_peer_takes_them)
{
    static const struct {
        const char *lines;
        unsigned ms;
    } cases[] = {
        {"", 20},
        {"a=ptime:30\r\n", 30},
        {"a=ptime:200\r\n", 20},
        {"a=ptime:5\r\n", 20},
        {"a=ptime:x\r\n", 20},
        {"a=maxptime:10\r\n", 10},
        {"a=maxptime:150\r\n", 20},
        {"a=ptime:60\r\na=maxptime:40\r\n", 40},
        {"a=maxptime:40\r\na=ptime:30\r\n", 30},
        {"a=maxptime:0\r\n", 20},
    };
    char text[512];
    struct sdp s;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        (void)snprintf(text, sizeof(text), HEAD CONN "m=audio 40000 RTP/AVP 0\r\n%s", cases[i].lines);
        CHECK_EQ_INT(offer(&s, text), 0);
        CHECK_EQ_INT(trunk.ptime_ms, cases[i].ms);
    }
}

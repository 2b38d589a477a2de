/* Codecs of a trunk: their order and set, payload types of either side's choice, packet lengths, Opus's wishes, comfort noise. */
#include "call/sdp.h"
#include "testing.h"
#include <errno.h>

#define HEAD "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"

static struct media_trunk trunk;
static struct sdp_order order;
static struct sdp peer;

static int fits(const struct sdp *s, void *arg)
{
    (void)arg;
    return sdp_to_trunk(&trunk, s, &order, false);
}

/* The trunk's offer, as its m= line from the formats on and the attributes behind it. */
static int offered(const char *codecs, const char *m)
{
    char text[2048];

    memset(&trunk, 0, sizeof(trunk));
    sdp_order_decode(&order, codecs, MEDIA_NONE);
    (void)snprintf(text, sizeof(text), HEAD "m=audio 40000 RTP/AVP %s", m);
    return sdp_parse_offer(&peer, text, strlen(text), fits, NULL);
}

/* Its answer to our offer. */
static int answered(const char *m)
{
    char text[2048];

    (void)snprintf(text, sizeof(text), HEAD "m=audio 40000 RTP/AVP %s", m);
    if (sdp_parse(&peer, text, strlen(text), SDP_LINE_ANY))
        return EBADMSG;
    return sdp_to_trunk(&trunk, &peer, &order, true);
}

/* What we write: t NULL: an offer. From its m= line on, with commas for line ends; without a=sendrecv. */
static const char *written(const struct media_trunk *t, const struct sdp *offer,
                           const struct media_formats *known)
{
    static char lines[1024];
    struct sdp_own own = {.offer = offer, .dir = MEDIA_SENDRECV, .known = known, .beside = MEDIA_OPUS};
    struct buf out;
    size_t n = 0;

    (void)addr_parse_ip(&own.addr, "192.0.2.7", 10100);
    buf_init(&out, 8192);
    if (!sdp_write_trunk(&out, &own, &order, t))
        for (const char *p = strstr(out.data, "m="); *p && n + 1 < sizeof(lines); p++)
            if (*p != '\r')
                lines[n++] = *p == '\n' ? ',' : *p;
    lines[n] = '\0';
    buf_reset(&out);
    return lines;
}

static bool may_come(uint8_t pt, enum media_codec codec, uint32_t rate)
{
    const struct media_format *f = media_formats_of(&trunk.formats, pt);

    return f && f->codec == codec && f->rate == rate;
}

TEST(the_trunks_order_decides_and_what_it_leaves_out_is_not_spoken)
{
#define ALL                                                                                                  \
    "0 8 9 96 101\r\na=rtpmap:0 pcmu/8000\r\na=rtpmap:9 g722/8000\r\na=rtpmap:96 opus/48000/2\r\n"           \
    "a=rtpmap:101 telephone-event/8000\r\n"
    static const struct {
        const char *codecs;
        enum media_codec codec;
    } cases[] = {{"pcmu,pcma,g722,opus", MEDIA_PCMU},
                 {"opus,g722,pcmu", MEDIA_OPUS},
                 {"g722", MEDIA_G722},
                 {"pcma,opus", MEDIA_PCMA},
                 {"", MEDIA_PCMU},
                 {"OPUS", MEDIA_OPUS}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        CHECK_EQ_INT(offered(cases[i].codecs, ALL), 0);
        CHECK_EQ_INT(trunk.codec, cases[i].codec);
    }
    CHECK_EQ_INT(offered("pcma", "0 9\r\n"), ENOTSUP);
    CHECK_EQ_INT(offered("opus", "0 8 9\r\n"), ENOTSUP);
    CHECK_EQ_INT(offered("opus", "96\r\na=rtpmap:96 opus/16000\r\n"), ENOTSUP);
    CHECK_EQ_INT(offered("g722", "9\r\na=rtpmap:9 G722/16000\r\n"),
                 ENOTSUP);                     /* its clock is 8000: RFC 3551 4.5.2 */
    CHECK_EQ_INT(offered("g722", "9\r\n"), 0); /* a static number needs no rtpmap */
    sdp_order_decode(&order, "pcmu,g722,pcma,opus", MEDIA_OPUS);
    CHECK(order.v[0] == MEDIA_OPUS && order.v[1] == MEDIA_PCMU && order.v[2] == MEDIA_G722 &&
          order.v[3] == MEDIA_PCMA);
    sdp_order_decode(&order, "pcmu,pcmu,g722,,x,opus,pcma", MEDIA_G722);
    CHECK(order.v[0] == MEDIA_G722 && order.v[1] == MEDIA_PCMU && order.v[2] == MEDIA_OPUS &&
          order.v[3] == MEDIA_PCMA);
}

TEST(codecs_that_we_lack_are_passed_over)
{
#define FOREIGN                                                                                              \
    "a=rtpmap:18 g729/8000\r\na=fmtp:18 annexb=yes\r\na=rtpmap:97 iLBC/8000\r\na=fmtp:97 mode=30\r\n"        \
    "a=rtpmap:98 iSAC/16000\r\na=rtpmap:4 G723/8000\r\n"
    const char *said;

    CHECK_EQ_INT(offered("pcmu,pcma", "18 97 98 4 8 101\r\n" FOREIGN "a=rtpmap:101 telephone-event/8000\r\n"),
                 0);
    CHECK_STR(written(&trunk, &peer, NULL),
              "m=audio 10100 RTP/AVP 8 101,a=rtpmap:8 PCMA/8000,"
              "a=rtpmap:101 telephone-event/8000,a=fmtp:101 0-15,a=ptime:20,a=sendrecv,");
    CHECK_EQ_INT(offered("pcmu,pcma", "18 97 98 4 101\r\n" FOREIGN "a=rtpmap:101 telephone-event/8000\r\n"),
                 ENOTSUP);
    CHECK_EQ_INT(sdp_warning(ENOTSUP, &said), 305);
}

TEST(telephone_events_come_under_any_number)
{
    CHECK_EQ_INT(offered("pcmu", "0 96\r\na=rtpmap:96 telephone-event/8000\r\na=fmtp:96 0-16\r\n"), 0);
    CHECK(may_come(96, MEDIA_EVENT, 8000));
    CHECK_STR(written(&trunk, &peer, NULL),
              "m=audio 10100 RTP/AVP 0 96,a=rtpmap:0 PCMU/8000,"
              "a=rtpmap:96 telephone-event/8000,a=fmtp:96 0-15,a=ptime:20,a=sendrecv,");
    /* the re-INVITE without SDP that follows: our offer keeps the number, and what comes by it is understood after the answer */
    CHECK_STR(written(NULL, NULL, &trunk.formats),
              "m=audio 10100 RTP/AVP 0 96,a=rtpmap:0 PCMU/8000,"
              "a=rtpmap:96 telephone-event/8000,a=fmtp:96 0-15,a=ptime:20,a=sendrecv,");
    CHECK_EQ_INT(answered("0 96\r\na=rtpmap:96 telephone-event/8000\r\n"), 0);
    CHECK(may_come(96, MEDIA_EVENT, 8000));
    /* an answer with a number of its own: both may come, its own goes */
    CHECK_EQ_INT(answered("0 100\r\na=rtpmap:100 telephone-event/8000\r\n"), 0);
    CHECK(may_come(96, MEDIA_EVENT, 8000) && may_come(100, MEDIA_EVENT, 8000));
    CHECK_EQ_INT(media_formats_event(&trunk.formats, MEDIA_PCMU)->pt, 100);
}

TEST(a_number_keeps_its_meaning_in_a_dialog)
{
    /* 101 is Opus here, 107 the events: our own numbers for both are taken */
    CHECK_EQ_INT(offered("opus,pcmu",
                         "101 0 107 102\r\na=rtpmap:101 opus/48000/2\r\na=fmtp:101 useinbandfec=1\r\n"
                         "a=rtpmap:107 telephone-event/8000\r\na=rtpmap:102 telephone-event/48000\r\n"),
                 0);
    CHECK_EQ_INT(trunk.codec, MEDIA_OPUS);
    CHECK_STR(
        written(NULL, NULL, &trunk.formats),
        "m=audio 10100 RTP/AVP 101 0 107 102,a=rtpmap:101 opus/48000/2,a=fmtp:101 stereo=0;useinbandfec=1,"
        "a=rtpmap:0 PCMU/8000,a=rtpmap:107 telephone-event/8000,a=fmtp:107 0-15,"
        "a=rtpmap:102 telephone-event/48000,a=fmtp:102 0-15,a=ptime:20,a=sendrecv,");
    /* 101 is something that we do not speak, so that no number of ours may be it */
    CHECK_EQ_INT(offered("pcmu", "0 101\r\na=rtpmap:101 telephone-event/48000\r\n"), 0);
    CHECK_STR(written(NULL, NULL, &trunk.formats),
              "m=audio 10100 RTP/AVP 0 96,a=rtpmap:0 PCMU/8000,"
              "a=rtpmap:96 telephone-event/8000,a=fmtp:96 0-15,a=ptime:20,a=sendrecv,");
}

TEST(our_first_offer_lists_the_trunks_codecs)
{
    sdp_order_decode(&order, "g722,opus,pcma", MEDIA_NONE);
    CHECK_STR(written(NULL, NULL, NULL),
              "m=audio 10100 RTP/AVP 9 107 8 101 102,a=rtpmap:9 G722/8000,a=rtpmap:107 opus/48000/2,"
              "a=fmtp:107 stereo=0;useinbandfec=1,a=rtpmap:8 PCMA/8000,a=rtpmap:101 telephone-event/8000,"
              "a=fmtp:101 0-15,a=rtpmap:102 telephone-event/48000,a=fmtp:102 0-15,a=ptime:20,a=sendrecv,");
    memset(&trunk, 0, sizeof(trunk));
    CHECK_EQ_INT(answered("111 96\r\na=rtpmap:111 OPUS/48000/2\r\na=rtpmap:96 telephone-event/48000\r\n"), 0);
    CHECK_EQ_INT(trunk.codec, MEDIA_OPUS);
    CHECK(may_come(111, MEDIA_OPUS, 48000) &&
          may_come(107, MEDIA_OPUS, 48000)); /* asymmetric: RFC 3264 5.1 */
    CHECK(may_come(96, MEDIA_EVENT, 48000) && may_come(102, MEDIA_EVENT, 48000));
    CHECK_EQ_INT(media_formats_codec(&trunk.formats, MEDIA_OPUS)->pt, 111);
    CHECK_EQ_INT(answered("0 101\r\na=rtpmap:101 telephone-event/8000\r\n"),
                 ENOTSUP); /* it was not offered */
}

TEST(comfort_noise_is_listed_when_the_trunk_did)
{
    CHECK_EQ_INT(offered("pcma", "8 13\r\n"), 0);
    CHECK(may_come(13, MEDIA_CN, 8000));
    CHECK_STR(written(&trunk, &peer, NULL),
              "m=audio 10100 RTP/AVP 8 13,a=rtpmap:8 PCMA/8000,a=rtpmap:13 CN/8000,a=ptime:20,a=sendrecv,");
    CHECK(strstr(written(NULL, NULL, &trunk.formats), "RTP/AVP 8 101 13,"));
    CHECK_EQ_INT(offered("opus", "96 13\r\na=rtpmap:96 opus/48000/2\r\n"), 0);
    CHECK(!strstr(written(&trunk, &peer, NULL), "CN/8000")); /* not on Opus's clock */
    CHECK_EQ_INT(offered("g722", "9 98\r\na=rtpmap:98 cn/16000\r\n"), 0);
    CHECK(!media_formats_codec(&trunk.formats, MEDIA_CN));
    CHECK_EQ_INT(offered("pcmu", "13 101\r\na=rtpmap:101 telephone-event/8000\r\n"),
                 ENOTSUP); /* no sound at all */
}

TEST(packets_are_as_long_as_the_trunk_asks_or_its_setting_says)
{
    static const struct {
        const char *said;
        uint32_t setting, ms;
    } cases[] = {{"", 0, 20},
                 {"a=ptime:10\r\n", 0, 10},
                 {"a=ptime:60\r\n", 0, 60},
                 {"a=ptime:30\r\n", 40, 30},
                 {"", 40, 40},
                 {"a=ptime:5\r\n", 30, 30},
                 {"a=ptime:80\r\n", 0, 20},
                 {"a=maxptime:40\r\n", 60, 40},
                 {"a=ptime:60\r\na=maxptime:30\r\n", 0, 30}};
    char text[128];

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        (void)snprintf(text, sizeof(text), HEAD "m=audio 40000 RTP/AVP 8\r\n%s", cases[i].said);
        sdp_order_decode(&order, "", MEDIA_NONE);
        order.ptime_ms = cases[i].setting;
        memset(&trunk, 0, sizeof(trunk));
        CHECK_EQ_INT(sdp_parse_offer(&peer, text, strlen(text), fits, NULL), 0);
        CHECK_EQ_INT(trunk.ptime_ms, cases[i].ms);
        (void)snprintf(text, sizeof(text), "a=ptime:%u,", cases[i].ms);
        CHECK(strstr(written(&trunk, &peer, NULL), text));
        (void)snprintf(text, sizeof(text), "a=ptime:%u,", cases[i].setting ? cases[i].setting : 20);
        CHECK(strstr(written(NULL, NULL, NULL), text));
    }
}

TEST(what_opus_asks_is_read)
{
    CHECK_EQ_INT(offered("opus",
                         "96\r\na=rtpmap:96 opus/48000/2\r\na=fmtp:96 maxplaybackrate=16000; stereo=1;"
                         "maxaveragebitrate=20000;useinbandfec=1;usedtx=1;cbr=0\r\n"),
                 0);
    CHECK(trunk.opus.maxplaybackrate == 16000 && trunk.opus.maxaveragebitrate == 20000);
    CHECK(trunk.opus.stereo && trunk.opus.fec && trunk.opus.dtx);
    CHECK_EQ_INT(offered("opus", "96 97\r\na=rtpmap:96 opus/48000/2\r\na=fmtp:97 stereo=1\r\na=fmtp:96 "
                                 "maxplaybackrate=99999999999;maxaveragebitrate=1;;=;stereo=11\r\n"),
                 0);
    CHECK(!trunk.opus.maxplaybackrate && !trunk.opus.maxaveragebitrate && !trunk.opus.stereo &&
          !trunk.opus.fec);
}

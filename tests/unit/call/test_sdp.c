/* Session descriptions as Chromium, Firefox, JsSIP and a SIP Server send them. */
#include "call/sdp.h"
#include "testing.h"
#include <errno.h>

static const char chromium[] =
    "v=0\r\no=- 5021983420823 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE "
    "0\r\na=extmap-allow-mixed\r\n"
    "a=msid-semantic: WMS 8c7e\r\nm=audio 49203 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126\r\nc=IN IP4 "
    "192.168.1.20\r\n"
    "a=rtcp:9 IN IP4 0.0.0.0\r\n"
    "a=candidate:2290 1 udp 2122260223 192.168.1.20 49203 typ host generation 0 network-id 1\r\n"
    "a=candidate:77 1 udp 2122194687 4b0c1f3e-1111-2222-3333-444455556666.local 60201 typ host generation "
    "0\r\n"
    "a=candidate:841 1 udp 1686052607 203.0.113.9 49203 typ srflx raddr 192.168.1.20 rport 49203 generation "
    "0\r\n"
    "a=candidate:9 1 tcp 1518280447 192.168.1.20 9 typ host tcptype active generation 0\r\n"
    "a=candidate:9 2 udp 2122260222 192.168.1.20 49204 typ host\r\n"
    "a=ice-ufrag:EsAw\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\na=ice-options:trickle\r\n"
    "a=fingerprint:sha-256 "
    "D1:2C:BE:AD:C4:F6:64:5C:25:16:11:9C:AF:E7:0F:73:79:36:4E:9C:1E:15:54:39:0C:06:8B:ED:96:86:00:39\r\n"
    "a=setup:actpass\r\na=mid:0\r\na=sendrecv\r\na=msid:8c7e 11\r\na=rtcp-mux\r\na=rtpmap:111 "
    "opus/48000/2\r\n"
    "a=rtcp-fb:111 transport-cc\r\na=fmtp:111 minptime=10;useinbandfec=1\r\na=rtpmap:63 "
    "red/48000/2\r\na=fmtp:63 111/111\r\n"
    "a=rtpmap:9 G722/8000\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:13 CN/8000\r\n"
    "a=rtpmap:110 telephone-event/48000\r\na=rtpmap:126 telephone-event/8000\r\na=ssrc:1 cname:x\r\n";

/* Fingerprint and setup once for the session, two streams */
static const char firefox[] =
    "v=0\r\no=mozilla...THIS_IS_SDPARTA-99.0 5123 0 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=sendrecv\r\n"
    "a=fingerprint:sha-256 "
    "d1:2c:be:ad:c4:f6:64:5c:25:16:11:9c:af:e7:0f:73:79:36:4e:9c:1e:15:54:39:0c:06:8b:ed:96:86:00:39\r\n"
    "a=group:BUNDLE 0 1\r\na=ice-options:trickle\r\na=msid-semantic:WMS *\r\n"
    "m=video 9 UDP/TLS/RTP/SAVPF 120 124\r\nc=IN IP4 0.0.0.0\r\na=mid:1\r\na=inactive\r\na=rtpmap:120 "
    "VP8/90000\r\n"
    "m=audio 9 UDP/TLS/RTP/SAVPF 109 9 0 8 101\r\nc=IN IP4 0.0.0.0\r\na=candidate:0 1 UDP 2122252543 "
    "10.0.0.5 51000 typ host\r\n"
    "a=sendrecv\r\na=fmtp:109 "
    "maxplaybackrate=48000;stereo=1;useinbandfec=1\r\na=ice-pwd:cbf1dc4e7bdd3c5e0a1a2f0d1c2b3a49\r\n"
    "a=ice-ufrag:8a6b3c1d\r\na=mid:0\r\na=rtcp-mux\r\na=rtpmap:109 opus/48000/2\r\na=rtpmap:9 G722/8000/1\r\n"
    "a=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:101 "
    "telephone-event/8000/1\r\na=setup:actpass\r\n";

static const char genesys[] =
    "v=0\r\no=Genesys 1 1 IN IP4 10.1.1.5\r\ns=SipCall\r\nc=IN IP4 10.1.1.5\r\nt=0 0\r\n"
    "m=audio 20000 RTP/AVP 8 0 9 18 101\r\na=rtpmap:8 pcma/8000\r\na=rtpmap:0 pcmu/8000\r\n"
    "a=rtpmap:9 g722/8000\r\na=rtpmap:18 g729/8000\r\na=fmtp:18 annexb=yes\r\n"
    "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n";

static struct media_local local(void)
{
    static const uint8_t fp[32] = {0xab, 0xcd};
    struct media_local l = {.ice_ufrag = "abcd",
                            .ice_pwd = "0123456789012345678901",
                            .fingerprint = fp,
                            .ice_port = 10000,
                            .ssrc = 77,
                            .cname = "dn",
                            .rtp_port = 10100};

    return l;
}

static bool has(const struct buf *b, const char *s)
{
    return b->data && strstr(b->data, s);
}

TEST(chromium_offer_read)
{
    struct sdp s;
    char ip[ADDR_STRLEN];

    CHECK_EQ_INT(sdp_parse(&s, chromium, sizeof(chromium) - 1, SDP_LINE_ANY), 0);
    CHECK_EQ_INT(s.audio, 0);
    CHECK_EQ_INT(s.proto, SDP_PROTO_DTLS);
    CHECK(s.rtcp_mux && s.bundle && s.has_fingerprint);
    CHECK_EQ_INT(s.fingerprint[0], 0xd1);
    CHECK_EQ_INT(s.fingerprint[31], 0x39);
    CHECK_STR(s.ice_ufrag, "EsAw");
    CHECK_STR(s.mline[0].mid, "0");
    CHECK_EQ_INT(s.setup, SDP_SETUP_ACTPASS);
    CHECK_EQ_INT(s.cand_count, 2); /* neither .local, tcp nor component 2 */
    CHECK_STR(addr_str(&s.cands[1].addr, ip, sizeof(ip)), "203.0.113.9:49203");
    CHECK_EQ_INT(s.cands[1].type, 1);
    CHECK_EQ_INT(s.dir, MEDIA_SENDRECV);
}

TEST(browser_codec_follows_wish_and_event_its_clock)
{
    struct media_browser b;
    struct sdp s;

    CHECK_EQ_INT(sdp_parse(&s, chromium, sizeof(chromium) - 1, SDP_LINE_ANY), 0);
    CHECK_EQ_INT(sdp_to_browser(&b, &s, MEDIA_OPUS, true), 0);
    CHECK_EQ_INT(b.codec, MEDIA_OPUS);
    CHECK_EQ_INT(media_formats_codec(&b.formats, MEDIA_OPUS)->pt, 111);
    CHECK_EQ_INT(media_formats_event(&b.formats, b.codec)->pt, 110);
    CHECK_EQ_INT(media_formats_event(&b.formats, b.codec)->rate, 48000);
    CHECK(b.we_are_dtls_client);
    CHECK_EQ_INT(sdp_to_browser(&b, &s, MEDIA_PCMA, true), 0);
    CHECK_EQ_INT(b.codec, MEDIA_PCMA);
    CHECK_EQ_INT(media_formats_codec(&b.formats, MEDIA_PCMU)->pt, 0);
    CHECK_EQ_INT(media_formats_event(&b.formats, b.codec)->pt, 126);
    CHECK_EQ_INT(sdp_parse(&s, firefox, sizeof(firefox) - 1, SDP_LINE_ANY), 0);
    CHECK_EQ_INT(sdp_to_browser(&b, &s, MEDIA_OPUS, true), 0);
    CHECK_EQ_INT(media_formats_event(&b.formats, b.codec)->pt, 101);
    CHECK_EQ_INT(media_formats_event(&b.formats, b.codec)->rate, 8000);
}

TEST(firefox_session_level_attributes_and_refused_video)
{
    struct media_local l = local();
    struct sdp_ice_own ice = {.local = &l, .cand_count = 1};
    struct sdp_own own = {.id = 1, .version = 2, .dir = MEDIA_SENDRECV};
    struct media_browser b;
    struct buf out;
    struct sdp s;

    CHECK_EQ_INT(sdp_parse(&s, firefox, sizeof(firefox) - 1, SDP_LINE_ANY), 0);
    CHECK_EQ_INT(s.audio, 1);
    CHECK_EQ_INT(s.mlines, 2);
    CHECK_EQ_INT(s.dir, MEDIA_SENDRECV); /* c=0.0.0.0 is no hold with ICE */
    CHECK_EQ_INT(s.fingerprint[1], 0x2c);
    CHECK_EQ_INT(sdp_to_browser(&b, &s, MEDIA_OPUS, true), 0);
    own.offer = &s;
    CHECK_EQ_INT(addr_parse_ip(&ice.cands[0], "192.0.2.1", 0), 0);
    buf_init(&out, 8192);
    CHECK_EQ_INT(sdp_write_browser_answer(&out, &own, &ice, &b), 0);
    CHECK(has(&out, "m=video 0 UDP/TLS/RTP/SAVPF 120 124\r\n"));
    CHECK(strstr(out.data, "m=video") < strstr(out.data, "m=audio"));
    CHECK(has(&out, "m=audio 10000 UDP/TLS/RTP/SAVPF 109 101\r\n"));
    CHECK(has(&out, "a=group:BUNDLE 0\r\n"));
    CHECK(has(&out, "a=setup:active\r\n"));
    CHECK(has(&out, "a=candidate:1 1 udp 2130706431 192.0.2.1 10000 typ host\r\n"));
    CHECK(has(&out, "a=fingerprint:sha-256 AB:CD:00:"));
    CHECK(has(&out, "maxplaybackrate=8000"));
    buf_reset(&out);
}

TEST(our_offer_is_read_back)
{
    static const enum media_codec codecs[4] = {MEDIA_OPUS, MEDIA_PCMA, MEDIA_PCMU, MEDIA_NONE};
    struct media_local l = local();
    struct sdp_ice_own ice = {.local = &l, .cand_count = 2};
    struct sdp_own own = {.id = 1, .version = 1, .dir = MEDIA_SENDRECV};
    struct media_browser b;
    struct buf out;
    struct sdp s;

    CHECK_EQ_INT(addr_parse_ip(&ice.cands[0], "192.0.2.1", 0), 0);
    CHECK_EQ_INT(addr_parse_ip(&ice.cands[1], "2001:db8::1", 0), 0);
    buf_init(&out, 8192);
    CHECK_EQ_INT(sdp_write_browser_offer(&out, &own, &ice, codecs), 0);
    CHECK_EQ_INT(sdp_parse(&s, out.data, out.len, SDP_LINE_ANY), 0);
    CHECK_EQ_INT(s.setup, SDP_SETUP_ACTPASS);
    CHECK_EQ_INT(s.cand_count, 2);
    CHECK(s.cands[0].priority > s.cands[1].priority);
    CHECK_EQ_INT(sdp_to_browser(&b, &s, MEDIA_NONE, false), 0);
    CHECK_EQ_INT(b.codec, MEDIA_OPUS);
    CHECK_EQ_INT(media_formats_event(&b.formats, b.codec)->pt, 110);
    CHECK(!b.we_are_dtls_client);
    buf_reset(&out);
}

TEST(a_browser_without_security_is_refused)
{
    static const char *without[] = {"a=fingerprint", "a=rtcp-mux", "a=ice-ufrag", "a=ice-pwd"};
    struct media_browser b;
    char text[sizeof(chromium)];
    struct sdp s;

    for (size_t i = 0; i < 4; i++) {
        memcpy(text, chromium, sizeof(text));
        memcpy(strstr(text, without[i]), "a=x", 3);
        CHECK_EQ_INT(sdp_parse(&s, text, strlen(text), SDP_LINE_ANY), 0);
        CHECK_EQ_INT(sdp_to_browser(&b, &s, MEDIA_OPUS, true), EPROTO);
    }
    CHECK_EQ_INT(sdp_parse(&s, genesys, sizeof(genesys) - 1, SDP_LINE_ANY), 0);
    CHECK_EQ_INT(sdp_to_browser(&b, &s, MEDIA_OPUS, true), EPROTO);
    memcpy(text, chromium, sizeof(text));
    memcpy(strstr(text, "sha-256"), "sha-512", 7);
    CHECK_EQ_INT(sdp_parse(&s, text, strlen(text), SDP_LINE_ANY), 0);
    CHECK_EQ_INT(sdp_to_browser(&b, &s, MEDIA_OPUS, true), EPROTO);
}

TEST(genesys_offer_gives_our_preference_and_an_answer)
{
    struct sdp_own own = {.id = 9, .version = 1};
    struct sdp_order order;
    struct media_trunk t = {0};
    char a[ADDR_STRLEN];
    struct buf out;
    struct sdp s;

    CHECK_EQ_INT(sdp_parse(&s, genesys, sizeof(genesys) - 1, SDP_LINE_ANY), 0);
    sdp_order_decode(&order, "pcmu,pcma", MEDIA_NONE);
    CHECK_EQ_INT(sdp_to_trunk(&t, &s, &order, false), 0);
    CHECK_EQ_INT(t.codec, MEDIA_PCMU);
    CHECK_EQ_INT(media_formats_event(&t.formats, t.codec)->pt, 101);
    CHECK_EQ_INT(t.dir, MEDIA_SENDRECV);
    CHECK_EQ_INT(t.ptime_ms, 20);
    CHECK_STR(addr_str(&t.rtp, a, sizeof(a)), "10.1.1.5:20000");
    CHECK_STR(addr_str(&t.rtcp, a, sizeof(a)), "10.1.1.5:20001");
    CHECK_EQ_INT(sdp_to_trunk(&t, &s, &order, true), 0); /* as an answer: what it prefers */
    CHECK_EQ_INT(t.codec, MEDIA_PCMA);
    own.offer = &s;
    own.dir = t.dir;
    CHECK_EQ_INT(addr_parse_ip(&own.addr, "192.0.2.7", 10100), 0);
    buf_init(&out, 4096);
    CHECK_EQ_INT(sdp_write_trunk(&out, &own, &order, &t), 0);
    CHECK(has(&out, "c=IN IP4 192.0.2.7\r\n"));
    CHECK(has(&out, "m=audio 10100 RTP/AVP 8 101\r\n"));
    CHECK(has(&out, "a=sendrecv\r\n"));
    buf_reset(&out);
}

static int fits_trunk(const struct sdp *s, void *arg)
{
    struct sdp_order order;

    sdp_order_decode(&order, "", MEDIA_NONE);
    return sdp_to_trunk(arg, s, &order, false);
}

static int trunk_take(struct media_trunk *t, const char *media_part)
{
    char text[512];
    struct sdp s;

    (void)snprintf(text, sizeof(text),
                   "v=0\r\no=- 1 1 IN IP4 1.2.3.4\r\ns=-\r\nc=IN IP4 1.2.3.4\r\nt=0 0\r\n%s", media_part);
    memset(t, 0, sizeof(*t));
    return sdp_parse_offer(&s, text, strlen(text), fits_trunk, t);
}

TEST(every_way_to_hold)
{
    struct media_trunk t;

    CHECK_EQ_INT(trunk_take(&t, "m=audio 4000 RTP/AVP 0\r\na=sendonly\r\n"), 0);
    CHECK_EQ_INT(t.dir, MEDIA_RECV);
    CHECK_EQ_INT(trunk_take(&t, "m=audio 4000 RTP/AVP 0\r\na=inactive\r\n"), 0);
    CHECK_EQ_INT(t.dir, MEDIA_INACTIVE);
    CHECK_EQ_INT(trunk_take(&t, "m=audio 4000 RTP/AVP 0\r\nc=IN IP4 0.0.0.0\r\n"), 0);
    CHECK_EQ_INT(t.dir, MEDIA_RECV);
    CHECK_EQ_INT(addr_af(&t.rtp), AF_UNSPEC);
    CHECK_EQ_INT(trunk_take(&t, "m=audio 4000 RTP/AVP 0\r\nc=IN IP4 0.0.0.0\r\na=ice-ufrag:abcd\r\n"), 0);
    CHECK_EQ_INT(t.dir, MEDIA_RECV);
    CHECK_EQ_INT(trunk_take(&t, "m=audio 0 RTP/AVP 0\r\n"), ENODATA);
    CHECK_EQ_INT(trunk_take(&t, "m=audio 4000 RTP/AVP 18\r\n"), ENOTSUP);
    CHECK_EQ_INT(
        trunk_take(&t,
                   "a=inactive\r\nm=audio 4000 RTP/AVP 8\r\na=ptime:30\r\na=rtcp:5001 IN IP4 9.9.9.9\r\n"),
        0);
    CHECK_EQ_INT(t.ptime_ms, 20 + 10);
    CHECK_EQ_INT(addr_port(&t.rtcp), 5001);
}

/* RTCP goes to its own port beside RTP, wherever a=rtcp would like to send it. */
TEST(rtcp_goes_where_one_can_send_to)
{
    static const struct {
        const char *line, *rtcp;
    } cases[] = {{"", "1.2.3.4:4001"},
                 {"a=rtcp-mux\r\n", "1.2.3.4:4001"}, /* not taken: RFC 5761 5.1.1 */
                 {"a=rtcp:5001\r\n", "1.2.3.4:5001"},
                 {"a=rtcp:5001 IN IP4 9.9.9.9\r\n", "9.9.9.9:5001"},
                 {"a=rtcp:5001 IN IP4 127.0.0.1\r\n", "1.2.3.4:5001"},
                 {"a=rtcp:5001 IN IP4 224.1.1.1\r\n", "1.2.3.4:5001"},
                 {"a=rtcp:5001 IN IP6 2001:db8::1\r\n", "1.2.3.4:5001"}};
    struct media_trunk t;
    char media[128], a[ADDR_STRLEN];

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        (void)snprintf(media, sizeof(media), "m=audio 4000 RTP/AVP 0\r\n%s", cases[i].line);
        CHECK_EQ_INT(trunk_take(&t, media), 0);
        CHECK_STR(addr_str(&t.rtcp, a, sizeof(a)), cases[i].rtcp);
    }
}

TEST(order_of_codecs)
{
    struct sdp_order o;

    sdp_order_decode(&o, "pcma, pcmu", MEDIA_NONE);
    CHECK_EQ_INT(o.v[0], MEDIA_PCMA);
    sdp_order_decode(&o, "pcma,pcmu", MEDIA_PCMU);
    CHECK_EQ_INT(o.v[0], MEDIA_PCMU);
    CHECK_EQ_INT(o.v[1], MEDIA_PCMA);
    sdp_order_decode(&o, "PCMA", MEDIA_PCMU);
    CHECK_EQ_INT(o.v[0], MEDIA_PCMA);
    CHECK_EQ_INT(o.v[1], MEDIA_NONE);
    sdp_order_decode(&o, "g729,,,", MEDIA_OPUS);
    CHECK_EQ_INT(o.v[0], MEDIA_PCMU);
}

TEST(nonsense_is_refused_without_harm)
{
    static const char *bad[] = {"",
                                "x",
                                "v=0",
                                "v=1\r\n",
                                "v=0\r\nm=\r\n",
                                "v=0\r\nm=audio 99999 RTP/AVP 0\r\n",
                                "v=0\r\nm=audio 1 RTP/AVP\r\n",
                                "v=0\r\njunk\r\n"};
    char big[2048] = "v=0\r\nm=audio 4 RTP/AVP";
    struct sdp s;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        CHECK_EQ_INT(sdp_parse(&s, bad[i], strlen(bad[i]), SDP_LINE_ANY), EBADMSG);
    for (int i = 0; i < 128; i++)
        (void)snprintf(big + strlen(big), sizeof(big) - strlen(big), " %d", i);
    CHECK_EQ_INT(sdp_parse(&s, big, strlen(big), SDP_LINE_ANY), 0);
    CHECK_EQ_INT(s.fmts, SDP_FMTS_MAX);
    CHECK_EQ_INT(sdp_parse(&s, big, SDP_TEXT_MAX + 1, SDP_LINE_ANY), EMSGSIZE);
}

/* Offers and answers as they come from outside: other transports, bodies of several parts, addresses that lead nowhere, crossing ones. */
#include "core/clock.h"
#include "fake/ends.h"
#include "testing.h"

static struct sipmsg ring;
static char ruri[96];

/* --- descriptions and bodies --- */

#define HEAD "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
#define CONN "c=IN IP4 127.0.0.1\r\n"
#define CRYPTO "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:dEqpO7RgmMamQxQ8S8WFAVE5FOaOEsexwRz74Ql5\r\n"
#define GOOD HEAD CONN "m=audio 40000 RTP/AVP 0\r\n"

#define MIXED "multipart/mixed;boundary=\"--x 1\""
#define ISUP(handling)                                                                                       \
    "Content-Disposition: signal;handling=" handling                                                         \
    "\r\nContent-Type: application/isup;version=itu-t92+\r\n\r\n\x01\x02H\r\n"

/* A description between an ISUP part and the end. */
static const char *two_parts(const char *text, const char *isup)
{
    static char body[8192];

    (void)snprintf(body, sizeof(body),
                   "----x 1\r\n%s----x 1\r\nContent-Type: application/sdp\r\nContent-Disposition: "
                   "session;handling=required\r\n\r\n%s\r\n----x 1--\r\n",
                   isup, text);
    return body;
}

/* --- steps --- */

static void call(const char *hdrs, const char *body)
{
    (void)snprintf(ruri, sizeof(ruri), "sip:5001@127.0.0.1:%u", box.sip_port);
    sippeer_invite(&trunk.p, &dt, ruri, hdrs, body);
}

static bool is_refused(int code)
{
    char what[16];

    (void)snprintf(what, sizeof(what), "%d INVITE", code);
    if (!sippeer_expect(&trunk.p, &m, what, 0))
        return false;
    sippeer_ack_failure(&trunk.p, &dt, &m, ruri);
    return true;
}

/* The browser rings for a call of the trunk. */
static bool rings(const char *hdrs, const char *body)
{
    call(hdrs, body);
    if (!sippeer_expect(&agent.p, &ring, "INVITE", 0))
        return false;
    sipdlg_of_invite(&da, &agent.p, &ring);
    sippeer_reply(&agent.p, &ring, 180, "Ringing", "", NULL);
    if (!sippeer_expect(&trunk.p, &m, "180 INVITE", 0))
        return false;
    sipdlg_take(&dt, &m);
    return true;
}

static bool answers(void)
{
    sippeer_reply(&agent.p, &ring, 200, "OK", "", wsagent_sdp(sdp, sizeof(sdp), "active", "sendrecv"));
    return sippeer_expect(&agent.p, &m, "ACK", 0) && sippeer_expect(&trunk.p, &m, "200 INVITE", 0);
}

/* The trunk calls and the agent answers: m is the 200. */
static bool talk_in(const char *hdrs, const char *body)
{
    if (!rings(hdrs, body) || !answers())
        return false;
    sipdlg_take(&dt, &m);
    sippeer_ack(&trunk.p, &dt, NULL);
    return true;
}

static bool trunk_hangs_up(void)
{
    struct sipmsg bye;

    sippeer_request(&trunk.p, &dt, "BYE", "", NULL, NULL);
    if (!sippeer_expect(&trunk.p, &bye, "200 BYE", 0) || !sippeer_expect(&agent.p, &bye, "BYE", 0))
        return false;
    sippeer_reply(&agent.p, &bye, 200, "OK", "", NULL);
    return true;
}

/* The agent dials; the trunk has the INVITE. */
static bool dials(const char *offer)
{
    sippeer_invite(&agent.p, &da, "sip:600@dngate", "", offer);
    if (!sippeer_expect(&trunk.p, &invite, "INVITE", 0))
        return false;
    sipdlg_of_invite(&dt, &trunk.p, &invite);
    return true;
}

/* Both sides of a call that was answered are told that it is over, and why. */
static bool both_hear_bye(void)
{
    struct sipmsg bye;

    if (!sippeer_expect(&trunk.p, &bye, "BYE", 0) || !sipmsg_has(&bye, "Reason: SIP;cause=488"))
        return false;
    sippeer_reply(&trunk.p, &bye, 200, "OK", "", NULL);
    if (!sippeer_expect(&agent.p, &bye, "BYE", 0) || !sipmsg_has(&bye, "Reason: SIP;cause=488"))
        return false;
    sippeer_reply(&agent.p, &bye, 200, "OK", "", NULL);
    return true;
}

/* --- the proto of an m= line, the address of its audio --- */

TEST(a_proto_is_answered_as_it_is_or_not_at_all)
{
    static const struct {
        const char *media, *line[2]; /* of the answer */
    } cases[] = {
        {"m=audio 40000 RTP/SAVP 0 8\r\n" CRYPTO "m=audio 40000 RTP/AVP 0 8\r\n",
         {"m=audio 0 RTP/SAVP 0 8\r\n", " RTP/AVP 0\r\n"}},
        {"m=video 40002 RTP/AVPF 96 97\r\nm=audio 40000 RTP/AVPF 0\r\n",
         {"m=video 0 RTP/AVPF 96 97\r\n", " RTP/AVPF 0\r\n"}},
        {"m=audio 40000 RTP/AVP 18\r\nm=audio 40002 RTP/AVP 8\r\n",
         {"m=audio 0 RTP/AVP 18\r\n", " RTP/AVP 8\r\n"}},
    };
    static const char *refused[] = {"RTP/SAVP",         "RTP/SAVPF", "UDP/TLS/RTP/SAVPF",
                                    "UDP/TLS/RTP/SAVP", "udp",       "RTP/OTHER"};

    BOX(NULL);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        (void)snprintf(sdp, sizeof(sdp), HEAD CONN "%s", cases[i].media);
        WANT(talk_in("", sdp));
        WANT(sipmsg_has(&m, cases[i].line[0]) && sipmsg_has(&m, cases[i].line[1]));
        WANT(!sipmsg_has(&m, "crypto"));
        WANT(trunk_hangs_up());
    }
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        (void)snprintf(sdp, sizeof(sdp), HEAD CONN "m=audio 40000 %s 0 8\r\n" CRYPTO, refused[i]);
        call("", sdp);
        WANT(is_refused(488) && sipmsg_has(&m, "\r\nWarning: 302 "));
    }
    ends_close();
}

static const struct {
    const char *sdp, *warning;
} silent[] = {
    {HEAD "m=audio 40000 RTP/AVP 0\r\n", "Warning: 301 "},
    {HEAD "c=IN IP4 media.example\r\nm=audio 40000 RTP/AVP 0\r\n", "Warning: 301 "},
    {HEAD CONN "m=audio 40000 RTP/AVP 0\r\nc=IN IP4 media.example\r\n", "Warning: 301 "},
    {HEAD "c=IN IP6 ::1\r\nm=audio 40000 RTP/AVP 0\r\n", "Warning: 300 "}, /* the box binds 127.0.0.1 */
    {HEAD "c=IN IP4 239.1.2.3/16\r\nm=audio 40000 RTP/AVP 0\r\n", "Warning: 330 "},
    {HEAD "c=IN IP4 255.255.255.255\r\nm=audio 40000 RTP/AVP 0\r\n", "Warning: 301 "},
    {HEAD "c=IN IP4 127.255.255.255\r\nm=audio 40000 RTP/AVP 0\r\n", "Warning: 301 "},
    {HEAD CONN "m=audio 0 RTP/AVP 0\r\n", "Warning: 304 "},
    {HEAD CONN "m=video 40000 RTP/AVP 96\r\n", "Warning: 304 "},
    {HEAD CONN "m=audio 40000 RTP/AVP 18\r\n", "Warning: 305 "},
    {HEAD CONN "m=audio 40000 RTP/SAVP 0\r\n" CRYPTO, "Warning: 302 "},
    {HEAD CONN "m=audio 40000 RTP/AVPF 0\r\n", NULL}, /* an offer may have it, an answer to RTP/AVP not */
    {HEAD CONN "m=audio 99999 RTP/AVP 0\r\n", "Warning: 399 "},
    {"not a description", "Warning: 399 "},
};

enum { SILENT = sizeof(silent) / sizeof(silent[0]) };

TEST(an_offer_without_audio_is_refused_with_the_reason)
{
    BOX(NULL);
    for (size_t i = 0; i < SILENT; i++) {
        if (!silent[i].warning)
            continue;
        call("", silent[i].sdp);
        WANT(is_refused(488) && sipmsg_has(&m, silent[i].warning));
    }
    WANT(talk_in("", GOOD)); /* and within a call, which goes on */
    for (size_t i = 0; i < SILENT; i++) {
        if (!silent[i].warning || strstr(silent[i].sdp, "audio 0")) /* port 0 is a hold here */
            continue;
        sippeer_request(&trunk.p, &dt, i & 1 ? "INVITE" : "UPDATE", "", "application/sdp", silent[i].sdp);
        WANT(sippeer_expect(&trunk.p, &m, "488", 0) && sipmsg_has(&m, silent[i].warning));
        if (i & 1)
            sippeer_ack_failure(&trunk.p, &dt, &m, dt.target);
    }
    WANT(trunk_hangs_up());
    ends_close();
}

TEST(an_answer_without_audio_ends_the_call_with_the_reason)
{
    struct cdr cdr;

    BOX(NULL);
    for (size_t i = 0; i < SILENT; i++) {
        WANT(dials(wsagent_sdp(sdp, sizeof(sdp), "actpass", "sendrecv")));
        sippeer_reply(&trunk.p, &invite, 200, "OK", "", silent[i].sdp);
        WANT(sippeer_expect(&trunk.p, &m, "ACK", 0));
        WANT(sippeer_expect(&trunk.p, &m, "BYE", 0) && sipmsg_has(&m, "Reason: SIP;cause=488"));
        WANT(!sipmsg_has(&m, "Warning"));
        sippeer_reply(&trunk.p, &m, 200, "OK", "", NULL);
        WANT(sippeer_expect(&agent.p, &m, "488 INVITE", 0) && sipmsg_has(&m, "Reason: SIP;cause=488"));
        WANT(sipmsg_has(&m, silent[i].warning ? silent[i].warning : "Warning: 302 "));
        sippeer_ack_failure(&agent.p, &da, &m, "sip:600@dngate");
        WANT(box_cdr(&box, i + 1, &cdr) && cdr.code == 488 && cdr.hangup == CDR_GATEWAY);
    }
    ends_close();
}

TEST(the_far_ends_488_keeps_its_warning)
{
    BOX(NULL);
    WANT(dials(wsagent_sdp(sdp, sizeof(sdp), "actpass", "sendrecv")));
    sippeer_reply(&trunk.p, &invite, 488, "Not Acceptable Here", "Warning: 305 far.example \"No G.711\"\r\n",
                  NULL);
    WANT(sippeer_expect(&agent.p, &m, "488 INVITE", 0) &&
         sipmsg_has(&m, "\r\nWarning: 305 far.example \"No G.711\"\r\n"));
    sippeer_ack_failure(&agent.p, &da, &m, "sip:600@dngate");
    WANT(rings("", GOOD));
    sippeer_reply(&agent.p, &ring, 488, "Not Acceptable Here", "", NULL);
    WANT(is_refused(488) && sipmsg_has(&m, "\r\nWarning: 399 "));
    ends_close();
}

/* --- bodies --- */

TEST(a_description_is_found_among_other_parts)
{
    BOX(NULL);
    trunk.p.ctype = MIXED;
    WANT(talk_in("MIME-Version: 1.0\r\n", two_parts(GOOD, ISUP("optional"))));
    WANT(sipmsg_has(&m, "Content-Type: application/sdp\r\n") && sipmsg_has(&m, " RTP/AVP 0\r\n"));
    sippeer_request(&trunk.p, &dt, "UPDATE", "", MIXED,
                    two_parts(HEAD CONN "m=audio 40002 RTP/AVP 8\r\na=inactive\r\n", ISUP("optional")));
    WANT(sippeer_expect(&trunk.p, &m, "200 UPDATE", 0) && sipmsg_has(&m, "RTP/AVP 8\r\n") &&
         sipmsg_has(&m, "a=inactive"));
    sippeer_request(&trunk.p, &dt, "INVITE", "", MIXED, two_parts(GOOD, ISUP("optional")));
    WANT(sippeer_expect(&trunk.p, &m, "200 INVITE", 0) && sipmsg_has(&m, "a=sendrecv"));
    sippeer_ack(&trunk.p, &dt, NULL);
    WANT(trunk_hangs_up());

    WANT(rings("", NULL)); /* our offer in the 200, theirs in the ACK */
    WANT(answers());
    sipdlg_take(&dt, &m);
    sippeer_ack(&trunk.p, &dt, two_parts(GOOD, ISUP("optional")));
    WANT(sippeer_caught_up(&trunk.p, &dt));
    WANT(trunk_hangs_up());

    WANT(dials(wsagent_sdp(sdp, sizeof(sdp), "actpass", "sendrecv")));
    sippeer_reply(&trunk.p, &invite, 200, "OK", "", two_parts(GOOD, ISUP("optional")));
    WANT(sippeer_expect(&trunk.p, &m, "ACK", 0) && sippeer_expect(&agent.p, &m, "200 INVITE", 0));
    WANT(sipmsg_has(&m, "m=audio"));
    ends_close();
}

TEST(a_body_that_must_be_understood_and_is_not_gets_415)
{
    static const struct {
        const char *ctype, *hdrs, *body;
    } cases[] = {
        {"text/plain", "", "hello"},
        {"application/isup;version=itu-t92+", "", "\x01\x02"},
        {"application/sdp", "Content-Encoding: gzip\r\n", "\x1f\x8b"},
        {"application/sdp", "e: deflate\r\n", "x"},
        {MIXED, "", NULL},
    };
    const char *body;

    BOX(NULL);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        trunk.p.ctype = cases[i].ctype;
        body = cases[i].body ? cases[i].body : two_parts(GOOD, ISUP("required"));
        call(cases[i].hdrs, body);
        WANT(is_refused(415));
        WANT(sipmsg_has(&m, "\r\nAccept: application/sdp, multipart/mixed, multipart/alternative\r\n"));
        WANT(sipmsg_has(&m, "\r\nAccept-Encoding: identity\r\n"));
    }
    trunk.p.ctype = "multipart/mixed"; /* without a boundary */
    call("", "--x\r\n\r\n");
    WANT(is_refused(400));
    trunk.p.ctype = NULL;
    WANT(talk_in("", GOOD));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        body = cases[i].body ? cases[i].body : two_parts(GOOD, ISUP("required"));
        sippeer_request(&trunk.p, &dt, "UPDATE", cases[i].hdrs, cases[i].ctype, body);
        WANT(sippeer_expect(&trunk.p, &m, "415 UPDATE", 0) && sipmsg_has(&m, "\r\nAccept: application/sdp"));
    }
    WANT(trunk_hangs_up());
    ends_close();
}

/* A body that nobody has to understand is none: the INVITE asks for our offer. */
TEST(an_optional_body_is_passed_over)
{
    BOX(NULL);
    trunk.p.ctype = "text/plain";
    WANT(rings("Content-Disposition: render;handling=optional\r\n", "hello"));
    WANT(answers());
    WANT(sipmsg_has(&m, "RTP/AVP 0 8 101"));
    ends_close();
}

TEST(a_notify_says_which_events_are_taken)
{
    BOX(NULL);
    WANT(talk_in("", GOOD));
    sippeer_request(&trunk.p, &dt, "NOTIFY", "Event: dialog\r\nSubscription-State: active\r\n", NULL, NULL);
    WANT(sippeer_expect(&trunk.p, &m, "489 NOTIFY", 0) &&
         sipmsg_has(&m, "\r\nAllow-Events: talk, hold, dtmf, beep, keep-alive\r\n"));
    sippeer_request(&trunk.p, &dt, "NOTIFY", "Event: keep-alive\r\n", NULL, NULL);
    WANT(sippeer_expect(&trunk.p, &m, "200 NOTIFY", 0));
    WANT(trunk_hangs_up());
    ends_close();
}

/* --- towards the browser --- */

TEST(the_browser_gets_our_answer_once_before_the_call_is_taken)
{
    static const struct {
        int code;
        bool sdp;
    } steps[] = {{180, false}, {183, true}, {180, false}, {183, true}, {199, false}};
    char what[16];
    int bodies = 0;

    BOX(NULL);
    WANT(dials(wsagent_sdp(sdp, sizeof(sdp), "actpass", "sendrecv")));
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        (void)snprintf(what, sizeof(what), "%d INVITE", steps[i].code);
        sippeer_reply(&trunk.p, &invite, steps[i].code, "Progress", "", steps[i].sdp ? GOOD : NULL);
        WANT(sippeer_expect(&agent.p, &m, what, 0));
        bodies += sipmsg_has(&m, "m=audio");
        WANT(bodies == 1);
    }
    sippeer_reply(&trunk.p, &invite, 200, "OK", "", GOOD);
    WANT(sippeer_expect(&agent.p, &m, "200 INVITE", 0) && sipmsg_has(&m, "m=audio"));
    ends_close();
}

TEST(a_browser_that_says_savpf_is_answered_in_its_words)
{
    char *proto;

    BOX(NULL);
    (void)wsagent_sdp(sdp, sizeof(sdp), "actpass", "sendrecv");
    proto = strstr(sdp, "UDP/TLS/RTP/SAVPF");
    memmove(proto, proto + 8, strlen(proto + 8) + 1);
    WANT(dials(sdp));
    sippeer_reply(&trunk.p, &invite, 200, "OK", "", GOOD);
    WANT(sippeer_expect(&agent.p, &m, "200 INVITE", 0) && sipmsg_has(&m, " RTP/SAVPF 111 110\r\n"));
    WANT(!sipmsg_has(&m, "UDP/TLS"));
    ends_close();
}

/* --- an offer that is not answered, or crosses another --- */

static bool asks_for_an_offer(const char *answer, const char *ctype)
{
    sippeer_request(&trunk.p, &dt, "INVITE", "", NULL, NULL);
    if (!sippeer_expect(&trunk.p, &m, "200 INVITE", 0) || !sipmsg_has(&m, "RTP/AVP 0 8 101"))
        return false;
    trunk.p.ctype = ctype;
    sippeer_ack(&trunk.p, &dt, answer);
    trunk.p.ctype = NULL;
    return true;
}

TEST(an_ack_that_answers_nothing_leaves_a_good_call_as_it_is)
{
    BOX(NULL);
    WANT(talk_in("", GOOD));
    WANT(asks_for_an_offer(NULL, NULL) && sippeer_caught_up(&trunk.p, &dt));
    WANT(asks_for_an_offer("hello", "text/plain") && sippeer_caught_up(&trunk.p, &dt));
    WANT(asks_for_an_offer("not a description", NULL) && sippeer_caught_up(&trunk.p, &dt));
    WANT(asks_for_an_offer(two_parts("x", ""), "multipart/mixed") && sippeer_caught_up(&trunk.p, &dt));
    WANT(sippeer_hears_no(&agent.p, "BYE", 200));
    WANT(asks_for_an_offer(GOOD, NULL) && sippeer_caught_up(&trunk.p, &dt));
    /* what was read, and is not what we offered, is an agreement to silence */
    WANT(asks_for_an_offer(HEAD CONN "m=audio 40000 RTP/SAVP 0\r\n" CRYPTO, NULL));
    WANT(both_hear_bye());
    ends_close();
}

/* RFC 3264 8: an offer of ours within the dialog has the lines that the dialog has, and its answer is read by them. */
TEST(a_later_offer_keeps_the_lines_of_the_dialog)
{
    static const struct {
        const char *media, *before, *after, *answer;
    } cases[] = {
        {"m=audio 40000 RTP/SAVP 0\r\n" CRYPTO "m=audio 40000 RTP/AVP 0\r\n", "\r\nm=audio 0 RTP/SAVP 0\r\n",
         "", "m=audio 0 RTP/SAVP 0\r\nm=audio 40000 RTP/AVP 8\r\n"},
        {"m=audio 40000 RTP/AVPF 0\r\nm=video 40002 RTP/AVPF 96\r\n", "", "\r\nm=video 0 RTP/AVPF 96\r\n",
         "m=audio 40000 RTP/AVP 8\r\nm=video 0 RTP/AVPF 96\r\n"},
    };
    const char *audio, *before, *after;

    BOX(NULL);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        (void)snprintf(sdp, sizeof(sdp), HEAD CONN "%s", cases[i].media);
        WANT(talk_in("", sdp) && sippeer_caught_up(&trunk.p, &dt));
        sippeer_request(&trunk.p, &dt, "INVITE", "", NULL, NULL);
        WANT(sippeer_expect(&trunk.p, &m, "200 INVITE", 0));
        audio = strstr(m.text, " RTP/AVP 0 8 101\r\n");
        before = strstr(m.text, cases[i].before);
        after = strstr(m.text, cases[i].after);
        WANT(audio && before && after && before <= audio && (!cases[i].after[0] || after > audio));
        (void)snprintf(sdp, sizeof(sdp), HEAD CONN "%s", cases[i].answer);
        sippeer_ack(&trunk.p, &dt, sdp);
        WANT(sippeer_caught_up(&trunk.p, &dt));
        sippeer_request(&trunk.p, &dt, "UPDATE", "", "application/sdp",
                        GOOD); /* PCMU offered, PCMA is in use */
        WANT(sippeer_expect(&trunk.p, &m, "200 UPDATE", 0) && sipmsg_has(&m, "a=sendrecv"));
        WANT(trunk_hangs_up());
    }
    ends_close();
}

/* What a browser may not answer, by what must be missing of its answer: the caller hears why. */
TEST(a_browsers_answer_without_audio_ends_the_call_with_the_reason)
{
    static const char *without[] = {"a=fingerprint", "a=rtcp-mux", "a=ice-ufrag", "m=audio", "v=0"};
    char *at;

    BOX(NULL);
    for (size_t i = 0; i < sizeof(without) / sizeof(without[0]); i++) {
        WANT(rings("", GOOD));
        (void)wsagent_sdp(sdp, sizeof(sdp), "active", "sendrecv");
        at = strstr(sdp, without[i]);
        WANT(at);
        memcpy(at,
               without[i][0] == 'a'   ? "a=x"
               : without[i][0] == 'm' ? "m=videx"
                                      : "x=0",
               without[i][0] == 'm' ? 7 : 3);
        sippeer_reply(&agent.p, &ring, 200, "OK", "", sdp);
        WANT(sippeer_expect(&agent.p, &m, "ACK", 0));
        WANT(sippeer_expect(&agent.p, &m, "BYE", 0) && sipmsg_has(&m, "Reason: SIP;cause=488"));
        sippeer_reply(&agent.p, &m, 200, "OK", "", NULL);
        WANT(is_refused(488) && sipmsg_has(&m, "\r\nWarning: 3") && sipmsg_has(&m, "Reason: SIP;cause=488"));
    }
    WANT(rings("", GOOD)); /* no description at all */
    sippeer_reply(&agent.p, &ring, 200, "OK", "", NULL);
    WANT(sippeer_expect(&agent.p, &m, "ACK", 0) && sippeer_expect(&agent.p, &m, "BYE", 0));
    sippeer_reply(&agent.p, &m, 200, "OK", "", NULL);
    WANT(is_refused(488) && sipmsg_has(&m, "\r\nWarning: 304 "));
    ends_close();
}

TEST(a_call_without_any_answer_ends)
{
    BOX(NULL);
    WANT(rings("", NULL));
    WANT(answers());
    sipdlg_take(&dt, &m);
    sippeer_ack(&trunk.p, &dt, NULL);
    WANT(both_hear_bye());
    ends_close();
}

/* UPDATE: 500 with Retry-After while an offer of its sender is open, 491 while one of ours is (RFC 3311 5.2). */
TEST(an_update_that_crosses_an_open_offer)
{

    BOX(NULL);
    WANT(rings("", GOOD));
    sippeer_request(&trunk.p, &dt, "UPDATE", "", "application/sdp", GOOD);
    WANT(sippeer_expect(&trunk.p, &m, "500 UPDATE", 0));
    WANT(sipmsg_hdr(&m, "Retry-After", val, sizeof(val))[0] && strtol(val, NULL, 10) <= 10);
    sippeer_request(&trunk.p, &dt, "UPDATE", "", NULL, NULL); /* the session timer alone crosses nothing */
    WANT(sippeer_expect(&trunk.p, &m, "200 UPDATE", 0));
    sippeer_request(&agent.p, &da, "UPDATE", "", "application/sdp",
                    wsagent_sdp(sdp, sizeof(sdp), "actpass", "sendrecv"));
    WANT(sippeer_expect(&agent.p, &m, "491 UPDATE", 0));
    WANT(answers());
    sipdlg_take(&dt, &m);
    sippeer_request(&trunk.p, &dt, "UPDATE", "", "application/sdp",
                    GOOD); /* answered, if not yet acknowledged */
    WANT(sippeer_expect(&trunk.p, &m, "200 UPDATE", 0));
    sippeer_ack(&trunk.p, &dt, NULL);
    WANT(sippeer_caught_up(&trunk.p, &dt));
    sippeer_request(&trunk.p, &dt, "INVITE", "", NULL, NULL);
    WANT(sippeer_expect(&trunk.p, &m, "200 INVITE", 0));
    sippeer_request(&trunk.p, &dt, "UPDATE", "", "application/sdp", GOOD);
    WANT(sippeer_expect(&trunk.p, &m, "491 UPDATE", 0));
    sippeer_ack(&trunk.p, &dt, GOOD);
    WANT(sippeer_caught_up(&trunk.p, &dt));
    WANT(trunk_hangs_up());

    WANT(dials(wsagent_sdp(sdp, sizeof(sdp), "actpass", "sendrecv")));
    sippeer_reply(&trunk.p, &invite, 180, "Ringing", "", NULL);
    WANT(sippeer_expect(&agent.p, &m, "180 INVITE", 0));
    sipdlg_take(&da, &m);
    sippeer_request(&agent.p, &da, "UPDATE", "", "application/sdp",
                    wsagent_sdp(sdp, sizeof(sdp), "actpass", "sendrecv"));
    WANT(sippeer_expect(&agent.p, &m, "500 UPDATE", 0) && sipmsg_has(&m, "Retry-After: "));
    sippeer_request(&trunk.p, &dt, "UPDATE", "", "application/sdp", GOOD);
    WANT(sippeer_expect(&trunk.p, &m, "491 UPDATE", 0));
    ends_close();
}

/* Dialogs in bad weather: challenges, requests that cross, calls given up, limits, headers of every message. */
/* TSAN */
#include "conf/conf.h"
#include "core/clock.h"
#include "core/mbox.h"
#include "fake/ends.h"
#include "media/media.h"
#include "testing.h"
#include <errno.h>

/* --- credentials --- */

static void challenged(int code, const char *challenge, const char *header, const char *want)
{
    BOX(NULL);
    dial("");
    WANT(sippeer_expect(&trunk.p, &invite, "INVITE", 0));
    sippeer_reply(&trunk.p, &invite, code, "Who Are You", challenge, NULL);
    WANT(sippeer_expect(&trunk.p, &m, "ACK", 0));
    WANT(sippeer_expect(&trunk.p, &invite, "INVITE", 0));
    (void)sipmsg_hdr(&invite, header, val, sizeof(val));
    WANT(strstr(val, "username=\"gateway\"") && strstr(val, "uri=\"sip:600@127.0.0.1:"));
    if (!strstr(val, want))
        testing_fail(__FILE__, __LINE__, "%s", val);
    WANT(answered(""));
    WANT(agent_hangs_up());
    WANT(strstr(m.text, header)); /* the BYE has credentials, too */
    ends_close();
}

TEST(a_trunk_that_offers_sha256_and_md5)
{
    challenged(401,
               "WWW-Authenticate: Digest realm=\"g\", nonce=\"n1\", algorithm=SHA-256, qop=\"auth\"\r\n"
               "WWW-Authenticate: Digest realm=\"g\", nonce=\"n2\", algorithm=MD5, qop=\"auth\"\r\n",
               "Authorization", "algorithm=SHA-256");
}

TEST(a_trunk_that_offers_what_nobody_knows_and_md5)
{
    challenged(401,
               "WWW-Authenticate: Digest realm=\"g\", nonce=\"n1\", algorithm=SHA-512-256, qop=\"auth\"\r\n"
               "WWW-Authenticate: Digest realm=\"g\", nonce=\"n2\", algorithm=MD5, qop=\"auth-int,auth\"\r\n",
               "Authorization", "nonce=\"n2\"");
}

TEST(a_proxy_that_challenges_without_qop)
{
    /* HA1 = MD5(gateway:g:s3cret); without qop the answer depends on nothing but the URI */
    challenged(407, "Proxy-Authenticate: Digest realm=\"g\", nonce=\"n1\", opaque=\"op\"\r\n",
               "Proxy-Authorization", "opaque=\"op\"");
}

TEST(a_proxy_and_the_server_behind_it_both_challenge)
{
    BOX(NULL);
    dial("");
    WANT(sippeer_expect(&trunk.p, &invite, "INVITE", 0));
    sippeer_reply(&trunk.p, &invite, 407, "Who Are You",
                  "Proxy-Authenticate: Digest realm=\"p\", nonce=\"np\"\r\n", NULL);
    WANT(sippeer_expect(&trunk.p, &m, "ACK", 0));
    WANT(sippeer_expect(&trunk.p, &invite, "INVITE", 0));
    sippeer_reply(&trunk.p, &invite, 401, "Who Are You",
                  "WWW-Authenticate: Digest realm=\"s\", nonce=\"ns\"\r\n", NULL);
    WANT(sippeer_expect(&trunk.p, &m, "ACK", 0));
    WANT(sippeer_expect(&trunk.p, &invite, "INVITE", 0));
    WANT(strstr(sipmsg_hdr(&invite, "Proxy-Authorization", val, sizeof(val)), "nonce=\"np\""));
    WANT(strstr(sipmsg_hdr(&invite, "Authorization", val, sizeof(val)), "nonce=\"ns\""));
    WANT(answered(""));
    WANT(agent_hangs_up());
    WANT(strstr(m.text, "nonce=\"np\"") && strstr(m.text, "nonce=\"ns\""));
    ends_close();
}

/* We hang up before the trunk's ACK for a call of its own: the BYE that follows the ACK is challenged, and repeated. */
TEST(a_bye_that_had_to_wait_is_repeated_with_credentials)
{
    BOX(NULL);
    trunk_calls("", NULL);
    WANT(sippeer_expect(&agent.p, &invite, "INVITE", 0));
    sipdlg_of_invite(&da, &agent.p, &invite);
    sippeer_reply(&agent.p, &invite, 200, "OK", "", wsagent_sdp(sdp, sizeof(sdp), "active", "sendrecv"));
    WANT(sippeer_expect(&agent.p, &m, "ACK", 0) && sippeer_expect(&trunk.p, &m, "200 INVITE", 0));
    sipdlg_take(&dt, &m);
    sippeer_request(&agent.p, &da, "BYE", "", NULL, NULL);
    WANT(sippeer_expect(&agent.p, &m, "200 BYE", 0));
    sippeer_ack(&trunk.p, &dt, NULL);
    WANT(sippeer_expect(&trunk.p, &m, "BYE", 0));
    sippeer_reply(&trunk.p, &m, 401, "Who Are You", "WWW-Authenticate: Digest realm=\"s\", nonce=\"n\"\r\n",
                  NULL);
    WANT(sippeer_expect(&trunk.p, &m, "BYE", 0) && strstr(m.text, "nonce=\"n\""));
    sippeer_reply(&trunk.p, &m, 200, "OK", "", NULL);
    ends_close();
}

TEST(credentials_that_are_refused_are_the_gateways_failure)
{
    struct cdr cdr;

    BOX(NULL);
    dial("");
    for (int i = 0; i < 2; i++) {
        WANT(sippeer_expect(&trunk.p, &invite, "INVITE", 0));
        sippeer_reply(&trunk.p, &invite, 401, "Unauthorized",
                      "WWW-Authenticate: Digest realm=\"g\", nonce=\"n\", algorithm=MD5, qop=\"auth\"\r\n",
                      NULL);
        WANT(sippeer_expect(&trunk.p, &m, "ACK", 0));
    }
    WANT(sippeer_expect(&agent.p, &m, "403 INVITE",
                        0)); /* a 401 would make the page ask for its own password */
    WANT(box_cdr(&box, 1, &cdr));
    WANT(cdr.code == 403 && cdr.hangup == CDR_GATEWAY);
    ends_close();
}

/* --- what crosses --- */

/* The agent hangs up before the trunk has said anything to our INVITE. */
static bool given_up(void)
{
    dial("");
    if (!sippeer_expect(&trunk.p, &invite, "INVITE", 0))
        return false;
    sippeer_cancel(&agent.p, &da, "sip:600@dngate", "Reason: SIP;cause=487;text=\"gone\"\r\n");
    if (!sippeer_expect(&agent.p, &m, "487 INVITE", 0))
        return false;
    sippeer_ack_failure(&agent.p, &da, &m, "sip:600@dngate");
    return sippeer_hears_no(&trunk.p, "INVITE", 1200); /* it would go again after 0.5 s and 1 s more */
}

TEST(a_late_ringing_of_a_call_given_up_is_cancelled)
{
    BOX(NULL);
    WANT(given_up());
    sippeer_reply(&trunk.p, &invite, 180, "Ringing", "", NULL);
    WANT(sippeer_expect(&trunk.p, &m, "CANCEL", 0) && sipmsg_has(&m, "text=\"gone\""));
    WANT(!strcmp(sipmsg_hdr(&m, "Via", val, sizeof(val)),
                 sipmsg_hdr(&invite, "Via", (char[256]){0}, 256))); /* RFC 3261 9.1 */
    sippeer_reply(&trunk.p, &m, 200, "OK", "", NULL);
    for (int i = 0; i < 2; i++) { /* as if our ACK had been lost */
        sippeer_reply(&trunk.p, &invite, 487, "Request Terminated", "", NULL);
        WANT(sippeer_expect(&trunk.p, &m, "ACK", 0));
        WANT(strstr(sipmsg_hdr(&m, "To", val, sizeof(val)), trunk.p.tag));
    }
    WANT(sippeer_hears_no(&trunk.p, "CANCEL", 100));
    ends_close();
}

TEST(a_late_answer_to_a_call_given_up_is_hung_up)
{
    BOX(NULL);
    WANT(given_up());
    sippeer_reply(&trunk.p, &invite, 200, "OK", "", fake_trunk_sdp(sdp, sizeof(sdp), 40000, ""));
    WANT(sippeer_expect(&trunk.p, &m, "ACK", 0));
    WANT(sippeer_expect(&trunk.p, &agent_req, "BYE", 0) && sipmsg_has(&agent_req, "text=\"gone\""));
    sippeer_reply(&trunk.p, &invite, 200, "OK", "", sdp); /* as if our ACK had been lost */
    WANT(sippeer_expect(&trunk.p, &m, "ACK", 0));
    sippeer_reply(&trunk.p, &agent_req, 200, "OK", "", NULL);
    WANT(sippeer_hears_no(&trunk.p, "BYE", 100));
    ends_close();
}

TEST(bye_crosses_bye)
{
    struct cdr cdr;

    BOX(NULL);
    WANT(talk(""));
    sippeer_request(&agent.p, &da, "BYE", "", NULL, NULL);
    WANT(sippeer_expect(&trunk.p, &agent_req, "BYE", 0));
    sippeer_request(&trunk.p, &dt, "BYE", "", NULL, NULL);
    WANT(sippeer_expect(&trunk.p, &m, "200 BYE", 0));
    sippeer_reply(&trunk.p, &agent_req, 481, "Call Does Not Exist", "", NULL);
    WANT(sippeer_expect(&agent.p, &m, "200 BYE", 0));
    WANT(sippeer_hears_no(&agent.p, "BYE", 300));
    WANT(box_cdr(&box, 1, &cdr));
    WANT(cdr.code == 200 && cdr.hangup == CDR_AGENT);
    ends_close();
}

/* CANCEL arrives when the 200 to the trunk's INVITE is on its way: it is answered 200 and does nothing. */
TEST(the_trunks_cancel_crosses_our_answer)
{
    struct cdr cdr;

    BOX(NULL);
    sippeer_invite(&trunk.p, &dt, "sip:5001@dngate", "", fake_trunk_sdp(sdp, sizeof(sdp), 40000, ""));
    WANT(sippeer_expect(&agent.p, &agent_req, "INVITE", 0));
    sippeer_reply(&agent.p, &agent_req, 200, "OK", "", wsagent_sdp(sdp, sizeof(sdp), "active", "sendrecv"));
    WANT(sippeer_expect(&trunk.p, &invite, "200 INVITE", 0));
    sippeer_cancel(&trunk.p, &dt, "sip:5001@dngate", "");
    WANT(sippeer_expect(&trunk.p, &m, "200 CANCEL", 0) || sipmsg_code(&m) == 481);
    sipdlg_take(&dt, &invite);
    sippeer_ack(&trunk.p, &dt, NULL);
    sippeer_request(&trunk.p, &dt, "BYE", "", NULL, NULL);
    WANT(sippeer_expect(&trunk.p, &m, "200 BYE", 0));
    WANT(sippeer_expect(&agent.p, &m, "BYE", 0));
    sippeer_reply(&agent.p, &m, 200, "OK", "", NULL);
    WANT(box_cdr(&box, 1, &cdr));
    WANT(cdr.code == 200 && cdr.hangup == CDR_TRUNK);
    ends_close();
}

TEST(an_answer_without_ack_is_repeated)
{
    BOX(NULL);
    sippeer_invite(&trunk.p, &dt, "sip:5001@dngate", "", fake_trunk_sdp(sdp, sizeof(sdp), 40000, ""));
    WANT(sippeer_expect(&agent.p, &agent_req, "INVITE", 0));
    sippeer_reply(&agent.p, &agent_req, 200, "OK", "", wsagent_sdp(sdp, sizeof(sdp), "active", "sendrecv"));
    for (int i = 0; i < 3; i++) /* at once, after 0.5 s and 1 s more */
        WANT(sippeer_expect(&trunk.p, &m, "200 INVITE", 0));
    sipdlg_take(&dt, &m);
    sippeer_ack(&trunk.p, &dt, NULL);
    WANT(sippeer_caught_up(&trunk.p, &dt));
    WANT(sippeer_hears_no(&trunk.p, "200 INVITE", 2200));
    ends_close();
}

/* --- limits --- */

TEST(calls_beyond_the_limit_get_503)
{
    const char *options[] = {"call.limit_total=2", "call.limit_per_dn=10", NULL};
    struct sipdlg first;
    struct cdr cdr;

    BOX(options);
    WANT(talk(""));
    first = da;
    WANT(talk(""));
    dial("");
    WANT(sippeer_expect(&agent.p, &m, "503 INVITE", 0));
    WANT(sipmsg_has(&m, "Retry-After: "));
    sippeer_ack_failure(&agent.p, &da, &m, "sip:600@dngate");
    WANT(box_cdr(&box, 1, &cdr) && cdr.code == 503 && cdr.hangup == CDR_GATEWAY);
    sippeer_invite(&trunk.p, &dt, "sip:5001@dngate", "", fake_trunk_sdp(sdp, sizeof(sdp), 40000, ""));
    WANT(sippeer_expect(&trunk.p, &m, "503 INVITE", 0));
    sippeer_ack_failure(&trunk.p, &dt, &m, "sip:5001@dngate");
    da = first;
    WANT(agent_hangs_up());
    WANT(box_cdr(&box, 3, &cdr));
    WANT(talk("")); /* there is room again */
    ends_close();
}

/* --- headers --- */

static const char *const names[] = {
    "User-to-User", "Reason", "X-Genesys-CallUUID", "X-Genesys-Extra", "Diversion", "History-Info", NULL};
enum { FROM_ANY_AGENT = 2 }; /* so many of them */

static const char *extras(const char *where)
{
    static char text[1024];

    (void)snprintf(
        text, sizeof(text),
        "X-Genesys-CallUUID: uuid-%s\r\nX-Genesys-Extra: x-%s\r\nUser-to-User: 41-%s;encoding=hex\r\n"
        "Reason: SIP;cause=200;text=\"r-%s\"\r\nDiversion: <sip:d-%s@a>\r\nHistory-Info: "
        "<sip:h-%s@a>;index=1\r\n"
        "P-Asserted-Identity: <sip:p-%s@a>\r\nX-Other: no\r\n",
        where, where, where, where, where, where, where);
    return text;
}

/* Has msg the first n of the headers with `where` in it, and none of the others? */
static bool has_first(const struct sipmsg *msg, const char *where, size_t n)
{
    for (size_t i = 0; names[i]; i++) {
        if (!strstr(sipmsg_hdr(msg, names[i], val, sizeof(val)), where) == (i >= n))
            continue;
        printf("# %s: %s in\n%s\n", where, names[i], msg->text);
        return false;
    }
    return !sipmsg_has(msg, "X-Other");
}

/* P-Asserted-Identity goes to the agent only; the DN's own goes to the trunk. */
static bool carries(const struct sipmsg *msg, const char *where, bool to_agent)
{
    const bool id = strstr(sipmsg_hdr(msg, "P-Asserted-Identity", val, sizeof(val)), where);

    return id == to_agent && has_first(msg, where, to_agent ? 6 : FROM_ANY_AGENT);
}

TEST(headers_cross_on_every_message_of_a_call_out)
{
    BOX(NULL);
    dial(extras("invite"));
    WANT(sippeer_expect(&trunk.p, &invite, "INVITE", 0));
    WANT(carries(&invite, "invite", false));
    WANT(strstr(sipmsg_hdr(&invite, "P-Asserted-Identity", val, sizeof(val)), "sip:5001@"));
    sippeer_reply(&trunk.p, &invite, 180, "Ringing", extras("180"), NULL);
    WANT(sippeer_expect(&agent.p, &m, "180", 0) && carries(&m, "180", true));
    sipdlg_of_invite(&dt, &trunk.p, &invite);
    sippeer_reply(&trunk.p, &invite, 200, "OK", extras("200"), fake_trunk_sdp(sdp, sizeof(sdp), 40000, ""));
    WANT(sippeer_expect(&agent.p, &m, "200 INVITE", 0) && carries(&m, "200", true));
    sipdlg_take(&da, &m);
    sippeer_ack(&agent.p, &da, NULL);
    sippeer_request(&agent.p, &da, "BYE", extras("bye"), NULL, NULL);
    WANT(sippeer_expect(&trunk.p, &m, "BYE", 0) && carries(&m, "bye", false));
    sippeer_reply(&trunk.p, &m, 200, "OK", "", NULL);
    ends_close();
}

TEST(headers_cross_on_every_message_of_a_call_in)
{
    BOX(NULL);
    sippeer_invite(&trunk.p, &dt, "sip:5001@dngate", extras("invite"),
                   fake_trunk_sdp(sdp, sizeof(sdp), 40000, ""));
    WANT(sippeer_expect(&agent.p, &agent_req, "INVITE", 0) && carries(&agent_req, "invite", true));
    sippeer_reply(&agent.p, &agent_req, 180, "Ringing", extras("180"), NULL);
    WANT(sippeer_expect(&trunk.p, &m, "180", 0) && carries(&m, "180", false));
    sipdlg_of_invite(&da, &agent.p, &agent_req);
    sippeer_reply(&agent.p, &agent_req, 200, "OK", extras("200"),
                  wsagent_sdp(sdp, sizeof(sdp), "active", "sendrecv"));
    WANT(sippeer_expect(&trunk.p, &m, "200 INVITE", 0) && carries(&m, "200", false));
    sipdlg_take(&dt, &m);
    sippeer_ack(&trunk.p, &dt, NULL);
    sippeer_request(&trunk.p, &dt, "BYE", extras("bye"), NULL, NULL);
    WANT(sippeer_expect(&agent.p, &m, "BYE", 0) && carries(&m, "bye", true));
    sippeer_reply(&agent.p, &m, 200, "OK", "", NULL);
    ends_close();
}

/* What an agent may send on is the administrator's to say, at any time; what SIP goes by never is. */
TEST(an_agents_headers_cross_as_the_setting_says)
{
    const char *options[] = {
        "sip.agent_headers=X-Genesys-*, diversion, P-Asserted-Identity, Vi*, v, Supported", NULL};
    char why[256];
    struct cdr cdr;

    BOX(options);
    dial("X-Genesys-CallUUID: uuid-1\r\nDiversion: <sip:d@a>\r\nHistory-Info: "
         "<sip:h@a>;index=1\r\nUser-to-User: 41\r\n"
         "P-Asserted-Identity: <sip:p@a>\r\nSupported: mine\r\nX-Genesys: x\r\n");
    WANT(sippeer_expect(&trunk.p, &invite, "INVITE", 0));
    WANT(sipmsg_has(&invite, "X-Genesys-CallUUID: uuid-1\r\n") &&
         sipmsg_has(&invite, "Diversion: <sip:d@a>\r\n"));
    WANT(!sipmsg_has(&invite, "History-Info") && !sipmsg_has(&invite, "User-to-User") &&
         !sipmsg_has(&invite, "X-Genesys: "));
    WANT(!sipmsg_has(&invite, "sip:p@a") && !sipmsg_has(&invite, "mine") && !sipmsg_has(&invite, ".invalid"));
    WANT(answered(""));
    CHECK_EQ_INT(conf_set(box.conf, CONF_OPTION, "sip.agent_headers", "", why, sizeof(why)), 0);
    sippeer_request(&agent.p, &da, "BYE", "X-Genesys-CallUUID: uuid-2\r\nReason: SIP;cause=200\r\n", NULL,
                    NULL);
    WANT(sippeer_expect(&trunk.p, &m, "BYE", 0));
    WANT(sipmsg_has(&m, "Reason: SIP;cause=200\r\n") && !sipmsg_has(&m, "uuid"));
    sippeer_reply(&trunk.p, &m, 200, "OK", "", NULL);
    WANT(box_cdr(&box, 1, &cdr) && !strcmp(cdr.call_uuid, "uuid-1"));
    ends_close();
}

/* --- media that cannot come --- */

static void media_fails(enum media_event_type type, enum media_reason reason, const char *text)
{
    struct media_event ev = {.type = type, .reason = reason};
    struct cdr cdr;

    BOX(NULL);
    WANT(talk(""));
    ev.path_id = path_in(&m);
    WANT(!mbox_post(box.events, &ev));
    WANT(sippeer_expect(&trunk.p, &m, "BYE", 0));
    WANT(strstr(sipmsg_hdr(&m, "Reason", val, sizeof(val)), text));
    sippeer_reply(&trunk.p, &m, 200, "OK", "", NULL);
    WANT(sippeer_expect(&agent.p, &m, "BYE", 0));
    WANT(strstr(sipmsg_hdr(&m, "Reason", val, sizeof(val)), text));
    sippeer_reply(&agent.p, &m, 200, "OK", "", NULL);
    WANT(box_cdr(&box, 1, &cdr) && cdr.hangup == CDR_GATEWAY && strstr(text, cdr.reason));
    ends_close();
}

TEST(a_handshake_that_never_ends_ends_the_call_with_a_reason)
{
    media_fails(MEDIA_FAILED, MEDIA_NO_DTLS, "SIP;cause=500;text=\"Media failed: dtls\"");
}

TEST(a_browser_with_another_certificate_ends_the_call_with_a_reason)
{
    media_fails(MEDIA_FAILED, MEDIA_WRONG_PEER, "SIP;cause=500;text=\"Media failed: fingerprint\"");
}

TEST(a_browser_that_no_address_reaches_ends_the_call_with_a_reason)
{
    media_fails(MEDIA_FAILED, MEDIA_NO_ICE, "SIP;cause=500;text=\"Media failed: ice\"");
}

TEST(silence_ends_the_call_with_a_reason)
{
    media_fails(MEDIA_TIMEOUT, MEDIA_TRUNK_SILENT, "SIP;cause=408;text=\"Media timeout: trunk\"");
}

/* --- the end of it all --- */

/* The box stops with calls in every state; under TSan this is the proof of the order in which its threads end. */
TEST(stops_with_calls_in_every_state)
{
    for (int i = 0; i < 4; i++) {
        const char *options[] = {"call.limit_per_dn=10", NULL};

        BOX(options);
        WANT(talk(""));
        dial("");
        WANT(sippeer_expect(&trunk.p, &invite, "INVITE", 0));
        sippeer_reply(&trunk.p, &invite, 180, "Ringing", "", NULL);
        dial("");
        WANT(sippeer_expect(&trunk.p, &invite, "INVITE", 0));
        sippeer_reply(&trunk.p, &invite, 180, "Ringing", "", NULL);
        WANT(sippeer_expect(&agent.p, &m, "180", 0));
        sippeer_cancel(&agent.p, &da, "sip:600@dngate", "");
        sippeer_invite(&trunk.p, &dt, "sip:5001@dngate", "", fake_trunk_sdp(sdp, sizeof(sdp), 40000, ""));
        WANT(sippeer_expect(&agent.p, &m, "INVITE", 0));
        if (i & 1)
            sippeer_reply(&agent.p, &m, 200, "OK", "", wsagent_sdp(sdp, sizeof(sdp), "active", "sendrecv"));
        if (i & 2)
            wsagent_close(&agent);
        box_close(&box);
        agent.st = NULL;
        ends_close();
    }
}

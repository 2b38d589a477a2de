/* Transfers: REFER of the trunk and of the page, with Replaces and without, NOTIFYs, and INVITEs with Replaces. One record per call, no leg left. */
/* TSAN */
#include "fake/ends.h"
#include "metrics.h"
#include "testing.h"

#define ALLOWS_REFER "Allow: INVITE, ACK, BYE, CANCEL, NOTIFY, REFER\r\n"

static struct sipdlg dn; /* the trunk's dialog that is new */
static struct sipmsg fresh;

static bool notified(const char *frag, const char *state)
{
    if (!sippeer_expect(&trunk.p, &m, "NOTIFY", 0) || strncmp(sipmsg_body(&m), frag, strlen(frag)) ||
        strncmp(sipmsg_hdr(&m, "Event", val, sizeof(val)), "refer", 5) ||
        strncmp(sipmsg_hdr(&m, "Subscription-State", val, sizeof(val)), state, strlen(state)) ||
        strcmp(sipmsg_hdr(&m, "Content-Type", val, sizeof(val)), "message/sipfrag;version=2.0"))
        return false;
    sippeer_reply(&trunk.p, &m, 200, "OK", "", NULL);
    return true;
}

/* The trunk asks for it; our INVITE lies in fresh. */
static bool trunk_refers(const char *refer_to, const char *hdrs)
{
    char lines[1024];

    (void)snprintf(lines, sizeof(lines), "Refer-To: %s\r\nReferred-By: <sip:1003@127.0.0.1>\r\n%s", refer_to,
                   hdrs);
    sippeer_request(&trunk.p, &dt, "REFER", lines, NULL, NULL);
    if (!sippeer_expect(&trunk.p, &m, "202 REFER", 0) || !sippeer_expect(&trunk.p, &fresh, "INVITE", 0))
        return false;
    sipdlg_of_invite(&dn, &trunk.p, &fresh);
    return true;
}

static bool new_leg_answers(unsigned port)
{
    char answer[1024];

    sippeer_reply(&trunk.p, &fresh, 200, "OK", "",
                  fake_trunk_sdp(answer, sizeof(answer), (uint16_t)port, ""));
    return sippeer_expect(&trunk.p, &m, "ACK", 0);
}

static bool ends_with(const char *reason, enum cdr_party by)
{
    struct cdr cdr;

    return box_cdr(&box, 1, &cdr) && cdr.code == 200 && cdr.hangup == by && !strcmp(cdr.reason, reason);
}

/* The agent hangs up what is the call now. */
static bool agent_ends_it(void)
{
    sippeer_request(&agent.p, &da, "BYE", "", NULL, NULL);
    if (!sippeer_expect(&agent.p, &m, "200 BYE", 0) || !sippeer_expect(&trunk.p, &m, "BYE", 0) ||
        strcmp(sipmsg_hdr(&m, "Call-ID", val, sizeof(val)), dn.callid))
        return false;
    sippeer_reply(&trunk.p, &m, 200, "OK", "", NULL);
    return true;
}

TEST(a_blind_refer_of_the_trunk_moves_the_call)
{
    BOX(NULL);
    WANT(talk(""));
    WANT(trunk_refers("<sip:1005@10.0.0.9;user=phone;method=INVITE>", "X-Genesys-CallUUID: AFTER\r\n"));
    WANT(!strncmp(fresh.text, "INVITE sip:1005@10.0.0.9;user=phone SIP/2.0", 43));
    WANT(sipmsg_has(&fresh, "Referred-By: <sip:1003@127.0.0.1>\r\n") &&
         sipmsg_has(&fresh, "X-Genesys-CallUUID: AFTER\r\n") && !sipmsg_has(&fresh, "Replaces:"));
    WANT(strstr(sipmsg_hdr(&fresh, "From", val, sizeof(val)), "5001"));
    WANT(notified("SIP/2.0 100 Trying\r\n", "active;expires="));
    sippeer_reply(&trunk.p, &fresh, 180, "Ringing", "", NULL);
    WANT(notified("SIP/2.0 180 Ringing\r\n", "active;expires="));
    sippeer_reply(&trunk.p, &fresh, 183, "Progress", "", NULL); /* is not news */
    WANT(new_leg_answers(40100));
    WANT(notified("SIP/2.0 200 OK\r\n", "terminated"));
    sippeer_request(&trunk.p, &dt, "BYE", "", NULL, NULL); /* as RFC 5589 has it */
    WANT(sippeer_expect(&trunk.p, &m, "200 BYE", 0));
    WANT(sippeer_hears_no(&agent.p, "BYE", 100));
    sippeer_request(&trunk.p, &dn, "INVITE", "", "application/sdp",
                    fake_trunk_sdp(sdp, sizeof(sdp), 40102, "a=sendonly\r\n"));
    WANT(sippeer_expect(&trunk.p, &m, "200 INVITE", 0) && sipmsg_has(&m, "a=recvonly"));
    sippeer_ack(&trunk.p, &dn, NULL);
    WANT(agent_ends_it());
    WANT(ends_with("Transferred to 1005", CDR_AGENT));
    ends_close();
}

TEST(an_attended_refer_names_the_dialog_that_is_replaced_and_a_silent_transferor_gets_bye)
{
    struct cdr cdr;

    BOX(NULL);
    trunk_calls("", NULL);
    WANT(agent_answers(""));
    WANT(trunk_refers(
        "<sip:1006@127.0.0.1?Replaces=abc%40host%3Bto-tag%3D1%3Bfrom-tag%3D2&X-Genesys-Extra=a%20b"
        "&Subject=no>",
        ""));
    WANT(sipmsg_has(&fresh, "Replaces: abc@host;to-tag=1;from-tag=2\r\n") &&
         sipmsg_has(&fresh, "X-Genesys-Extra: a b\r\n") && !sipmsg_has(&fresh, "Subject"));
    WANT(notified("SIP/2.0 100 Trying\r\n", "active"));
    WANT(new_leg_answers(40100));
    WANT(notified("SIP/2.0 200 OK\r\n", "terminated"));
    WANT(sippeer_expect(&trunk.p, &m, "BYE", 0)); /* it says nothing: after 2 s */
    WANT(!strcmp(sipmsg_hdr(&m, "Call-ID", val, sizeof(val)), dt.callid));
    sippeer_reply(&trunk.p, &m, 200, "OK", "", NULL);
    sippeer_request(&trunk.p, &dn, "BYE", "Reason: SIP;cause=200;text=\"Far end left\"\r\n", NULL, NULL);
    WANT(sippeer_expect(&trunk.p, &m, "200 BYE", 0) && sippeer_expect(&agent.p, &m, "BYE", 0));
    sippeer_reply(&agent.p, &m, 200, "OK", "", NULL);
    WANT(box_cdr(&box, 1, &cdr) && cdr.hangup == CDR_TRUNK && !strcmp(cdr.reason, "Transferred to 1006"));
    ends_close();
}

/* As a TCP connection's, or another process's of SIP Server: where it takes calls is what was configured. */
TEST(a_trunk_that_calls_from_another_port_is_called_at_its_own)
{
    struct fake_trunk other;
    char to[64];

    BOX(NULL);
    WANT(!fake_trunk_open(&other));
    other.gateway_port = box.sip_port;
    (void)snprintf(to, sizeof(to), "sip:5001@127.0.0.1:%u", box.sip_port);
    sippeer_invite(&other.p, &dt, to, "", fake_trunk_sdp(sdp, sizeof(sdp), 40000, ""));
    CHECK_OR(sippeer_expect(&agent.p, &agent_req, "INVITE", 0), goto out);
    sipdlg_of_invite(&da, &agent.p, &agent_req);
    sippeer_reply(&agent.p, &agent_req, 200, "OK", "", wsagent_sdp(sdp, sizeof(sdp), "active", "sendrecv"));
    CHECK_OR(sippeer_expect(&agent.p, &m, "ACK", 0) && sippeer_expect(&other.p, &m, "200 INVITE", 0),
             goto out);
    sipdlg_take(&dt, &m);
    sippeer_ack(&other.p, &dt, NULL);
    sippeer_request(&other.p, &dt, "REFER", "Refer-To: <sip:1005@127.0.0.1>\r\n", NULL, NULL);
    CHECK_OR(sippeer_expect(&trunk.p, &fresh, "INVITE", 0), goto out);
    sipdlg_of_invite(&dn, &trunk.p, &fresh);
    CHECK_OR(new_leg_answers(40100) && agent_ends_it(), goto out);
    CHECK_OR(sippeer_expect(&other.p, &m, "BYE", 0), goto out);

out:
    fake_trunk_close(&other);
    ends_close();
}

TEST(a_refused_transfer_leaves_the_call_as_it_was)
{
    BOX(NULL);
    WANT(talk(""));
    WANT(trunk_refers("<sip:1005@127.0.0.1>", ""));
    WANT(notified("SIP/2.0 100 Trying\r\n", "active"));
    sippeer_request(&trunk.p, &dt, "REFER", "Refer-To: <sip:1007@127.0.0.1>\r\n", NULL, NULL);
    WANT(sippeer_expect(&trunk.p, &m, "491 REFER", 0)); /* one at a time */
    sippeer_reply(&trunk.p, &fresh, 486, "Busy Here", "", NULL);
    WANT(sippeer_expect(&trunk.p, &m, "ACK", 0));
    WANT(notified("SIP/2.0 486 Busy Here\r\n", "terminated"));
    WANT(trunk_refers("<sip:1007@127.0.0.1>", ""));
    WANT(notified("SIP/2.0 100 Trying\r\n", "active"));
    WANT(strstr(sipmsg_hdr(&m, "Event", val, sizeof(val)), ";id=")); /* the second of its dialog */
    sippeer_reply(&trunk.p, &fresh, 200, "OK", "", "v=0\r\nnonsense");
    WANT(sippeer_expect(&trunk.p, &m, "ACK", 0));
    WANT(notified("SIP/2.0 488", "terminated"));
    WANT(sippeer_caught_up(&trunk.p, &dt) && agent_hangs_up());
    WANT(ends_with("Hung up", CDR_AGENT));
    ends_close();
}

/* 481 to NOTIFY is about the subscription, not about the call (RFC 5057 5.1). */
TEST(a_transferor_that_wants_no_notify_keeps_its_call)
{
    BOX(NULL);
    WANT(talk(""));
    WANT(trunk_refers("<sip:1005@127.0.0.1>", ""));
    WANT(sippeer_expect(&trunk.p, &m, "NOTIFY", 0));
    sippeer_reply(&trunk.p, &m, 481, "Subscription Does Not Exist", "", NULL);
    sippeer_reply(&trunk.p, &fresh, 486, "Busy Here", "", NULL);
    WANT(sippeer_expect(&trunk.p, &m, "ACK", 0));
    WANT(sippeer_expect(&trunk.p, &m, "NOTIFY", 0));
    sippeer_reply(&trunk.p, &m, 481, "Subscription Does Not Exist", "", NULL);
    WANT(sippeer_caught_up(&trunk.p, &dt) && agent_hangs_up());
    WANT(ends_with("Hung up", CDR_AGENT));
    ends_close();
}

/* What the old leg says of the agent's hold, behind the transfer, is of no use to anybody. */
TEST(a_hold_is_under_way_when_the_call_is_transferred)
{
    BOX(NULL);
    WANT(talk(""));
    sippeer_request(&agent.p, &da, "INVITE", "", "application/sdp",
                    wsagent_sdp(sdp, sizeof(sdp), "actpass", "sendonly"));
    WANT(sippeer_expect(&agent.p, &m, "200 INVITE", 0));
    sippeer_ack(&agent.p, &da, NULL);
    WANT(sippeer_expect(&trunk.p, &invite, "INVITE", 0) && sipmsg_has(&invite, "a=sendonly"));
    sippeer_reply(&trunk.p, &invite, 100, "Trying", "", NULL);
    WANT(trunk_refers("<sip:1005@127.0.0.1>", "Refer-Sub: false\r\n") && sipmsg_has(&fresh, "a=sendonly"));
    WANT(new_leg_answers(40100));
    sippeer_reply(&trunk.p, &invite, 488, "Not Acceptable Here", "", NULL);
    WANT(sippeer_expect(&trunk.p, &m, "ACK", 0));
    sippeer_request(&trunk.p, &dt, "BYE", "", NULL, NULL);
    WANT(sippeer_expect(&trunk.p, &m, "200 BYE", 0));
    WANT(agent_ends_it());
    WANT(ends_with("Transferred to 1005", CDR_AGENT));
    ends_close();
}

TEST(a_transferor_that_leaves_behind_its_202_leaves_the_call_with_the_new_leg)
{
    BOX(NULL);
    WANT(talk(""));
    WANT(trunk_refers("<sip:1005@127.0.0.1>", "Refer-Sub: false\r\n"));
    sippeer_request(&trunk.p, &dt, "BYE", "", NULL, NULL);
    WANT(sippeer_expect(&trunk.p, &m, "200 BYE", 0));
    /* nobody is there to be heard: ringing is no RTP timeout, and who has left hears no more of the agent */
    WANT(sippeer_caught_up(&agent.p, &da));
    WANT(metric_value("dngate_calls{direction=\"out\",state=\"held\"}") == 1);
    sippeer_reply(&trunk.p, &fresh, 180, "Ringing", "", NULL);
    WANT(sippeer_hears_no(&trunk.p, "NOTIFY", 100) && sippeer_hears_no(&agent.p, "BYE", 50));
    WANT(new_leg_answers(40100));
    WANT(sippeer_caught_up(&trunk.p, &dn));
    WANT(metric_value("dngate_calls{direction=\"out\",state=\"held\"}") == 0);
    WANT(agent_ends_it());
    WANT(ends_with("Transferred to 1005", CDR_AGENT));
    ends_close();
}

TEST(nobody_answers_where_a_transferor_who_has_left_referred_to)
{
    struct cdr cdr;

    BOX(NULL);
    WANT(talk(""));
    WANT(trunk_refers("<sip:1005@127.0.0.1>", ""));
    sippeer_request(&trunk.p, &dt, "BYE", "", NULL, NULL);
    WANT(sippeer_expect(&trunk.p, &m, "200 BYE", 0));
    sippeer_reply(&trunk.p, &fresh, 404, "Not Found", "", NULL);
    WANT(sippeer_expect(&agent.p, &m, "BYE", 0));
    sippeer_reply(&agent.p, &m, 200, "OK", "", NULL);
    WANT(box_cdr(&box, 1, &cdr) && cdr.hangup == CDR_TRUNK && !strcmp(cdr.reason, "Not Found"));
    ends_close();
}

TEST(the_agent_hangs_up_while_a_transfer_is_under_way)
{
    BOX(NULL);
    WANT(talk(""));
    WANT(trunk_refers("<sip:1005@127.0.0.1>", ""));
    WANT(notified("SIP/2.0 100 Trying\r\n", "active"));
    sippeer_reply(&trunk.p, &fresh, 180, "Ringing", "", NULL);
    WANT(notified("SIP/2.0 180 Ringing\r\n", "active"));
    sippeer_request(&agent.p, &da, "BYE", "", NULL, NULL);
    WANT(notified("SIP/2.0 487", "terminated"));
    WANT(sippeer_expect(&trunk.p, &m, "CANCEL", 0));
    sippeer_reply(&trunk.p, &m, 200, "OK", "", NULL);
    sippeer_reply(&trunk.p, &fresh, 487, "Request Terminated", "", NULL);
    WANT(sippeer_expect(&trunk.p, &m, "BYE", 0));
    sippeer_reply(&trunk.p, &m, 200, "OK", "", NULL);
    WANT(ends_with("Hung up", CDR_AGENT));
    ends_close();
}

TEST(a_refer_that_cannot_be_followed_is_refused_for_what_it_is)
{
    static const struct {
        const char *hdrs, *code;
    } v[] = {
        {"", "400 REFER"},
        {"Refer-To: <sip:1@127.0.0.1>\r\nRefer-To: <sip:2@127.0.0.1>\r\n", "400 REFER"},
        {"Refer-To: <<<\r\n", "400 REFER"},
        {"Refer-To: <sip:1@127.0.0.1?X-Genesys-A=%0d%0aVia:%20x>\r\n", "400 REFER"},
        {"Refer-To: <sip:1@127.0.0.1?Replaces=a%3Bto-tag%3Db%3Bfrom-tag%3Dc&Replaces=a>\r\n", "400 REFER"},
        {"Refer-To: <https://127.0.0.1/>\r\n", "4"},
        {"Refer-To: <tel:+491>\r\n", "416 REFER"},
        {"Refer-To: <sip:1@127.0.0.1;method=BYE>\r\n", "501 REFER"},
    };

    BOX(NULL);
    WANT(talk(""));
    for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
        sippeer_request(&trunk.p, &dt, "REFER", v[i].hdrs, NULL, NULL);
        if (v[i].code[1])
            WANT(sippeer_expect(&trunk.p, &m, v[i].code, 0));
        else
            WANT(!trunk.p.recv(&trunk.p, &m, SIPPEER_MS) && sipmsg_code(&m) / 100 == 4);
    }
    sippeer_request(&trunk.p, &dt, "NOTIFY", "Event: refer\r\nSubscription-State: active\r\n",
                    "message/sipfrag", "SIP/2.0 200 OK\r\n");
    WANT(sippeer_expect(&trunk.p, &m, "481 NOTIFY", 0)); /* nobody has asked */
    WANT(sippeer_hears_no(&trunk.p, "INVITE", 50) && agent_hangs_up());
    ends_close();
}

TEST(a_refer_before_the_answer_has_to_wait)
{
    BOX(NULL);
    trunk_calls("", NULL);
    WANT(sippeer_expect(&agent.p, &agent_req, "INVITE", 0));
    sippeer_reply(&agent.p, &agent_req, 180, "Ringing", "", NULL);
    WANT(sippeer_expect(&trunk.p, &m, "180", 0));
    sipdlg_take(&dt, &m);
    sippeer_request(&trunk.p, &dt, "REFER", "Refer-To: <sip:1@127.0.0.1>\r\n", NULL, NULL);
    WANT(sippeer_expect(&trunk.p, &m, "491 REFER", 0));
    ends_close();
}

TEST(a_site_may_take_no_refer)
{
    const char *const options[] = {"call.refer=off", NULL};

    BOX(options);
    WANT(talk(ALLOWS_REFER));
    sippeer_request(&trunk.p, &dt, "REFER", "Refer-To: <sip:1@127.0.0.1>\r\n", NULL, NULL);
    WANT(sippeer_expect(&trunk.p, &m, "405 REFER", 0));
    sippeer_request(&agent.p, &da, "REFER", "Refer-To: <sip:1@127.0.0.1>\r\n", NULL, NULL);
    WANT(sippeer_expect(&agent.p, &m, "405 REFER", 0));
    WANT(agent_hangs_up());
    ends_close();
}

/* ------------------------------------------------------------------ the page asks */

static bool page_is_told(const char *frag, const char *state)
{
    if (!sippeer_expect(&agent.p, &m, "NOTIFY", 0) || strncmp(sipmsg_body(&m), frag, strlen(frag)) ||
        strcmp(sipmsg_hdr(&m, "Event", val, sizeof(val)), "refer") ||
        strncmp(sipmsg_hdr(&m, "Subscription-State", val, sizeof(val)), state, strlen(state)))
        return false;
    sippeer_reply(&agent.p, &m, 200, "OK", "", NULL);
    return sippeer_expect(&trunk.p, &m, "200 NOTIFY", 0);
}

static void trunk_notifies(const char *state, const char *frag)
{
    char hdrs[128];

    (void)snprintf(hdrs, sizeof(hdrs), "Event: refer\r\nSubscription-State: %s\r\n", state);
    sippeer_request(&trunk.p, &dt, "NOTIFY", hdrs, "message/sipfrag;version=2.0", frag);
}

TEST(a_page_transfers_blindly_by_the_trunk)
{
    char want[64];

    BOX(NULL);
    WANT(talk(ALLOWS_REFER));
    sippeer_request(&agent.p, &da, "REFER", "Refer-To: <sip:4712@dngate>\r\n", NULL, NULL);
    WANT(sippeer_expect(&trunk.p, &invite, "REFER", 0));
    (void)snprintf(want, sizeof(want), "<sip:4712@127.0.0.1:%u>", trunk.port);
    WANT(!strcmp(sipmsg_hdr(&invite, "Refer-To", val, sizeof(val)), want));
    WANT(strstr(sipmsg_hdr(&invite, "Referred-By", val, sizeof(val)), "5001"));
    WANT(sippeer_hears_no(&agent.p, "202 REFER", 30));
    sippeer_reply(&trunk.p, &invite, 202, "Accepted", "", NULL);
    WANT(sippeer_expect(&agent.p, &m, "202 REFER", 0));
    trunk_notifies("active;expires=60", "SIP/2.0 100 Trying\r\n");
    WANT(page_is_told("SIP/2.0 100 Trying\r\n", "active"));
    trunk_notifies("active;expires=60", "no status");
    WANT(sippeer_expect(&trunk.p, &m, "400 NOTIFY", 0));
    sippeer_request(&agent.p, &da, "REFER", "Refer-To: <sip:4713@dngate>\r\n", NULL, NULL);
    WANT(sippeer_expect(&agent.p, &m, "491 REFER", 0));
    trunk_notifies("terminated;reason=noresource", "SIP/2.0 200 OK\r\n");
    WANT(page_is_told("SIP/2.0 200 OK\r\n", "terminated"));
    trunk_notifies("terminated;reason=noresource", "SIP/2.0 200 OK\r\n");
    WANT(sippeer_expect(&trunk.p, &m, "481 NOTIFY", 0)); /* it is over */
    sippeer_request(&trunk.p, &dt, "BYE", "", NULL, NULL);
    WANT(sippeer_expect(&agent.p, &m, "BYE", 0));
    sippeer_reply(&agent.p, &m, 200, "OK", "", NULL);
    WANT(ends_with("Transferred to 4712", CDR_TRUNK));
    ends_close();
}

TEST(a_page_hears_why_it_cannot_transfer)
{
    BOX(NULL);
    WANT(talk("Allow: INVITE, ACK, BYE, CANCEL\r\n"));
    sippeer_request(&agent.p, &da, "REFER", "Refer-To: <sip:4712@dngate>\r\n", NULL, NULL);
    WANT(sippeer_expect(&agent.p, &m, "501 REFER", 0) && sipmsg_has(&m, "Warning: 399"));
    sippeer_request(&trunk.p, &dt, "INFO", ALLOWS_REFER, NULL, NULL);
    WANT(sippeer_expect(&trunk.p, &m, "200 INFO", 0));
    sippeer_request(&agent.p, &da, "REFER", "Refer-To: <sip:dngate>\r\n", NULL, NULL);
    WANT(sippeer_expect(&agent.p, &m, "484 REFER", 0));
    sippeer_request(&agent.p, &da, "REFER",
                    "Refer-To: <sip:4712@dngate?Replaces=none%3Bto-tag%3D1%3Bfrom-tag%3D2>\r\n", NULL, NULL);
    WANT(sippeer_expect(&agent.p, &m, "481 REFER", 0));
    sippeer_request(&agent.p, &da, "REFER", "Refer-To: <sip:4712@dngate>\r\n", NULL, NULL);
    WANT(sippeer_expect(&trunk.p, &invite, "REFER", 0));
    sippeer_reply(&trunk.p, &invite, 603, "Decline", "", NULL);
    WANT(sippeer_expect(&agent.p, &m, "603 REFER", 0));
    sippeer_request(&agent.p, &da, "REFER", "Refer-To: <sip:4712@dngate>\r\n", NULL, NULL);
    WANT(sippeer_expect(&trunk.p, &invite, "REFER", 0)); /* it may ask again */
    sippeer_reply(&trunk.p, &invite, 202, "Accepted", "", NULL);
    WANT(sippeer_expect(&agent.p, &m, "202 REFER", 0));
    trunk_notifies("terminated;reason=noresource", "SIP/2.0 486 Busy Here\r\n");
    WANT(page_is_told("SIP/2.0 486 Busy Here\r\n", "terminated"));
    WANT(agent_hangs_up() && ends_with("Hung up", CDR_AGENT));
    ends_close();
}

static const char *tag_of(const char *side, char *buf, size_t sz)
{
    const char *p = strstr(side, "tag=");

    (void)snprintf(buf, sz, "%s", p ? p + 4 : "");
    buf[strcspn(buf, ";> ")] = '\0';
    return buf;
}

/* The page's two calls become one of the trunk's: what it says of its legs is said of the trunk's. */
TEST(a_page_transfers_one_call_to_its_other)
{
    struct sipdlg da1, dt1;
    char line[1024], t1[64], t2[64], want[1024];

    BOX(NULL);
    WANT(talk(ALLOWS_REFER));
    da1 = da;
    dt1 = dt;
    WANT(talk(ALLOWS_REFER)); /* the consultation: da, dt */
    (void)snprintf(line, sizeof(line),
                   "Refer-To: <sip:600@dngate?Replaces=%s%%3Bto-tag%%3D%s%%3Bfrom-tag%%3D%s>\r\n", da.callid,
                   tag_of(da.remote, t1, sizeof(t1)), tag_of(da.local, t2, sizeof(t2)));
    sippeer_request(&agent.p, &da1, "REFER", line, NULL, NULL);
    WANT(sippeer_expect(&trunk.p, &invite, "REFER", 0));
    WANT(!strcmp(sipmsg_hdr(&invite, "Call-ID", val, sizeof(val)), dt1.callid));
    (void)snprintf(want, sizeof(want), "?Replaces=%s%%3Bto-tag%%3D%s%%3Bfrom-tag%%3D%s>", dt.callid,
                   tag_of(dt.local, t1, sizeof(t1)), tag_of(dt.remote, t2, sizeof(t2)));
    WANT(strstr(sipmsg_hdr(&invite, "Refer-To", val, sizeof(val)), want));
    sippeer_reply(&trunk.p, &invite, 202, "Accepted", "", NULL);
    WANT(sippeer_expect(&agent.p, &m, "202 REFER", 0));
    (void)snprintf(line, sizeof(line),
                   "Refer-To: <sip:600@dngate?Replaces=%s%%3Bto-tag%%3D%s%%3Bfrom-tag%%3D%s>\r\n", da.callid,
                   tag_of(da.remote, t1, sizeof(t1)), tag_of(da.local, t2, sizeof(t2)));
    sippeer_request(&agent.p, &da, "REFER", line, NULL, NULL);
    WANT(sippeer_expect(&agent.p, &m, "481 REFER", 0)); /* a call to itself */
    ends_close();
}

/* ------------------------------------------------------------------ INVITE with Replaces */

static void trunk_replaces(const char *more, const char *offer, const char *callid)
{
    char line[1024], t1[64], t2[64];

    (void)snprintf(line, sizeof(line), "Require: replaces\r\nReplaces: %s;to-tag=%s;from-tag=%s%s\r\n",
                   callid, tag_of(dt.remote, t1, sizeof(t1)), tag_of(dt.local, t2, sizeof(t2)), more);
    sippeer_invite(&trunk.p, &dn, "sip:5001@dngate", line, offer);
}

TEST(an_invite_with_replaces_takes_the_legs_place)
{
    char offer[1024];

    BOX(NULL);
    WANT(talk(""));
    trunk_replaces("", fake_trunk_sdp(offer, sizeof(offer), 40200, ""), dt.callid);
    WANT(sippeer_expect(&trunk.p, &m, "200 INVITE", 0));
    sipdlg_take(&dn, &m);
    sippeer_ack(&trunk.p, &dn, NULL);
    WANT(sippeer_expect(&trunk.p, &m, "BYE", 0));
    WANT(!strcmp(sipmsg_hdr(&m, "Call-ID", val, sizeof(val)), dt.callid) && sipmsg_has(&m, "Replaced"));
    sippeer_reply(&trunk.p, &m, 200, "OK", "", NULL);
    WANT(sippeer_hears_no(&agent.p, "INVITE", 50));
    WANT(sippeer_caught_up(&trunk.p, &dn));
    dt = dn;
    trunk_replaces("", NULL, dt.callid); /* and that one's, without an offer */
    WANT(sippeer_expect(&trunk.p, &m, "200 INVITE", 0) && sipmsg_has(&m, "m=audio"));
    sipdlg_take(&dn, &m);
    sippeer_ack(&trunk.p, &dn, fake_trunk_sdp(offer, sizeof(offer), 40202, ""));
    WANT(sippeer_expect(&trunk.p, &m, "BYE", 0));
    sippeer_reply(&trunk.p, &m, 200, "OK", "", NULL);
    WANT(sippeer_caught_up(&trunk.p, &dn) && agent_ends_it());
    ends_close();
}

TEST(an_invite_with_replaces_of_nothing_is_refused)
{
    char offer[1024];

    BOX(NULL);
    WANT(talk(""));
    (void)fake_trunk_sdp(offer, sizeof(offer), 40200, "");
    trunk_replaces("", offer, "nowhere");
    WANT(sippeer_expect(&trunk.p, &m, "481 INVITE", 0));
    sippeer_ack_failure(&trunk.p, &dn, &m, "sip:5001@dngate");
    trunk_replaces(";early-only", offer, dt.callid);
    WANT(sippeer_expect(&trunk.p, &m, "486 INVITE", 0));
    sippeer_ack_failure(&trunk.p, &dn, &m, "sip:5001@dngate");
    trunk_replaces(";to-tag=again", offer, dt.callid);
    WANT(sippeer_expect(&trunk.p, &m, "400 INVITE", 0));
    sippeer_ack_failure(&trunk.p, &dn, &m, "sip:5001@dngate");
    trunk_replaces("",
                   "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 "
                   "RTP/AVP 18\r\n",
                   dt.callid);
    WANT(sippeer_expect(&trunk.p, &m, "488 INVITE", 0) && sipmsg_has(&m, "Warning"));
    sippeer_ack_failure(&trunk.p, &dn, &m, "sip:5001@dngate");
    sippeer_invite(&trunk.p, &dn, "sip:5001@dngate", "Replaces: nonsense\r\n", offer);
    WANT(sippeer_expect(&trunk.p, &m, "400 INVITE", 0));
    sippeer_ack_failure(&trunk.p, &dn, &m, "sip:5001@dngate");
    WANT(sippeer_caught_up(&trunk.p, &dt) && agent_hangs_up());
    WANT(ends_with("Hung up", CDR_AGENT));
    ends_close();
}

TEST(a_call_that_rings_is_not_replaced)
{
    char offer[1024];

    BOX(NULL);
    trunk_calls("", NULL);
    WANT(sippeer_expect(&agent.p, &agent_req, "INVITE", 0));
    sippeer_reply(&agent.p, &agent_req, 180, "Ringing", "", NULL);
    WANT(sippeer_expect(&trunk.p, &m, "180", 0));
    sipdlg_take(&dt, &m);
    trunk_replaces("", fake_trunk_sdp(offer, sizeof(offer), 40200, ""), dt.callid);
    WANT(sippeer_expect(&trunk.p, &m, "481 INVITE", 0));
    sippeer_ack_failure(&trunk.p, &dn, &m, "sip:5001@dngate");
    ends_close();
}

/* A browser or its audio that is gone, for a while or for good: which calls go on, and which end with a reason. */
/* SLOW */
#include "flow/talking.h"

TEST(a_call_outlives_its_websocket_and_ends_with_its_audio)
{
    const char *options[] = {"media.rtp_timeout=2", "call.rebind_seconds=0",
                             NULL}; /* else it is waited for */
    uint16_t port = 0;
    struct cdr cdr;
    size_t heard;

    WANT(open_box(options));
    WANT(call_up(&port));
    WANT(hear_each_other(port));
    wsagent_close(&agent);
    heard_by_browser = 0;
    heard = talk(port, 200); /* twice the timeout */
    WANT(heard == 200 && heard_by_browser == 200);
    WANT(sippeer_hears_no(&trunk.p, "BYE", 1));
    browser_silent = true;
    (void)talk(port, 150);
    browser_silent = false;
    WANT(sippeer_expect(&trunk.p, &m, "BYE", 0));
    WANT(sipmsg_has(&m, "Reason: SIP;cause=408;text=\"Media timeout: browser\""));
    sippeer_reply(&trunk.p, &m, 200, "OK", "", NULL);
    WANT(box_cdr(&box, 1, &cdr));
    WANT(cdr.code == 200 && cdr.hangup == CDR_GATEWAY && !strcmp(cdr.reason, "Media timeout: browser"));
    close_box();
}

/* Out of sight for longer than consent lasts (RFC 7675: 30 s), then back on another port with an ICE restart. */
TEST(a_browser_that_comes_back_after_half_a_minute_finds_its_call)
{
    const char *options[] = {"media.rtp_timeout=120", NULL};
    uint16_t port = 0;
    size_t heard;

    WANT(open_box(options));
    WANT(call_up(&port));
    (void)talk(port, 20);
    WANT(sippeer_hears_no(&trunk.p, "BYE", 33000));
    WANT(!fbrowser_rebind(browser));
    fbrowser_restart(browser);
    sippeer_request(&agent.p, &da, "INVITE", "", "application/sdp", offer());
    WANT(sippeer_expect(&agent.p, &m, "200 INVITE", 0));
    sippeer_ack(&agent.p, &da, NULL);
    take_answer();
    WANT(hear_each_other(port));
    heard_by_browser = 0;
    heard = talk(port, 100);
    printf("# back again: trunk heard %zu, browser heard %zu of 100\n", heard, heard_by_browser);
    WANT(heard == 100 && heard_by_browser == 100);
    sippeer_request(&agent.p, &da, "BYE", "", NULL, NULL);
    WANT(sippeer_expect(&agent.p, &m, "200 BYE", 0));
    close_box();
}

/* It says active (RFC 8842), and no ClientHello ever comes: the call ends within 15 s, and says why to both. */
TEST(a_call_whose_browser_never_begins_dtls_ends_with_a_reason)
{
    static const char reason[] = "Reason: SIP;cause=500;text=\"Media failed: dtls\"";
    char sdp[1024], to[64];
    struct cdr cdr;

    WANT(open_all());
    (void)snprintf(to, sizeof(to), "sip:5002@127.0.0.1:%u", box.sip_port);
    sippeer_invite(&trunk.p, &dt, to, "", fake_trunk_sdp(sdp, sizeof(sdp), rtp_port, ""));
    WANT(sippeer_expect(&agent.p, &m, "INVITE", 0));
    take_answer(); /* our offer; the fake waits for a ClientHello, as we do */
    sipdlg_of_invite(&da, &agent.p, &m);
    sippeer_reply(&agent.p, &m, 200, "OK", "", describe("0 126", "active"));
    WANT(sippeer_expect(&agent.p, &m, "ACK", 0));
    WANT(sippeer_expect(&trunk.p, &m, "200 INVITE", 0));
    sipdlg_take(&dt, &m);
    sippeer_ack(&trunk.p, &dt, NULL);
    WANT(ice_comes_up());
    WANT(hears_bye(15000));
    WANT(sipmsg_has(&m, reason));
    sippeer_reply(&trunk.p, &m, 200, "OK", "", NULL);
    WANT(sippeer_expect(&agent.p, &m, "BYE", 0));
    WANT(sipmsg_has(&m, reason));
    sippeer_reply(&agent.p, &m, 200, "OK", "", NULL);
    WANT(box_cdr(&box, 1, &cdr));
    WANT(cdr.hangup == CDR_GATEWAY && !strcmp(cdr.reason, "Media failed: dtls"));
    close_box();
}

static bool reinvite(const char *dir)
{
    char sdp[1024];

    sippeer_request(&trunk.p, &dt, "INVITE", "", "application/sdp",
                    fake_trunk_sdp(sdp, sizeof(sdp), rtp_port, dir));
    if (!sippeer_expect(&trunk.p, &m, "200 INVITE", 0))
        return false;
    sippeer_ack(&trunk.p, &dt, NULL);
    return true;
}

TEST(silence_on_hold_is_no_timeout)
{
    const char *options[] = {"media.rtp_timeout=2", NULL};
    uint16_t port = 0;
    struct cdr cdr;

    WANT(open_box(options));
    WANT(call_up(&port));
    (void)talk(port, 20);
    WANT(reinvite("a=inactive\r\n"));
    WANT(sippeer_hears_no(&trunk.p, "BYE", 3500));
    WANT(reinvite("a=sendrecv\r\n"));
    WANT(sippeer_hears_no(&trunk.p, "BYE", 500)); /* the clock starts anew */
    WANT(hear_each_other(port));
    WANT(talk(port, 75) == 75);
    WANT(sippeer_expect(&trunk.p, &m, "BYE", 0)); /* now both are silent */
    WANT(sipmsg_has(&m, "Media timeout"));
    sippeer_reply(&trunk.p, &m, 200, "OK", "", NULL);
    WANT(box_cdr(&box, 1, &cdr));
    WANT(cdr.code == 200 && cdr.hangup == CDR_GATEWAY);
    close_box();
}

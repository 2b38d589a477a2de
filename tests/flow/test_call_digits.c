/* Digits in INFO, both ways: carried, or refused; never taken and dropped. Other INFOs, and events that nobody takes. */
/* TSAN */
#include "fake/ends.h"
#include "core/mbox.h"
#include "media/media.h"
#include "testing.h"

#define RELAY "application/dtmf-relay"
#define ALLOWS "Allow: INVITE, ACK, BYE, CANCEL, INFO\r\n"
#define NO_INFO "Allow: INVITE, ACK, BYE, CANCEL\r\n"

static const char *plain_sdp(const char *line)
{
    static char text[512];

    (void)snprintf(text, sizeof(text),
                   "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
                   "m=audio 40000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n%s",
                   line);
    return text;
}

static void agent_presses(const char *body)
{
    sippeer_request(&agent.p, &da, "INFO", "", RELAY, body);
}

static void trunk_presses(const char *ctype, const char *body)
{
    sippeer_request(&trunk.p, &dt, "INFO", "X-Genesys-Extra: on-info\r\n", ctype, body);
}

/* An INFO came to this end; it is answered so, and the other end hears that. */
static bool relayed(struct sippeer *to, struct sippeer *from, const char *body, int code)
{
    char want[32];

    if (!sippeer_expect(to, &agent_req, "INFO", 0) || strcmp(sipmsg_body(&agent_req), body) ||
        strcmp(sipmsg_hdr(&agent_req, "Content-Type", val, sizeof(val)), RELAY) ||
        !sippeer_hears_no(from, "200 INFO", 30)) /* not before */
        return false;
    sippeer_reply(to, &agent_req, code, "As You Say", "", NULL);
    (void)snprintf(want, sizeof(want), "%d INFO", code);
    return sippeer_expect(from, &m, want, 0);
}

TEST(an_agents_digit_goes_as_info_where_the_trunk_takes_no_events)
{
    BOX(NULL);
    trunk_calls(ALLOWS, plain_sdp(""));
    WANT(agent_answers(""));
    agent_presses("Signal=11\r\nDuration=90\r\n");
    WANT(relayed(&trunk.p, &agent.p, "Signal=#\r\nDuration=90\r\n", 200));
    agent_presses("Signal=5\r\n"); /* refused: then as tones */
    WANT(sippeer_expect(&trunk.p, &agent_req, "INFO", 0));
    sippeer_reply(&trunk.p, &agent_req, 415, "Unsupported Media Type", "", NULL);
    WANT(sippeer_expect(&agent.p, &m, "200 INFO", 0));
    agent_presses("Signal=16\r\n"); /* which a flash has none of */
    WANT(relayed(&trunk.p, &agent.p, "Signal=16\r\nDuration=160\r\n", 415));
    agent_presses("Signal=16\r\n"); /* what is about our own dialog is not the agent's */
    WANT(sippeer_expect(&trunk.p, &agent_req, "INFO", 0));
    sippeer_reply(&trunk.p, &agent_req, 401, "Unauthorized", "", NULL);
    WANT(sippeer_expect(&agent.p, &m, "500 INFO", 0));
    WANT(agent_hangs_up());
    ends_close();
}

TEST(an_agents_digit_goes_as_tones_where_the_trunk_takes_neither)
{
    BOX(NULL);
    trunk_calls(NO_INFO, plain_sdp(""));
    WANT(agent_answers(""));
    agent_presses("Signal=5\r\n");
    WANT(sippeer_expect(&agent.p, &m, "200 INFO", 0));
    agent_presses("Signal=16\r\n"); /* a flash is no tone and no event of ours */
    WANT(sippeer_expect(&agent.p, &m, "415 INFO", 0));
    WANT(strstr(sipmsg_hdr(&m, "Accept", val, sizeof(val)), RELAY));
    WANT(agent_hangs_up());
    ends_close();
}

TEST(a_flash_is_carried_by_info_alone)
{
    BOX(NULL);
    trunk_calls(ALLOWS, NULL);
    WANT(agent_answers(""));
    agent_presses("Signal=16\r\n");
    WANT(relayed(&trunk.p, &agent.p, "Signal=16\r\nDuration=160\r\n", 200));
    WANT(agent_hangs_up());
    ends_close();
}

TEST(more_digits_than_there_is_room_for_are_refused)
{
    unsigned taken = 0, refused = 0;

    BOX(NULL);
    trunk_calls(ALLOWS, NULL); /* it takes events: INFO would overtake them */
    WANT(agent_answers(""));
    for (int i = 0; i < 40; i++) {
        agent_presses("Signal=1\r\nDuration=6000\r\n");
        WANT(!agent.p.recv(&agent.p, &m, SIPPEER_MS));
        taken += sipmsg_code(&m) == 200;
        refused += sipmsg_code(&m) == 500 && !strcmp(sipmsg_hdr(&m, "Retry-After", val, sizeof(val)), "1");
    }
    WANT(taken == 32 && refused == 8);
    ends_close();
}

/* However many of them the trunk leaves unanswered, the call ends there, too. */
TEST(digits_that_nobody_answers_leave_room_for_the_end)
{
    BOX(NULL);
    trunk_calls(ALLOWS, plain_sdp(""));
    WANT(agent_answers(""));
    for (int i = 0; i < 33; i++)
        agent_presses("Signal=1\r\n");
    WANT(sippeer_expect(&agent.p, &m, "500 INFO", 0)); /* the last */
    sippeer_request(&agent.p, &da, "BYE", "", NULL, NULL);
    WANT(sippeer_expect(&trunk.p, &m, "BYE", 0));
    sippeer_reply(&trunk.p, &m, 200, "OK", "", NULL);
    ends_close();
}

TEST(a_trunks_digit_reaches_the_page)
{
    BOX(NULL);
    WANT(talk(""));
    sippeer_request(&agent.p, &da, "INFO", ALLOWS, NULL, NULL); /* the page's Allow, and an empty INFO */
    WANT(sippeer_expect(&agent.p, &m, "200 INFO", 0));
    trunk_presses(RELAY, "Signal=10\r\nDuration=200\r\n");
    WANT(relayed(&agent.p, &trunk.p, "Signal=*\r\nDuration=200\r\n", 200));
    WANT(!strcmp(sipmsg_hdr(&agent_req, "X-Genesys-Extra", val, sizeof(val)), "on-info"));
    trunk_presses("application/dtmf", "7"); /* a page that refuses it hears it */
    WANT(sippeer_expect(&agent.p, &agent_req, "INFO", 0));
    sippeer_reply(&agent.p, &agent_req, 415, "Unsupported Media Type", "", NULL);
    WANT(sippeer_expect(&trunk.p, &m, "200 INFO", 0));
    trunk_presses(RELAY, "Signal=16\r\n"); /* a page would take it for a 1 */
    WANT(sippeer_expect(&trunk.p, &m, "415 INFO", 0));
    sippeer_request(&agent.p, &da, "INFO", NO_INFO, NULL, NULL);
    WANT(sippeer_expect(&agent.p, &m, "200 INFO", 0));
    trunk_presses(RELAY, "Signal=5\r\n"); /* then as an event in its audio */
    WANT(sippeer_expect(&trunk.p, &m, "200 INFO", 0));
    trunk_presses(RELAY, "Signal=16\r\n");
    WANT(sippeer_expect(&trunk.p, &m, "415 INFO", 0));
    WANT(sippeer_hears_no(&agent.p, "INFO", 50));
    WANT(agent_hangs_up());
    ends_close();
}

/* One INFO towards the page for one of the trunk's, however often that is sent. */
TEST(a_repeated_info_is_one_digit)
{
    struct sipdlg again;

    BOX(NULL);
    WANT(talk(""));
    sippeer_request(&agent.p, &da, "INFO", ALLOWS, NULL, NULL);
    WANT(sippeer_expect(&agent.p, &m, "200 INFO", 0));
    again = dt;
    trunk_presses(RELAY, "Signal=5\r\n");
    trunk.p.branch--; /* the same branch and CSeq once more */
    dt = again;
    trunk_presses(RELAY, "Signal=5\r\n");
    WANT(relayed(&agent.p, &trunk.p, "Signal=5\r\nDuration=160\r\n", 200));
    WANT(sippeer_hears_no(&agent.p, "INFO", 50));
    WANT(agent_hangs_up());
    ends_close();
}

TEST(the_page_goes_while_it_owes_an_answer)
{
    BOX(NULL);
    WANT(talk(""));
    sippeer_request(&agent.p, &da, "INFO", ALLOWS, NULL, NULL);
    WANT(sippeer_expect(&agent.p, &m, "200 INFO", 0));
    trunk_presses(RELAY, "Signal=5\r\n");
    WANT(sippeer_expect(&agent.p, &agent_req, "INFO", 0));
    WANT(agent_hangs_up());
    sippeer_reply(&agent.p, &agent_req, 481, "Gone", "", NULL);
    WANT(sippeer_expect(&trunk.p, &m, "500 INFO", 0));
    ends_close();
}

/* A telephone-event came by one side's media, and the other side takes none. */
static void pressed_in_media(bool from_browser, char key, unsigned ms)
{
    struct media_event ev = {.type = MEDIA_DTMF,
                             .path_id = path_in(&agent_req),
                             .from_browser = from_browser,
                             .digit = key,
                             .ms = ms};

    (void)mbox_post(box.events, &ev);
}

static bool hears_info(struct sippeer *p, const char *body)
{
    struct sipmsg got;

    if (!sippeer_expect(p, &got, "INFO", 0) || strcmp(sipmsg_body(&got), body))
        return false;
    sippeer_reply(p, &got, 200, "OK", "", NULL);
    return true;
}

TEST(an_event_for_a_side_that_takes_none_goes_as_info_where_that_is_listed)
{
    BOX(NULL);
    trunk_calls(ALLOWS, plain_sdp(""));
    WANT(agent_answers(ALLOWS));
    pressed_in_media(true, '5', 170);
    WANT(hears_info(&trunk.p, "Signal=5\r\nDuration=170\r\n"));
    pressed_in_media(false, '#', 10);
    WANT(hears_info(&agent.p, "Signal=#\r\nDuration=40\r\n"));
    sippeer_request(&trunk.p, &dt, "INFO", NO_INFO, NULL, NULL);
    WANT(sippeer_expect(&trunk.p, &m, "200 INFO", 0));
    pressed_in_media(true, '5', 170); /* as tones, then */
    WANT(sippeer_hears_no(&trunk.p, "INFO", 100));
    WANT(agent_hangs_up());
    ends_close();
}

/* --- what is no digit --- */

static bool refused(struct sippeer *p, struct sipdlg *d, const char *hdrs, const char *ctype,
                    const char *body, const char *want)
{
    sippeer_request(p, d, "INFO", hdrs, ctype, body);
    return sippeer_expect(p, &m, want, 0);
}

static bool refuses_alike(struct sippeer *p, struct sipdlg *d)
{
    return refused(p, d, "", "text/plain", "5", "415 INFO") &&
           strstr(sipmsg_hdr(&m, "Accept", val, sizeof(val)), "application/dtmf-relay") &&
           refused(p, d, "Content-Encoding: gzip\r\n", RELAY, "Signal=5", "415 INFO") &&
           refused(p, d, "", RELAY, "Signal=77", "400 INFO") &&
           refused(p, d, "Info-Package: foo\r\n", "application/foo", "x", "469 INFO") &&
           refused(p, d, "Content-Type: " RELAY "\r\n", NULL, NULL, "400 INFO") &&
           refused(p, d, "", NULL, NULL, "200 INFO");
}

TEST(an_info_that_is_no_digit_is_refused_for_what_it_is)
{
    BOX(NULL);
    WANT(talk(""));
    WANT(refuses_alike(&agent.p, &da) && refuses_alike(&trunk.p, &dt));
    WANT(agent_hangs_up());
    ends_close();
}

TEST(an_event_that_nobody_takes_says_which_are_taken)
{
    BOX(NULL);
    WANT(talk(""));
    for (int i = 0; i < 2; i++) {
        struct sippeer *p = i ? &agent.p : &trunk.p;

        sippeer_request(p, i ? &da : &dt, "NOTIFY", "Event: dialog\r\nSubscription-State: active\r\n", NULL,
                        NULL);
        WANT(sippeer_expect(p, &m, "489 NOTIFY", 0));
        WANT(sipmsg_hdr(&m, "Allow-Events", val, sizeof(val))[0]);
        sippeer_request(p, i ? &da : &dt, "SUBSCRIBE", "Event: x-genesys-gvp-tenant-ports\r\n", NULL, NULL);
        WANT(sippeer_expect(p, &m, "489 SUBSCRIBE", 0));
        WANT(sipmsg_hdr(&m, "Allow-Events", val, sizeof(val))[0]);
    }
    WANT(agent_hangs_up());
    ends_close();
}

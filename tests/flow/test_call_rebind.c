/* A page that is loaded anew, or whose agent takes its call over elsewhere: the trunk is told nothing. */
/* TSAN */
/* SLOW */
#include "fake/ends.h"
#include "testing.h"

static struct wsagent second; /* the page after its reload, or another computer's */
static struct sipmsg again;
static struct sipdlg first;

static void open_pages(const char *const options[], unsigned instance)
{
    CHECK_EQ_INT(ends_open(options), 0);
    CHECK_EQ_INT(wsagent_open(&second, box.stack, box.out, 2, "5001", "secret5001"), 0);
    agent.other = &second;
    second.other = &agent;
    if (instance)
        second.instance = instance;
}

static void close_pages(void)
{
    wsagent_close(&second);
    ends_close();
}

#undef BOX
#undef WANT
#define BOX(options, instance)                                                                               \
    open_pages(options, instance);                                                                           \
    CHECK_OR(!testing_failed, close_pages(); return )
#define WANT(cond) CHECK_OR(cond, close_pages(); return )

static int signs_in(const char *hdrs)
{
    second.hdrs = hdrs;
    return wsagent_register(&second);
}

static bool called_anew(const char *rebind)
{
    if (!sippeer_expect(&second.p, &again, "INVITE", 0))
        return false;
    return strstr(sipmsg_hdr(&again, "X-Dngate-Rebind", val, sizeof(val)), rebind) != NULL;
}

static bool answers_anew(void)
{
    sipdlg_of_invite(&da, &second.p, &again);
    sippeer_reply(&second.p, &again, 200, "OK", "", wsagent_sdp(sdp, sizeof(sdp), "active", "sendrecv"));
    return sippeer_expect(&second.p, &m, "ACK", 0);
}

static bool hangs_up(void)
{
    sippeer_request(&second.p, &da, "BYE", "", NULL, NULL);
    if (!sippeer_expect(&second.p, &m, "200 BYE", 0) || !sippeer_expect(&trunk.p, &m, "BYE", 0))
        return false;
    sippeer_reply(&trunk.p, &m, 200, "OK", "", NULL);
    return true;
}

#define NO_CALLS "X-Dngate-Calls: none\r\n"

TEST(a_page_loaded_anew_gets_its_call_by_a_new_dialog_and_the_trunk_hears_nothing_of_it)
{
    uint32_t path;

    BOX(NULL, 1);
    WANT(talk(""));
    path = path_in(&agent_req);
    wsagent_close(&agent);
    WANT(sippeer_caught_up(&trunk.p, &dt));
    WANT(signs_in(NO_CALLS) == 200);
    WANT(called_anew("yes;answered="));
    WANT(strstr(val, "direction=out"));
    WANT(path == 0 || path_in(&again) == path);
    WANT(answers_anew());
    WANT(sippeer_caught_up(&trunk.p, &dt));
    WANT(hangs_up());
    close_pages();
}

TEST(it_may_be_back_before_its_old_connection_is_known_to_be_gone)
{
    BOX(NULL, 1);
    WANT(talk(""));
    WANT(signs_in(NO_CALLS) == 200);
    WANT(called_anew("yes;") && answers_anew());
    WANT(sippeer_caught_up(&trunk.p, &dt));
    WANT(hangs_up());
    close_pages();
}

TEST(another_page_gets_the_call_when_it_asks_for_that_and_only_then)
{
    BOX(NULL, 0);
    WANT(talk(""));
    first = da;
    WANT(signs_in(NO_CALLS) == 403);
    WANT(signs_in(NO_CALLS "X-Dngate-Take-Over: calls\r\n") == 200);
    WANT(sippeer_expect(&agent.p, &m, "BYE", 0));
    WANT(strstr(sipmsg_hdr(&m, "Reason", val, sizeof(val)), "Taken over"));
    sippeer_reply(&agent.p, &m, 200, "OK", "", NULL);
    CHECK_EQ_INT(wsagent_wait_closed(&agent, 5000), 4001);
    WANT(called_anew("yes;") && answers_anew());
    WANT(sippeer_caught_up(&trunk.p, &dt));
    WANT(hangs_up());
    close_pages();
}

TEST(a_call_that_rings_rings_anew)
{
    BOX(NULL, 1);
    trunk_calls("", NULL);
    WANT(sippeer_expect(&agent.p, &agent_req, "INVITE", 0));
    sippeer_reply(&agent.p, &agent_req, 180, "Ringing", "", NULL);
    WANT(sippeer_expect(&trunk.p, &m, "180", 0));
    wsagent_close(&agent);
    WANT(signs_in(NO_CALLS) == 200);
    WANT(sippeer_expect(&second.p, &again, "INVITE", 0));
    WANT(!strcmp(sipmsg_hdr(&again, "X-Dngate-Rebind", val, sizeof(val)), ""));
    WANT(answers_anew());
    WANT(sippeer_expect(&trunk.p, &m, "200 INVITE", 0));
    sipdlg_take(&dt, &m);
    sippeer_ack(&trunk.p, &dt, NULL);
    WANT(hangs_up());
    close_pages();
}

TEST(a_page_that_does_not_come_back_ends_the_call_and_the_trunk_is_told_why)
{
    static const char *const options[] = {"call.rebind_seconds=1", NULL};

    BOX(options, 1);
    WANT(talk(""));
    wsagent_close(&agent);
    WANT(sippeer_expect(&trunk.p, &m, "BYE", 10000));
    WANT(strstr(sipmsg_hdr(&m, "Reason", val, sizeof(val)), "Agent's page did not come back"));
    sippeer_reply(&trunk.p, &m, 200, "OK", "", NULL);
    WANT(signs_in(NO_CALLS) == 200);
    close_pages();
}

TEST(the_trunk_may_hang_up_meanwhile)
{
    BOX(NULL, 1);
    WANT(talk(""));
    wsagent_close(&agent);
    sippeer_request(&trunk.p, &dt, "BYE", "", NULL, NULL);
    WANT(sippeer_expect(&trunk.p, &m, "200 BYE", 0));
    WANT(signs_in(NO_CALLS) == 200);
    close_pages();
}

TEST(switched_off_a_page_that_comes_back_without_its_call_has_lost_it)
{
    static const char *const options[] = {"call.rebind_seconds=0", NULL};

    BOX(options, 1);
    WANT(talk(""));
    wsagent_close(&agent);
    WANT(sippeer_caught_up(&trunk.p, &dt));
    WANT(signs_in(NO_CALLS) == 200);
    WANT(sippeer_expect(&trunk.p, &m, "BYE", 0));
    sippeer_reply(&trunk.p, &m, 200, "OK", "", NULL);
    close_pages();
}

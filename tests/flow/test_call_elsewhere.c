/* A second page, a changed password, a DN that goes, all in mid-call: nobody hears dead air, and each is told. */
/* TSAN */
#include "fake/box.h"
#include "store/dn.h"
#include "testing.h"

static struct box box;
static struct fake_trunk trunk;
static struct wsagent agent, second;
static struct sipdlg da, dt; /* the dialogs as agent and trunk see them */
static struct sipmsg m, ring;
static char sdp[2048], ruri[96], why[256];

static void open_box(void)
{
    CHECK_EQ_INT(fake_trunk_open(&trunk), 0);
    CHECK_EQ_INT(box_open(&box, NULL, &trunk, 1), 0);
    CHECK_EQ_INT(wsagent_open(&agent, box.stack, box.out, 1, "5001", "secret5001"), 0);
    CHECK_EQ_INT(wsagent_register(&agent), 200);
    CHECK_EQ_INT(wsagent_open(&second, box.stack, box.out, 2, "5001", "secret5001"), 0);
    agent.other = &second;
    second.other = &agent;
}

static void close_box(void)
{
    wsagent_close(&agent);
    wsagent_close(&second);
    box_close(&box);
    fake_trunk_close(&trunk);
}

#define BOX()                                                                                                \
    open_box();                                                                                              \
    CHECK_OR(!testing_failed, close_box(); return )
#define WANT(cond) CHECK_OR(cond, close_box(); return )

static void calls(void)
{
    static char offer[1024];

    (void)snprintf(ruri, sizeof(ruri), "sip:5001@127.0.0.1:%u", box.sip_port);
    sippeer_invite(&trunk.p, &dt, ruri, "", fake_trunk_sdp(offer, sizeof(offer), 40000, ""));
}

static bool rings(struct wsagent *a)
{
    calls();
    if (!sippeer_expect(&a->p, &ring, "INVITE", 0))
        return false;
    sipdlg_of_invite(&da, &a->p, &ring);
    sippeer_reply(&a->p, &ring, 180, "Ringing", "", NULL);
    return sippeer_expect(&trunk.p, &m, "180", 0);
}

static bool talks(struct wsagent *a)
{
    if (!rings(a))
        return false;
    sippeer_reply(&a->p, &ring, 200, "OK", "", wsagent_sdp(sdp, sizeof(sdp), "active", "sendrecv"));
    if (!sippeer_expect(&a->p, &m, "ACK", 0) || !sippeer_expect(&trunk.p, &m, "200 INVITE", 0))
        return false;
    sipdlg_take(&dt, &m);
    sippeer_ack(&trunk.p, &dt, NULL);
    return sippeer_caught_up(&trunk.p, &dt);
}

static bool agent_hangs_up(struct wsagent *a)
{
    sippeer_request(&a->p, &da, "BYE", "", NULL, NULL);
    if (!sippeer_expect(&a->p, &m, "200 BYE", 0) || !sippeer_expect(&trunk.p, &m, "BYE", 0))
        return false;
    sippeer_reply(&trunk.p, &m, 200, "OK", "", NULL);
    return true;
}

/* A MESSAGE with this JSON came to the page, and it took it. */
static bool told(struct wsagent *a, const char *json)
{
    if (!sippeer_expect(&a->p, &m, "MESSAGE", 0))
        return false;
    sippeer_reply(&a->p, &m, 200, "OK", "", NULL);
    return sipmsg_has(&m, "Content-Type: application/json\r\n") && !strcmp(sipmsg_body(&m), json);
}

static bool refused(struct wsagent *a, const char *how, const char *words)
{
    char line[160], val[160];

    (void)snprintf(line, sizeof(line), "SIP/2.0 403 %s\r\n", words);
    if (wsagent_register(a) != 403 || strncmp(a->registered.text, line, strlen(line)))
        return false;
    return !strcmp(sipmsg_hdr(&a->registered, "X-Dngate-Elsewhere", val, sizeof(val)), how) &&
           strstr(sipmsg_hdr(&a->registered, "Warning", val, sizeof(val)), words);
}

static bool takes_over(struct wsagent *a)
{
    int code;

    a->hdrs = "X-Dngate-Take-Over: yes\r\n";
    code = wsagent_register(a);
    a->hdrs = NULL;
    return code == 200;
}

TEST(a_second_page_takes_over_and_the_call_goes_on_where_it_is)
{
    struct sipdlg first_da, first_dt;

    BOX();
    WANT(talks(&agent));
    first_da = da;
    first_dt = dt;
    for (int i = 0; i < 2; i++)
        WANT(refused(&second, "in-call", "DN 5001 is in a call elsewhere"));
    WANT(takes_over(&second));
    WANT(told(&agent, "{\"elsewhere\":true}"));
    WANT(!agent.closed);
    WANT(talks(&second)); /* a new call rings here, beside the old one */
    WANT(agent_hangs_up(&second));
    dt = first_dt;
    WANT(sippeer_caught_up(&trunk.p, &dt));
    /* where it was taken from: no new call, no way back by itself */
    sippeer_invite(&agent.p, &da, "sip:600@dngate", "", wsagent_sdp(sdp, sizeof(sdp), "actpass", "sendrecv"));
    WANT(sippeer_expect(&agent.p, &m, "403", 0));
    WANT(refused(&agent, "signed-in", "DN 5001 is signed in elsewhere"));
    da = first_da;
    WANT(!agent.closed && agent_hangs_up(&agent));
    CHECK_EQ_INT(wsagent_wait_closed(&agent, 5000), 4001);
    WANT(!second.closed && wsagent_register(&second) == 200);
    close_box();
}

TEST(a_page_in_a_call_may_take_its_dn_back)
{
    BOX();
    WANT(talks(&agent));
    WANT(takes_over(&second) && told(&agent, "{\"elsewhere\":true}"));
    WANT(takes_over(&agent));
    CHECK_EQ_INT(wsagent_wait_closed(&second, 5000), 4001);
    WANT(agent_hangs_up(&agent));
    WANT(talks(&agent) && !agent.closed);
    close_box();
}

TEST(a_call_that_rings_is_a_call)
{
    BOX();
    WANT(rings(&agent));
    WANT(refused(&second, "in-call", "DN 5001 is in a call elsewhere"));
    sippeer_cancel(&trunk.p, &dt, ruri, "");
    WANT(sippeer_expect(&trunk.p, &m, "487", 0));
    sippeer_ack_failure(&trunk.p, &dt, &m, ruri);
    WANT(sippeer_expect(&agent.p, &m, "CANCEL", 0));
    WANT(wsagent_register(&second) == 200); /* an idle page is closed, as ever */
    CHECK_EQ_INT(wsagent_wait_closed(&agent, 5000), 4001);
    close_box();
}

TEST(the_same_browser_on_a_new_connection_is_no_second_page)
{
    BOX();
    WANT(talks(&agent));
    second.instance = agent.instance;
    WANT(wsagent_register(&second) == 200);
    CHECK_EQ_INT(wsagent_wait_closed(&agent, 5000), 4002);
    sippeer_request(&trunk.p, &dt, "BYE", "", NULL, NULL);
    WANT(sippeer_expect(&second.p, &m, "BYE", 0)); /* its dialogs have moved */
    sippeer_reply(&second.p, &m, 200, "OK", "", NULL);
    close_box();
}

TEST(a_browser_that_was_lost_in_a_call_comes_back_to_it)
{
    BOX();
    WANT(talks(&agent));
    wsagent_close(&agent);
    second.other = NULL;
    second.instance = 1;
    WANT(wsagent_register(&second) == 200);
    sippeer_request(&trunk.p, &dt, "BYE", "", NULL, NULL);
    WANT(sippeer_expect(&second.p, &m, "BYE", 0));
    sippeer_reply(&second.p, &m, 200, "OK", "", NULL);
    close_box();
}

/* What an administrator does to a DN in a call ends its registration, not the call. */
static void in_a_call(int (*change)(void), const char *json, int code)
{
    char what[8];

    BOX();
    WANT(talks(&agent));
    WANT(!change());
    WANT(told(&agent, json));
    (void)snprintf(what, sizeof(what), "%d", code);
    WANT(sippeer_caught_up(&trunk.p, &dt) && !agent.closed);
    {
        struct sipdlg running = dt;

        calls();
        WANT(sippeer_expect(&trunk.p, &m, what, 0));
        sippeer_ack_failure(&trunk.p, &dt, &m, ruri);
        dt = running;
    }
    sippeer_request(&trunk.p, &dt, "BYE", "", NULL, NULL);
    WANT(sippeer_expect(&trunk.p, &m, "200 BYE", 0) && sippeer_expect(&agent.p, &m, "BYE", 0));
    sippeer_reply(&agent.p, &m, 200, "OK", "", NULL);
    CHECK_EQ_INT(wsagent_wait_closed(&agent, 5000), 4003);
    close_box();
}

static int disable(void)
{
    return dn_enable(box.store, "5001", false);
}

static int removal(void)
{
    return dn_remove(box.store, "5001");
}

static int passwd(void)
{
    return dn_passwd(box.store, "5001", "another5001", why, sizeof(why));
}

TEST(a_dn_is_disabled_in_a_call)
{
    in_a_call(disable, "{\"leaving\":{\"reason\":\"DN disabled\"}}", 404);
}

TEST(a_dn_is_removed_in_a_call)
{
    in_a_call(removal, "{\"leaving\":{\"reason\":\"DN removed\"}}", 404);
}

TEST(a_password_is_changed_in_a_call)
{
    in_a_call(passwd, "{\"leaving\":{\"reason\":\"password changed\"}}", 480);
}

TEST(an_agent_with_the_new_password_is_served_while_the_old_call_runs)
{
    struct sipdlg old_dt, old_da;

    BOX();
    WANT(talks(&agent));
    old_dt = dt;
    old_da = da;
    WANT(!passwd() && told(&agent, "{\"leaving\":{\"reason\":\"password changed\"}}"));
    (void)snprintf(second.password, sizeof(second.password), "another5001");
    WANT(wsagent_register(&second) == 200);
    WANT(talks(&second) && agent_hangs_up(&second));
    dt = old_dt;
    da = old_da;
    WANT(sippeer_caught_up(&trunk.p, &dt) && agent_hangs_up(&agent));
    CHECK_EQ_INT(wsagent_wait_closed(&agent, 5000), 4003);
    close_box();
}

/* Calls whose browser is gone wait for it, not in the way of the agent at another one. */
TEST(calls_of_a_lost_browser_do_not_make_its_agent_busy)
{
    BOX();
    for (int i = 0; i < 2; i++) /* call.limit_per_dn */
        WANT(talks(&agent));
    calls();
    WANT(sippeer_expect(&trunk.p, &m, "486", 0));
    sippeer_ack_failure(&trunk.p, &dt, &m, ruri);
    wsagent_close(&agent);
    second.other = NULL;
    WANT(wsagent_register(&second) == 200);
    WANT(talks(&second) && agent_hangs_up(&second));
    close_box();
}

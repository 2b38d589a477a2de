/* A second page, a changed password, a DN that goes, all in mid-call: nobody hears dead air, and each is told. */
/* TSAN */
#include "fake/ends.h"
#include "store/dn.h"
#include "testing.h"

static struct wsagent second; /* another page of the same DN */
static struct sipmsg ring;
static uint64_t last_conn;
static char ruri[96], why[256];

static void open_pages(void)
{
    CHECK_EQ_INT(ends_open(NULL), 0);
    last_conn = 2;
    CHECK_EQ_INT(wsagent_open(&second, box.stack, box.out, last_conn, "5001", "secret5001"), 0);
    agent.other = &second;
    second.other = &agent;
    (void)snprintf(ruri, sizeof(ruri), "sip:5001@127.0.0.1:%u", box.sip_port);
}

static void close_pages(void)
{
    wsagent_close(&second);
    ends_close();
}

#undef BOX
#undef WANT
#define BOX()                                                                                                \
    open_pages();                                                                                            \
    CHECK_OR(!testing_failed, close_pages(); return )
#define WANT(cond) CHECK_OR(cond, close_pages(); return )

static bool rings(struct wsagent *a)
{
    trunk_calls("", NULL);
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

static bool hangs_up(struct wsagent *a)
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
    char line[160];

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
    WANT(hangs_up(&second));
    dt = first_dt;
    WANT(sippeer_caught_up(&trunk.p, &dt));
    /* where it was taken from: no new call, no way back by itself */
    sippeer_invite(&agent.p, &da, "sip:600@dngate", "", wsagent_sdp(sdp, sizeof(sdp), "actpass", "sendrecv"));
    WANT(sippeer_expect(&agent.p, &m, "403", 0));
    WANT(refused(&agent, "signed-in", "DN 5001 is signed in elsewhere"));
    da = first_da;
    WANT(!agent.closed && hangs_up(&agent));
    CHECK_EQ_INT(wsagent_wait_closed(&agent, 5000), 4001);
    WANT(!second.closed && wsagent_register(&second) == 200);
    close_pages();
}

TEST(a_page_in_a_call_may_take_its_dn_back)
{
    BOX();
    WANT(talks(&agent));
    WANT(takes_over(&second) && told(&agent, "{\"elsewhere\":true}"));
    WANT(takes_over(&agent));
    CHECK_EQ_INT(wsagent_wait_closed(&second, 5000), 4001);
    WANT(hangs_up(&agent));
    WANT(talks(&agent) && !agent.closed);
    close_pages();
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
    close_pages();
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
    close_pages();
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
    close_pages();
}

/* ------------------------------------------------------------------ a network that was away */

static void loses_its_network(struct wsagent *a)
{
    wsagent_close(a);
}

/* The same page on a new connection; it has not registered. */
static void returns(struct wsagent *a)
{
    const unsigned instance = a->instance;
    struct wsagent *other = a->other;
    char password[sizeof(a->password)];

    (void)snprintf(password, sizeof(password), "%s", a->password);
    CHECK_EQ_INT(wsagent_open(a, box.stack, box.out, ++last_conn, "5001", password), 0);
    a->instance = instance;
    a->other = other;
}

static void blips(struct wsagent *a)
{
    loses_its_network(a);
    returns(a);
}

/* Asks by itself, as a page does whose network is back. */
static bool asks(struct wsagent *a, const char *how)
{
    bool no;

    a->hdrs = "X-Dngate-Take-Over: no\r\n";
    no = refused(
        a, how, strcmp(how, "in-call") ? "DN 5001 is signed in elsewhere" : "DN 5001 is in a call elsewhere");
    a->hdrs = NULL;
    return no;
}

static bool is_told_to_leave(struct wsagent *a, const char *reason)
{
    return wsagent_register(a) == 403 &&
           !strcmp(sipmsg_hdr(&a->registered, "X-Dngate-Leaving", val, sizeof(val)), reason) &&
           strstr(sipmsg_hdr(&a->registered, "Warning", val, sizeof(val)), reason);
}

/* Its call is all that it has: a new description is taken both ways, another call is not. */
static bool has_its_call_alone(struct wsagent *a)
{
    struct sipdlg another;

    sippeer_request(&a->p, &da, "INVITE", "", "application/sdp",
                    wsagent_sdp(sdp, sizeof(sdp), "actpass", "sendrecv"));
    if (!sippeer_expect(&a->p, &m, "200 INVITE", 0))
        return false;
    sippeer_ack(&a->p, &da, NULL);
    if (!sippeer_caught_up(&trunk.p, &dt))
        return false;
    sippeer_invite(&a->p, &another, "sip:600@dngate", "",
                   wsagent_sdp(sdp, sizeof(sdp), "actpass", "sendrecv"));
    if (!sippeer_expect(&a->p, &m, "403 INVITE", 0))
        return false;
    sippeer_ack_failure(&a->p, &another, &m, "sip:600@dngate");
    return !a->closed;
}

/* The trunk ends the call, and this page hears it. */
static bool is_hung_up(struct wsagent *a)
{
    sippeer_request(&trunk.p, &dt, "BYE", "", NULL, NULL);
    if (!sippeer_expect(&trunk.p, &m, "200 BYE", 0) || !sippeer_expect(&a->p, &m, "BYE", 0))
        return false;
    sippeer_reply(&a->p, &m, 200, "OK", "", NULL);
    return true;
}

TEST(a_page_that_was_taken_over_and_blips_keeps_its_call_and_no_more)
{
    struct sipdlg first_da, first_dt;

    BOX();
    WANT(talks(&agent));
    WANT(takes_over(&second) && told(&agent, "{\"elsewhere\":true}"));
    for (int i = 0; i < 3; i++) {
        blips(&agent);
        WANT(i ? asks(&agent, "signed-in") : refused(&agent, "signed-in", "DN 5001 is signed in elsewhere"));
        WANT(has_its_call_alone(&agent));
    }
    first_da = da;
    first_dt = dt;
    WANT(!second.closed && talks(&second)); /* a new call rings there */
    blips(&agent);                          /* while that one talks, too */
    WANT(asks(&agent, "signed-in"));
    WANT(hangs_up(&second));
    da = first_da;
    dt = first_dt;
    WANT(has_its_call_alone(&agent) && is_hung_up(&agent));
    CHECK_EQ_INT(wsagent_wait_closed(&agent, 5000), 4001);
    WANT(!second.closed && wsagent_register(&second) == 200);
    close_pages();
}

TEST(a_page_whose_old_connection_is_not_known_to_be_dead_returns_too)
{
    BOX();
    WANT(talks(&agent));
    WANT(takes_over(&second) && told(&agent, "{\"elsewhere\":true}"));
    returns(&agent);
    WANT(asks(&agent, "signed-in") && has_its_call_alone(&agent) && hangs_up(&agent));
    CHECK_EQ_INT(wsagent_wait_closed(&agent, 5000), 4001);
    close_pages();
}

TEST(a_dn_that_another_page_took_while_the_one_in_a_call_was_away)
{
    BOX();
    WANT(talks(&agent));
    loses_its_network(&agent);
    WANT(wsagent_register(&second) == 200);
    returns(&agent);
    WANT(refused(&agent, "signed-in", "DN 5001 is signed in elsewhere"));
    WANT(has_its_call_alone(&agent));
    WANT(takes_over(&agent)); /* now the agent says so */
    CHECK_EQ_INT(wsagent_wait_closed(&second, 5000), 4001);
    WANT(hangs_up(&agent) && talks(&agent) && !agent.closed);
    close_pages();
}

/* Its agent has ended the shift elsewhere: that its network blips is no reason to begin it again. */
TEST(the_new_page_signs_out_while_the_old_one_is_away)
{
    struct sipdlg running;

    BOX();
    WANT(talks(&agent));
    WANT(takes_over(&second) && told(&agent, "{\"elsewhere\":true}"));
    loses_its_network(&agent);
    loses_its_network(&second);
    returns(&agent);
    WANT(asks(&agent, "signed-in") && has_its_call_alone(&agent));
    running = dt;
    trunk_calls("", NULL);
    WANT(sippeer_expect(&trunk.p, &m, "480", 0));
    sippeer_ack_failure(&trunk.p, &dt, &m, ruri);
    dt = running;
    WANT(takes_over(&agent) && hangs_up(&agent) && talks(&agent));
    close_pages();
}

/* A page that asks by itself throws nobody out, whether its call has ended meanwhile, or it had none. */
TEST(the_call_of_the_old_page_ends_while_it_is_away)
{
    BOX();
    WANT(talks(&agent));
    WANT(takes_over(&second) && told(&agent, "{\"elsewhere\":true}"));
    loses_its_network(&agent);
    sippeer_request(&trunk.p, &dt, "BYE", "", NULL, NULL);
    WANT(sippeer_expect(&trunk.p, &m, "200 BYE", 0));
    returns(&agent);
    WANT(asks(&agent, "signed-in") && !second.closed);
    WANT(talks(&second) && asks(&agent, "in-call") && hangs_up(&second));
    WANT(wsagent_register(&agent) == 200); /* an agent, who presses a button */
    CHECK_EQ_INT(wsagent_wait_closed(&second, 5000), 4001);
    close_pages();
}

/* ------------------------------------------------------------------ administrators */

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

        trunk_calls("", NULL);
        WANT(sippeer_expect(&trunk.p, &m, what, 0));
        sippeer_ack_failure(&trunk.p, &dt, &m, ruri);
        dt = running;
    }
    sippeer_request(&trunk.p, &dt, "BYE", "", NULL, NULL);
    WANT(sippeer_expect(&trunk.p, &m, "200 BYE", 0) && sippeer_expect(&agent.p, &m, "BYE", 0));
    sippeer_reply(&agent.p, &m, 200, "OK", "", NULL);
    CHECK_EQ_INT(wsagent_wait_closed(&agent, 5000), 4003);
    close_pages();
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
    WANT(talks(&second) && hangs_up(&second));
    dt = old_dt;
    da = old_da;
    WANT(sippeer_caught_up(&trunk.p, &dt) && hangs_up(&agent));
    CHECK_EQ_INT(wsagent_wait_closed(&agent, 5000), 4003);
    close_pages();
}

/* Calls whose browser is gone wait for it, not in the way of the agent at another one. */
TEST(calls_of_a_lost_browser_do_not_make_its_agent_busy)
{
    BOX();
    for (int i = 0; i < 2; i++) /* call.limit_per_dn */
        WANT(talks(&agent));
    trunk_calls("", NULL);
    WANT(sippeer_expect(&trunk.p, &m, "486", 0));
    sippeer_ack_failure(&trunk.p, &dt, &m, ruri);
    wsagent_close(&agent);
    second.other = NULL;
    WANT(wsagent_register(&second) == 200);
    WANT(talks(&second) && hangs_up(&second));
    close_pages();
}

/* lost: the change comes while the page is away; else before. */
static void and_its_network_blips(int (*change)(void), const char *reason, bool lost)
{
    BOX();
    WANT(talks(&agent));
    if (lost)
        loses_its_network(&agent);
    WANT(!change());
    if (!lost)
        loses_its_network(&agent);
    for (int i = 0; i < 2; i++) {
        returns(&agent);
        agent.hdrs = i ? "X-Dngate-Take-Over: yes\r\n" : "X-Dngate-Take-Over: no\r\n";
        WANT(is_told_to_leave(&agent, reason) && has_its_call_alone(&agent));
        loses_its_network(&agent);
    }
    returns(&agent);
    (void)snprintf(agent.password, sizeof(agent.password), "neither");
    WANT(wsagent_register(&agent) == 401);
    (void)snprintf(agent.password, sizeof(agent.password), "secret5001");
    agent.instance = 77; /* that is no password for anybody else */
    WANT(wsagent_register(&agent) == 401);
    agent.instance = 1;
    WANT(is_told_to_leave(&agent, reason) && is_hung_up(&agent));
    CHECK_EQ_INT(wsagent_wait_closed(&agent, 5000), 4003);
    returns(&agent);
    WANT(wsagent_register(&agent) == 401); /* nor for that page, now */
    close_pages();
}

TEST(a_dn_is_disabled_and_its_page_blips)
{
    and_its_network_blips(disable, "DN disabled", false);
    and_its_network_blips(disable, "DN disabled", true);
}

TEST(a_dn_is_removed_and_its_page_blips)
{
    and_its_network_blips(removal, "DN removed", false);
    and_its_network_blips(removal, "DN removed", true);
}

TEST(a_password_is_changed_and_its_page_blips)
{
    and_its_network_blips(passwd, "password changed", false);
    and_its_network_blips(passwd, "password changed", true);
}

/* With the password that was, a page neither asks where the DN is now, nor signs it out there. */
TEST(a_former_password_is_good_for_the_call_alone)
{
    BOX();
    WANT(talks(&agent));
    WANT(!passwd() && told(&agent, "{\"leaving\":{\"reason\":\"password changed\"}}"));
    (void)snprintf(second.password, sizeof(second.password), "another5001");
    WANT(wsagent_register(&second) == 200);
    agent.expires = "0";
    WANT(is_told_to_leave(&agent, "password changed"));
    agent.expires = NULL;
    WANT(is_told_to_leave(&agent, "password changed"));
    (void)snprintf(agent.password, sizeof(agent.password), "another5001");
    WANT(refused(&agent, "signed-in", "DN 5001 is signed in elsewhere"));
    WANT(takes_over(&agent) && hangs_up(&agent));
    CHECK_EQ_INT(wsagent_wait_closed(&second, 5000), 4001);
    close_pages();
}

/* A DN that is enabled again in the call: the page that was told to leave does not come back by itself. */
TEST(a_dn_that_is_enabled_again_waits_for_its_agent)
{
    BOX();
    WANT(talks(&agent));
    WANT(!disable() && told(&agent, "{\"leaving\":{\"reason\":\"DN disabled\"}}"));
    WANT(!dn_enable(box.store, "5001", true));
    blips(&agent);
    agent.hdrs = "X-Dngate-Take-Over: no\r\n";
    WANT(is_told_to_leave(&agent, "DN disabled") && has_its_call_alone(&agent));
    agent.hdrs = NULL;
    WANT(wsagent_register(&agent) == 200 && hangs_up(&agent) && talks(&agent));
    close_pages();
}

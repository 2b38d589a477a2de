/* A pair of addresses works, but the handshake never ends: said within the time that a call may be silent. */
#include "fake/browser.h"
#define TESTING_NO_OOM "threads and sockets: what they wait for would not come"
#include "testing.h"

#include "pathrig.h"

enum { ICE_MS = 3000, LIMIT_MS = 13000 };

/* passes: of the browser's packets, so that the handshake stops where they end. */
static void handshake_ends_nowhere(bool we_are_client, bool browser_is_client, unsigned passes)
{
    CHECK_EQ_INT(rig_start(MEDIA_PCMU, we_are_client, browser_is_client), 0);
    rig.handshake = passes;
    CHECK(rig_run(&rig.ice_up, ICE_MS));
    CHECK(!rig.failed);
    CHECK(rig_run(&rig.failed, LIMIT_MS));
    CHECK_EQ_INT(rig.reason, MEDIA_NO_DTLS);
    CHECK_EQ_INT(rig.dtls_up, 0);
    CHECK(!path_browser_ready(rig.path));
    rig_stop();
}

TEST(a_browser_that_says_active_and_sends_no_client_hello)
{
    handshake_ends_nowhere(false, false, 100);
}

TEST(a_browser_that_does_not_answer_our_client_hello)
{
    handshake_ends_nowhere(true, false, 0);
}

TEST(a_handshake_that_stalls_half_way_in_either_role)
{
    handshake_ends_nowhere(false, true, 1); /* its hello came, and no more */
    handshake_ends_nowhere(true, false, 1);
}

TEST(a_slow_handshake_is_waited_for)
{
    CHECK_EQ_INT(rig_start(MEDIA_PCMU, false, true), 0);
    rig.handshake = 0;
    CHECK(rig_run(&rig.ice_up, ICE_MS));
    CHECK(!rig_run(&rig.failed, 3000));
    rig.handshake = 1000;
    CHECK(rig_run(&rig.dtls_up, LIMIT_MS));
    CHECK(!rig_run(&rig.failed, 3 * LIMIT_MS));
    rig_stop();
}

/* Rings for a minute, with a browser that looks at our SDP with the answer only. */
static void ring_and_answer(bool we_are_client, unsigned passes, const unsigned *until)
{
    rig_wish.rings = true;
    CHECK_EQ_INT(rig_start(MEDIA_PCMU, we_are_client, false), 0);
    rig_wish.rings = false;
    rig.handshake = 0;
    rig.deaf = true;
    CHECK(!rig_run(&rig.failed, 60000));
    path_set_hold(rig.path, false, rig.now_us);
    rig.handshake = passes;
    rig.deaf = !passes;
    CHECK(rig_run(until, LIMIT_MS));
    CHECK_EQ_INT(rig.failed + rig.dtls_up, 1);
    rig_stop();
}

TEST(while_it_rings_no_handshake_is_late)
{
    ring_and_answer(true, 1000, &rig.dtls_up);
    ring_and_answer(true, 0, &rig.failed); /* from the answer on, as ever */
    ring_and_answer(false, 0, &rig.failed);
}

TEST(while_it_rings_nobody_has_to_be_found)
{
    rig_wish.rings = true;
    CHECK_EQ_INT(rig_start(MEDIA_PCMU, true, false), 0);
    rig_wish.rings = false;
    fbrowser_mute(rig.browser);
    CHECK(!rig_run(&rig.failed, 60000));
    path_set_hold(rig.path, false, rig.now_us);
    CHECK(!rig_run(&rig.failed, 29000));
    CHECK(rig_run(&rig.failed, 2000));
    CHECK_EQ_INT(rig.reason, MEDIA_NO_ICE);
    rig_stop();
}

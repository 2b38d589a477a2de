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

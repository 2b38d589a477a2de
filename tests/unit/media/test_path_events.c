/* Signalling's mailbox is full for a while: what became of the path is told once there is room, the newest of it. */
#include "fake/browser.h"
#define TESTING_NO_OOM "threads and sockets: what they wait for would not come"
#include "testing.h"

#include "media/path_out.h"
#include "pathrig.h"

#include <errno.h>

static bool full;
static unsigned told;
static enum media_event_type last;

static int mailbox_h(const struct media_event *ev, void *arg)
{
    if (full)
        return ENOBUFS;
    told++;
    last = ev->type;
    return rig_event_h(ev, arg);
}

TEST(what_became_of_the_path_is_told_when_there_is_room)
{
    struct media_event up = {.type = MEDIA_ICE_MOVED},
                       dead = {.type = MEDIA_FAILED, .reason = MEDIA_CONSENT_LOST},
                       silent = {.type = MEDIA_TIMEOUT, .reason = MEDIA_TRUNK_SILENT},
                       digit = {.type = MEDIA_DTMF, .digit = '1'};

    CHECK_EQ_INT(rig_start(MEDIA_PCMU, false, true), 0);
    rig.host.eventh = mailbox_h;
    full = true;
    path_event(rig.path, &up);
    path_event(rig.path, &dead);
    path_event(rig.path, &digit); /* gone: it is counted by the mailbox */
    full = false;
    told = 0;
    path_events_retry(rig.path);
    CHECK_EQ_INT(told, 1);
    CHECK_EQ_INT(last, MEDIA_FAILED);
    CHECK_EQ_INT(rig.reason, MEDIA_CONSENT_LOST);
    path_events_retry(rig.path); /* once */
    CHECK_EQ_INT(told, 1);
    full = true;
    path_event(rig.path, &silent); /* ends the call: nothing newer takes its place */
    path_event(rig.path, &up);
    full = false;
    path_event(rig.path, &up); /* in order: the older one first */
    CHECK_EQ_INT(told, 3);
    CHECK_EQ_INT(last, MEDIA_ICE_MOVED);
    rig_stop();
}

/* Our own TURN server is known by its address; of others there is only the browser's word. */
TEST(the_way_is_what_the_host_knows_and_else_what_the_browser_says)
{
    static const struct {
        enum media_via host;
        enum media_cand_type cand;
        enum media_via way;
    } cases[] = {{MEDIA_DIRECT, MEDIA_CAND_HOST, MEDIA_DIRECT},
                 {MEDIA_DIRECT, MEDIA_CAND_SRFLX, MEDIA_DIRECT},
                 {MEDIA_DIRECT, MEDIA_CAND_RELAY, MEDIA_RELAY_OTHER},
                 {MEDIA_RELAY_TCP, MEDIA_CAND_RELAY, MEDIA_RELAY_TCP},
                 {MEDIA_RELAY_TLS, MEDIA_CAND_PRFLX, MEDIA_RELAY_TLS}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        rig_wish.via = cases[i].host;
        rig_wish.cand = cases[i].cand;
        CHECK_EQ_INT(rig_start(MEDIA_PCMU, false, true), 0);
        CHECK(rig_run(&rig.ice_up, 5000));
        CHECK_EQ_INT(rig.way, cases[i].way);
        rig_stop();
        rig.ice_up = 0;
    }
}

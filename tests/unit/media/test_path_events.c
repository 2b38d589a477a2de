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

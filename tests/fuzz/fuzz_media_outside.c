/*
 * What a worker's port hears that is no call's: answers of STUN servers that were asked, and the doctor's questions. The input is one
 * datagram; its transaction id is made the one that was asked for when the first byte of what follows the head is odd, so that both ways
 * of it are gone.
 */
#include "addrs.h"
#include "media/outside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t tid[STUN_TID_LEN] = {0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct media_outside o = {.doctor = "the doctor's key of thirty-two b"};
    struct outside_asked ask;
    uint8_t msg[STUN_MSG_MAX], room[OUTSIDE_MSG_MAX];
    struct stun_view v, w;
    struct stun_seen seen;
    size_t n;

    if (size > sizeof(msg))
        return 0;
    addr_parse(&ask.server, "192.0.2.1:3478");
    memcpy(ask.tid, tid, sizeof(tid));
    n = media_outside_ask(&o, &ask, room);
    if (!n || stun_parse(&w, room, n))
        abort();
    memcpy(msg, data, size);
    if (size > STUN_HDR_LEN && data[STUN_HDR_LEN] & 1)
        memcpy(msg + 8, tid, sizeof(tid));
    if (stun_parse(&v, msg, size))
        return 0;
    if (media_outside_seen(&o, &v, &ask.server, &seen)) {
        if (memcmp(seen.tid, tid, sizeof(tid)) || (seen.code && addr_isset(&seen.mapped, false)))
            abort();
        if (media_outside_seen(&o, &v, &ask.server, &seen)) /* once */
            abort();
    }
    n = media_outside_reply(&o, &v, &ask.server, room);
    if (n && (stun_parse(&w, room, n) || !v.mi))
        abort();
    return 0;
}

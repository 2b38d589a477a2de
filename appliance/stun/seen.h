/* stun/seen: what a STUN server outside answered to a Binding request of ours (RFC 8489 2). A value that crosses threads. */
#ifndef STUN_SEEN_H
#define STUN_SEEN_H

#include "core/addr.h"

enum { STUN_SEEN_TID = 12 /* STUN_TID_LEN, for those that have libre's names for such things */ };

struct stun_seen {
    uint8_t tid[STUN_SEEN_TID]; /* of the request */
    struct addr server;         /* who was asked, and answered */
    struct addr mapped;         /* from where it saw us; unset: it named no address that can be one of ours */
    uint16_t port;              /* from which it was asked */
    unsigned code;              /* of an error response; 0 = none */
};

#endif

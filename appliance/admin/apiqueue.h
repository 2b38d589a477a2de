/*
 * admin/apiqueue: who waits for the ADMIN thread to hash a password: of one source (IPv6: /64) at most half, so that a flood of sign-ins
 * from one address leaves room for others. Entered on the WEB thread, left on whichever thread frees the request.
 */
#ifndef ADMIN_APIQUEUE_H
#define ADMIN_APIQUEUE_H

#include "core/addr.h"
#include <stdatomic.h>
#include <stdint.h>

enum { APIQUEUE_MAX = 16, APIQUEUE_OF_SOURCE = APIQUEUE_MAX / 2 };

struct apiqueue { /* zeroed: empty */
    _Atomic uint64_t source[APIQUEUE_MAX];
};

/* *place: for apiqueue_leave; 0 when all are taken, which the mailbox behind says. EUSERS: enough of this source wait. */
int apiqueue_enter(struct apiqueue *q, const struct addr *from, unsigned *place);
void apiqueue_leave(struct apiqueue *q, unsigned place);

#endif

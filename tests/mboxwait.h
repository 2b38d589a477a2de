/* tests/mboxwait: for owners of a mailbox that have no event loop, as tests are. */
#ifndef TESTS_MBOXWAIT_H
#define TESTS_MBOXWAIT_H

#include "core/mbox.h"
#include <errno.h>
#include <poll.h>

/* Waits until a message is there: 0; or timeout_ms have passed: ETIMEDOUT. */
__attribute__((unused)) static int mbox_wait(const struct mbox *mb, int timeout_ms)
{
    struct pollfd pfd = {.fd = mbox_fd(mb), .events = POLLIN};
    int n;

    do
        n = poll(&pfd, 1, timeout_ms);
    while (n < 0 && errno == EINTR);
    return n > 0 ? 0 : ETIMEDOUT;
}

#endif

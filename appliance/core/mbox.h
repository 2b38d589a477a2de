/*
 * core/mbox: a bounded mailbox, the only way across threads.
 *
 * Many threads post, one owner thread drains. A message is a value of a fixed size that is copied in and out;
 * if it holds pointers, ownership travels with it (the poster keeps it when mbox_post fails). The eventfd
 * from mbox_fd() is readable while messages wait; watch it in the owner's loop.
 */
#ifndef CORE_MBOX_H
#define CORE_MBOX_H

#include <stddef.h>
#include <stdint.h>

struct mbox;

typedef void(mbox_h)(void *msg, void *arg);

/* Allocates a mailbox of `slots` messages (a power of two) of msg_size bytes. name appears in /metrics.
 * Errors: EINVAL, ENOMEM, EMFILE. */
int mbox_alloc(struct mbox **mbp, const char *name, size_t msg_size, size_t slots);

/* Frees it; pending messages are handed to drop (may be NULL) so that what they own can be freed. */
void mbox_free(struct mbox *mb, mbox_h *drop, void *arg);

/* Keeps so many of the slots for mbox_post_sure. Before the threads start. */
void mbox_reserve(struct mbox *mb, size_t slots);

/* Copies msg in and wakes the owner. ENOBUFS when full (counted). Any thread. */
int mbox_post(struct mbox *mb, const void *msg);
/* The same for what must not be lost ("it has gone"): finds room in the reserve, which is as large as such messages can be many. */
int mbox_post_sure(struct mbox *mb, const void *msg);

/* eventfd to watch for reading. */
int mbox_fd(const struct mbox *mb);

/* Hands every waiting message (at most the number of slots) to handler, in order. Owner thread. Returns count. */
size_t mbox_drain(struct mbox *mb, mbox_h *handler, void *arg);
/* At most max; what is left wakes the owner again. */
size_t mbox_drain_max(struct mbox *mb, size_t max, mbox_h *handler, void *arg);

#endif

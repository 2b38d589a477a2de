/*
 * core/ask: one thread asks another something, and waits so long for the answer and no longer.
 *
 *   asker                                   owner of the mailbox
 *   ask(mb, h, drop, &value, …) ──value──►  ask_answer_h → h(&value, owner)
 *            ◄──value──  or ETIMEDOUT
 *
 * What is asked is a function of the owner's; what it is given and what it finds is one value, copied there and back, so that an asker who
 * has gone leaves nothing that the owner could write to. A question that is reached too late is not put at all. Not for the media threads.
 */
#ifndef CORE_ASK_H
#define CORE_ASK_H

#include <stddef.h>
#include <stdint.h>

struct mbox;

/* On the owner's thread. */
typedef void(ask_h)(void *value, void *owner);
/* Frees what a value holds that nobody takes. NULL where it holds nothing. */
typedef void(ask_drop_h)(void *value);

/* A mailbox for questions. The owner drains it with ask_answer_h and itself as the argument. */
int ask_mbox_alloc(struct mbox **mbp, const char *name, size_t slots);
/* Once the owner answers no more and nobody asks any more. */
void ask_mbox_free(struct mbox *mb);
void ask_answer_h(void *msg, void *owner);

/* Any thread but the owner's. 0: value is the answer. ETIMEDOUT, ENOBUFS (too many ask), ENOMEM: value is as it was. */
int ask(struct mbox *mb, ask_h *h, ask_drop_h *drop, void *value, size_t size, uint32_t timeout_ms);

#endif

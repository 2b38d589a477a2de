/*
 * core/ask: one thread asks another something, and waits so long for the answer and no longer, or does not wait at all.
 *
 *   asker                                   owner of the mailbox
 *   ask(mb, h, drop, &value, …) ──value──►  ask_answer_h → h(&value, owner)
 *            ◄──value──  or ETIMEDOUT
 *
 *   asker                                   owner of the mailbox
 *   ask_later(box, mb, call, …) ──value──►  ask_answer_h → call->answer(&value, owner)
 *   box ◄──value── call->done(0, &value) when the asker's loop comes to it; or done(ETIMEDOUT, NULL)
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

/* ---- for a thread that never waits */

struct ask_box; /* where its answers come to */

struct ask_call { /* what is asked; static */
    size_t size;  /* of the value */
    uint32_t ms;  /* for the answer */
    ask_h *answer;
    /* Asking thread, once for each ask_later() that returned 0: with the answer; or without a value ETIMEDOUT, when its time is over, or
     * ECANCELED, when the box goes. */
    void (*done)(int err, void *value, void *arg);
    ask_drop_h *drop;
};

/* At most `slots` questions (a power of two) under way. name is in /metrics. ENOMEM, EMFILE. */
int ask_box_alloc(struct ask_box **bp, const char *name, size_t slots);
/* Asking thread, or after it has ended; and after the mailboxes that it asked have been freed. */
void ask_box_free(struct ask_box *b);
int ask_box_fd(const struct ask_box *b); /* readable when answers wait */
void ask_box_drain(struct ask_box *b);
/* Ends what has had its time; to be called now and then. */
void ask_box_expire(struct ask_box *b, uint64_t now_ms);
/* Asks. ENOBUFS (too many are under way, here or there), ENOMEM: the value stays the caller's. */
int ask_later(struct ask_box *from, struct mbox *to, const struct ask_call *call, const void *value,
              void *arg);

#endif

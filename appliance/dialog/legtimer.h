/*
 * dialog/legtimer: the session timer of a leg (RFC 4028): a call whose peer has died must end even when nobody sends BYE.
 *
 *   the peer refreshes: nothing came by expires - min(32 s, expires / 3): BYE (RFC 4028 10)
 *   we refresh:         UPDATE at half the time; re-INVITE where the peer's Allow lacks UPDATE, or it answered 405 or 501.
 *                       422 makes the session longer, 491 waits as RFC 3261 14.1 says, silence, 408 and 481 end the leg, and any
 *                       other refusal is tried again: it must not end a call in which two people talk.
 *
 * For the files of dialog/ only. Owner: signalling thread.
 */
#ifndef DIALOG_LEGTIMER_H
#define DIALOG_LEGTIMER_H

#include <stdint.h>

struct leg;

/* From now on, by the terms that hold. */
void leg_timer_start(struct leg *leg);

#endif

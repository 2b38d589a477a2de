/*
 * dialog/legtimer: the session timer of a leg (RFC 4028): a call whose peer has died must end even when nobody sends BYE.
 *
 *   the peer refreshes: nothing came by expires - min(32 s, expires / 3): BYE (RFC 4028 10)
 *   we refresh:         UPDATE at half the time; re-INVITE where the peer's Allow lacks UPDATE, or it answered 405 or 501.
 *                       422 makes the session longer, 491 waits as RFC 3261 14.1 says, silence, 408 and 481 end the leg, and any
 *                       other refusal is tried again: it must not end a call in which two people talk.
 *
 * For leg*.c only. Owner: signalling thread.
 */
#ifndef DIALOG_LEGTIMER_H
#define DIALOG_LEGTIMER_H

#include <re.h>
#include <stdbool.h>
#include <stdint.h>

struct leg;

enum { LEG_SE_MIN = 90, LEG_SE_MAX = 7200, LEG_RAISES_MAX = 4 };

struct leg_timer {
    uint32_t expires; /* seconds; 0 = none */
    uint32_t min;     /* the peer's Min-SE; 0 = it named none */
    bool we_refresh;
    bool peer_can; /* it said `Supported: timer` in the request that we answer */
};

/* A second of it in ms; tests make it shorter, before the thread starts. */
extern uint32_t leg_timer_second;

/* Takes the terms of an INVITE or UPDATE of the peer; false: 422 was answered. */
bool leg_timer_asked(struct leg *leg, const struct sip_msg *msg);
/* That request was refused: what held before it holds. */
void leg_timer_restore(struct leg *leg);
/* Takes the terms of a 2xx to an INVITE or UPDATE of ours. */
void leg_timer_agreed(struct leg *leg, const struct sip_msg *msg);
/* A 422 came: takes its Min-SE for the next try. False: it asks for nothing that we have not offered. */
bool leg_timer_raise(struct leg *leg, const struct sip_msg *msg);
/* From now on, by the terms that hold. */
void leg_timer_start(struct leg *leg);
/* Header lines: of a 2xx of ours, and of an INVITE or UPDATE of ours. */
int leg_timer_print(struct re_printf *pf, const struct leg *leg);
int leg_timer_print_request(struct re_printf *pf, const struct leg *leg);

#endif

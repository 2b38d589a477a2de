/*
 * dialog/legclock: how long a second of a leg's own timers is: session timer, waiting for an ACK, for what comes after its end. Tests make
 * it shorter, before the thread starts; SIP's T1 (libre's) stays as it is.
 */
#ifndef DIALOG_LEGCLOCK_H
#define DIALOG_LEGCLOCK_H

#include <stdint.h>

extern uint32_t leg_second; /* ms */

#endif

/*
 * turn/guesses: slows down who tries passwords, as core/guard does where people sign in, but by user name and source together (IPv6: a /64):
 * a wrong device behind a NAT delays none of another name, and nobody can lock a name out from elsewhere.
 *
 * From the GUESSES_SLOW_AFTER-th wrong try on the next one is looked at only after 250 ms, doubling to 4 s; what comes before is not looked
 * at, and so costs no hash of a password. One failure is forgiven a minute, one by a success, at most once in 10 s.
 *
 * A table of fixed size: who would push out his own entry needs as many tries as it has places. Relay thread.
 */
#ifndef TURN_GUESSES_H
#define TURN_GUESSES_H

#include "core/addr.h"
#include <stdbool.h>
#include <stdint.h>

struct guesses;

enum { GUESSES_PLACES = 4096, GUESSES_SLOW_AFTER = 5 };

int guesses_alloc(struct guesses **gp); /* ENOMEM */
void guesses_free(struct guesses *g);
/* Whether a try of this name from there is looked at now. */
bool guesses_may(const struct guesses *g, const char *name, const struct addr *source, uint64_t now_us);
void guesses_wrong(struct guesses *g, const char *name, const struct addr *source, uint64_t now_us);
void guesses_right(struct guesses *g, const char *name, const struct addr *source, uint64_t now_us);

#endif

/*
 * turn/portpool: which ports of turn.relay_min..max are taken: by allocations, and kept for who comes with a reservation token
 * (RFC 8656 7.2, 14.6). It opens nothing: a port is a number here, and a socket only where relay makes one. Ports are drawn at random,
 * so that nobody guesses the next one (RFC 6056). Owner: the RELAY thread.
 */
#ifndef TURN_PORTPOOL_H
#define TURN_PORTPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct portpool;

enum portpool_want {
    PORTPOOL_ANY,
    PORTPOOL_EVEN, /* EVEN-PORT */
    PORTPOOL_PAIR, /* EVEN-PORT with its R bit: an even port and the one above it, both are taken then */
};

/* min..max with both ends. EINVAL: no port in it; ENOMEM. */
int portpool_alloc(struct portpool **pp, uint16_t min, uint16_t max);
void portpool_free(struct portpool *p);
/* ENOSPC: none of that kind is left. */
int portpool_take(struct portpool *p, enum portpool_want want, uint16_t *port);
/* A port that was taken. */
void portpool_give(struct portpool *p, uint16_t port);
size_t portpool_taken(const struct portpool *p);
size_t portpool_size(const struct portpool *p);

#endif

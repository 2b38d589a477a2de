/*
 * call/drain: how calls end when the gateway is asked to stop. Owner: signalling thread.
 *
 *   drain_alloc ─► no new calls (503 with Retry-After), OPTIONS of trunks answered 503, every page told the time left
 *               ─► the last call has ended, or the time is over: BYE on both legs of what still runs, with Reason
 *               ─► their BYEs are answered, or DRAIN_FAREWELL_MS are over ─► the handler, once
 *
 * Pages are told by a MESSAGE on their registration's connection, application/json: {"drain":{"seconds":N}}; also those that register
 * while the gateway drains.
 */
#ifndef CALL_DRAIN_H
#define CALL_DRAIN_H

#include "call/calls.h"

enum { DRAIN_FAREWELL_MS = 1500 };

struct drain;

struct drain_config {
    struct calls *calls;
    struct registrar *registrar;
    struct sip_stack *stack;
    uint32_t seconds; /* 0 = hang up now */
    void (*done)(void *arg);
    void *arg;
};

int drain_alloc(struct drain **dp, const struct drain_config *cfg);
/* Less time than before: seconds from now. */
void drain_hurry(struct drain *d, uint32_t seconds);
/* On the signalling thread, when nothing runs on it any more. */
void drain_free(struct drain *d);

#endif

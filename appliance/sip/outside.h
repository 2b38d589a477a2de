/*
 * sip/outside: one STUN server asked what it sees of us: a Binding transaction (RFC 8489 6.2.1) at a time, with its repetitions. The
 * datagrams are those of who has the browsers' port (sip_outside); what comes back was asked for there, by its transaction id and source.
 *
 * Private to sip/. Owner: signalling thread.
 */
#ifndef SIP_OUTSIDE_H
#define SIP_OUTSIDE_H

#include "sip/stack.h"
#include "stun/seen.h"

#include <re.h>

/* seen NULL: nothing came. */
typedef void(outside_h)(const struct stun_seen *seen, void *arg);

struct outside {
    const struct sip_outside *way;
    outside_h *h;
    void *arg;
    struct tmr tmr;
    struct addr server, from; /* from: what the kernel would send from */
    uint8_t tid[STUN_SEEN_TID];
    unsigned tries; /* 0: nothing is being asked */
};

/* The first wait for an answer; it doubles. Tests make it shorter. */
extern uint32_t outside_wait_ms;

void outside_init(struct outside *o, const struct sip_outside *way, outside_h *h, void *arg);
void outside_stop(struct outside *o);
/* Its answer, or that none came, goes to h. What is being asked already goes on. */
void outside_ask(struct outside *o, const struct addr *server);
/* The kernel would send to the server from another address than when it was asked last. */
bool outside_moved(const struct outside *o);
/* Is this the answer that is waited for? It has been handed over then. */
bool outside_answer(struct outside *o, const struct stun_seen *seen);

#endif

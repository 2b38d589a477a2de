/*
 * call/trunkprobe: asks an address what it says to an OPTIONS, or to an INVITE for a number that nobody has, from the same socket and with the
 * same words as a call's. An INVITE that rings, or is answered, is ended at once. For the test of a trunk (service/trunktest).
 *
 *   start ─► an id ─► look, again and again, until it is done (it is forgotten then, or after PROBE_KEPT_MS)
 *
 * Owner: signalling thread.
 */
#ifndef CALL_TRUNKPROBE_H
#define CALL_TRUNKPROBE_H

#include "core/addr.h"

#include <stdbool.h>
#include <stdint.h>

struct calls;
struct trunkprobes;

enum {
    PROBES_MAX = 32,
    PROBE_OPTIONS_MS = 4000,
    PROBE_INVITE_MS = 8000,
    PROBE_RINGS_MS = 1000, /* a final answer often follows a 180 at once */
    PROBE_KEPT_MS = 60000,
};
#define PROBE_NUMBER "dngate-trunk-test" /* who is called: nobody */

struct trunkprobe_order {
    bool invite; /* else OPTIONS */
    struct addr addr;
    int transport; /* 0 udp, 1 tcp, 2 tls: to an address of a trunk that is in use */
    char username[128], password[128];
};
struct trunkprobe_found {
    bool done;
    int err;                     /* ETIMEDOUT, or the transport's error; 0: code */
    uint16_t code;               /* of the final answer; 0: none, progress was all */
    uint16_t progress;           /* the highest 1xx */
    char phrase[64], server[64]; /* what it calls itself; "" */
    uint32_t us;                 /* until the final answer, or the first one of an INVITE */
    struct addr from;            /* our address, as it was told */
};

int trunkprobes_alloc(struct trunkprobes **pp, struct calls *calls);
/* Before calls_free(). */
void trunkprobes_free(struct trunkprobes *p);
/* 0: no room, or no memory. What goes wrong with it later stands in what is found. */
uint32_t trunkprobe_start(struct trunkprobes *p, const struct trunkprobe_order *o);
/* ENOENT: there is none such any more. */
int trunkprobe_look(struct trunkprobes *p, uint32_t id, struct trunkprobe_found *out);

#endif

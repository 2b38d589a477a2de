/*
 * call/callconf: what calls are given when they start, and the settings that take effect in running ones. Without libre, which has a
 * conf_alloc() of its own.
 */
#ifndef CALL_CALLCONF_H
#define CALL_CALLCONF_H

#include <stdbool.h>
#include <stdint.h>

struct conf;
struct directory;
struct mbox;
struct media;
struct registrar;
struct sip_stack;
struct store;
struct trunks;

struct calls_config {
    struct sip_stack *stack;
    struct registrar *registrar;
    struct trunks *trunks;
    struct media *media;
    struct mbox *media_events;   /* of struct media_event; watched by calls */
    struct store *store;         /* CDRs */
    struct directory *directory; /* DNs */
    const struct conf *conf;     /* for what is live: sip.agent_headers */
    uint32_t limit_per_dn;       /* calls at once per DN */
    uint32_t limit_total;
    uint32_t ring_seconds; /* no answer from the agent: 480 … */
    uint32_t
        trunk_seconds; /* for a trunk's first word, then the next is tried; 0 = all share CALL_TRUNK_BUDGET_MS */
};

enum { CALLCONF_MAX = 2048 };

/* sip.agent_headers as it is now, copied into buf, which is returned. */
const char *callconf_agent_headers(const struct conf *c, char buf[CALLCONF_MAX]);

/* call.hold: is the trunk told of an agent's hold? */
bool callconf_hold_trunk(const struct conf *c);

/* call.rebind_seconds: how long a call waits for a page that is away; 0: not at all, nor without settings. */
uint32_t callconf_rebind_seconds(const struct conf *c);

/* call.refer: are transfers by REFER taken, of the trunk and of pages? */
bool callconf_refer(const struct conf *c);

/* call.beep as it is now. */
bool callconf_beep(const struct conf *c);

/* The settings trace.* as they are now; all 0 without settings. */
struct callconf_trace {
    int64_t call_bytes, total_bytes, age_ms;
    int64_t sample; /* percent */
};
struct callconf_trace callconf_trace(const struct conf *c);
/* Whether the DN is one of trace.watch. */
bool callconf_watched(const struct conf *c, const char *dn);

#endif

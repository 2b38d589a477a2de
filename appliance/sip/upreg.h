/*
 * sip/upreg: DNs registered upstream: while a browser is signed in as a DN, the DN is registered at SIP Server (RFC 3261 10.2), by us:
 * our Contact with the DN as its user, one Call-ID per DN that outlives us, a CSeq that only rises, our own refreshes.
 *
 *   idle ─► registering ─► registered ⇄ refreshing      refused: it does not want the DN (404, 403, wrong password): asked again seldom
 *              │   ▲  └───────┐ │  └─────┬───┘          waiting: it failed, said nothing, asked for a rest, or its trunk is down
 *              ▼   │          ▼ ▼        ▼              leaving: the browser is gone: Expires: 0 is due, or on its way
 *            refused ◄──── waiting ──► leaving ─► idle  (from each state; idle with nobody signed in is forgotten)
 *
 * Which trunk: of those that register (trunk_config.registers) the first in their order that is not down; place_choose() in upreg.c is the
 * one place that says so. When it has been down, or silent, and answers again, all DNs register again: it may have forgotten them.
 *
 * A browser that is gone (connection lost, registration expired) keeps its DN registered for unregister_ms, since Expires: 0 logs its agent
 * out; whoever signs out is taken at his word. A call of the DN holds it to its end. Each sign-in has a number, and an un-registering is for
 * the sign-in that it was ordered for: when there is a newer one, it is dropped. Numbers are of the clock, so that they rise over restarts
 * and may be compared between gateways.
 *
 * What is sent is paced (sip/upregpace): never more than rate REGISTERs a second, those that answer a challenge included; sign-ins of now
 * before un-registering, that before what is registered again, refreshes last. Owner: signalling thread.
 */
#ifndef SIP_UPREG_H
#define SIP_UPREG_H

#include "sip/registrar.h"
#include "sip/trunks.h"

struct upreg;

enum { UPREG_SECRET_MAX = 128, UPREG_KEY_LEN = 32 };

enum upreg_state {
    UPREG_IDLE,
    UPREG_REGISTERING,
    UPREG_REGISTERED,
    UPREG_REFRESHING,
    UPREG_REFUSED,
    UPREG_WAITING,
    UPREG_LEAVING,
    UPREG_STATES
};
/* "idle", "registering", …: in JSON, metrics and logs. */
const char *upreg_state_name(enum upreg_state s);

struct upreg_info { /* one DN, by value */
    char trunk[64];
    enum upreg_state state;
    uint16_t code;     /* of the last answer; 0 = none came */
    int64_t since_ms;  /* of the state, Unix ms */
    int64_t until_ms;  /* granted until; 0 = not registered */
    uint64_t sequence; /* of its sign-in */
    char text[96];     /* in words */
};

struct upreg_config {
    struct sip_stack *stack;
    struct registrar *registrar;
    struct trunks *trunks;
    uint32_t rate;              /* REGISTERs a second */
    uint32_t unregister_ms;     /* after the browser is gone */
    uint8_t key[UPREG_KEY_LEN]; /* Call-IDs are made of it */
    /* 0 = 6 s for an answer, 2 s before the first try anew, 30 s before who was refused is asked for again, 1 s between two looks. */
    uint32_t answer_ms, retry_ms, ask_ms, tick_ms;
    /* These two as they are set now, each second. May be NULL. */
    void (*settings)(uint32_t *rate, uint32_t *unregister_ms, void *arg);
    /* The DN's digest password for SIP Server, "" = none. */
    void (*password)(const char *dn, char out[UPREG_SECRET_MAX], void *arg);
    bool (*busy)(const char *dn, void *arg); /* a call of it runs */
    /* It was refused, or is registered after that. May be NULL. */
    void (*changed)(const struct binding *b, const struct upreg_info *info, void *arg);
    void *arg;
};

int upreg_alloc(struct upreg **up, const struct upreg_config *cfg);
/* Un-registers nobody. */
void upreg_free(struct upreg *u);

/* Trunks have been set: looks which registers now. */
void upreg_retarget(struct upreg *u);
/* Provisioning of a DN changed; "" = of any. Who was refused for his password is asked for again. */
void upreg_recheck(struct upreg *u, const char *dn);
/* Un-registers the sign-in of this number. False: dropped, because there is a newer one, or none. */
bool upreg_leave(struct upreg *u, const char *dn, uint64_t sequence);
/* Un-registers all, before the gateway ends: done is called once, when that is over or after ms. Nobody is registered from then on. */
void upreg_leave_all(struct upreg *u, uint32_t ms, void (*done)(void *arg), void *arg);
/* The same that is under way ends now. */
void upreg_hurry(struct upreg *u);

/* ENOENT: the DN is not to be registered. */
int upreg_get(const struct upreg *u, const char *dn, struct upreg_info *out);
struct upreg_counts {
    size_t in[UPREG_STATES];
    char dn[64], text[96]; /* one that is refused, and why; "" = none */
    uint16_t code;
    uint64_t changes; /* another number than before: something has changed */
};
void upreg_counts(const struct upreg *u, struct upreg_counts *out);

#endif

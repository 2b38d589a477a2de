/* sip/upreg, the inside: shared by upreg.c (all DNs, and where they register) and upregdn.c (one DN). Owner: signalling thread. */
#ifndef SIP_UPREG_PRIV_H
#define SIP_UPREG_PRIV_H

#include "core/table.h"
#include "sip/stack_priv.h"
#include "sip/upreg.h"
#include "sip/upregmsg.h"
#include "sip/upregpace.h"

struct authclient;

enum {
    UPREG_TICK_MS = 1000,
    UPREG_END_TICK_MS = 100,
    UPREG_EXPIRES_S = 3600,     /* what is asked for */
    UPREG_ANSWER_MS = 6000,     /* four REGISTERs on UDP; then it said nothing */
    UPREG_SILENT_MAX = 2,       /* one after the other: it may have started anew */
    UPREG_RETRY_MIN_MS = 2000,  /* after a failure: doubled up to … */
    UPREG_RETRY_MAX_MS = 60000, /* … this */
    UPREG_REST_MAX_S = 3600,    /* of a Retry-After */
    UPREG_ASK_MIN_MS = 30000,   /* who was refused is asked for again: doubled up to … */
    UPREG_ASK_MAX_MS = 300000,  /* … this */
    UPREG_LEAVE_TRIES = 3,
};

struct upreg_place { /* a trunk that registers; lives as long as a DN is registered there */
    unsigned refs;
    char trunk[64], host[256], username[128], password[128];
    int transport;
    struct addr addr, self; /* its target; what we tell it as ours */
    bool held;              /* admitted even when the trunk is removed */
    bool down;              /* it does not answer OPTIONS */
    bool gone;              /* no trunk any more, or one that does not register */
    unsigned silent;        /* REGISTERs without an answer since the last one that had one */
    uint64_t broken_ms;     /* monotonic: since when it may have forgotten all; 0 = it has not */
};

struct upreg_dn {
    struct le le; /* in a line of the pace */
    struct upreg *u;
    struct upreg_place *at; /* where it is registered, or will be */
    struct sip_request *req;
    struct authclient *auth;
    uint64_t seq, leave_seq; /* of its last sign-in; of the one that is un-registered */
    uint64_t due_ms;         /* monotonic: what the state waits for; 0 = nothing */
    uint64_t gone_ms;        /* monotonic: un-registered then; 0 = somebody is signed in */
    uint64_t confirmed_ms;   /* monotonic: the last 200 */
    int64_t since_ms, until_ms;
    uint32_t cseq, ask_s;
    uint16_t code;
    uint8_t state;      /* enum upreg_state */
    uint8_t tries;      /* without success */
    uint8_t challenged; /* bits: by 401, by 407 */
    bool bound;         /* SIP Server may have it */
    bool no_password;   /* it was asked for one, and has none */
    bool was_refused;   /* as far as anybody was told */
    char dn[];
};

struct upreg {
    struct upreg_config cfg;
    struct table *dns;         /* of struct upreg_dn */
    struct upreg_place *place; /* where DNs register now; NULL: nowhere */
    struct upregpace pace;
    struct tmr tick, pump;
    uint64_t last_seq, changes;
    uint32_t last_cseq; /* highest of DNs that are gone: each keeps its Call-ID, and goes on above */
    size_t in[UPREG_STATES];
    void (*done)(void *arg); /* of upreg_leave_all */
    void *done_arg;
    uint64_t done_ms;
    bool stopping;
};

/* upreg.c */
struct upreg_place *upreg_place_ref(struct upreg_place *p);
void upreg_place_deref(struct upreg *u, struct upreg_place *p);
/* Puts it into a line. */
void upreg_queue(struct upreg_dn *e, enum upregpace_line line, bool first);
/* An answer came from there, or none. */
void upreg_answered(struct upreg *u, struct upreg_place *p);
void upreg_silent(struct upreg_place *p);

/* upregdn.c */
struct upreg_dn *upregdn_new(struct upreg *u, const char *dn);
void upregdn_free(struct upreg_dn *e);
void upregdn_enter(struct upreg_dn *e, enum upreg_state to);
/* It is its turn. */
void upregdn_send(struct upreg_dn *e);
/* What it waited for has come. */
void upregdn_due(struct upreg_dn *e);
/* Wants to be registered, at the place of now. */
void upregdn_register(struct upreg_dn *e, enum upregpace_line line);
/* Un-registered, if anybody there may know it. e may be freed. */
void upregdn_leave(struct upreg_dn *e);
void upregdn_info(const struct upreg_dn *e, struct upreg_info *out);

#endif

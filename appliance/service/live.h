/*
 * service/live: what goes on now: calls, registrations, trunks. The signalling thread owns them and is asked (core/ask), once for all that is
 * wanted; if it does not answer in time, that is said. Errors: service/service.h, and ENOTCONN: no server runs in this process; ETIMEDOUT.
 */
#ifndef SERVICE_LIVE_H
#define SERVICE_LIVE_H

#include "call/calls.h"
#include "core/addr.h"
#include "core/ask.h"
#include "service/service.h"

struct trunks;
struct trunkprobes;
struct sip_stack;
struct upreg;

/* What the signalling thread answers from: the argument of its ask_answer_h. */
struct service_live {
    struct calls *calls;
    struct registrar *registrar;
    struct directory *directory;
    struct trunks *trunks;
    struct sip_stack *stack;
    struct trunkprobes *probes;
    struct upreg *upreg;
};

/* A question of another file's: h gets a struct service_live. */
int service_live_ask(struct service *sv, ask_h *h, ask_drop_h *drop, void *value, size_t size);

struct service_calls {
    struct call_info *v; /* free() */
    size_t count;
};
struct service_registration {
    char dn[64], name[DN_NAME_MAX], peer[ADDR_STRLEN], user_agent[128];
    int64_t registered_ms, expires_ms; /* Unix ms */
    const char *state;                 /* "ready", "ringing", "on_call": static */
    struct service_upstream {          /* its registration at SIP Server (sip/upreg) */
        const char *state;             /* "registered", "refused", …: static; NULL: no trunk registers */
        char trunk[64], text[96];
        uint16_t code; /* of SIP Server's last answer; 0 = none */
        int64_t since_ms, until_ms;
        uint64_t sequence;
    } upstream;
};
struct service_registrations {
    struct service_registration *v; /* free(); by dn */
    size_t count;
};
/* Signalling thread. */
void service_upstream_take(struct service_upstream *u, const struct service_live *live, const char *dn);
enum { SERVICE_TRUNKS_MAX = 128, SERVICE_TRUNK_ADDRESSES_MAX = 8 };
struct service_trunk {
    char name[64], detail[200]; /* why it is in this state; "" */
    const char *state;          /* "up", "down", "suspect", "unknown": static */
    int64_t since_ms;
    double rtt_ms; /* 0 = not known */
    struct service_trunk_address {
        char address[ADDR_STRLEN];
        const char *state;
        double rtt_ms;
    } addresses[SERVICE_TRUNK_ADDRESSES_MAX];
    size_t address_count;
};
struct service_trunks {      /* that are in use, in the order in which they are tried */
    struct service_trunk *v; /* free() */
    size_t count;
};
struct service_counts {
    size_t calls, registrations, dns;
    uint64_t registration_changes; /* another number than before: there were some */
    struct {                       /* at SIP Server */
        size_t registered, refused, waiting;
        char dn[64], text[96]; /* one that is refused, and why */
    } upstream;
};

enum { SERVICE_CALLS = 1, SERVICE_REGISTRATIONS = 2, SERVICE_TRUNKS = 4 };
struct service_picture {
    struct service_calls calls; /* those that were not asked for are empty */
    struct service_registrations registrations;
    struct service_trunks trunks;
    struct service_counts counts; /* always */
};
/* All of one moment. what: an or of these. service_picture_free() what is there after 0. */
int service_picture(struct service *sv, unsigned what, struct service_picture *out);
/* Registrations' states as the calls have them: of a picture whose registrations are those of before. */
void service_picture_states(struct service_picture *p);
void service_picture_free(struct service_picture *p);

int service_calls(struct service *sv, struct service_calls *out);
/* ENOENT: no such call runs. */
int service_call_hangup(struct service *sv, const char *id);
int service_registrations(struct service *sv, struct service_registrations *out);
/* "Chrome 130, Windows" of the user agent that our page sends; the whole of another's. */
const char *service_browser(const char *user_agent, char *buf, size_t sz);
/* Ends a DN's registration: its page is told and may sign in again. ENOENT. */
int service_registration_drop(struct service *sv, const char *dn);
enum { SERVICE_MESSAGE_MAX = 500 }; /* bytes */
/* Shows a text on a DN's page. EINVAL: empty, too long, not UTF-8, control characters; ENOENT: it is not registered. */
int service_registration_message(struct service *sv, const char *dn, const char *text);
int service_counts(struct service *sv, struct service_counts *out);

#endif

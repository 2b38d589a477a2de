/*
 * sip/session_priv: what one session (session.c) and all of them (sessions.c) know of each other. Private to these two. Owner:
 * signalling thread.
 */
#ifndef SIP_SESSION_PRIV_H
#define SIP_SESSION_PRIV_H

#include "sip/registrar.h"
#include "sip/stack_priv.h"

#include "core/table.h"

enum { SESSION_LISTENERS_MAX = 4, SESSIONS_MAX = SIP_WS_CONNS_MAX };

struct sessions {
    struct sip_stack *st;
    uint32_t stranger_ms;
    struct table *by_dn, *by_conn; /* of struct session: signed in; connected in any way */
    struct list busyl;             /* those with calls */
    struct tmr sweep;
    struct {
        registrar_h *h;
        void *arg;
    } listeners[SESSION_LISTENERS_MAX];
    size_t listener_count;
    uint64_t changes; /* told so far */
};

struct session {
    struct le le; /* in busyl */
    struct sessions *ss;
    uint8_t state; /* enum session_state: enter() */
    bool known;
    struct binding b; /* ws_conn 0: lost; dn "": nobody has signed in */
    struct registrar_dn dn;
    uint64_t until_ms; /* monotonic: of the registration, or of a stranger's patience */
    unsigned calls;
    uint16_t close_code; /* leaving, also while it is lost; else 0 */
    char close_reason[48];
};

void session_enter(struct session *s, enum session_state to);
void session_free(struct session *s);
/* Takes the DN from it and says why; the state is the caller's to change. */
void session_unbind(struct session *s, enum registrar_event ev);
void sessions_tell(struct sessions *ss, enum registrar_event ev, const struct binding *b);

#endif

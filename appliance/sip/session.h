/*
 * sip/session: a browser as signalling knows it, across the connections it comes by: its WebSocket, the DN that is signed in on it,
 * its timers, and how many calls run on it. Owner: signalling thread.
 *
 *   connected ⇄ signed in ─► leaving ─► gone       connected: nobody is signed in (yet, or any more); a stranger is closed (4004)
 *       │           │  ▲        │                  leaving: the DN is another browser's, or nobody's: no new call; closed with the
 *       └───────────┴──┼──────┬─┴─► lost ─► gone            last one, by the code and reason it was told of
 *                      │      └──────┤             lost: its connection is gone, a call runs: it may come back by another,
 *                      └─────────────┘                   signed in, or leaving as it was
 *
 * The same browser (+sip.instance of its DN) that registers by another connection is the same session: it keeps its calls, its legs move
 * (listeners are told), the old connection is closed with 4002. That holds also when it does not get its DN: then it is leaving.
 * Another one that registers takes the DN: an idle page is closed with 4001; one in a call keeps its connection to the end of it (see
 * sip/registrar for who may do that).
 *
 * A page that leaves in a call is told by a MESSAGE on its connection, application/json:
 *   {"elsewhere":true}                       its DN was taken over by another page
 *   {"leaving":{"reason":"DN disabled"}}     an administrator ended its registration; also "DN removed", "password changed", …
 */
#ifndef SIP_SESSION_H
#define SIP_SESSION_H

#include "core/addr.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sip_stack;
struct registrar_dn;
struct sessions;
struct session;

enum session_state {
    SESSION_CONNECTED,
    SESSION_SIGNED_IN,
    SESSION_LEAVING,
    SESSION_LOST,
    SESSION_GONE,
};

struct binding { /* one DN's registration */
    char dn[64];
    uint64_t ws_conn;
    struct addr peer;
    char contact[256]; /* its Contact URI as sent: the request URI of what we send */
    char instance[96]; /* +sip.instance or "" */
    char user_agent[128];
    int64_t registered_ms, expires_ms; /* Unix ms */
    bool no_calls;                     /* the page says that it has no dialogs: X-Dngate-Calls */
    bool takes_calls;                  /* and wants those that run elsewhere: X-Dngate-Take-Over: calls */
    bool moved;                        /* of REG_REPLACED: its own browser took it, by another connection */
};

/* What a WebSocket is closed with; admin-ui/agent/phone.js knows them. */
enum { SESSION_CLOSE_TAKEN = 4001, SESSION_CLOSE_MOVED, SESSION_CLOSE_DROPPED, SESSION_CLOSE_STRANGER };

enum registrar_event {
    REG_ADDED,
    REG_REFRESHED,
    REG_REPLACED,
    REG_EXPIRED,
    REG_REMOVED,
    REG_CONN_LOST,
    REG_RETURNED, /* for its calls alone: it is not signed in */
};
typedef void(registrar_h)(enum registrar_event ev, const struct binding *b, void *arg);
typedef bool(registrar_each_h)(const struct binding *b, void *arg);

/* stranger_ms: how long a connection may be open before somebody signs in. */
int sessions_alloc(struct sessions **ssp, struct sip_stack *st, uint32_t stranger_ms);
void sessions_free(struct sessions *ss);
/* ENOSPC. b is the session's own: it stays while the session does. */
int sessions_listen(struct sessions *ss, registrar_h *h, void *arg);
size_t sessions_count(const struct sessions *ss);     /* that are signed in */
uint64_t sessions_changes(const struct sessions *ss); /* another number: something has changed */
void sessions_each(const struct sessions *ss, registrar_each_h *h, void *arg);

/* The session of a connection that is open, made if need be. NULL: no memory. */
struct session *session_of(struct sessions *ss, uint64_t conn);
struct session *session_by_conn(const struct sessions *ss, uint64_t conn); /* or NULL */
/* Where the DN is signed in, or NULL. */
struct session *session_by_dn(const struct sessions *ss, const char *dn);

enum session_state session_state(const struct session *s);
const struct binding *session_binding(const struct session *s);
/* Seconds until its registration ends. */
uint32_t session_seconds(const struct session *s);
/* The password it signed in with. */
const struct registrar_dn *session_dn(const struct session *s);
/* Whoever sent something by it has proved that he is no stranger. */
void session_known(struct session *s);
/* A guest, who signs in on nothing, has proved himself: like a stranger's its connection is closed, but when it has been silent for so long. It
 * stays a stranger's otherwise: a ban of its source is for it, too, or each of its connections would be a guess more at a DN's password. */
void session_guest(struct session *s, uint32_t ms);
bool session_is_known(const struct session *s);
/* A call runs on it, and has ended: the session stays for as long. */
void session_hold(struct session *s);
void session_release(struct session *s);
bool session_in_call(const struct session *s);
/* The browser of this connection, or, when it is known by another one, in a call: that of this instance. NULL: neither has this DN. */
struct session *session_of_browser(const struct sessions *ss, uint64_t conn, const char *dn,
                                   const char *instance);
/* Why it is leaving, or was when it got lost: the code of SESSION_CLOSE_*, 0 when it is or was not. */
uint16_t session_leaving(const struct session *s);
const char *session_leaving_reason(const struct session *s);
/* Do both claims come from one browser? */
bool session_same_browser(const struct session *s, const char *dn, const char *instance);

/*
 * b (registered_ms is set here) with dn's password is signed in for so many seconds: on the session of b->ws_conn, or on that of the same
 * browser, which comes back by that connection. Whoever held the DN leaves. Listeners are told by session_told(), for when it has its answer.
 */
int session_sign_in(struct session **sp, struct sessions *ss, const struct binding *b,
                    const struct registrar_dn *dn, uint32_t seconds, enum registrar_event *ev);
void session_told(const struct session *s, enum registrar_event ev);
/*
 * s, in a call and not signed in, comes back by b->ws_conn: its calls move there, and it is leaving for this reason. Nothing is done
 * when it is there, or when that connection has calls or a DN of its own.
 */
int session_return(struct session *s, const struct binding *b, uint16_t code, const char *reason);
/* It unregistered, or its time is over; the connection stays. */
void session_sign_out(struct session *s, enum registrar_event ev);
/* Its registration ends, and, with the last call, its connection: code and reason of the WebSocket's Close. */
void session_leave(struct session *s, uint16_t code, const char *reason);

/* Sends a MESSAGE with this JSON to the page; that it was not taken is nobody's loss. */
int session_message(struct sip_stack *st, const struct binding *b, const char *json);

#endif

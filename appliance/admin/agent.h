/*
 * admin/agent: POST /api/agent/v1/config: what the agent's page needs to start, for the DN and password that it sends.
 *
 *   {"dn":"5001","password":"…"} → {"dn","displayName","iceServers":[…],"iceServersTtl","renew","sip":{"uri","ws","realm"},"features":{…}}
 *
 * iceServers (as RTCConfiguration takes them) name this box as the browser does, by its Host header, so that they lead through whatever
 * NAT or proxy the page came by; TURN credentials are the DN's, for iceServersTtl seconds. Before they end the page asks again with
 * {"dn","renew"}, since it does not keep the password: good for a day, or until the DN has another password.
 *
 * Throttled by source like SIP digest: late answers first, then 429. Unknown, disabled and known DNs answer alike to whoever
 * does not know the password. Runs on the WEB thread; the DN is asked of
 * signalling, which has it in memory: no sign-in waits for a database.
 */
#ifndef ADMIN_AGENT_H
#define ADMIN_AGENT_H

#include <stdint.h>

struct admin_agent;
struct guard;
struct mbox;
struct turn;

/* What of the TURN server a page is told. */
struct admin_agent_turn {
    struct turn *turn;  /* NULL: none */
    uint16_t port;      /* UDP and TCP */
    uint8_t secret[32]; /* of short-lived credentials */
};

/* Registers the route; before web_start. signalling: for questions that a struct service_live answers; it, g and the TURN server must
 * outlive the web server. ENOMEM, ENOSPC. */
int admin_agent_alloc(struct admin_agent **ap, struct mbox *signalling, struct guard *g,
                      const struct admin_agent_turn *turn);
/* The port of TURN over TLS besides https.port, once it is known; 0 = none. Any thread. */
void admin_agent_turns(struct admin_agent *a, uint16_t port);
/* After web_stop. */
void admin_agent_free(struct admin_agent *a);

#endif

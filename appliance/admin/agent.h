/*
 * admin/agent: POST /api/agent/v1/config: what the agent's page needs to start, for the DN and password that it sends.
 *
 *   {"dn":"5001","password":"…"} → {"dn","displayName","iceServers":[…],"sip":{"uri","ws","realm"},"features":{…}}
 *
 * Throttled by source like SIP digest: late answers first, then 429. Unknown, disabled and known DNs answer alike to whoever
 * does not know the password. Runs on the WEB thread; the DN is asked of
 * signalling, which has it in memory: no sign-in waits for a database.
 */
#ifndef ADMIN_AGENT_H
#define ADMIN_AGENT_H

struct admin_agent;
struct guard;
struct mbox;

/* Registers the route; before web_start. signalling: for questions that a struct service_live answers; it and g must outlive the web
 * server. ENOMEM, ENOSPC. */
int admin_agent_alloc(struct admin_agent **ap, struct mbox *signalling, struct guard *g);
/* After web_stop. */
void admin_agent_free(struct admin_agent *a);

#endif

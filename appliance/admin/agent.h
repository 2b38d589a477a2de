/*
 * admin/agent: POST /api/agent/v1/config: what the agent's page needs to start, for the DN and password that it sends.
 *
 *   {"dn":"5001","password":"…"} → {"dn","displayName","iceServers":[…],"iceServersTtl","renew","sip":{"uri","ws","realm"},"features":{…}}
 *
 * TURN credentials (admin/iceservers) are the DN's, for iceServersTtl seconds. Before they end the page asks again with {"dn","renew"},
 * since it does not keep the password: good for 30 days, or until the DN has another password. Throttled by source (admin/signin).
 * Runs on the WEB thread; the DN is asked of signalling, which has it in memory: no sign-in waits for a database.
 */
#ifndef ADMIN_AGENT_H
#define ADMIN_AGENT_H

struct admin_agent;
struct iceservers;
struct signin;

/* Registers the route; before web_start. Both must outlive the web server. ENOMEM, ENOSPC. */
int admin_agent_alloc(struct admin_agent **ap, const struct signin *signin, const struct iceservers *ice);
/* After web_stop. */
void admin_agent_free(struct admin_agent *a);

#endif

/*
 * admin/selftest: what the page of the self-test needs, and what it has found.
 *
 *   POST /api/selftest/v1/start   {"dn","password"} | {"dn","renew"} | {"link":"TOKEN"}
 *        → {"session","expires_s","dn","name","user","password","echo","iceServers":[…],"version"}
 *   POST /api/selftest/v1/result  {"session","report":{…}} (admin/report) → 201 {"id"}
 *
 * user and password are a SIP identity that is kept nowhere (call/testid); it may call echo and nothing else. A DN's test has the DN's TURN
 * credentials, so that its quota is the DN's; a link's has its own. A link is good for one start (410 then); what the page needs after
 * that it has in `session`, which is good for results, too. Sign-ins are throttled as the agent's are (admin/signin); starts and results
 * of one DN or link by admin/pace. Runs on the WEB thread; the store's writer is asked, and not waited for.
 */
#ifndef ADMIN_SELFTEST_H
#define ADMIN_SELFTEST_H

struct admin_selftest;
struct iceservers;
struct signin;
struct store;

/* Registers the routes; before web_start. All must outlive the web server. ENOMEM, ENOSPC. */
int admin_selftest_alloc(struct admin_selftest **ap, const struct signin *signin,
                         const struct iceservers *ice, const struct store *store);
/* After web_stop. */
void admin_selftest_free(struct admin_selftest *a);

#endif

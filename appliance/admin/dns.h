/* admin/dns: /dns: directory numbers, one by one and many at a time, with what they do just now. MAIN and ADMIN threads, as admin/api.h says. */
#ifndef ADMIN_DNS_H
#define ADMIN_DNS_H

struct admin_dns;
struct store;

/* Registers the routes. ENOMEM, ENOSPC. */
int admin_dns_alloc(struct admin_dns **dp, struct store *store);
/* After the console's REST has stopped. */
void admin_dns_free(struct admin_dns *d);
/* /dns/range, /dns/bulk, /dns/import, /dns/export, /dns/compare (dnmany.c). */
int admin_dnmany_routes(void);

#endif

/* admin/trunks: /trunks: the SIP Servers, their order, and their test step by step. MAIN thread. */
#ifndef ADMIN_TRUNKS_H
#define ADMIN_TRUNKS_H

int admin_trunks_routes(void);

#endif

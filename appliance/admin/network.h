/* admin/network: /network: the ports of this configuration, who must reach them, and whether they do. MAIN thread. */
#ifndef ADMIN_NETWORK_H
#define ADMIN_NETWORK_H

int admin_network_routes(void);

#endif

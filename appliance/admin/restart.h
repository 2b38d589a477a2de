/* admin/restart: the noun restart: starting the server again. */
#ifndef ADMIN_RESTART_H
#define ADMIN_RESTART_H

int admin_restart_routes(void);

#endif

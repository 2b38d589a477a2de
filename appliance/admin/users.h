/* admin/users: the noun users: who may administer the gateway. */
#ifndef ADMIN_USERS_H
#define ADMIN_USERS_H

int admin_users_routes(void);

#endif

/* admin/apikeys: the noun apikeys: keys by which programs use this REST. */
#ifndef ADMIN_APIKEYS_H
#define ADMIN_APIKEYS_H

int admin_apikeys_routes(void);

#endif

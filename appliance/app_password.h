/* app_password: the first administrator's password, as admin.password or admin.password_file give it. Main thread. */
#ifndef APP_PASSWORD_H
#define APP_PASSWORD_H

#include <stddef.h>

struct conf;
struct service;
struct store;

/* Makes the user "admin" when there is none; a password that is there already stays. Errors with one clear line in why, or none. */
int app_password_set(const struct conf *conf, struct store *s, char *why, size_t whysz);
/* When there is no administrator: a line in the log with the link by which a browser makes one. */
void app_password_greet(const struct service *sv);

#endif

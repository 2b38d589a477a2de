/* store/setting: the database's layer of conf. */
#ifndef STORE_SETTING_H
#define STORE_SETTING_H

#include "store/store.h"

typedef void(setting_h)(const char *key, const char *value, void *arg);
int setting_each(struct store_reader *r, setting_h *h, void *arg);
int setting_put(struct store *s, const char *key, const char *value); /* value NULL = back to default */

#endif

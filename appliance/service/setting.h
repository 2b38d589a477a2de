/* service/setting: the settings, as they are in effect and as the database keeps them. Errors: service/service.h. */
#ifndef SERVICE_SETTING_H
#define SERVICE_SETTING_H

#include "conf/conf.h"
#include "service/service.h"

struct service_setting {
    const struct conf_def *def;
    char value[CONF_VALUE_MAX]; /* in effect; of a secret "" or "(set)" */
    enum conf_source source;
    bool locked;  /* by -o or the environment */
    bool pending; /* the running server still goes by another value, running, until it is started again */
    char running[CONF_VALUE_MAX];
};

/* Once the server goes by its settings: makes sv->at_start (conf_free). ENOMEM. */
int service_setting_freeze(struct service *sv);

/* One of the table's. */
void service_setting_get(const struct service *sv, const struct conf_def *def, struct service_setting *out);
/*
 * Puts a value into the database and, unless a restart is needed (def->live), into effect; NULL takes it out: back to the default. ENOENT: no
 * such setting; a key of another version's can still be taken out. EPERM: locked, or a secret, which the database does not keep.
 */
int service_setting_put(struct service *sv, const char *key, const char *value);

#endif

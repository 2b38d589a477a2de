/* service/setting: the settings, as they are in effect and as the database keeps them. Errors: service/service.h. */
#ifndef SERVICE_SETTING_H
#define SERVICE_SETTING_H

#include "conf/conf.h"
#include "service/service.h"
#include "store/audit.h"

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
/* Cuts an URL, which may hold a token, to where it leads: "https://host/…"; other settings' values stay. For whoever is no administrator. */
void service_setting_hide(const struct conf_def *def, char value[CONF_VALUE_MAX]);
/*
 * Puts a value into the database and, unless a restart is needed (def->live), into effect; NULL takes it out: back to the default. ENOENT: no
 * such setting; a key of another version's can still be taken out. EPERM: locked, or a secret, which the database does not keep.
 */
int service_setting_put(struct service *sv, const char *key, const char *value);

/* What people changed, the newest first: entries of the audit whose before and after are {"key":…,"value":…}; key NULL: of all settings. */
int service_setting_history(struct service *sv, const char *key, int64_t before_id, size_t limit, audit_h *h,
                            void *arg);
/* The value of such a before or after into out; false: there was none, so that the default held. */
bool service_setting_value(const char *json, char *out, size_t sz);
/* Gives a setting the value that it had before the change of this number. ENOENT: no such change; else as service_setting_put. key: at least
 * 64 bytes, gets its name. */
int service_setting_revert(struct service *sv, int64_t id, char *key, size_t keysz);

#endif

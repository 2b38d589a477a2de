#include "app_password.h"
#include "conf/conf.h"
#include "core/file.h"
#include "core/log.h"
#include "service/setup.h"
#include "store/user.h"
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PASSWORD_MAX = 1025 };

/* The first line of admin.password_file; "" when the setting names none. */
static int password_read(const struct conf *conf, char password[PASSWORD_MAX], char *why, size_t whysz)
{
    char path[PATH_MAX], *text;
    size_t n;
    int err;

    (void)conf_str(conf, "admin.password_file", path, sizeof(path));
    if (!path[0])
        return 0;

    err = file_read(path, PASSWORD_MAX, &text, &n);
    if (err) {
        (void)snprintf(why, whysz, "admin.password_file=%s: %s", path, strerror(err));
        return err;
    }

    text[strcspn(text, "\r\n")] = '\0';
    err = text[0] ? conf_validate(conf_find("admin.password"), text, NULL, 0) : EINVAL;
    if (err)
        (void)snprintf(why, whysz, "admin.password_file=%s: its first line is no password", path);
    else
        (void)snprintf(password, PASSWORD_MAX, "%s", text);
    explicit_bzero(text, n);
    free(text);

    return err ? EINVAL : 0;
}

void app_password_greet(const struct service *sv)
{
    struct service own = *sv;
    char url[SERVICE_URL_MAX];
    int64_t expires_ms;
    bool open;

    if (service_setup_is_open(&own, &open) || !open)
        return;
    if (service_setup_link(&own, url, &expires_ms))
        log_warn("app", "no link to set up the first administrator: %s", own.why);
    else
        log_info("app", "url=%s minutes=%d no administrator yet: open this link, it is good once", url,
                 SETUP_MINUTES);
    explicit_bzero(url, sizeof(url));
}

int app_password_set(const struct conf *conf, struct store *s, char *why, size_t whysz)
{
    char password[PASSWORD_MAX] = "";
    int err = 0;

    (void)conf_str(conf, "admin.password", password, sizeof(password));
    if (!password[0])
        err = password_read(conf, password, why, whysz);
    if (!err && password[0]) {
        err = user_add(s, "admin", USER_ADMIN, password, why, whysz);
        if (err == EEXIST) { /* it sets the first one only */
            why[0] = '\0';
            err = 0;
        }
    }
    explicit_bzero(password, sizeof(password));

    return err;
}

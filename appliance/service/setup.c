#include "service/setup.h"
#include "store/store.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int service_setup_is_open(struct service *sv, bool *open)
{
    struct store_reader *r;
    bool has = true;
    int err = store_reader_alloc(&r, sv->store);

    if (!err) {
        err = user_has_admin(r, &has);
        store_reader_free(r);
    }
    *open = !err && !has;
    return err ? service_fail(sv, err, "cannot read the users: %s", store_strerror(err)) : 0;
}

int service_setup_link(struct service *sv, char url[SERVICE_URL_MAX], int64_t *expires_ms)
{
    char token[TOKEN_MAX], path[64 + TOKEN_MAX];
    const int err = setup_link_make(sv->store, token, expires_ms);

    if (err == EPERM)
        return service_fail(
            sv, err, "there is an administrator already: dngate user passwd NAME gives one a new password");
    if (err)
        return service_fail(sv, err, "cannot make a set-up link: %s", store_strerror(err));
    snprintf(path, sizeof(path), "/admin/#setup=%s", token);
    service_url(sv, url, path);
    explicit_bzero(token, sizeof(token));
    explicit_bzero(path, sizeof(path));
    return 0;
}

int service_setup(struct service *sv, const char *token, const char *name, const char *password,
                  const char *address)
{
    struct store_actor a = {.via = "console"};
    int err;

    snprintf(a.who, sizeof(a.who), "%s", name);
    snprintf(a.address, sizeof(a.address), "%s", address);
    store_actor_set(&a);
    err = setup_use(sv->store, token, name, password, sv->why, sizeof(sv->why));
    if (err == EINVAL || err == EEXIST)
        snprintf(sv->field, sizeof(sv->field), "%s",
                 err == EEXIST || !user_name_valid(name) ? "name" : "password");
    return err;
}

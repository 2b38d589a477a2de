#include "service/apikey.h"
#include "core/clock.h"

#include <errno.h>
#include <stdio.h>

int service_apikey_each(struct service *sv, apikey_h *h, void *arg)
{
    struct store_reader *r;
    int err = store_reader_alloc(&r, sv->store);

    if (!err) {
        err = apikey_each(r, h, arg);
        store_reader_free(r);
    }
    return err ? service_fail(sv, err, "cannot read the keys: %s", store_strerror(err)) : 0;
}

int service_apikey_add(struct service *sv, struct apikey *io, char key[APIKEY_MAX])
{
    int err;

    if (io->expires_ms && io->expires_ms <= clock_wall_ms())
        return service_fail_at(sv, EINVAL, "expires_ms", "The key would be over already.");
    err = apikey_add(sv->store, io, key, sv->why, sizeof(sv->why));
    if (err == EINVAL || err == EEXIST)
        snprintf(sv->field, sizeof(sv->field), "name");
    return err;
}

int service_apikey_remove(struct service *sv, const char *id)
{
    const int err = apikey_remove(sv->store, id);

    if (err == ENOENT)
        return service_fail(sv, err, "there is no key %s", id);
    return err ? service_fail(sv, err, "key %s: %s", id, store_strerror(err)) : 0;
}

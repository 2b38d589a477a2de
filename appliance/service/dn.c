#include "service/dn.h"

#include <errno.h>

static int fail(struct service *sv, const char *dn, int err)
{
    return err == ENOENT ? service_fail(sv, err, "there is no DN %s", dn)
                         : service_fail(sv, err, "DN %s: %s", dn, store_strerror(err));
}

int service_dn_each(struct service *sv, dn_h *h, void *arg)
{
    struct store_reader *r;
    int err = store_reader_alloc(&r, sv->store);

    if (!err) {
        err = dn_each(r, h, arg);
        store_reader_free(r);
    }
    return err ? service_fail(sv, err, "cannot read the DNs: %s", store_strerror(err)) : 0;
}

int service_dn_get(struct service *sv, const char *dn, struct dn *out)
{
    struct store_reader *r;
    int err = store_reader_alloc(&r, sv->store);

    if (!err) {
        err = dn_get(r, dn, out);
        store_reader_free(r);
    }
    return err ? fail(sv, dn, err) : 0;
}

static int state(struct service *sv, const char *dn, struct dn *out)
{
    return out ? service_dn_get(sv, dn, out) : 0;
}

int service_dn_add(struct service *sv, const char *dn, const char *password, const char *name,
                   enum dn_codec codec, struct dn *out)
{
    const int err = dn_add(sv->store, dn, password, name, codec, true, sv->why, sizeof(sv->why));

    return err ? err : state(sv, dn, out);
}

int service_dn_set(struct service *sv, const char *dn, const char *name, const enum dn_codec *codec,
                   struct dn *out)
{
    const int err = dn_set(sv->store, dn, name, codec, sv->why, sizeof(sv->why));

    return err ? err : state(sv, dn, out);
}

int service_dn_passwd(struct service *sv, const char *dn, const char *password, struct dn *out)
{
    const int err = dn_passwd(sv->store, dn, password, sv->why, sizeof(sv->why));

    return err ? err : state(sv, dn, out);
}

int service_dn_enable(struct service *sv, const char *dn, bool on, struct dn *out)
{
    const int err = dn_enable(sv->store, dn, on);

    return err ? fail(sv, dn, err) : state(sv, dn, out);
}

int service_dn_remove(struct service *sv, const char *dn)
{
    const int err = dn_remove(sv->store, dn);

    return err ? fail(sv, dn, err) : 0;
}

int service_dn_import(struct service *sv, const char *csv, size_t len, struct dn_import_result *res)
{
    return dn_import_csv(sv->store, csv, len, res, sv->why, sizeof(sv->why));
}

int service_dn_import_try(struct service *sv, const char *csv, size_t len, dn_import_h *h, void *arg,
                          struct dn_import_result *res)
{
    struct store_reader *r;
    int err = store_reader_alloc(&r, sv->store);

    if (err)
        return service_fail(sv, err, "cannot read the DNs: %s", store_strerror(err));
    err = dn_import_try(r, csv, len, h, arg, res, sv->why, sizeof(sv->why));
    store_reader_free(r);
    return err;
}

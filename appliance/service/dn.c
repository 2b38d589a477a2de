#include "service/dn.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

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

int service_dn_add(struct service *sv, const struct dn_new *d, char made[DN_PASSWORD_MADE_MAX],
                   struct dn *out)
{
    struct dn_new with = *d;
    size_t bad;
    int err;

    if (!with.password && made) {
        service_dn_password(made);
        with.password = made;
    }
    if (!with.name)
        with.name = "";
    err = dn_add_all(sv->store, &with, 1, &bad, sv->why, sizeof(sv->why));
    return err ? err : state(sv, d->dn, out);
}

int service_dn_change(struct service *sv, const char *dn, const struct dn_change *change, struct dn *out)
{
    const int err = dn_change(sv->store, dn, change, sv->why, sizeof(sv->why));

    return err ? err : state(sv, dn, out);
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

static const char *yes(bool b)
{
    return b ? "yes" : "no";
}

void service_dn_differences(const struct dn *before, const struct dn *after, service_dn_differs_h *h,
                            void *arg)
{
    char was[16], is[16];

    if (strcmp(before->name, after->name))
        h("name", before->name, after->name, arg);
    if (strcmp(before->ha1_sha256, after->ha1_sha256))
        h("password", "", "another one", arg);
    if (strcmp(before->trunk_password, after->trunk_password))
        h("trunk_password", "", "another one", arg);
    if (before->enabled != after->enabled)
        h("enabled", yes(before->enabled), yes(after->enabled), arg);
    if (before->codec != after->codec)
        h("codec", dn_codec_name(before->codec), dn_codec_name(after->codec), arg);
    if (before->auto_answer != after->auto_answer)
        h("auto_answer", yes(before->auto_answer), yes(after->auto_answer), arg);
    if (before->call_limit == after->call_limit)
        return;
    snprintf(was, sizeof(was), "%u", before->call_limit);
    snprintf(is, sizeof(is), "%u", after->call_limit);
    h("call_limit", was, is, arg);
}

#include "service/selftest.h"
#include "core/clock.h"
#include "service/url.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

int service_selftest_link(struct service *sv, const char *note, unsigned hours, struct selftest_link *out,
                          char url[SERVICE_URL_MAX])
{
    char token[SELFTEST_TOKEN_MAX], path[64];
    int err = selftest_link_add(sv->store, note, hours, out, token, sv->why, sizeof(sv->why));

    snprintf(path, sizeof(path), "/selftest.html#%s", token);
    if (!err)
        service_url(sv, url, path);
    explicit_bzero(token, sizeof(token));
    explicit_bzero(path, sizeof(path));
    return err;
}

int service_selftest_links(struct service *sv, selftest_link_h *h, void *arg)
{
    struct store_reader *r;
    int err = store_reader_alloc(&r, sv->store);

    if (!err) {
        err = selftest_link_each(r, clock_wall_ms(), h, arg);
        store_reader_free(r);
    }
    return err ? service_fail(sv, err, "cannot read the links: %s", store_strerror(err)) : 0;
}

int service_selftest_link_remove(struct service *sv, int64_t id)
{
    const int err = selftest_link_remove(sv->store, id);

    if (err == ENOENT)
        return service_fail(sv, err, "there is no open link %lld", (long long)id);
    return err ? service_fail(sv, err, "link %lld: %s", (long long)id, store_strerror(err)) : 0;
}

int service_selftest_each(struct service *sv, const char *dn, selftest_h *h, void *arg)
{
    struct store_reader *r;
    int err = store_reader_alloc(&r, sv->store);

    if (!err) {
        err = selftest_each(r, dn, h, arg);
        store_reader_free(r);
    }
    return err ? service_fail(sv, err, "cannot read the self-tests: %s", store_strerror(err)) : 0;
}

int service_selftest_get(struct service *sv, const char *id, struct selftest *out)
{
    struct store_reader *r;
    int err = store_reader_alloc(&r, sv->store);

    if (!err) {
        err = selftest_get(r, id, out);
        store_reader_free(r);
    }
    if (err == ENOENT)
        return service_fail(sv, err, "there is no self-test %s", id);
    return err ? service_fail(sv, err, "cannot read the self-tests: %s", store_strerror(err)) : 0;
}

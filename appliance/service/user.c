#include "service/user.h"

#include <errno.h>
#include <stdio.h>

static int fail(struct service *sv, const char *name, int err)
{
    if (err == ENOENT)
        return service_fail(sv, err, "there is no user %s", name);
    if (err == EPERM)
        return service_fail(sv, err, "%s is the last administrator and stays; add another first", name);
    return service_fail(sv, err, "user %s: %s", name, store_strerror(err));
}

/* Which of the values given sv->why is about. */
static void blame(struct service *sv, const char *field)
{
    snprintf(sv->field, sizeof(sv->field), "%s", field);
}

int service_user_each(struct service *sv, user_h *h, void *arg)
{
    struct store_reader *r;
    int err = store_reader_alloc(&r, sv->store);

    if (!err) {
        err = user_each(r, h, arg);
        store_reader_free(r);
    }
    return err ? service_fail(sv, err, "cannot read the users: %s", store_strerror(err)) : 0;
}

static int state(struct service *sv, const char *name, struct user *out)
{
    struct store_reader *r;
    int err = store_reader_alloc(&r, sv->store);

    if (!err) {
        err = user_get(r, name, out);
        store_reader_free(r);
    }
    return err ? fail(sv, name, err) : 0;
}

int service_user_add(struct service *sv, const char *name, enum user_role role, const char *password,
                     struct user *out)
{
    const int err = user_add(sv->store, name, role, password, sv->why, sizeof(sv->why));

    if (err == EINVAL || err == EEXIST)
        blame(sv, err == EEXIST || !user_name_valid(name) ? "name" : "password");
    return err ? err : state(sv, name, out);
}

int service_user_get(struct service *sv, const char *name, struct user *out)
{
    return state(sv, name, out);
}

int service_user_change(struct service *sv, const char *name, const struct user_change *ch, struct user *out)
{
    const int err = user_change(sv->store, name, ch, sv->why, sizeof(sv->why));

    if (err == EINVAL)
        blame(sv, "password");
    return err ? err : state(sv, name, out);
}

int service_user_passwd(struct service *sv, const char *name, const char *password, struct user *out)
{
    const struct user_change ch = {.password = password};

    return service_user_change(sv, name, &ch, out);
}

int service_user_remove(struct service *sv, const char *name)
{
    const int err = user_remove(sv->store, name);

    return err ? fail(sv, name, err) : 0;
}

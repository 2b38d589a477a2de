/* Many DNs at a time: ranges, and what is done to a selection. */
#include "service/dn.h"

#include "core/rnd.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GROUPS = 3, GROUP_LEN = 4, DIGITS_MAX = 18 };

void service_dn_password(char out[DN_PASSWORD_MADE_MAX])
{
    /* no I l 1, no O o 0 */
    static const char set[] = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz23456789";

    for (int i = 0; i < GROUPS; i++) {
        char *p = out + i * (GROUP_LEN + 1);

        if (i)
            p[-1] = '-';
        rnd_str_of(p, GROUP_LEN + 1, GROUP_LEN, set);
    }
}

void service_dn_passwords_free(struct dn_password *v, size_t n)
{
    if (v)
        explicit_bzero(v, n * sizeof(*v));
    free(v);
}

/* ---------------------------------------------------------------- a range */

struct range {
    char head[DN_MAX]; /* what is before the digits */
    int width;         /* of the digits, with zeros in front; 0: as they come */
    unsigned long long from, to;
};

/* Where its last digits begin; at most DIGITS_MAX of them. */
static size_t digits_at(const char *dn)
{
    size_t n = strlen(dn), first = n;

    while (first && isdigit((unsigned char)dn[first - 1]) && n - first < DIGITS_MAX)
        first--;
    return first;
}

static int range_read(struct service *sv, const char *from, const char *to, struct range *r)
{
    const size_t a = digits_at(from), b = digits_at(to);

    if (!dn_valid(from) || !from[a])
        return service_fail(sv, EINVAL, "%s: the first DN of a range ends in digits", from);
    if (!dn_valid(to) || !to[b])
        return service_fail(sv, EINVAL, "%s: the last DN of a range ends in digits", to);
    if (a != b || strncmp(from, to, a))
        return service_fail(sv, EINVAL, "%s and %s must be alike but for their last digits", from, to);
    if (strlen(from) > strlen(to) || (strlen(from) < strlen(to) && from[a] == '0'))
        return service_fail(sv, EINVAL, "%s and %s must have as many digits", from, to);
    snprintf(r->head, sizeof(r->head), "%.*s", (int)a, from);
    r->width = strlen(from) == strlen(to) ? (int)(strlen(from) - a) : 0;
    r->from = strtoull(from + a, NULL, 10);
    r->to = strtoull(to + a, NULL, 10);
    if (r->from > r->to)
        return service_fail(sv, EINVAL, "%s comes before %s", to, from);
    if (r->to - r->from >= DN_RANGE_MAX)
        return service_fail(sv, EINVAL, "%llu DNs at once are too many: at most %d", r->to - r->from + 1,
                            DN_RANGE_MAX);
    return 0;
}

/* "Agent #" → "Agent 5001" */
static void name_fill(char *out, size_t sz, const char *pattern, const char *dn)
{
    const char *hash = strchr(pattern, '#');

    if (hash)
        snprintf(out, sz, "%.*s%s%s", (int)(hash - pattern), pattern, dn, hash + 1);
    else
        snprintf(out, sz, "%s", pattern);
}

static int range_fill(struct service *sv, const struct range *r, const struct dn_new *like,
                      struct dn_new *news, struct dn_password *v, size_t n)
{
    const char *name = like->name ? like->name : "";

    if (strlen(name) + DN_MAX > DN_NAME_MAX && strchr(name, '#'))
        return service_fail(sv, EINVAL, "the name is too long to hold the DN as well");
    if (strlen(name) >= DN_NAME_MAX)
        return service_fail(sv, EINVAL, "the name must be at most %d bytes", DN_NAME_MAX - 1);
    for (size_t i = 0; i < n; i++) {
        snprintf(v[i].dn, sizeof(v[i].dn), "%s%0*llu", r->head, r->width, r->from + i);
        name_fill(v[i].name, sizeof(v[i].name), name, v[i].dn);
        service_dn_password(v[i].password);
        news[i] = *like;
        news[i].dn = v[i].dn;
        news[i].name = v[i].name;
        news[i].password = v[i].password;
    }
    return 0;
}

int service_dn_range(struct service *sv, const char *from, const char *to, const struct dn_new *like,
                     struct dn_password **out, size_t *count)
{
    struct dn_password *v;
    struct dn_new *news;
    size_t n, bad;
    struct range r = {.from = 0};
    int err = range_read(sv, from, to, &r);

    if (err)
        return err;
    n = (size_t)(r.to - r.from + 1);
    v = calloc(n, sizeof(*v));
    news = calloc(n, sizeof(*news));
    err = v && news ? range_fill(sv, &r, like, news, v, n) : service_fail(sv, ENOMEM, "%s", strerror(ENOMEM));
    if (!err)
        err = dn_add_all(sv->store, news, n, &bad, sv->why, sizeof(sv->why));
    free(news);
    if (err) {
        service_dn_passwords_free(v, n);
        return err;
    }
    *out = v;
    *count = n;
    return 0;
}

/* ---------------------------------------------------------------- a selection */

static int by_text(const void *a, const void *b)
{
    return strverscmp(*(const char *const *)a, *(const char *const *)b);
}

/* Sorted, each once. */
static size_t unique(const char **v, size_t n)
{
    size_t kept = 0;

    qsort(v, n, sizeof(*v), by_text);
    for (size_t i = 0; i < n; i++)
        if (!kept || strcmp(v[kept - 1], v[i]))
            v[kept++] = v[i];
    return kept;
}

static int reset(struct service *sv, const char *const *dns, size_t n, struct dn_password **out)
{
    struct dn_password *v = calloc(n, sizeof(*v));
    const char **passwords = calloc(n, sizeof(*passwords));
    struct dn d = {.dn = ""};
    size_t bad;
    int err = 0;

    if (!v || !passwords) {
        free(v);
        free(passwords);
        return service_fail(sv, ENOMEM, "%s", strerror(ENOMEM));
    }
    for (size_t i = 0; !err && i < n; i++) {
        service_dn_password(v[i].password);
        passwords[i] = v[i].password;
        snprintf(v[i].dn, sizeof(v[i].dn), "%s", dns[i]);
        err = service_dn_get(sv, dns[i], &d);
        if (!err)
            memcpy(v[i].name, d.name, sizeof(v[i].name));
    }
    if (!err)
        err = dn_bulk(sv->store, DN_RESET, dns, passwords, n, &bad, sv->why, sizeof(sv->why));
    explicit_bzero(&d, sizeof(d));
    free(passwords);
    if (err)
        service_dn_passwords_free(v, n);
    else
        *out = v;
    return err;
}

int service_dn_bulk(struct service *sv, enum dn_action action, const char *const *dns, size_t n,
                    struct dn_password **out, size_t *done)
{
    const char **v = n && n <= DN_MANY_MAX ? malloc(n * sizeof(*v)) : NULL;
    size_t bad;
    int err;

    *done = 0;
    if (n > DN_MANY_MAX)
        return service_fail(sv, EINVAL, "%zu DNs at once are too many: at most %d", n, DN_MANY_MAX);
    if (!n)
        return service_fail(sv, EINVAL, "there is no DN to do it to");
    if (!v)
        return service_fail(sv, ENOMEM, "%s", strerror(ENOMEM));
    memcpy(v, dns, n * sizeof(*v));
    n = unique(v, n);
    err = action == DN_RESET ? reset(sv, v, n, out)
                             : dn_bulk(sv->store, action, v, NULL, n, &bad, sv->why, sizeof(sv->why));
    free(v);
    if (!err)
        *done = n;
    return err;
}

/* Many DNs at a time: read and checked on the caller's thread, hashed there too, then one transaction that writes all or nothing. */
#include "store/dnrow.h"
#include "store/writer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct many {
    enum dn_action action;
    const char *const *dns; /* NULL: rows are new */
    struct dn *rows;        /* new ones, or the hashes of new passwords */
    size_t n;
    size_t bad; /* the one that was at hand */
};

static int too_many(size_t n, char *why, size_t whysz)
{
    if (n <= DN_MANY_MAX)
        return 0;
    snprintf(why, whysz, "%zu DNs at once are too many: at most %d", n, DN_MANY_MAX);
    return E2BIG;
}

static int failed(int err, const char *dn, char *why, size_t whysz)
{
    if (err == ENOENT)
        snprintf(why, whysz, "there is no DN %s", dn);
    else if (err == EEXIST)
        snprintf(why, whysz, "DN %s exists already", dn);
    else if (err)
        snprintf(why, whysz, "DN %s: %s", dn, store_strerror(err));
    return err;
}

static void rows_free(struct dn *rows, size_t n)
{
    if (rows)
        explicit_bzero(rows, n * sizeof(*rows));
    free(rows);
}

/* ---------------------------------------------------------------- new ones */

static int new_fill(const struct store *s, struct dn *d, const struct dn_new *from, char *why, size_t whysz)
{
    const char *trunk_password = from->trunk_password ? from->trunk_password : "";
    int err;

    if (!dn_valid(from->dn)) {
        snprintf(why, whysz, "a DN is 1 to %d letters, digits or . _ + * # -", DN_MAX - 1);
        return EINVAL;
    }
    err = dn_check_password(from->password, why, whysz);
    if (!err)
        err = dn_check_name(from->name, why, whysz);
    if (!err)
        err = dn_check_limit(from->call_limit, why, whysz);
    if (!err)
        err = dn_check_trunk_password(trunk_password, why, whysz);
    if (err)
        return err;
    snprintf(d->dn, sizeof(d->dn), "%s", from->dn);
    snprintf(d->name, sizeof(d->name), "%s", from->name);
    d->enabled = from->enabled;
    d->codec = from->codec;
    d->auto_answer = from->auto_answer;
    d->call_limit = from->call_limit;
    dnrow_hash(d, from->password);
    return dnrow_seal(s, d, trunk_password);
}

static int add_job(struct store_tx *tx, void *arg)
{
    struct many *m = arg;
    int err = 0;

    for (m->bad = 0; m->bad < m->n; m->bad++) {
        struct dn *d = &m->rows[m->bad];

        d->created_ms = d->changed_ms = tx->now_ms;
        err = dnrow_insert(tx->sql, d);
        if (!err)
            err = dnrow_changed(tx, d->dn, "added");
        if (err)
            break;
    }
    return err;
}

int dn_add_all(struct store *s, const struct dn_new *v, size_t n, size_t *bad, char *why, size_t whysz)
{
    struct many m = {.n = n};
    int err = too_many(n, why, whysz);

    *bad = 0;
    if (err || !n)
        return err;
    m.rows = calloc(n, sizeof(*m.rows));
    if (!m.rows)
        return failed(ENOMEM, v[0].dn, why, whysz);
    for (size_t i = 0; !err && i < n; i++) {
        *bad = i;
        err = new_fill(s, &m.rows[i], &v[i], why, whysz);
    }
    if (!err) {
        err = store_call(s, add_job, &m);
        *bad = m.bad < n ? m.bad : 0;
        (void)failed(err, v[*bad].dn, why, whysz);
    }
    rows_free(m.rows, n);
    return err;
}

/* ---------------------------------------------------------------- the same to each */

static int act(struct store_tx *tx, const struct many *m, size_t i)
{
    static const char *const words[] = {
        [DN_ENABLE] = "enabled", [DN_DISABLE] = "disabled", [DN_RESET] = "password changed"};
    struct dn d;
    int err;

    if (m->action == DN_REMOVE) {
        err = dnrow_delete(tx->sql, m->dns[i]);
        return err ? err : dnrow_changed(tx, m->dns[i], "removed");
    }
    err = dnrow_load(tx->sql, m->dns[i], &d);
    if (err || (m->action != DN_RESET && d.enabled == (m->action == DN_ENABLE)))
        return err;
    if (m->action == DN_RESET) {
        memcpy(d.ha1_md5, m->rows[i].ha1_md5, sizeof(d.ha1_md5));
        memcpy(d.ha1_sha256, m->rows[i].ha1_sha256, sizeof(d.ha1_sha256));
    } else {
        d.enabled = m->action == DN_ENABLE;
    }
    d.changed_ms = tx->now_ms;
    err = dnrow_update(tx->sql, &d);
    return err ? err : dnrow_changed(tx, d.dn, words[m->action]);
}

static int bulk_job(struct store_tx *tx, void *arg)
{
    struct many *m = arg;
    int err = 0;

    for (m->bad = 0; m->bad < m->n; m->bad++) {
        err = act(tx, m, m->bad);
        if (err)
            break;
    }
    return err;
}

static int passwords_hash(struct many *m, const char *const *passwords, size_t *bad, char *why, size_t whysz)
{
    int err = 0;

    m->rows = calloc(m->n, sizeof(*m->rows));
    if (!m->rows)
        return failed(ENOMEM, m->dns[0], why, whysz);
    for (size_t i = 0; !err && i < m->n; i++) {
        *bad = i;
        err = dn_check_password(passwords[i], why, whysz);
        if (err)
            break;
        snprintf(m->rows[i].dn, sizeof(m->rows[i].dn), "%s", m->dns[i]);
        dnrow_hash(&m->rows[i], passwords[i]);
    }
    return err;
}

int dn_bulk(struct store *s, enum dn_action action, const char *const *dns, const char *const *passwords,
            size_t n, size_t *bad, char *why, size_t whysz)
{
    struct many m = {.action = action, .dns = dns, .n = n};
    int err = too_many(n, why, whysz);

    *bad = 0;
    if (err || !n)
        return err;
    for (size_t i = 0; i < n; i++) {
        if (dn_valid(dns[i]))
            continue;
        *bad = i;
        return failed(ENOENT, dns[i], why, whysz);
    }
    if (action == DN_RESET)
        err = passwords_hash(&m, passwords, bad, why, whysz);
    if (!err) {
        err = store_call(s, bulk_job, &m);
        *bad = m.bad < n ? m.bad : 0;
        (void)failed(err, dns[*bad], why, whysz);
    }
    rows_free(m.rows, n);
    return err;
}

#include "store/dn.h"
#include "crypto/hash.h"
#include "store/audit.h"
#include "store/check.h"
#include "store/dnrow.h"
#include "store/reader.h"
#include "store/writer.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { DN_PASSWORD_MIN = 6 };

static const char *const codec_names[] = {
    [DN_CODEC_AUTO] = "auto", [DN_CODEC_OPUS] = "opus", [DN_CODEC_PCMU] = "pcmu", [DN_CODEC_PCMA] = "pcma"};
enum { CODEC_COUNT = sizeof(codec_names) / sizeof(codec_names[0]) };

/* ---------------------------------------------------------------- values */

bool dn_valid(const char *dn)
{
    return check_word(dn, "._+*#-", DN_MAX);
}

const char *dn_codec_name(enum dn_codec c)
{
    return codec_names[(unsigned)c % CODEC_COUNT];
}

int dn_codec_decode(enum dn_codec *c, const char *name)
{
    for (unsigned i = 0; i < CODEC_COUNT; i++) {
        if (!strcmp(codec_names[i], name)) {
            *c = (enum dn_codec)i;
            return 0;
        }
    }
    return EINVAL;
}

int dn_check_password(const char *password, char *why, size_t whysz)
{
    return check_password(password, DN_PASSWORD_MIN, why, whysz);
}

int dn_check_name(const char *name, char *why, size_t whysz)
{
    if (check_text(name, DN_NAME_MAX))
        return 0;
    snprintf(why, whysz, "the name must be UTF-8 text of at most %d bytes without control characters",
             DN_NAME_MAX - 1);
    return EINVAL;
}

void dnrow_hash(struct dn *d, const char *password)
{
    hash_ha1_md5(d->ha1_md5, d->dn, DN_REALM, password);
    hash_ha1_sha256(d->ha1_sha256, d->dn, DN_REALM, password);
}

/* ---------------------------------------------------------------- rows */

#define DN_SELECT "SELECT dn, name, enabled, codec, ha1_md5, ha1_sha256, created_ms, changed_ms FROM dn "

static void dnrow_read(sqlite3_stmt *st, struct dn *d)
{
    memset(d, 0, sizeof(*d));
    sql_text(st, 0, d->dn, sizeof(d->dn));
    sql_text(st, 1, d->name, sizeof(d->name));
    d->enabled = sqlite3_column_int(st, 2) != 0;
    dn_codec_decode(&d->codec, (const char *)sqlite3_column_text(st, 3));
    sql_text(st, 4, d->ha1_md5, sizeof(d->ha1_md5));
    sql_text(st, 5, d->ha1_sha256, sizeof(d->ha1_sha256));
    d->created_ms = sqlite3_column_int64(st, 6);
    d->changed_ms = sqlite3_column_int64(st, 7);
}

int dnrow_load(struct sql *sql, const char *dn, struct dn *out)
{
    sqlite3_stmt *st;
    int err = sql_prepare(sql, &st, DN_SELECT "WHERE dn = ?");

    if (err)
        return err;
    sql_bind(st, "t", dn);
    err = sql_step(st);
    if (!err)
        dnrow_read(st, out);
    sql_done(sql, st);
    return err;
}

int dnrow_insert(struct sql *sql, const struct dn *d)
{
    sqlite3_stmt *st;
    int err =
        sql_prepare(sql, &st,
                    "INSERT INTO dn (dn, name, enabled, codec, ha1_md5, ha1_sha256, created_ms, changed_ms) "
                    "VALUES (?, ?, ?, ?, ?, ?, ?, ?)");

    if (err)
        return err;
    sql_bind(st, "ttitttii", d->dn, d->name, (int64_t)d->enabled, dn_codec_name(d->codec), d->ha1_md5,
             d->ha1_sha256, d->created_ms, d->changed_ms);
    return sql_run(sql, st);
}

int dnrow_update(struct sql *sql, const struct dn *d)
{
    sqlite3_stmt *st;
    int err = sql_prepare(
        sql, &st,
        "UPDATE dn SET name = ?2, enabled = ?3, codec = ?4, ha1_md5 = ?5, ha1_sha256 = ?6, changed_ms = ?7 "
        "WHERE dn = ?1");

    if (err)
        return err;
    sql_bind(st, "ttittti", d->dn, d->name, (int64_t)d->enabled, dn_codec_name(d->codec), d->ha1_md5,
             d->ha1_sha256, d->changed_ms);
    err = sql_run(sql, st);
    return err || sql_changes(sql) ? err : ENOENT;
}

/* ---------------------------------------------------------------- reading */

int dn_get(struct store_reader *r, const char *dn, struct dn *out)
{
    return dnrow_load(&r->sql, dn, out);
}

int dn_each(struct store_reader *r, dn_h *h, void *arg)
{
    sqlite3_stmt *st;
    struct dn d;
    int err = sql_prepare(&r->sql, &st, DN_SELECT "ORDER BY dn");

    if (err)
        return err;
    while (!(err = sql_step(st))) {
        dnrow_read(st, &d);
        if (h(&d, arg))
            break;
    }
    sql_done(&r->sql, st);
    return err == ENOENT ? 0 : err;
}

/* ---------------------------------------------------------------- writing: a job each */

static int dn_changed(struct store_tx *tx, const char *dn, const char *what)
{
    store_tx_notice(tx, STORE_DN, dn);
    return audit_write(tx, "dn %s %s", dn, what);
}

static int add_job(struct store_tx *tx, void *arg)
{
    struct dn *d = arg;
    int err;

    d->created_ms = d->changed_ms = tx->now_ms;
    err = dnrow_insert(tx->sql, d);
    return err ? err : dn_changed(tx, d->dn, "added");
}

int dn_add(struct store *s, const char *dn, const char *password, const char *name, enum dn_codec codec,
           bool enabled, char *why, size_t whysz)
{
    struct dn d = {.codec = codec, .enabled = enabled};
    int err;

    if (!dn_valid(dn)) {
        snprintf(why, whysz, "a DN is 1 to %d letters, digits or . _ + * # -", DN_MAX - 1);
        return EINVAL;
    }
    err = dn_check_password(password, why, whysz);
    if (!err)
        err = dn_check_name(name, why, whysz);
    if (err)
        return err;
    snprintf(d.dn, sizeof(d.dn), "%s", dn);
    snprintf(d.name, sizeof(d.name), "%s", name);
    dnrow_hash(&d, password);
    err = store_call(s, add_job, &d);
    if (err)
        snprintf(why, whysz, err == EEXIST ? "DN %s exists already" : "DN %s: %s", dn, store_strerror(err));
    return err;
}

static int passwd_job(struct store_tx *tx, void *arg)
{
    const struct dn *hashed = arg;
    struct dn d;
    int err = dnrow_load(tx->sql, hashed->dn, &d);

    if (err)
        return err;
    memcpy(d.ha1_md5, hashed->ha1_md5, sizeof(d.ha1_md5));
    memcpy(d.ha1_sha256, hashed->ha1_sha256, sizeof(d.ha1_sha256));
    d.changed_ms = tx->now_ms;
    err = dnrow_update(tx->sql, &d);
    return err ? err : dn_changed(tx, d.dn, "password changed");
}

int dn_passwd(struct store *s, const char *dn, const char *password, char *why, size_t whysz)
{
    struct dn hashed = {0};
    int err = dn_check_password(password, why, whysz);

    if (err)
        return err;
    if (dn_valid(dn)) {
        snprintf(hashed.dn, sizeof(hashed.dn), "%s", dn);
        dnrow_hash(&hashed, password);
        err = store_call(s, passwd_job, &hashed);
    } else {
        err = ENOENT;
    }
    if (err)
        snprintf(why, whysz, err == ENOENT ? "there is no DN %s" : "DN %s: %s", dn, store_strerror(err));
    return err;
}

struct dn_enable_arg {
    const char *dn;
    bool enabled;
};

static int enable_job(struct store_tx *tx, void *arg)
{
    const struct dn_enable_arg *a = arg;
    struct dn d;
    int err = dnrow_load(tx->sql, a->dn, &d);

    if (err || d.enabled == a->enabled)
        return err;
    d.enabled = a->enabled;
    d.changed_ms = tx->now_ms;
    err = dnrow_update(tx->sql, &d);
    return err ? err : dn_changed(tx, d.dn, a->enabled ? "enabled" : "disabled");
}

int dn_enable(struct store *s, const char *dn, bool enabled)
{
    struct dn_enable_arg arg = {dn, enabled};

    return store_call(s, enable_job, &arg);
}

struct dn_set_arg {
    const char *dn, *name;
    const enum dn_codec *codec;
};

static int set_job(struct store_tx *tx, void *arg)
{
    const struct dn_set_arg *a = arg;
    struct dn d;
    int err = dnrow_load(tx->sql, a->dn, &d);

    if (err)
        return err;
    if (a->name)
        snprintf(d.name, sizeof(d.name), "%s", a->name);
    if (a->codec)
        d.codec = *a->codec;
    d.changed_ms = tx->now_ms;
    err = dnrow_update(tx->sql, &d);
    return err ? err : dn_changed(tx, d.dn, "changed");
}

int dn_set(struct store *s, const char *dn, const char *name, const enum dn_codec *codec, char *why,
           size_t whysz)
{
    struct dn_set_arg arg = {dn, name, codec};
    int err = name ? dn_check_name(name, why, whysz) : 0;

    if (err)
        return err;
    err = store_call(s, set_job, &arg);
    if (err)
        snprintf(why, whysz, err == ENOENT ? "there is no DN %s" : "DN %s: %s", dn, store_strerror(err));
    return err;
}

static int delete_of(struct store_tx *tx, const char *sql, const char *dn)
{
    sqlite3_stmt *st;
    int err = sql_prepare(tx->sql, &st, sql);

    if (err)
        return err;
    sql_bind(st, "t", dn);
    return sql_run(tx->sql, st);
}

static int remove_job(struct store_tx *tx, void *arg)
{
    const char *dn = arg;
    int err = delete_of(tx, "DELETE FROM dn WHERE dn = ?", dn);

    if (!err && !sql_changes(tx->sql))
        err = ENOENT;
    if (!err)
        err = delete_of(tx, "DELETE FROM selftest WHERE dn = ?", dn);
    return err ? err : dn_changed(tx, dn, "removed");
}

int dn_remove(struct store *s, const char *dn)
{
    char copy[DN_MAX];

    if (!dn_valid(dn))
        return ENOENT;
    snprintf(copy, sizeof(copy), "%s", dn);
    return store_call(s, remove_job, copy);
}

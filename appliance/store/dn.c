#include "store/dn.h"
#include "core/log.h"
#include "crypto/hash.h"
#include "crypto/secret.h"
#include "store/audit.h"
#include "store/check.h"
#include "store/dnrow.h"
#include "store/reader.h"
#include "store/writer.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

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

int dn_check_limit(uint32_t limit, char *why, size_t whysz)
{
    if (limit <= DN_CALL_LIMIT_MAX)
        return 0;
    snprintf(why, whysz, "0 to %d calls at a time; 0: as call.limit_per_dn says", DN_CALL_LIMIT_MAX);
    return EINVAL;
}

void dnrow_hash(struct dn *d, const char *password)
{
    hash_ha1_md5(d->ha1_md5, d->dn, DN_REALM, password);
    hash_ha1_sha256(d->ha1_sha256, d->dn, DN_REALM, password);
}

/* ---------------------------------------------------------------- passwords for SIP Server */

int dn_check_trunk_password(const char *password, char *why, size_t whysz)
{
    if (check_text(password, DN_TRUNK_PASSWORD_MAX))
        return 0;
    snprintf(why, whysz,
             "the password for SIP Server must be UTF-8 text of at most %d bytes without control characters",
             DN_TRUNK_PASSWORD_MAX - 1);
    return EINVAL;
}

/* Sealing binds a password to its DN: a row that is copied under another name does not open. */
static const char *sealing_context(char *buf, size_t sz, const char *dn)
{
    snprintf(buf, sz, "dn/%s", dn);
    return buf;
}

int dnrow_seal(const struct store *s, struct dn *d, const char *trunk_password)
{
    char context[DN_MAX + 8];

    d->trunk_password[0] = '\0';
    return trunk_password[0] ? secret_seal(s->secret, d->trunk_password, sizeof(d->trunk_password),
                                           sealing_context(context, sizeof(context), d->dn), trunk_password)
                             : 0;
}

void dn_trunk_password(const struct store *s, const char *dn, const char *sealed,
                       char out[DN_TRUNK_PASSWORD_MAX])
{
    char context[DN_MAX + 8];

    out[0] = '\0';
    if (!sealed[0] || !secret_open(s->secret, out, DN_TRUNK_PASSWORD_MAX,
                                   sealing_context(context, sizeof(context), dn), sealed))
        return;
    out[0] = '\0';
    log_warn_limited("store",
                     "dn=%s its password for SIP Server cannot be read with this secret.key; set it again: "
                     "dngate dn set %s --trunk-password -",
                     dn, dn);
}

bool dnrow_same_sealed(const struct store *s, const struct dn *a, const struct dn *b)
{
    char x[DN_TRUNK_PASSWORD_MAX], y[DN_TRUNK_PASSWORD_MAX];
    bool same = !strcmp(a->trunk_password, b->trunk_password);

    if (same || !a->trunk_password[0] || !b->trunk_password[0])
        return same;
    dn_trunk_password(s, a->dn, a->trunk_password, x);
    dn_trunk_password(s, b->dn, b->trunk_password, y);
    same = x[0] && !strcmp(x, y);
    explicit_bzero(x, sizeof(x));
    explicit_bzero(y, sizeof(y));
    return same;
}

/* ---------------------------------------------------------------- rows */

#define DN_SELECT                                                                                            \
    "SELECT dn, name, enabled, codec, ha1_md5, ha1_sha256, created_ms, changed_ms, auto_answer, "            \
    "call_limit, "                                                                                           \
    "trunk_password FROM dn "

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
    d->auto_answer = sqlite3_column_int(st, 8) != 0;
    d->call_limit = (uint32_t)sqlite3_column_int64(st, 9);
    sql_text(st, 10, d->trunk_password, sizeof(d->trunk_password));
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
                    "INSERT INTO dn (dn, name, enabled, codec, ha1_md5, ha1_sha256, created_ms, changed_ms, "
                    "auto_answer, call_limit, trunk_password) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");

    if (err)
        return err;
    sql_bind(st, "ttitttiiiit", d->dn, d->name, (int64_t)d->enabled, dn_codec_name(d->codec), d->ha1_md5,
             d->ha1_sha256, d->created_ms, d->changed_ms, (int64_t)d->auto_answer, (int64_t)d->call_limit,
             d->trunk_password);
    return sql_run(sql, st);
}

int dnrow_update(struct sql *sql, const struct dn *d)
{
    sqlite3_stmt *st;
    int err = sql_prepare(
        sql, &st,
        "UPDATE dn SET name = ?2, enabled = ?3, codec = ?4, ha1_md5 = ?5, ha1_sha256 = ?6, changed_ms = ?7, "
        "auto_answer = ?8, call_limit = ?9, trunk_password = ?10 WHERE dn = ?1");

    if (err)
        return err;
    sql_bind(st, "ttitttiiit", d->dn, d->name, (int64_t)d->enabled, dn_codec_name(d->codec), d->ha1_md5,
             d->ha1_sha256, d->changed_ms, (int64_t)d->auto_answer, (int64_t)d->call_limit,
             d->trunk_password);
    err = sql_run(sql, st);
    return err || sql_changes(sql) ? err : ENOENT;
}

static int delete_of(struct sql *sql, const char *text, const char *dn)
{
    sqlite3_stmt *st;
    int err = sql_prepare(sql, &st, text);

    if (err)
        return err;
    sql_bind(st, "t", dn);
    return sql_run(sql, st);
}

int dnrow_delete(struct sql *sql, const char *dn)
{
    int err = delete_of(sql, "DELETE FROM dn WHERE dn = ?", dn);

    if (!err && !sql_changes(sql))
        err = ENOENT;
    return err ? err : delete_of(sql, "DELETE FROM selftest WHERE dn = ?", dn);
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

int dnrow_changed(struct store_tx *tx, const char *dn, const char *what)
{
    store_tx_notice(tx, STORE_DN, dn);
    return audit_write(tx, "dn %s %s", dn, what);
}

int dn_add(struct store *s, const char *dn, const char *password, const char *name, enum dn_codec codec,
           bool enabled, char *why, size_t whysz)
{
    const struct dn_new d = {
        .dn = dn, .password = password, .name = name, .codec = codec, .enabled = enabled};
    size_t bad;

    return dn_add_all(s, &d, 1, &bad, why, whysz);
}

struct change_arg {
    const struct dn_change *change;
    struct dn hashed; /* the DN's name, and its new passwords */
    const struct store *store;
};

/* What the audit says of it; NULL: it changes nothing. */
static const char *change_apply(struct dn *d, const struct change_arg *a)
{
    const struct dn_change *c = a->change;
    const struct dn was = *d;

    if (c->name)
        snprintf(d->name, sizeof(d->name), "%s", c->name);
    if (c->codec)
        d->codec = *c->codec;
    if (c->auto_answer)
        d->auto_answer = *c->auto_answer;
    if (c->call_limit)
        d->call_limit = *c->call_limit;
    if (c->enabled)
        d->enabled = *c->enabled;
    if (c->password) {
        memcpy(d->ha1_md5, a->hashed.ha1_md5, sizeof(d->ha1_md5));
        memcpy(d->ha1_sha256, a->hashed.ha1_sha256, sizeof(d->ha1_sha256));
    }
    if (c->trunk_password && !dnrow_same_sealed(a->store, d, &a->hashed)) {
        memcpy(d->trunk_password, a->hashed.trunk_password, sizeof(d->trunk_password));
        return c->password ? "changed, its passwords, too" : "changed, its password for SIP Server, too";
    }
    if (strcmp(d->name, was.name) || d->codec != was.codec || d->auto_answer != was.auto_answer ||
        d->call_limit != was.call_limit)
        return c->password ? "changed, its password, too" : "changed";
    if (c->password)
        return "password changed";
    if (d->enabled == was.enabled)
        return NULL;
    return d->enabled ? "enabled" : "disabled";
}

static int change_job(struct store_tx *tx, void *arg)
{
    const struct change_arg *a = arg;
    const char *what;
    struct dn d;
    int err = dnrow_load(tx->sql, a->hashed.dn, &d);

    if (err)
        return err;
    what = change_apply(&d, a);
    if (!what)
        return 0;
    d.changed_ms = tx->now_ms;
    err = dnrow_update(tx->sql, &d);
    return err ? err : dnrow_changed(tx, d.dn, what);
}

static int change_check(const struct dn_change *c, char *why, size_t whysz)
{
    int err = c->name ? dn_check_name(c->name, why, whysz) : 0;

    if (!err && c->password)
        err = dn_check_password(c->password, why, whysz);
    if (!err && c->trunk_password)
        err = dn_check_trunk_password(c->trunk_password, why, whysz);
    return !err && c->call_limit ? dn_check_limit(*c->call_limit, why, whysz) : err;
}

int dn_change(struct store *s, const char *dn, const struct dn_change *change, char *why, size_t whysz)
{
    struct change_arg a = {.change = change, .store = s};
    int err = change_check(change, why, whysz);

    if (err)
        return err;
    if (dn_valid(dn)) {
        snprintf(a.hashed.dn, sizeof(a.hashed.dn), "%s", dn);
        if (change->password)
            dnrow_hash(&a.hashed, change->password);
        if (change->trunk_password)
            err = dnrow_seal(s, &a.hashed, change->trunk_password);
        if (!err)
            err = store_call(s, change_job, &a);
    } else {
        err = ENOENT;
    }
    explicit_bzero(&a.hashed, sizeof(a.hashed));
    if (err)
        snprintf(why, whysz, err == ENOENT ? "there is no DN %s" : "DN %s: %s", dn, store_strerror(err));
    return err;
}

int dn_passwd(struct store *s, const char *dn, const char *password, char *why, size_t whysz)
{
    return dn_change(s, dn, &(struct dn_change){.password = password}, why, whysz);
}

int dn_enable(struct store *s, const char *dn, bool enabled)
{
    char why[128];

    return dn_change(s, dn, &(struct dn_change){.enabled = &enabled}, why, sizeof(why));
}

static int remove_job(struct store_tx *tx, void *arg)
{
    const char *dn = arg;
    int err = dnrow_delete(tx->sql, dn);

    return err ? err : dnrow_changed(tx, dn, "removed");
}

int dn_remove(struct store *s, const char *dn)
{
    char copy[DN_MAX];

    if (!dn_valid(dn))
        return ENOENT;
    snprintf(copy, sizeof(copy), "%s", dn);
    return store_call(s, remove_job, copy);
}

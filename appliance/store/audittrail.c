/*
 *   UPDATE dn … ──► trigger: audit_row('dn', '5001', '{"name":"Ada",…}', '{"name":"Eve",…}', touched) ──► INSERT INTO audit …
 *
 * The triggers are written from what columns a table has, so that a new column is in the audit without anybody thinking of it. A column that
 * may hold a secret is told by its name, and says only "set" or "changed".
 */
#include "store/audittrail.h"
#include "core/buf.h"
#include "core/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { TRIGGER_MAX = 32 * 1024, COLUMNS_MAX = 40 };

static const struct watched {
    const char *table, *key, *noun;
} watched[] = {
    {"dn", "dn", "dn"},
    {"trunk", "name", "trunk"},
    {"user", "name", "user"},
    {"setting", "key", "setting"},
    {"apikey", "name", "apikey"},
    {"api_key", "name", "apikey"},
    {"trace_watch", "dn", "trace"},
};

/* ---------------------------------------------------------------- columns */

/* What part of a name means that the column's value is nobody's business. */
static bool is_secret(const char *column)
{
    static const char *const parts[] = {"ha1",  "pass", "pwhash", "secret",
                                        "hash", "totp", "token",  "recovery"};

    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        if (strstr(column, parts[i]))
            return true;
    return false;
}

/* Moments that each change moves, and figures that nobody set. */
static bool is_moment(const char *column)
{
    static const char *const names[] = {"created_ms", "changed_ms", "seen_ms", "used_ms"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (!strcmp(column, names[i]))
            return true;
    return !strncmp(column, "seen_", 5) || !strncmp(column, "last_", 5);
}

static bool is_flag(const char *column)
{
    static const char *const names[] = {"enabled", "registers", "auto_answer"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (!strcmp(column, names[i]))
            return true;
    return false;
}

/* A password is one thing, in however many columns it is kept. */
static const char *secret_name(const char *column)
{
    if (strstr(column, "sha256"))
        return NULL;
    if (!strncmp(column, "trunk_", 6))
        return column; /* beside the DN's own */
    return strstr(column, "ha1") || strstr(column, "pass") || strstr(column, "pwhash") ? "password" : column;
}

struct columns {
    char name[COLUMNS_MAX][64];
    size_t count;
};

static int columns_load(struct sql *sql, const char *table, struct columns *c)
{
    sqlite3_stmt *st;
    int err = sql_prepare(sql, &st, "SELECT name FROM pragma_table_info(?)");

    c->count = 0;
    if (err)
        return err;
    sql_bind(st, "t", table);
    while (c->count < COLUMNS_MAX && !(err = sql_step(st)))
        sql_text(st, 0, c->name[c->count++], sizeof(c->name[0]));
    sql_done(sql, st);
    return err == ENOENT ? 0 : err;
}

/* ---------------------------------------------------------------- triggers */

enum side { BEFORE_OF_UPDATE, AFTER_OF_UPDATE, ALONE };

static void secret_column(struct buf *b, const char *row, const char *column, enum side side)
{
    if (side == AFTER_OF_UPDATE)
        buf_printf(
            b, ", '%s', iif(coalesce(length(NEW.%s), 0) = 0, '', iif(NEW.%s IS OLD.%s, 'set', 'changed'))",
            secret_name(column), column, column, column);
    else
        buf_printf(b, ", '%s', iif(coalesce(length(%s.%s), 0) = 0, '', 'set')", secret_name(column), row,
                   column);
}

static void json_of(struct buf *b, const struct columns *c, const char *key, const char *row, enum side side)
{
    buf_printf(b, "json_object('%s', %s.%s", key, row, key);
    for (size_t i = 0; i < c->count; i++) {
        const char *name = c->name[i];

        if (is_moment(name) || !strcmp(name, key) || (is_secret(name) && !secret_name(name)))
            continue;
        if (is_secret(name))
            secret_column(b, row, name, side);
        else if (is_flag(name))
            buf_printf(b, ", '%s', json(iif(%s.%s, 'true', 'false'))", name, row, name);
        else
            buf_printf(b, ", '%s', %s.%s", name, row, name);
    }
    buf_puts(b, ")");
}

static void trigger(struct buf *b, const struct watched *w, const struct columns *c, const char *what)
{
    const char *row = !strcmp(what, "INSERT") ? "NEW" : "OLD";
    const bool update = !strcmp(what, "UPDATE");

    buf_printf(b, "CREATE TEMP TRIGGER audit_%s_%s AFTER %s ON main.%s BEGIN SELECT audit_row('%s', %s.%s, ",
               w->table, what, what, w->table, w->noun, row, w->key);
    if (strcmp(what, "INSERT") != 0)
        json_of(b, c, w->key, "OLD", update ? BEFORE_OF_UPDATE : ALONE);
    else
        buf_puts(b, "NULL");
    buf_puts(b, ", ");
    if (strcmp(what, "DELETE") != 0)
        json_of(b, c, w->key, "NEW", update ? AFTER_OF_UPDATE : ALONE);
    else
        buf_puts(b, "NULL");
    buf_puts(b, "); END;");
}

/* ---------------------------------------------------------------- entries */

int audittrail_insert(struct store_tx *tx, const struct audittrail_row *row)
{
    sqlite3_stmt *st;
    int err = sql_prepare(tx->sql, &st,
                          "INSERT INTO audit (time_ms, who, what, via, address, noun, key, before, after, "
                          "reason) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");

    if (err)
        return err;
    sql_bind(st, "itttttt", tx->now_ms, tx->actor->who, row->what, tx->actor->via, tx->actor->address,
             row->noun, row->key);
    sqlite3_bind_text(st, 8, row->before, -1, SQLITE_STATIC);
    sqlite3_bind_text(st, 9, row->after, -1, SQLITE_STATIC);
    sqlite3_bind_text(st, 10, tx->actor->reason, -1, SQLITE_STATIC);
    err = sql_run(tx->sql, st);
    if (!err)
        tx->audit_id = sqlite3_last_insert_rowid(tx->sql->db);
    tx->audited = true;
    return err;
}

/* A secret is not for the database to keep; a row that another version left there may hold one all the same. */
static bool is_secret_setting(const char *noun, const char *key)
{
    const char *dot = strrchr(key, '.');

    return !strcmp(noun, "setting") && dot &&
           (!strcmp(dot, ".password") || !strcmp(dot, ".secret") || !strcmp(dot, ".user"));
}

static void audit_row_fn(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    struct store *s = sqlite3_user_data(ctx);
    struct store_tx *tx = s->tx;
    struct audittrail_row row = {.noun = (const char *)sqlite3_value_text(argv[0]),
                                 .key = (const char *)sqlite3_value_text(argv[1]),
                                 .before = (const char *)sqlite3_value_text(argv[2]),
                                 .after = (const char *)sqlite3_value_text(argv[3])};
    char what[256];

    (void)argc;
    if (!tx || tx->audit_off || !row.noun || !row.key ||
        (row.before && row.after && !strcmp(row.before, row.after)))
        return;
    if (is_secret_setting(row.noun, row.key)) {
        row.before = row.before ? "{\"value\":\"set\"}" : NULL;
        row.after = row.after ? "{\"value\":\"set\"}" : NULL;
    }
    snprintf(what, sizeof(what), "%s %s %s", row.noun, row.key,
             !row.before  ? "added"
             : !row.after ? "removed"
                          : "changed");
    row.what = what;
    tx->audit_rows++;
    if (audittrail_insert(tx, &row))
        sqlite3_result_error_code(ctx, sqlite3_errcode(s->sql.db));
}

/* ---------------------------------------------------------------- */

static int watch(struct store *s, const struct watched *w)
{
    static const char *const whats[] = {"INSERT", "UPDATE", "DELETE"};
    struct columns c;
    struct buf b;
    int err = columns_load(&s->sql, w->table, &c);

    if (err || !c.count)
        return err;
    buf_init(&b, TRIGGER_MAX);
    for (size_t i = 0; i < sizeof(whats) / sizeof(whats[0]); i++)
        trigger(&b, w, &c, whats[i]);
    err = b.err ? b.err : sql_exec(&s->sql, b.data);
    if (err)
        log_error("store", "table=%s error=\"%s\" no audit of its changes", w->table,
                  sqlite3_errmsg(s->sql.db));
    buf_reset(&b);
    return err;
}

int audittrail_start(struct store *s)
{
    int err = sql_errno(
        sqlite3_create_function(s->sql.db, "audit_row", 4, SQLITE_UTF8, s, audit_row_fn, NULL, NULL));

    for (size_t i = 0; i < sizeof(watched) / sizeof(watched[0]) && !err; i++)
        err = watch(s, &watched[i]);
    return err;
}

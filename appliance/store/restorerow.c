/* Rows from one database to another, by the names of their columns: an older database that was migrated may have them in another order. */
#include "store/restorepriv.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { COLUMNS_MAX = 64, SQL_MAX = 4096, LIST_MAX = 1536 };

static int has_column(struct sql *sql, const char *table, const char *name, bool *has)
{
    sqlite3_stmt *st;
    int err = sql_prepare(sql, &st, "SELECT 1 FROM pragma_table_info(?) WHERE name = ?");

    if (err)
        return err;
    sql_bind(st, "tt", table, name);
    err = sql_step(st);
    *has = !err;
    sql_done(sql, st);
    return err == ENOENT ? 0 : err;
}

/* "a", "b", … of a table of our schema, as far as the other has them: a damaged database may be of an older program. */
static int column_list(struct sql *to, struct sql *from, const char *table, const char *without, char *list,
                       size_t sz, int *count)
{
    sqlite3_stmt *st;
    size_t n = 0;
    int err = sql_prepare(to, &st, "SELECT name FROM pragma_table_info(?) WHERE name <> ?");

    if (err)
        return err;
    sql_bind(st, "tt", table, without);
    *count = 0;
    while (!(err = sql_step(st))) {
        const char *name = (const char *)sqlite3_column_text(st, 0);
        bool has;

        err = has_column(from, table, name, &has);
        if (err)
            break;
        if (!has)
            continue;
        n += (size_t)snprintf(list + n, sz - n, "%s\"%s\"", n ? ", " : "", name);
        if (n >= sz || ++*count > COLUMNS_MAX) {
            err = EUCLEAN;
            break;
        }
    }
    sql_done(to, st);
    if (err == ENOENT)
        err = *count ? 0 : EUCLEAN;
    return err;
}

/* The texts differ from call to call: these statements must not stay in the cache, which goes by address. */
static int prepare(struct sql *sql, sqlite3_stmt **stp, const char *text)
{
    return sql_errno(sqlite3_prepare_v2(sql->db, text, -1, stp, NULL));
}

/* Every row of select is bound to insert and run. */
static int copy_rows(sqlite3_stmt *select, sqlite3_stmt *insert)
{
    int err, columns = sqlite3_column_count(select);

    while (!(err = sql_step(select))) {
        for (int i = 0; i < columns; i++)
            sqlite3_bind_value(insert, i + 1, sqlite3_column_value(select, i));
        err = sql_step(insert);
        sqlite3_reset(insert);
        if (err != ENOENT)
            return err;
    }
    return err == ENOENT ? 0 : err;
}

static int copy(struct sql *to, struct sql *from, const char *select_text, const char *insert_text)
{
    sqlite3_stmt *select = NULL, *insert = NULL;
    int err = prepare(from, &select, select_text);

    if (!err)
        err = prepare(to, &insert, insert_text);
    if (!err)
        err = copy_rows(select, insert);
    sqlite3_finalize(select);
    sqlite3_finalize(insert);
    return err;
}

static int copy_table(struct sql *to, struct sql *from, const char *table, const char *conflict)
{
    char list[LIST_MAX], marks[COLUMNS_MAX * 3 + 1] = "?", select[SQL_MAX], insert[SQL_MAX];
    int count, err = column_list(to, from, table, "", list, sizeof(list), &count);

    if (err)
        return err;
    for (int i = 1; i < count; i++)
        memcpy(marks + 3 * i - 2, ", ?", 4);
    snprintf(select, sizeof(select), "SELECT %s FROM %s", list, table);
    snprintf(insert, sizeof(insert), "INSERT INTO %s (%s) VALUES (%s) %s", table, list, marks, conflict);
    return copy(to, from, select, insert);
}

int restore_table(struct sql *to, struct sql *from, const char *table)
{
    char text[128];
    int err;

    snprintf(text, sizeof(text), "DELETE FROM %s", table);
    err = sql_exec(to, text);
    return err ? err : copy_table(to, from, table, "");
}

/* Numbers of entries are the box's own: the same one may stand for two entries. What is in both is told by what every version of the table
 * has; the values of those three stand first, in the order of the selection. */
static int merge_audit(struct sql *to, struct sql *from)
{
    char list[LIST_MAX], marks[COLUMNS_MAX * 5 + 1] = "", select[SQL_MAX], insert[SQL_MAX];
    size_t n = 0;
    int count, err = column_list(to, from, "audit", "id", list, sizeof(list), &count);

    if (err)
        return err;
    for (int i = 0; i < count; i++)
        n += (size_t)snprintf(marks + n, sizeof(marks) - n, "%s?%d", i ? ", " : "", i + 4);
    snprintf(select, sizeof(select), "SELECT time_ms, who, what, %s FROM audit ORDER BY id", list);
    snprintf(insert, sizeof(insert),
             "INSERT INTO audit (%s) SELECT %s WHERE NOT EXISTS "
             "(SELECT 1 FROM audit WHERE time_ms = ?1 AND who = ?2 AND what = ?3)",
             list, marks);
    return copy(to, from, select, insert);
}

/* What helps to understand calls: a database of before has none, and no record is given up for those that a damaged one has lost. More than
 * trace.total go with the next one that is kept. */
static int merge_traces(struct sql *to, struct sql *from)
{
    const int err = copy_table(to, from, "trace", "ON CONFLICT (id) DO NOTHING");

    return err == EUCLEAN ? 0 : err;
}

int restore_merge(struct sql *to, struct sql *from)
{
    int err = copy_table(to, from, "cdr", "ON CONFLICT (id) DO NOTHING");

    if (!err)
        err = merge_audit(to, from);
    return err ? err : merge_traces(to, from);
}

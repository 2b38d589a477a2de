#include "store/setting.h"
#include "store/audit.h"
#include "store/reader.h"
#include "store/writer.h"

#include <errno.h>
#include <string.h>

int setting_each(struct store_reader *r, setting_h *h, void *arg)
{
    sqlite3_stmt *st;
    int err = sql_prepare(&r->sql, &st, "SELECT key, value FROM setting ORDER BY key");

    if (err)
        return err;
    while (!(err = sql_step(st)))
        h((const char *)sqlite3_column_text(st, 0), (const char *)sqlite3_column_text(st, 1), arg);
    sql_done(&r->sql, st);
    return err == ENOENT ? 0 : err;
}

struct setting_arg {
    const char *key, *value;
};

static int put_job(struct store_tx *tx, void *arg)
{
    const struct setting_arg *a = arg;
    sqlite3_stmt *st;
    int err;

    if (a->value)
        err = sql_prepare(tx->sql, &st,
                          "INSERT INTO setting (key, value, changed_ms) VALUES (?1, ?2, ?3) "
                          "ON CONFLICT (key) DO UPDATE SET value = ?2, changed_ms = ?3");
    else
        err = sql_prepare(tx->sql, &st, "DELETE FROM setting WHERE key = ?1");
    if (err)
        return err;
    if (a->value)
        sql_bind(st, "tti", a->key, a->value, tx->now_ms);
    else
        sql_bind(st, "t", a->key);
    err = sql_run(tx->sql, st);
    if (err)
        return err;
    store_tx_notice(tx, STORE_SETTING, a->key);
    /* Without the value: the store does not know which settings are secret. */
    return audit_write(tx, "setting %s %s", a->key, a->value ? "changed" : "back to default");
}

int setting_put(struct store *s, const char *key, const char *value)
{
    struct setting_arg arg = {key, value};

    return store_call(s, put_job, &arg);
}

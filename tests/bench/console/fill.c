/* bench/console/fill: see fill.h. */
#include "fill.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { SQL_MAX = 16384, BUSY_MS = 60000, CHUNK = 20000 };

/* What a record says where it matters; i counts them. Other columns are "" or 0. */
static const char *const columns[][2] = {
    {"id", "printf('%012x-%04x-bench', start, i % 65536)"},
    {"direction", "iif(i % 4, 'inbound', 'outbound')"},
    {"dn", "1000 + i % dns"},
    {"caller", "iif(i % 4, '+4930' || (1000000 + i * 7919 % 8999999), 1000 + i % dns)"},
    {"callee", "iif(i % 4, 1000 + i % dns, '0' || (2000000 + i * 104729 % 7999999))"},
    {"trunk", "'bench'"},
    {"call_uuid", "printf('%032X', i)"},
    {"sip_call_id", "printf('%032x@10.0.0.81', i)"},
    {"start_ms", "start"},
    {"ring_ms", "start + 300"},
    {"answer_ms", "iif(i % 9, start + 4000, 0)"},
    {"end_ms", "start + 4000 + i % 600 * 1000"},
    {"code", "iif(i % 9, 200, 486)"},
    {"reason", "iif(i % 9, 'OK', 'Busy Here')"},
    {"hangup", "iif(i % 2, 'agent', 'trunk')"},
    {"browser_codec", "'opus'"},
    {"browser_packets", "i % 600 * 50"},
    {"browser_mos", "4.4 - i % 17 * 0.1"},
    {"trunk_codec", "'PCMU'"},
    {"trunk_packets", "i % 600 * 50"},
    {"trunk_mos", "4.4 - i % 13 * 0.1"},
    {"rtt_ms", "12.5"},
    {"path", "iif(i % 5, 'direct', 'relay-tls')"},
    {"candidate", "'host'"},
};

static const char *value_of(const char *column, const char *type)
{
    for (size_t i = 0; i < sizeof(columns) / sizeof(*columns); i++)
        if (!strcmp(columns[i][0], column))
            return columns[i][1];
    return strcasecmp(type, "TEXT") ? "0" : "''";
}

/* INSERT INTO cdr (…) SELECT …, of rows ?1 to ?2. */
static int statement(sqlite3 *db, char out[SQL_MAX], unsigned records, unsigned dns)
{
    char names[SQL_MAX / 4] = "", values[SQL_MAX / 2] = "";
    sqlite3_stmt *st;
    int rc = sqlite3_prepare_v2(db, "SELECT name, type FROM pragma_table_info('cdr')", -1, &st, NULL);

    while (rc == SQLITE_OK && sqlite3_step(st) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(st, 0);
        const char *value = value_of(name, (const char *)sqlite3_column_text(st, 1));
        size_t n = strlen(names), m = strlen(values);

        snprintf(names + n, sizeof(names) - n, "%s%s", n ? ", " : "", name);
        snprintf(values + m, sizeof(values) - m, "%s%s", m ? ", " : "", value);
    }
    sqlite3_finalize(st);
    snprintf(out, SQL_MAX,
             "WITH RECURSIVE n(i) AS (SELECT ?1 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?2), "
             "r AS (SELECT i, %u AS dns, "
             "(unixepoch() - 2592000) * 1000 + i * 2592000000 / %u AS start FROM n) "
             "INSERT INTO cdr (%s) SELECT %s FROM r",
             dns, records, names, values);
    return rc;
}

int fill_records(const char *dir, unsigned records, unsigned dns)
{
    char path[512], sql[SQL_MAX];
    sqlite3_stmt *st = NULL;
    sqlite3 *db;
    int rc;

    snprintf(path, sizeof(path), "%s/dngate.db", dir);
    rc = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL);
    sqlite3_busy_timeout(db, BUSY_MS);
    if (rc == SQLITE_OK)
        rc = statement(db, sql, records, dns);
    if (rc == SQLITE_OK)
        rc = sqlite3_prepare_v2(db, sql, -1, &st, NULL);
    for (unsigned i = 0; rc == SQLITE_OK && i < records; i += CHUNK) {
        sqlite3_bind_int64(st, 1, i);
        sqlite3_bind_int64(st, 2, i + CHUNK < records ? i + CHUNK : records);
        rc = sqlite3_step(st);
        rc = rc == SQLITE_DONE ? sqlite3_reset(st) : rc;
    }
    if (rc != SQLITE_OK)
        fprintf(stderr, "bench: records: %s\n", sqlite3_errmsg(db));
    sqlite3_finalize(st);
    sqlite3_close(db);
    return rc == SQLITE_OK ? 0 : -1;
}

/*
 * Import of DNs from CSV: read and check every row on the caller's thread, hash there too, then one transaction that writes
 * all or nothing.
 */
#include "core/table.h"
#include "store/audit.h"
#include "store/csv.h"
#include "store/dnrow.h"
#include "store/reader.h"
#include "store/writer.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { DN_IMPORT_MAX = 50000 }; /* rows; more would hold up the writer for too long */

enum column {
    COLUMN_DN,
    COLUMN_NAME,
    COLUMN_PASSWORD,
    COLUMN_ENABLED,
    COLUMN_CODEC,
    COLUMN_AUTO,
    COLUMN_LIMIT,
    COLUMN_TRUNK,
    COLUMN_COUNT
};
static const char *const column_names[COLUMN_COUNT] = {
    "dn", "name", "password", "enabled", "codec", "auto_answer", "call_limit", "trunk_password"};
#define COLUMNS "dn,name,password,enabled,codec,auto_answer,call_limit,trunk_password"

struct import_row {
    struct dn dn;
    unsigned line;
    bool given[COLUMN_COUNT]; /* what the file says; the rest stays as it is */
    char *wrong;              /* of a trial; NULL = nothing */
};

struct import {
    const struct store *store;
    struct csv csv;
    int column_at[COLUMN_COUNT]; /* position in the file, -1 = not there */
    size_t columns;
    struct import_row *rows;
    size_t count, size;
    struct table *lines; /* dn → its row's line + 1, for doubles */
    bool trial;          /* goes on behind a wrong row */
    struct dn_import_result result;
    char *why;
    size_t whysz;
};

__attribute__((format(printf, 4, 5))) static int import_wrong(struct import *im, unsigned line,
                                                              enum column col, const char *fmt, ...)
{
    va_list ap;
    int n = snprintf(im->why, im->whysz, "line %u: %s: ", line, column_names[col]);

    va_start(ap, fmt);
    if (n > 0 && (size_t)n < im->whysz)
        vsnprintf(im->why + n, im->whysz - (size_t)n, fmt, ap);
    va_end(ap);
    return EINVAL;
}

static int import_header(struct import *im)
{
    int err = csv_next(&im->csv, im->why, im->whysz);

    if (err == ENOENT)
        snprintf(im->why, im->whysz, "line 1: empty; the first line names the columns: " COLUMNS);
    if (err)
        return EINVAL;
    for (int c = 0; c < COLUMN_COUNT; c++)
        im->column_at[c] = -1;
    im->columns = im->csv.count;
    for (size_t i = 0; i < im->columns; i++) {
        int c = 0;

        while (c < COLUMN_COUNT && strcasecmp(im->csv.fields[i], column_names[c]))
            c++;
        if (c == COLUMN_COUNT || im->column_at[c] >= 0) {
            snprintf(im->why, im->whysz, "line 1: %.64s: %s; columns are " COLUMNS, im->csv.fields[i],
                     c == COLUMN_COUNT ? "unknown column" : "twice");
            return EINVAL;
        }
        im->column_at[c] = (int)i;
    }
    return im->column_at[COLUMN_DN] < 0 ? import_wrong(im, im->csv.line, COLUMN_DN, "this column is needed")
                                        : 0;
}

static int yes_decode(bool *on, const char *s)
{
    static const char *const words[] = {"yes", "true", "on", "1", "no", "false", "off", "0"};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (!strcasecmp(s, words[i])) {
            *on = i < 4;
            return 0;
        }
    }
    return EINVAL;
}

static int limit_decode(uint32_t *limit, const char *s)
{
    char *end;
    const unsigned long n = strtoul(s, &end, 10);

    if (s[0] < '0' || s[0] > '9' || *end || n > DN_CALL_LIMIT_MAX)
        return EINVAL;
    *limit = (uint32_t)n;
    return 0;
}

/* An empty name is a name; any other empty field means "as it is". */
static const char *import_field(const struct import *im, struct import_row *row, enum column col)
{
    const char *s = im->column_at[col] < 0 ? "" : im->csv.fields[im->column_at[col]];

    row->given[col] = im->column_at[col] >= 0 && (s[0] || col == COLUMN_NAME);
    return s;
}

static int import_decode(struct import *im, struct import_row *row)
{
    const char *dn = import_field(im, row, COLUMN_DN), *name = import_field(im, row, COLUMN_NAME);
    const char *password = import_field(im, row, COLUMN_PASSWORD);
    const char *enabled = import_field(im, row, COLUMN_ENABLED), *codec = import_field(im, row, COLUMN_CODEC);
    const char *by_itself = import_field(im, row, COLUMN_AUTO), *limit = import_field(im, row, COLUMN_LIMIT);
    const char *trunk_password = import_field(im, row, COLUMN_TRUNK);
    unsigned line = row->line = im->csv.line;
    char wrong[128];

    row->dn.enabled = true;
    if (im->csv.count != im->columns) {
        snprintf(im->why, im->whysz, "line %u: %zu fields, the first line names %zu columns", line,
                 im->csv.count, im->columns);
        return EINVAL;
    }
    if (!dn_valid(dn))
        return import_wrong(im, line, COLUMN_DN, "1 to %d letters, digits or . _ + * # -", DN_MAX - 1);
    snprintf(row->dn.dn, sizeof(row->dn.dn), "%s", dn);
    if (dn_check_name(name, wrong, sizeof(wrong)))
        return import_wrong(im, line, COLUMN_NAME, "%s", wrong);
    if (row->given[COLUMN_PASSWORD] && dn_check_password(password, wrong, sizeof(wrong)))
        return import_wrong(im, line, COLUMN_PASSWORD, "%s", wrong);
    if (row->given[COLUMN_ENABLED] && yes_decode(&row->dn.enabled, enabled))
        return import_wrong(im, line, COLUMN_ENABLED, "yes or no");
    if (row->given[COLUMN_CODEC] && dn_codec_decode(&row->dn.codec, codec))
        return import_wrong(im, line, COLUMN_CODEC, "auto, opus, pcmu or pcma");
    if (row->given[COLUMN_AUTO] && yes_decode(&row->dn.auto_answer, by_itself))
        return import_wrong(im, line, COLUMN_AUTO, "yes or no");
    if (row->given[COLUMN_LIMIT] && limit_decode(&row->dn.call_limit, limit))
        return import_wrong(im, line, COLUMN_LIMIT, "0 to %d; 0: as call.limit_per_dn says",
                            DN_CALL_LIMIT_MAX);
    if (dn_check_trunk_password(trunk_password, wrong, sizeof(wrong)))
        return import_wrong(im, line, COLUMN_TRUNK, "%s", wrong);
    snprintf(row->dn.name, sizeof(row->dn.name), "%s", name);
    if (row->given[COLUMN_PASSWORD])
        dnrow_hash(&row->dn, password);
    return dnrow_seal(im->store, &row->dn, trunk_password);
}

static int import_grow(struct import *im)
{
    size_t size = im->size ? im->size * 2 : 64;
    struct import_row *rows;

    if (im->count < im->size)
        return 0;
    rows = realloc(im->rows, size * sizeof(*rows));
    if (!rows)
        return ENOMEM;
    im->rows = rows;
    im->size = size;
    return 0;
}

/* A row before its fields are filled in: columns that the file lacks are missing in im->csv.fields, too. */
static int import_row(struct import *im)
{
    struct import_row *row;
    uintptr_t earlier;
    int err;

    if (im->count == DN_IMPORT_MAX)
        return import_wrong(im, im->csv.line, COLUMN_DN, "more than %d rows; split the file", DN_IMPORT_MAX);
    for (size_t i = im->csv.count; i < CSV_FIELDS_MAX; i++)
        im->csv.fields[i] = "";
    err = import_grow(im);
    if (err)
        return err;
    row = &im->rows[im->count];
    memset(row, 0, sizeof(*row));
    err = import_decode(im, row);
    if (err)
        return err;
    earlier = (uintptr_t)table_get(im->lines, row->dn.dn, strlen(row->dn.dn));
    if (earlier)
        return import_wrong(im, row->line, COLUMN_DN, "%s stands in line %u already", row->dn.dn,
                            (unsigned)earlier);
    err = table_put(im->lines, row->dn.dn, strlen(row->dn.dn), (void *)(uintptr_t)row->line);
    if (!err)
        im->count++;
    return err;
}

/* Keeps the row that `why` is about. read: its fields could be told apart, and it stands behind the last one. */
static int import_note(struct import *im, bool read)
{
    const char *detail = strstr(im->why, ": "); /* behind "line 3" */
    struct import_row *row;
    int err = import_grow(im);

    if (err)
        return err;
    row = &im->rows[im->count];
    if (!read)
        memset(row, 0, sizeof(*row));
    row->line = im->csv.line;
    row->wrong = strdup(detail ? detail + 2 : im->why);
    if (!row->wrong)
        return ENOMEM;
    im->count++;
    return read && im->count < DN_IMPORT_MAX ? 0 : ENOENT;
}

static int import_read(struct import *im)
{
    int err = import_header(im);

    while (!err) {
        bool read;

        err = csv_next(&im->csv, im->why, im->whysz);
        read = !err;
        if (read)
            err = import_row(im);
        if (err == EINVAL && im->trial)
            err = import_note(im, read);
    }
    return err == ENOENT ? 0 : err;
}

/* Puts what the file says over what is stored. */
static void import_merge(const struct store *s, struct dn *d, const struct import_row *row)
{
    if (row->given[COLUMN_NAME])
        memcpy(d->name, row->dn.name, sizeof(d->name));
    if (row->given[COLUMN_ENABLED])
        d->enabled = row->dn.enabled;
    if (row->given[COLUMN_CODEC])
        d->codec = row->dn.codec;
    if (row->given[COLUMN_AUTO])
        d->auto_answer = row->dn.auto_answer;
    if (row->given[COLUMN_LIMIT])
        d->call_limit = row->dn.call_limit;
    if (row->given[COLUMN_PASSWORD]) {
        memcpy(d->ha1_md5, row->dn.ha1_md5, sizeof(d->ha1_md5));
        memcpy(d->ha1_sha256, row->dn.ha1_sha256, sizeof(d->ha1_sha256));
    }
    if (row->given[COLUMN_TRUNK] && !dnrow_same_sealed(s, d, &row->dn))
        memcpy(d->trunk_password, row->dn.trunk_password, sizeof(d->trunk_password));
}

static bool dn_same(const struct dn *a, const struct dn *b)
{
    return !strcmp(a->name, b->name) && a->enabled == b->enabled && a->codec == b->codec &&
           a->auto_answer == b->auto_answer && a->call_limit == b->call_limit &&
           !strcmp(a->ha1_md5, b->ha1_md5) && !strcmp(a->ha1_sha256, b->ha1_sha256) &&
           !strcmp(a->trunk_password, b->trunk_password);
}

/* What the row makes of what is stored; d is then the DN as it will be. */
static int import_plan(struct import *im, struct sql *sql, const struct import_row *row, struct dn *old,
                       struct dn *d, enum dn_import_what *what)
{
    int err = dnrow_load(sql, row->dn.dn, old);

    if (err == ENOENT) {
        *what = DN_IMPORT_ADDED;
        *d = row->dn;
        return row->given[COLUMN_PASSWORD]
                   ? 0
                   : import_wrong(im, row->line, COLUMN_PASSWORD, "needed, because DN %s is new", row->dn.dn);
    }
    if (err)
        return err;
    *d = *old;
    import_merge(im->store, d, row);
    *what = dn_same(old, d) ? DN_IMPORT_UNCHANGED : DN_IMPORT_CHANGED;
    return 0;
}

static void import_count(struct dn_import_result *res, enum dn_import_what what)
{
    res->added += what == DN_IMPORT_ADDED;
    res->changed += what == DN_IMPORT_CHANGED;
    res->unchanged += what == DN_IMPORT_UNCHANGED;
    res->wrong += what == DN_IMPORT_WRONG;
}

static int import_write(struct import *im, struct store_tx *tx, const struct import_row *row)
{
    enum dn_import_what what;
    struct dn old, d;
    int err = import_plan(im, tx->sql, row, &old, &d, &what);

    if (err)
        return err;
    import_count(&im->result, what);
    if (what == DN_IMPORT_UNCHANGED)
        return 0;
    d.changed_ms = tx->now_ms;
    if (what == DN_IMPORT_ADDED)
        d.created_ms = tx->now_ms;
    err = what == DN_IMPORT_ADDED ? dnrow_insert(tx->sql, &d) : dnrow_update(tx->sql, &d);
    if (!err)
        store_tx_notice(tx, STORE_DN, row->dn.dn);
    return err;
}

static int import_job(struct store_tx *tx, void *arg)
{
    struct import *im = arg;
    int err = 0;

    im->result = (struct dn_import_result){0};
    for (size_t i = 0; i < im->count && !err; i++)
        err = import_write(im, tx, &im->rows[i]);
    if (err || !(im->result.added + im->result.changed))
        return err;
    return audit_write(tx, "dn import: %u added, %u changed", im->result.added, im->result.changed);
}

static void import_free(struct import *im)
{
    if (!im)
        return;
    for (size_t i = 0; i < im->count; i++)
        free(im->rows[i].wrong);
    table_free(im->lines);
    free(im->rows);
    free(im);
}

/* Reads the whole file. *imp is the caller's to free in any case. */
static int import_alloc(struct import **imp, const struct store *s, const char *csv, size_t len, bool trial,
                        char *why, size_t whysz)
{
    struct import *im = *imp = calloc(1, sizeof(*im));
    int err;

    *why = '\0';
    if (!im)
        return ENOMEM;
    im->why = why;
    im->whysz = whysz;
    im->store = s;
    im->trial = trial;
    csv_init(&im->csv, csv, len);
    err = table_alloc(&im->lines, DN_IMPORT_MAX);
    return err ? err : import_read(im);
}

static int import_end(struct import *im, int err, struct dn_import_result *res, char *why, size_t whysz)
{
    if (!err)
        *res = im->result;
    else if (!*why)
        snprintf(why, whysz, "%s", store_strerror(err));
    import_free(im);
    return err;
}

int dn_import_csv(struct store *s, const char *csv, size_t len, struct dn_import_result *res, char *why,
                  size_t whysz)
{
    struct import *im;
    int err = import_alloc(&im, s, csv, len, false, why, whysz);

    if (!err)
        err = store_call(s, import_job, im);
    return import_end(im, err, res, why, whysz);
}

/* "name, password": what differs. */
static const char *differences(const struct dn *a, const struct dn *b, char *text, size_t sz)
{
    const bool differs[COLUMN_COUNT] = {
        [COLUMN_NAME] = strcmp(a->name, b->name) != 0,
        [COLUMN_PASSWORD] = strcmp(a->ha1_sha256, b->ha1_sha256) != 0,
        [COLUMN_ENABLED] = a->enabled != b->enabled,
        [COLUMN_CODEC] = a->codec != b->codec,
        [COLUMN_AUTO] = a->auto_answer != b->auto_answer,
        [COLUMN_LIMIT] = a->call_limit != b->call_limit,
        [COLUMN_TRUNK] = strcmp(a->trunk_password, b->trunk_password) != 0,
    };
    size_t used = 0;

    for (int c = 0; c < COLUMN_COUNT && used < sz; c++)
        if (differs[c])
            used += (size_t)snprintf(text + used, sz - used, "%s%s", used ? ", " : "", column_names[c]);
    return text;
}

static int import_tell(struct import *im, struct sql *sql, const struct import_row *row, dn_import_h *h,
                       void *arg)
{
    struct dn_import_row told = {
        .line = row->line, .dn = row->dn.dn, .what = DN_IMPORT_WRONG, .detail = row->wrong};
    char text[128] = "";
    struct dn old, d;
    int err = row->wrong ? 0 : import_plan(im, sql, row, &old, &d, &told.what);

    if (err == EINVAL) {
        told.what = DN_IMPORT_WRONG;
        told.detail = strstr(im->why, ": ") + 2; /* behind "line 3" */
    } else if (err) {
        return err;
    } else if (!row->wrong) {
        told.before = told.what == DN_IMPORT_ADDED ? NULL : &old;
        told.after = &d;
        told.detail = told.what == DN_IMPORT_CHANGED ? differences(&old, &d, text, sizeof(text)) : "";
    }
    import_count(&im->result, told.what);
    h(&told, arg);
    return 0;
}

int dn_import_try(struct store_reader *r, const char *csv, size_t len, dn_import_h *h, void *arg,
                  struct dn_import_result *res, char *why, size_t whysz)
{
    struct import *im;
    int err = import_alloc(&im, r->store, csv, len, true, why, whysz);

    for (size_t i = 0; !err && i < im->count; i++)
        err = import_tell(im, &r->sql, &im->rows[i], h, arg);
    return import_end(im, err, res, why, whysz);
}

/*
 * Finding call records. Ids sort by time, so that a walk down the ids is one down the time, and ends with the last row that is wanted. What
 * only a look at each row can tell (a part of a number, how long they talked) is looked for in pieces of PIECE rows, so that whoever
 * must not wait can stop between two of them. Sums are read from the index cdr_figures, a day at a time.
 */
#include "store/cdr.h"
#include "core/buf.h"
#include "core/clock.h"
#include "store/cdrrow.h"
#include "store/reader.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { CDR_LIMIT_DEFAULT = 100, PIECE = 4000, BINDS_MAX = 32, QUERY_MAX = 4096, DAY_MS = 86400000 };

static const char after_all_ids[] = "\x7f";

struct query { /* SQL as it grows, and what its question marks stand for */
    struct buf sql;
    struct bind {
        enum { BIND_TEXT, BIND_INT, BIND_REAL } type;
        const char *text;
        int64_t n;
        double real;
    } v[BINDS_MAX];
    size_t count;
    char like_number[512], like_text[512], least_id[24];
};

static void bind_add(struct query *q, const struct bind *b)
{
    if (q->count < BINDS_MAX)
        q->v[q->count++] = *b;
    else
        q->sql.err = ENOSPC;
}

static void with_text(struct query *q, const char *condition, const char *text)
{
    if (!text)
        return;
    buf_puts(&q->sql, condition);
    bind_add(q, &(struct bind){.type = BIND_TEXT, .text = text});
}

static void with_int(struct query *q, const char *condition, int64_t n)
{
    if (!n)
        return;
    buf_puts(&q->sql, condition);
    bind_add(q, &(struct bind){.type = BIND_INT, .n = n});
}

static int query_prepare(struct sql *sql, struct query *q, sqlite3_stmt **st)
{
    int err = q->sql.err;

    if (!err)
        err = sql_errno(sqlite3_prepare_v3(sql->db, q->sql.data, (int)q->sql.len, 0, st, NULL));
    for (size_t i = 0; i < q->count && !err; i++) {
        const struct bind *b = &q->v[i];

        if (b->type == BIND_TEXT)
            sqlite3_bind_text(*st, (int)i + 1, b->text, -1, SQLITE_STATIC);
        else if (b->type == BIND_INT)
            sqlite3_bind_int64(*st, (int)i + 1, b->n);
        else
            sqlite3_bind_double(*st, (int)i + 1, b->real);
    }
    return err;
}

/* ---------------------------------------------------------------- what is wanted, in SQL */

#define TALKED "(CASE WHEN answer_ms <> 0 AND end_ms > answer_ms THEN end_ms - answer_ms ELSE 0 END)"
#define RANG                                                                                                 \
    "(CASE WHEN ring_ms = 0 THEN 0 WHEN answer_ms <> 0 THEN answer_ms - ring_ms ELSE end_ms - ring_ms END)"
/* Of the side that was heard worse; 0: of neither is it known. */
#define WORSE_MOS                                                                                            \
    "(CASE WHEN browser_mos > 0 AND (trunk_mos <= 0 OR browser_mos < trunk_mos) THEN browser_mos "           \
    "ELSE max(trunk_mos, 0) END)"

/* LIKE's pattern for "has this in it". */
static const char *like(char *out, size_t sz, const char *part)
{
    size_t n = 0;

    if (!part)
        return NULL;
    out[n++] = '%';
    for (; *part && n + 4 < sz; part++) {
        if (strchr("%_\\", *part))
            out[n++] = '\\';
        out[n++] = *part;
    }
    out[n++] = '%';
    out[n] = '\0';
    return out;
}

static void with_part(struct query *q, const char *pattern, const char *const columns[], size_t count)
{
    if (!pattern)
        return;
    for (size_t i = 0; i < count; i++) {
        buf_printf(&q->sql, "%s%s LIKE ? ESCAPE '\\'", i ? " OR " : " AND (", columns[i]);
        bind_add(q, &(struct bind){.type = BIND_TEXT, .text = pattern});
    }
    buf_puts(&q->sql, ")");
}

static void with_path(struct query *q, const char *path)
{
    if (!path)
        return;
    if (!strcmp(path, CDR_PATH_ANY_RELAY))
        buf_puts(&q->sql, " AND path GLOB '" CDR_PATH_ANY_RELAY "-*'");
    else
        with_text(q, " AND path = ?", strcmp(path, CDR_PATH_NO_NAME) ? path : "");
}

/* +start_ms: no index on it shall be chosen to walk by. */
static void with_filter(struct query *q, const struct cdr_filter *f)
{
    static const char *const numbers[] = {"caller", "callee"};
    static const char *const texts[] = {"id",     "dn",   "caller",     "callee",    "caller_name", "trunk",
                                        "reason", "path", "remote_ice", "call_uuid", "sip_call_id"};

    with_text(q, " AND dn = ?", f->dn);
    with_text(q, " AND direction = ?", f->direction);
    with_text(q, " AND trunk = ?", f->trunk);
    with_path(q, f->path);
    with_text(q, " AND " CDRROW_RESULT " = ?", f->result);
    with_int(q, " AND " TALKED " >= ?", f->min_ms);
    with_int(q, " AND " TALKED " <= ?", f->max_ms);
    with_int(q, " AND " RANG " >= ?", f->min_ring_ms);
    if (f->max_mos > 0) {
        buf_puts(&q->sql, " AND " WORSE_MOS " > 0 AND " WORSE_MOS " <= ?");
        bind_add(q, &(struct bind){.type = BIND_REAL, .real = f->max_mos});
    }
    with_part(q, like(q->like_number, sizeof(q->like_number), f->number), numbers, 2);
    with_part(q, like(q->like_text, sizeof(q->like_text), f->text), texts, sizeof(texts) / sizeof(texts[0]));
}

/* Only a look at each row tells whether it is wanted, and there may be few of them. */
static bool is_search(const struct cdr_filter *f)
{
    return f->number || f->text || f->direction || f->result || f->path || f->trunk || f->min_ms ||
           f->max_ms || f->min_ring_ms || f->max_mos > 0;
}

/* ---------------------------------------------------------------- a walk down the ids */

/* low: the least id that is looked at; "" = any. */
static int walk(struct store_reader *r, const struct cdr_filter *f, const char *before, const char *low,
                size_t limit, cdr_h *h, void *arg)
{
    struct query q = {.count = 0};
    sqlite3_stmt *st = NULL;
    struct cdr c;
    int err;

    buf_init(&q.sql, QUERY_MAX);
    buf_puts(&q.sql, cdrrow_select);
    buf_puts(&q.sql, "1");
    with_text(&q, " AND id < ?", before);
    if (f->from_ms > 0)
        snprintf(q.least_id, sizeof(q.least_id), CDR_ID_TIME, (unsigned long long)f->from_ms);
    with_text(&q, " AND id >= ?", strcmp(low, q.least_id) > 0 ? low : q.least_id);
    with_int(&q, " AND +start_ms >= ?", f->from_ms);
    with_int(&q, " AND +start_ms < ?", f->to_ms);
    with_filter(&q, f);
    buf_puts(&q.sql, " ORDER BY id DESC");
    with_int(&q, " LIMIT ?", (int64_t)limit);
    err = query_prepare(&r->sql, &q, &st);
    while (!err && !(err = sql_step(st))) {
        cdrrow_read(st, &c);
        if (h(&c, arg))
            break;
    }
    sqlite3_finalize(st);
    buf_reset(&q.sql);
    return err == ENOENT ? 0 : err;
}

/* The id in the first row. */
static int first_id(struct store_reader *r, sqlite3_stmt *st, char out[40])
{
    const int err = sql_step(st);

    if (!err)
        sql_text(st, 0, out, 40);
    sql_done(&r->sql, st);
    return err;
}

/* The greatest id that is wanted is below *before. */
static int walk_from(struct store_reader *r, const struct cdr_filter *f, char before[48])
{
    sqlite3_stmt *st;
    char last[40];
    int err;

    snprintf(before, 48, "%s", f->before_id ? f->before_id : after_all_ids);
    if (f->to_ms <= 0)
        return 0;
    err = sql_prepare(&r->sql, &st,
                      "SELECT id FROM cdr WHERE start_ms < ? ORDER BY start_ms DESC, id DESC LIMIT 1");
    if (err)
        return err;
    sql_bind(st, "i", f->to_ms);
    err = first_id(r, st, last);
    if (err)
        return err;
    if (strcmp(last, before) < 0)
        snprintf(before, 48, "%s\x01", last); /* the one itself is wanted */
    return 0;
}

int cdr_each(struct store_reader *r, const struct cdr_filter *f, cdr_h *h, void *arg)
{
    char before[48];
    const int err = walk_from(r, f, before);

    if (err)
        return err == ENOENT ? 0 : err;
    return walk(r, f, before, "", f->limit ? f->limit : CDR_LIMIT_DEFAULT, h, arg);
}

struct paging {
    cdr_h *h;
    void *arg;
    size_t left;
    bool done;
    char last[40];
};

static bool paging_h(const struct cdr *c, void *arg)
{
    struct paging *p = arg;

    snprintf(p->last, sizeof(p->last), "%s", c->id);
    p->left--;
    p->done = p->h(c, p->arg);
    return p->done;
}

static int piece(struct store_reader *r, const struct cdr_filter *f, const char *before, char low[40],
                 struct paging *p)
{
    sqlite3_stmt *st;
    int err = 0;

    low[0] = '\0';
    if (is_search(f) && !f->dn) { /* an agent's calls are not so many */
        err = sql_prepare(&r->sql, &st, "SELECT id FROM cdr WHERE id < ? ORDER BY id DESC LIMIT 1 OFFSET ?");
        if (err)
            return err;
        sql_bind(st, "ti", before, (int64_t)PIECE - 1);
        err = first_id(r, st, low);
    }
    if (err && err != ENOENT)
        return err;
    return walk(r, f, before, low, p->left, paging_h, p);
}

int cdr_page(struct store_reader *r, const struct cdr_filter *f, unsigned patience_ms, cdr_h *h, void *arg,
             char next[40])
{
    const uint64_t end_ms = clock_ms() + patience_ms;
    struct paging p = {.h = h, .arg = arg, .left = f->limit ? f->limit : CDR_LIMIT_DEFAULT};
    char before[48], low[40], least[24] = "";
    int err = walk_from(r, f, before);

    next[0] = '\0';
    if (err)
        return err == ENOENT ? 0 : err;
    if (f->from_ms > 0)
        snprintf(least, sizeof(least), CDR_ID_TIME, (unsigned long long)f->from_ms);
    for (;;) {
        err = piece(r, f, before, low, &p);
        if (err || p.done || !p.left) {
            snprintf(next, 40, "%s", err ? "" : p.last);
            return err;
        }
        if (!low[0] || strcmp(low, least) <= 0)
            return 0;
        snprintf(before, sizeof(before), "%s", low);
        if (clock_ms() < end_ms)
            continue;
        snprintf(next, 40, "%s", low);
        return 0;
    }
}

/* ---------------------------------------------------------------- sums */

static const char sum_columns[] = "SELECT count(*), total(answer_ms <> 0), total(direction = 'inbound'), "
                                  "total(direction = 'inbound' AND answer_ms = 0 AND code = 487), "
                                  "total(answer_ms = 0 AND code BETWEEN 500 AND 599), total(" TALKED
                                  "), total(" WORSE_MOS "), total(" WORSE_MOS " > 0) FROM cdr ";

struct mos_sum {
    double sum, count;
};

static int sum_span(struct store_reader *r, const struct cdr_filter *f, int64_t from_ms, int64_t to_ms,
                    struct cdr_sum *s, struct mos_sum *mos)
{
    struct query q = {.count = 0};
    sqlite3_stmt *st = NULL;
    int err;

    buf_init(&q.sql, QUERY_MAX);
    buf_puts(&q.sql, sum_columns);
    /* by the span, unless an agent's own calls are fewer: who wrote the schema knows that better than the planner */
    buf_puts(&q.sql, f->dn ? "INDEXED BY cdr_dn WHERE 1" : "INDEXED BY cdr_figures WHERE 1");
    with_int(&q, " AND start_ms >= ?", from_ms);
    with_int(&q, " AND start_ms < ?", to_ms);
    with_filter(&q, f);
    err = query_prepare(&r->sql, &q, &st);
    if (!err)
        err = sql_step(st);
    if (!err) {
        s->calls += sqlite3_column_int64(st, 0);
        s->answered += sqlite3_column_int64(st, 1);
        s->inbound += sqlite3_column_int64(st, 2);
        s->abandoned += sqlite3_column_int64(st, 3);
        s->failed += sqlite3_column_int64(st, 4);
        s->talk_ms += sqlite3_column_int64(st, 5);
        mos->sum += sqlite3_column_double(st, 6);
        mos->count += sqlite3_column_double(st, 7);
    }
    sqlite3_finalize(st);
    buf_reset(&q.sql);
    return err;
}

/* The times of the oldest and of the newest record. */
static int bounds(struct store_reader *r, int64_t *first_ms, int64_t *last_ms)
{
    int err = sql_number(&r->sql, "SELECT coalesce(min(start_ms), 0) FROM cdr", first_ms);

    return err ? err : sql_number(&r->sql, "SELECT coalesce(max(start_ms), 0) FROM cdr", last_ms);
}

static int sum_days(struct store_reader *r, const struct cdr_filter *f, uint64_t end_ms, struct cdr_sum *s,
                    struct mos_sum *mos)
{
    int64_t first_ms, last_ms, to_ms, from_ms;
    int err = bounds(r, &first_ms, &last_ms);

    if (err)
        return err;
    if (first_ms < f->from_ms)
        first_ms = f->from_ms;
    to_ms = f->to_ms && f->to_ms <= last_ms ? f->to_ms : last_ms + 1;
    for (; to_ms > first_ms && !err; to_ms = from_ms) {
        if (clock_ms() >= end_ms) {
            s->since_ms = to_ms;
            return 0;
        }
        from_ms = to_ms - first_ms > DAY_MS ? to_ms - DAY_MS : first_ms;
        err = sum_span(r, f, from_ms, to_ms, s, mos);
    }
    return err;
}

int cdr_sum(struct store_reader *r, const struct cdr_filter *f, unsigned patience_ms, struct cdr_sum *out)
{
    struct mos_sum mos = {0, 0};
    int err;

    *out = (struct cdr_sum){0};
    if (f->dn)
        err = sum_span(r, f, f->from_ms, f->to_ms, out, &mos);
    else
        err = sum_days(r, f, clock_ms() + patience_ms, out, &mos);
    out->outbound = out->calls - out->inbound;
    out->mos = mos.count > 0 ? mos.sum / mos.count : 0;
    return err;
}

#include "store/cdrrow.h"
#include "core/buf.h"
#include "core/json.h"

#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum field_type { FIELD_TEXT, FIELD_INT, FIELD_REAL, FIELD_DIRECTION, FIELD_PARTY, FIELD_PATH };

/* All fields but the id, which comes first. */
#define CDR_FIELDS(X)                                                                                        \
    X("direction", FIELD_DIRECTION, direction)                                                               \
    X("dn", FIELD_TEXT, dn)                                                                                  \
    X("caller", FIELD_TEXT, caller)                                                                          \
    X("callee", FIELD_TEXT, callee)                                                                          \
    X("caller_name", FIELD_TEXT, caller_name)                                                                \
    X("trunk", FIELD_TEXT, trunk)                                                                            \
    X("call_uuid", FIELD_TEXT, call_uuid)                                                                    \
    X("sip_call_id", FIELD_TEXT, sip_call_id)                                                                \
    X("start_ms", FIELD_INT, start_ms)                                                                       \
    X("ring_ms", FIELD_INT, ring_ms)                                                                         \
    X("answer_ms", FIELD_INT, answer_ms)                                                                     \
    X("end_ms", FIELD_INT, end_ms)                                                                           \
    X("code", FIELD_INT, code)                                                                               \
    X("reason", FIELD_TEXT, reason)                                                                          \
    X("hangup", FIELD_PARTY, hangup)                                                                         \
    X("browser_codec", FIELD_TEXT, from_browser.codec)                                                       \
    X("browser_packets", FIELD_INT, from_browser.packets)                                                    \
    X("browser_bytes", FIELD_INT, from_browser.bytes)                                                        \
    X("browser_lost", FIELD_INT, from_browser.lost)                                                          \
    X("browser_jitter_ms", FIELD_REAL, from_browser.jitter_ms)                                               \
    X("browser_mos", FIELD_REAL, from_browser.mos)                                                           \
    X("trunk_codec", FIELD_TEXT, from_trunk.codec)                                                           \
    X("trunk_packets", FIELD_INT, from_trunk.packets)                                                        \
    X("trunk_bytes", FIELD_INT, from_trunk.bytes)                                                            \
    X("trunk_lost", FIELD_INT, from_trunk.lost)                                                              \
    X("trunk_jitter_ms", FIELD_REAL, from_trunk.jitter_ms)                                                   \
    X("trunk_mos", FIELD_REAL, from_trunk.mos)                                                               \
    X("remote_ice", FIELD_TEXT, remote_ice)                                                                  \
    X("rtt_ms", FIELD_REAL, rtt_ms)                                                                          \
    CDR_FIELDS_ADDED(X)

/* Later than the first version's: lines that an older program left have none of them. */
#define CDR_FIELDS_ADDED(X)                                                                                  \
    X("path", FIELD_PATH, path)                                                                              \
    X("path_changes", FIELD_INT, path_changes)                                                               \
    X("candidate", FIELD_TEXT, candidate)

struct field {
    const char *name;
    enum field_type type;
    size_t offset, size;
};

#define FIELD_ROW(name_, type_, member)                                                                      \
    {name_, type_, offsetof(struct cdr, member), sizeof(((struct cdr *)0)->member)},
#define FIELD_COLUMN(name_, type_, member) ", " name_
#define FIELD_MARK(name_, type_, member) ", ?"
#define FIELD_ONE(name_, type_, member) +1

static const struct field fields[] = {FIELD_ROW("id", FIELD_TEXT, id) CDR_FIELDS(FIELD_ROW)};
enum {
    FIELD_COUNT = sizeof(fields) / sizeof(fields[0]),
    FIELDS_FIRST = FIELD_COUNT - (0 CDR_FIELDS_ADDED(FIELD_ONE))
};

static const char insert_sql[] = "INSERT INTO cdr (id" CDR_FIELDS(FIELD_COLUMN) ") VALUES (?" CDR_FIELDS(
    FIELD_MARK) ") "
                "ON CONFLICT (id) DO NOTHING";

static const char *const directions[] = {[CDR_OUTBOUND] = "outbound", [CDR_INBOUND] = "inbound"};
static const char *const parties[] = {
    [CDR_NOBODY] = "", [CDR_AGENT] = "agent", [CDR_TRUNK] = "trunk", [CDR_GATEWAY] = "gateway"};
static const char *const paths[CDR_PATHS] = {[CDR_PATH_NONE] = "",
                                             [CDR_PATH_DIRECT] = "direct",
                                             [CDR_PATH_RELAY_UDP] = "relay-udp",
                                             [CDR_PATH_RELAY_TCP] = "relay-tcp",
                                             [CDR_PATH_RELAY_TLS] = "relay-tls",
                                             [CDR_PATH_RELAY_OTHER] = "relay-other"};
enum {
    DIRECTION_COUNT = sizeof(directions) / sizeof(directions[0]),
    PARTY_COUNT = sizeof(parties) / sizeof(parties[0])
};

#define SELECT_FROM "SELECT id" CDR_FIELDS(FIELD_COLUMN) " FROM cdr WHERE "
const char cdrrow_select[] = SELECT_FROM;

const char *cdrrow_select_one(void)
{
    return SELECT_FROM "id = ?1";
}

const char *cdr_result_name(enum cdr_result r)
{
    static const char *const names[CDR_RESULTS] = {
        [CDR_ANSWERED] = "answered",   [CDR_BUSY] = "busy",       [CDR_NO_ANSWER] = "no_answer",
        [CDR_CANCELLED] = "cancelled", [CDR_REFUSED] = "refused", [CDR_FAILED] = "failed"};

    return names[(unsigned)r % CDR_RESULTS];
}

enum cdr_result cdr_result(const struct cdr *c)
{
    if (c->answer_ms)
        return CDR_ANSWERED;
    switch (c->code) {
    case 486:
    case 600:
        return CDR_BUSY;
    case 408:
    case 480:
        return CDR_NO_ANSWER;
    case 487:
        return CDR_CANCELLED;
    default:
        return c->code >= 500 && c->code < 600 ? CDR_FAILED : CDR_REFUSED;
    }
}

const char *cdr_path_name(enum cdr_path p)
{
    return paths[(unsigned)p % CDR_PATHS];
}

static unsigned name_index(const char *const *names, unsigned count, const char *name)
{
    for (unsigned i = 0; i < count; i++)
        if (!strcmp(names[i], name))
            return i;
    return 0;
}

static bool field_is_text(const struct field *f)
{
    return f->type != FIELD_INT && f->type != FIELD_REAL;
}

/* The text of a field of text or of named values. */
static const char *field_text(const struct field *f, const struct cdr *c)
{
    switch (f->type) {
    case FIELD_TEXT:
        return (const char *)c + f->offset;
    case FIELD_DIRECTION:
        return directions[(unsigned)c->direction % DIRECTION_COUNT];
    case FIELD_PARTY:
        return parties[(unsigned)c->hangup % PARTY_COUNT];
    case FIELD_PATH:
        return cdr_path_name(c->path);
    default:
        return "";
    }
}

static void field_set_text(const struct field *f, struct cdr *c, const char *s)
{
    if (f->type == FIELD_TEXT)
        snprintf((char *)c + f->offset, f->size, "%s", s);
    else if (f->type == FIELD_DIRECTION)
        c->direction = (enum cdr_direction)name_index(directions, DIRECTION_COUNT, s);
    else if (f->type == FIELD_PARTY)
        c->hangup = (enum cdr_party)name_index(parties, PARTY_COUNT, s);
    else
        c->path = (enum cdr_path)name_index(paths, CDR_PATHS, s);
}

/* Whole numbers are 2, 4 or 8 bytes wide. */
static int64_t field_int(const struct field *f, const struct cdr *c)
{
    const void *p = (const char *)c + f->offset;
    uint16_t u16;
    uint32_t u32;
    int64_t i64;

    if (f->size == sizeof(u16)) {
        memcpy(&u16, p, sizeof(u16));
        return u16;
    }
    if (f->size == sizeof(u32)) {
        memcpy(&u32, p, sizeof(u32));
        return u32;
    }
    memcpy(&i64, p, sizeof(i64));
    return i64;
}

static void field_set_int(const struct field *f, struct cdr *c, int64_t n)
{
    void *p = (char *)c + f->offset;
    uint16_t u16 = (uint16_t)n;
    uint32_t u32 = (uint32_t)n;

    if (f->size == sizeof(u16))
        memcpy(p, &u16, sizeof(u16));
    else if (f->size == sizeof(u32))
        memcpy(p, &u32, sizeof(u32));
    else
        memcpy(p, &n, sizeof(n));
}

/* NaN would be NULL to SQLite and refuse the row. */
static double field_real(const struct field *f, const struct cdr *c)
{
    double d;

    memcpy(&d, (const char *)c + f->offset, sizeof(d));
    return isfinite(d) ? d : 0.0;
}

static void field_set_real(const struct field *f, struct cdr *c, double d)
{
    memcpy((char *)c + f->offset, &d, sizeof(d));
}

int cdrrow_insert(struct sql *sql, const struct cdr *c)
{
    sqlite3_stmt *st;
    int err = sql_prepare(sql, &st, insert_sql);

    if (err)
        return err;
    for (int i = 0; i < FIELD_COUNT; i++) {
        const struct field *f = &fields[i];

        if (field_is_text(f))
            sqlite3_bind_text(st, i + 1, field_text(f, c), -1, SQLITE_STATIC);
        else if (f->type == FIELD_REAL)
            sqlite3_bind_double(st, i + 1, field_real(f, c));
        else
            sqlite3_bind_int64(st, i + 1, field_int(f, c));
    }
    return sql_run(sql, st);
}

void cdrrow_read(sqlite3_stmt *st, struct cdr *c)
{
    memset(c, 0, sizeof(*c));
    for (int i = 0; i < FIELD_COUNT; i++) {
        const struct field *f = &fields[i];

        if (field_is_text(f))
            field_set_text(f, c, (const char *)sqlite3_column_text(st, i));
        else if (f->type == FIELD_REAL)
            field_set_real(f, c, sqlite3_column_double(st, i));
        else
            field_set_int(f, c, sqlite3_column_int64(st, i));
    }
}

int cdrrow_encode(struct buf *out, const struct cdr *c)
{
    for (int i = 0; i < FIELD_COUNT; i++) {
        const struct field *f = &fields[i];

        buf_printf(out, "%c\"%s\":", i ? ',' : '{', f->name);
        if (field_is_text(f))
            buf_json_str(out, field_text(f, c));
        else if (f->type == FIELD_REAL)
            buf_printf(out, "\"%.17g\"", field_real(f, c));
        else
            buf_printf(out, "%lld", (long long)field_int(f, c));
    }
    return buf_puts(out, "}\n");
}

static bool field_decode(const struct field *f, struct cdr *c, const struct json_val *obj)
{
    const char *text = json_get_str(obj, f->name);
    int64_t n;

    if (f->type == FIELD_INT) {
        if (!json_get_int(obj, f->name, &n))
            return false;
        field_set_int(f, c, n);
        return true;
    }
    if (!text)
        return false;
    if (f->type == FIELD_REAL)
        field_set_real(f, c, strtod(text, NULL));
    else
        field_set_text(f, c, text);
    return true;
}

int cdrrow_decode(struct cdr *c, const char *line, size_t len)
{
    struct json *j;
    int err;

    err = json_parse(&j, line, len, NULL, 0);
    if (err)
        return err;
    memset(c, 0, sizeof(*c));
    for (int i = 0; i < FIELD_COUNT && !err; i++)
        if (!field_decode(&fields[i], c, json_root(j)) && i < FIELDS_FIRST)
            err = EBADMSG;
    json_free(j);
    return err;
}

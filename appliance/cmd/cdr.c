/* dngate cdr: the call records, for people, programs and spreadsheets. Read in the command line's own process, so that no length of a list is a
 * burden to the server. */
#include "service/cdr.h"

#include "cmd/listing.h"
#include "cmd/reading.h"
#include "core/clock.h"
#include "store/csv.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

enum {
    LIST_DEFAULT = 100,
    LIST_MAX = 10000, /* a person's list; longer ones are an export's */
    DRAIN_AT = 64 * 1024
};

/* ---------------------------------------------------------------- a record, field by field */

enum kind { TEXT, FOREIGN /* text that somebody outside chose */, NUMBER /* "" when it is not known */ };

struct printing {
    void (*h)(struct printing *p, const char *name, enum kind kind, const char *text);
    struct buf *out;
    size_t count; /* fields so far */
};

static void text(struct printing *p, const char *name, const char *value)
{
    p->h(p, name, TEXT, value);
}

static void moment(struct printing *p, const char *name, int64_t ms)
{
    char buf[32];

    p->h(p, name, TEXT, ms ? clock_iso8601(buf, sizeof(buf), ms) : "");
}

static void whole(struct printing *p, const char *name, uint64_t n)
{
    char buf[32];

    snprintf(buf, sizeof(buf), "%llu", (unsigned long long)n);
    p->h(p, name, NUMBER, buf);
}

static void real(struct printing *p, const char *name, double d, bool known)
{
    char buf[32] = "";

    if (known)
        snprintf(buf, sizeof(buf), "%.2f", d);
    p->h(p, name, NUMBER, buf);
}

static void stream(struct printing *p, const char *side, const struct cdr_stream *st)
{
    static const char *const what[] = {"codec", "packets", "bytes", "lost", "jitter_ms", "mos"};
    char name[sizeof(what) / sizeof(what[0])][32];

    for (size_t i = 0; i < sizeof(what) / sizeof(what[0]); i++)
        snprintf(name[i], sizeof(name[i]), "%s_%s", side, what[i]);
    text(p, name[0], st->codec);
    whole(p, name[1], st->packets);
    whole(p, name[2], st->bytes);
    whole(p, name[3], st->lost);
    real(p, name[4], st->jitter_ms, st->packets > 0);
    real(p, name[5], st->mos, st->mos > 0);
}

static int64_t talked_ms(const struct cdr *c)
{
    return c->answer_ms && c->end_ms > c->answer_ms ? c->end_ms - c->answer_ms : 0;
}

static void record(struct printing *p, const struct cdr *c)
{
    static const char *const parties[] = {"", "agent", "trunk", "gateway"};

    p->count = 0;
    text(p, "id", c->id);
    text(p, "dn", c->dn);
    text(p, "direction", c->direction == CDR_INBOUND ? "in" : "out");
    p->h(p, "caller", FOREIGN, c->caller);
    p->h(p, "callee", FOREIGN, c->callee);
    p->h(p, "caller_name", FOREIGN, c->caller_name);
    text(p, "trunk", c->trunk);
    moment(p, "started", c->start_ms);
    moment(p, "rang", c->ring_ms);
    moment(p, "answered", c->answer_ms);
    moment(p, "ended", c->end_ms);
    real(p, "seconds", (double)talked_ms(c) / 1e3, true);
    text(p, "result", cdr_result_name(cdr_result(c)));
    whole(p, "code", c->code);
    p->h(p, "reason", FOREIGN, c->reason);
    text(p, "hangup", parties[(unsigned)c->hangup % 4]);
    text(p, "path", cdr_path_name(c->path));
    whole(p, "path_changes", c->path_changes);
    text(p, "candidate", c->candidate);
    text(p, "browser", c->remote_ice);
    real(p, "rtt_ms", c->rtt_ms, c->rtt_ms > 0);
    stream(p, "browser", &c->from_browser);
    stream(p, "trunk", &c->from_trunk);
    p->h(p, "call_uuid", FOREIGN, c->call_uuid);
    p->h(p, "sip_call_id", FOREIGN, c->sip_call_id);
}

static void json_h(struct printing *p, const char *name, enum kind kind, const char *value)
{
    buf_printf(p->out, "%s\"%s\":", p->count++ ? "," : "{", name);
    if (kind != NUMBER)
        buf_json_str(p->out, value);
    else
        buf_puts(p->out, *value ? value : "null");
}

static void record_json(struct buf *out, const struct cdr *c)
{
    struct printing p = {.h = json_h, .out = out};

    record(&p, c);
    buf_puts(out, "}");
}

static void line_h(struct printing *p, const char *name, enum kind kind, const char *value)
{
    (void)kind;
    buf_printf(p->out, "%-18s  %s\n", name, value);
}

static void csv_head_h(struct printing *p, const char *name, enum kind kind, const char *value)
{
    (void)kind;
    (void)value;
    buf_printf(p->out, "%s%s", p->count++ ? "," : "", name);
}

static void csv_h(struct printing *p, const char *name, enum kind kind, const char *value)
{
    (void)name;
    buf_puts(p->out, p->count++ ? "," : "");
    (kind == FOREIGN ? csv_put_foreign : csv_put)(p->out, value);
}

/* ---------------------------------------------------------------- what is asked for */

static int filter_take(struct cmd *c, const struct args *a, long limit, long limit_max,
                       struct service_cdr_filter *f)
{
    const char *value = args_get(a, "limit");

    *f = (struct service_cdr_filter){.dn = args_get(a, "dn"),
                                     .result = args_get(a, "result"),
                                     .path = args_get(a, "path"),
                                     .before = args_get(a, "before")};
    if (cmd_moment(c, a, "from", &f->from_ms) || cmd_moment(c, a, "to", &f->to_ms))
        return CMD_USAGE;
    if (value && args_number(value, 1, limit_max, &limit))
        return cmd_misused(c, "--limit %s: 1 to %ld", value, limit_max);
    f->limit = (size_t)limit;
    return CMD_OK;
}

/* ---------------------------------------------------------------- verbs */

static const char *mos_text(char *buf, size_t sz, const struct cdr *c)
{
    const double browser = c->from_browser.mos, trunk = c->from_trunk.mos;

    if (browser > 0 || trunk > 0)
        snprintf(buf, sz, "%.1f/%.1f", browser, trunk);
    else
        snprintf(buf, sz, "%s", "");
    return buf;
}

static bool list_h(const struct cdr *c, void *arg)
{
    struct listing *l = arg;
    char buf[32];

    if (listing_json(l)) {
        record_json(l->cmd->out, c);
        return false;
    }
    grid_add(&l->grid, c->id);
    grid_add(&l->grid, cmd_time(buf, sizeof(buf), c->start_ms));
    grid_add(&l->grid, c->dn);
    grid_add(&l->grid, c->direction == CDR_INBOUND ? "in" : "out");
    grid_add(&l->grid, c->caller);
    grid_add(&l->grid, c->callee);
    grid_add(&l->grid, c->trunk);
    grid_add(&l->grid, cdr_result_name(cdr_result(c)));
    snprintf(buf, sizeof(buf), "%lld s", (long long)talked_ms(c) / 1000);
    grid_add(&l->grid, buf);
    grid_add(&l->grid, cdr_path_name(c->path));
    grid_add(&l->grid, mos_text(buf, sizeof(buf), c));
    return false;
}

static int list(struct cmd *c, const void *filter)
{
    static const char *const heads[] = {"ID",    "STARTED", "DN",     "DIRECTION", "FROM", "TO",
                                        "TRUNK", "RESULT",  "TALKED", "PATH",      "MOS"};
    struct listing l;
    int err, status;

    listing_begin(&l, c, heads, sizeof(heads) / sizeof(heads[0]));
    err = service_cdr_each(&c->sv, filter, list_h, &l);
    status = listing_end(&l, err, "There is no such call record");
    return err == EINVAL ? CMD_USAGE : status;
}

static int cmd_cdr_list(struct cmd *c, const struct args *a)
{
    struct service_cdr_filter f;
    const int status = filter_take(c, a, LIST_DEFAULT, LIST_MAX, &f);

    return status ? status : cmd_reading(c, list, &f);
}

static int show(struct cmd *c, const void *id)
{
    struct printing lines = {.h = line_h, .out = c->out};
    struct cdr found;

    if (service_cdr_get(&c->sv, id, &found))
        return cmd_refuse(c, "%s", c->sv.why);
    if (!c->json) {
        record(&lines, &found);
        return CMD_OK;
    }
    record_json(c->out, &found);
    buf_puts(c->out, "\n");
    return CMD_OK;
}

static int cmd_cdr_show(struct cmd *c, const struct args *a)
{
    return cmd_reading(c, show, a->word[0]);
}

struct exporting {
    struct cmd *cmd;
    struct printing csv;
    size_t count;
    int err; /* of the output */
};

static bool export_h(const struct cdr *c, void *arg)
{
    struct exporting *e = arg;
    struct buf *out = e->cmd->out;

    if (e->cmd->json) {
        buf_puts(out, e->count ? ",\n" : "[");
        record_json(out, c);
    } else {
        record(&e->csv, c);
        buf_puts(out, "\r\n");
    }
    e->count++;
    if (out->len >= DRAIN_AT && e->cmd->drain)
        e->err = e->cmd->drain(out);
    return e->err || out->err;
}

static int export(struct cmd *c, const void *filter)
{
    struct printing head = {.h = csv_head_h, .out = c->out};
    struct exporting e = {.cmd = c, .csv = {.h = csv_h, .out = c->out}};
    int err;

    if (!c->json) {
        record(&head, &(struct cdr){0});
        buf_puts(c->out, "\r\n");
    }
    err = service_cdr_each(&c->sv, filter, export_h, &e);
    if (err) {
        if (err == EINVAL)
            buf_clear(c->out); /* the head of a table that does not come */
        cmd_refuse(c, "%s", c->sv.why);
        return err == EINVAL ? CMD_USAGE : CMD_REFUSED;
    }
    if (e.err)
        return cmd_refuse(c, "cannot write: %s", strerror(e.err));
    if (c->json)
        buf_puts(c->out, e.count ? "]\n" : "[]\n");
    return c->out->err ? cmd_refuse(c, "too much to print") : CMD_OK;
}

static int cmd_cdr_export(struct cmd *c, const struct args *a)
{
    struct service_cdr_filter f;
    const int status = filter_take(c, a, 0, LONG_MAX, &f);

    return status ? status : cmd_reading(c, export, &f);
}

/* ---------------------------------------------------------------- */

#define FILTERS                                                                                              \
    {"dn", "DN", "of this agent", false},                                                                    \
        {"from", "TIME",                                                                                     \
         "that began then or later: 2026-11-28, 2026-11-28T08:30 (UTC), or 30m, 12h, 7d for so long ago",    \
         false},                                                                                             \
        {"to", "TIME", "that began before", false},                                                          \
        {"result", "RESULT", "answered, busy, no_answer, cancelled, refused or failed", false},              \
        {"path", "PATH",                                                                                     \
         "the way of the audio between browser and gateway: direct, relay (any), relay-udp, relay-tcp,\n"    \
         "relay-tls, relay-other, or none",                                                                  \
         false},                                                                                             \
    {                                                                                                        \
        "before", "ID", "older than this record", false                                                      \
    }
static const struct verb_option list_options[] = {FILTERS,
                                                  {"limit", "N", "so many at most; 100 by default", false}};
static const struct verb_option export_options[] = {FILTERS,
                                                    {"limit", "N", "so many at most; all by default", false}};

static const struct verb verbs[] = {
    {.name = "list",
     .words = "",
     .help =
         "Lists call records, the newest first. MOS: 1 bad to 4.5 best, as heard from the browser and from "
         "the trunk.",
     VERB_OPTIONS(list_options),
     .example = "dngate cdr list --dn 5001 --from 24h --path relay",
     .run = cmd_cdr_list},
    {.name = "show",
     .words = "ID",
     .words_min = 1,
     .words_max = 1,
     .help = "Shows all that is kept of one call. ID as dngate cdr list and the log show it.",
     .example = "dngate cdr show 019f3c2ab1d4-0003-kq7xw2ma",
     .run = cmd_cdr_show},
    {.name = "export",
     .words = "",
     .help =
         "Prints call records as CSV (with --json: as JSON), the newest first, as they are read. Text that a "
         "spreadsheet would\n"
         "take for a formula gets a ' before it.",
     VERB_OPTIONS(export_options),
     .example = "dngate cdr export --from 2026-11-01 --to 2026-12-01 >november.csv",
     .run = cmd_cdr_export},
};
const struct noun noun_cdr = {
    .name = "cdr", .help = "the records of calls that have ended", NOUN_VERBS(verbs), .here = true};

/* dngate cdr: the call records, for people, programs and spreadsheets. Read in the command line's own process, so that no length of a list is a
 * burden to the server. */
#include "service/cdr.h"

#include "cmd/listing.h"
#include "cmd/reading.h"
#include "core/clock.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    LIST_DEFAULT = 100,
    LIST_MAX = 10000, /* a person's list; longer ones are an export's */
    DRAIN_AT = 64 * 1024,
    SECONDS_MAX = 10000000
};

/* ---------------------------------------------------------------- a record, field by field */

static void json_h(const char *name, enum service_cdr_kind kind, const char *value, void *arg)
{
    struct buf *out = arg;

    buf_printf(out, "%s\"%s\":", out->data[out->len - 1] == '{' ? "" : ",", name);
    if (kind != SERVICE_CDR_NUMBER)
        buf_json_str(out, value);
    else
        buf_puts(out, *value ? value : "null");
}

static void record_json(struct buf *out, const struct cdr *c)
{
    if (!buf_puts(out, "{"))
        service_cdr_fields(c, json_h, out);
    buf_puts(out, "}");
}

static void line_h(const char *name, enum service_cdr_kind kind, const char *value, void *arg)
{
    (void)kind;
    buf_printf(arg, "%-18s  %s\n", name, value);
}

/* ---------------------------------------------------------------- what is asked for */

static int seconds_take(struct cmd *c, const struct args *a, const char *option, int64_t *s)
{
    const char *value = args_get(a, option);
    long n = 0;

    if (value && args_number(value, 1, SECONDS_MAX, &n))
        return cmd_misused(c, "--%s %s: seconds, 1 to %d", option, value, SECONDS_MAX);
    *s = n;
    return CMD_OK;
}

static int mos_take(struct cmd *c, const struct args *a, double *mos)
{
    const char *value = args_get(a, "max-mos");
    char *end;

    if (!value)
        return CMD_OK;
    *mos = strtod(value, &end);
    if (end == value || *end || !(*mos >= 1 && *mos <= 5))
        return cmd_misused(c, "--max-mos %s: 1 to 5, as 3.6", value);
    return CMD_OK;
}

/* What to look for, without where to begin and to end. */
static int wanted_take(struct cmd *c, const struct args *a, struct service_cdr_filter *f)
{
    *f = (struct service_cdr_filter){.dn = args_get(a, "dn"),
                                     .number = args_get(a, "number"),
                                     .text = args_get(a, "search"),
                                     .direction = args_get(a, "direction"),
                                     .result = args_get(a, "result"),
                                     .path = args_get(a, "path"),
                                     .trunk = args_get(a, "trunk")};
    if (seconds_take(c, a, "min-seconds", &f->min_s) || seconds_take(c, a, "max-seconds", &f->max_s) ||
        seconds_take(c, a, "min-ring", &f->min_ring_s) || mos_take(c, a, &f->max_mos))
        return CMD_USAGE;
    if (cmd_moment(c, a, "from", &f->from_ms) || cmd_moment(c, a, "to", &f->to_ms))
        return CMD_USAGE;
    return CMD_OK;
}

static int filter_take(struct cmd *c, const struct args *a, long limit, long limit_max,
                       struct service_cdr_filter *f)
{
    const char *value = args_get(a, "limit");
    const int status = wanted_take(c, a, f);

    if (status)
        return status;
    f->before = args_get(a, "before");
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
    grid_add(&l->grid, service_cdr_direction(c->direction));
    grid_add(&l->grid, c->caller);
    grid_add(&l->grid, c->callee);
    grid_add(&l->grid, c->trunk);
    grid_add(&l->grid, cdr_result_name(cdr_result(c)));
    snprintf(buf, sizeof(buf), "%lld s", (long long)service_cdr_talked_ms(c) / 1000);
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
    struct cdr found;

    if (service_cdr_get(&c->sv, id, &found))
        return cmd_refuse(c, "%s", c->sv.why);
    if (!c->json) {
        service_cdr_fields(&found, line_h, c->out);
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
        service_cdr_csv(out, c);
    }
    e->count++;
    if (out->len >= DRAIN_AT && e->cmd->drain)
        e->err = e->cmd->drain(out);
    return e->err || out->err;
}

static int export(struct cmd *c, const void *filter)
{
    struct exporting e = {.cmd = c};
    int err;

    if (!c->json)
        service_cdr_csv_head(c->out);
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

static void sum_json(struct buf *out, const struct cdr_sum *s)
{
    char since[32];

    buf_printf(out,
               "{\"calls\":%lld,\"answered\":%lld,\"inbound\":%lld,\"outbound\":%lld,\"abandoned\":%lld,"
               "\"abandoned_percent\":%.1f,\"failed\":%lld,\"average_s\":%.1f,\"talk_s\":%lld,\"mos\":",
               (long long)s->calls, (long long)s->answered, (long long)s->inbound, (long long)s->outbound,
               (long long)s->abandoned, service_cdr_abandoned_percent(s), (long long)s->failed,
               service_cdr_average_s(s), (long long)s->talk_ms / 1000);
    if (s->mos > 0)
        buf_printf(out, "%.2f", s->mos);
    else
        buf_puts(out, "null");
    buf_puts(out, ",");
    cmd_json_member(out, "since", cmd_time(since, sizeof(since), s->since_ms), false);
    buf_puts(out, "}\n");
}

static void sum_text(struct buf *out, const struct cdr_sum *s)
{
    char since[32];

    buf_printf(out,
               "%lld calls: %lld inbound, %lld outbound, %lld answered\n"
               "%lld abandoned (%.1f %% of the inbound ones), %lld failed\n"
               "%lld s talked, %.1f s on the average\n",
               (long long)s->calls, (long long)s->inbound, (long long)s->outbound, (long long)s->answered,
               (long long)s->abandoned, service_cdr_abandoned_percent(s), (long long)s->failed,
               (long long)s->talk_ms / 1000, service_cdr_average_s(s));
    if (s->mos > 0)
        buf_printf(out, "MOS %.2f on the average\n", s->mos);
    if (s->since_ms)
        buf_printf(out, "only of calls since %s: there are too many for one look; name a time\n",
                   cmd_time(since, sizeof(since), s->since_ms));
}

static int summary(struct cmd *c, const void *filter)
{
    struct cdr_sum s;
    const int err = service_cdr_sum(&c->sv, filter, &s);

    if (err) {
        cmd_refuse(c, "%s", c->sv.why);
        return err == EINVAL ? CMD_USAGE : CMD_REFUSED;
    }
    (c->json ? sum_json : sum_text)(c->out, &s);
    return CMD_OK;
}

static int cmd_cdr_summary(struct cmd *c, const struct args *a)
{
    struct service_cdr_filter f;
    const int status = wanted_take(c, a, &f);

    return status ? status : cmd_reading(c, summary, &f);
}

/* ---------------------------------------------------------------- */

#define FILTERS_BUT_BEFORE                                                                                   \
    {"dn", "DN", "of this agent", false},                                                                    \
        {"from", "TIME",                                                                                     \
         "that began then or later: 2026-11-28, 2026-11-28T08:30 (UTC), or 30m, 12h, 7d for so long ago",    \
         false},                                                                                             \
        {"to", "TIME", "that began before", false},                                                          \
        {"number", "PART", "with this in the caller's or the called number", false},                         \
        {"search", "PART", "with this in any text of the record", false},                                    \
        {"direction", "in|out", "in: to an agent, out: from an agent", false},                               \
        {"trunk", "NAME", "by this trunk", false},                                                           \
        {"min-seconds", "N", "that talked so long or longer", false},                                        \
        {"max-seconds", "N", "that talked so long or shorter", false},                                       \
        {"min-ring", "N", "that rang so many seconds or longer", false},                                     \
        {"max-mos", "MOS", "whose worse side was heard so badly or worse", false},                           \
        {"result", "RESULT", "answered, busy, no_answer, cancelled, refused or failed", false},              \
    {                                                                                                        \
        "path", "PATH",                                                                                      \
            "the way of the audio between browser and gateway: direct, relay (any), relay-udp, relay-tcp,\n" \
            "relay-tls, relay-other, or none",                                                               \
            false                                                                                            \
    }
#define FILTERS                                                                                              \
    FILTERS_BUT_BEFORE,                                                                                      \
    {                                                                                                        \
        "before", "ID", "older than this record", false                                                      \
    }
static const struct verb_option list_options[] = {FILTERS,
                                                  {"limit", "N", "so many at most; 100 by default", false}};
static const struct verb_option export_options[] = {FILTERS,
                                                    {"limit", "N", "so many at most; all by default", false}};

static const struct verb_option sum_options[] = {FILTERS_BUT_BEFORE};

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
    {.name = "summary",
     .words = "",
     .help = "Adds call records up: how many, answered, abandoned (callers who gave up before the answer), "
             "failed, how long\n"
             "they talked, MOS.",
     VERB_OPTIONS(sum_options),
     .example = "dngate cdr summary --from 24h --direction in",
     .run = cmd_cdr_summary},
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

/* dngate audit: who changed what, for people, programs and spreadsheets. */
#include "service/audit.h"
#include "cmd/listing.h"
#include "cmd/reading.h"
#include "core/clock.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>

enum {
    LIST_DEFAULT = 100,
    LIST_MAX = 10000,
    DRAIN_AT = 64 * 1024,
    FOLLOW_MS = 500,
    LINE_MAX_BYTES = 64 * 1024
};

static int filter_take(struct cmd *c, const struct args *a, long limit, long limit_max,
                       struct audit_filter *f)
{
    const char *value = args_get(a, "limit");

    *f = (struct audit_filter){.who = args_get(a, "who"),
                               .noun = args_get(a, "noun"),
                               .key = args_get(a, "key"),
                               .q = args_get(a, "search")};
    if (cmd_moment(c, a, "from", &f->from_ms) || cmd_moment(c, a, "to", &f->to_ms))
        return CMD_USAGE;
    if (value && args_number(value, 1, limit_max, &limit))
        return cmd_misused(c, "--limit %s: 1 to %ld", value, limit_max);
    f->limit = (size_t)limit;
    return CMD_OK;
}

static void entry_json(struct buf *out, const struct audit_entry *e)
{
    char time[32];

    buf_printf(out, "{\"time\":\"%s\",", clock_iso8601(time, sizeof(time), e->time_ms));
    service_audit_members(out, e);
    buf_puts(out, "}");
}

/* ---------------------------------------------------------------- list */

static void change_text(struct buf *text, const struct audit_entry *e)
{
    service_audit_change(text, e);
    if (e->reason[0])
        buf_printf(text, "%s(%s)", text->len ? " " : "", e->reason);
    buf_puts(text, "");
}

static bool list_h(const struct audit_entry *e, void *arg)
{
    struct listing *l = arg;
    struct buf text;
    char buf[32];

    if (listing_json(l)) {
        entry_json(l->cmd->out, e);
        return false;
    }
    buf_init(&text, LINE_MAX_BYTES);
    change_text(&text, e);
    grid_add(&l->grid, cmd_time(buf, sizeof(buf), e->time_ms));
    grid_add(&l->grid, e->who);
    grid_add(&l->grid, e->via);
    grid_add(&l->grid, e->address);
    grid_add(&l->grid, e->what);
    grid_add(&l->grid, text.data ? text.data : "");
    buf_reset(&text);
    return false;
}

static int list(struct cmd *c, const void *filter)
{
    static const char *const heads[] = {"TIME", "WHO", "VIA", "ADDRESS", "WHAT", "CHANGE"};
    struct listing l;

    listing_begin(&l, c, heads, sizeof(heads) / sizeof(heads[0]));
    return listing_end(&l, service_audit_each(&c->sv, filter, list_h, &l), "There is no such entry");
}

/* ---------------------------------------------------------------- follow */

struct following {
    struct cmd *cmd;
    struct audit_filter filter;
};

static bool follow_h(const struct audit_entry *e, void *arg)
{
    struct following *f = arg;
    struct buf *out = f->cmd->out;
    char time[32];

    f->filter.after_id = e->id;
    if (f->cmd->json) {
        entry_json(out, e);
    } else {
        buf_printf(out, "%s  %s %s%s%s  %s  ", cmd_time(time, sizeof(time), e->time_ms), e->who, e->via,
                   e->address[0] ? " " : "", e->address, e->what);
        change_text(out, e);
    }
    buf_puts(out, "\n");
    return false;
}

/* Until Ctrl-C: what comes from now on, a line each. */
static int follow(struct cmd *c, const void *filter)
{
    struct following f = {.cmd = c, .filter = *(const struct audit_filter *)filter};
    int err = service_audit_newest(&c->sv, &f.filter.after_id);

    f.filter.oldest_first = true;
    f.filter.limit = 0;
    while (!err) {
        err = service_audit_each(&c->sv, &f.filter, follow_h, &f);
        if (!err && c->out->len && c->drain(c->out))
            return CMD_OK; /* nobody reads any more */
        if (!err)
            (void)poll(NULL, 0, FOLLOW_MS);
    }
    return cmd_refuse(c, "%s", c->sv.why);
}

static int cmd_audit_list(struct cmd *c, const struct args *a)
{
    struct audit_filter f;
    const int status = filter_take(c, a, LIST_DEFAULT, LIST_MAX, &f);

    if (status)
        return status;
    return cmd_reading(c, args_flag(a, "follow") && c->drain ? follow : list, &f);
}

/* ---------------------------------------------------------------- export */

struct exporting {
    struct cmd *cmd;
    size_t count;
    int err; /* of the output */
};

static bool export_h(const struct audit_entry *e, void *arg)
{
    struct exporting *x = arg;
    struct buf *out = x->cmd->out;

    if (x->cmd->json) {
        buf_puts(out, x->count ? ",\n" : "[");
        entry_json(out, e);
    } else {
        service_audit_csv(out, e);
    }
    x->count++;
    if (out->len >= DRAIN_AT && x->cmd->drain)
        x->err = x->cmd->drain(out);
    return x->err || out->err;
}

static int export(struct cmd *c, const void *filter)
{
    struct exporting x = {.cmd = c};

    if (!c->json)
        service_audit_csv(c->out, NULL);
    if (service_audit_each(&c->sv, filter, export_h, &x))
        return cmd_refuse(c, "%s", c->sv.why);
    if (x.err)
        return cmd_refuse(c, "cannot write: %s", strerror(x.err));
    if (c->json)
        buf_puts(c->out, x.count ? "]\n" : "[]\n");
    return c->out->err ? cmd_refuse(c, "too much to print") : CMD_OK;
}

static int cmd_audit_export(struct cmd *c, const struct args *a)
{
    struct audit_filter f;
    const int status = filter_take(c, a, 0, LONG_MAX, &f);

    return status ? status : cmd_reading(c, export, &f);
}

/* ---------------------------------------------------------------- */

#define FILTERS                                                                                              \
    {"search", "TEXT", "with this in what was done, to what, by whom, from where or why", false},            \
        {"who", "NAME", "by this user", false},                                                              \
        {"noun", "NOUN", "of such things: dn, trunk, user, setting, calls, backup, …", false},               \
        {"key", "KEY", "of this one of them", false},                                                        \
        {"from", "TIME",                                                                                     \
         "then or later: 2026-11-28, 2026-11-28T08:30 (UTC), or 30m, 12h, 7d for so long ago", false},       \
    {                                                                                                        \
        "to", "TIME", "before then", false                                                                   \
    }
static const struct verb_option list_options[] = {
    FILTERS,
    {"limit", "N", "so many at most; 100 by default", false},
    {"follow", NULL, "what comes from now on, a line each, until Ctrl-C", false}};
static const struct verb_option export_options[] = {FILTERS,
                                                    {"limit", "N", "so many at most; all by default", false}};

static const struct verb verbs[] = {
    {.name = "",
     .words = "",
     .help =
         "Lists who changed what, the newest first, with what was before and after. Secrets are not in it.",
     VERB_OPTIONS(list_options),
     .example = "dngate audit --noun dn --from 24h\ndngate audit --follow --json",
     .run = cmd_audit_list},
    {.name = "list",
     .words = "",
     .help = "The same.",
     VERB_OPTIONS(list_options),
     .example = "dngate audit list --who ada",
     .run = cmd_audit_list},
    {.name = "export",
     .words = "",
     .help = "Prints the audit as CSV (with --json: as JSON), the newest first, as it is read.",
     VERB_OPTIONS(export_options),
     .example = "dngate audit export --from 2026-11-01 >november.csv",
     .run = cmd_audit_export},
};
const struct noun noun_audit = {.name = "audit", .help = "who changed what", NOUN_VERBS(verbs), .here = true};

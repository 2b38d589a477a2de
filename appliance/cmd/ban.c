#include "service/ban.h"
#include "service/livejson.h"
#include "cmd/listing.h"
#include "cmd/verb.h"
#include "core/clock.h"

#include <stdio.h>

static const char *since(const struct guard_ban *b, char *buf, size_t sz)
{
    return cmd_time(buf, sz, clock_wall_ms() - (int64_t)b->since_s * 1000);
}

static const char *why(const struct guard_ban *b, char *buf, size_t sz)
{
    const int n = snprintf(buf, sz, "%u failed sign-ins within 10 minutes", b->failures);

    if (b->strikes > 1 && n > 0 && (size_t)n < sz)
        snprintf(buf + n, sz - (size_t)n, "; ban number %u", b->strikes);
    return buf;
}

static void ban_json(struct buf *out, const struct guard_ban *b)
{
    char text[LIVEJSON_SOURCE_MAX], reason[96];

    buf_puts(out, "{");
    livejson_ban(out, b, clock_wall_ms());
    buf_puts(out, ",");
    cmd_json_member(out, "since", since(b, text, sizeof(text)), true);
    buf_printf(out, "\"seconds_left\":%u,", b->left_s);
    cmd_json_member(out, "why", why(b, reason, sizeof(reason)), false);
    buf_puts(out, "}");
}

static bool list_h(const struct guard_ban *b, void *arg)
{
    struct listing *l = arg;
    char text[LIVEJSON_SOURCE_MAX], reason[96];

    if (listing_json(l)) {
        ban_json(l->cmd->out, b);
        return false;
    }
    grid_add(&l->grid, livejson_source(b, text));
    grid_add(&l->grid, since(b, text, sizeof(text)));
    snprintf(text, sizeof(text), "%u min %u s", b->left_s / 60, b->left_s % 60);
    grid_add(&l->grid, text);
    grid_add(&l->grid, why(b, reason, sizeof(reason)));
    return false;
}

static int cmd_ban_list(struct cmd *c, const struct args *a)
{
    static const char *const heads[] = {"ADDRESS", "SINCE", "TIME LEFT", "WHY"};
    struct listing l;

    (void)a;
    listing_begin(&l, c, heads, 4);
    return listing_end(&l, service_ban_each(&c->sv, list_h, &l), "No address is banned");
}

static int cmd_ban_clear(struct cmd *c, const struct args *a)
{
    size_t lifted;

    if (service_ban_clear(&c->sv, a->word[0], &lifted))
        return cmd_refuse(c, "%s", c->sv.why);
    if (a->words)
        return cmd_done(c, "%s may sign in again", a->word[0]);
    return cmd_done(c, "%zu bans lifted", lifted);
}

static const struct verb verbs[] = {
    {.name = "list",
     .words = "",
     .help = "Lists the addresses that are banned after too many failed sign-ins, and for how long still.",
     .example = "dngate ban list",
     .run = cmd_ban_list},
    {.name = "clear",
     .words = "[ADDRESS]",
     .words_max = 1,
     .help = "Lifts the ban of one address, or of all, at once; what it did before is forgotten.",
     .example = "dngate ban clear 192.0.2.7\ndngate ban clear",
     .run = cmd_ban_clear},
};

const struct noun noun_ban = {.name = "ban",
                              .help = "the addresses that are banned after failed sign-ins",
                              NOUN_VERBS(verbs),
                              .live = true};

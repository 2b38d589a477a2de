#include "service/ban.h"
#include "cmd/grid.h"
#include "cmd/verb.h"
#include "core/clock.h"

#include <stdio.h>

struct ban_list {
    struct cmd *cmd;
    struct grid grid;
    size_t count;
};

/* "192.0.2.1", "2001:db8:1:2::/64" */
static const char *source(const struct guard_ban *b, char *buf, size_t sz)
{
    char ip[ADDR_STRLEN];

    snprintf(buf, sz, b->prefix == 32 ? "%s" : "%s/%u", addr_ip(&b->net, ip, sizeof(ip)), b->prefix);
    return buf;
}

static const char *since(const struct guard_ban *b, char *buf, size_t sz)
{
    return cmd_time(buf, sz, clock_wall_ms() - (int64_t)b->since_s * 1000);
}

static void why(const struct guard_ban *b, char *buf, size_t sz)
{
    const int n = snprintf(buf, sz, "%u failed sign-ins within 10 minutes", b->failures);

    if (b->strikes > 1 && n > 0 && (size_t)n < sz)
        snprintf(buf + n, sz - (size_t)n, "; ban number %u", b->strikes);
}

static bool list_h(const struct guard_ban *b, void *arg)
{
    struct ban_list *l = arg;
    struct buf *out = l->cmd->out;
    char text[ADDR_STRLEN + 8], reason[96];

    l->count++;
    why(b, reason, sizeof(reason));
    if (l->cmd->json) {
        buf_puts(out, l->count > 1 ? ",\n{" : "{");
        cmd_json_member(out, "address", source(b, text, sizeof(text)), true);
        cmd_json_member(out, "since", since(b, text, sizeof(text)), true);
        buf_printf(out, "\"seconds_left\":%u,\"failures\":%u,\"bans\":%u,", b->left_s, b->failures,
                   b->strikes);
        cmd_json_member(out, "why", reason, false);
        buf_puts(out, "}");
        return false;
    }
    grid_add(&l->grid, source(b, text, sizeof(text)));
    grid_add(&l->grid, since(b, text, sizeof(text)));
    snprintf(text, sizeof(text), "%u min %u s", b->left_s / 60, b->left_s % 60);
    grid_add(&l->grid, text);
    grid_add(&l->grid, reason);
    return false;
}

static int cmd_ban_list(struct cmd *c, const struct args *a)
{
    static const char *const heads[] = {"ADDRESS", "SINCE", "TIME LEFT", "WHY"};
    struct ban_list l = {.cmd = c};
    int err;

    (void)a;
    grid_init(&l.grid, sizeof(heads) / sizeof(heads[0]));
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
        grid_add(&l.grid, heads[i]);
    if (c->json)
        buf_puts(c->out, "[");
    err = service_ban_each(&c->sv, list_h, &l);
    if (c->json)
        buf_puts(c->out, "]\n");
    if (!c->json && l.count)
        (void)grid_print(&l.grid, c->out);
    else
        buf_reset(&l.grid.cells);
    if (!c->json && !l.count && !err)
        buf_puts(c->out, "No address is banned\n");
    return err ? cmd_refuse(c, "%s", c->sv.why) : CMD_OK;
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

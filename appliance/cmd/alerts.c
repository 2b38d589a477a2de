/* dngate alerts: what the webhook was told last, and a test of it. */
#include "service/alerts.h"
#include "cmd/verb.h"
#include "core/clock.h"

#include <stdio.h>

static int cmd_alerts(struct cmd *c, const struct args *args)
{
    struct service_alerts a;
    char time[32];

    (void)args;
    if (service_alerts(&c->sv, &a))
        return cmd_refuse(c, "%s", c->sv.why);
    if (c->json) {
        buf_printf(c->out, "{\"webhook_set\":%s,", cmd_json_bool(a.webhook_set));
        cmd_json_member(c->out, "events", a.events, true);
        buf_printf(c->out, "\"waiting\":%zu,\"last\":{\"time_ms\":%lld,\"ok\":%s,", a.waiting,
                   (long long)a.time_ms, cmd_json_bool(a.ok));
        cmd_json_member(c->out, "detail", a.detail, false);
        buf_puts(c->out, "}}\n");
        return CMD_OK;
    }
    buf_printf(c->out, "webhook: %s; told of: %s\n",
               a.webhook_set ? "set" : "none (dngate settings alerts.webhook https://…)", a.events);
    if (a.time_ms)
        buf_printf(c->out, "last: %s %s %s\n", cmd_time(time, sizeof(time), a.time_ms),
                   a.ok ? "ok" : "FAILED", a.detail);
    if (a.waiting)
        buf_printf(c->out, "%zu wait to be sent\n", a.waiting);
    return CMD_OK;
}

static int cmd_alerts_test(struct cmd *c, const struct args *args)
{
    (void)args;
    return service_alerts_test(&c->sv)
               ? cmd_refuse(c, "%s", c->sv.why)
               : cmd_done(c, "a test is on its way to the webhook: dngate alerts says how it went");
}

static const struct verb verbs[] = {
    {.name = "",
     .words = "",
     .help = "Says whether a webhook is set (alerts.webhook), what it is told of (alerts.events), and how "
             "the last alert went.",
     .example = "dngate alerts",
     .run = cmd_alerts},
    {.name = "test",
     .words = "",
     .help = "Sends a test to the webhook.",
     .example = "dngate alerts test",
     .run = cmd_alerts_test},
};

const struct noun noun_alerts = {.name = "alerts",
                                 .help = "what a webhook is told when something needs attention",
                                 NOUN_VERBS(verbs),
                                 .live = true};

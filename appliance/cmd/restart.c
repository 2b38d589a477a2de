/* dngate restart: the server starts again, in the same process. */
#include "service/restart.h"
#include "cmd/verb.h"

static const char *promise(enum restart_when when)
{
    switch (when) {
    case RESTART_NOW:
        return "the server starts again; calls that run are ended";
    case RESTART_IDLE:
        return "the server starts again as soon as no call runs";
    default:
        return "the server takes no new calls, and starts again when those that run have ended, after "
               "drain.seconds at the latest";
    }
}

static void state_json(struct buf *out, const struct service_restart_state *st)
{
    buf_printf(out, "{\"waiting\":%s,\"when\":\"%s\",\"under_way\":%s,\"calls\":",
               cmd_json_bool(st->asked == RESTART_IDLE), restart_when_name(st->asked),
               cmd_json_bool(st->under_way));
    buf_printf(out, st->counted ? "%zu" : "null", st->calls);
    buf_puts(out, ",\"pending\":[");
    for (size_t i = 0; i < st->pending_count; i++)
        buf_printf(out, "%s\"%s\"", i ? "," : "", st->pending[i]);
    buf_puts(out, "]}\n");
}

static int show(struct cmd *c)
{
    struct service_restart_state st;

    if (service_restart_get(&c->sv, &st))
        return cmd_refuse(c, "%s", c->sv.why);
    if (c->json) {
        state_json(c->out, &st);
        return CMD_OK;
    }
    buf_printf(c->out, "%s\n",
               st.under_way ? "It is under way"
               : st.asked == RESTART_IDLE
                   ? "It waits for a moment without calls; dngate restart --cancel takes it back"
                   : "No restart waits");
    if (st.counted)
        buf_printf(c->out, "%zu calls run\n", st.calls);
    for (size_t i = 0; i < st.pending_count; i++)
        buf_printf(c->out, "%s takes effect with it\n", st.pending[i]);
    return CMD_OK;
}

static int cmd_restart(struct cmd *c, const struct args *a)
{
    enum restart_when when = RESTART_DRAIN;
    const char *name = args_get(a, "when");

    if (args_flag(a, "show"))
        return show(c);
    if (args_flag(a, "cancel"))
        return service_restart_cancel(&c->sv) ? cmd_refuse(c, "%s", c->sv.why)
                                              : cmd_done(c, "the server goes on as it is");
    if (name && restart_when_decode(&when, name))
        return cmd_misused(c, "--when %s: now, drain or idle", name);
    return service_restart(&c->sv, when) ? cmd_refuse(c, "%s", c->sv.why) : cmd_done(c, "%s", promise(when));
}

static const struct verb_option options[] = {
    {"when", "now|drain|idle",
     "now: calls that run are ended; drain: no new calls, those that run have drain.seconds (the default);\n"
     "idle: calls are taken as ever, until a moment comes in which none runs",
     false},
    {"cancel", NULL, "takes back one that waits for a moment without calls", false},
    {"show", NULL, "says whether one waits, and for which settings", false},
};

static const struct verb verbs[] = {
    {.name = "",
     .words = "",
     .help = "Starts the server again, so that settings that need it take effect. The process stays the "
             "same; the program is\n"
             "the one that lies now where it was started from.",
     VERB_OPTIONS(options),
     .example = "dngate restart --when idle",
     .run = cmd_restart},
};
const struct noun noun_restart = {
    .name = "restart", .help = "starts the running server again", NOUN_VERBS(verbs), .live = true};

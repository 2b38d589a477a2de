/* dngate status, calls, registrations: what goes on in the running server. */
#include "service/live.h"
#include "service/status.h"
#include "cmd/listing.h"
#include "cmd/verb.h"
#include "core/clock.h"
#include "version.h"

#include <stdio.h>
#include <stdlib.h>

static const char *seconds_text(char *buf, size_t sz, int64_t s)
{
    if (s < 60)
        snprintf(buf, sz, "%lld s", (long long)s);
    else if (s < 3600)
        snprintf(buf, sz, "%lld min %lld s", (long long)s / 60, (long long)s % 60);
    else
        snprintf(buf, sz, "%lld h %lld min", (long long)s / 3600, (long long)s / 60 % 60);
    return buf;
}

/* ---------------------------------------------------------------- calls */

static void call_json(struct buf *out, const struct call_info *ci, int64_t now_ms)
{
    char start[32], answer[32];

    buf_puts(out, "{");
    cmd_json_member(out, "id", ci->id, true);
    cmd_json_member(out, "dn", ci->dn, true);
    cmd_json_member(out, "direction", ci->direction == CDR_INBOUND ? "in" : "out", true);
    cmd_json_member(out, "caller", ci->caller, true);
    cmd_json_member(out, "callee", ci->callee, true);
    cmd_json_member(out, "trunk", ci->trunk, true);
    cmd_json_member(out, "state", ci->state, true);
    cmd_json_member(out, "path", cdr_path_name(ci->path), true);
    cmd_json_member(out, "call_uuid", ci->call_uuid, true);
    cmd_json_member(out, "started", cmd_time(start, sizeof(start), ci->start_ms), true);
    cmd_json_member(out, "answered", cmd_time(answer, sizeof(answer), ci->answer_ms), true);
    buf_printf(out, "\"seconds\":%lld}", (long long)(now_ms - ci->start_ms) / 1000);
}

static void call_list(struct listing *l, const struct call_info *ci, int64_t now_ms)
{
    char text[32];

    if (listing_json(l)) {
        call_json(l->cmd->out, ci, now_ms);
        return;
    }
    grid_add(&l->grid, ci->id);
    grid_add(&l->grid, ci->dn);
    grid_add(&l->grid, ci->direction == CDR_INBOUND ? "in" : "out");
    grid_add(&l->grid, ci->caller);
    grid_add(&l->grid, ci->callee);
    grid_add(&l->grid, ci->trunk);
    grid_add(&l->grid, ci->state);
    grid_add(&l->grid, cdr_path_name(ci->path));
    grid_add(&l->grid, seconds_text(text, sizeof(text), (now_ms - ci->start_ms) / 1000));
}

static int cmd_calls(struct cmd *c, const struct args *a)
{
    static const char *const heads[] = {"ID",    "DN",    "DIRECTION", "FROM", "TO",
                                        "TRUNK", "STATE", "PATH",      "FOR"};
    const int64_t now_ms = clock_wall_ms();
    struct service_calls calls = {NULL, 0};
    struct listing l;
    int err, status;

    (void)a;
    listing_begin(&l, c, heads, sizeof(heads) / sizeof(heads[0]));
    err = service_calls(&c->sv, &calls);
    for (size_t i = 0; i < calls.count; i++)
        call_list(&l, &calls.v[i], now_ms);
    status = listing_end(&l, err, "No call runs");
    free(calls.v);
    return status;
}

static int cmd_calls_hangup(struct cmd *c, const struct args *a)
{
    return service_call_hangup(&c->sv, a->word[0]) ? cmd_refuse(c, "%s", c->sv.why)
                                                   : cmd_done(c, "call %s is being hung up", a->word[0]);
}

/* ---------------------------------------------------------------- registrations */

static void registration_json(struct buf *out, const struct service_registration *r)
{
    char since[32], expires[32];

    buf_puts(out, "{");
    cmd_json_member(out, "dn", r->dn, true);
    cmd_json_member(out, "source", r->peer, true);
    cmd_json_member(out, "registered", cmd_time(since, sizeof(since), r->registered_ms), true);
    cmd_json_member(out, "expires", cmd_time(expires, sizeof(expires), r->expires_ms), true);
    cmd_json_member(out, "user_agent", r->user_agent, false);
    buf_puts(out, "}");
}

static void registration_list(struct listing *l, const struct service_registration *r)
{
    char text[32];

    if (listing_json(l)) {
        registration_json(l->cmd->out, r);
        return;
    }
    grid_add(&l->grid, r->dn);
    grid_add(&l->grid, r->peer);
    grid_add(&l->grid, cmd_time(text, sizeof(text), r->registered_ms));
    grid_add(&l->grid, cmd_time(text, sizeof(text), r->expires_ms));
    grid_add(&l->grid, r->user_agent);
}

static int cmd_registrations(struct cmd *c, const struct args *a)
{
    static const char *const heads[] = {"DN", "SOURCE", "REGISTERED", "EXPIRES", "USER AGENT"};
    struct service_registrations list = {NULL, 0};
    struct listing l;
    int err, status;

    (void)a;
    listing_begin(&l, c, heads, 5);
    err = service_registrations(&c->sv, &list);
    for (size_t i = 0; i < list.count; i++)
        registration_list(&l, &list.v[i]);
    status = listing_end(&l, err, "No DN is registered");
    free(list.v);
    return status;
}

static int cmd_registrations_drop(struct cmd *c, const struct args *a)
{
    return service_registration_drop(&c->sv, a->word[0]) ? cmd_refuse(c, "%s", c->sv.why)
                                                         : cmd_done(c, "DN %s is signed out", a->word[0]);
}

/* ---------------------------------------------------------------- status */

static void status_text(struct cmd *c, const struct service_status *st)
{
    struct grid g;
    char text[64];

    buf_printf(c->out, "dngate %s, process %d, up for %s\n%s\n", DNGATE_VERSION, st->pid,
               seconds_text(text, sizeof(text), (int64_t)st->uptime_s),
               st->ready ? "ready to take calls" : "NOT READY to take calls");
    if (st->counted)
        buf_printf(c->out, "%zu calls, %zu DNs registered\n\n", st->counts.calls, st->counts.registrations);
    else
        buf_printf(c->out, "calls and registrations are not known: %s\n\n", c->sv.why);
    grid_init(&g, 3);
    for (size_t i = 0; i < st->part_count; i++) {
        grid_add(&g, st->parts[i].name);
        grid_add(&g, health_state_name(st->parts[i].state));
        grid_add(&g, st->parts[i].reason);
    }
    (void)grid_print(&g, c->out);
}

static void status_json(struct cmd *c, const struct service_status *st)
{
    buf_printf(c->out, "{\"version\":\"%s\",\"pid\":%d,\"uptime_seconds\":%llu,\"ready\":%s,", DNGATE_VERSION,
               st->pid, (unsigned long long)st->uptime_s, cmd_json_bool(st->ready));
    if (st->counted)
        buf_printf(c->out, "\"calls\":%zu,\"registrations\":%zu,", st->counts.calls,
                   st->counts.registrations);
    else
        buf_puts(c->out, "\"calls\":null,\"registrations\":null,");
    buf_puts(c->out, "\"parts\":{");
    for (size_t i = 0; i < st->part_count; i++) {
        buf_puts(c->out, i ? "," : "");
        buf_json_str(c->out, st->parts[i].name);
        buf_puts(c->out, ":{");
        cmd_json_member(c->out, "state", health_state_name(st->parts[i].state), true);
        cmd_json_member(c->out, "reason", st->parts[i].reason, false);
        buf_puts(c->out, "}");
    }
    buf_puts(c->out, "}}\n");
}

static int cmd_status(struct cmd *c, const struct args *a)
{
    struct service_status st;

    (void)a;
    if (service_status(&c->sv, &st))
        return cmd_refuse(c, "%s", c->sv.why);
    (c->json ? status_json : status_text)(c, &st);
    return st.counted && st.ready ? CMD_OK : CMD_REFUSED;
}

/* ---------------------------------------------------------------- */

static const struct verb_option watch[] = {{"watch", NULL, "again each second until Ctrl-C", false}};

static const struct verb calls_verbs[] = {
    {.name = "",
     .words = "",
     .help = "Lists the calls that run now.",
     VERB_OPTIONS(watch),
     .example = "dngate calls --watch",
     .run = cmd_calls},
    {.name = "hangup",
     .words = "ID",
     .words_min = 1,
     .words_max = 1,
     .help = "Hangs up a call on both sides. ID as dngate calls and the log show it.",
     .example = "dngate calls hangup 6f1c2d3e4b5a69788796a5b4c3d2e1f0",
     .run = cmd_calls_hangup},
};
const struct noun noun_calls = {
    .name = "calls", .help = "the calls that run now", NOUN_VERBS(calls_verbs), .live = true};

static const struct verb registrations_verbs[] = {
    {.name = "",
     .words = "",
     .help = "Lists the DNs that are registered now: whose page is ready for calls.",
     VERB_OPTIONS(watch),
     .example = "dngate registrations --json",
     .run = cmd_registrations},
    {.name = "drop",
     .words = "DN",
     .words_min = 1,
     .words_max = 1,
     .help = "Signs a DN's page out. It is told and may sign in again; dn disable keeps it out.",
     .example = "dngate registrations drop 5001",
     .run = cmd_registrations_drop},
};
const struct noun noun_registrations = {.name = "registrations",
                                        .help = "the DNs that are registered now",
                                        NOUN_VERBS(registrations_verbs),
                                        .live = true};

static const struct verb status_verbs[] = {
    {.name = "",
     .words = "",
     .help = "Says how the running server is: ready or not and why, calls, registrations. Exit status 1 when "
             "it is not\n"
             "ready to take calls.",
     VERB_OPTIONS(watch),
     .example = "dngate status --watch",
     .run = cmd_status},
};
const struct noun noun_status = {
    .name = "status", .help = "how the running server is", NOUN_VERBS(status_verbs), .live = true};

/* dngate status, calls, registrations: what goes on in the running server. */
#include "service/live.h"
#include "service/livejson.h"
#include "service/status.h"
#include "cmd/listing.h"
#include "cmd/verb.h"
#include "core/clock.h"
#include "version.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
    livejson_call(out, ci);
    buf_puts(out, ",");
    cmd_json_member(out, "started", cmd_time(start, sizeof(start), ci->start_ms), true);
    cmd_json_member(out, "answered", cmd_time(answer, sizeof(answer), ci->answer_ms), true);
    buf_printf(out, "\"seconds\":%lld}", (long long)(now_ms - ci->start_ms) / 1000);
}

/* "opus-PCMU" */
static const char *codecs_text(char *buf, size_t sz, const struct call_info *ci)
{
    snprintf(buf, sz, "%s%s%s", ci->codec_browser, ci->codec_browser[0] && ci->codec_trunk[0] ? "-" : "",
             ci->codec_trunk);
    return buf;
}

/* MOS on its way to the trunk and to the browser: "4.4/4.3". */
static const char *mos_text(char *buf, size_t sz, const struct call_info *ci)
{
    char to[2][8] = {"-", "-"};

    if (ci->to_trunk.known)
        snprintf(to[0], sizeof(to[0]), "%.1f", ci->to_trunk.mos);
    if (ci->to_browser.known)
        snprintf(to[1], sizeof(to[1]), "%.1f", ci->to_browser.mos);
    snprintf(buf, sz, "%s/%s", to[0], to[1]);
    return buf;
}

static void call_list(struct listing *l, const struct call_info *ci, int64_t now_ms)
{
    char text[48];

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
    snprintf(text, sizeof(text), "waiting for the page (%u s)", ci->waits_s);
    grid_add(&l->grid, ci->waits ? text : ci->state);
    grid_add(&l->grid, cdr_path_name(ci->path));
    grid_add(&l->grid, codecs_text(text, sizeof(text), ci));
    grid_add(&l->grid, mos_text(text, sizeof(text), ci));
    grid_add(&l->grid, seconds_text(text, sizeof(text), (now_ms - ci->start_ms) / 1000));
}

static int cmd_calls(struct cmd *c, const struct args *a)
{
    static const char *const heads[] = {"ID",    "DN",   "DIRECTION", "FROM", "TO", "TRUNK",
                                        "STATE", "PATH", "CODECS",    "MOS",  "FOR"};
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
    livejson_registration(out, r);
    buf_puts(out, ",");
    cmd_json_member(out, "source", r->peer, true);
    cmd_json_member(out, "registered", cmd_time(since, sizeof(since), r->registered_ms), true);
    cmd_json_member(out, "expires", cmd_time(expires, sizeof(expires), r->expires_ms), true);
    cmd_json_member(out, "user_agent", r->user_agent, false);
    buf_puts(out, "}");
}

/* "at genesys", "refused: SIP Server does not know the DN (404)" */
static const char *upstream_text(char *buf, size_t sz, const struct service_upstream *u)
{
    if (!u->state)
        snprintf(buf, sz, "%s", "");
    else if (!strcmp(u->state, "registered") || !strcmp(u->state, "refreshing"))
        snprintf(buf, sz, "at %s", u->trunk);
    else if (u->code)
        snprintf(buf, sz, "%s: %s (%u)", u->state, u->text, u->code);
    else
        snprintf(buf, sz, "%s: %s", u->state, u->text);
    return buf;
}

static void registration_list(struct listing *l, const struct service_registration *r)
{
    char text[32], upstream[160];

    if (listing_json(l)) {
        registration_json(l->cmd->out, r);
        return;
    }
    grid_add(&l->grid, r->dn);
    grid_add(&l->grid, r->peer);
    grid_add(&l->grid, cmd_time(text, sizeof(text), r->registered_ms));
    grid_add(&l->grid, cmd_time(text, sizeof(text), r->expires_ms));
    grid_add(&l->grid, r->state);
    grid_add(&l->grid, upstream_text(upstream, sizeof(upstream), &r->upstream));
    grid_add(&l->grid, r->user_agent);
}

static int cmd_registrations(struct cmd *c, const struct args *a)
{
    static const char *const heads[] = {"DN",    "SOURCE",   "REGISTERED", "EXPIRES",
                                        "STATE", "UPSTREAM", "USER AGENT"};
    struct service_registrations list = {NULL, 0};
    struct listing l;
    int err, status;

    (void)a;
    listing_begin(&l, c, heads, sizeof(heads) / sizeof(heads[0]));
    err = service_registrations(&c->sv, &list);
    for (size_t i = 0; i < list.count; i++)
        registration_list(&l, &list.v[i]);
    status = listing_end(&l, err, "No DN is registered");
    free(list.v);
    return status;
}

static int cmd_registrations_message(struct cmd *c, const struct args *a)
{
    return service_registration_message(&c->sv, a->word[0], a->word[1])
               ? cmd_refuse(c, "%s", c->sv.why)
               : cmd_done(c, "DN %s is shown the message", a->word[0]);
}

static bool happening_list(const struct happening *h, void *arg)
{
    struct listing *l = arg;
    char text[32];

    if (listing_happening(l, h))
        return false;
    grid_add(&l->grid, cmd_time(text, sizeof(text), h->time_ms));
    grid_add(&l->grid, h->event);
    grid_add(&l->grid, h->address);
    grid_add(&l->grid, h->browser);
    grid_add(&l->grid, h->detail);
    return false;
}

static int cmd_registrations_history(struct cmd *c, const struct args *a)
{
    static const char *const heads[] = {"TIME", "EVENT", "SOURCE", "BROWSER", "DETAIL"};
    struct listing l;

    listing_begin(&l, c, heads, 5);
    return listing_end(&l, service_happenings(&c->sv, "dn", a->word[0], happening_list, &l),
                       "Nothing is known of this DN yet");
}

static int cmd_registrations_drop(struct cmd *c, const struct args *a)
{
    return service_registration_drop(&c->sv, a->word[0]) ? cmd_refuse(c, "%s", c->sv.why)
                                                         : cmd_done(c, "DN %s is signed out", a->word[0]);
}

/* ---------------------------------------------------------------- status */

static void attention_text(struct cmd *c)
{
    const struct attention_list *l = c->sv.now ? &c->sv.now->attention : NULL;

    for (size_t i = 0; l && i < l->count; i++)
        buf_printf(c->out, "%s %s %s\n", l->v[i].bad ? "!!" : "! ", l->v[i].text, l->v[i].advice);
    if (l && l->count)
        buf_puts(c->out, "\n");
}

static void hour_text(struct cmd *c, const struct figures_now *f)
{
    char text[64];

    buf_printf(
        c->out,
        "last hour: %llu inbound, %llu outbound, %llu answered (average %s), %llu abandoned (%.1f %%), %llu "
        "failed\n",
        (unsigned long long)f->hour.inbound, (unsigned long long)f->hour.outbound,
        (unsigned long long)f->hour.answered, seconds_text(text, sizeof(text), (int64_t)f->hour.average_s),
        (unsigned long long)f->hour.abandoned, f->hour.abandoned_percent, (unsigned long long)f->hour.failed);
    if (f->voice.mos > 0)
        buf_printf(c->out, "voice: MOS %.1f, loss %.1f %%, jitter %.0f ms, round trip %.0f ms\n",
                   f->voice.mos, f->voice.loss_percent, f->voice.jitter_ms, f->voice.rtt_ms);
    buf_printf(c->out, "box: CPU %.0f %% of one of %d, %llu MB, disk %.0f %% full, %.1f Mbit/s\n\n",
               f->box.cpu_percent, f->box.cpus, (unsigned long long)f->box.rss_bytes >> 20,
               f->box.disk_percent, f->box.bits_per_s / 1e6);
}

static void trunks_text(struct cmd *c, const struct service_trunks *t)
{
    struct grid g;
    char text[32];

    if (!t->count)
        return;
    buf_puts(c->out, "\n");
    grid_init(&g, 4);
    for (size_t i = 0; i < t->count; i++) {
        grid_add(&g, t->v[i].name);
        grid_add(&g, livejson_trunk_state(t->v[i].state));
        snprintf(text, sizeof(text), "%.0f ms", t->v[i].rtt_ms);
        grid_add(&g, t->v[i].rtt_ms > 0 ? text : "");
        grid_add(&g, t->v[i].detail);
    }
    (void)grid_print(&g, c->out);
}

static void status_text(struct cmd *c, const struct service_status *st)
{
    struct grid g;
    char text[64];

    buf_printf(c->out, "dngate %s, process %d, up for %s\n%s\n", DNGATE_VERSION, st->pid,
               seconds_text(text, sizeof(text), (int64_t)st->uptime_s),
               st->ready ? "ready to take calls" : "NOT READY to take calls");
    if (c->sv.now && c->sv.now->lab)
        buf_puts(c->out, "lab mode: a built-in SIP Server and known passwords\n");
    if (st->counted)
        buf_printf(c->out, "%zu calls, %zu DNs registered\n\n", st->counts.calls, st->counts.registrations);
    else
        buf_printf(c->out, "calls and registrations are not known: %s\n\n", c->sv.why);
    attention_text(c);
    if (st->known)
        hour_text(c, &st->figures);
    grid_init(&g, 3);
    for (size_t i = 0; i < st->part_count; i++) {
        grid_add(&g, st->parts[i].name);
        grid_add(&g, health_state_name(st->parts[i].state));
        grid_add(&g, st->parts[i].reason);
    }
    (void)grid_print(&g, c->out);
    trunks_text(c, &st->trunks);
}

static void status_json(struct cmd *c, const struct service_status *st)
{
    buf_printf(c->out, "{\"pid\":%d,\"uptime_seconds\":%llu,", st->pid, (unsigned long long)st->uptime_s);
    livejson_status(c->out, &c->sv, st, true);
    buf_puts(c->out, "}\n");
}

static int cmd_status(struct cmd *c, const struct args *a)
{
    struct service_status st;

    (void)a;
    if (service_status(&c->sv, &st))
        return cmd_refuse(c, "%s", c->sv.why);
    (c->json ? status_json : status_text)(c, &st);
    service_status_free(&st);
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
     .help = "Lists the DNs that are registered now: whose page is ready for calls. UPSTREAM: what SIP "
             "Server says of "
             "them, where a\ntrunk registers DNs.",
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
    {.name = "message",
     .words = "DN TEXT",
     .words_min = 2,
     .words_max = 2,
     .help = "Shows a text on a DN's page, until the agent has read it.",
     .example = "dngate registrations message 5001 'Please sign in again after this call'",
     .run = cmd_registrations_message},
    {.name = "history",
     .words = "DN",
     .words_min = 1,
     .words_max = 1,
     .help = "Lists what happened to a DN's registration: signed in and out, expired, taken over, dropped, "
             "refused; the last 50, the\n"
             "newest first.",
     .example = "dngate registrations history 5001",
     .run = cmd_registrations_history},
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

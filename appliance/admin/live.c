#include "admin/live.h"
#include "admin/api.h"
#include "core/clock.h"
#include "core/json.h"
#include "service/alerts.h"
#include "service/ban.h"
#include "service/livejson.h"
#include "service/trunk.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- status and its history */

static int status_h(struct api_call *c)
{
    struct service_status st;
    const int err = service_status(c->sv, &st);

    if (err)
        return err;
    buf_puts(c->out, "{");
    livejson_status(c->out, c->sv, &st, false);
    buf_puts(c->out, "}");
    service_status_free(&st);
    return 0;
}

static int history_h(struct api_call *c)
{
    const char *span = api_query(c, "span");
    struct service_history h;
    const int err = service_history(c->sv, span ? span : "1h", &h);

    if (err)
        return err;
    livejson_history(c->out, &h);
    service_history_free(&h);
    return 0;
}

/* ---------------------------------------------------------------- calls */

/* Where the page that was asked for begins: behind the cursor, a key by which the list is in order. */
static size_t page_begin(const char *cursor, const void *v, size_t count, size_t each, size_t key)
{
    size_t i = 0;

    while (cursor && i < count && strcmp((const char *)v + i * each + key, cursor) <= 0)
        i++;
    return i;
}

static int calls_list_h(struct api_call *c)
{
    const char *next = "";
    struct service_calls calls;
    const int err = service_calls(c->sv, &calls);
    size_t i;

    if (err)
        return err;
    api_list_begin(c->out);
    i = page_begin(api_query(c, "cursor"), calls.v, calls.count, sizeof(*calls.v),
                   offsetof(struct call_info, id));
    for (size_t n = 0; i < calls.count && n < api_limit(c); i++, n++) {
        api_item(c->out);
        livejson_call(c->out, &calls.v[i]);
        buf_puts(c->out, "}");
        next = calls.v[i].id;
    }
    api_list_end(c->out, (int64_t)calls.count, i < calls.count ? next : "");
    free(calls.v);
    return 0;
}

static int hangup_h(struct api_call *c)
{
    return service_call_hangup(c->sv, c->params[0]);
}

/* ---------------------------------------------------------------- registrations */

static int registrations_h(struct api_call *c)
{
    const char *next = "";
    struct service_registrations r;
    const int err = service_registrations(c->sv, &r);
    size_t i;

    if (err)
        return err;
    api_list_begin(c->out);
    i = page_begin(api_query(c, "cursor"), r.v, r.count, sizeof(*r.v),
                   offsetof(struct service_registration, dn));
    for (size_t n = 0; i < r.count && n < api_limit(c); i++, n++) {
        api_item(c->out);
        livejson_registration(c->out, &r.v[i]);
        buf_puts(c->out, "}");
        next = r.v[i].dn;
    }
    api_list_end(c->out, (int64_t)r.count, i < r.count ? next : "");
    free(r.v);
    return 0;
}

static int drop_h(struct api_call *c)
{
    return service_registration_drop(c->sv, c->params[0]);
}

static int message_h(struct api_call *c)
{
    return service_registration_message(c->sv, c->params[0], json_get_str(c->body, "text"));
}

/* ---------------------------------------------------------------- bans */

struct listing {
    struct buf *out;
    int64_t now_ms, count;
    size_t limit;
};

static bool ban_each_h(const struct guard_ban *b, void *arg)
{
    struct listing *l = arg;

    if (l->count++ < (int64_t)l->limit) {
        api_item(l->out);
        livejson_ban(l->out, b, l->now_ms);
        buf_puts(l->out, "}");
    }
    return false;
}

static int bans_h(struct api_call *c)
{
    struct listing l = {.out = c->out, .now_ms = clock_wall_ms(), .limit = api_limit(c)};
    int err;

    api_list_begin(c->out);
    err = service_ban_each(c->sv, ban_each_h, &l);
    api_list_end(c->out, l.count, "");
    return err;
}

static int ban_lift_h(struct api_call *c)
{
    size_t lifted;

    return service_ban_clear(c->sv, c->params[0], &lifted);
}

/* ---------------------------------------------------------------- alerts */

static int alerts_h(struct api_call *c)
{
    struct service_alerts a;
    const int err = service_alerts(c->sv, &a);

    if (err)
        return err;
    buf_puts(c->out, "{");
    api_put_bool(c->out, "webhook_set", a.webhook_set);
    api_put_str(c->out, "events", a.events);
    api_put_int(c->out, "waiting", (int64_t)a.waiting);
    api_put_name(c->out, "last");
    buf_puts(c->out, "{");
    api_put_int(c->out, "time_ms", a.time_ms);
    api_put_bool(c->out, "ok", a.ok);
    api_put_str(c->out, "detail", a.detail);
    buf_puts(c->out, "}}");
    return 0;
}

static int alerts_test_h(struct api_call *c)
{
    const int err = service_alerts_test(c->sv);

    if (!err)
        service_noted(c->sv, "alerts test");
    c->status = 202;
    return err ? err : alerts_h(c);
}

/* ---------------------------------------------------------------- one DN, one trunk */

static bool happening_item(const struct happening *h, void *arg)
{
    struct listing *l = arg;

    if (l->count++ < (int64_t)l->limit) {
        api_item(l->out);
        livejson_happening(l->out, h);
        buf_puts(l->out, "}");
    }
    return false;
}

static int happenings(struct api_call *c, const char *noun)
{
    struct listing l = {.out = c->out, .limit = api_limit(c)};
    int err;

    api_list_begin(c->out);
    err = service_happenings(c->sv, noun, c->params[0], happening_item, &l);
    api_list_end(c->out, l.count, "");
    return err;
}

static int dn_history_h(struct api_call *c)
{
    return happenings(c, "dn");
}

static int trunk_history_h(struct api_call *c)
{
    return happenings(c, "trunk");
}

static int trunk_live_h(struct api_call *c)
{
    struct service_trunk off = {.state = "disabled"};
    const struct service_trunk *found = &off;
    struct service_picture p;
    struct trunk row;
    int err = service_picture(c->sv, SERVICE_TRUNKS, &p);

    if (err)
        return err;
    for (size_t i = 0; i < p.trunks.count; i++)
        if (!strcmp(p.trunks.v[i].name, c->params[0]))
            found = &p.trunks.v[i];
    snprintf(off.name, sizeof(off.name), "%s", c->params[0]);
    if (found == &off)
        err = service_trunk_get(c->sv, c->params[0], &row);
    if (!err) {
        buf_puts(c->out, "{");
        livejson_trunk(c->out, found, true);
        buf_puts(c->out, "}");
    }
    service_picture_free(&p);
    return err;
}

/* ---------------------------------------------------------------- the tables */

#define STATES "up|degraded|down"

static const struct api_value part[] = {
    {.name = "name", .type = API_TEXT, .needed = true},
    {.name = "state", .type = API_TEXT, .needed = true, .choices = STATES},
    {.name = "reason", .type = API_TEXT, .needed = true, .help = "In words; empty when it is up."},
    {.name = "since_ms", .type = API_TIME, .needed = true, .help = "When it came to this state."},
};
static const struct api_value attention_params[] = {
    {.name = "n", .type = API_INT},
    {.name = "trunk", .type = API_TEXT},
    {.name = "part", .type = API_TEXT},
    {.name = "why", .type = API_TEXT},
    {.name = "percent", .type = API_INT},
    {.name = "mos", .type = API_REAL},
    {.name = "ways", .type = API_TEXT, .help = "Of browsers: https, ice, …"},
    {.name = "settings", .type = API_TEXT, .help = "Their names."},
    {.name = "dn", .type = API_TEXT},
};
static const struct api_value attention[] = {
    {.name = "kind", .type = API_TEXT, .needed = true},
    {.name = "level", .type = API_TEXT, .needed = true, .choices = "bad|warn"},
    {.name = "code",
     .type = API_TEXT,
     .needed = true,
     .help = "Stays the same; with params it says what text and advice say."},
    {.name = "params", .type = API_OBJECT, .needed = true, API_VALUES(attention_params)},
    {.name = "text", .type = API_TEXT, .needed = true, .help = "What is the case."},
    {.name = "advice", .type = API_TEXT, .needed = true, .help = "What to do."},
    {.name = "place", .type = API_TEXT, .needed = true, .help = "Where in the console."},
    {.name = "since_ms", .type = API_TIME, .needed = true},
};
static const struct api_value agents[] = {
    {.name = "off", .type = API_INT, .needed = true},
    {.name = "ready", .type = API_INT, .needed = true},
    {.name = "ringing", .type = API_INT, .needed = true},
    {.name = "on_call", .type = API_INT, .needed = true},
};
static const struct api_value trunk_short[] = {
    {.name = "name", .type = API_TEXT, .needed = true},
    {.name = "state", .type = API_TEXT, .needed = true, .choices = "up|down|unknown"},
    {.name = "detail", .type = API_TEXT, .needed = true, .help = "Why it is not up."},
    {.name = "rtt_ms", .type = API_REAL, .needed = true, .help = "From OPTIONS to its answer; 0: not known."},
    {.name = "since_ms", .type = API_TIME, .needed = true},
};
static const struct api_value hour[] = {
    {.name = "inbound", .type = API_INT, .needed = true},
    {.name = "outbound", .type = API_INT, .needed = true},
    {.name = "answered", .type = API_INT, .needed = true},
    {.name = "average_s", .type = API_REAL, .needed = true, .help = "From answer to end."},
    {.name = "abandoned",
     .type = API_INT,
     .needed = true,
     .help = "Inbound calls whose caller hung up before the answer."},
    {.name = "abandoned_percent", .type = API_REAL, .needed = true, .help = "Of inbound calls."},
    {.name = "failed", .type = API_INT, .needed = true},
};
static const struct api_value voice[] = {
    {.name = "mos", .type = API_REAL, .needed = true, .help = "Of the last hour; 0: nobody was heard."},
    {.name = "loss_percent", .type = API_REAL, .needed = true},
    {.name = "jitter_ms", .type = API_REAL, .needed = true},
    {.name = "rtt_ms", .type = API_REAL, .needed = true},
};
static const struct api_value turn[] = {
    {.name = "calls", .type = API_INT, .needed = true, .help = "Calls whose audio goes by our TURN server."},
    {.name = "allocations", .type = API_INT, .needed = true},
    {.name = "bits_per_s", .type = API_REAL, .needed = true},
};
static const struct api_value box[] = {
    {.name = "cpu_percent", .type = API_REAL, .needed = true, .help = "Of this process, of one CPU."},
    {.name = "cpus", .type = API_INT, .needed = true},
    {.name = "rss_bytes", .type = API_INT, .needed = true},
    {.name = "disk_percent", .type = API_REAL, .needed = true, .help = "Used, where the data directory is."},
    {.name = "disk_free_bytes", .type = API_INT, .needed = true},
    {.name = "bits_per_s", .type = API_REAL, .needed = true, .help = "All that goes and comes."},
    {.name = "load", .type = API_REAL, .needed = true, .help = "Of the machine, over a minute."},
};
static const struct api_value certificate[] = {
    {.name = "subject", .type = API_TEXT, .needed = true},
    {.name = "expires_ms", .type = API_TIME, .needed = true},
    {.name = "days", .type = API_INT, .needed = true},
    {.name = "own", .type = API_BOOL, .needed = true, .help = "Signed by itself."},
};
static const struct api_value status[] = {
    {.name = "ready", .type = API_BOOL, .needed = true, .help = "To take calls."},
    {.name = "lab", .type = API_BOOL, .needed = true},
    {.name = "version", .type = API_TEXT, .needed = true},
    {.name = "started_ms", .type = API_TIME, .needed = true},
    {.name = "uptime_s", .type = API_INT, .needed = true},
    {.name = "now_ms", .type = API_TIME, .needed = true},
    {.name = "parts", .type = API_LIST, .needed = true, API_VALUES(part)},
    {.name = "attention", .type = API_LIST, .needed = true, API_VALUES(attention)},
    {.name = "calls",
     .type = API_ANY,
     .needed = true,
     .help = "How many run; null: signalling does not answer."},
    {.name = "registrations",
     .type = API_ANY,
     .needed = true,
     .help = "How many DNs are signed in; null as above."},
    {.name = "dns", .type = API_ANY, .needed = true, .help = "How many DNs there are; null as above."},
    {.name = "upstream", .type = API_ANY, .needed = true, .help = "DNs at SIP Server; null as above."},
    {.name = "agents", .type = API_OBJECT, .needed = true, API_VALUES(agents)},
    {.name = "trunks", .type = API_LIST, .needed = true, API_VALUES(trunk_short)},
    {.name = "hour", .type = API_OBJECT, .needed = true, API_VALUES(hour)},
    {.name = "voice", .type = API_OBJECT, .needed = true, API_VALUES(voice)},
    {.name = "turn", .type = API_OBJECT, .needed = true, API_VALUES(turn)},
    {.name = "box", .type = API_OBJECT, .needed = true, API_VALUES(box)},
    {.name = "errors_per_min",
     .type = API_INT,
     .needed = true,
     .help = "Lines of the log: errors and warnings."},
    {.name = "certificate", .type = API_OBJECT, .needed = true, API_VALUES(certificate)},
};

static const struct api_value span[] = {
    {.name = "span",
     .type = API_TEXT,
     .choices = "1h|24h|30d",
     .help = "1h by the minute, 24h by 5 minutes, 30d by the hour."},
};
static const struct api_value history[] = {
    {.name = "step_ms", .type = API_INT, .needed = true},
    {.name = "from_ms", .type = API_TIME, .needed = true, .help = "The beginning of the first step."},
    {.name = "series",
     .type = API_ANY,
     .needed = true,
     .help = "By name a list of numbers, one a step, null where nothing is known."},
};

static const struct api_value quality[] = {
    {.name = "to_trunk",
     .type = API_ANY,
     .needed = true,
     .help = "What comes from the browser: mos, loss_percent, jitter_ms; or null."},
    {.name = "to_browser", .type = API_ANY, .needed = true, .help = "What comes from the trunk."},
    {.name = "browser",
     .type = API_ANY,
     .needed = true,
     .help = "What the browser itself says that it hears."},
    {.name = "rtt_ms", .type = API_REAL, .needed = true, .help = "To the browser and back; 0: not known."},
    {.name = "browser_rtt_ms",
     .type = API_REAL,
     .needed = true,
     .help = "The same as the browser measures it."},
};
static const struct api_value call[] = {
    {.name = "id", .type = API_TEXT, .needed = true},
    {.name = "dn", .type = API_TEXT, .needed = true},
    {.name = "name", .type = API_TEXT, .needed = true, .help = "Of the agent."},
    {.name = "direction", .type = API_TEXT, .needed = true, .choices = "in|out"},
    {.name = "caller", .type = API_TEXT, .needed = true},
    {.name = "caller_name", .type = API_TEXT, .needed = true},
    {.name = "callee", .type = API_TEXT, .needed = true},
    {.name = "trunk", .type = API_TEXT, .needed = true},
    {.name = "state",
     .type = API_TEXT,
     .needed = true,
     .choices = "new|calling|ringing|answered|held|ending|over"},
    {.name = "path",
     .type = API_TEXT,
     .needed = true,
     .help = "direct, relay-udp, relay-tcp, relay-tls, relay-other; empty: not found yet."},
    {.name = "address", .type = API_TEXT, .needed = true, .help = "Where the browser's audio comes from."},
    {.name = "codec_browser", .type = API_TEXT, .needed = true},
    {.name = "codec_trunk", .type = API_TEXT, .needed = true},
    {.name = "start_ms", .type = API_TIME, .needed = true},
    {.name = "answer_ms", .type = API_TIME, .needed = true, .help = "0: not answered yet."},
    {.name = "waits_s", .type = API_INT, .help = "Seconds that it waits for its page; absent: it is there."},
    {.name = "call_uuid", .type = API_TEXT, .needed = true},
    {.name = "quality", .type = API_OBJECT, .needed = true, API_VALUES(quality)},
};

#define AGENT_STATES "ready|ringing|on_call"

static const struct api_value registration[] = {
    {.name = "dn", .type = API_TEXT, .needed = true},
    {.name = "name", .type = API_TEXT, .needed = true},
    {.name = "address", .type = API_TEXT, .needed = true},
    {.name = "browser", .type = API_TEXT, .needed = true},
    {.name = "state", .type = API_TEXT, .needed = true, .choices = AGENT_STATES},
    {.name = "registered_ms", .type = API_TIME, .needed = true},
    {.name = "expires_ms", .type = API_TIME, .needed = true},
    {.name = "upstream",
     .type = API_ANY,
     .needed = true,
     .help = "At SIP Server: {state, code, since_ms, until_ms, sequence, trunk, text}, state idle, "
             "registering, registered, "
             "refreshing, refused, waiting or leaving, text in words; null: no trunk registers DNs."},
};
static const struct api_value message[] = {
    {.name = "text",
     .type = API_TEXT,
     .needed = true,
     .min = 1,
     .max = SERVICE_MESSAGE_MAX,
     .help = "One line."},
};
static const struct api_value ban[] = {
    {.name = "address",
     .type = API_TEXT,
     .needed = true,
     .help = "An IPv4 address, or an IPv6 network of 64 bits."},
    {.name = "since_ms", .type = API_TIME, .needed = true},
    {.name = "until_ms", .type = API_TIME, .needed = true},
    {.name = "failures", .type = API_INT, .needed = true},
    {.name = "bans", .type = API_INT, .needed = true, .help = "How often it has been banned."},
};
static const struct api_value dn_happening[] = {
    {.name = "time_ms", .type = API_TIME, .needed = true},
    {.name = "event",
     .type = API_TEXT,
     .needed = true,
     .choices = "signed_in|signed_out|expired|taken_over|dropped|refused"},
    {.name = "address", .type = API_TEXT, .needed = true},
    {.name = "browser", .type = API_TEXT, .needed = true},
    {.name = "detail", .type = API_TEXT, .needed = true},
    {.name = "times", .type = API_INT, .needed = true, .help = "How often in a row."},
};
static const struct api_value trunk_happening[] = {
    {.name = "time_ms", .type = API_TIME, .needed = true},
    {.name = "state", .type = API_TEXT, .needed = true, .choices = "up|down"},
    {.name = "detail", .type = API_TEXT, .needed = true},
    {.name = "times", .type = API_INT, .needed = true},
};
static const struct api_value trunk_address[] = {
    {.name = "address", .type = API_TEXT, .needed = true},
    {.name = "state", .type = API_TEXT, .needed = true, .choices = "up|down|unknown"},
    {.name = "rtt_ms", .type = API_REAL, .needed = true},
};
static const struct api_value trunk_live[] = {
    {.name = "name", .type = API_TEXT, .needed = true},
    {.name = "state", .type = API_TEXT, .needed = true, .choices = "up|down|unknown|disabled"},
    {.name = "detail", .type = API_TEXT, .needed = true},
    {.name = "rtt_ms", .type = API_REAL, .needed = true},
    {.name = "since_ms", .type = API_TIME, .needed = true},
    {.name = "addresses",
     .type = API_LIST,
     .needed = true,
     .help = "What its name leads to.",
     API_VALUES(trunk_address)},
};

static const struct api_value alert_last[] = {
    {.name = "time_ms", .type = API_TIME, .needed = true, .help = "0: there was none yet."},
    {.name = "ok", .type = API_BOOL, .needed = true},
    {.name = "detail", .type = API_TEXT, .needed = true, .help = "Which alert, and how it went."},
};
static const struct api_value alerts[] = {
    {.name = "webhook_set", .type = API_BOOL, .needed = true},
    {.name = "events", .type = API_TEXT, .needed = true, .help = "Setting alerts.events."},
    {.name = "waiting", .type = API_INT, .needed = true, .help = "Alerts that are still to be sent."},
    {.name = "last", .type = API_OBJECT, .needed = true, API_VALUES(alert_last)},
};

static const struct api_route routes[] = {
    {.method = "GET",
     .path = "/alerts",
     .access = API_READONLY,
     .summary = "How the last alert went.",
     .h = alerts_h,
     API_ANSWER(alerts)},
    {.method = "POST",
     .path = "/alerts/test",
     .access = API_ADMIN,
     .summary = "Sends a test to the webhook; GET /alerts says how it went.",
     .h = alerts_test_h,
     API_ANSWER(alerts)},
    {.method = "GET",
     .path = "/status",
     .access = API_READONLY,
     .summary = "How the box is, and what needs attention.",
     .h = status_h,
     API_ANSWER(status)},
    {.method = "GET",
     .path = "/history",
     .access = API_READONLY,
     .summary = "Figures of the last hour, day or month, for graphs.",
     .h = history_h,
     API_QUERY(span),
     API_ANSWER(history)},
    {.method = "GET",
     .path = "/calls",
     .access = API_READONLY,
     .summary = "The calls that run now.",
     .h = calls_list_h,
     .list = true,
     API_ANSWER(call)},
    {.method = "DELETE",
     .path = "/calls/{id}",
     .access = API_SUPERVISOR,
     .summary = "Hangs up a call on both sides.",
     .h = hangup_h},
    {.method = "GET",
     .path = "/registrations",
     .access = API_READONLY,
     .summary = "The DNs that are signed in now.",
     .h = registrations_h,
     .list = true,
     API_ANSWER(registration)},
    {.method = "DELETE",
     .path = "/registrations/{dn}",
     .access = API_SUPERVISOR,
     .summary = "Signs a DN's page out; it may sign in again.",
     .h = drop_h},
    {.method = "POST",
     .path = "/registrations/{dn}/message",
     .access = API_SUPERVISOR,
     .summary = "Shows a text on a DN's page.",
     .h = message_h,
     API_BODY(message)},
    {.method = "GET",
     .path = "/bans",
     .access = API_READONLY,
     .summary = "Sources that are banned after failed sign-ins.",
     .h = bans_h,
     .list = true,
     API_ANSWER(ban)},
    {.method = "DELETE",
     .path = "/bans/{address}",
     .access = API_ADMIN,
     .summary = "Lifts a ban: of an address, or of the network it is in.",
     .h = ban_lift_h},
    {.method = "GET",
     .path = "/dns/{dn}/history",
     .access = API_READONLY,
     .summary = "What happened to a DN's registration, newest first.",
     .h = dn_history_h,
     .list = true,
     API_ANSWER(dn_happening)},
    {.method = "GET",
     .path = "/trunks/{name}/live",
     .access = API_READONLY,
     .summary = "How a trunk is now.",
     .h = trunk_live_h,
     API_ANSWER(trunk_live)},
    {.method = "GET",
     .path = "/trunks/{name}/history",
     .access = API_READONLY,
     .summary = "A trunk's states, newest first.",
     .h = trunk_history_h,
     .list = true,
     API_ANSWER(trunk_happening)},
};

int admin_live_routes(void)
{
    return api_routes(routes, sizeof(routes) / sizeof(routes[0]), NULL);
}

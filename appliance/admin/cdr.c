#include "admin/cdr.h"
#include "admin/api.h"
#include "core/json.h"
#include "service/cdr.h"
#include "service/trace.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PIECE_RECORDS = 200, REAL_MAX = 5 };

/* ---------------------------------------------------------------- what is asked for */

static int filter_take(struct api_call *c, struct service_cdr_filter *f)
{
    const char *mos = api_query(c, "max_mos");
    const struct service_cdr_filter wanted = {
        .dn = api_query(c, "dn"),
        .number = api_query(c, "number"),
        .text = api_query(c, "q"),
        .direction = api_query(c, "direction"),
        .result = api_query(c, "result"),
        .path = api_query(c, "path"),
        .trunk = api_query(c, "trunk"),
        .from_ms = api_query_int(c, "from_ms", 0),
        .to_ms = api_query_int(c, "to_ms", 0),
        .min_s = api_query_int(c, "min_s", 0),
        .max_s = api_query_int(c, "max_s", 0),
        .min_ring_s = api_query_int(c, "min_ring_s", 0),
        .max_mos = mos ? strtod(mos, NULL) : 0,
    };

    *f = wanted;
    if (f->text && !*f->text)
        f->text = NULL;
    return 0;
}

#define FILTERS                                                                                              \
    {.name = "q", .type = API_TEXT, .max = 128, .help = "A part of any text of the record."},                \
        {.name = "dn", .type = API_TEXT, .max = 63},                                                         \
        {.name = "number",                                                                                   \
         .type = API_TEXT,                                                                                   \
         .max = 64,                                                                                          \
         .help = "A part of the caller's or the called one."},                                               \
        {.name = "direction", .type = API_TEXT, .choices = "in|out"},                                        \
        {.name = "result", .type = API_TEXT, .choices = "answered|busy|no_answer|cancelled|refused|failed"}, \
        {.name = "path",                                                                                     \
         .type = API_TEXT,                                                                                   \
         .choices = "direct|relay|relay-udp|relay-tcp|relay-tls|relay-other|none"},                          \
        {.name = "trunk", .type = API_TEXT, .max = 63},                                                      \
        {.name = "from_ms", .type = API_TIME, .help = "Began then or later."},                               \
        {.name = "to_ms", .type = API_TIME, .help = "Began before then."},                                   \
        {.name = "min_s", .type = API_INT, .max = 10000000, .help = "Talked so many seconds or longer."},    \
        {.name = "max_s", .type = API_INT, .max = 10000000},                                                 \
        {.name = "min_ring_s", .type = API_INT, .max = 10000000, .help = "Rang so many seconds or longer."}, \
    {                                                                                                        \
        .name = "max_mos", .type = API_REAL, .min = 1, .max = REAL_MAX,                                      \
        .help = "The side that was heard worse had this MOS or a worse one."                                 \
    }

/* ---------------------------------------------------------------- records */

static void put_common(struct buf *out, const struct cdr *c)
{
    api_put_str(out, "id", c->id);
    api_put_str(out, "direction", service_cdr_direction(c->direction));
    api_put_str(out, "dn", c->dn);
    api_put_str(out, "caller", c->caller);
    api_put_str(out, "callee", c->callee);
    api_put_str(out, "caller_name", c->caller_name);
    api_put_str(out, "trunk", c->trunk);
    api_put_int(out, "start_ms", c->start_ms);
    api_put_int(out, "ring_ms", c->ring_ms);
    api_put_int(out, "answer_ms", c->answer_ms);
    api_put_int(out, "end_ms", c->end_ms);
    api_put_real(out, "duration_s", (double)service_cdr_talked_ms(c) / 1e3);
    api_put_real(out, "ring_s", (double)service_cdr_rang_ms(c) / 1e3);
    api_put_str(out, "result", cdr_result_name(cdr_result(c)));
    api_put_int(out, "code", c->code);
    api_put_str(out, "reason", c->reason);
    api_put_str(out, "hangup", service_cdr_party(c->hangup));
    api_put_str(out, "path", cdr_path_name(c->path));
    api_put_real(out, "mos", service_cdr_mos(c));
}

struct listing {
    struct buf *out;
    int64_t n;
};

static bool list_each_h(const struct cdr *c, const struct trace_facts *facts, void *arg)
{
    struct listing *l = arg;
    struct verdict v;

    verdict_make(&v, c, facts);
    api_item(l->out);
    put_common(l->out, c);
    api_put_str(l->out, "verdict", v.level == VERDICT_GOOD ? "" : v.title);
    api_put_str(l->out, "verdict_code", v.code);
    api_put_name(l->out, "verdict_params");
    sentence_json(l->out, &v.params);
    api_put_bool(l->out, "traced", facts != NULL);
    buf_puts(l->out, "}");
    l->n++;
    return false;
}

static int list_h(struct api_call *c)
{
    struct listing l = {.out = c->out};
    struct service_cdr_filter f;
    char next[40] = "";
    int err = filter_take(c, &f);

    if (err)
        return err;
    f.before = api_query(c, "cursor");
    f.limit = api_limit(c);
    api_list_begin(c->out);
    err = service_cdr_page(c->sv, &f, list_each_h, &l, next);
    api_list_end(c->out, *next || (f.before && *f.before) ? -1 : l.n, next);
    return err;
}

static int summary_h(struct api_call *c)
{
    struct service_cdr_filter f;
    struct cdr_sum s;
    int err = filter_take(c, &f);

    if (!err)
        err = service_cdr_sum(c->sv, &f, &s);
    if (err)
        return err;
    buf_puts(c->out, "{");
    api_put_int(c->out, "calls", s.calls);
    api_put_int(c->out, "answered", s.answered);
    api_put_int(c->out, "inbound", s.inbound);
    api_put_int(c->out, "outbound", s.outbound);
    api_put_int(c->out, "abandoned", s.abandoned);
    api_put_real(c->out, "abandoned_percent", service_cdr_abandoned_percent(&s));
    api_put_int(c->out, "failed", s.failed);
    api_put_real(c->out, "average_s", service_cdr_average_s(&s));
    api_put_int(c->out, "talk_s", s.talk_ms / 1000);
    api_put_real(c->out, "mos", s.mos);
    api_put_int(c->out, "since_ms", s.since_ms);
    buf_puts(c->out, "}");
    return 0;
}

static void put_stream(struct buf *out, const char *name, const struct cdr_stream *s)
{
    api_put_name(out, name);
    buf_puts(out, "{");
    api_put_str(out, "codec", s->codec);
    api_put_int(out, "packets", (int64_t)s->packets);
    api_put_int(out, "bytes", (int64_t)s->bytes);
    api_put_int(out, "lost", s->lost);
    api_put_real(out, "jitter_ms", s->jitter_ms);
    api_put_real(out, "mos", s->mos);
    buf_puts(out, "}");
}

static int get_h(struct api_call *c)
{
    struct verdict v;
    struct cdr r;
    const int err = service_cdr_get(c->sv, c->params[0], &r);

    if (err)
        return err;
    service_trace_verdict(c->sv, &r, &v);
    buf_puts(c->out, "{");
    put_common(c->out, &r);
    put_stream(c->out, "from_browser", &r.from_browser);
    put_stream(c->out, "from_trunk", &r.from_trunk);
    api_put_real(c->out, "rtt_ms", r.rtt_ms);
    api_put_str(c->out, "address", r.remote_ice);
    api_put_str(c->out, "candidate", r.candidate);
    api_put_int(c->out, "path_changes", r.path_changes);
    api_put_str(c->out, "sip_call_id", r.sip_call_id);
    api_put_str(c->out, "call_uuid", r.call_uuid);
    api_put_name(c->out, "verdict");
    verdict_json(c->out, &v);
    buf_puts(c->out, "}");
    return 0;
}

/* ---------------------------------------------------------------- as CSV, in pieces */

struct exporting {
    char before[40];
    size_t n;
    struct buf *out;
};

static bool export_h(const struct cdr *c, void *arg)
{
    struct exporting *e = arg;

    service_cdr_csv(e->out, c);
    snprintf(e->before, sizeof(e->before), "%s", c->id);
    e->n++;
    return false;
}

static int head_h(struct api_call *c)
{
    service_cdr_csv_head(c->out);
    snprintf(c->headers, sizeof(c->headers), "Content-Disposition: attachment; filename=\"calls.csv\"\r\n");
    return 0;
}

static int piece_h(struct api_call *c, void **state)
{
    struct exporting *e = *state;
    struct service_cdr_filter f;
    int err;

    if (!e) {
        e = *state = calloc(1, sizeof(*e));
        if (!e)
            return ENOMEM;
    }
    err = filter_take(c, &f);
    if (err)
        return err;
    f.limit = PIECE_RECORDS;
    f.before = e->before[0] ? e->before : NULL;
    e->out = c->out;
    return service_cdr_each(c->sv, &f, export_h, e);
}

/* ---------------------------------------------------------------- traces */

static int trace_h(struct api_call *c)
{
    return service_trace(c->sv, c->params[0], c->out);
}

static int pcap_h(struct api_call *c)
{
    snprintf(c->headers, sizeof(c->headers), "Content-Disposition: attachment; filename=\"call.pcapng\"\r\n");
    return service_trace_pcap(c->sv, c->params[0], c->out);
}

static int bundle_h(struct api_call *c)
{
    snprintf(c->headers, sizeof(c->headers), "Content-Disposition: attachment; filename=\"call.json\"\r\n");
    return service_trace_bundle(c->sv, c->params[0], c->out);
}

struct watching {
    struct buf *out;
    int64_t n;
};

static bool watch_each_h(const char *dn, void *arg)
{
    struct watching *w = arg;

    api_item(w->out);
    api_put_str(w->out, "dn", dn);
    buf_puts(w->out, "}");
    w->n++;
    return false;
}

static int watch_list_h(struct api_call *c)
{
    struct watching w = {.out = c->out};
    int err;

    api_list_begin(c->out);
    err = service_watch_each(c->sv, watch_each_h, &w);
    api_list_end(c->out, w.n, "");
    return err;
}

static int watch_add_h(struct api_call *c)
{
    const char *dn = json_get_str(c->body, "dn");
    const int err = service_watch_add(c->sv, dn);

    if (err)
        return err;
    c->status = 201;
    buf_puts(c->out, "{");
    api_put_str(c->out, "dn", dn);
    buf_puts(c->out, "}");
    return 0;
}

static int watch_remove_h(struct api_call *c)
{
    return service_watch_remove(c->sv, c->params[0]);
}

/* ---------------------------------------------------------------- the tables */

static const struct api_value stream[] = {
    {.name = "codec", .type = API_TEXT, .needed = true},
    {.name = "packets", .type = API_INT, .needed = true},
    {.name = "bytes", .type = API_INT, .needed = true},
    {.name = "lost", .type = API_INT, .needed = true},
    {.name = "jitter_ms", .type = API_REAL, .needed = true},
    {.name = "mos", .type = API_REAL, .needed = true},
};
#define COMMON                                                                                               \
    {.name = "id", .type = API_TEXT, .needed = true},                                                        \
        {.name = "direction", .type = API_TEXT, .needed = true, .choices = "in|out"},                        \
        {.name = "dn", .type = API_TEXT, .needed = true},                                                    \
        {.name = "caller", .type = API_TEXT, .needed = true},                                                \
        {.name = "callee", .type = API_TEXT, .needed = true},                                                \
        {.name = "caller_name", .type = API_TEXT, .needed = true},                                           \
        {.name = "trunk", .type = API_TEXT, .needed = true},                                                 \
        {.name = "start_ms", .type = API_TIME, .needed = true},                                              \
        {.name = "ring_ms", .type = API_TIME, .needed = true},                                               \
        {.name = "answer_ms", .type = API_TIME, .needed = true},                                             \
        {.name = "end_ms", .type = API_TIME, .needed = true},                                                \
        {.name = "duration_s", .type = API_REAL, .needed = true, .help = "They talked."},                    \
        {.name = "ring_s", .type = API_REAL, .needed = true},                                                \
        {.name = "result",                                                                                   \
         .type = API_TEXT,                                                                                   \
         .needed = true,                                                                                     \
         .choices = "answered|busy|no_answer|cancelled|refused|failed"},                                     \
        {.name = "code", .type = API_INT, .needed = true, .help = "SIP result."},                            \
        {.name = "reason", .type = API_TEXT, .needed = true},                                                \
        {.name = "hangup", .type = API_TEXT, .needed = true, .help = "agent, trunk, gateway or nobody."},    \
        {.name = "path", .type = API_TEXT, .needed = true},                                                  \
    {                                                                                                        \
        .name = "mos", .type = API_REAL, .needed = true,                                                     \
        .help = "Of the side that was heard worse; 0: not known."                                            \
    }
static const struct api_value verdict_params[] = {
    {.name = "n", .type = API_INT, .help = "How many, or how many seconds."},
    {.name = "ms", .type = API_INT},
    {.name = "percent", .type = API_REAL},
    {.name = "lost", .type = API_INT},
    {.name = "total", .type = API_INT},
    {.name = "mos", .type = API_REAL},
    {.name = "address", .type = API_TEXT},
    {.name = "sdp", .type = API_TEXT},
    {.name = "ours", .type = API_TEXT},
    {.name = "stranger", .type = API_TEXT},
    {.name = "peer", .type = API_TEXT},
    {.name = "dn", .type = API_TEXT},
    {.name = "number", .type = API_TEXT},
    {.name = "trunk", .type = API_TEXT},
    {.name = "answer", .type = API_TEXT, .help = "A SIP code and its reason phrase."},
    {.name = "why", .type = API_TEXT},
    {.name = "codecs", .type = API_TEXT},
    {.name = "warning", .type = API_TEXT},
};
static const struct api_value verdict[] = {
    {.name = "level", .type = API_TEXT, .needed = true, .choices = "good|warn|bad"},
    {.name = "code",
     .type = API_TEXT,
     .needed = true,
     .help = "Stays the same; with params it says all that the texts say."},
    {.name = "params", .type = API_OBJECT, .needed = true, API_VALUES(verdict_params)},
    {.name = "title", .type = API_TEXT, .needed = true},
    {.name = "cause", .type = API_TEXT, .needed = true},
    {.name = "advice", .type = API_TEXT, .needed = true},
};
static const struct api_value item[] = {
    COMMON,
    {.name = "verdict", .type = API_TEXT, .needed = true, .help = "What was wrong; empty when nothing was."},
    {.name = "verdict_code", .type = API_TEXT, .needed = true, .help = "As in a record's verdict."},
    {.name = "verdict_params", .type = API_OBJECT, .needed = true, API_VALUES(verdict_params)},
    {.name = "traced", .type = API_BOOL, .needed = true, .help = "Its trace is kept."},
};
static const struct api_value record[] = {
    COMMON,
    {.name = "from_browser", .type = API_OBJECT, .needed = true, API_VALUES(stream)},
    {.name = "from_trunk", .type = API_OBJECT, .needed = true, API_VALUES(stream)},
    {.name = "rtt_ms", .type = API_REAL, .needed = true},
    {.name = "address", .type = API_TEXT, .needed = true, .help = "Where the browser's media came from."},
    {.name = "candidate", .type = API_TEXT, .needed = true},
    {.name = "path_changes", .type = API_INT, .needed = true},
    {.name = "sip_call_id", .type = API_TEXT, .needed = true, .help = "Of the trunk's leg."},
    {.name = "call_uuid", .type = API_TEXT, .needed = true},
    {.name = "verdict", .type = API_OBJECT, .needed = true, API_VALUES(verdict)},
};
static const struct api_value sums[] = {
    {.name = "calls", .type = API_INT, .needed = true},
    {.name = "answered", .type = API_INT, .needed = true},
    {.name = "inbound", .type = API_INT, .needed = true},
    {.name = "outbound", .type = API_INT, .needed = true},
    {.name = "abandoned",
     .type = API_INT,
     .needed = true,
     .help = "Inbound; the caller gave up before the answer."},
    {.name = "abandoned_percent", .type = API_REAL, .needed = true, .help = "Of the inbound calls."},
    {.name = "failed", .type = API_INT, .needed = true},
    {.name = "average_s", .type = API_REAL, .needed = true},
    {.name = "talk_s", .type = API_INT, .needed = true},
    {.name = "mos", .type = API_REAL, .needed = true},
    {.name = "since_ms",
     .type = API_TIME,
     .needed = true,
     .help = "Not 0: only calls since then are in, as there are too many for one look."},
};
static const struct api_value event[] = {
    {.name = "t_ms", .type = API_INT, .needed = true, .help = "Since the call's start."},
    {.name = "leg", .type = API_TEXT, .needed = true, .choices = "browser|trunk|gateway"},
    {.name = "kind", .type = API_TEXT, .needed = true, .choices = "sip|ice|dtls|rtp|state|page"},
    {.name = "direction", .type = API_TEXT, .needed = true, .help = "in, out, or empty."},
    {.name = "title", .type = API_TEXT, .needed = true},
    {.name = "text", .type = API_TEXT, .help = "The message, with secrets and digits masked."},
    {.name = "from", .type = API_TEXT},
    {.name = "to", .type = API_TEXT},
    {.name = "transport", .type = API_TEXT},
};
static const struct api_value trace[] = {
    {.name = "id", .type = API_TEXT, .needed = true},
    {.name = "from_ms", .type = API_TIME, .needed = true},
    {.name = "complete", .type = API_BOOL, .needed = true, .help = "The call has ended."},
    {.name = "dropped", .type = API_INT, .needed = true, .help = "Events that found no room."},
    {.name = "events", .type = API_LIST, .needed = true, API_VALUES(event)},
    {.name = "log", .type = API_LIST, .needed = true, .help = "The log's last lines about the call."},
    {.name = "graphs", .type = API_ANY, .needed = true},
    {.name = "facts", .type = API_ANY, .needed = true},
};
static const struct api_value filters[] = {FILTERS};
static const struct api_value watch[] = {
    {.name = "dn", .type = API_TEXT, .needed = true, .min = 1, .max = 63}};

static const struct api_route routes[] = {
    {.method = "GET",
     .path = "/cdr",
     .access = API_READONLY,
     .summary = "Records of calls, the newest first. next may be set after a page that is not full: there is "
                "more to look at.",
     .h = list_h,
     .slow = true,
     .list = true,
     .uncounted = true,
     API_QUERY(filters),
     API_ANSWER(item)},
    {.method = "GET",
     .path = "/cdr/summary",
     .access = API_READONLY,
     .summary = "Sums of the records that fit.",
     .h = summary_h,
     .slow = true,
     API_QUERY(filters),
     API_ANSWER(sums)},
    {.method = "GET",
     .path = "/cdr/export",
     .access = API_READONLY,
     .summary = "The records that fit, as CSV of any length.",
     .h = head_h,
     .piece = piece_h,
     .drop = free,
     .slow = true,
     .answer_type = "text/csv; charset=utf-8",
     API_QUERY(filters)},
    {.method = "GET",
     .path = "/cdr/{id}",
     .access = API_READONLY,
     .summary = "One record, with what was wrong in words.",
     .h = get_h,
     .slow = true,
     API_ANSWER(record)},
    {.method = "GET",
     .path = "/cdr/{id}/trace",
     .access = API_SUPERVISOR,
     .summary = "The trace of a call: SIP of both legs, events and figures.",
     .h = trace_h,
     .slow = true,
     API_ANSWER(trace)},
    {.method = "GET",
     .path = "/cdr/{id}/pcap",
     .access = API_SUPERVISOR,
     .summary = "The trace's SIP as a capture file (pcapng).",
     .h = pcap_h,
     .slow = true,
     .answer_type = "application/x-pcapng"},
    {.method = "GET",
     .path = "/cdr/{id}/bundle",
     .access = API_SUPERVISOR,
     .summary = "What a helper needs of one call, without secrets: version, settings, record, verdict, "
                "trace, metrics.",
     .h = bundle_h,
     .slow = true,
     .answer_type = "application/json"},
    {.method = "GET",
     .path = "/calls/{id}/trace",
     .access = API_SUPERVISOR,
     .summary = "The same of a call that runs.",
     .h = trace_h,
     .slow = true,
     API_ANSWER(trace)},
    {.method = "GET",
     .path = "/traces/watch",
     .access = API_SUPERVISOR,
     .summary = "DNs whose calls' traces are all kept.",
     .h = watch_list_h,
     .list = true,
     API_ANSWER(watch)},
    {.method = "POST",
     .path = "/traces/watch",
     .access = API_ADMIN,
     .summary = "Puts a DN under watch.",
     .h = watch_add_h,
     API_BODY(watch),
     API_ANSWER(watch)},
    {.method = "DELETE",
     .path = "/traces/watch/{dn}",
     .access = API_ADMIN,
     .summary = "Takes a DN from under watch.",
     .h = watch_remove_h},
};

int admin_cdr_routes(void)
{
    return api_routes(routes, sizeof(routes) / sizeof(routes[0]), NULL);
}

/* Call records as text: their fields by name, and lines for a spreadsheet. */
#include "service/cdr.h"

#include "core/buf.h"
#include "core/clock.h"
#include "store/csv.h"

#include <stdio.h>

struct fields {
    service_cdr_field_h *h;
    void *arg;
};

static void text(const struct fields *p, const char *name, const char *value)
{
    p->h(name, SERVICE_CDR_TEXT, value, p->arg);
}

static void foreign(const struct fields *p, const char *name, const char *value)
{
    p->h(name, SERVICE_CDR_FOREIGN, value, p->arg);
}

static void moment(const struct fields *p, const char *name, int64_t ms)
{
    char buf[32];

    text(p, name, ms ? clock_iso8601(buf, sizeof(buf), ms) : "");
}

static void whole(const struct fields *p, const char *name, uint64_t n)
{
    char buf[32];

    snprintf(buf, sizeof(buf), "%llu", (unsigned long long)n);
    p->h(name, SERVICE_CDR_NUMBER, buf, p->arg);
}

static void real(const struct fields *p, const char *name, double d, bool known)
{
    char buf[32] = "";

    if (known)
        snprintf(buf, sizeof(buf), "%.2f", d);
    p->h(name, SERVICE_CDR_NUMBER, buf, p->arg);
}

static void stream(const struct fields *p, const char *side, const struct cdr_stream *st)
{
    static const char *const what[] = {"codec", "packets", "bytes", "lost", "jitter_ms", "mos"};
    char name[sizeof(what) / sizeof(what[0])][32];

    for (size_t i = 0; i < sizeof(what) / sizeof(what[0]); i++)
        snprintf(name[i], sizeof(name[i]), "%s_%s", side, what[i]);
    text(p, name[0], st->codec);
    whole(p, name[1], st->packets);
    whole(p, name[2], st->bytes);
    whole(p, name[3], st->lost);
    real(p, name[4], st->jitter_ms, st->packets > 0);
    real(p, name[5], st->mos, st->mos > 0);
}

int64_t service_cdr_talked_ms(const struct cdr *c)
{
    return c->answer_ms && c->end_ms > c->answer_ms ? c->end_ms - c->answer_ms : 0;
}

int64_t service_cdr_rang_ms(const struct cdr *c)
{
    const int64_t end_ms = c->answer_ms ? c->answer_ms : c->end_ms;

    return c->ring_ms && end_ms > c->ring_ms ? end_ms - c->ring_ms : 0;
}

double service_cdr_mos(const struct cdr *c)
{
    const double a = c->from_browser.mos, b = c->from_trunk.mos;

    return a > 0 && (b <= 0 || a < b) ? a : b > 0 ? b : 0;
}

const char *service_cdr_direction(enum cdr_direction d)
{
    return d == CDR_INBOUND ? "in" : "out";
}

const char *service_cdr_party(enum cdr_party p)
{
    static const char *const parties[] = {
        [CDR_NOBODY] = "", [CDR_AGENT] = "agent", [CDR_TRUNK] = "trunk", [CDR_GATEWAY] = "gateway"};

    return parties[(unsigned)p % 4];
}

void service_cdr_fields(const struct cdr *c, service_cdr_field_h *h, void *arg)
{
    const struct fields p = {h, arg};

    text(&p, "id", c->id);
    text(&p, "dn", c->dn);
    text(&p, "direction", service_cdr_direction(c->direction));
    foreign(&p, "caller", c->caller);
    foreign(&p, "callee", c->callee);
    foreign(&p, "caller_name", c->caller_name);
    text(&p, "trunk", c->trunk);
    moment(&p, "started", c->start_ms);
    moment(&p, "rang", c->ring_ms);
    moment(&p, "answered", c->answer_ms);
    moment(&p, "ended", c->end_ms);
    real(&p, "seconds", (double)service_cdr_talked_ms(c) / 1e3, true);
    text(&p, "result", cdr_result_name(cdr_result(c)));
    whole(&p, "code", c->code);
    foreign(&p, "reason", c->reason);
    text(&p, "hangup", service_cdr_party(c->hangup));
    text(&p, "path", cdr_path_name(c->path));
    whole(&p, "path_changes", c->path_changes);
    text(&p, "candidate", c->candidate);
    text(&p, "browser", c->remote_ice);
    real(&p, "rtt_ms", c->rtt_ms, c->rtt_ms > 0);
    stream(&p, "browser", &c->from_browser);
    stream(&p, "trunk", &c->from_trunk);
    foreign(&p, "call_uuid", c->call_uuid);
    foreign(&p, "sip_call_id", c->sip_call_id);
}

/* ---------------------------------------------------------------- for a spreadsheet */

struct csv_line {
    struct buf *out;
    bool more; /* a field stands before */
};

static void head_h(const char *name, enum service_cdr_kind kind, const char *value, void *arg)
{
    struct csv_line *l = arg;

    (void)kind;
    (void)value;
    buf_printf(l->out, "%s%s", l->more ? "," : "", name);
    l->more = true;
}

static void field_h(const char *name, enum service_cdr_kind kind, const char *value, void *arg)
{
    struct csv_line *l = arg;

    (void)name;
    buf_puts(l->out, l->more ? "," : "");
    (kind == SERVICE_CDR_FOREIGN ? csv_put_foreign : csv_put)(l->out, value);
    l->more = true;
}

void service_cdr_csv_head(struct buf *out)
{
    struct csv_line l = {out, false};

    service_cdr_fields(&(struct cdr){0}, head_h, &l);
    buf_puts(out, "\r\n");
}

void service_cdr_csv(struct buf *out, const struct cdr *c)
{
    struct csv_line l = {out, false};

    service_cdr_fields(c, field_h, &l);
    buf_puts(out, "\r\n");
}

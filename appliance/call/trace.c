#include "call/trace.h"

#include "core/log.h"
#include "core/logtail.h"
#include "sip/siplog.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    PAGE_GOOD_MS = 15000 /* one and a half of its reports */,
    TITLE_MAX = 160,
    TEXT_MAX = 65536,
    START_MAX = 256,
    LOG_LINES_MAX = 100
};

int trace_alloc(struct trace **tp, const char *id, int64_t start_ms, size_t bytes_max)
{
    struct trace *t = calloc(1, sizeof(*t));

    if (!t)
        return ENOMEM;
    snprintf(t->id, sizeof(t->id), "%s", id);
    t->start_ms = start_ms;
    trace_events_init(&t->events, bytes_max);
    trace_points_init(&t->points);
    *tp = t;
    return 0;
}

void trace_free(struct trace *t)
{
    if (!t)
        return;
    trace_events_free(&t->events);
    trace_points_free(&t->points);
    free(t);
}

void trace_note(struct trace *t, int64_t t_ms, enum trace_leg leg, enum trace_kind kind, const char *fmt, ...)
{
    char title[TITLE_MAX];
    const struct trace_event e = {.t_ms = t_ms, .leg = leg, .kind = kind, .title = title};
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(title, sizeof(title), fmt, ap);
    va_end(ap);
    /* What may come any number of times has not all of the room. */
    trace_events_add(&t->events, &e, kind != TRACE_RTP && kind != TRACE_ICE);
}

/* ---------------------------------------------------------------- SIP messages */

struct shown {
    struct buf text;
    char start[START_MAX], warning[128], method[24];
    bool body, sdp; /* the head is over; the body is a description */
    bool report;    /* it is one of the page's (call/report) */
    bool digit;     /* its body is a digit's (call/digit) */
};

static void line_h(const char *line, void *arg)
{
    struct shown *s = arg;
    const char *sp;

    if (!s->start[0])
        snprintf(s->start, sizeof(s->start), "%s", line);
    else if (!strncasecmp(line, "Warning:", 8))
        snprintf(s->warning, sizeof(s->warning), "%s", line + 8 + strspn(line + 8, " "));
    else if (!strncasecmp(line, "CSeq:", 5) && (sp = strrchr(line, ' ')))
        snprintf(s->method, sizeof(s->method), "%s", sp + 1);
    if (!s->body && !strncasecmp(line, "Content-Type:", 13)) {
        s->report = strcasestr(line, CALL_REPORT_SUBTYPE);
        s->digit = strcasestr(line, "application/dtmf");
    }
    s->sdp = s->sdp || (s->body && !strncmp(line, "v=", 2));
    s->body = s->body || !*line;
    buf_puts(&s->text, line);
    buf_puts(&s->text, "\r\n");
}

/* "INVITE", "200 OK"; what it says beyond is in the text. */
static void title_make(char out[TITLE_MAX], const struct shown *s)
{
    if (!strncmp(s->start, "SIP/2.0 ", 8))
        snprintf(out, TITLE_MAX, "%s (%s)", s->start + 8, s->method);
    else
        snprintf(out, TITLE_MAX, "%.*s", (int)strcspn(s->start, " "), s->start);
}

/* BYE, CANCEL, their answers and all refusals. */
static bool is_end(const struct shown *s)
{
    const char *what = strncmp(s->start, "SIP/2.0 ", 8) ? s->start : s->method;

    return !strncmp(what, "BYE", 3) || !strncmp(what, "CANCEL", 6) ||
           (what == s->method && s->start[8] >= '3');
}

static void facts_sdp(struct trace *t, const struct trace_message *m, const struct shown *s)
{
    const char *body = strstr(s->text.data, "\r\n\r\n");
    struct trace_facts *f = &t->facts;
    struct trace_sdp sdp;

    if (!body)
        return;
    trace_sdp_read(&sdp, body + 4, s->text.len - (size_t)(body + 4 - s->text.data));
    if (m->leg == TRACE_BROWSER && !m->out) {
        memcpy(f->browser_codecs, sdp.codecs, sizeof(f->browser_codecs));
        f->cands = sdp.cands;
        f->relay_cands = sdp.relay_cands;
    } else if (m->leg == TRACE_TRUNK && !m->out) {
        memcpy(f->trunk_codecs, sdp.codecs, sizeof(f->trunk_codecs));
        memcpy(f->trunk_sdp, sdp.addr, sizeof(f->trunk_sdp));
        f->trunk_events = strstr(sdp.codecs, "telephone-event");
    } else if (m->leg == TRACE_TRUNK) {
        memcpy(f->our_media, sdp.addr, sizeof(f->our_media));
    }
}

/* Digits that were refused, each once: who sent it is mostly told the same as we were. Other INFO is none of this. */
static void facts_info(struct trace *t, const struct trace_message *m, const struct shown *s)
{
    const bool answer = !strncmp(s->start, "SIP/2.0 ", 8), refused = answer && s->start[8] >= '3';
    bool *digit = &t->info_digit[m->leg == TRACE_TRUNK][m->out != answer];

    if (!answer) {
        *digit = s->digit;
    } else if (*digit && s->start[8] >= '2') {
        t->facts.info_refused += refused && !(m->out && t->info_told);
        t->info_told = refused && !m->out;
        *digit = false;
    }
}

static void facts_take(struct trace *t, const struct trace_message *m, const struct shown *s)
{
    struct trace_facts *f = &t->facts;

    if (m->leg == TRACE_TRUNK) {
        (void)addr_str(&m->peer, f->trunk_peer, sizeof(f->trunk_peer));
        f->trunk_heard += !m->out;
    } else {
        f->browser_heard += !m->out;
    }
    if (!m->out && s->warning[0])
        snprintf(f->warning, sizeof(f->warning), "%s", s->warning);
    if (!strcmp(s->method, "INFO"))
        facts_info(t, m, s);
    if (s->sdp)
        facts_sdp(t, m, s);
}

/* They would fill the trace of a long call. */
static bool is_report(struct trace *t, const struct trace_message *m, const struct shown *s)
{
    const bool answer = t->page_unanswered && m->leg == TRACE_BROWSER && m->out && !strcmp(s->method, "INFO");

    if (m->leg == TRACE_BROWSER && !m->out && s->report)
        t->page_unanswered = true;
    else if (!answer)
        return false;
    else
        t->page_unanswered = false;
    return true;
}

void trace_sip(struct trace *t, const struct trace_message *m)
{
    struct shown s = {.sdp = false};
    char title[TITLE_MAX], from[ADDR_STRLEN], to[ADDR_STRLEN];
    struct trace_event e = {
        .t_ms = m->t_ms,
        .leg = m->leg,
        .kind = TRACE_SIP,
        .out = m->out,
        .title = title,
        .from = addr_str(m->out ? &m->us : &m->peer, from, sizeof(from)),
        .to = addr_str(m->out ? &m->peer : &m->us, to, sizeof(to)),
        .transport = m->transport,
    };

    buf_init(&s.text, TEXT_MAX);
    siplog_message(m->p, m->len, line_h, &s);
    if (s.text.data && !is_report(t, m, &s)) {
        facts_take(t, m, &s);
        title_make(title, &s);
        e.text = s.text.data;
        trace_events_add(&t->events, &e, is_end(&s));
    }
    buf_reset(&s.text);
}

/* ---------------------------------------------------------------- figures */

void trace_point_add(struct trace *t, int64_t t_ms, const struct media_event *ev)
{
    if (ev->strangers) {
        t->facts.strangers = ev->strangers;
        (void)addr_str(&ev->stranger, t->facts.stranger, sizeof(t->facts.stranger));
    }
    trace_points_add(&t->points, t_ms, ev, t->page_ms && t_ms - t->page_ms < PAGE_GOOD_MS ? &t->page : NULL);
}

void trace_report(struct trace *t, int64_t t_ms, const struct call_report *r)
{
    t->page = *r;
    t->page_ms = t_ms;
}

/* ---------------------------------------------------------------- as JSON */

struct log_lines {
    struct buf *out;
    size_t n;
};

static void log_line_h(const char *line, size_t len, void *arg)
{
    struct log_lines *l = arg;
    char copy[LOG_LINE_MAX + 64];

    snprintf(copy, sizeof(copy), "%.*s", (int)len, line);
    buf_puts(l->out, l->n++ ? "," : "");
    buf_json_str(l->out, copy);
}

/* The log's last lines about this call. */
static void log_json(const struct trace *t, struct buf *out)
{
    struct log_lines l = {.out = out};

    logtail_find(t->id, LOG_LINES_MAX, log_line_h, &l);
}

int trace_json(const struct trace *t, bool complete, struct buf *out)
{
    int err;

    buf_puts(out, "{\"id\":");
    buf_json_str(out, t->id);
    buf_printf(out, ",\"from_ms\":%lld,\"complete\":%s,\"dropped\":%u,\"events\":[", (long long)t->start_ms,
               complete ? "true" : "false", t->events.dropped);
    err = trace_events_json(&t->events, out);
    buf_puts(out, "],\"log\":[");
    log_json(t, out);
    buf_puts(out, "],\"graphs\":");
    trace_points_json(&t->points, out);
    buf_puts(out, ",\"facts\":");
    (void)trace_facts_write(&t->facts, out);
    buf_puts(out, "}");
    return err ? err : out->err;
}

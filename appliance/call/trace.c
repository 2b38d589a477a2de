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
    POINT_MS = 1000,
    PAGE_GOOD_MS = 15000 /* one and a half of its reports */,
    TITLE_MAX = 160,
    TEXT_MAX = 65536,
    START_MAX = 256,
    LOG_LINES_MAX = 100
};

static const char *const legs[] = {
    [TRACE_GATEWAY] = "gateway", [TRACE_BROWSER] = "browser", [TRACE_TRUNK] = "trunk"};
static const char *const kinds[] = {[TRACE_SIP] = "sip",
                                    [TRACE_ICE] = "ice",
                                    [TRACE_DTLS] = "dtls",
                                    [TRACE_RTP] = "rtp",
                                    [TRACE_STATE] = "state"};

int trace_alloc(struct trace **tp, const char *id, int64_t start_ms, size_t bytes_max)
{
    struct trace *t = calloc(1, sizeof(*t));

    if (!t)
        return ENOMEM;
    snprintf(t->id, sizeof(t->id), "%s", id);
    t->start_ms = start_ms;
    t->bytes_max = bytes_max;
    t->point_ms = POINT_MS;
    buf_init(&t->events, bytes_max);
    *tp = t;
    return 0;
}

void trace_free(struct trace *t)
{
    if (!t)
        return;
    buf_reset(&t->events);
    free(t);
}

/* ---------------------------------------------------------------- events */

/* An event that finds no room leaves no half of itself. */
static void event_end(struct trace *t, size_t was)
{
    buf_puts(&t->events, "}");
    if (t->events.err) {
        t->events.err = 0;
        t->events.len = was;
        if (t->events.data)
            t->events.data[was] = '\0';
        t->dropped++;
        return;
    }
    t->event_count++;
}

/* false: the rest of the room is for how the call ends. */
static bool event_begin(struct trace *t, int64_t t_ms, enum trace_leg leg, enum trace_kind kind, bool ends)
{
    if (!ends && t->events.len > t->bytes_max / 4 * 3) {
        t->dropped++;
        return false;
    }
    buf_printf(&t->events, "%s{\"t_ms\":%lld,\"leg\":\"%s\",\"kind\":\"%s\"", t->event_count ? "," : "",
               (long long)(t_ms > 0 ? t_ms : 0), legs[leg], kinds[kind]);
    return true;
}

void trace_note(struct trace *t, int64_t t_ms, enum trace_leg leg, enum trace_kind kind, const char *fmt, ...)
{
    const size_t was = t->events.len;
    char title[TITLE_MAX];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(title, sizeof(title), fmt, ap);
    va_end(ap);
    /* What may come any number of times has not all of the room. */
    if (!event_begin(t, t_ms, leg, kind, kind != TRACE_RTP && kind != TRACE_ICE))
        return;
    buf_puts(&t->events, ",\"direction\":\"\",\"title\":");
    buf_json_str(&t->events, title);
    event_end(t, was);
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
    const size_t was = t->events.len;
    struct shown s = {.sdp = false};
    char title[TITLE_MAX], from[ADDR_STRLEN], to[ADDR_STRLEN];

    buf_init(&s.text, TEXT_MAX);
    siplog_message(m->p, m->len, line_h, &s);
    if (!s.text.data || is_report(t, m, &s)) {
        buf_reset(&s.text);
        return;
    }
    facts_take(t, m, &s);
    if (event_begin(t, m->t_ms, m->leg, TRACE_SIP, is_end(&s))) {
        title_make(title, &s);
        buf_printf(&t->events, ",\"direction\":\"%s\",\"title\":", m->out ? "out" : "in");
        buf_json_str(&t->events, title);
        buf_puts(&t->events, ",\"text\":");
        buf_json_str(&t->events, s.text.data);
        buf_printf(&t->events, ",\"from\":\"%s\",\"to\":\"%s\",\"transport\":\"%s\"",
                   addr_str(m->out ? &m->us : &m->peer, from, sizeof(from)),
                   addr_str(m->out ? &m->peer : &m->us, to, sizeof(to)), m->transport);
        event_end(t, was);
    }
    buf_reset(&s.text);
}

/* ---------------------------------------------------------------- figures */

/* Every second one goes, and from now on half as many come: it is as long as it likes and never larger. */
static void points_thin(struct trace *t)
{
    size_t n = 0;

    for (size_t i = 1; i < t->point_count; i += 2)
        t->points[n++] = t->points[i];
    t->point_count = n;
    t->point_ms *= 2;
}

void trace_point_add(struct trace *t, int64_t t_ms, const struct media_event *ev)
{
    const struct media_stream_stats *from[] = {&ev->browser, &ev->trunk};
    const struct trace_point *last = t->point_count ? &t->points[t->point_count - 1] : NULL;
    struct trace_point *p;

    if (ev->strangers) {
        t->facts.strangers = ev->strangers;
        (void)addr_str(&ev->stranger, t->facts.stranger, sizeof(t->facts.stranger));
    }
    if (last && t_ms - last->t_ms < t->point_ms * 9 / 10)
        return;
    if (t->point_count == TRACE_POINTS_MAX)
        points_thin(t);
    p = &t->points[t->point_count++];
    p->t_ms = (uint32_t)t_ms;
    p->rtt_ms = (float)ev->rtt_ms;
    p->page.known = t->page_ms && t_ms - t->page_ms < PAGE_GOOD_MS;
    p->page.loss_percent = (float)t->page.loss_percent;
    p->page.jitter_ms = (float)t->page.jitter_ms;
    p->page.mos = (float)t->page.mos;
    for (int i = 0; i < 2; i++) {
        p->way[i].packets = (uint32_t)from[i]->packets;
        p->way[i].lost = from[i]->lost;
        p->way[i].jitter_ms = (float)from[i]->jitter_ms;
        p->way[i].mos = (float)from[i]->mos;
    }
}

/* ---------------------------------------------------------------- as JSON */

void trace_report(struct trace *t, int64_t t_ms, const struct call_report *r)
{
    t->page = *r;
    t->page_ms = t_ms;
}

enum column { PACKETS, LOSS, JITTER, MOS };

static void way_value(struct buf *out, const struct trace_point *p, const struct trace_point *before, int way,
                      enum column column)
{
    const uint32_t had = before ? before->way[way].packets : 0, lost_had = before ? before->way[way].lost : 0;
    const double packets = (double)p->way[way].packets - had, lost = (double)p->way[way].lost - lost_had;
    const bool silent = packets <= 0;

    if (column == PACKETS)
        buf_printf(out, "%.0f", silent ? 0 : packets);
    else if (silent)
        buf_puts(out, "null");
    else if (column == LOSS)
        buf_printf(out, "%.1f", lost > 0 ? 100 * lost / (packets + lost) : 0);
    else if (column == JITTER)
        buf_printf(out, "%.1f", (double)p->way[way].jitter_ms);
    else
        buf_printf(out, "%.2f", (double)p->way[way].mos);
}

static void way_json(const struct trace *t, int way, const char *name, struct buf *out)
{
    static const char *const columns[] = {
        [PACKETS] = "packets", [LOSS] = "loss_percent", [JITTER] = "jitter_ms", [MOS] = "mos"};

    buf_printf(out, ",\"%s\":{", name);
    for (int c = PACKETS; c <= MOS; c++) {
        buf_printf(out, "%s\"%s\":[", c ? "," : "", columns[c]);
        for (size_t i = 0; i < t->point_count; i++) {
            buf_puts(out, i ? "," : "");
            way_value(out, &t->points[i], i ? &t->points[i - 1] : NULL, way, (enum column)c);
        }
        buf_puts(out, "]");
    }
    buf_puts(out, "}");
}

static void page_value(struct buf *out, const struct trace_point *p, enum column column)
{
    if (!p->page.known || (column == MOS && p->page.mos <= 0))
        buf_puts(out, "null");
    else if (column == LOSS)
        buf_printf(out, "%.1f", (double)p->page.loss_percent);
    else if (column == JITTER)
        buf_printf(out, "%.1f", (double)p->page.jitter_ms);
    else
        buf_printf(out, "%.2f", (double)p->page.mos);
}

static void page_json(const struct trace *t, struct buf *out)
{
    static const char *const columns[] = {[LOSS] = "loss_percent", [JITTER] = "jitter_ms", [MOS] = "mos"};

    buf_puts(out, ",\"browser\":{");
    for (int c = LOSS; c <= MOS; c++) {
        buf_printf(out, "%s\"%s\":[", c > LOSS ? "," : "", columns[c]);
        for (size_t i = 0; i < t->point_count; i++) {
            buf_puts(out, i ? "," : "");
            page_value(out, &t->points[i], (enum column)c);
        }
        buf_puts(out, "]");
    }
    buf_puts(out, "}");
}

static void graphs_json(const struct trace *t, struct buf *out)
{
    buf_puts(out, "\"graphs\":{\"t_ms\":[");
    for (size_t i = 0; i < t->point_count; i++)
        buf_printf(out, "%s%u", i ? "," : "", t->points[i].t_ms);
    buf_puts(out, "]");
    way_json(t, 0, "to_trunk", out);
    way_json(t, 1, "to_browser", out);
    page_json(t, out);
    buf_puts(out, ",\"rtt_ms\":[");
    for (size_t i = 0; i < t->point_count; i++)
        buf_printf(out, "%s%.1f", i ? "," : "", (double)t->points[i].rtt_ms);
    buf_puts(out, "]}");
}

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
    buf_puts(out, "{\"id\":");
    buf_json_str(out, t->id);
    buf_printf(out, ",\"from_ms\":%lld,\"complete\":%s,\"dropped\":%u,\"events\":[", (long long)t->start_ms,
               complete ? "true" : "false", t->dropped);
    if (t->events.len)
        buf_write(out, t->events.data, t->events.len);
    buf_puts(out, "],\"log\":[");
    log_json(t, out);
    buf_puts(out, "],");
    graphs_json(t, out);
    buf_puts(out, ",\"facts\":");
    (void)trace_facts_write(&t->facts, out);
    return buf_puts(out, "}");
}

#include "call/tracer.h"

#include "call/call.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/metric.h"
#include "core/rnd.h"
#include "sip/hep.h"
#include "sip/siplog.h"
#include "store/trace.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    TICK_MS = 1000,
    PENDING = 8, /* messages whose call is not known yet: those of one that is just being made */
    KEYS_MAX = 3 * MEDIA_PATHS_MAX,
    CALL_ID_MAX = 256,
    BAD_SECONDS = 3, /* shorter than this silence means nothing */
    BAD_LOSS_PERCENT = 3,
    BAD_JITTER_MS = 40,
    SCARCE_PACKETS = 50, /* fewer than these, and than this share of what was to come: hardly any */
    SCARCE_PERCENT = 20,
    PACKET_MS = 20,
};
#define BAD_MOS 3.6

METRIC_COUNTER(events_lost, "dngate_trace_events_lost_total", NULL,
               "Events of calls that found no room in their trace (trace.call_bytes)");
METRIC_LIMIT(limit, "traces", MEDIA_PATHS_MAX);

struct key { /* a Call-ID */
    struct le le;
    struct traced *traced;
    enum trace_leg leg;
    size_t len;
    char call_id[];
};

struct traced {
    struct le le;
    struct tracer *tracer;
    struct trace *trace;
    uint64_t start_ms; /* monotonic */
    struct list keys;
    const char *why; /* it is kept; NULL: it is not */
    bool over;
    struct tmr tmr;
};

struct pending {
    uint64_t at_ms;
    bool out, told; /* told: to the Homer server */
    const char *transport;
    struct addr us, peer;
    size_t id_at, id_len, len;
    char *p; /* at most SIP_MESSAGE_MAX bytes */
};

struct tracer {
    struct calls *calls;
    struct table *by_call_id; /* of struct key */
    struct list list;         /* of struct traced */
    struct pending pending[PENDING];
    size_t pending_next;
    struct hep *hep;
    struct tmr tmr;
};

/* ---------------------------------------------------------------- messages and their calls */

/* The value of the Call-ID header field; NULL: there is none in the head. */
static const char *call_id_find(const char *p, size_t len, size_t *idlen)
{
    const char *const end = p + len;

    for (const char *line = p; line < end;) {
        const char *eol = memchr(line, '\n', (size_t)(end - line));
        const size_t n = (size_t)((eol ? eol : end) - line);
        const char *at = NULL;

        if (n && (*line == 'C' || *line == 'c' || *line == 'i' || *line == 'I')) {
            if (n > 8 && !strncasecmp(line, "Call-ID", 7))
                at = line + 7;
            else if (n > 2 && (line[1] == ':' || line[1] == ' ') && (*line | 0x20) == 'i')
                at = line + 1;
        }
        if (at) {
            const char *stop = line + n;

            while (at < stop && (*at == ' ' || *at == '\t' || *at == ':'))
                at++;
            while (stop > at && (unsigned char)stop[-1] <= ' ')
                stop--;
            *idlen = (size_t)(stop - at);
            return *idlen ? at : NULL;
        }
        if (!n || (n == 1 && *line == '\r'))
            return NULL;
        line += n + 1;
    }
    return NULL;
}

/* Of calls that may begin: INVITEs and what answers them. */
static bool is_invite(const char *p, size_t len)
{
    const char *cseq;

    if (len > 7 && !strncmp(p, "INVITE ", 7))
        return true;
    if (len < 8 || strncmp(p, "SIP/2.0 ", 8))
        return false;
    cseq = memmem(p, len, "CSeq:", 5);
    return cseq && memmem(cseq, (size_t)(p + len - cseq) < 40 ? (size_t)(p + len - cseq) : 40, "INVITE", 6);
}

static void message_take(struct traced *t, enum trace_leg leg, const struct pending *m, const char *p)
{
    const struct trace_message msg = {.t_ms = (int64_t)(m->at_ms - t->start_ms),
                                      .leg = leg,
                                      .out = m->out,
                                      .transport = m->transport,
                                      .us = m->us,
                                      .peer = m->peer,
                                      .p = p,
                                      .len = m->len};

    trace_sip(t->trace, &msg);
}

/* To the Homer server, once: with the call's id, or when it is no call's. */
static void pending_tell(struct tracer *tr, struct pending *p, const char *id)
{
    const struct siplog_seen m = {
        .out = p->out, .transport = p->transport, .us = p->us, .peer = p->peer, .p = p->p, .len = p->len};

    if (p->len && !p->told)
        hep_send(tr->hep, &m, id);
    p->told = true;
}

static void pending_clear(struct pending *p)
{
    free(p->p);
    p->p = NULL;
    p->len = 0;
}

static void pending_put(struct tracer *tr, const struct siplog_seen *m, size_t id_at, size_t id_len)
{
    struct pending *slot = &tr->pending[tr->pending_next++ % PENDING];

    pending_tell(tr, slot, "");
    pending_clear(slot);
    slot->p = malloc(m->len);
    if (!slot->p)
        return;
    slot->at_ms = clock_ms();
    slot->out = m->out;
    slot->told = false;
    slot->transport = m->transport;
    slot->us = m->us;
    slot->peer = m->peer;
    slot->id_at = id_at;
    slot->id_len = id_len;
    slot->len = m->len;
    memcpy(slot->p, m->p, m->len);
}

static void seen_h(const struct siplog_seen *m, void *arg)
{
    struct tracer *tr = arg;
    size_t n = 0;
    const char *id = call_id_find(m->p, m->len, &n);
    const struct key *k = id ? table_get(tr->by_call_id, id, n) : NULL;

    if (k || !id || n >= CALL_ID_MAX || !is_invite(m->p, m->len))
        hep_send(tr->hep, m, k ? k->traced->trace->id : "");
    if (!id || n >= CALL_ID_MAX)
        return;
    if (k) {
        const struct pending now = {.at_ms = clock_ms(),
                                    .out = m->out,
                                    .transport = m->transport,
                                    .us = m->us,
                                    .peer = m->peer,
                                    .len = m->len};
        message_take(k->traced, k->leg, &now, m->p);
    } else if (is_invite(m->p, m->len)) {
        pending_put(tr, m, (size_t)(id - m->p), n);
    }
}

static void pending_take(struct traced *t, const struct key *k)
{
    struct tracer *tr = t->tracer;

    for (size_t i = 0; i < PENDING; i++) {
        struct pending *m = &tr->pending[(tr->pending_next + i) % PENDING];

        if (!m->len || m->id_len != k->len || memcmp(m->p + m->id_at, k->call_id, k->len))
            continue;
        message_take(t, k->leg, m, m->p);
        pending_tell(tr, m, t->trace->id);
        pending_clear(m);
    }
}

void traced_leg(struct traced *t, enum trace_leg leg, const char *call_id, size_t len)
{
    struct key *k;

    if (!t || !len || len >= CALL_ID_MAX || table_get(t->tracer->by_call_id, call_id, len))
        return;
    k = calloc(1, sizeof(*k) + len);
    if (!k)
        return;
    k->traced = t;
    k->leg = leg;
    k->len = len;
    memcpy(k->call_id, call_id, len);
    if (table_put(t->tracer->by_call_id, k->call_id, len, k)) {
        free(k);
        return;
    }
    list_append(&t->keys, &k->le, k);
    pending_take(t, k);
}

/* ---------------------------------------------------------------- what happens to a call */

struct traced *tracer_begin(struct tracer *tr, const char *id, int64_t start_ms)
{
    const int64_t bytes = callconf_trace(tr->calls->cfg.conf).call_bytes;
    struct traced *t;

    if (!bytes)
        return NULL;
    t = calloc(1, sizeof(*t));
    if (!t || trace_alloc(&t->trace, id, start_ms, (size_t)bytes)) {
        free(t);
        return NULL;
    }
    t->tracer = tr;
    t->start_ms = clock_ms();
    list_append(&tr->list, &t->le, t);
    metric_add(&limit, 1);
    return t;
}

static int64_t age_ms(const struct traced *t)
{
    return (int64_t)(clock_ms() - t->start_ms);
}

void traced_note(struct traced *t, enum trace_leg leg, enum trace_kind kind, const char *fmt, ...)
{
    char text[160];
    va_list ap;

    if (!t)
        return;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    trace_note(t->trace, age_ms(t), leg, kind, "%s", text);
}

void traced_report(struct traced *t, const struct call_report *r)
{
    if (t)
        trace_report(t->trace, age_ms(t), r);
}

struct trace_facts *traced_facts(struct traced *t)
{
    return t ? &t->trace->facts : NULL;
}

static void traced_figures(struct traced *t, const struct media_event *figures)
{
    if (t && !t->over)
        trace_point_add(t->trace, age_ms(t), figures);
}

static void failed(struct traced *t, const struct media_event *ev)
{
    struct trace_facts *f = &t->trace->facts;
    const enum trace_kind kind = ev->type == MEDIA_TIMEOUT        ? TRACE_RTP
                                 : ev->reason == MEDIA_NO_DTLS    ? TRACE_DTLS
                                 : ev->reason == MEDIA_WRONG_PEER ? TRACE_DTLS
                                                                  : TRACE_ICE;

    snprintf(f->failed, sizeof(f->failed), "%s", media_reason_name(ev->reason));
    f->failed_ms = age_ms(t);
    traced_note(t, ev->reason == MEDIA_TRUNK_SILENT ? TRACE_TRUNK : TRACE_BROWSER, kind, "%s: %s",
                ev->type == MEDIA_TIMEOUT ? "no audio any more" : "audio failed",
                media_reason_name(ev->reason));
}

void traced_media(struct traced *t, const struct media_event *ev)
{
    struct trace_facts *f = traced_facts(t);
    char at[ADDR_STRLEN];

    if (!t)
        return;
    switch (ev->type) {
    case MEDIA_ICE_UP:
    case MEDIA_ICE_MOVED:
        if (!f->ice_ms)
            f->ice_ms = age_ms(t);
        traced_note(t, TRACE_BROWSER, TRACE_ICE, "%s %s (%s)",
                    ev->type == MEDIA_ICE_UP ? "ICE: the browser is reached at"
                                             : "ICE: the browser is reached elsewhere now,",
                    addr_str(&ev->way.from, at, sizeof(at)), media_cand_name(ev->way.cand));
        break;
    case MEDIA_DTLS_UP:
        if (!f->dtls_ms)
            f->dtls_ms = age_ms(t);
        traced_note(t, TRACE_BROWSER, TRACE_DTLS, "DTLS: audio is encrypted");
        break;
    case MEDIA_TRUNK_LATCHED:
        (void)addr_str(&ev->addr, f->trunk_source, sizeof(f->trunk_source));
        traced_note(t, TRACE_TRUNK, TRACE_RTP, "RTP: the trunk's audio comes from %s", f->trunk_source);
        break;
    case MEDIA_DTMF: /* which key is nobody's business */
        f->keys += ev->from_browser;
        traced_note(t, ev->from_browser ? TRACE_BROWSER : TRACE_TRUNK, TRACE_RTP, "A key was pressed%s",
                    ev->relayed ? ", passed on as an event" : "");
        break;
    case MEDIA_DTMF_LOST:
        f->keys_lost++;
        traced_note(t, TRACE_GATEWAY, TRACE_RTP, "A digit was lost: too many wait to be sent");
        break;
    case MEDIA_FAILED:
    case MEDIA_TIMEOUT:
        failed(t, ev);
        break;
    case MEDIA_ENDED:
        traced_figures(t, ev);
        break;
    }
}

/* ---------------------------------------------------------------- kept or not */

/* What service/verdict calls bad is bad here, too. */
static bool stream_bad(const struct cdr_stream *s, int64_t talked_ms)
{
    if (talked_ms >= BAD_SECONDS * 1000 && s->packets < SCARCE_PACKETS &&
        (int64_t)s->packets * 100 < talked_ms / PACKET_MS * SCARCE_PERCENT)
        return true;
    return s->packets && ((s->mos > 0 && s->mos < BAD_MOS) || s->jitter_ms > BAD_JITTER_MS ||
                          (double)s->lost * 100 > ((double)s->packets + s->lost) * BAD_LOSS_PERCENT);
}

bool traced_bad(const struct trace_facts *f, const struct cdr *c)
{
    const int64_t talked_ms = c->answer_ms && !f->held ? c->end_ms - c->answer_ms : 0;

    return f->failed[0] || (f->keys && f->trunk_codecs[0] && !f->trunk_events) || f->keys_lost ||
           f->info_refused ||
           (c->answer_ms && c->hangup == CDR_GATEWAY && c->code != 200 && c->code != 487) ||
           stream_bad(&c->from_browser, talked_ms) || stream_bad(&c->from_trunk, talked_ms);
}

/* Nobody answers, is busy, or gives up every day: no fault. */
static bool is_failed(const struct cdr *c)
{
    const enum cdr_result r = cdr_result(c);

    return r == CDR_FAILED || r == CDR_REFUSED ||
           (r == CDR_NO_ANSWER && (!c->ring_ms || !strcmp(c->reason, "Agent's connection lost")));
}

static const char *reason(const struct traced *t, const struct cdr *c)
{
    const struct conf *conf = t->tracer->calls->cfg.conf;

    if (is_failed(c))
        return "failed";
    if (traced_bad(&t->trace->facts, c))
        return "bad";
    if (callconf_watched(conf, c->dn))
        return "watch";
    return (int64_t)(rnd_u32() % 100) < callconf_trace(conf).sample ? "sample" : NULL;
}

static void keep(const struct traced *t)
{
    const struct callconf_trace max = callconf_trace(t->tracer->calls->cfg.conf);
    struct store_trace row = {
        .time_ms = t->trace->start_ms, .bytes_max = max.total_bytes, .age_max_ms = max.age_ms};
    struct buf json;

    buf_init(&json, TRACE_JSON_MAX);
    snprintf(row.id, sizeof(row.id), "%s", t->trace->id);
    snprintf(row.why, sizeof(row.why), "%s", t->why);
    row.json = trace_json(t->trace, true, &json) ? NULL : buf_take(&json, &row.len);
    if (row.json)
        store_trace_put(t->tracer->calls->cfg.store, &row);
    buf_reset(&json);
}

static void traced_free(struct traced *t)
{
    struct le *le;

    if (t->why)
        keep(t);
    metric_add(&events_lost, t->trace->events.dropped);
    metric_add(&limit, -1);
    tmr_cancel(&t->tmr);
    list_unlink(&t->le);
    while ((le = t->keys.head)) {
        struct key *k = le->data;

        list_unlink(le);
        (void)table_del(t->tracer->by_call_id, k->call_id, k->len);
        free(k);
    }
    trace_free(t->trace);
    free(t);
}

static void linger_h(void *arg)
{
    traced_free(arg);
}

void traced_end(struct traced *t, const struct cdr *c)
{
    if (!t)
        return;
    t->over = true;
    t->why = reason(t, c);
    tmr_start(&t->tmr, TRACER_LINGER_MS, linger_h, t);
}

/* ---------------------------------------------------------------- all of them */

static void tick_h(void *arg)
{
    struct tracer *tr = arg;
    struct media_event figures;
    struct le *le;

    tmr_start(&tr->tmr, TICK_MS, tick_h, tr);
    hep_retarget(tr->hep, tr->calls->cfg.conf);
    for (size_t i = 0; i < PENDING; i++)
        pending_tell(tr, &tr->pending[i], "");
    LIST_FOREACH(&tr->calls->calll, le)
    {
        struct call *c = le->data;

        if (c->traced && c->path && c->state < CALL_ENDING && !media_path_stats(c->path, &figures))
            traced_figures(c->traced, &figures);
    }
}

int tracer_alloc(struct tracer **tp, struct calls *cs)
{
    struct tracer *tr = calloc(1, sizeof(*tr));
    int err;

    if (!tr)
        return ENOMEM;
    tr->calls = cs;
    err = table_alloc(&tr->by_call_id, KEYS_MAX);
    if (!err)
        err = hep_alloc(&tr->hep);
    if (err) {
        tracer_free(tr);
        return err;
    }
    if (cs->cfg.conf)
        tmr_start(&tr->tmr, TICK_MS, tick_h, tr);
    siplog_tap(seen_h, tr);
    *tp = tr;
    return 0;
}

void tracer_free(struct tracer *tr)
{
    if (!tr)
        return;
    siplog_tap(NULL, NULL);
    tmr_cancel(&tr->tmr);
    while (tr->list.head)
        traced_free(tr->list.head->data);
    for (size_t i = 0; i < PENDING; i++)
        pending_clear(&tr->pending[i]);
    table_free(tr->by_call_id);
    hep_free(tr->hep);
    free(tr);
}

int tracer_json(struct tracer *tr, const char *id, struct buf *out)
{
    struct le *le;

    LIST_FOREACH(&tr->list, le)
    {
        const struct traced *t = le->data;

        if (!strcmp(t->trace->id, id))
            return trace_json(t->trace, t->over, out);
    }
    return ENOENT;
}

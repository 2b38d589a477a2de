#include "call/traceevents.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    STEP = 512,          /* bytes that an area grows by, at least */
    HEAD_SHOWN = 96,     /* bytes of JSON of an event's members besides their values */
    LINES_MAX = 0xffff,  /* numbers that a line can have */
    LINE_MAX_LEN = 4096, /* siplog's lines are shorter */
    EVENT_LINES_MAX = 4096,
};

enum part { TITLE, FROM, TO, TRANSPORT, TEXT }; /* of an event's lines */

struct line { /* in front of its bytes */
    uint16_t hash, len;
};

struct event { /* in front of its lines' numbers */
    uint32_t t_ms;
    uint8_t leg, kind;
    bool sip, out;
    uint16_t lines;
};

void trace_events_init(struct trace_events *l, size_t max)
{
    memset(l, 0, sizeof(*l));
    l->max = max;
}

void trace_events_free(struct trace_events *l)
{
    free(l->lines.data);
    free(l->list.data);
    trace_events_init(l, l->max);
}

static bool area_put(struct trace_area *a, const void *p, size_t n)
{
    if (a->room - a->len < n) {
        const size_t room = a->len + n + STEP;
        uint8_t *data = realloc(a->data, room);

        if (!data)
            return false;
        a->data = data;
        a->room = room;
    }
    if (n)
        memcpy(a->data + a->len, p, n);
    a->len += n;
    return true;
}

static uint16_t hash_of(const char *p, size_t n)
{
    uint32_t h = 2166136261U; /* FNV-1a */

    for (size_t i = 0; i < n; i++)
        h = (h ^ (uint8_t)p[i]) * 16777619U;
    return (uint16_t)(h ^ h >> 16);
}

/* The number of the line, which is made when there is none like it. */
static bool line_number(struct trace_events *l, const char *p, size_t n, uint16_t *number)
{
    const struct line want = {hash_of(p, n), (uint16_t)n};
    size_t at = 0;

    for (size_t i = 0; i < l->line_count; i++) {
        struct line has;

        memcpy(&has, l->lines.data + at, sizeof(has));
        at += sizeof(has);
        if (has.hash == want.hash && has.len == want.len && !memcmp(l->lines.data + at, p, n)) {
            *number = (uint16_t)i;
            return true;
        }
        at += has.len;
    }
    if (l->line_count == LINES_MAX || n > LINE_MAX_LEN || !area_put(&l->lines, &want, sizeof(want)) ||
        !area_put(&l->lines, p, n))
        return false;
    *number = (uint16_t)l->line_count++;
    return true;
}

static bool put_line(struct trace_events *l, struct event *e, const char *p, size_t n)
{
    uint16_t number;

    if (e->lines == EVENT_LINES_MAX || !line_number(l, p, n, &number) ||
        !area_put(&l->list, &number, sizeof(number)))
        return false;
    e->lines++;
    l->shown += n;
    return true;
}

static bool put_text(struct trace_events *l, struct event *e, const char *text)
{
    while (*text) {
        const char *end = strstr(text, "\r\n");
        const size_t n = end ? (size_t)(end - text) : strlen(text);

        if (!put_line(l, e, text, n))
            return false;
        l->shown += 4; /* as JSON has the line's end */
        text += n + (end ? 2 : 0);
    }
    return true;
}

static bool put_event(struct trace_events *l, const struct trace_event *e)
{
    const size_t at = l->list.len;
    struct event head = {.t_ms = e->t_ms > 0 ? (uint32_t)e->t_ms : 0,
                         .leg = (uint8_t)e->leg,
                         .kind = (uint8_t)e->kind,
                         .sip = e->text,
                         .out = e->out};

    l->shown += HEAD_SHOWN;
    if (!area_put(&l->list, &head, sizeof(head)) || !put_line(l, &head, e->title, strlen(e->title)))
        return false;
    if (e->text &&
        (!put_line(l, &head, e->from, strlen(e->from)) || !put_line(l, &head, e->to, strlen(e->to)) ||
         !put_line(l, &head, e->transport, strlen(e->transport)) || !put_text(l, &head, e->text)))
        return false;
    memcpy(l->list.data + at, &head, sizeof(head));
    l->count++;
    return l->shown <= l->max;
}

void trace_events_add(struct trace_events *l, const struct trace_event *e, bool ends)
{
    const struct trace_events was = *l;

    if ((ends || l->shown <= l->max / 4 * 3) && put_event(l, e))
        return;
    l->lines.len = was.lines.len;
    l->list.len = was.list.len;
    l->line_count = was.line_count;
    l->count = was.count;
    l->shown = was.shown;
    l->dropped++;
}

/* ---------------------------------------------------------------- as JSON */

struct reader {
    const struct trace_events *l;
    uint32_t *at;           /* of each line */
    const uint8_t *numbers; /* of the event's lines */
    struct buf text;
};

static void line_take(struct reader *r, enum part i)
{
    struct line line;
    uint16_t number;
    uint32_t at;

    memcpy(&number, r->numbers + (size_t)i * sizeof(number), sizeof(number));
    at = r->at[number];
    memcpy(&line, r->l->lines.data + at, sizeof(line));
    (void)buf_write(&r->text, r->l->lines.data + at + sizeof(line), line.len);
}

static void member(struct reader *r, const char *name, enum part i, struct buf *out)
{
    buf_clear(&r->text);
    line_take(r, i);
    buf_printf(out, ",\"%s\":", name);
    buf_json_str(out, r->text.data ? r->text.data : "");
}

static void event_json(struct reader *r, const struct event *e, struct buf *out)
{
    static const char *const legs[] = {
        [TRACE_GATEWAY] = "gateway", [TRACE_BROWSER] = "browser", [TRACE_TRUNK] = "trunk"};
    static const char *const kinds[] = {[TRACE_SIP] = "sip",
                                        [TRACE_ICE] = "ice",
                                        [TRACE_DTLS] = "dtls",
                                        [TRACE_RTP] = "rtp",
                                        [TRACE_STATE] = "state"};

    buf_printf(out, "{\"t_ms\":%u,\"leg\":\"%s\",\"kind\":\"%s\",\"direction\":\"%s\"", e->t_ms, legs[e->leg],
               kinds[e->kind],
               !e->sip  ? ""
               : e->out ? "out"
                        : "in");
    member(r, "title", TITLE, out);
    if (e->sip) {
        buf_clear(&r->text);
        for (unsigned i = TEXT; i < e->lines; i++) {
            line_take(r, i);
            buf_puts(&r->text, "\r\n");
        }
        buf_puts(out, ",\"text\":");
        buf_json_str(out, r->text.data ? r->text.data : "");
        member(r, "from", FROM, out);
        member(r, "to", TO, out);
        member(r, "transport", TRANSPORT, out);
    }
    buf_puts(out, "}");
}

static int lines_find(struct reader *r)
{
    size_t at = 0;

    r->at = malloc((r->l->line_count + 1) * sizeof(*r->at));
    if (!r->at)
        return ENOMEM;
    for (size_t i = 0; i < r->l->line_count; i++) {
        struct line line;

        r->at[i] = (uint32_t)at;
        memcpy(&line, r->l->lines.data + at, sizeof(line));
        at += sizeof(line) + line.len;
    }
    return 0;
}

int trace_events_json(const struct trace_events *l, struct buf *out)
{
    struct reader r = {.l = l};
    struct event e;
    int err;

    buf_init(&r.text, l->max);
    err = lines_find(&r);
    for (size_t at = 0; !err && at < l->list.len; at += e.lines * sizeof(uint16_t)) {
        memcpy(&e, l->list.data + at, sizeof(e));
        buf_puts(out, at ? "," : "");
        at += sizeof(e);
        r.numbers = l->list.data + at;
        event_json(&r, &e, out);
    }
    err = err ? err : r.text.err;
    free(r.at);
    buf_reset(&r.text);
    return err ? err : out->err;
}

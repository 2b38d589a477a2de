#include "call/tracepoints.h"

#include "call/report.h"

#include <stdlib.h>
#include <string.h>

enum { POINT_MS = 1000, STEP = 24 };

void trace_points_init(struct trace_points *l)
{
    memset(l, 0, sizeof(*l));
    l->every_ms = POINT_MS;
}

void trace_points_free(struct trace_points *l)
{
    free(l->v);
    trace_points_init(l);
}

/* Every second one goes, and from now on half as many come: it is as long as it likes and never larger. */
static void thin(struct trace_points *l)
{
    size_t n = 0;

    for (size_t i = 1; i < l->count; i += 2)
        l->v[n++] = l->v[i];
    l->count = n;
    l->every_ms *= 2;
}

static bool room_make(struct trace_points *l)
{
    struct trace_point *v;

    if (l->count == TRACE_POINTS_MAX)
        thin(l);
    if (l->count < l->room)
        return true;
    v = realloc(l->v, (l->room + STEP) * sizeof(*v));
    if (!v)
        return false;
    l->v = v;
    l->room += STEP;
    return true;
}

static uint16_t fixed(double x, double steps)
{
    const double n = x * steps + 0.5;

    return n <= 0 ? 0 : n >= TRACE_POINT_UNKNOWN ? TRACE_POINT_UNKNOWN - 1 : (uint16_t)n;
}

static uint16_t tenths(double x)
{
    return fixed(x, 10);
}

static uint16_t hundredths(double x)
{
    return fixed(x, 100);
}

void trace_points_add(struct trace_points *l, int64_t t_ms, const struct media_event *figures,
                      const struct call_report *page)
{
    const struct media_stream_stats *from[] = {&figures->browser, &figures->trunk};
    struct trace_point *p;

    if (l->count && t_ms - l->v[l->count - 1].t_ms < l->every_ms * 9 / 10)
        return;
    if (!room_make(l))
        return;
    p = &l->v[l->count++];
    p->t_ms = (uint32_t)t_ms;
    p->rtt = tenths(figures->rtt_ms);
    p->page.loss = page ? tenths(page->loss_percent) : TRACE_POINT_UNKNOWN;
    p->page.jitter = page ? tenths(page->jitter_ms) : 0;
    p->page.mos = page ? hundredths(page->mos) : 0;
    for (int i = 0; i < 2; i++) {
        p->way[i].packets = (uint32_t)from[i]->packets;
        p->way[i].lost = from[i]->lost;
        p->way[i].jitter = tenths(from[i]->jitter_ms);
        p->way[i].mos = hundredths(from[i]->mos);
    }
}

/* ---------------------------------------------------------------- as JSON */

enum column { PACKETS, LOSS, JITTER, MOS };
static const char *const columns[] = {
    [PACKETS] = "packets", [LOSS] = "loss_percent", [JITTER] = "jitter_ms", [MOS] = "mos"};

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
        buf_printf(out, "%.1f", p->way[way].jitter / 10.0);
    else
        buf_printf(out, "%.2f", p->way[way].mos / 100.0);
}

static void way_json(const struct trace_points *l, int way, const char *name, struct buf *out)
{
    buf_printf(out, ",\"%s\":{", name);
    for (int c = PACKETS; c <= MOS; c++) {
        buf_printf(out, "%s\"%s\":[", c ? "," : "", columns[c]);
        for (size_t i = 0; i < l->count; i++) {
            buf_puts(out, i ? "," : "");
            way_value(out, &l->v[i], i ? &l->v[i - 1] : NULL, way, (enum column)c);
        }
        buf_puts(out, "]");
    }
    buf_puts(out, "}");
}

static void page_value(struct buf *out, const struct trace_point *p, enum column column)
{
    if (p->page.loss == TRACE_POINT_UNKNOWN || (column == MOS && !p->page.mos))
        buf_puts(out, "null");
    else if (column == LOSS)
        buf_printf(out, "%.1f", p->page.loss / 10.0);
    else if (column == JITTER)
        buf_printf(out, "%.1f", p->page.jitter / 10.0);
    else
        buf_printf(out, "%.2f", p->page.mos / 100.0);
}

static void page_json(const struct trace_points *l, struct buf *out)
{
    buf_puts(out, ",\"browser\":{");
    for (int c = LOSS; c <= MOS; c++) {
        buf_printf(out, "%s\"%s\":[", c > LOSS ? "," : "", columns[c]);
        for (size_t i = 0; i < l->count; i++) {
            buf_puts(out, i ? "," : "");
            page_value(out, &l->v[i], (enum column)c);
        }
        buf_puts(out, "]");
    }
    buf_puts(out, "}");
}

void trace_points_json(const struct trace_points *l, struct buf *out)
{
    buf_puts(out, "{\"t_ms\":[");
    for (size_t i = 0; i < l->count; i++)
        buf_printf(out, "%s%u", i ? "," : "", l->v[i].t_ms);
    buf_puts(out, "]");
    way_json(l, 0, "to_trunk", out);
    way_json(l, 1, "to_browser", out);
    page_json(l, out);
    buf_puts(out, ",\"rtt_ms\":[");
    for (size_t i = 0; i < l->count; i++)
        buf_printf(out, "%s%.1f", i ? "," : "", l->v[i].rtt / 10.0);
    buf_puts(out, "]}");
}

#include "service/livejson.h"
#include "version.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *boolean(bool b)
{
    return b ? "true" : "false";
}

/* "name":"text" with a comma before it. */
static void member(struct buf *out, const char *name, const char *text)
{
    buf_printf(out, ",\"%s\":", name);
    buf_json_str(out, text);
}

/* ---------------------------------------------------------------- calls */

static void heard(struct buf *out, const char *name, const struct call_heard *h)
{
    if (!h->known) {
        buf_printf(out, "\"%s\":null", name);
        return;
    }
    buf_printf(out, "\"%s\":{\"mos\":", name);
    if (h->mos > 0)
        buf_printf(out, "%.2f", h->mos);
    else
        buf_puts(out, "null"); /* a page may say other figures only */
    buf_printf(out, ",\"loss_percent\":%.2f,\"jitter_ms\":%.1f}", h->loss_percent, h->jitter_ms);
}

void livejson_call(struct buf *out, const struct call_info *ci)
{
    buf_puts(out, "\"id\":");
    buf_json_str(out, ci->id);
    member(out, "dn", ci->dn);
    member(out, "name", ci->name);
    member(out, "direction", ci->direction == CDR_INBOUND ? "in" : "out");
    member(out, "caller", ci->caller);
    member(out, "caller_name", ci->caller_name);
    member(out, "callee", ci->callee);
    member(out, "trunk", ci->trunk);
    member(out, "state", ci->state);
    member(out, "path", cdr_path_name(ci->path));
    member(out, "address", ci->address);
    member(out, "codec_browser", ci->codec_browser);
    member(out, "codec_trunk", ci->codec_trunk);
    buf_printf(out, ",\"start_ms\":%lld,\"answer_ms\":%lld", (long long)ci->start_ms,
               (long long)ci->answer_ms);
    if (ci->waits)
        buf_printf(out, ",\"waits_s\":%u", ci->waits_s);
    member(out, "call_uuid", ci->call_uuid);
    buf_puts(out, ",\"quality\":{");
    heard(out, "to_trunk", &ci->to_trunk);
    buf_puts(out, ",");
    heard(out, "to_browser", &ci->to_browser);
    buf_puts(out, ",");
    heard(out, "browser", &ci->browser);
    buf_printf(out, ",\"rtt_ms\":%.1f,\"browser_rtt_ms\":%.1f}", ci->rtt_ms, ci->browser_rtt_ms);
}

/* ---------------------------------------------------------------- registrations, trunks, bans */

static void upstream(struct buf *out, const struct service_upstream *u)
{
    if (!u->state) {
        buf_puts(out, ",\"upstream\":null");
        return;
    }
    buf_printf(
        out,
        ",\"upstream\":{\"state\":\"%s\",\"code\":%u,\"since_ms\":%lld,\"until_ms\":%lld,\"sequence\":%llu",
        u->state, u->code, (long long)u->since_ms, (long long)u->until_ms, (unsigned long long)u->sequence);
    member(out, "trunk", u->trunk);
    member(out, "text", u->text);
    buf_puts(out, "}");
}

void livejson_registration(struct buf *out, const struct service_registration *r)
{
    char browser[sizeof(r->user_agent)];

    buf_puts(out, "\"dn\":");
    buf_json_str(out, r->dn);
    member(out, "name", r->name);
    member(out, "address", r->peer);
    member(out, "browser", service_browser(r->user_agent, browser, sizeof(browser)));
    member(out, "state", r->state);
    buf_printf(out, ",\"registered_ms\":%lld,\"expires_ms\":%lld", (long long)r->registered_ms,
               (long long)r->expires_ms);
    upstream(out, &r->upstream);
}

const char *livejson_trunk_state(const char *state)
{
    return strcmp(state, "suspect") ? state : "unknown";
}

void livejson_trunk(struct buf *out, const struct service_trunk *t, bool addresses)
{
    buf_puts(out, "\"name\":");
    buf_json_str(out, t->name);
    member(out, "state", livejson_trunk_state(t->state));
    member(out, "detail", t->detail);
    buf_printf(out, ",\"rtt_ms\":%.1f,\"since_ms\":%lld", t->rtt_ms, (long long)t->since_ms);
    buf_puts(out, addresses ? ",\"addresses\":[" : "");
    for (size_t i = 0; addresses && i < t->address_count; i++) {
        buf_puts(out, i ? ",{\"address\":" : "{\"address\":");
        buf_json_str(out, t->addresses[i].address);
        member(out, "state", livejson_trunk_state(t->addresses[i].state));
        buf_printf(out, ",\"rtt_ms\":%.1f}", t->addresses[i].rtt_ms);
    }
    buf_puts(out, addresses ? "]" : "");
}

const char *livejson_source(const struct guard_ban *b, char buf[LIVEJSON_SOURCE_MAX])
{
    char ip[ADDR_STRLEN];

    snprintf(buf, LIVEJSON_SOURCE_MAX, b->prefix == 32 ? "%s" : "%s/%u", addr_ip(&b->net, ip, sizeof(ip)),
             b->prefix);
    return buf;
}

void livejson_ban(struct buf *out, const struct guard_ban *b, int64_t now_ms)
{
    char source[LIVEJSON_SOURCE_MAX];

    buf_puts(out, "\"address\":");
    buf_json_str(out, livejson_source(b, source));
    buf_printf(out, ",\"since_ms\":%lld,\"until_ms\":%lld,\"failures\":%u,\"bans\":%u",
               (long long)(now_ms - (int64_t)b->since_s * 1000),
               (long long)(now_ms + (int64_t)b->left_s * 1000), b->failures, b->strikes);
}

/* ---------------------------------------------------------------- status */

static void parts(struct buf *out, const struct service_status *st, bool by_name)
{
    buf_puts(out, by_name ? ",\"parts\":{" : ",\"parts\":[");
    for (size_t i = 0; i < st->part_count; i++) {
        const struct health_part *p = &st->parts[i];

        buf_puts(out, i ? "," : "");
        if (by_name) {
            buf_json_str(out, p->name);
            buf_printf(out, ":{\"state\":\"%s\"", health_state_name(p->state));
        } else {
            buf_puts(out, "{\"name\":");
            buf_json_str(out, p->name);
            buf_printf(out, ",\"state\":\"%s\"", health_state_name(p->state));
        }
        member(out, "reason", p->reason);
        buf_printf(out, ",\"since_ms\":%lld}", (long long)p->since_ms);
    }
    buf_puts(out, by_name ? "}" : "]");
}

static void attention(struct buf *out, const struct attention_list *l)
{
    buf_puts(out, ",\"attention\":[");
    for (size_t i = 0; i < l->count; i++) {
        const struct attention *a = &l->v[i];

        buf_printf(out, "%s{\"kind\":\"%s\",\"level\":\"%s\"", i ? "," : "", attention_kind_name(a->kind),
                   a->bad ? "bad" : "warn");
        member(out, "code", a->code);
        buf_puts(out, ",\"params\":");
        sentence_json(out, &a->params);
        member(out, "text", a->text);
        member(out, "advice", a->advice);
        member(out, "place", a->place);
        buf_printf(out, ",\"since_ms\":%lld}", (long long)a->since_ms);
    }
    buf_puts(out, "]");
}

static void trunks(struct buf *out, const struct service_trunks *t)
{
    buf_puts(out, ",\"trunks\":[");
    for (size_t i = 0; i < t->count; i++) {
        buf_puts(out, i ? ",{" : "{");
        livejson_trunk(out, &t->v[i], false);
        buf_puts(out, "}");
    }
    buf_puts(out, "]");
}

static void counted(struct buf *out, const struct service_status *st)
{
    if (st->counted)
        buf_printf(out,
                   ",\"calls\":%zu,\"registrations\":%zu,\"dns\":%zu,\"upstream\":{\"registered\":%zu,"
                   "\"refused\":%zu,\"waiting\":%zu}",
                   st->counts.calls, st->counts.registrations, st->counts.dns, st->counts.upstream.registered,
                   st->counts.upstream.refused, st->counts.upstream.waiting);
    else
        buf_puts(out, ",\"calls\":null,\"registrations\":null,\"dns\":null,\"upstream\":null");
    buf_printf(out, ",\"agents\":{\"off\":%zu,\"ready\":%zu,\"ringing\":%zu,\"on_call\":%zu}", st->agents.off,
               st->agents.ready, st->agents.ringing, st->agents.on_call);
    trunks(out, &st->trunks);
}

static void figures(struct buf *out, const struct service_status *st)
{
    const struct figures_now *f = &st->figures;

    buf_printf(out,
               ",\"hour\":{\"inbound\":%llu,\"outbound\":%llu,\"answered\":%llu,\"average_s\":%.0f,"
               "\"abandoned\":%llu,"
               "\"abandoned_percent\":%.1f,\"failed\":%llu}",
               (unsigned long long)f->hour.inbound, (unsigned long long)f->hour.outbound,
               (unsigned long long)f->hour.answered, f->hour.average_s, (unsigned long long)f->hour.abandoned,
               f->hour.abandoned_percent, (unsigned long long)f->hour.failed);
    buf_printf(out, ",\"voice\":{\"mos\":%.2f,\"loss_percent\":%.2f,\"jitter_ms\":%.1f,\"rtt_ms\":%.1f}",
               f->voice.mos, f->voice.loss_percent, f->voice.jitter_ms, f->voice.rtt_ms);
    buf_printf(out, ",\"turn\":{\"calls\":%zu,\"allocations\":%u,\"bits_per_s\":%.0f}", st->relayed,
               f->turn_allocations, f->turn_bits_per_s);
    buf_printf(out,
               ",\"box\":{\"cpu_percent\":%.1f,\"cpus\":%d,\"rss_bytes\":%llu,\"disk_percent\":%.1f,\"disk_"
               "free_bytes\":%llu,"
               "\"bits_per_s\":%.0f,\"load\":%.2f}",
               f->box.cpu_percent, f->box.cpus, (unsigned long long)f->box.rss_bytes, f->box.disk_percent,
               (unsigned long long)f->box.disk_free_bytes, f->box.bits_per_s, f->box.load);
    buf_printf(out, ",\"errors_per_min\":%llu", (unsigned long long)f->errors_per_min);
}

static void certificate(struct buf *out, const struct service_certificate *c, int64_t now_ms)
{
    buf_puts(out, ",\"certificate\":{\"subject\":");
    buf_json_str(out, c->subject);
    buf_printf(out, ",\"expires_ms\":%lld,\"days\":%lld,\"own\":%s}", (long long)c->expires_ms,
               c->expires_ms ? (long long)floor((double)(c->expires_ms - now_ms) / 86400e3) : 0,
               boolean(c->own));
}

void livejson_status(struct buf *out, const struct service *sv, const struct service_status *st, bool by_name)
{
    static const struct service_now none;
    const struct service_now *now = sv->now ? sv->now : &none;

    buf_printf(
        out,
        "\"ready\":%s,\"lab\":%s,\"version\":\"%s\",\"started_ms\":%lld,\"uptime_s\":%llu,\"now_ms\":%lld",
        boolean(st->ready), boolean(now->lab), DNGATE_VERSION, (long long)now->started_ms,
        (unsigned long long)st->uptime_s, (long long)st->now_ms);
    parts(out, st, by_name);
    attention(out, &now->attention);
    counted(out, st);
    figures(out, st);
    certificate(out, &now->certificate, st->now_ms);
}

/* ---------------------------------------------------------------- history */

void livejson_history(struct buf *out, const struct service_history *h)
{
    buf_printf(out, "{\"step_ms\":%u000,\"from_ms\":%lld,\"series\":{", h->step_s, (long long)h->from_ms);
    for (int i = 0; i < FIGURES; i++) {
        buf_printf(out, "%s\"%s\":[", i ? "," : "", figure_name((enum figure)i));
        for (size_t k = 0; k < h->count; k++) {
            buf_puts(out, k ? "," : "");
            if (isnan(h->v[i][k]))
                buf_puts(out, "null");
            else
                buf_printf(out, fabs(h->v[i][k]) < 1000 ? "%.4g" : "%.0f", h->v[i][k]);
        }
        buf_puts(out, "]");
    }
    buf_puts(out, "}}");
}

void livejson_happening(struct buf *out, const struct happening *h)
{
    const bool trunk = !strcmp(h->noun, "trunk");

    buf_printf(out, "\"time_ms\":%lld", (long long)h->time_ms);
    member(out, trunk ? "state" : "event", h->event);
    if (!trunk) {
        member(out, "address", h->address);
        member(out, "browser", h->browser);
    }
    member(out, "detail", h->detail);
    buf_printf(out, ",\"times\":%u", h->times);
}

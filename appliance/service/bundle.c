/* The support bundle of a call, and its capture file. */
#include "service/trace.h"

#include "conf/conf.h"
#include "core/buf.h"
#include "core/clock.h"
#include "core/json.h"
#include "core/metric.h"
#include "service/cdr.h"
#include "service/pcap.h"
#include "service/setting.h"
#include "version.h"

#include <errno.h>
#include <string.h>

int service_trace_pcap(struct service *sv, const char *id, struct buf *out)
{
    struct json *j = NULL;
    struct buf json;
    int err;

    buf_init(&json, SERVICE_TRACE_MAX);
    err = service_trace(sv, id, &json);
    if (!err) {
        err = json_parse(&j, json.data, json.len, NULL, 0);
        if (!err)
            err = pcap_write(out, json_root(j));
        if (err)
            (void)service_fail(sv, err, "the trace of call %s cannot be read", id);
        json_free(j);
    }
    buf_reset(&json);
    return err;
}

static void field_h(const char *name, enum service_cdr_kind kind, const char *value, void *arg)
{
    struct buf *out = arg;

    buf_printf(out, "%s\"%s\":", out->len && out->data[out->len - 1] == '{' ? "" : ",", name);
    if (kind != SERVICE_CDR_NUMBER)
        buf_json_str(out, value);
    else
        buf_puts(out, *value ? value : "null");
}

/* Secrets are "(set)" already, URLs are cut; what names files or people of the box is not for whoever looks at a call. */
static bool is_shown(const struct conf_def *def)
{
    return def->type != CONF_SECRET && strncmp(def->key, "admin.", 6) && strncmp(def->key, "backup.", 7);
}

static void settings(const struct service *sv, struct buf *out)
{
    struct service_setting s;
    size_t n = 0;

    buf_puts(out, "\"settings\":{");
    for (size_t i = 0; i < conf_count() && sv->conf; i++) {
        const struct conf_def *def = conf_at(i);

        if (!is_shown(def))
            continue;
        service_setting_get(sv, def, &s);
        if (s.source == CONF_DEFAULT)
            continue;
        service_setting_hide(def, s.value);
        buf_printf(out, "%s\"%s\":", n++ ? "," : "", def->key);
        buf_json_str(out, s.value);
    }
    buf_puts(out, "}");
}

/* /metrics as it is now: no label there holds a DN, a number or an address. */
static void figures(struct buf *out)
{
    struct buf text;

    buf_init(&text, SERVICE_TRACE_MAX);
    buf_puts(out, ",\"metrics\":");
    buf_json_str(out, metric_render(&text) || !text.data ? "" : text.data);
    buf_reset(&text);
}

int service_trace_bundle(struct service *sv, const char *id, struct buf *out)
{
    struct verdict v;
    struct cdr c;
    struct buf trace;
    const int err = service_cdr_get(sv, id, &c);

    if (err)
        return err;
    service_trace_verdict(sv, &c, &v);
    buf_init(&trace, SERVICE_TRACE_MAX);
    buf_printf(out, "{\"format\":\"dngate-call-bundle-1\",\"version\":\"%s\",\"made_ms\":%lld,",
               DNGATE_VERSION, (long long)clock_wall_ms());
    settings(sv, out);
    buf_puts(out, ",\"record\":{");
    service_cdr_fields(&c, field_h, out);
    buf_puts(out, "}");
    buf_puts(out, ",\"verdict\":");
    verdict_json(out, &v);
    buf_puts(out, ",\"trace\":");
    buf_puts(out, service_trace(sv, id, &trace) || !trace.data ? "null" : trace.data);
    figures(out);
    buf_puts(out, "}\n");
    buf_reset(&trace);
    return out->err;
}

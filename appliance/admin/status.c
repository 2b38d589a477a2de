#include "admin/status.h"
#include "admin/api.h"
#include "admin/apihost.h"
#include "conf/conf.h"
#include "core/addr.h"
#include "core/health.h"
#include "core/metric.h"
#include "version.h"
#include "web/web.h"

#include <string.h>

static void healthz_h(const struct web_req *req, struct web_resp *resp, void *arg)
{
    (void)req;
    (void)arg;
    resp->content_type = "text/plain; charset=utf-8";
    buf_puts(&resp->body, "ok\n");
}

/* ---------------------------------------------------------------- who may */

static struct {
    struct api *api;
    const struct conf *conf;
} own;

static bool listed(const struct addr *peer)
{
    char text[CONF_VALUE_MAX], *save = NULL;
    struct addr base;
    unsigned bits;

    if (!own.conf || !*conf_str(own.conf, "metrics.allow", text, sizeof(text)))
        return true;
    for (char *p = strtok_r(text, ", ", &save); p; p = strtok_r(NULL, ", ", &save))
        if (!addr_parse_net(&base, &bits, p) && addr_in_net(peer, &base, bits))
            return true;
    return false;
}

/* ---------------------------------------------------------------- /readyz */

static int ready_h(struct api_call *c)
{
    c->status = health_ready() ? 200 : 503;
    return health_json(c->out);
}

static const struct api_value ready_answer[] = {
    {.name = "ready", .type = API_BOOL, .needed = true},
    {.name = "parts", .type = API_ANY, .needed = true},
};
static const struct api_route ready_route = {.method = "GET",
                                             .path = "/readyz",
                                             .access = API_READONLY,
                                             .summary = "Whether the server can take calls, and why not.",
                                             .h = ready_h,
                                             API_ANSWER(ready_answer)};
static const struct api_entry ready_entry = {.r = &ready_route};

static void readyz_h(const struct web_req *req, struct web_resp *resp, void *arg)
{
    const bool may = listed(req->peer);

    (void)arg;
    if (!may && *req->authorization) {
        api_hand(own.api, &ready_entry, req, resp);
        return;
    }
    resp->status = health_ready() ? 200 : 503;
    if (may)
        health_json(&resp->body);
    else
        buf_printf(&resp->body, "{\"ready\":%s}\n", health_ready() ? "true" : "false");
}

/* ---------------------------------------------------------------- /metrics */

#define METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"

static int figures_h(struct api_call *c)
{
    return metric_render(c->out);
}

static const struct api_route figures_route = {.method = "GET",
                                               .path = "/metrics",
                                               .access = API_READONLY,
                                               .summary = "Figures for Prometheus.",
                                               .h = figures_h,
                                               .answer_type = METRICS_TYPE};
static const struct api_entry figures_entry = {.r = &figures_route};

/* Figures only, nothing secret, no names of people. */
static void metrics_h(const struct web_req *req, struct web_resp *resp, void *arg)
{
    (void)arg;
    if (!listed(req->peer)) {
        api_hand(own.api, &figures_entry, req, resp);
        return;
    }
    resp->content_type = METRICS_TYPE;
    metric_render(&resp->body);
}

/* ---------------------------------------------------------------- */

METRIC_GAUGE(build_info, "dngate_build_info", "version=\"" DNGATE_VERSION "\"",
             "Always 1; the version is in the label");

int admin_status_register(struct api *api, const struct conf *conf)
{
    static const struct web_route routes[] = {
        {.method = "GET", .path = "/healthz", .h = healthz_h},
        {.method = "GET", .path = "/readyz", .h = readyz_h},
        {.method = "GET", .path = "/metrics", .h = metrics_h},
    };

    own.api = api;
    own.conf = conf;
    metric_set(&build_info, 1);
    return web_routes(routes, sizeof(routes) / sizeof(routes[0]), NULL);
}

#include "admin/status.h"
#include "core/health.h"
#include "core/metric.h"
#include "version.h"
#include "web/web.h"

static void healthz_h(const struct web_req *req, struct web_resp *resp, void *arg)
{
    (void)req;
    (void)arg;
    resp->content_type = "text/plain; charset=utf-8";
    buf_puts(&resp->body, "ok\n");
}

static void readyz_h(const struct web_req *req, struct web_resp *resp, void *arg)
{
    (void)req;
    (void)arg;
    resp->status = health_ready() ? 200 : 503;
    health_json(&resp->body);
}

/* Open to all like Prometheus exporters are: figures only, nothing secret, no names of people. */
static void metrics_h(const struct web_req *req, struct web_resp *resp, void *arg)
{
    (void)req;
    (void)arg;
    resp->content_type = "text/plain; version=0.0.4; charset=utf-8";
    metric_render(&resp->body);
}

METRIC_GAUGE(build_info, "dngate_build_info", "version=\"" DNGATE_VERSION "\"",
             "Always 1; the version is in the label");

int admin_status_register(void)
{
    static const struct web_route routes[] = {
        {.method = "GET", .path = "/healthz", .h = healthz_h},
        {.method = "GET", .path = "/readyz", .h = readyz_h},
        {.method = "GET", .path = "/metrics", .h = metrics_h},
    };

    metric_set(&build_info, 1);
    return web_routes(routes, sizeof(routes) / sizeof(routes[0]), NULL);
}

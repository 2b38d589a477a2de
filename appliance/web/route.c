#include "web/route.h"
#include "web/reply.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct route {
    const char *method, *path;
    web_h *h;
    void *arg;
};

static struct route routes[ROUTES_MAX];
static size_t route_count;

int web_route(const char *method, const char *path, web_h *h, void *arg)
{
    if (route_count == ROUTES_MAX)
        return ENOSPC;
    routes[route_count++] = (struct route){method, path, h, arg};
    return 0;
}

void web_routes_clear(void)
{
    route_count = 0;
}

/* How well a pattern fits, 0 = not: the more letters the better, and the same letters without a star better yet. */
static size_t path_fit(const char *pattern, const char *path)
{
    size_t n = strlen(pattern);

    if (n && pattern[n - 1] == '*')
        return strncmp(pattern, path, n - 1) ? 0 : 2 * n - 1;
    return strcmp(pattern, path) ? 0 : 2 * n + 1;
}

static void allow_add(char *allow, size_t sz, const char *method)
{
    size_t n = strlen(allow);

    if (!strcmp(method, "GET"))
        snprintf(allow + n, sz - n, "%sGET, HEAD", n ? ", " : "");
    else
        snprintf(allow + n, sz - n, "%s%s", n ? ", " : "", method);
}

/* The best fit wins, so that "/api/x" goes before "/api/" with its star; its methods are all that the path has. */
enum route_result route_run(const struct web_req *req, struct web_resp *resp, char *allow, size_t allowsz)
{
    const char *method = strcmp(req->method, "HEAD") ? req->method : "GET";
    const struct route *chosen = NULL;
    size_t best = 0;

    allow[0] = '\0';
    for (size_t i = 0; i < route_count; i++) {
        size_t fit = path_fit(routes[i].path, req->path);

        if (fit > best)
            best = fit;
    }
    for (size_t i = 0; best && i < route_count; i++) {
        if (path_fit(routes[i].path, req->path) != best)
            continue;
        if (!strcmp(routes[i].method, method))
            chosen = &routes[i];
        allow_add(allow, allowsz, routes[i].method);
    }
    if (chosen)
        chosen->h(req, resp, chosen->arg);
    return chosen ? ROUTE_DONE : best ? ROUTE_METHOD : ROUTE_NONE;
}

void web_resp_init(struct web_resp *resp)
{
    memset(resp, 0, sizeof(*resp));
    resp->status = 200;
    resp->content_type = "application/json";
    buf_init(&resp->body, WEB_BODY_OUT_MAX);
}

void web_resp_reset(struct web_resp *resp)
{
    buf_reset(&resp->body);
}

void web_problem(struct web_resp *resp, int status, const char *title, const char *detail_fmt, ...)
{
    char detail[512];
    va_list ap;

    va_start(ap, detail_fmt);
    vsnprintf(detail, sizeof(detail), detail_fmt, ap);
    va_end(ap);
    resp->status = status;
    resp->content_type = "application/problem+json";
    buf_clear(&resp->body);
    buf_puts(&resp->body, "{\"type\":\"about:blank\",\"title\":");
    buf_json_str(&resp->body, title);
    buf_printf(&resp->body, ",\"status\":%d,\"detail\":", status);
    buf_json_str(&resp->body, detail);
    buf_puts(&resp->body, "}");
}

void web_banned(struct web_resp *resp, uint32_t left_ms)
{
    uint32_t left_s = left_ms / 1000 + 1;
    char detail[REPLY_DETAIL_MAX];

    web_problem(resp, 429, "Too Many Requests", "%s", reply_ban_detail(detail, sizeof(detail), left_s));
    snprintf(resp->headers, sizeof(resp->headers), "Retry-After: %u\r\n", left_s);
}

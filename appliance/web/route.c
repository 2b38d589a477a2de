#include "web/route.h"
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

static bool path_matches(const char *pattern, const char *path)
{
    size_t n = strlen(pattern);

    if (n && pattern[n - 1] == '*')
        return !strncmp(pattern, path, n - 1);
    return !strcmp(pattern, path);
}

static void allow_add(char *allow, size_t sz, const char *method)
{
    size_t n = strlen(allow);

    if (!strcmp(method, "GET"))
        snprintf(allow + n, sz - n, "%sGET, HEAD", n ? ", " : "");
    else
        snprintf(allow + n, sz - n, "%s%s", n ? ", " : "", method);
}

/* The longest pattern wins, so that "/api/x" goes before "/api/" with its star. */
enum route_result route_run(const struct web_req *req, struct web_resp *resp, char *allow, size_t allowsz)
{
    const char *method = strcmp(req->method, "HEAD") ? req->method : "GET";
    const struct route *best = NULL;
    size_t longest = 0;
    bool found = false;

    allow[0] = '\0';
    for (size_t i = 0; i < route_count; i++)
        if (path_matches(routes[i].path, req->path) && strlen(routes[i].path) >= longest) {
            longest = strlen(routes[i].path);
            found = true;
        }
    for (size_t i = 0; found && i < route_count; i++) {
        const struct route *r = &routes[i];

        if (strlen(r->path) != longest || !path_matches(r->path, req->path))
            continue;
        if (!strcmp(r->method, method))
            best = r;
        allow_add(allow, allowsz, r->method);
    }
    if (best)
        best->h(req, resp, best->arg);
    return best ? ROUTE_DONE : found ? ROUTE_METHOD : ROUTE_NONE;
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

#include "web/route.h"
#include "core/utf8.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { PARAMS_MAX = sizeof(((struct web_req *)0)->params) / sizeof(char *) };

static struct {
    const struct web_route *v;
    size_t n;
    void *arg;
} tables[ROUTE_TABLES_MAX];
static size_t table_count;

int web_routes(const struct web_route *v, size_t n, void *arg)
{
    if (table_count == ROUTE_TABLES_MAX)
        return ENOSPC;
    tables[table_count].v = v;
    tables[table_count].n = n;
    tables[table_count++].arg = arg;
    return 0;
}

void web_routes_clear(void)
{
    table_count = 0;
}

/* A pattern against a decoded path, segment by segment: 0, or how well it fits, where an earlier literal counts for more. */
static uint32_t path_fit(const char *pattern, const char *path)
{
    uint32_t fit = 1;

    while (*pattern == '/' && *path == '/') {
        size_t n = strcspn(++pattern, "/"), m = strcspn(++path, "/");

        if (*pattern == '{') {
            if (!m || m > WEB_PARAM_MAX || !utf8_valid(path, m))
                return 0;
            fit <<= 1;
        } else {
            if (n != m || memcmp(pattern, path, n))
                return 0;
            fit = fit << 1 | 1;
        }
        pattern += n;
        path += m;
    }
    return *pattern || *path ? 0 : fit;
}

/* Copies what stands for the pattern's {names}; it fits the path. */
static void params_take(struct exchange *x, const char *pattern, const char *path)
{
    char *text = x->params;
    size_t count = 0;

    while (*pattern) {
        size_t n = strcspn(++pattern, "/"), m = strcspn(++path, "/");

        if (*pattern == '{' && count < PARAMS_MAX) {
            memcpy(text, path, m);
            text[m] = '\0';
            x->req.params[count++] = text;
            text += m + 1;
        }
        pattern += n;
        path += m;
    }
}

static void allow_add(char *allow, size_t sz, const char *method)
{
    size_t n = strlen(allow);

    if (!strcmp(method, "GET"))
        snprintf(allow + n, sz - n, "%sGET, HEAD", n ? ", " : "");
    else
        snprintf(allow + n, sz - n, "%s%s", n ? ", " : "", method);
}

static uint32_t best_fit(const char *path)
{
    uint32_t best = 0;

    for (size_t t = 0; t < table_count; t++) {
        for (size_t i = 0; i < tables[t].n; i++) {
            uint32_t fit = path_fit(tables[t].v[i].path, path);

            if (fit > best)
                best = fit;
        }
    }
    return best;
}

/* The best fit wins; its methods are all that the path has. */
int route_find(struct exchange *x, const char *method, const char *path, char *allow, size_t allowsz)
{
    uint32_t best = best_fit(path);

    allow[0] = '\0';
    if (!strcmp(method, "HEAD"))
        method = "GET";
    for (size_t t = 0; best && t < table_count; t++) {
        for (size_t i = 0; i < tables[t].n; i++) {
            const struct web_route *r = &tables[t].v[i];

            if (path_fit(r->path, path) != best)
                continue;
            allow_add(allow, allowsz, r->method);
            if (strcmp(r->method, method))
                continue;
            x->route = r;
            x->arg = tables[t].arg;
        }
    }
    if (!x->route)
        return best ? 405 : 404;
    params_take(x, x->route->path, path);
    return 0;
}

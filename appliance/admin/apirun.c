/* A request is done: who, may he, what was sent, the handler, the answer. MAIN or ADMIN thread. */
#include "admin/apipriv.h"
#include "conf/conf.h"
#include "core/guard.h"
#include "core/json.h"
#include "core/log.h"
#include "core/metric.h"
#include "crypto/hash.h"
#include "store/store.h"
#include "web/http.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { LIMIT_DEF = 100, DETAIL_MAX = 600, ETAG_MAX = 40 };

METRIC_COUNTER(refused_401, "dngate_admin_refused_total", "reason=\"not_signed_in\"",
               "Requests to /api/admin/v1 that were refused");
METRIC_COUNTER(refused_403, "dngate_admin_refused_total", "reason=\"not_allowed\"",
               "Requests to /api/admin/v1 that were refused");
METRIC_COUNTER(refused_csrf, "dngate_admin_refused_total", "reason=\"csrf\"",
               "Requests to /api/admin/v1 that were refused");
METRIC_COUNTER(refused_wrong, "dngate_admin_refused_total", "reason=\"wrong_values\"",
               "Requests to /api/admin/v1 that were refused");
METRIC_COUNTER(refused_stale, "dngate_admin_refused_total", "reason=\"changed_meanwhile\"",
               "Requests to /api/admin/v1 that were refused");

/* ---------------------------------------------------------------- problems */

static void faults_write(struct buf *out, const struct api_faults *f)
{
    api_put_name(out, "errors");
    buf_puts(out, "[");
    for (size_t i = 0; i < f->n; i++) {
        api_item(out);
        api_put_str(out, "field", f->v[i].field);
        api_put_str(out, "detail", f->v[i].detail);
        buf_puts(out, "}");
    }
    buf_puts(out, "]");
}

void api_problem(struct api_request *q, int status, const struct api_faults *f, const char *detail_fmt, ...)
{
    char detail[DETAIL_MAX];
    va_list ap;

    va_start(ap, detail_fmt);
    vsnprintf(detail, sizeof(detail), detail_fmt, ap);
    va_end(ap);
    buf_clear(&q->out);
    buf_puts(&q->out, "{");
    api_put_str(&q->out, "type", "about:blank");
    api_put_str(&q->out, "title", http_reason(status));
    api_put_int(&q->out, "status", status);
    api_put_str(&q->out, "detail", detail);
    if (f && f->n)
        faults_write(&q->out, f);
    buf_puts(&q->out, q->call.problem);
    buf_puts(&q->out, "}");
    q->call.status = status;
    q->content_type_out = "application/problem+json";
    q->pieces = false;
}

static void wrong_values(struct api_request *q, const struct api_faults *f)
{
    metric_add(&refused_wrong, 1);
    api_problem(q, 422, f, "%s%s%s", f->v[0].field, *f->v[0].field ? " " : "", f->v[0].detail);
}

static int status_of(int err)
{
    switch (err) {
    case EINVAL:
        return 422;
    case ENOENT:
        return 404;
    case EEXIST:
        return 409;
    case EPERM:
        return 403;
    case EACCES:
        return 401;
    case EMSGSIZE:
        return 413;
    case ENOTSUP:
        return 501;
    case EAGAIN:
        return 429;
    case EBUSY:
    case ETIMEDOUT:
    case ENOTCONN:
        return 503;
    default:
        return 500;
    }
}

static void failed(struct api_request *q, int err)
{
    struct api_faults f = {.n = 0};
    const int status = status_of(err);

    if (status == 500)
        log_warn("admin", "method=%s path=%s error=\"%s\" failed", q->e->r->method, q->e->r->path,
                 strerror(err));
    if (*q->sv.field)
        api_fault_add(&f, q->sv.field, "%s", q->sv.why);
    api_problem(q, status, &f, "%s", *q->sv.why ? q->sv.why : strerror(err));
}

/* ---------------------------------------------------------------- may he? */

static void not_signed_in(struct api_request *q, const struct api_worker *w)
{
    bool has = true;

    metric_add(&refused_401, 1);
    (void)user_has_admin(w->reader, &has);
    if (!has)
        api_problem(q, 401, NULL, "%s", API_NO_ADMIN);
    else if (q->authorization)
        api_problem(q, 401, NULL, "The key is not good, or not any more. Send Authorization: Bearer KEY.");
    else
        api_problem(q, 401, NULL, "%s",
                    *q->cookie ? "Your session is over. Sign in again." : "Sign in first.");
    if (q->authorization)
        snprintf(q->call.headers, sizeof(q->call.headers), "WWW-Authenticate: Bearer\r\n");
}

static bool role_enough(enum user_role role, enum api_access access)
{
    switch (access) {
    case API_OPEN:
    case API_READONLY:
        return true;
    case API_SUPERVISOR:
        return role == USER_SUPERVISOR || role == USER_ADMIN;
    case API_ADMIN:
        return role == USER_ADMIN;
    }
    return false;
}

static bool is_reading(const struct api_request *q)
{
    return !strcmp(q->e->r->method, "GET");
}

/* A page of another site can make a browser send the cookie (were it not SameSite), but does not know this. */
static bool csrf_right(const struct api_request *q)
{
    return strlen(q->csrf) == SHA256_HEXLEN - 1 && hash_equal(q->csrf, q->right_csrf, SHA256_HEXLEN - 1);
}

static bool allowed(struct api_request *q, struct api_worker *w)
{
    const struct api_route *r = q->e->r;
    const int err = api_who_find(q, w);

    if (err) {
        api_problem(q, 503, NULL, "Who you are cannot be looked up: %s", store_strerror(err));
        return false;
    }
    if (r->access == API_OPEN)
        return true;
    if (!q->call.who) {
        not_signed_in(q, w);
        return false;
    }
    if (!q->who.by_key && !is_reading(q) && !csrf_right(q)) {
        metric_add(&refused_csrf, 1);
        api_problem(q, 403, NULL, "Send the header X-CSRF-Token with the value of csrf in GET /session.");
        return false;
    }
    if (!role_enough(q->who.role, r->access)) {
        metric_add(&refused_403, 1);
        api_problem(q, 403, NULL, "This takes the role %s; %s %s.",
                    r->access == API_ADMIN ? "admin" : "supervisor or admin",
                    q->who.by_key ? "the key has" : "yours is", user_role_name(q->who.role));
        return false;
    }
    return true;
}

/* ---------------------------------------------------------------- what was sent */

static bool type_is(const char *content_type, const char *type)
{
    const size_t n = strcspn(content_type, "; ");

    return n == strlen(type) && !strncasecmp(content_type, type, n);
}

/* A body that is not JSON: as it came. */
static bool text_passes(struct api_request *q)
{
    if ((q->body_len || q->part_len) && !type_is(q->content_type, q->e->r->body_type)) {
        api_problem(q, 415, NULL, "Send Content-Type: %s.", q->e->r->body_type);
        return false;
    }
    q->call.text = q->body;
    q->call.text_len = q->body_len;
    return true;
}

static bool json_passes(struct api_request *q)
{
    const struct api_route *r = q->e->r;
    struct api_faults f = {.n = 0};
    char why[128] = "";

    if (q->body_len && !type_is(q->content_type, "application/json")) {
        api_problem(q, 415, NULL, "Send Content-Type: application/json.");
        return false;
    }
    if (json_parse(&q->doc, q->body_len ? q->body : "{}", q->body_len ? q->body_len : 2, why, sizeof(why))) {
        q->doc = NULL;
        api_problem(q, 400, NULL, "The body is not JSON: %s.", why);
        return false;
    }
    q->call.body = json_root(q->doc);
    api_body_check(q->call.body, r->body, r->body_count, &f);
    if (f.n)
        wrong_values(q, &f);
    return !f.n;
}

static bool sent_passes(struct api_request *q)
{
    const struct api_route *r = q->e->r;
    struct api_faults f = {.n = 0};

    if (!q->admitted) /* once: it is decoded in place */
        api_query_check(&q->query, q->query_text, r->query, r->query_count, r->list, &f);
    if (f.n) {
        wrong_values(q, &f);
        return false;
    }
    return r->body_type ? text_passes(q) : json_passes(q);
}

/* The thread that has the request lends it what it works with. */
static void begin(struct api_request *q, const struct api_worker *w)
{
    q->sv = *w->sv;
    q->sv.why[0] = q->sv.field[0] = '\0';
    q->call.sv = &q->sv;
    q->call.out = &q->out;
    q->call.arg = q->e->arg;
}

/* ---------------------------------------------------------------- has it changed meanwhile? */

static void etag_make(char out[ETAG_MAX], const struct buf *body)
{
    uint8_t sum[SHA256_LEN];
    char hex[SHA256_HEXLEN];

    hash_sha256(sum, body->data ? body->data : "", body->len);
    hash_hex(hex, sum, sizeof(sum));
    snprintf(out, ETAG_MAX, "\"%.32s\"", hex);
}

static const struct api_entry *get_of(const struct api *a, const char *path)
{
    size_t n;
    const struct api_entry *v = api_entries(a, &n);

    for (size_t i = 0; i < n; i++)
        if (!strcmp(v[i].r->path, path) && !strcmp(v[i].r->method, "GET"))
            return &v[i];
    return NULL;
}

/* What GET of the same path answers now. ENOENT: there is no such GET, or it answers no 200. */
static int etag_now(const struct api_request *q, const struct api_worker *w, char etag[ETAG_MAX])
{
    const struct api_entry *get = get_of(w->api, q->e->r->path);
    struct api_request *g = get && !get->r->piece ? malloc(sizeof(*g)) : NULL;
    int err;

    if (!g)
        return ENOENT;
    *g = *q; /* what it points to stays q's */
    g->e = get;
    g->query.n = 0;
    buf_init(&g->out, API_OUT_MAX);
    begin(g, w);
    g->call.body = NULL;
    err = get->r->h(&g->call);
    if (!err && (g->out.err || g->call.status != 200))
        err = ENOENT;
    if (!err)
        etag_make(etag, &g->out);
    buf_reset(&g->out);
    explicit_bzero(g, sizeof(*g));
    free(g);
    return err;
}

static bool match_passes(struct api_request *q, const struct api_worker *w)
{
    char etag[ETAG_MAX] = "";

    if (!*q->if_match || is_reading(q))
        return true;
    if (!etag_now(q, w, etag) && (!strcmp(q->if_match, "*") || strstr(q->if_match, etag)))
        return true;
    metric_add(&refused_stale, 1);
    api_problem(q, 412, NULL, "Somebody changed this meanwhile. Load it again, then make your change.");
    return false;
}

/* ---------------------------------------------------------------- doing it */

static void actor_set(const struct api_request *q)
{
    struct store_actor a = {.via = "console"};

    snprintf(a.address, sizeof(a.address), "%s", q->who.address);
    if (q->call.who && q->who.by_key)
        snprintf(a.via, sizeof(a.via), "key");
    if (q->call.who)
        snprintf(a.who, sizeof(a.who), "%s", q->who.name);
    snprintf(a.reason, sizeof(a.reason), "%s", q->reason);
    store_actor_set(&a);
    if (q->call.body && json_get_str(q->call.body, "reason"))
        store_actor_reason(json_get_str(q->call.body, "reason"));
}

static void etag_put(struct api_request *q)
{
    char etag[ETAG_MAX];
    const size_t n = strlen(q->call.headers);

    if (!is_reading(q) || q->call.status != 200 || q->pieces)
        return;
    etag_make(etag, &q->out);
    snprintf(q->call.headers + n, sizeof(q->call.headers) - n, "ETag: %s\r\n", etag);
    if (*q->if_none_match && strstr(q->if_none_match, etag)) {
        q->call.status = 304;
        buf_clear(&q->out);
    }
}

static void prepare(struct api_request *q)
{
    q->call.status = 200;
    q->call.peer = &q->peer;
    q->call.host = q->host;
    q->call.user_agent = q->user_agent;
    q->call.csrf = q->right_csrf;
    q->call.passphrase = q->passphrase;
    for (size_t i = 0; i < 4; i++)
        q->call.params[i] = q->params[i];
    q->content_type_out = q->e->r->answer_type ? q->e->r->answer_type : "application/json";
}

void api_run(struct api_request *q, struct api_worker *w)
{
    int err;

    begin(q, w);
    prepare(q);
    if (!allowed(q, w) || !sent_passes(q) || !match_passes(q, w))
        return;
    actor_set(q);
    q->pieces = q->e->r->piece != NULL;
    q->call.upload = q->e->r->take ? q->state : NULL;
    err = q->e->r->h(&q->call);
    store_actor_set(NULL);
    if (!err && q->out.err)
        err = service_fail(&q->sv, q->out.err, "The answer could not be made: %s", strerror(q->out.err));
    if (err)
        failed(q, err);
    else if (!q->pieces && !q->out.len && q->call.status == 200)
        q->call.status = 204;
    else
        etag_put(q);
}

void api_run_part(struct api_request *q, struct api_worker *w)
{
    int err;

    begin(q, w);
    if (!q->admitted) {
        prepare(q);
        if (!allowed(q, w) || !sent_passes(q))
            return;
        q->admitted = true;
    }
    actor_set(q);
    err = q->e->r->take(&q->call, q->part, q->part_len, &q->state);
    store_actor_set(NULL);
    if (err)
        failed(q, err);
}

void api_run_piece(struct api_request *q, struct api_worker *w)
{
    int err;

    begin(q, w);
    buf_clear(&q->out);
    actor_set(q);
    err = q->e->r->piece(&q->call, &q->state);
    store_actor_set(NULL);
    if (!err)
        err = q->out.err;
    q->call.status = err ? 500 : 200;
    if (err)
        log_warn("admin", "path=%s error=\"%s\" an answer broke off", q->e->r->path,
                 *q->sv.why ? q->sv.why : strerror(err));
}

void api_worker_reset(struct api_worker *w)
{
    store_reader_free(w->reader);
    w->reader = NULL;
}

/* ---------------------------------------------------------------- for handlers */

const char *api_query(const struct api_call *c, const char *name)
{
    const struct api_query *q = &((const struct api_request *)c)->query;

    for (size_t i = 0; i < q->n; i++)
        if (!strcmp(q->v[i].name, name))
            return q->v[i].value;
    return NULL;
}

int64_t api_query_int(const struct api_call *c, const char *name, int64_t def)
{
    const char *s = api_query(c, name);

    return s ? strtoll(s, NULL, 10) : def;
}

bool api_query_bool(const struct api_call *c, const char *name, bool def)
{
    const char *s = api_query(c, name);

    return s ? !strcmp(s, "true") : def;
}

size_t api_limit(const struct api_call *c)
{
    return (size_t)api_query_int(c, "limit", LIMIT_DEF);
}

void api_guess(struct api_call *c, bool right)
{
    char peer[ADDR_STRLEN];

    if (!c->sv->guard)
        return;
    if (right) {
        guard_ok(c->sv->guard, c->peer);
        return;
    }
    if (guard_fail(c->sv->guard, c->peer) == GUARD_BAN)
        log_warn("admin", "peer=%s banned after repeated wrong passwords",
                 addr_ip(c->peer, peer, sizeof(peer)));
}

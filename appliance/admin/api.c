/* The way of a request: WEB thread, then MAIN, ADMIN or LONG, then WEB again. */
#include "admin/api.h"
#include "admin/apihost.h"
#include "admin/apipriv.h"
#include "admin/openapi.h"
#include "core/ask.h"
#include "core/clock.h"
#include "core/guard.h"
#include "core/keyhash.h"
#include "core/log.h"
#include "core/mbox.h"
#include "core/metric.h"
#include "service/session.h"
#include "store/apikey.h"
#include "store/store.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
    MAIN_SLOTS = 256,          /* requests that wait for the main thread */
    MAIN_BATCH = 16,           /* of these at a time, so that signals and the command line have their turn */
    SLOW_SLOTS = APIQUEUE_MAX, /* that wait for the ADMIN thread: half a second of sign-ins; more get 503 */
    LONG_SLOTS = 4,            /* that wait for the LONG thread: nobody makes more backups at a time */
    LONG_MS = 30 * 60 * 1000,
    SEEN_SLOTS = 64,
    KNOWN_MAX = 64,
    KNOWN_MS = 3600 * 1000,
    PATH_MAX_ = 128,
};

METRIC_COUNTER(requests_main, "dngate_admin_requests_total", "thread=\"main\"",
               "Requests to /api/admin/v1 that were served");
METRIC_COUNTER(requests_slow, "dngate_admin_requests_total", "thread=\"admin\"",
               "Requests to /api/admin/v1 that were served");

static struct {
    const struct api_route *v;
    size_t n;
    void *arg;
} tables[API_TABLES_MAX];
static size_t table_count;

struct api_seen { /* what the ADMIN thread notes when it has time */
    char id[40];
    bool by_key;
    int64_t ms;
};

struct helper { /* a thread beside the main thread */
    struct api_worker w;
    struct mbox *asks;
    pthread_t thread;
    bool running;
    int stop_fd;
};

struct api {
    struct service sv_slow; /* the ADMIN and the LONG thread's */
    struct api_worker main;
    struct helper slow, lasting; /* the ADMIN and the LONG thread */
    struct mbox *asks, *seen;
    struct apiqueue signins; /* guarded requests that wait for the ADMIN thread */
    uint8_t key[32];
    struct { /* WEB thread: sessions that were good lately */
        uint64_t cookie, until_ms;
    } known[KNOWN_MAX];
    struct api_entry *entries;
    struct web_route *routes; /* one each */
    char (*paths)[PATH_MAX_];
    size_t count;
    struct buf openapi; /* of all these */
};

int api_routes(const struct api_route *v, size_t n, void *arg)
{
    if (table_count == API_TABLES_MAX)
        return ENOSPC;
    tables[table_count].v = v;
    tables[table_count].n = n;
    tables[table_count++].arg = arg;
    return 0;
}

const struct api_entry *api_entries(const struct api *a, size_t *n)
{
    *n = a->count;
    return a->entries;
}

void api_key(const struct api *a, uint8_t key[32])
{
    memcpy(key, a->key, sizeof(a->key));
}

void api_seen(struct api *a, const struct api_who *who)
{
    struct api_seen s = {.by_key = who->by_key, .ms = clock_wall_ms()};

    snprintf(s.id, sizeof(s.id), "%s", who->id);
    (void)mbox_post(a->seen, &s); /* full: the next request tells it */
}

/* ---------------------------------------------------------------- MAIN and ADMIN */

struct question {
    struct api_request *q;
};

static void question_drop(void *value)
{
    api_request_free(((struct question *)value)->q);
}

static void run_answer(void *value, void *owner)
{
    struct api_worker *w = owner;

    metric_add(w == &w->api->main ? &requests_main : &requests_slow, 1);
    api_run(((struct question *)value)->q, w);
}

static void piece_answer(void *value, void *owner)
{
    api_run_piece(((struct question *)value)->q, owner);
}

static void part_answer(void *value, void *owner)
{
    api_run_part(((struct question *)value)->q, owner);
}

/* ---------------------------------------------------------------- WEB */

static struct mbox *thread_of(const struct api *a, const struct api_request *q)
{
    return q->e->r->lasting ? a->lasting.asks : q->e->r->slow ? a->slow.asks : a->asks;
}

static bool piece_h(struct web_resp *resp);
static void request_drop(void *state)
{
    api_request_free(state);
}

/* Takes q over, or frees it. */
static void pieces_go_on(struct api_request *q, struct web_resp *resp)
{
    if (q->pieces) {
        resp->piece = piece_h;
        resp->state = q;
        resp->drop = request_drop;
    } else {
        api_request_free(q);
    }
}

static void body_put(struct api_request *q, struct web_resp *resp)
{
    buf_write(&resp->body, q->out.data ? q->out.data : "", q->out.len);
    buf_clear(&q->out);
}

/* Its place: its own, else the one that was used least lately. */
static size_t known_place(const struct api *a, uint64_t cookie)
{
    size_t oldest = 0;

    for (size_t i = 0; i < KNOWN_MAX; i++) {
        if (a->known[i].cookie == cookie)
            return i;
        if (a->known[i].until_ms < a->known[oldest].until_ms)
            oldest = i;
    }
    return oldest;
}

static void known_note(struct api *a, const struct api_request *q)
{
    const uint64_t cookie = keyhash(q->cookie, strlen(q->cookie));
    const size_t i = known_place(a, cookie);

    if (!*q->cookie || q->authorization)
        return;
    if (q->call.who) {
        a->known[i].cookie = cookie;
        a->known[i].until_ms = clock_ms() + KNOWN_MS;
    } else if (a->known[i].cookie == cookie) {
        a->known[i].until_ms = 0;
    }
}

bool api_known(const struct api *a, const char *cookies)
{
    char token[API_TOKEN_MAX];
    uint64_t cookie;
    size_t i;

    api_cookie_take(token, cookies);
    cookie = keyhash(token, strlen(token));
    i = known_place(a, cookie);
    return *token && a->known[i].cookie == cookie && a->known[i].until_ms > clock_ms();
}

static void run_later(void *value, struct web_resp *resp, void *arg)
{
    struct api_request *q = ((struct question *)value)->q;

    known_note(arg, q);
    resp->status = q->call.status;
    resp->content_type = q->content_type_out;
    snprintf(resp->headers, sizeof(resp->headers), "%s", q->call.headers);
    body_put(q, resp);
    pieces_go_on(q, resp);
}

static void part_later(void *value, struct web_resp *resp, void *arg)
{
    struct api_request *q = ((struct question *)value)->q;

    (void)arg;
    free(q->part);
    q->part = NULL;
    resp->state = q;
    if (q->call.status < 400)
        return;
    resp->status = q->call.status;
    resp->content_type = q->content_type_out;
    snprintf(resp->headers, sizeof(resp->headers), "%s", q->call.headers);
    body_put(q, resp);
}

static void piece_later(void *value, struct web_resp *resp, void *arg)
{
    struct api_request *q = ((struct question *)value)->q;

    (void)arg;
    resp->status = q->call.status; /* of an error: it is broken off */
    body_put(q, resp);
    resp->state = q;
}

#define QUESTION(ms_, answer_, later_)                                                                       \
    {                                                                                                        \
        .call = {.size = sizeof(struct question),                                                            \
                 .ms = (ms_),                                                                                \
                 .answer = (answer_),                                                                        \
                 .done = web_answered,                                                                       \
                 .drop = question_drop},                                                                     \
        .later = (later_)                                                                                    \
    }

/* By lasting: whoever takes or sends a file may have to wait for another's backup, too. */
static const struct web_question run_questions[] = {QUESTION(WEB_ASK_MS, run_answer, run_later),
                                                    QUESTION(LONG_MS, run_answer, run_later)},
                                 part_questions[] = {QUESTION(WEB_ASK_MS, part_answer, part_later),
                                                     QUESTION(LONG_MS, part_answer, part_later)},
                                 piece_questions[] = {QUESTION(WEB_ASK_MS, piece_answer, piece_later),
                                                      QUESTION(LONG_MS, piece_answer, piece_later)};

/* The request is the question's until its answer is here. */
static bool piece_h(struct web_resp *resp)
{
    const struct question value = {resp->state};

    resp->state = NULL;
    web_ask(resp, thread_of(value.q->api, value.q), &piece_questions[value.q->e->r->lasting], &value, NULL);
    return true;
}

/* False, and the answer is written: the source is banned. A slowed one waits for its answer. */
static bool guard_passes(const struct api *a, const struct web_req *req, struct web_resp *resp)
{
    uint32_t ms = 0;

    if (!a->main.sv->guard)
        return true;
    switch (guard_check(a->main.sv->guard, req->peer, &ms)) {
    case GUARD_BAN:
        web_banned(resp, ms);
        return false;
    case GUARD_DELAY:
        resp->delay_ms = ms;
        return true;
    case GUARD_PASS:
        return true;
    }
    return true;
}

static void no_memory(struct web_resp *resp)
{
    web_problem(resp, 503, "Service Unavailable", "The server has no memory left. Try again in a moment.");
}

/* The one whose body has come in parts already, or a new one. NULL: the answer is written. */
static struct api_request *request_of(struct api *a, const struct api_entry *e, const struct web_req *req,
                                      struct web_resp *resp)
{
    struct api_request *q = resp->state;

    resp->state = NULL;
    if (!q)
        q = api_request_make(e, req);
    if (q)
        q->api = a;
    else
        no_memory(resp);
    return q;
}

/* One source alone does not fill the queue for the thread that hashes passwords. */
static bool queue_full(struct api *a, struct api_request *q, const struct addr *peer)
{
    q->queue = &a->signins;
    return apiqueue_enter(&a->signins, peer, &q->place) != 0;
}

void api_hand(struct api *a, const struct api_entry *e, const struct web_req *req, struct web_resp *resp)
{
    struct question value;

    if (e->r->guarded && !guard_passes(a, req, resp))
        return;
    value.q = request_of(a, e, req, resp);
    if (!value.q)
        return;
    if (e->r->guarded && e->r->slow && queue_full(a, value.q, req->peer)) {
        api_request_free(value.q);
        web_problem(resp, 503, "Service Unavailable",
                    "Too many sign-ins of your address wait already. Try again in a moment.");
        return;
    }
    web_ask(resp, thread_of(a, value.q), &run_questions[e->r->lasting], &value, a);
}

/* A part of a body that is taken as it comes. */
static void part_h(const struct web_req *req, const void *p, size_t n, struct web_resp *resp, void *arg)
{
    struct api *a = arg;
    struct question value = {request_of(a, &a->entries[req->route - a->routes], req, resp)};

    if (!value.q)
        return;
    resp->drop = request_drop; /* of what is in state then */
    value.q->part = malloc(n);
    if (!value.q->part) {
        api_request_free(value.q);
        no_memory(resp);
        return;
    }
    memcpy(value.q->part, p, n);
    value.q->part_len = n;
    web_ask(resp, thread_of(a, value.q), &part_questions[value.q->e->r->lasting], &value, NULL);
}

static void request_h(const struct web_req *req, struct web_resp *resp, void *arg)
{
    struct api *a = arg;

    api_hand(a, &a->entries[req->route - a->routes], req, resp);
}

/* ---------------------------------------------------------------- the ADMIN and the LONG thread */

static void seen_h(void *msg, void *arg)
{
    const struct api_seen *s = msg;
    const struct api *a = arg;
    const int err = s->by_key ? apikey_seen(a->sv_slow.store, s->id, s->ms)
                              : session_seen(a->sv_slow.store, s->id, s->ms);

    if (err)
        log_warn_limited("admin", "error=\"%s\" it is not noted that a session or key was used",
                         store_strerror(err));
}

static void *helper_main(void *arg)
{
    struct helper *h = arg;
    struct api *a = h->w.api;
    struct pollfd fds[] = {{.fd = h->stop_fd, .events = POLLIN},
                           {.fd = mbox_fd(h->asks), .events = POLLIN},
                           {.fd = h == &a->slow ? mbox_fd(a->seen) : -1, .events = POLLIN}};

    for (;;) {
        if (poll(fds, sizeof(fds) / sizeof(fds[0]), -1) < 0 && errno != EINTR)
            break;
        if (fds[0].revents)
            break;
        if (fds[1].revents & POLLIN)
            mbox_drain_max(h->asks, 1, ask_answer_h, &h->w);
        if (fds[2].revents & POLLIN)
            mbox_drain(a->seen, seen_h, a);
    }
    api_worker_reset(&h->w);
    return NULL;
}

static int helper_alloc(struct helper *h, struct api *a, const char *name, size_t slots)
{
    h->w = (struct api_worker){.api = a, .sv = &a->sv_slow};
    h->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return h->stop_fd < 0 ? errno : ask_mbox_alloc(&h->asks, name, slots);
}

static int helper_start(struct helper *h, const char *name)
{
    const int err = pthread_create(&h->thread, NULL, helper_main, h);

    if (err)
        return err;
    h->running = true;
    (void)pthread_setname_np(h->thread, name);
    return 0;
}

static void helper_stop(struct helper *h)
{
    const uint64_t one = 1;

    if (!h->running)
        return;
    if (write(h->stop_fd, &one, sizeof(one)) < 0)
        log_error("admin", "error=\"%s\" the thread cannot be told to stop", strerror(errno));
    (void)pthread_join(h->thread, NULL);
    h->running = false;
}

static void helper_free(struct helper *h)
{
    ask_mbox_free(h->asks);
    if (h->stop_fd >= 0)
        close(h->stop_fd);
}

/* ---------------------------------------------------------------- start and stop */

int api_alloc(struct api **ap, const struct service *sv)
{
    struct api *a = calloc(1, sizeof(*a));
    int err;

    if (!a)
        return ENOMEM;
    table_count = 0;
    a->slow.stop_fd = a->lasting.stop_fd = -1;
    buf_init(&a->openapi, API_OUT_MAX);
    a->main = (struct api_worker){.api = a, .sv = sv};
    store_key(sv->store, a->key, "dngate console csrf");
    err = ask_mbox_alloc(&a->asks, "admin_requests", MAIN_SLOTS);
    if (!err)
        err = helper_alloc(&a->slow, a, "admin_slow", SLOW_SLOTS);
    if (!err)
        err = helper_alloc(&a->lasting, a, "admin_long", LONG_SLOTS);
    if (!err)
        err = mbox_alloc(&a->seen, "admin_seen", sizeof(struct api_seen), SEEN_SLOTS);
    if (err)
        api_free(a);
    else
        *ap = a;
    return err;
}

static void entries_fill(struct api *a)
{
    size_t i = 0;

    for (size_t t = 0; t < table_count; t++) {
        for (size_t j = 0; j < tables[t].n; j++, i++) {
            const struct api_route *r = &tables[t].v[j];

            snprintf(a->paths[i], sizeof(a->paths[i]), "%s%s", API_BASE, r->path);
            a->entries[i] = (struct api_entry){r, tables[t].arg};
            a->routes[i] = (struct web_route){.method = r->method,
                                              .path = a->paths[i],
                                              .h = request_h,
                                              .chunk = r->take ? part_h : NULL,
                                              .body_max = r->body_max};
        }
    }
}

static int openapi_h(struct api_call *c)
{
    const struct api *a = c->arg;

    return buf_write(c->out, a->openapi.data, a->openapi.len);
}

static const struct api_route own_routes[] = {
    {.method = "GET",
     .path = "/openapi.json",
     .access = API_OPEN,
     .summary = "This document.",
     .h = openapi_h},
};

int api_open(struct api *a)
{
    int err = api_routes(own_routes, sizeof(own_routes) / sizeof(own_routes[0]), a);

    if (err)
        return err;
    for (size_t t = 0; t < table_count; t++)
        a->count += tables[t].n;
    a->entries = calloc(a->count + 1, sizeof(*a->entries));
    a->routes = calloc(a->count + 1, sizeof(*a->routes));
    a->paths = calloc(a->count + 1, sizeof(*a->paths));
    if (!a->entries || !a->routes || !a->paths)
        return ENOMEM;
    entries_fill(a);
    openapi_write(&a->openapi, a->entries, a->count);
    if (a->openapi.err)
        return a->openapi.err;
    a->sv_slow = *a->main.sv;
    err = helper_start(&a->slow, "admin");
    if (!err)
        err = helper_start(&a->lasting, "admin-long");
    return err ? err : web_routes(a->routes, a->count, a);
}

int api_fd(const struct api *a)
{
    return mbox_fd(a->asks);
}

void api_serve(struct api *a)
{
    mbox_drain_max(a->asks, MAIN_BATCH, ask_answer_h, &a->main);
}

void api_free(struct api *a)
{
    if (!a)
        return;
    helper_stop(&a->slow);
    helper_stop(&a->lasting);
    ask_mbox_free(a->asks);
    helper_free(&a->slow);
    helper_free(&a->lasting);
    mbox_free(a->seen, NULL, NULL);
    api_worker_reset(&a->main);
    buf_reset(&a->openapi);
    free(a->entries);
    free(a->routes);
    free(a->paths);
    explicit_bzero(a, sizeof(*a));
    free(a);
}

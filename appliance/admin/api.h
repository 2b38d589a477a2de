/*
 * admin/api: /api/admin/v1: tables of routes, one file of admin/ per noun. From the tables come the router, the check of who may, the check of
 * what was sent, and openapi.json: what stands in a table is true, because nothing else is asked.
 *
 *   WEB thread                                    MAIN thread, which serves the command line, too
 *   path → route ── request, by value ──────────► who (cookie or key)? → may he? → CSRF, If-Match? → query and body as the table says?
 *                ◄── status, headers, JSON ─────  → api_h → service/
 *
 * A handler runs on the main thread, calls service/ and writes JSON. It must not wait for the network or for a person, and is over within
 * some ten milliseconds: what takes longer is begun on a thread of its own (core/thread) and asked after by another route.
 *
 * ETag: the answer to GET carries one made from its body. A PUT, PATCH or DELETE of the same path with If-Match is done only if GET would
 * still answer the same (412 otherwise): what GET of a thing that can be changed answers must not hold figures of the moment.
 */
#ifndef ADMIN_API_H
#define ADMIN_API_H

#include "core/buf.h"
#include "service/service.h"
#include "store/user.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_val;

#define API_BASE "/api/admin/v1"

enum api_type {
    API_TEXT,   /* UTF-8 without control characters but line ends */
    API_SECRET, /* a text that is never shown again; write only in openapi.json */
    API_INT,
    API_REAL,
    API_BOOL,
    API_TIME,   /* Unix time in ms, UTC */
    API_OBJECT, /* its members: v */
    API_LIST,   /* of objects with these members; of texts when there are none */
    API_ANY     /* of any type; the handler looks */
};

/* A member of a body or of an answer, or a parameter of a query. */
struct api_value {
    const char *name;
    enum api_type type;
    bool needed; /* in what is sent: 422 without it; in an answer: always there */
    int64_t min,
        max; /* of a number; of a text in bytes; of a list in items. Both 0: numbers any, texts up to 1024, lists up to 1000 */
    const char *choices; /* "udp|tcp|tls": one of these */
    const char *help;    /* a sentence, for openapi.json */
    const struct api_value *v;
    size_t count;
};
#define API_VALUES(table_) .v = (table_), .count = sizeof(table_) / sizeof((table_)[0])

/* Who may: everybody, or whoever is signed in with at least this role (a key has the role that it was made for). */
enum api_access { API_OPEN, API_READONLY, API_SUPERVISOR, API_ADMIN };

struct api_who {   /* signed in: by a session of the console or by a key */
    char name[64]; /* of the user */
    enum user_role role;
    char id[40]; /* of the session or key */
    bool by_key;
    char address[48]; /* IP address the request came from */
};

struct api_call { /* valid during the handler */
    struct service *sv;
    const struct api_who *who;   /* NULL: API_OPEN, and nobody is signed in */
    const char *params[4];       /* what stands for the path's {names} */
    const struct json_val *body; /* an object that fits the route's table; NULL when the route takes none */
    const char *text;
    size_t text_len;  /* of a route with body_type: the body as it came, NUL behind it */
    const char *host; /* as the browser names this box */
    const char *user_agent;
    int status;        /* of the answer: 200 unless the handler says otherwise (201, 202, 204) */
    struct buf *out;   /* the answer's body: JSON unless answer_type says otherwise */
    char headers[512]; /* further "Name: value\r\n" lines */
    void *arg;         /* as of api_routes() */
};

/* 0, or an errno with sv->why (and sv->field, when it is one member's fault): EINVAL 422, ENOENT 404, EEXIST 409, EPERM 403, ENOTSUP 501,
 * EBUSY and ETIMEDOUT 503, EAGAIN 429, ENOTCONN 503, others 500. */
typedef int(api_h)(struct api_call *c);

struct api_route {
    const char *method, *path; /* "/dns/{dn}", below API_BASE */
    enum api_access access;
    const char *summary; /* a sentence: what it does */
    api_h *h;
    const struct api_value *query, *body, *answer;
    size_t query_count, body_count, answer_count;
    bool
        list; /* the answer is {"items":[…],"total":n,"next":cursor}, of such objects; query has limit and cursor */
    const char *body_type;   /* instead of JSON: "text/csv"; NULL: JSON, and no body when body_count is 0 */
    const char *answer_type; /* instead of JSON: "text/csv; charset=utf-8" */
    size_t body_max;         /* bytes; 0: http.body_max */
    /* An answer that is written in pieces (exports): called after h, with c->out empty, until it writes nothing; what it is at it keeps in
     * c->arg's place, *state, which h has set; drop frees it. */
    int (*piece)(struct api_call *c, void **state);
    void (*drop)(void *state);
};
#define API_QUERY(table_) .query = (table_), .query_count = sizeof(table_) / sizeof((table_)[0])
#define API_BODY(table_) .body = (table_), .body_count = sizeof(table_) / sizeof((table_)[0])
#define API_ANSWER(table_) .answer = (table_), .answer_count = sizeof(table_) / sizeof((table_)[0])

/* Adds a noun's table, which is kept, not copied. Before web_start. ENOSPC. */
int api_routes(const struct api_route *v, size_t n, void *arg);

/* A parameter of the query, decoded and as its table says; NULL when absent. */
const char *api_query(const struct api_call *c, const char *name);
/* def when absent. */
int64_t api_query_int(const struct api_call *c, const char *name, int64_t def);
/* Of a list route: 1..500, 100 when absent. */
size_t api_limit(const struct api_call *c);

#endif

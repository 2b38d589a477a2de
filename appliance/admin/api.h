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
 * A route that hashes passwords or may take half a second for another reason says so (slow): it runs on the ADMIN thread instead, one at a time,
 * with a struct service of its own: the store, questions to signalling and the reading of settings are fine there, changing settings is not.
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

struct addr;
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
    char name[64]; /* of the user, or of the key */
    char user[64]; /* who answers for it: the user, or who made the key */
    enum user_role role;
    char id[40]; /* of the session or key */
    bool by_key;
    bool totp;          /* the user has a second factor */
    char address[48];   /* IP address the request came from */
    int64_t expires_ms; /* of the session or key; 0 = never */
};

struct api_call { /* valid during the handler */
    struct service *sv;
    const struct api_who *who;   /* NULL: API_OPEN, and nobody is signed in */
    const char *params[4];       /* what stands for the path's {names} */
    const struct json_val *body; /* an object that fits the route's table; NULL when the route takes none */
    const char *text;
    size_t text_len;         /* of a route with body_type: the body as it came, NUL behind it */
    const struct addr *peer; /* where the request came from */
    const char *host;        /* as the browser names this box */
    const char *user_agent;
    const char *csrf;       /* what this session's changes must show; "" without a session */
    const char *passphrase; /* header X-Passphrase; "" when absent */
    int status; /* of the answer: 200 unless the handler says otherwise (201, 202); 204 when it writes nothing */
    struct buf *out;   /* the answer's body: JSON unless answer_type says otherwise */
    char headers[512]; /* further "Name: value\r\n" lines */
    char problem[64];  /* further members of the problem, as `,"totp":true` */
    char note[128];    /* what h leaves for its pieces to know */
    void *upload;      /* the state of take, for h */
    void *arg;         /* as of api_routes() */
};

/* 0, or an errno with sv->why (and sv->field, when it is one member's fault): EINVAL 422, ENOENT 404, EEXIST 409, EPERM 403, EACCES 401
 * (sign-in only: elsewhere 401 says that the session is over), EMSGSIZE 413, ENOTSUP 501, EBUSY, ETIMEDOUT and ENOTCONN 503, EAGAIN 429,
 * others 500. The audit knows who it is, from where and, when there is a header X-Reason (what is not ASCII as %XX of its UTF-8) or the body has a "reason", why
 * (store_actor_set). */
typedef int(api_h)(struct api_call *c);

struct api_route {
    const char *method, *path; /* "/dns/{dn}", below API_BASE */
    enum api_access access;
    const char *summary; /* a sentence: what it does */
    api_h *h;
    const struct api_value *query, *body, *answer;
    size_t query_count, body_count, answer_count;
    bool slow;    /* h runs on the ADMIN thread; see above */
    bool lasting; /* h may take minutes (a backup): as slow, on the LONG thread: nobody waits to sign in */
    bool guarded; /* a secret is guessed at here: slowed down and banned by source; see api_guess */
    bool
        list; /* the answer is {"items":[…],"total":n,"next":cursor}, of such objects; query has limit and cursor */
    bool uncounted;          /* a list whose total is there only when one page has it all */
    const char *body_type;   /* instead of JSON: "text/csv"; NULL: JSON, and no body when body_count is 0 */
    const char *answer_type; /* instead of JSON: "text/csv; charset=utf-8" */
    size_t body_max;         /* bytes, gathered in memory; 0: http.body_max */
    /* An answer that is written in pieces (exports): called after h, with c->out empty, until it writes nothing, each time on the thread that
     * h runs on; an error breaks the answer off. What it is at it keeps in *state, NULL at first; drop frees it, on any thread. h itself
     * writes nothing, or a first piece. */
    int (*piece)(struct api_call *c, void **state);
    /* A body that is too long for memory (uploads; with body_type): each part as it comes, on the thread that h runs on, once it is known that the
     * sender may; an error refuses the rest. Its *state is h's c->upload, and is freed by drop when all is over. */
    int (*take)(struct api_call *c, const void *p, size_t n, void **state);
    void (*drop)(void *state);
};
#define API_QUERY(table_) .query = (table_), .query_count = sizeof(table_) / sizeof((table_)[0])
#define API_BODY(table_) .body = (table_), .body_count = sizeof(table_) / sizeof((table_)[0])
#define API_ANSWER(table_) .answer = (table_), .answer_count = sizeof(table_) / sizeof((table_)[0])

/* Adds a noun's table, which is kept, not copied. Before api_open (admin/apihost). ENOSPC: more than 64 tables. */
int api_routes(const struct api_route *v, size_t n, void *arg);

/* A parameter of the query, decoded and as its table says; NULL when absent. */
const char *api_query(const struct api_call *c, const char *name);
/* def when absent. */
int64_t api_query_int(const struct api_call *c, const char *name, int64_t def);
bool api_query_bool(const struct api_call *c, const char *name, bool def);
/* Of a list route: 1..500, 100 when absent. */
size_t api_limit(const struct api_call *c);
/* What came of a guess at a secret (route guarded): a wrong one counts against its source. */
void api_guess(struct api_call *c, bool right);

/* A member of the object that is being written, with the comma before it unless the object has just begun. */
void api_put_str(struct buf *out, const char *name, const char *s);
void api_put_int(struct buf *out, const char *name, int64_t n);
void api_put_real(struct buf *out, const char *name, double n);
void api_put_bool(struct buf *out, const char *name, bool b);
/* `"name":` alone: the value follows. */
void api_put_name(struct buf *out, const char *name);
/* Around a list's items; each begins with api_item(). next: cursor of what follows, "" = nothing. */
void api_list_begin(struct buf *out);
void api_item(struct buf *out);
/* total < 0: not known (uncounted). */
void api_list_end(struct buf *out, int64_t total, const char *next);

#endif

/* admin/apipriv: one request of /api/admin/v1 on its way across the threads. Private to admin/api*. */
#ifndef ADMIN_APIPRIV_H
#define ADMIN_APIPRIV_H

#include "admin/api.h"
#include "admin/apicheck.h"
#include "admin/apihost.h"
#include "admin/apiqueue.h"
#include "core/addr.h"
#include "crypto/hash.h"
#include "web/web.h"

struct api;
struct store_reader;

/* To whoever wants to sign in where nobody can. */
#define API_NO_ADMIN                                                                                         \
    "This box has no administrator yet. Open the set-up link that the server's log shows at its start, or "  \
    "make a new one: dngate setup-link"

#define API_COOKIE "__Host-dngate"

enum {
    API_TOKEN_MAX = 64,
    API_TABLES_MAX = 64,
    API_OUT_MAX = 16 << 20,
    API_AGENT_MAX = 256,
    API_HOST_MAX = 264,
    API_PASSPHRASE_MAX = 1024,
    API_SEEN_MS = 60 * 1000, /* how exactly it is noted when a session was used last */
};

/* By value: whoever has it owns it. */
struct api_request {
    struct api_call call; /* first: api_query() finds the request by it */
    struct api *api;
    const struct api_entry *e;
    char params[4][WEB_PARAM_MAX + 1];
    char *query_text;
    struct api_query query;
    char cookie[API_TOKEN_MAX], bearer[API_TOKEN_MAX]; /* "" = none */
    bool authorization;                                /* it came with one, of whatever kind */
    char csrf[SHA256_HEXLEN], if_match[256], if_none_match[256];
    char host[API_HOST_MAX], user_agent[API_AGENT_MAX], content_type[128], passphrase[API_PASSPHRASE_MAX + 1],
        reason[256];
    struct addr peer;
    char *body; /* NUL behind it */
    size_t body_len;

    struct service sv; /* the thread's own copy, as long as it has the request */
    struct api_who who;
    char right_csrf[SHA256_HEXLEN]; /* of the session; "" = no session */
    struct json *doc;
    const char *content_type_out;
    struct buf out;
    bool pieces;
    char *part; /* of the body, for take */
    size_t part_len;
    bool admitted; /* who sends it was looked at */
    struct apiqueue *queue;
    unsigned place; /* in it; 0: none */
    void *state;    /* of pieces, or of take */
};

/* What the thread that serves has of its own. */
struct api_worker {
    struct api *api;
    const struct service *sv;
    struct store_reader *reader; /* opened at the first request */
};

struct api_request *api_request_make(const struct api_entry *e,
                                     const struct web_req *req); /* NULL: no memory */
void api_request_free(struct api_request *q);
/* The session's token out of a Cookie header; "" = none. */
void api_cookie_take(char out[API_TOKEN_MAX], const char *cookies);

/* MAIN or ADMIN thread: does it; the answer is in q->call and q->out. */
void api_run(struct api_request *q, struct api_worker *w);
/* The next piece of its answer; nothing in q->out: that was all. A status of 400 and more: broken off. */
void api_run_piece(struct api_request *q, struct api_worker *w);
/* Has a part of its body taken. A status of 400 and more: refused, the answer is in q. */
void api_run_part(struct api_request *q, struct api_worker *w);
void api_worker_reset(struct api_worker *w);

/* What changes by the session of this token must show. */
void api_csrf(const struct api_call *c, char out[SHA256_HEXLEN], const char *token);
/* The answer gives the browser this token to keep; NULL: takes it away. */
void api_cookie(struct api_call *c, const char *token);

/* Who asks: 0, with q->call.who NULL when nobody is signed in; or an errno of the store. */
int api_who_find(struct api_request *q, struct api_worker *w);

/* The table of all: entry i is web's route i. */
const struct api_entry *api_entries(const struct api *a, size_t *n);
void api_key(const struct api *a, uint8_t key[32]); /* of CSRF tokens */
/* It was used: noted in the store later. */
void api_seen(struct api *a, const struct api_who *who);

/* Writes a problem into q: what c->status says, with the faults (may be NULL). */
void api_problem(struct api_request *q, int status, const struct api_faults *f, const char *detail_fmt, ...)
    __attribute__((format(printf, 4, 5)));

#endif

/*
 * web/exchange: one request that a route serves, from its head to the last byte of its answer, with the question that it waits for.
 * It outlives a connection that goes while its question is open. WEB thread.
 */
#ifndef WEB_EXCHANGE_H
#define WEB_EXCHANGE_H

#include "web/http.h"
#include "web/web.h"

enum { WEB_BODY_OUT_MAX = 16 << 20, WEB_DELAY_MAX_MS = 8000 };

enum exchange_stage { EXCHANGE_BODY, EXCHANGE_ANSWER, EXCHANGE_PIECES };

struct exchange {
    struct web_resp resp; /* first: web_ask() finds the exchange by it */
    struct web_req req;   /* points into the connection's head */
    char params[HTTP_PATH_MAX + 8];
    const struct web_route *route;
    void *arg;
    struct ask_box *box;
    struct buf body; /* gathered */
    enum exchange_stage stage;
    uint64_t until_ms, waits_ms; /* of the body: its time; since when nothing is read for our own sake */
    bool begun;                  /* a piece was sent */

    const struct web_question *question; /* open; NULL: none */
    void *later_arg;
    void (*answered)(struct exchange *x, void *owner);
    void *owner; /* the connection; NULL: it has gone */
};

int exchange_alloc(struct exchange **xp, struct ask_box *box, size_t body_max, struct budget_account *a,
                   void (*answered)(struct exchange *x, void *owner), void *owner);
/* The owner has done with it, or goes. */
void exchange_leave(struct exchange *x);

void web_resp_init(struct web_resp *resp, struct budget_account *a);
void web_resp_reset(struct web_resp *resp);

#endif

#include "web/exchange.h"
#include "web/reply.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int exchange_alloc(struct exchange **xp, struct ask_box *box, size_t body_max, struct budget_account *a,
                   void (*answered)(struct exchange *x, void *owner), void *owner)
{
    struct exchange *x = calloc(1, sizeof(*x));

    if (!x)
        return ENOMEM;
    web_resp_init(&x->resp, a);
    buf_init_charged(&x->body, body_max, a);
    x->box = box;
    x->answered = answered;
    x->owner = owner;
    *xp = x;
    return 0;
}

static void exchange_free(struct exchange *x)
{
    web_resp_reset(&x->resp);
    buf_reset(&x->body);
    free(x);
}

void exchange_leave(struct exchange *x)
{
    if (!x)
        return;
    x->owner = NULL;
    if (!x->question) {
        exchange_free(x);
        return;
    }
    buf_uncharge(&x->resp.body); /* the account goes with the connection */
    buf_uncharge(&x->body);
}

/* ---- questions ---- */

static void unavailable(struct web_resp *resp)
{
    web_problem(resp, 503, "Service Unavailable", "The server is busy. Try again in a moment.");
    snprintf(resp->headers, sizeof(resp->headers), "Retry-After: 5\r\n");
}

void web_ask(struct web_resp *resp, struct mbox *to, const struct web_question *q, const void *value,
             void *arg)
{
    struct exchange *x = (struct exchange *)resp;

    x->question = q;
    x->later_arg = arg;
    if (ask_later(x->box, to, &q->call, value, x)) {
        x->question = NULL;
        if (q->call.drop)
            q->call.drop((void *)(uintptr_t)value);
        unavailable(resp);
    }
}

void web_answered(int err, void *value, void *arg)
{
    struct exchange *x = arg;
    const struct web_question *q = x->question;

    x->question = NULL;
    if (!x->owner) {
        if (value && q->call.drop)
            q->call.drop(value);
        exchange_free(x);
        return;
    }
    if (err)
        unavailable(&x->resp);
    else
        q->later(value, &x->resp, x->later_arg);
    if (!x->question)
        x->answered(x, x->owner);
}

/* ---- answers ---- */

void web_resp_init(struct web_resp *resp, struct budget_account *a)
{
    memset(resp, 0, sizeof(*resp));
    resp->status = 200;
    resp->content_type = "application/json";
    buf_init_charged(&resp->body, WEB_BODY_OUT_MAX, a);
}

void web_resp_reset(struct web_resp *resp)
{
    buf_reset(&resp->body);
    if (resp->drop)
        resp->drop(resp->state);
    resp->drop = NULL;
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

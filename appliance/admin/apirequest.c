/* A request as it leaves the WEB thread, and its end. */
#include "admin/apipriv.h"
#include "core/json.h"
#include "core/utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define COOKIE API_COOKIE "="

/* False: it is too long to be right. */
static bool take(char *out, size_t sz, const char *s)
{
    if ((size_t)snprintf(out, sz, "%s", s) < sz)
        return true;
    out[0] = '\0';
    return false;
}

void api_cookie_take(char out[API_TOKEN_MAX], const char *cookies)
{
    const size_t len = strlen(COOKIE);

    out[0] = '\0';
    for (const char *p = cookies; *p; p += *p == ';') {
        p += strspn(p, " ");
        const size_t n = strcspn(p, ";");

        if (n > len && n - len < API_TOKEN_MAX && !memcmp(p, COOKIE, len)) {
            memcpy(out, p + len, n - len);
            out[n - len] = '\0';
            return;
        }
        p += n;
    }
}

static int digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

/* A header holds ASCII only: what is beyond, and %, comes as %XX of its UTF-8. What is no text then is none. */
static void text_take(char *out, size_t sz, const char *s)
{
    size_t n = 0;

    for (; *s && n + 1 < sz; s++) {
        if (*s == '%' && digit(s[1]) >= 0 && digit(s[2]) >= 0) {
            out[n++] = (char)(digit(s[1]) * 16 + digit(s[2]));
            s += 2;
        } else {
            out[n++] = *s;
        }
    }
    out[n] = '\0';
    for (const char *p = out; *p; p++)
        if ((*p >= 0 && *p < ' ') || *p == 0x7f)
            out[0] = '\0';
    if (*s || !utf8_valid(out, strlen(out)))
        out[0] = '\0';
}

static void bearer_take(struct api_request *q, const char *authorization)
{
    q->authorization = *authorization != '\0';
    if (strncasecmp(authorization, "Bearer ", 7))
        return;
    authorization += 7 + strspn(authorization + 7, " ");
    (void)take(q->bearer, sizeof(q->bearer), authorization);
}

static bool body_take(struct api_request *q, const struct web_req *req)
{
    q->body = malloc(req->body_len + 1);
    q->query_text = strdup(req->query);
    if (!q->body || !q->query_text)
        return false;
    memcpy(q->body, req->body, req->body_len);
    q->body[req->body_len] = '\0';
    q->body_len = req->body_len;
    return true;
}

struct api_request *api_request_make(const struct api_entry *e, const struct web_req *req)
{
    struct api_request *q = calloc(1, sizeof(*q));

    if (!q)
        return NULL;
    q->e = e;
    q->peer = *req->peer;
    buf_init(&q->out, API_OUT_MAX);
    if (!body_take(q, req)) {
        api_request_free(q);
        return NULL;
    }
    for (size_t i = 0; i < 4; i++)
        (void)take(q->params[i], sizeof(q->params[i]), req->params[i] ? req->params[i] : "");
    api_cookie_take(q->cookie, req->cookie);
    bearer_take(q, req->authorization);
    (void)take(q->csrf, sizeof(q->csrf), req->csrf);
    (void)take(q->if_match, sizeof(q->if_match), web_header(req, "if-match"));
    (void)take(q->if_none_match, sizeof(q->if_none_match), web_header(req, "if-none-match"));
    text_take(q->passphrase, sizeof(q->passphrase), web_header(req, "x-passphrase"));
    text_take(q->reason, sizeof(q->reason), web_header(req, "x-reason"));
    (void)take(q->host, sizeof(q->host), req->host);
    (void)take(q->content_type, sizeof(q->content_type), req->content_type);
    (void)snprintf(q->user_agent, sizeof(q->user_agent), "%s", web_header(req, "user-agent"));
    return q;
}

void api_request_free(struct api_request *q)
{
    if (!q)
        return;
    apiqueue_leave(q->queue, q->place);
    if (q->state && q->e->r->drop)
        q->e->r->drop(q->state);
    json_free(q->doc);
    if (q->part)
        explicit_bzero(q->part, q->part_len);
    free(q->part);
    if (q->body)
        explicit_bzero(q->body, q->body_len);
    free(q->body);
    free(q->query_text);
    if (q->out.data)
        explicit_bzero(q->out.data, q->out.len);
    buf_reset(&q->out);
    explicit_bzero(q, sizeof(*q));
    free(q);
}

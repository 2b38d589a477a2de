/*
 * Why we do not use libwebsockets' HTTP parser: what it does with requests that HTTP wants treated otherwise, beside what ours does.
 * Each row runs against both. When a row of the left side fails, libwebsockets has changed: judge again whether owning this layer
 * pays (docs/internals/web.md).
 */
#include "rig.h"
#include <libwebsockets.h>

/* ---------------------------------------------------------------- libwebsockets' own server */

static struct {
    struct lws_context *ctx;
    pthread_t thread;
    _Atomic bool stop;
    uint16_t port;
} lws_srv;

/* Answers 200 with what it was told, in brackets: "[uri][body]". */
static int lws_http_h(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
    struct said {
        char uri[300], body[100];
        size_t len;
    } *said = user;
    char text[500];
    unsigned char head[600], *p = head + LWS_PRE, *end = head + sizeof(head);
    int n;

    switch (reason) {
    case LWS_CALLBACK_HTTP:
        snprintf(said->uri, sizeof(said->uri), "%.*s", (int)len, (const char *)in);
        said->len = 0;
        if (lws_hdr_total_length(wsi, WSI_TOKEN_POST_URI))
            return 0; /* its body comes */
        break;
    case LWS_CALLBACK_HTTP_BODY:
        if (said->len + len >= sizeof(said->body))
            return -1;
        memcpy(said->body + said->len, in, len);
        said->len += len;
        return 0;
    case LWS_CALLBACK_HTTP_BODY_COMPLETION:
        break;
    default:
        return lws_callback_http_dummy(wsi, reason, user, in, len);
    }
    n = snprintf(text, sizeof(text), "[%s][%.*s]", said->uri, (int)said->len, said->body);
    if (lws_add_http_common_headers(wsi, 200, "text/plain", (lws_filepos_t)n, &p, end) ||
        lws_finalize_write_http_header(wsi, head + LWS_PRE, &p, end))
        return 1;
    memcpy(head + LWS_PRE, text, (size_t)n);
    if (lws_write(wsi, head + LWS_PRE, (size_t)n, LWS_WRITE_HTTP_FINAL) != n)
        return 1;
    return lws_http_transaction_completed(wsi) ? -1 : 0;
}

static void *lws_main(void *arg)
{
    while (!lws_srv.stop && lws_service(lws_srv.ctx, 0) >= 0)
        ;
    return arg;
}

static bool lws_start(void)
{
    static const struct lws_protocols protocols[] = {
        {.name = "http", .callback = lws_http_h, .per_session_data_size = 1000, .rx_buffer_size = 4096},
        LWS_PROTOCOL_LIST_TERM};
    struct lws_context_creation_info info = {.port = 0,
                                             .protocols = protocols,
                                             .iface = "127.0.0.1",
                                             .options = LWS_SERVER_OPTION_DISABLE_IPV6,
                                             .timeout_secs = 2};

    memset(&lws_srv, 0, sizeof(lws_srv));
    lws_set_log_level(0, NULL);
    lws_srv.ctx = lws_create_context(&info);
    if (!lws_srv.ctx)
        return false;
    lws_srv.port = (uint16_t)lws_get_vhost_listen_port(lws_get_vhost_by_name(lws_srv.ctx, "default"));
    return !pthread_create(&lws_srv.thread, NULL, lws_main, NULL);
}

static void lws_stop(void)
{
    lws_srv.stop = true;
    lws_cancel_service(lws_srv.ctx);
    pthread_join(lws_srv.thread, NULL);
    lws_context_destroy(lws_srv.ctx);
}

/* ---------------------------------------------------------------- the table */

struct row {
    const char *why;     /* what HTTP says */
    const char *request; /* "%" stands for pad bytes of x */
    int lws;             /* its status; -1: hangs up without an answer */
    const char *told;    /* to whom lws hands it: "[path][body]"; NULL: to nobody */
    int ours;
    size_t pad;
};

#define H "Host: h\r\n"
static const struct row rows[] = {
    {"a plain request", "GET / HTTP/1.1\r\n" H "\r\n", 200, "[/][]", 200, 0},
    /* Paths are rewritten instead of refused: whoever checks a path and whoever serves it see different ones. */
    {"RFC 3986 5.2.4 is for references", "GET /a/../b HTTP/1.1\r\n" H "\r\n", 200, "[/b][]", 400, 0},
    {"the same, encoded", "GET /a/%2e%2e/b HTTP/1.1\r\n" H "\r\n", 200, "[/b][]", 400, 0},
    {"// is another path", "GET /a//b HTTP/1.1\r\n" H "\r\n", 200, "[/a/b][]", 404, 0},
    {"an encoded slash is no slash", "GET /a%2Fb HTTP/1.1\r\n" H "\r\n", 200, "[/a/b][]", 400, 0},
    {"a backslash is in no path", "GET /a\\..\\b HTTP/1.1\r\n" H "\r\n", 200, "[/a\\..\\b][]", 400, 0},
    {"a fragment is never sent (RFC 9112 3.2.1)", "GET /a#b HTTP/1.1\r\n" H "\r\n", 200, "[/a#b][]", 400, 0},
    {"only ASCII is (RFC 3986 2)", "GET /\xc3\xa4 HTTP/1.1\r\n" H "\r\n", 200, "[/\xc3\xa4][]", 400, 0},
    {"%00", "GET /a%00b HTTP/1.1\r\n" H "\r\n", -1, NULL, 400, 0},
    {"the absolute form must be taken (RFC 9112 3.2.2)", "GET https://localhost/ HTTP/1.1\r\n" H "\r\n", 403,
     NULL, 200, 0},
    /* Lines and fields: another server in front of us may read them otherwise, which is how requests are smuggled. */
    {"bare line feeds (RFC 9112 2.2)", "GET / HTTP/1.1\nHost: h\n\n", 200, "[/][]", 400, 0},
    {"no Host (RFC 9112 3.2)", "GET / HTTP/1.1\r\n\r\n", 200, "[/][]", 400, 0},
    {"two Hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 200, "[/][]", 400, 0},
    {"a Host that is none", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 200, "[/][]", 400, 0},
    {"space before the colon (RFC 9112 5.1)", "GET / HTTP/1.1\r\nHost : h\r\n\r\n", 200, "[/][]", 400, 0},
    {"a folded line (RFC 9112 5.2)", "GET / HTTP/1.1\r\n" H " folded: x\r\n\r\n", 200, "[/][]", 400, 0},
    {"a name that is no token", "GET / HTTP/1.1\r\n" H "B\xc3\xa4: x\r\n\r\n", 200, "[/][]", 400, 0},
    {"two spaces (RFC 9112 3)", "GET  / HTTP/1.1\r\n" H "\r\n", 200, "[/][]", 400, 0},
    {"no version", "GET / \r\n" H "\r\n", 200, "[/][]", 400, 0},
    {"another protocol", "GET / FTP/1.1\r\n" H "\r\n", 200, "[/][]", 400, 0},
    {"another version: 505", "GET / HTTP/2.0\r\n" H "\r\n", 200, "[/][]", 505, 0},
    {"methods are case-sensitive: 501 (RFC 9110 9.1)", "get / HTTP/1.1\r\n" H "\r\n", 200, "[/][]", 501, 0},
    {"an unknown method: 501", "BREW / HTTP/1.1\r\n" H "\r\n", 403, NULL, 501, 0},
    /* Lengths: what a body ends with decides what the next request is (RFC 9112 6.3). */
    {"two lengths, the first counts",
     "POST /p HTTP/1.1\r\n" H "Content-Length: 5\r\nContent-Length: 2\r\n\r\nhello", 200, "[/p][hello]", 400,
     0},
    {"no number", "POST /p HTTP/1.1\r\n" H "Content-Length: 5x\r\n\r\nhello", 200, "[/p][hello]", 400, 0},
    {"a sign", "POST /p HTTP/1.1\r\n" H "Content-Length: +5\r\n\r\nhello", 200, "[/p][hello]", 400, 0},
    {"a negative one", "POST /p HTTP/1.1\r\n" H "Content-Length: -5\r\n\r\nhello", -1, NULL, 400, 0},
    {"a list", "POST /p HTTP/1.1\r\n" H "Content-Length: 2, 5\r\n\r\nhello", -1, NULL, 400, 0},
    {"length and coding",
     "POST /p HTTP/1.1\r\n" H "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nhello", 200,
     "[/p][hello]", 400, 0},
    {"a coding that is not taken: 411",
     "POST /p HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", -1, NULL, 411, 0},
    {"no length: 411", "POST /p HTTP/1.1\r\n" H "\r\n", -1, NULL, 411, 0},
    /* Limits: HTTP wants an answer. */
    {"a long target: 414", "GET /% HTTP/1.1\r\n" H "\r\n", -1, NULL, 414, 5000},
    {"long fields: 431", "GET / HTTP/1.1\r\n" H "X: %\r\n\r\n", -1, NULL, 431, 20000},
};

static int row_ask(struct client *c, struct answer *a, const struct row *r)
{
    const char *gap = r->pad ? strchr(r->request, '%') : NULL;
    char *text = malloc(strlen(r->request) + r->pad + 1);
    int status;

    if (gap) {
        size_t before = (size_t)(gap - r->request);

        memcpy(text, r->request, before);
        memset(text + before, 'x', r->pad);
        strcpy(text + before + r->pad, gap + 1);
    } else {
        strcpy(text, r->request);
    }
    /* A server that hangs up while it is sent to resets: what it said may be lost, but that is its own fault. */
    status = client_ask(c, a, text);
    free(text);
    return status;
}

TEST(what_libwebsockets_takes_wrongly_ours_refuses)
{
    WITH_SERVER;
    CHECK(lws_start());
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct row *r = &rows[i];
        struct client *c = client_plain(lws_srv.port);
        struct answer a = {0};
        int theirs = row_ask(c, &a, r), ours;

        if (theirs != r->lws || (r->told && strcmp(a.body, r->told)))
            testing_fail(__FILE__, __LINE__, "%s: libwebsockets now says %d %.40s: judge again", r->why,
                         theirs, theirs > 0 ? a.body : "");
        answer_free(&a);
        client_close(c);
        c = client_tls(srv.https, 0);
        ours = row_ask(c, &a, r);
        if (ours != r->ours)
            testing_fail(__FILE__, __LINE__, "%s: we say %d, want %d", r->why, ours, r->ours);
        answer_free(&a);
        client_close(c);
    }
    lws_stop();
    server_stop();
}

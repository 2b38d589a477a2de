/*
 * tests/unit/web/rig: a web server per test on loopback port 0, with pages of our own in place of the generated ones and a
 * signalling side in place of sip/. Everything waits for events, never for time.
 */
#ifndef TESTS_WEB_RIG_H
#define TESTS_WEB_RIG_H

#define TESTING_NO_OOM "threads and sockets: what they wait for would not come"
#include "testing.h"

#include "client.h"
#include "core/addr.h"
#include "core/mbox.h"
#include "crypto/cert.h"
#include "sip/wsedge.h"
#include "web/web.h"
#include "web/www.h"
#include <pthread.h>
#include <sys/stat.h>

/* ---------------------------------------------------------------- pages of our own, in place of the generated ones */

#define PAGE "<!doctype html><title>t</title>"
static const uint8_t page[] = PAGE, page_gz[] = "gzipped", page_br[] = "brotli!!";
static const uint8_t script[] = "1;";
static uint8_t big[200000];
const struct www_file www_files[] = {
    {"/index.html", "text/html; charset=utf-8", "\"abc\"", page, page_gz, page_br, sizeof(page) - 1, 7, 8, 0},
    {"/app-1234.js", "text/javascript", "\"def\"", script, NULL, NULL, 2, 0, 0, 1},
    {"/big", "application/octet-stream", "\"big\"", big, NULL, NULL, sizeof(big), 0, 0, 0},
    {"/admin/index.html", "text/html; charset=utf-8", "\"console\"", page, NULL, NULL, sizeof(page) - 1, 0, 0,
     0},
    {"/admin/app.js", "text/javascript", "\"app\"", script, NULL, NULL, 2, 0, 0, 0},
};
const size_t www_file_count = 5;

/* ---------------------------------------------------------------- the signalling side, in place of sip/ */

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct mbox *out;
    uint64_t conn;
    unsigned opened, closed, messages;
    uint8_t data[SIP_WS_FRAME_MAX + 1];
    size_t len;
    int recv_err;
} sip = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

void sip_ws_attach(struct sip_stack *st, struct mbox *out)
{
    (void)st;
    sip.out = out;
}

static inline void sip_changed(void)
{
    pthread_cond_broadcast(&sip.changed);
    pthread_mutex_unlock(&sip.lock);
}

int sip_ws_open(struct sip_stack *st, uint64_t conn, const struct addr *peer, const struct addr *local)
{
    (void)st;
    pthread_mutex_lock(&sip.lock);
    sip.conn = addr_is_loopback(peer) && addr_is_loopback(local) ? conn : 0;
    sip.opened++;
    sip_changed();
    return 0;
}

int sip_ws_recv(struct sip_stack *st, uint64_t conn, const void *p, size_t len)
{
    (void)st;
    (void)conn;
    pthread_mutex_lock(&sip.lock);
    memcpy(sip.data, p, len);
    sip.len = len;
    sip.messages++;
    sip_changed();
    return sip.recv_err;
}

void sip_ws_closed(struct sip_stack *st, uint64_t conn)
{
    (void)st;
    (void)conn;
    pthread_mutex_lock(&sip.lock);
    sip.closed++;
    sip_changed();
}

/* Waits until *counter reaches n. */
static inline bool sip_wait(const unsigned *counter, unsigned n)
{
    struct timespec until;
    int err = 0;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += CLIENT_TIMEOUT_MS / 1000;
    pthread_mutex_lock(&sip.lock);
    while (*counter < n && !err)
        err = pthread_cond_timedwait(&sip.changed, &sip.lock, &until);
    pthread_mutex_unlock(&sip.lock);
    return !err;
}

static inline void sip_send(enum sip_ws_out_type type, const char *data, size_t len, uint16_t code)
{
    struct sip_ws_out o = {.type = type, .conn = sip.conn, .len = len, .code = code};

    if (len) {
        o.data = malloc(len);
        memcpy(o.data, data, len);
    }
    snprintf(o.reason, sizeof(o.reason), "%s", code ? "replaced" : "");
    if (mbox_post(sip.out, &o))
        free(o.data);
}

/* ---------------------------------------------------------------- a server per test */

static struct {
    struct web *w;
    struct web_config cfg;
    char dir[64], why[256];
    uint16_t https, wss, http, turns;
} srv;

static inline bool server_start(void)
{
    int err;

    err = web_start(&srv.w, &srv.cfg, srv.why, sizeof(srv.why));
    if (err) {
        testing_fail(__FILE__, __LINE__, "web_start: %s", srv.why);
        return false;
    }
    srv.https = web_port(srv.w, "https");
    srv.wss = web_port(srv.w, "wss");
    srv.http = web_port(srv.w, "http");
    srv.turns = web_port(srv.w, "turns");
    return true;
}

static inline void server_prepare(void)
{
    memset(&srv, 0, sizeof(srv));
    if (!mkdtemp(test_temp(srv.dir, sizeof(srv.dir))))
        abort();
    addr_parse_ip(&srv.cfg.bind[0], "127.0.0.1", 0);
    srv.cfg.bind_count = 1;
    srv.cfg.http_on = srv.cfg.https_on = srv.cfg.wss_on = true;
    snprintf(srv.cfg.cert, sizeof(srv.cfg.cert), "%s/cert.pem", srv.dir);
    snprintf(srv.cfg.key, sizeof(srv.cfg.key), "%s/key.pem", srv.dir);
    srv.cfg.sip = (struct sip_stack *)&sip;
    srv.cfg.body_max = 1000;
    sip.recv_err = 0;
    sip.opened = sip.closed = sip.messages = 0;
    if (cert_make(srv.cfg.cert, srv.cfg.key, "localhost,127.0.0.1"))
        abort();
    web_routes_clear();
}

static inline void server_stop(void)
{
    web_stop(srv.w);
    web_free(srv.w);
    srv.w = NULL;
    unlink(srv.cfg.cert);
    unlink(srv.cfg.key);
    rmdir(srv.dir);
}

static inline int get(struct client *c, struct answer *a, const char *path, const char *headers)
{
    char req[2048];

    snprintf(req, sizeof(req), "GET %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n", path, headers);
    return client_ask(c, a, req);
}

/* One request on a connection of its own; the status. */
static inline int ask_once(const char *request)
{
    struct client *c = client_tls(srv.https, 0);
    struct answer a = {0};
    int status = client_ask(c, &a, request);

    answer_free(&a);
    client_close(c);
    return status;
}

static inline struct client *ws_open(void)
{
    struct client *c = client_tls(srv.https, 0);
    struct answer a = {0};
    char origin[64];
    int status;

    snprintf(origin, sizeof(origin), "https://localhost:%u", srv.https);
    status = ws_ask(c, &a, srv.https, origin, "sip", "");
    answer_free(&a);
    if (status != 101) {
        client_close(c);
        return NULL;
    }
    return c;
}

/* One more route, before server_start(). */
__attribute__((unused)) static struct web_route *route_add(const char *method, const char *path, web_h *h)
{
    static struct web_route routes[16];
    static size_t n;
    struct web_route *r = &routes[n++ % 16];

    *r = (struct web_route){.method = method, .path = path, .h = h};
    if (web_routes(r, 1, NULL))
        abort();
    return r;
}

#define WITH_SERVER                                                                                          \
    server_prepare();                                                                                        \
    if (!server_start())                                                                                     \
    return

#endif

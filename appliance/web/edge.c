/*
 * Sockets and loop. libwebsockets gives the loop and timers; its own HTTP and WebSocket roles are not used, because
 * its request parser rewrites paths, hangs up where HTTP asks for 411, 414 or 431, and takes what smuggles (the table is
 * tests/unit/web/test_lws_http.c). Sockets are accepted here and adopted as raw ones; what comes goes through the connection's TLS
 * session (crypto/tls), if its port has one, to conn.c. We write to the socket ourselves, so that nothing is kept twice: what the
 * kernel does not take waits in conn's queue, or as the record that it has become in the session.
 */
#include "web/edge.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/mbox.h"
#include "crypto/tls.h"
#include "web/certfile.h"
#include "web/conn.h"
#include "web/handoff.h"
#include "web/source.h"
#include "web/ws.h"
#include "web/push.h"
#include "web/wssip.h"
#include <errno.h>
#include <libwebsockets.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    ACCEPT_BATCH = 64,              /* per turn of the loop, so that connections are served, too */
    RECV_MAX = TLS_PLAIN_MAX + 512, /* a TLS record at once */
    TICK_MS = 1000,
    NO_FD_PAUSE_MS = 200,
    STOP_MS = 500,
    STOP_TICK_MS = 20,
    SWEEP_MS = 10000,
};

/* ---------------------------------------------------------------- what a connection asks for */

void edge_want_write(struct conn *c)
{
    if (c->wsi)
        lws_callback_on_writable(c->wsi);
}

void edge_timer(struct conn *c, uint64_t ms)
{
    if (c->wsi)
        lws_set_timer_usecs(c->wsi, ms ? (lws_usec_t)ms * 1000 : LWS_SET_TIMER_USEC_CANCEL);
}

void edge_shutdown(struct conn *c)
{
    if (c->tls)
        tls_close(c->tls);
    shutdown(lws_get_socket_fd(c->wsi), SHUT_WR);
}

static void flow_set(struct conn *c)
{
    if (c->wsi)
        lws_rx_flow_control(c->wsi, !c->deaf && !c->held && !c->stuck);
}

void edge_deafen(struct conn *c)
{
    c->deaf = true;
    flow_set(c);
}

void edge_hold(struct conn *c, bool hold)
{
    if (c->held == hold)
        return;
    c->held = hold;
    flow_set(c);
}

void edge_kill(struct conn *c)
{
    c->dead = true;
    if (c->wsi)
        lws_wsi_close(c->wsi, LWS_TO_KILL_ASYNC);
}

/* ---------------------------------------------------------------- connections */

static ssize_t socket_send_h(const void *p, size_t n, void *arg)
{
    struct conn *c = arg;
    ssize_t sent = send(lws_get_socket_fd(c->wsi), p, n, MSG_NOSIGNAL);

    if (sent >= 0)
        return sent;
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? 0 : -1;
}

/* The kernel takes no more for now, or again: a peer that does not read is not read either. */
static void stuck_set(struct conn *c, bool stuck)
{
    if (c->stuck != stuck) {
        c->stuck = stuck;
        flow_set(c);
    }
    if (stuck)
        lws_callback_on_writable(c->wsi);
}

/* So many bytes were taken for the socket; EAGAIN: c->sending of them are on their way, as a record that is not all with the kernel. */
static int bytes_write(struct conn *c, const uint8_t *p, size_t n, size_t *taken)
{
    ssize_t sent;
    int err;

    if (c->tls) {
        err = tls_write(c->tls, p, n, taken);
        if (err == EAGAIN) {
            c->sending = *taken;
            *taken = 0;
        }
        return err;
    }
    sent = socket_send_h(p, n, c);
    *taken = sent > 0 ? (size_t)sent : 0;
    return sent < 0 ? EPIPE : (size_t)sent < n ? EAGAIN : 0;
}

/* The rest of a record of the session's. */
static int record_write(struct conn *c, size_t *taken)
{
    int err = tls_flush(c->tls);

    if (!err) {
        *taken = c->sending;
        c->sending = 0;
    }
    return err;
}

static int conn_write(struct conn *c)
{
    const uint8_t *p;
    size_t n = conn_out(c, &p), taken = 0;
    int err = 0;

    if (c->dead)
        return -1;
    if (c->tls && tls_pending(c->tls))
        err = record_write(c, &taken);
    else if (n)
        err = bytes_write(c, p, n < TLS_PLAIN_MAX ? n : TLS_PLAIN_MAX, &taken);
    if (err && err != EAGAIN)
        return -1;
    stuck_set(c, err == EAGAIN);
    metric_add(&web_tx_bytes, (int64_t)taken);
    if (taken && !conn_sent(c, taken))
        return -1;
    if (!err && conn_queued(c))
        lws_callback_on_writable(c->wsi);
    return 0;
}

/* ---------------------------------------------------------------- bytes that came */

static bool plain_rx(struct conn *c, const uint8_t *p, size_t n)
{
    metric_add(&web_rx_bytes, (int64_t)n);
    return c->deaf || conn_rx(c, p, n);
}

/* The first plain bytes say whether it is ours or RELAY's. */
static bool session_rx(struct conn *c, const uint8_t *p, size_t n)
{
    if (!c->begun)
        handoff_judge(c, p[0]);
    c->begun = c->tls_up = true;
    return c->turn ? handoff_gather(c, p, n) : !c->dead && plain_rx(c, p, n);
}

/* A session is made with the first byte, so that who only connects costs none. */
static bool tls_rx(struct conn *c, const uint8_t *p, size_t n)
{
    struct web *w = c->w;
    ssize_t got;

    if (!c->tls && tls_session_alloc(&c->tls, certfile_server(w->cert), socket_send_h, c))
        return false;
    tls_feed(c->tls, p, n);
    while ((got = tls_read(c->tls, w->plain, sizeof(w->plain))) > 0)
        if (!session_rx(c, w->plain, (size_t)got))
            return false;
    c->tls_up = c->tls_up || tls_state(c->tls) == TLS_UP || tls_state(c->tls) == TLS_CLOSED;
    if (got == 0 && c->turn) {
        handoff_go(c, lws_get_socket_fd(c->wsi));
        return false; /* it is gone from here, one way or the other */
    }
    stuck_set(c, tls_pending(c->tls));
    return got == 0;
}

static bool bytes_rx(struct conn *c, const uint8_t *p, size_t n)
{
    if (c->deaf)
        return true;
    return c->kind == LISTEN_HTTP ? plain_rx(c, p, n) : tls_rx(c, p, n);
}

static void conn_gone(struct lws *wsi, struct conn *c)
{
    char peer[ADDR_STRLEN];

    if (!c->tls_up && !c->w->stopping) {
        metric_add(&web_drop_tls,
                   1); /* ordinary: a browser tries again once the certificate was accepted, probes, scans */
        log_debug("web", "peer=%s closed without a request: TLS handshake not finished, or a mere probe",
                  addr_ip(&c->peer, peer, sizeof(peer)));
    }
    if (c->tls)
        tls_close(c->tls);
    lws_set_opaque_user_data(wsi, NULL);
    conn_free(c);
}

static int conn_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
    struct conn *c;

    (void)user;
    switch (reason) {
    case LWS_CALLBACK_RAW_ADOPT:
    case LWS_CALLBACK_RAW_RX:
    case LWS_CALLBACK_RAW_WRITEABLE:
    case LWS_CALLBACK_TIMER:
    case LWS_CALLBACK_RAW_CLOSE:
        break;
    default:
        return 0;
    }
    c = lws_get_opaque_user_data(wsi);
    if (!c)
        return 0;
    switch (reason) {
    case LWS_CALLBACK_RAW_ADOPT:
        c->wsi = wsi;
        edge_timer(c, c->w->cfg.head_ms);
        return 0;
    case LWS_CALLBACK_RAW_RX:
        return bytes_rx(c, in, len) ? 0 : -1;
    case LWS_CALLBACK_RAW_WRITEABLE:
        return conn_write(c);
    case LWS_CALLBACK_TIMER:
        return conn_timer(c) ? 0 : -1;
    default:
        conn_gone(wsi, c);
        return 0;
    }
}

/* ---------------------------------------------------------------- accepting */

static void turn_away(const struct web *w, int fd, const struct addr *peer, int err)
{
    char text[ADDR_STRLEN];

    close(fd);
    metric_add(err == EACCES ? &web_drop_banned : err == EUSERS ? &web_drop_source : &web_drop_conns, 1);
    if (err != EACCES)
        log_warn_limited("web", "peer=%s connections=%zu connection refused: %s",
                         addr_ip(peer, text, sizeof(text)), w->conn_count,
                         err == EUSERS ? "too many of this source" : "too many");
}

static void adopt(struct listener *l, int fd, const struct addr *peer, const struct addr *local)
{
    struct web *w = l->w;
    lws_adopt_desc_t info;
    struct conn *c;
    uint64_t id;
    int err = conn_alloc(&c, w, l->kind, peer, local), on = 1;

    if (err) {
        turn_away(w, fd, peer, err);
        return;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    memset(&info, 0, sizeof(info));
    info.vh = w->host;
    info.type = LWS_ADOPT_SOCKET;
    info.fd.sockfd = fd;
    info.vh_prot_name = "conn";
    info.opaque = c;
    id = c->id;
    if (!lws_adopt_descriptor_vhost_via_info(&info) && w->conns && w->conns->id == id)
        conn_free(w->conns); /* it was never lws's; otherwise its close callback has freed it */
}

/* Listeners accept, or let newcomers wait in the kernel's backlog. */
static void pause_set(struct web *w, bool pause)
{
    if (!pause && (w->paused_until_ms || w->stopping))
        return;
    if (pause == w->paused)
        return;
    w->paused = pause;
    for (size_t i = 0; i < w->listener_count; i++)
        lws_rx_flow_control(w->listeners[i].wsi, !pause);
}

static void accept_all(struct listener *l)
{
    for (int i = 0; i < ACCEPT_BATCH; i++) {
        struct sockaddr_storage ss, ls;
        socklen_t slen = sizeof(ss), llen = sizeof(ls);
        struct addr peer, local;
        int fd = accept4(l->fd, (struct sockaddr *)&ss, &slen, SOCK_CLOEXEC | SOCK_NONBLOCK);

        if (fd < 0) {
            if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
                log_warn_limited("web", "connections=%zu not accepting for a moment: %s", l->w->conn_count,
                                 strerror(errno));
                l->w->paused_until_ms = clock_ms() + NO_FD_PAUSE_MS;
                pause_set(l->w, true);
            }
            return;
        }
        addr_set_sockaddr(&peer, (struct sockaddr *)&ss);
        if (getsockname(fd, (struct sockaddr *)&ls, &llen))
            ls.ss_family = AF_UNSPEC;
        addr_set_sockaddr(&local, (struct sockaddr *)&ls);
        adopt(l, fd, &peer, &local);
    }
}

static int listen_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                           size_t len)
{
    struct listener *l = lws_get_opaque_user_data(wsi);

    (void)user;
    (void)in;
    (void)len;
    if (reason == LWS_CALLBACK_RAW_RX_FILE && l)
        accept_all(l);
    return 0;
}

/* ---------------------------------------------------------------- mailbox and tick */

static void stop_tick(struct web *w, uint64_t now)
{
    if (!w->stopping) {
        pause_set(w, true);
        w->stopping = true;
        w->stop_ms = now;
    }
    for (struct conn *c = w->conns; c; c = c->next) {
        if (now - w->stop_ms >= STOP_MS || c->phase == CONN_HEAD || c->phase == CONN_LINGER)
            edge_kill(c);
        else if (c->ws)
            ws_close(c, 1001, "server is stopping");
    }
}

static void tick(struct web *w, struct lws *wsi)
{
    uint64_t now = clock_ms();
    uint64_t next = TICK_MS;

    if (w->paused_until_ms && now >= w->paused_until_ms) {
        w->paused_until_ms = 0;
        pause_set(w, false);
    }
    ask_box_expire(w->box, now);
    handoff_returns(w);
    if (w->cert)
        certfile_tick(w->cert, now);
    if (now - w->swept_ms >= SWEEP_MS) {
        w->swept_ms = now;
        (void)sources_sweep(w->sources, now);
    }
    if (atomic_load(&w->stop))
        stop_tick(w, now);
    if (w->stopping)
        next = STOP_TICK_MS;
    else if (w->paused_until_ms)
        next = NO_FD_PAUSE_MS;
    lws_set_timer_usecs(wsi, (lws_usec_t)next * 1000);
}

static int inbox_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
    struct web *w = lws_get_opaque_user_data(wsi);

    (void)user;
    (void)in;
    (void)len;
    if (!w)
        return 0;
    if (reason == LWS_CALLBACK_RAW_RX_FILE)
        wssip_drain(w);
    else if (reason == LWS_CALLBACK_TIMER)
        tick(w, wsi);
    return 0;
}

static int answers_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                            size_t len)
{
    struct web *w = lws_get_opaque_user_data(wsi);

    (void)user;
    (void)in;
    (void)len;
    if (w && reason == LWS_CALLBACK_RAW_RX_FILE)
        ask_box_drain(w->box);
    return 0;
}

static int push_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
    struct web *w = lws_get_opaque_user_data(wsi);

    (void)user;
    (void)in;
    (void)len;
    if (w && reason == LWS_CALLBACK_RAW_RX_FILE)
        web_push_out(w->cfg.push);
    return 0;
}

static const struct lws_protocols protocols[] = {
    {.name = "conn", .callback = conn_callback, .rx_buffer_size = RECV_MAX},
    {.name = "listen", .callback = listen_callback},
    {.name = "inbox", .callback = inbox_callback},
    {.name = "answers", .callback = answers_callback},
    {.name = "push", .callback = push_callback},
    LWS_PROTOCOL_LIST_TERM,
};

/* ---------------------------------------------------------------- the loop */

static void lws_log_h(int level, const char *line)
{
    (void)level;
    log_warn_limited("web", "message=\"%.*s\" from libwebsockets", (int)strcspn(line, "\n\""), line);
}

/* Hands a descriptor to the loop, which closes it. */
static struct lws *fd_adopt(struct web *w, int fd, const char *protocol, void *arg)
{
    lws_adopt_desc_t info;

    memset(&info, 0, sizeof(info));
    info.vh = w->host;
    info.type = LWS_ADOPT_RAW_FILE_DESC;
    info.fd.filefd = fd;
    info.vh_prot_name = protocol;
    info.opaque = arg;
    return lws_adopt_descriptor_vhost_via_info(&info);
}

static int context_open(struct web *w)
{
    struct lws_context_creation_info info;

    lws_set_log_level(LLL_ERR, lws_log_h);
    memset(&info, 0, sizeof(info));
    info.port = CONTEXT_PORT_NO_LISTEN;
    info.options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS;
    info.user = w;
    info.timeout_secs = w->cfg.head_ms / 1000 + 1; /* ours comes first */
    info.pt_serv_buf_size = RECV_MAX;
    w->ctx = lws_create_context(&info);
    if (!w->ctx)
        return ENOMEM;
    info.vhost_name = "raw";
    info.protocols = protocols;
    info.options = 0;
    w->host = lws_create_vhost(w->ctx, &info);
    return w->host ? 0 : ENOMEM;
}

int edge_open(struct web *w, char *why, size_t whysz)
{
    int fd, err = context_open(w);

    if (!err && (w->cfg.https_on || w->cfg.wss_on)) {
        err = certfile_open(&w->cert, w, why, whysz);
        if (err)
            return err;
    }
    for (size_t i = 0; !err && i < w->listener_count; i++) {
        struct listener *l = &w->listeners[i];

        l->wsi = fd_adopt(w, l->fd, "listen", l);
        err = l->wsi ? 0 : ENOMEM;
    }
    if (!err) {
        fd = dup(mbox_fd(w->out));
        w->inbox = fd < 0 ? NULL : fd_adopt(w, fd, "inbox", w);
        fd = dup(ask_box_fd(w->box));
        err = w->inbox && fd >= 0 && fd_adopt(w, fd, "answers", w) ? 0 : ENOMEM;
        if (w->inbox)
            lws_set_timer_usecs(w->inbox, TICK_MS * 1000);
        if (!err && w->cfg.push) {
            fd = dup(web_push_out_fd(w->cfg.push));
            err = fd >= 0 && fd_adopt(w, fd, "push", w) ? 0 : ENOMEM;
        }
    }
    if (err)
        snprintf(why, whysz, "the web server's loop cannot be made: %s", strerror(err));
    return err;
}

void edge_wake(struct web *w)
{
    lws_cancel_service(w->ctx);
}

void edge_run(struct web *w)
{
    while (!(w->stopping && !w->conn_count)) {
        if (lws_service(w->ctx, 0) < 0)
            break;
        if (atomic_exchange(&w->reload, false))
            certfile_reload(w->cert);
        if (atomic_load(&w->stop) && !w->stopping)
            lws_set_timer_usecs(w->inbox, 1); /* tick now */
    }
}

void edge_close(struct web *w)
{
    if (w->ctx)
        lws_context_destroy(w->ctx); /* closes listeners and connections */
    for (size_t i = 0; i < w->listener_count; i++)
        if (!w->listeners[i].wsi)
            close(w->listeners[i].fd);
    certfile_close(w->cert);
}

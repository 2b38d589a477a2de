/*
 * SIP over streams, TCP and TLS: one connection per peer address and direction, messages cut by Content-Length (RFC 3261 18.3).
 * A connection has 32 s for its first message, and 32 s for each one from its first byte to its last, however it trickles; idle ones
 * go after 15 minutes. By TLS nothing is written or read before the handshake is done and the peer judged (transp_tls.c), for which it has 5 s.
 *
 * One that we made and that lies idle is kept open, through whatever NAT or firewall is between, by CRLF CRLF (RFC 5626 3.5.1): by it the
 * peer sends its requests, too. A peer that has answered once with CRLF must from then on, or the connection is over; one that never does
 * may not know what it means.
 */
#include "sip/transp.h"

#include "core/budget.h"
#include "core/log.h"
#include "core/rnd.h"
#include "crypto/tls.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    TCP_MESSAGE_SECONDS = 32,
    TCP_IDLE_SECONDS = 900,
    TCP_READ_SIZE = 16384,
    TCP_ROUNDS = 4,
    TCP_ACCEPTS = 16,
    TCP_PAUSE_MS = 500,
    TCP_UNACKED_MS = 10000,
    TCP_PING_JITTER = 5,       /* up to a fifth more */
    TLS_RAW_SIZE = 16384 + 512 /* a record */
};

uint32_t transp_ping_ms = 30000, transp_pong_ms = 10000;

static void event_h(int flags, void *arg);

static void timeout_h(void *arg)
{
    transp_conn_close(arg, ETIMEDOUT);
}

static uint64_t message_ms(const struct sip_conn *c)
{
    return c->edge && c->edge->message_ms ? c->edge->message_ms : TCP_MESSAGE_SECONDS * 1000;
}

/* After something was read; cut: a message came to its end. More bytes of one that had begun buy it no time. */
static void restart_timer(struct sip_conn *c, bool cut)
{
    bool partial = mbuf_get_left(c->rx);

    if (partial && c->partial && !cut)
        return;
    c->partial = partial;
    tmr_start(&c->tmr, partial ? message_ms(c) : TCP_IDLE_SECONDS * 1000, timeout_h, c);
}

/* Keeps account of what the connection's buffers hold (core/budget). */
static int charge(struct sip_conn *c)
{
    size_t now = (c->rx ? c->rx->size : 0) + (c->tx ? c->tx->size : 0);

    if (now > c->held && !budget_take(BUDGET_TCP, c->held, now - c->held))
        return ENOBUFS;
    if (now < c->held)
        budget_give(BUDGET_TCP, c->held - now);
    c->held = now;
    return 0;
}

static int watch(struct sip_conn *c)
{
    bool writing =
        !c->connected || transp_tls_pending(c) || (c->established && c->tx && mbuf_get_left(c->tx));

    return fd_listen(c->fd, FD_READ | (writing ? FD_WRITE : 0), event_h, c);
}

/* Bytes that are the socket's now; less than 0: an error. */
static ssize_t push(struct sip_conn *c, const void *p, size_t n)
{
    ssize_t sent;

    if (c->tls)
        return transp_tls_send(c, p, n);
    sent = send(c->fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL);
    return sent < 0 ? -errno : sent;
}

/* Writes what is queued; EAGAIN is no error. */
static int flush(struct sip_conn *c)
{
    int err = c->tls ? transp_tls_flush(c) : 0;

    while (!err && c->tx && mbuf_get_left(c->tx)) {
        ssize_t n = push(c, mbuf_buf(c->tx), mbuf_get_left(c->tx));

        if (n < 0)
            err = (int)-n;
        else
            mbuf_advance(c->tx, n);
    }
    if (err)
        return err == EAGAIN || err == EINTR ? watch(c) : err;
    c->tx = mem_deref(c->tx);
    (void)charge(c);
    return watch(c);
}

/* ------------------------------------------------------------------ keep-alive */

static void ping_start(struct sip_conn *c);

static void ping_h(void *arg)
{
    struct mbuf ping = {.buf = (uint8_t *)"\r\n\r\n", .size = 4, .pos = 0, .end = 4};
    struct sip_conn *c = arg;
    int err = c->asked && c->ponged ? ETIMEDOUT : transp_tcp_write(c, &ping);

    if (err) {
        transp_conn_close(c, err);
        return;
    }
    if (!c->ponged) {
        ping_start(c);
        return;
    }
    c->asked = true;
    tmr_start(&c->ping, transp_pong_ms, ping_h, c);
}

/* Something came or went: it is idle from now on. */
static void ping_start(struct sip_conn *c)
{
    c->asked = false;
    if (c->out && c->edge && c->established)
        tmr_start(&c->ping, transp_ping_ms + rnd_u32() % (transp_ping_ms / TCP_PING_JITTER), ping_h, c);
}

/* ------------------------------------------------------------------ writing */

/* Room for n bytes more, accounted for; without it the buffer is as it was: what could not be taken must not be sent later. */
static int tx_room(struct sip_conn *c, size_t n)
{
    const size_t size = c->tx->size, need = c->tx->end + n;
    int err = need > size ? mbuf_resize(c->tx, need) : 0;

    if (!err)
        err = charge(c);
    if (!err)
        return 0;
    if (!c->tx->end)
        c->tx = mem_deref(c->tx);
    else if (c->tx->size > size)
        (void)mbuf_resize(c->tx, size);
    return err;
}

int transp_tcp_write(struct sip_conn *c, const struct mbuf *mb)
{
    size_t pos;
    int err;

    if (c->closed)
        return ENOTCONN;
    if (!c->tx)
        c->tx = mbuf_alloc(mbuf_get_left(mb));
    if (!c->tx)
        return ENOMEM;
    if (mbuf_get_left(c->tx) + mbuf_get_left(mb) > TRANSP_TCP_QUEUE_MAX)
        return ENOBUFS;
    err = tx_room(c, mbuf_get_left(mb));
    if (err)
        return err;
    pos = c->tx->pos;
    c->tx->pos = c->tx->end;
    (void)mbuf_write_mem(c->tx, mbuf_buf(mb), mbuf_get_left(mb)); /* there is room */
    c->tx->pos = pos;
    return c->established ? flush(c) : 0;
}

/* Messages may come and go from now on. */
static int established(struct sip_conn *c)
{
    struct le *le;

    c->established = true;
    c->partial = !c->out; /* the first message's time runs already */
    tmr_start(&c->tmr, message_ms(c), timeout_h, c);
    ping_start(c);
    while ((le = list_head(&c->ql))) {
        struct sip_connqent *q = le->data;
        int err = transp_tcp_write(c, q->mb);

        if (err)
            return err; /* closing tells everyone in the queue */
        mem_deref(q);
    }
    return flush(c);
}

/* The socket is there; by TLS the handshake begins. */
static int connected(struct sip_conn *c)
{
    c->connected = true;
    if (c->tp != SIP_TRANSP_TLS)
        return established(c);
    tmr_start(&c->tmr, MIN(message_ms(c), (uint64_t)TRANSP_TLS_SHAKE_MS), timeout_h, c);
    return transp_tls_begin(c);
}

/* As far as the handshake goes now. */
static int shake(struct sip_conn *c)
{
    int err = transp_tls_shake(c);

    if (!err)
        return established(c);
    return err == EAGAIN ? watch(c) : err;
}

static int connect_end(struct sip_conn *c)
{
    socklen_t len = sizeof(int);
    int err = 0;

    if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &err, &len))
        return errno;
    if (!err)
        err = connected(c);
    return !err && !c->established ? shake(c) : err;
}

/* ------------------------------------------------------------------ reading */

/* CRLF between messages is a keep-alive; a double one asks for an answer (RFC 5626 3.5.1). */
static int keepalive(struct sip_conn *c)
{
    struct mbuf pong = {.buf = (uint8_t *)"\r\n", .size = 2, .pos = 0, .end = 2};
    struct mbuf *rx = c->rx;

    while (mbuf_get_left(rx) >= 2 && !memcmp(mbuf_buf(rx), "\r\n", 2)) {
        bool ping = mbuf_get_left(rx) >= 4 && !memcmp(mbuf_buf(rx), "\r\n\r\n", 4);
        int err = ping ? transp_tcp_write(c, &pong) : 0;

        if (err)
            return err;
        c->ponged = c->ponged || !ping;
        mbuf_advance(rx, ping ? 4 : 2);
    }
    return 0;
}

/* Hands over each whole message in rx. A stream that cannot be cut into messages ends; a bad message alone is refused. */
static int messages(struct sip_conn *c)
{
    const struct sip_transport *t = transp_find(c->sip, c->tp, &c->paddr);
    size_t len;
    int err;

    while (!c->closed && mbuf_get_left(c->rx)) {
        err = keepalive(c);
        if (err)
            return err;
        sip_unfold(mbuf_buf(c->rx), mbuf_get_left(c->rx));
        err = sip_stream_frame(mbuf_buf(c->rx), mbuf_get_left(c->rx), &len);
        if (err == EAGAIN)
            return 0;
        if (err) {
            transp_refuse(err == EMSGSIZE ? SIP_REASON_TOO_LARGE : SIP_REASON_CONTENT_LENGTH, c->tp,
                          &c->paddr);
            return err;
        }
        if (t)
            transp_input(t, c, &c->paddr, &c->laddr, mbuf_buf(c->rx), len, SIP_STREAM);
        mbuf_advance(c->rx, (ssize_t)len);
    }
    return 0;
}

/* Moves what is left to the front, so that the buffer stays as small as one message. */
static void rx_compact(struct mbuf *rx)
{
    size_t left = mbuf_get_left(rx);

    memmove(rx->buf, mbuf_buf(rx), left);
    rx->pos = 0;
    rx->end = left;
    if (!left && rx->size > TCP_READ_SIZE)
        (void)mbuf_resize(rx, TCP_READ_SIZE);
}

/* Room for what comes next. */
static int rx_room(struct sip_conn *c)
{
    struct mbuf *rx = c->rx;

    if (!rx)
        rx = c->rx = mbuf_alloc(TCP_READ_SIZE);
    if (!rx || (rx->size - rx->end < TCP_READ_SIZE && mbuf_resize(rx, rx->end + TCP_READ_SIZE)))
        return ENOMEM;
    return charge(c);
}

/* n bytes more are in rx. */
static int took(struct sip_conn *c, size_t n)
{
    int err;

    c->rx->end += n;
    c->heard = true;
    ping_start(c);
    err = messages(c);
    if (!err && !c->closed) {
        restart_timer(c, c->rx->pos > 0);
        rx_compact(c->rx);
    }
    return err;
}

/* n bytes of the socket; -1: err says why, 0: none there now. */
static ssize_t pull(const struct sip_conn *c, void *p, size_t sz, int *err)
{
    ssize_t n = recv(c->fd, p, sz, MSG_DONTWAIT);

    *err = n < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : n < 0 ? errno : ECONNRESET;
    return n > 0 ? n : *err ? -1 : 0;
}

/* What a read of the socket has given, through TLS: its end is told by TLS, or nothing is sure. */
static int decrypted(struct sip_conn *c)
{
    int err = c->established ? 0 : shake(c);

    while (!err && !c->closed && c->established) {
        ssize_t n;

        err = rx_room(c);
        if (err)
            break;
        n = tls_read(c->tls, c->rx->buf + c->rx->end, c->rx->size - c->rx->end);
        if (!n)
            return transp_tls_pending(c) ? watch(c) : 0;
        err = n < 0 ? ECONNRESET : took(c, (size_t)n);
    }
    return err;
}

static int receive(struct sip_conn *c)
{
    uint8_t raw[TLS_RAW_SIZE];
    int err = 0;

    for (int i = 0; i < TCP_ROUNDS && !err && !c->closed; i++) {
        ssize_t n;

        if (c->tls) {
            n = pull(c, raw, sizeof(raw), &err);
            if (n <= 0)
                return err;
            tls_feed(c->tls, raw, (size_t)n);
            err = decrypted(c);
            continue;
        }
        err = rx_room(c);
        if (err)
            return err;
        n = pull(c, c->rx->buf + c->rx->end, c->rx->size - c->rx->end, &err);
        if (n <= 0)
            return err;
        err = took(c, (size_t)n);
    }
    return err;
}

static void event_h(int flags, void *arg)
{
    struct sip_conn *c = mem_ref(arg);
    int err = 0;

    if (!c->connected && (flags & (FD_WRITE | FD_EXCEPT)))
        err = connect_end(c);
    else if (flags & FD_WRITE)
        err = c->established ? flush(c) : shake(c);
    if (!err && !c->closed && c->connected && (flags & (FD_READ | FD_EXCEPT)))
        err = receive(c);
    if (err)
        transp_conn_close(c, err);
    mem_deref(c);
}

struct peer_count {
    const struct sa *peer;
    unsigned same, all;
};

static bool count_h(struct le *le, void *arg)
{
    const struct sip_conn *c = le->data;
    struct peer_count *n = arg;

    if (transp_is_stream(c->tp)) {
        n->all++;
        if (sa_cmp(&c->paddr, n->peer, SA_ADDR))
            n->same++;
    }
    return false;
}

static bool room_for(const struct sip *sip, const struct sa *peer)
{
    struct peer_count n = {.peer = peer};

    (void)hash_apply(sip->ht_conn, count_h, &n);
    return n.same < TRANSP_TCP_PER_PEER_MAX && n.all < TRANSP_TCP_CONNS_MAX;
}

/* Without it the kernel sends again for 15 minutes into a hole, and everything that follows waits behind. */
static void tune(int fd)
{
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &(unsigned){TCP_UNACKED_MS}, sizeof(unsigned));
}

static void conn_accepted(struct sip_transport *t, int fd, const struct sa *peer, bool stranger)
{
    struct sip_conn *c = transp_conn_alloc(t, peer);
    int err;

    if (!c) {
        (void)close(fd);
        return;
    }
    c->fd = fd;
    c->stranger = stranger;
    tune(fd);
    err = connected(c);
    if (!err)
        err = watch(c);
    if (err)
        transp_conn_close(c, err);
}

static void accept_again_h(void *arg)
{
    (void)transp_tcp_listen(arg);
}

/* Out of file descriptors: the waiting connection would wake us for ever. */
static void accept_pause(struct sip_transport *t)
{
    log_warn_limited("sip", "no file descriptor left for a TCP connection");
    fd_close(t->fd);
    tmr_start(&t->pause, TCP_PAUSE_MS, accept_again_h, t);
}

static void accept_h(int flags, void *arg)
{
    struct sip_transport *t = arg;

    (void)flags;
    for (int i = 0; i < TCP_ACCEPTS; i++) {
        struct sockaddr_storage ss;
        socklen_t len = sizeof(ss);
        bool stranger;
        struct sa peer;
        int fd = accept4(t->fd, (struct sockaddr *)&ss, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd < 0) {
            if (errno == EMFILE || errno == ENFILE)
                accept_pause(t);
            return;
        }
        if (sa_set_sa(&peer, (struct sockaddr *)&ss)) {
            (void)close(fd);
            continue;
        }
        stranger = !transp_admits(t, &peer);
        if (stranger && !transp_tls_stranger(t)) {
            transp_refuse(SIP_REASON_UNKNOWN_SOURCE, t->tp, &peer);
            (void)close(fd);
        } else if (!room_for(t->sip, &peer)) {
            transp_refuse(SIP_REASON_CONN_LIMIT, t->tp, &peer);
            (void)close(fd);
        } else {
            conn_accepted(t, fd, &peer, stranger);
        }
    }
}

int transp_tcp_listen(struct sip_transport *t)
{
    return fd_listen(t->fd, FD_READ, accept_h, t);
}

/* From the address that we listen on, when that is one: peers tell us by it. */
static int bind_source(int fd, const struct sip_transport *t)
{
    struct addr a;

    transp_addr(&a, &t->laddr);
    if (t->fd < 0 || addr_is_any(&a))
        return 0;
    addr_set_port(&a, 0);
    (void)setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &(int){1}, sizeof(int));
    return bind(fd, &a.u.sa, addr_len(&a)) ? errno : 0;
}

static int conn_connect(struct sip_conn **cp, const struct sip_transport *t, const struct sa *dst)
{
    struct sip_conn *c;
    int fd, err = 0;

    if (!room_for(t->sip, dst))
        return ENOBUFS;
    fd = socket(sa_af(dst), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return errno;
    c = transp_conn_alloc(t, dst);
    if (!c) {
        (void)close(fd);
        return ENOMEM;
    }
    c->fd = fd;
    c->out = true;
    tune(fd);
    if (t->edge)
        err = bind_source(fd, t);
    if (!err && connect(fd, &dst->u.sa, dst->len) < 0 && errno != EINPROGRESS)
        err = errno;
    if (!err)
        err = watch(c);
    if (err) {
        transp_conn_close(c, err);
        return err;
    }
    tmr_start(&c->tmr, message_ms(c), timeout_h, c);
    *cp = c;
    return 0;
}

static void qent_destructor(void *arg)
{
    struct sip_connqent *q = arg;

    if (q->qentp)
        *q->qentp = NULL;
    list_unlink(&q->le);
    mem_deref(q->mb);
}

static void ignore_h(int err, void *arg)
{
    (void)err;
    (void)arg;
}

int transp_tcp_send(struct sip_connqent **qentp, const struct sip_transport *t, const struct sa *dst,
                    struct mbuf *mb, sip_transp_h *transph, void *arg)
{
    struct sip_conn *c = transp_conn_find(t->sip, t->tp, dst);
    struct sip_connqent *q;
    int err;

    if (!c) {
        err = conn_connect(&c, t, dst);
        if (!c)
            return err;
    }
    if (c->established)
        return transp_tcp_write(c, mb);
    q = mem_zalloc(sizeof(*q), qent_destructor);
    if (!q)
        return ENOMEM;
    list_append(&c->ql, &q->le, q);
    q->mb = mem_ref(mb);
    q->transph = transph ? transph : ignore_h;
    q->arg = arg;
    if (qentp) {
        q->qentp = qentp;
        *qentp = q;
    }
    return 0;
}

#include "sip/transp.h"

#include "core/budget.h"
#include "core/log.h"
#include "core/metric.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

METRIC_COUNTER(trunk_tx, "dngate_trunk_sip_messages_total", "direction=\"out\"",
               "SIP messages from and to trunks");
METRIC_COUNTER(trunk_tx_bytes, "dngate_trunk_sip_bytes_total", "direction=\"out\"",
               "Bytes of SIP messages from and to trunks");
METRIC_LIMIT(tcp_conns, "sip_tcp_connections", TRANSP_TCP_CONNS_MAX);

void transp_sa(struct sa *sa, const struct addr *a)
{
    if (addr_af(a) == AF_UNSPEC || sa_set_sa(sa, &a->u.sa))
        sa_init(sa, AF_UNSPEC);
}

void transp_addr(struct addr *a, const struct sa *sa)
{
    addr_set_sockaddr(a, &sa->u.sa);
}

static void transport_destructor(void *arg)
{
    struct sip_transport *t = arg;

    list_unlink(&t->le);
    tmr_cancel(&t->pause);
    if (t->fd >= 0) {
        fd_close(t->fd);
        (void)close(t->fd);
    }
    mem_deref(t->batch);
}

bool transp_is_stream(enum sip_transp tp)
{
    return tp == SIP_TRANSP_TCP || tp == SIP_TRANSP_TLS;
}

/* A lab's connections are not ours. */
static void conn_count(const struct sip_conn *c, int n)
{
    if (c->edge && transp_is_stream(c->tp))
        metric_add(&tcp_conns, n);
}

static void conn_destructor(void *arg)
{
    struct sip_conn *c = arg;

    if (!c->closed)
        conn_count(c, -1);
    tmr_cancel(&c->tmr);
    tmr_cancel(&c->ping);
    list_flush(&c->ql);
    hash_unlink(&c->he);
    transp_tls_gone(c, 0);
    if (c->fd >= 0) {
        fd_close(c->fd);
        (void)close(c->fd);
    }
    mem_deref(c->rx);
    mem_deref(c->tx);
    if (transp_is_stream(c->tp))
        budget_give(BUDGET_TCP, c->held);
}

struct sip_transport *transp_find(const struct sip *sip, enum sip_transp tp, const struct sa *dst)
{
    struct sip_transport *found[TRANSP_PER_KIND_MAX];
    struct addr v[TRANSP_PER_KIND_MAX], d;
    size_t n = 0, i;

    for (struct le *le = sip->transpl.head; le && n < TRANSP_PER_KIND_MAX; le = le->next) {
        struct sip_transport *t = le->data;

        if (t->tp != tp || (t->fd >= 0 && sa_af(dst) != AF_UNSPEC && sa_af(&t->laddr) != sa_af(dst)))
            continue;
        transp_addr(&v[n], &t->laddr);
        found[n++] = t;
    }
    if (n < 2 || sa_af(dst) == AF_UNSPEC) /* to anywhere */
        return n ? found[0] : NULL;
    transp_addr(&d, dst);
    i = addr_choose(v, n, &d);
    return i < n ? found[i] : NULL;
}

struct sip_conn *transp_conn_find(const struct sip *sip, enum sip_transp tp, const struct sa *key)
{
    for (struct le *le = list_head(hash_list(sip->ht_conn, sa_hash(key, SA_ALL))); le; le = le->next) {
        struct sip_conn *c = le->data;

        if (c->tp == tp && sa_cmp(&c->key, key, SA_ALL))
            return c;
    }
    return NULL;
}

struct sip_conn *transp_conn_alloc(const struct sip_transport *t, const struct sa *key)
{
    struct sip_conn *c = mem_zalloc(sizeof(*c), conn_destructor);

    if (!c)
        return NULL;
    c->fd = -1;
    c->sip = t->sip;
    c->edge = t->edge;
    c->tp = t->tp;
    c->key = c->paddr = *key;
    transp_laddr(t, &c->laddr, key);
    hash_append(t->sip->ht_conn, sa_hash(key, SA_ALL), &c->he, c);
    conn_count(c, 1);
    return c;
}

void transp_conn_close(struct sip_conn *c, int err)
{
    struct le *le;

    if (c->closed)
        return;
    c->closed = true;
    conn_count(c, -1);
    hash_unlink(&c->he);
    tmr_cancel(&c->tmr);
    tmr_cancel(&c->ping);
    transp_tls_gone(c, err);
    if (c->fd >= 0) {
        fd_close(c->fd);
        (void)close(c->fd);
        c->fd = -1;
    }
    while ((le = list_head(&c->ql))) {
        struct sip_connqent *q = le->data;

        if (q->qentp)
            *q->qentp = NULL;
        q->qentp = NULL;
        list_unlink(&q->le);
        q->transph(err, q->arg);
        mem_deref(q);
    }
    mem_deref(c);
}

bool transp_admits(const struct sip_transport *t, const struct sa *src)
{
    struct addr a;

    if (!t->edge)
        return true;
    transp_addr(&a, src);
    return t->edge->admith(&a, t->edge->arg);
}

/* Our address towards dst; without an edge the socket's own, as libre does. */
void transp_laddr(const struct sip_transport *t, struct sa *laddr, const struct sa *dst)
{
    struct addr a, d;

    *laddr = t->laddr;
    if (!t->edge || t->tp == SIP_TRANSP_WS)
        return;
    transp_addr(&d, dst);
    if (!t->edge->laddrh(&a, &d, t->tp, t->edge->arg))
        transp_sa(laddr, &a);
}

void transp_refuse(enum sip_reason r, enum sip_transp tp, const struct sa *src)
{
    char str[ADDR_STRLEN];
    struct addr a;

    sip_reason_count(r);
    transp_addr(&a, src);
    log_warn_limited("sip", "reason=%s transport=%s source=%s message refused", sip_reason_label(r),
                     sip_transp_name(tp), addr_str(&a, str, sizeof(str)));
}

static void count(enum sip_transp tp, size_t len)
{
    if (tp == SIP_TRANSP_WS) /* the WEB thread counts those */
        return;
    metric_add(&trunk_tx, 1);
    metric_add(&trunk_tx_bytes, (int64_t)len);
}

static void trace(const struct sip *sip, enum sip_transp tp, const struct sa *src, const struct sa *dst,
                  const struct mbuf *mb)
{
    if (sip->traceh)
        sip->traceh(true, tp, src, dst, mbuf_buf(mb), mbuf_get_left(mb), sip->arg);
}

static int transport_add(struct sip *sip, enum sip_transp tp, int fd, const struct transp_edge *edge)
{
    struct sip_transport *t = mem_zalloc(sizeof(*t), transport_destructor);
    struct sockaddr_storage ss;
    socklen_t len = sizeof(ss);
    int err = 0;

    if (!t) {
        if (fd >= 0)
            (void)close(fd);
        return ENOMEM;
    }
    t->sip = sip;
    t->tp = tp;
    t->fd = fd;
    t->edge = edge;
    sa_init(&t->laddr, AF_UNSPEC);
    if (fd >= 0) {
        err = getsockname(fd, (struct sockaddr *)&ss, &len) ? errno
                                                            : sa_set_sa(&t->laddr, (struct sockaddr *)&ss);
        if (!err)
            err = tp == SIP_TRANSP_UDP ? transp_udp_listen(t) : transp_tcp_listen(t);
    }
    if (err)
        mem_deref(t);
    else
        list_append(&sip->transpl, &t->le, t);
    return err;
}

int transp_adopt(struct sip *sip, enum sip_transp tp, int fd, const struct transp_edge *edge)
{
    if (tp != SIP_TRANSP_UDP && !transp_is_stream(tp)) {
        (void)close(fd);
        return EPROTONOSUPPORT;
    }
    return transport_add(sip, tp, fd, edge);
}

int transp_add_tls(struct sip *sip, const struct transp_edge *edge)
{
    return transport_add(sip, SIP_TRANSP_TLS, -1, edge);
}

int transp_add_ws(struct sip *sip, const struct transp_edge *edge)
{
    return transport_add(sip, SIP_TRANSP_WS, -1, edge);
}

/* ------------------------------------------------------------------ what libre calls */

int sip_transp_init(struct sip *sip, uint32_t sz)
{
    return hash_alloc(&sip->ht_conn, sz);
}

int sip_transp_add(struct sip *sip, enum sip_transp tp, const struct sa *laddr, ...)
{
    int type = tp == SIP_TRANSP_UDP ? SOCK_DGRAM : SOCK_STREAM;
    int fd;

    if (!sip || !laddr || !sa_isset(laddr, SA_ADDR))
        return EINVAL;
    if (tp != SIP_TRANSP_UDP && tp != SIP_TRANSP_TCP)
        return EPROTONOSUPPORT;
    fd = socket(sa_af(laddr), type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return errno;
    if (tp == SIP_TRANSP_TCP)
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    if (bind(fd, &laddr->u.sa, laddr->len) || (tp == SIP_TRANSP_TCP && listen(fd, 64))) {
        int err = errno;

        (void)close(fd);
        return err;
    }
    return transport_add(sip, tp, fd, NULL);
}

/* libre's own WebSocket server is not used: browsers come through sip/wsedge. */
int sip_transp_add_websock(struct sip *sip, enum sip_transp tp, const struct sa *laddr, bool server,
                           const char *cert)
{
    (void)sip;
    (void)tp;
    (void)laddr;
    (void)server;
    (void)cert;
    return EPROTONOSUPPORT;
}

void sip_transp_flush(struct sip *sip)
{
    if (!sip)
        return;
    hash_flush(sip->ht_conn);
    list_flush(&sip->transpl);
}

/* The stream or browser a message came by, while it lives; else the one that dst names. */
static int conn_send(struct sip_connqent **qentp, struct sip *sip, struct sip_conn *conn, enum sip_transp tp,
                     const struct sa *dst, struct mbuf *mb, sip_transp_h *transph, void *arg)
{
    const struct sip_transport *t;

    if (!conn || conn->closed)
        conn = transp_conn_find(sip, tp, dst);
    if (!conn && tp == SIP_TRANSP_TLS)
        conn = transp_tls_alias(sip, dst);
    if (conn && (tp == SIP_TRANSP_WS || conn->established)) {
        trace(sip, tp, &conn->laddr, &conn->paddr, mb);
        if (conn->edge)
            count(tp, mbuf_get_left(mb));
        return tp == SIP_TRANSP_WS ? transp_ws_send(conn, mb) : transp_tcp_write(conn, mb);
    }
    if (tp == SIP_TRANSP_WS)
        return ENOTCONN;
    t = transp_find(sip, tp, dst);
    if (!t)
        return EPROTONOSUPPORT;
    trace(sip, tp, &t->laddr, dst, mb);
    return transp_tcp_send(qentp, t, dst, mb, transph, arg);
}

int sip_transp_send(struct sip_connqent **qentp, struct sip *sip, void *sock, enum sip_transp tp,
                    const struct sa *dst, char *host, struct mbuf *mb, sip_transp_h *transph, void *arg)
{
    const struct sip_transport *t = sock;

    (void)host;
    if (!sip || !dst || !mb)
        return EINVAL;
    switch (tp) {

    case SIP_TRANSP_UDP:
        if (!t)
            t = transp_find(sip, tp, dst);
        if (!t)
            return EPROTONOSUPPORT;
        trace(sip, tp, &t->laddr, dst, mb);
        if (t->edge)
            count(tp, mbuf_get_left(mb));
        return transp_udp_send(t, dst, mb);

    case SIP_TRANSP_TCP:
    case SIP_TRANSP_TLS:
    case SIP_TRANSP_WS:
        return conn_send(qentp, sip, sock, tp, dst, mb, transph, arg);

    default:
        return EPROTONOSUPPORT;
    }
}

int sip_transp_laddr(struct sip *sip, struct sa *laddr, enum sip_transp tp, const struct sa *dst)
{
    const struct sip_transport *t;
    const struct sip_conn *c;

    if (!sip || !laddr || !dst)
        return EINVAL;
    t = transp_find(sip, tp, dst);
    if (!t)
        return EPROTONOSUPPORT;
    if (tp == SIP_TRANSP_WS) {
        c = transp_conn_find(sip, tp, dst);
        if (!c)
            return ENOTCONN;
        *laddr = c->laddr;
        return 0;
    }
    transp_laddr(t, laddr, dst);
    return 0;
}

bool sip_transp_supported(struct sip *sip, enum sip_transp tp, int af)
{
    struct sa any;

    sa_init(&any, af);
    return sip && transp_find(sip, tp, &any);
}

bool sip_transp_isladdr(const struct sip *sip, enum sip_transp tp, const struct sa *laddr)
{
    if (!sip || !laddr)
        return false;
    for (struct le *le = sip->transpl.head; le; le = le->next) {
        const struct sip_transport *t = le->data;

        if ((tp == SIP_TRANSP_NONE || t->tp == tp) && sa_cmp(&t->laddr, laddr, SA_ALL))
            return true;
    }
    return false;
}

static const struct {
    const char *name, *srvid, *param;
    uint16_t port;
    bool reliable;
} transports[SIP_TRANSPC] = {
    [SIP_TRANSP_UDP] = {"UDP", "_sip._udp", "", SIP_PORT, false},
    [SIP_TRANSP_TCP] = {"TCP", "_sip._tcp", ";transport=tcp", SIP_PORT, true},
    [SIP_TRANSP_TLS] = {"TLS", "_sips._tcp", ";transport=tls", SIP_PORT_TLS, true},
    [SIP_TRANSP_WS] = {"WS", "???", ";transport=ws", 80, true},
    [SIP_TRANSP_WSS] = {"WSS", "???", ";transport=wss", 443, true},
};

static bool known(enum sip_transp tp)
{
    return tp >= SIP_TRANSP_UDP && tp < SIP_TRANSPC;
}

const char *sip_transp_name(enum sip_transp tp)
{
    return known(tp) ? transports[tp].name : "???";
}

const char *sip_transp_srvid(enum sip_transp tp)
{
    return known(tp) ? transports[tp].srvid : "???";
}

const char *sip_transp_param(enum sip_transp tp)
{
    return known(tp) ? transports[tp].param : "";
}

enum sip_transp sip_transp_decode(const struct pl *pl)
{
    for (int tp = SIP_TRANSP_UDP; tp < SIP_TRANSPC; tp++)
        if (!pl_strcasecmp(pl, transports[tp].name))
            return (enum sip_transp)tp;
    return SIP_TRANSP_NONE;
}

bool sip_transp_reliable(enum sip_transp tp)
{
    return known(tp) && transports[tp].reliable;
}

uint16_t sip_transp_port(enum sip_transp tp, uint16_t port)
{
    if (port)
        return port;
    return known(tp) ? transports[tp].port : 0;
}

static bool conn_debug_h(struct le *le, void *arg)
{
    const struct sip_conn *c = le->data;

    (void)re_hprintf(arg, "  %5s  %J --> %J\n", sip_transp_name(c->tp), &c->laddr, &c->paddr);
    return false;
}

int sip_transp_debug(struct re_printf *pf, const struct sip *sip)
{
    int err = re_hprintf(pf, "transports:\n");

    for (struct le *le = sip->transpl.head; le; le = le->next) {
        const struct sip_transport *t = le->data;

        err |= re_hprintf(pf, "  %J (%s)\n", &t->laddr, sip_transp_name(t->tp));
    }
    err |= re_hprintf(pf, "connections:\n");
    (void)hash_apply(sip->ht_conn, conn_debug_h, pf);
    return err;
}

/* Streams here are not libre's tcp_conn; nobody asks. */
struct tcp_conn *sip_msg_tcpconn(const struct sip_msg *msg)
{
    (void)msg;
    return NULL;
}

/* Keep-alives towards trunks are the OPTIONS of sip/trunks. */
int sip_keepalive_tcp(struct sip_keepalive *ka, struct sip_conn *conn, uint32_t interval)
{
    (void)ka;
    (void)conn;
    (void)interval;
    return ENOSYS;
}

#include "sip/stack_priv.h"
#include "sip/public.h"
#include "sip/siplog.h"

#include "core/health.h"
#include "core/log.h"
#include "core/mbox.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    SIP_FDS_MAX = 32768,  /* libre keeps a table indexed by file descriptor */
    SIP_HASH_SIZE = 1024, /* transactions and connections */
    SIP_PORT_TRIES = 16,  /* to find one port that is free for UDP and TCP */
    SIP_CONTROL_SLOTS = 4,
    SIP_TCP_BACKLOG = 64,
    SIP_UDP_BUFFER = 1 << 20, /* a burst of calls while a timer runs */
};

struct control_msg {
    bool stop;
};

struct sip_watch {
    struct le le;
    struct mbox *mb;
    sip_mbox_h *h;
    void *arg;
};

/* ------------------------------------------------------------------ sockets, on the main thread */

static int socket_bind(int *fdp, int type, const struct addr *a)
{
    int fd = socket(addr_af(a), type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int err = 0;

    if (fd < 0)
        return errno;
    if (addr_af(a) == AF_INET6)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &(int){1}, sizeof(int));
    if (type == SOCK_STREAM)
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    else
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &(int){SIP_UDP_BUFFER}, sizeof(int));
    if (bind(fd, &a->u.sa, addr_len(a)) || (type == SOCK_STREAM && listen(fd, SIP_TCP_BACKLOG)))
        err = errno;
    if (err)
        (void)close(fd);
    else
        *fdp = fd;
    return err;
}

static uint16_t socket_port(int fd)
{
    struct sockaddr_storage ss;
    socklen_t len = sizeof(ss);
    struct addr a;

    if (getsockname(fd, (struct sockaddr *)&ss, &len))
        return 0;
    addr_set_sockaddr(&a, (struct sockaddr *)&ss);
    return addr_port(&a);
}

static void sockets_close(struct sip_stack *st)
{
    while (st->bound) {
        st->bound--;
        (void)close(st->udp[st->bound]);
        (void)close(st->tcp[st->bound]);
    }
    while (st->tls_bound)
        (void)close(st->tls[--st->tls_bound]);
}

/* UDP and TCP on the same port; the first one decides it when any will do. */
static int bind_pair(struct sip_stack *st, const struct addr *bind_addr, const char **proto)
{
    struct addr a = *bind_addr;
    size_t i = st->bound;
    int err;

    if (st->port)
        addr_set_port(&a, st->port);
    *proto = "udp";
    err = socket_bind(&st->udp[i], SOCK_DGRAM, &a);
    if (err)
        return err;
    addr_set_port(&a, socket_port(st->udp[i]));
    *proto = "tcp";
    err = socket_bind(&st->tcp[i], SOCK_STREAM, &a);
    if (err) {
        (void)close(st->udp[i]);
        return err;
    }
    st->port = addr_port(&a);
    st->laddr[i] = a;
    st->bound++;
    return 0;
}

/* For TLS, on each address that the others have; the first one decides the port when any will do. */
static int bind_tls(struct sip_stack *st, char *why, size_t whysz)
{
    char str[ADDR_STRLEN];
    int err = 0;

    st->tls_port = st->cfg.tls_port;
    for (size_t i = 0; i < st->bound && st->cfg.tls_cert[0] && !err; i++) {
        struct addr a = st->laddr[i];

        addr_set_port(&a, st->tls_port);
        err = socket_bind(&st->tls[i], SOCK_STREAM, &a);
        if (err) {
            (void)snprintf(why, whysz, "sips.port=%u: cannot listen on %s: %s", st->tls_port,
                           addr_str(&a, str, sizeof(str)), strerror(err));
            break;
        }
        st->tls_bound++;
        st->tls_port = socket_port(st->tls[i]);
    }
    if (err && err != ENOMEM && st->cfg.tls_optional) {
        log_warn("sip", "error=\"%s\" trunks cannot call by TLS; dngate can call them", why);
        while (st->tls_bound)
            (void)close(st->tls[--st->tls_bound]);
        err = 0;
    }
    if (!st->tls_bound)
        st->tls_port = 0;
    return err;
}

static int bind_all(struct sip_stack *st, char *why, size_t whysz)
{
    const char *proto = "";
    char str[ADDR_STRLEN];
    int err = 0;

    st->port = addr_port(&st->cfg.bind[0]);
    for (size_t i = 0; i < st->cfg.bind_count; i++) {
        err = bind_pair(st, &st->cfg.bind[i], &proto);
        /* a machine without IPv6 is no reason not to start */
        if ((err == EAFNOSUPPORT || err == EADDRNOTAVAIL) && addr_is_any(&st->cfg.bind[i]) && i > 0)
            err = 0;
        if (err) {
            (void)snprintf(why, whysz, "sip.port=%u: cannot listen on %s %s: %s", addr_port(&st->cfg.bind[i]),
                           proto, addr_str(&st->cfg.bind[i], str, sizeof(str)), strerror(err));
            sockets_close(st);
            return err;
        }
    }
    st->laddr_count = st->bound;
    err = bind_tls(st, why, whysz);
    if (err)
        sockets_close(st);
    return err;
}

static void log_listening(const struct sip_stack *st)
{
    char str[ADDR_STRLEN];

    for (size_t i = 0; i < st->bound; i++) {
        (void)addr_ip(&st->laddr[i], str, sizeof(str));
        log_info("sip", "listening proto=sip-udp port=%u address=%s", st->port, str);
        log_info("sip", "listening proto=sip-tcp port=%u address=%s", st->port, str);
        if (st->tls_port)
            log_info("sip", "listening proto=sips port=%u address=%s", st->tls_port, str);
    }
}

/* ------------------------------------------------------------------ what the transports ask */

static int laddr_h(struct addr *laddr, const struct addr *dst, enum sip_transp tp, void *arg)
{
    return sip_stack_laddr_by(arg, laddr, dst, (int)tp);
}

/* ------------------------------------------------------------------ mailboxes */

static void watch_destructor(void *arg)
{
    struct sip_watch *w = arg;

    list_unlink(&w->le);
    fd_close(mbox_fd(w->mb));
}

static void watch_h(int flags, void *arg)
{
    struct sip_watch *w = arg;

    (void)flags;
    (void)mbox_drain(w->mb, w->h, w->arg);
}

int sip_stack_watch_alloc(struct sip_watch **wp, struct sip_stack *st, struct mbox *mb, sip_mbox_h *h,
                          void *arg)
{
    struct sip_watch *w;
    int err;

    if (!wp || !st || !mb || !h)
        return EINVAL;
    w = mem_zalloc(sizeof(*w), watch_destructor);
    if (!w)
        return ENOMEM;
    w->mb = mb;
    w->h = h;
    w->arg = arg;
    err = fd_listen(mbox_fd(mb), FD_READ, watch_h, w);
    if (err)
        mem_deref(w);
    else
        list_append(&st->watches, &w->le, *wp = w);
    return err;
}

int sip_stack_watch(struct sip_stack *st, struct mbox *mb, sip_mbox_h *h, void *arg)
{
    struct sip_watch *w;

    return sip_stack_watch_alloc(&w, st, mb, h, arg); /* the stack ends it */
}

static void control_h(void *msg, void *arg)
{
    (void)arg;
    if (((const struct control_msg *)msg)->stop)
        re_cancel();
}

/* ------------------------------------------------------------------ the signalling thread */

/* Names in a trunk's Contact are resolved by libre's own asynchronous client; without a name server they cannot be. */
static void dns_open(struct sip_stack *st)
{
    struct sa servers[4];
    uint32_t n = ARRAY_SIZE(servers);
    char domain[128];

    if (dns_srv_get(domain, sizeof(domain), servers, &n) || dnsc_alloc(&st->dnsc, NULL, servers, n))
        log_warn("sip", "no name server found: addresses in SIP messages must be numbers");
}

static int sip_open(struct sip_stack *st)
{
    int err;

    err = fd_setsize(SIP_FDS_MAX);
    if (err)
        return err;
    dns_open(st);
    err = sip_alloc(&st->sip, st->dnsc, SIP_HASH_SIZE, SIP_HASH_SIZE, SIP_HASH_SIZE, st->cfg.software, NULL,
                    st);
    if (err)
        return err;
    siplog_start(st->sip);
    err = extension_start(st);
    while (!err && st->bound) {
        st->bound--;
        err = transp_adopt(st->sip, SIP_TRANSP_UDP, st->udp[st->bound], &st->edge);
        if (err)
            (void)close(st->tcp[st->bound]);
        else
            err = transp_adopt(st->sip, SIP_TRANSP_TCP, st->tcp[st->bound], &st->edge);
    }
    while (!err && st->tls_bound)
        err = transp_adopt(st->sip, SIP_TRANSP_TLS, st->tls[--st->tls_bound], &st->edge);
    if (!err && !st->tls_port)
        err = transp_add_tls(st->sip, &st->edge);
    if (!err)
        err = transp_add_ws(st->sip, &st->edge);
    if (!err)
        err = sip_stack_watch(st, st->control, control_h, st);
    if (!err)
        err = wsedge_start(st);
    if (!err)
        err = public_start(st->public);
    return err;
}

static void sip_shut(struct sip_stack *st)
{
    public_stop(st->public);
    list_flush(&st->watches);
    st->extension = mem_deref(st->extension);
    st->fallback = mem_deref(st->fallback);
    sip_close(st->sip, true);
    st->sip = mem_deref(st->sip);
    st->dnsc = mem_deref(st->dnsc);
}

static void report_start(struct sip_stack *st, int err)
{
    st->start_err = err;
    (void)sem_post(&st->started);
}

static void *thread_main(void *arg)
{
    struct sip_stack *st = arg;
    bool opened = false;
    int err;

    err = re_thread_init();
    if (!err)
        err = sip_open(st);
    opened = !err;
    if (opened && st->start_h)
        err = st->start_h(st, st->arg);
    if (!err) {
        health_set("sip", HEALTH_UP, "%s", "");
        report_start(st, 0);
        err = re_main(NULL);
        health_set("sip", HEALTH_DOWN, "%s", "stopped");
        if (err)
            log_error("sip", "error=\"%s\" the signalling loop ended", strerror(err));
        err = 0;
    }
    if (opened && st->stop_h)
        (void)st->stop_h(st, st->arg);
    sip_shut(st);
    if (err)
        report_start(st, err);
    re_thread_close();
    return NULL;
}

int sip_stack_alloc(struct sip_stack **sp, const struct sip_stack_config *cfg, char *why, size_t whysz)
{
    struct sip_stack *st;
    int err;

    if (!sp || !cfg || !cfg->bind_count || cfg->bind_count > SIP_BINDS_MAX)
        return EINVAL;
    st = calloc(1, sizeof(*st));
    if (!st)
        return ENOMEM;
    st->cfg = *cfg;
    st->edge = (struct transp_edge){.admith = admit_h,
                                    .laddrh = laddr_h,
                                    .frameh = wsedge_frame_h,
                                    .arg = st,
                                    .message_ms = cfg->message_ms};
    (void)sem_init(&st->started, 0, 0);
    err = mbox_alloc(&st->control, "sip_control", sizeof(struct control_msg), SIP_CONTROL_SLOTS);
    if (!err)
        err = wsedge_init(st);
    if (!err)
        err = admit_init(st);
    if (err) {
        (void)snprintf(why, whysz, "sip: %s", strerror(err));
        goto out;
    }
    for (int i = 0; i < SIP_PORT_TRIES; i++) {
        err = bind_all(st, why, whysz);
        if (err != EADDRINUSE || addr_port(&cfg->bind[0]))
            break;
    }
    if (!err) {
        log_listening(st);
        err = public_alloc(&st->public, st);
    }

out:
    if (err)
        sip_stack_free(st);
    else
        *sp = st;
    return err;
}

int sip_stack_start(struct sip_stack *st, sip_thread_h *start_h, sip_thread_h *stop_h, void *arg)
{
    int err;

    st->start_h = start_h;
    st->stop_h = stop_h;
    st->arg = arg;
    err = pthread_create(&st->thread, NULL, thread_main, st);
    if (err)
        return err;
    (void)pthread_setname_np(st->thread, "signalling");
    while (sem_wait(&st->started) && errno == EINTR)
        ;
    if (st->start_err)
        (void)pthread_join(st->thread, NULL);
    else
        st->running = true;
    return st->start_err;
}

void sip_stack_stop(struct sip_stack *st)
{
    struct control_msg m = {.stop = true};

    if (!st || !st->running)
        return;
    (void)mbox_post(st->control, &m); /* four slots, one message ever */
    (void)pthread_join(st->thread, NULL);
    st->running = false;
}

void sip_stack_free(struct sip_stack *st)
{
    if (!st)
        return;
    sip_stack_stop(st);
    sockets_close(st);
    wsedge_close(st);
    admit_close(st);
    public_free(st->public);
    mbox_free(st->control, NULL, NULL);
    (void)sem_destroy(&st->started);
    free(st);
}

struct sip *sip_stack_sip(struct sip_stack *st)
{
    return st->sip;
}

uint16_t sip_stack_tls_port(const struct sip_stack *st)
{
    return st->tls_port;
}

int sip_stack_udp_port(const struct sip_stack *st, uint16_t *port)
{
    if (!st || !port)
        return EINVAL;
    *port = st->port;
    return 0;
}

/* net/udp: see udp.h. */
#include "net/udp.h"

#include "core/metric.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

METRIC_COUNTER(send_failed, "dngate_media_send_failed_total", NULL,
               "Media packets the kernel would not send");

enum { CONTROL_MAX = CMSG_SPACE(sizeof(struct in6_pktinfo)) };

/* ---- sockets ---- */

static void set_int(int fd, int level, int name, int val)
{
    (void)setsockopt(fd, level, name, &val, sizeof(val)); /* each is an improvement, none is needed */
}

static int open_family(struct udp *u, const struct addr *bindaddr, int af, bool dual)
{
    struct sockaddr_in6 any6 = {.sin6_family = AF_INET6, .sin6_port = htons(addr_port(bindaddr))};
    struct sockaddr_in any4 = {.sin_family = AF_INET, .sin_port = any6.sin6_port};
    const struct sockaddr *sa = &bindaddr->u.sa;
    socklen_t len = addr_len(bindaddr);
    int err;

    if (dual) {
        sa = af == AF_INET6 ? (struct sockaddr *)&any6 : (struct sockaddr *)&any4;
        len = af == AF_INET6 ? sizeof(any6) : sizeof(any4);
    }
    u->fd = socket(af, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (u->fd < 0)
        return errno;
    if (af == AF_INET6)
        set_int(u->fd, IPPROTO_IPV6, IPV6_V6ONLY, !dual);
    if (bind(u->fd, sa, len) < 0) {
        err = errno;
        udp_close(u);
        return err;
    }
    u->in6 = af == AF_INET6;
    return 0;
}

int udp_bind(struct udp *u, const struct addr *bindaddr, bool dual, int bufsz)
{
    int err;

    *u = (struct udp){.fd = -1, .pktinfo = dual || addr_is_any(bindaddr)};
    err = open_family(u, bindaddr, dual ? AF_INET6 : addr_af(bindaddr), dual);
    if (dual && (err == EAFNOSUPPORT || err == EADDRNOTAVAIL))
        err = open_family(u, bindaddr, AF_INET, true);
    if (err)
        return err;
    if (u->pktinfo) {
        set_int(u->fd, IPPROTO_IP, IP_PKTINFO, !u->in6);
        if (u->in6)
            set_int(u->fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
    }
    if (bufsz) {
        set_int(u->fd, SOL_SOCKET, SO_RCVBUF, bufsz);
        set_int(u->fd, SOL_SOCKET, SO_SNDBUF, bufsz);
        set_int(u->fd, SOL_SOCKET, SO_RCVBUFFORCE, bufsz); /* past the kernel's limit when we may */
        set_int(u->fd, SOL_SOCKET, SO_SNDBUFFORCE, bufsz);
    }
    return 0;
}

void udp_close(struct udp *u)
{
    if (u->fd >= 0)
        close(u->fd);
    u->fd = -1;
}

uint16_t udp_port(const struct udp *u)
{
    struct sockaddr_storage ss = {0};
    socklen_t len = sizeof(ss);
    struct addr a;

    if (getsockname(u->fd, (struct sockaddr *)&ss, &len) < 0)
        return 0;
    if (ss.ss_family == AF_INET6)
        return ntohs(((struct sockaddr_in6 *)&ss)->sin6_port);
    addr_set_sockaddr(&a, (struct sockaddr *)&ss);
    return addr_port(&a);
}

void udp_tos(const struct udp *u, uint8_t tos)
{
    set_int(u->fd, IPPROTO_IP, IP_TOS, tos);
    if (u->in6)
        set_int(u->fd, IPPROTO_IPV6, IPV6_TCLASS, tos);
}

/* ---- reading ---- */

struct udp_reader {
    struct mmsghdr msgs[UDP_BATCH];
    struct iovec iov[UDP_BATCH];
    struct sockaddr_in6 names[UDP_BATCH];
    _Alignas(struct cmsghdr) uint8_t control[UDP_BATCH][CONTROL_MAX];
    struct udp_packet packets[UDP_BATCH];
    uint8_t data[UDP_BATCH][UDP_PACKET_MAX];
};

static void reader_reset(struct udp_reader *r, size_t i)
{
    struct msghdr *h = &r->msgs[i].msg_hdr;

    h->msg_name = &r->names[i];
    h->msg_namelen = sizeof(r->names[i]);
    h->msg_iov = &r->iov[i];
    h->msg_iovlen = 1;
    h->msg_control = r->control[i];
    h->msg_controllen = CONTROL_MAX;
    h->msg_flags = 0;
}

int udp_reader_alloc(struct udp_reader **rp)
{
    struct udp_reader *r = calloc(1, sizeof(*r));

    if (!r)
        return ENOMEM;
    for (size_t i = 0; i < UDP_BATCH; i++) {
        r->packets[i].p = r->data[i];
        r->iov[i] = (struct iovec){r->data[i], UDP_PACKET_MAX};
        reader_reset(r, i);
    }
    *rp = r;
    return 0;
}

void udp_reader_free(struct udp_reader *r)
{
    free(r);
}

static void local_of(struct addr *local, struct msghdr *h)
{
    *local = (struct addr){0};
    for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c)) {
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo pi;

            memcpy(&pi, CMSG_DATA(c), sizeof(pi));
            local->u.in = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr = pi.ipi_spec_dst};
        } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
            struct in6_pktinfo pi;
            struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};

            memcpy(&pi, CMSG_DATA(c), sizeof(pi));
            in6.sin6_addr = pi.ipi6_addr;
            addr_set_sockaddr(local, (struct sockaddr *)&in6);
        }
    }
}

static void count_add(struct udp_count *c, size_t bytes)
{
    c->packets++;
    c->bytes += bytes;
}

size_t udp_read(struct udp_reader *r, struct udp *u)
{
    int count = recvmmsg(u->fd, r->msgs, UDP_BATCH, MSG_DONTWAIT, NULL);

    for (int i = 0; i < count; i++) {
        struct udp_packet *pkt = &r->packets[i];
        struct msghdr *h = &r->msgs[i].msg_hdr;

        count_add(&u->in, r->msgs[i].msg_len);
        pkt->n = h->msg_flags & MSG_TRUNC ? 0 : r->msgs[i].msg_len;
        addr_set_sockaddr(&pkt->src, (struct sockaddr *)&r->names[i]);
        if (u->pktinfo)
            local_of(&pkt->local, h);
        else
            pkt->local = (struct addr){0};
        reader_reset(r, (size_t)i);
    }
    return count > 0 ? (size_t)count : 0;
}

struct udp_packet *udp_packet(struct udp_reader *r, size_t i)
{
    return &r->packets[i];
}

/* ---- writing ---- */

struct target { /* what sendmsg wants to know of one packet */
    struct sockaddr_in6 name;
    struct iovec iov;
    _Alignas(struct cmsghdr) uint8_t control[CONTROL_MAX];
};

static void control_set(struct msghdr *h, struct target *t, bool in6, const struct addr *local)
{
    struct cmsghdr *c = (struct cmsghdr *)t->control;

    h->msg_control = t->control;
    if (in6) {
        struct sockaddr_in6 from;
        struct in6_pktinfo pi = {0};

        addr_to_in6(local, &from);
        pi.ipi6_addr = from.sin6_addr;
        *c = (struct cmsghdr){CMSG_LEN(sizeof(pi)), IPPROTO_IPV6, IPV6_PKTINFO};
        memcpy(CMSG_DATA(c), &pi, sizeof(pi));
        h->msg_controllen = CMSG_SPACE(sizeof(pi));
    } else {
        struct in_pktinfo pi = {.ipi_spec_dst = local->u.in.sin_addr};

        *c = (struct cmsghdr){CMSG_LEN(sizeof(pi)), IPPROTO_IP, IP_PKTINFO};
        memcpy(CMSG_DATA(c), &pi, sizeof(pi));
        h->msg_controllen = CMSG_SPACE(sizeof(pi));
    }
}

static int target_set(struct msghdr *h, struct target *t, const struct udp *u, const struct addr *local,
                      const struct addr *dst)
{
    *h = (struct msghdr){.msg_name = &t->name, .msg_iov = &t->iov, .msg_iovlen = 1};
    if (u->in6) {
        h->msg_namelen = addr_to_in6(dst, &t->name);
    } else if (addr_af(dst) == AF_INET) {
        memcpy(&t->name, &dst->u.in, sizeof(dst->u.in));
        h->msg_namelen = sizeof(dst->u.in);
    } else {
        return EAFNOSUPPORT;
    }
    if (u->pktinfo && local && addr_isset(local, false))
        control_set(h, t, u->in6, local);
    return 0;
}

int udp_transmit(struct udp *u, const uint8_t *p, size_t n, const struct addr *local, const struct addr *dst)
{
    struct target t;
    struct msghdr h;
    int err = target_set(&h, &t, u, local, dst);

    t.iov = (struct iovec){(void *)(uintptr_t)p, n};
    if (!err && sendmsg(u->fd, &h, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
        err = errno;
    if (err)
        metric_add(&send_failed, 1);
    else
        count_add(&u->out, n);
    return err;
}

struct udp_queue {
    size_t count;
    struct udp *from[UDP_BATCH];
    struct mmsghdr msgs[UDP_BATCH];
    struct target targets[UDP_BATCH];
    uint8_t data[UDP_BATCH][UDP_PACKET_MAX];
};

int udp_queue_alloc(struct udp_queue **qp)
{
    *qp = calloc(1, sizeof(**qp));
    return *qp ? 0 : ENOMEM;
}

void udp_queue_free(struct udp_queue *q)
{
    free(q);
}

uint8_t *udp_queue_room(struct udp_queue *q)
{
    if (q->count == UDP_BATCH)
        udp_queue_flush(q);
    return q->data[q->count];
}

int udp_queue_push(struct udp_queue *q, struct udp *u, size_t n, const struct addr *local,
                   const struct addr *dst)
{
    struct target *t = &q->targets[q->count];

    if (!u || target_set(&q->msgs[q->count].msg_hdr, t, u, local, dst)) {
        metric_add(&send_failed, 1);
        return EAFNOSUPPORT;
    }
    t->iov = (struct iovec){q->data[q->count], n};
    q->from[q->count++] = u;
    return 0;
}

/* As sendmmsg; one alone is cheaper without. */
static int send_run(struct udp *u, struct mmsghdr *msgs, size_t n)
{
    enum { FLAGS = MSG_DONTWAIT | MSG_NOSIGNAL };

    if (n > 1)
        return sendmmsg(u->fd, msgs, (unsigned)n, FLAGS);
    return sendmsg(u->fd, &msgs->msg_hdr, FLAGS) < 0 ? -1 : 1;
}

void udp_queue_flush(struct udp_queue *q)
{
    for (size_t done = 0, end = 0; done < q->count;) {
        struct udp *u = q->from[done];
        int sent;

        while (end < q->count && q->from[end] == u)
            end++;
        sent = send_run(u, q->msgs + done, end - done);
        for (int i = 0; i < sent; i++)
            count_add(&u->out, q->targets[done++].iov.iov_len);
        if (sent > 0 || errno == EINTR)
            continue;
        metric_add(&send_failed, 1); /* one that cannot go must not hold up the others */
        done++;
    }
    q->count = 0;
}

/* SIP over UDP: read in batches, judged in place, copied only when libre is to see them. */
#include "sip/transp.h"

#include <errno.h>
#include <sys/socket.h>

enum { UDP_BATCH = 16, UDP_ROUNDS = 4, UDP_DATAGRAM_MAX = SIP_MESSAGE_MAX + 1 };

struct udp_batch {
    struct mmsghdr v[UDP_BATCH];
    struct iovec iov[UDP_BATCH];
    struct sockaddr_storage src[UDP_BATCH];
    uint8_t data[UDP_BATCH][UDP_DATAGRAM_MAX];
};

static void batch_init(struct udp_batch *b)
{
    for (int i = 0; i < UDP_BATCH; i++) {
        b->iov[i] = (struct iovec){b->data[i], UDP_DATAGRAM_MAX};
        b->v[i].msg_hdr = (struct msghdr){
            .msg_name = &b->src[i], .msg_namelen = sizeof(b->src[i]), .msg_iov = &b->iov[i], .msg_iovlen = 1};
    }
}

/* RFC 5626 keep-alives and what NAT devices send: CRLF, a zero byte, nothing at all. */
static bool is_keepalive(const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] != '\r' && p[i] != '\n' && p[i] != 0)
            return false;
    return n <= 4;
}

static void datagram(struct sip_transport *t, const struct sockaddr *from, uint8_t *p, size_t n)
{
    struct sa src, dst;

    if (sa_set_sa(&src, from))
        return;
    if (!transp_admits(t, &src)) {
        transp_refuse(SIP_REASON_UNKNOWN_SOURCE, SIP_TRANSP_UDP, &src);
        return;
    }
    if (is_keepalive(p, n))
        return;
    transp_laddr(t, &dst, &src);
    transp_input(t, NULL, &src, &dst, p, n, SIP_DATAGRAM);
}

static void read_h(int flags, void *arg)
{
    struct sip_transport *t = mem_ref(arg);
    struct udp_batch *b = t->batch;
    int n = UDP_BATCH;

    (void)flags;
    for (int round = 0; round < UDP_ROUNDS && n == UDP_BATCH && t->fd >= 0; round++) {
        batch_init(b);
        n = recvmmsg(t->fd, b->v, UDP_BATCH, MSG_DONTWAIT, NULL);
        for (int i = 0; i < n; i++)
            datagram(t, (const struct sockaddr *)&b->src[i], b->data[i], b->v[i].msg_len);
    }
    mem_deref(t);
}

int transp_udp_listen(struct sip_transport *t)
{
    t->batch = mem_alloc(sizeof(struct udp_batch), NULL); /* touched only as far as datagrams are long */
    if (!t->batch)
        return ENOMEM;
    return fd_listen(t->fd, FD_READ, read_h, t);
}

int transp_udp_send(const struct sip_transport *t, const struct sa *dst, const struct mbuf *mb)
{
    if (t->fd < 0)
        return EBADF;
    if (sendto(t->fd, mbuf_buf(mb), mbuf_get_left(mb), MSG_DONTWAIT | MSG_NOSIGNAL, &dst->u.sa, dst->len) < 0)
        return errno == EAGAIN ? 0
                               : errno; /* a full socket loses it as the network would: transactions repeat */
    return 0;
}

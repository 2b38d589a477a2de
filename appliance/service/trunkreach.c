#include "service/trunkreach.h"
#include "core/clock.h"
#include "core/thread.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static int socket_error(int fd)
{
    socklen_t len = sizeof(int);
    int err = 0;

    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) ? errno : err;
}

static int tcp_wait(int fd, const struct addr *a)
{
    struct pollfd p = {.fd = fd, .events = POLLOUT};

    if (!connect(fd, &a->u.sa, addr_len(a)))
        return 0;
    if (errno != EINPROGRESS)
        return errno;
    return poll(&p, 1, TRUNKREACH_MS) > 0 ? socket_error(fd) : ETIMEDOUT;
}

/* What UDP can say: that a machine is there and nothing listens (ICMP). The blank lines keep a NAT open elsewhere and ask for nothing. */
static int udp_wait(int fd, const struct addr *a)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    int err;

    if (connect(fd, &a->u.sa, addr_len(a)) || send(fd, "\r\n\r\n", 4, MSG_NOSIGNAL) < 0)
        return errno;
    if (poll(&p, 1, TRUNKREACH_UDP_MS) <= 0)
        return 0;
    err = socket_error(fd);
    return err == ECONNREFUSED || err == EHOSTUNREACH || err == ENETUNREACH ? err : 0;
}

static int knock(const struct trunkreach *r, const struct addr *a)
{
    const int type = (r->tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC | SOCK_NONBLOCK;
    const int fd = socket(addr_af(a), type, 0);
    int err;

    if (fd < 0)
        return errno;
    err = r->tcp ? tcp_wait(fd, a) : udp_wait(fd, a);
    (void)close(fd);
    return err;
}

static void *reach_main(void *arg)
{
    struct trunkreach *r = arg;
    uint64_t began = clock_ms();

    r->literal = !addr_parse_ip(&r->v[0], r->host, r->port);
    r->count = r->literal;
    if (!r->literal)
        r->dns_err = addr_resolve_all(r->v, TRUNKREACH_ADDRS_MAX, &r->count, r->host, r->port);
    r->dns_ms = (uint32_t)(clock_ms() - began);
    atomic_store(&r->phase, 1);
    began = clock_ms();
    for (size_t i = 0; !r->dns_err && i < r->count; i++)
        r->err[i] = knock(r, &r->v[i]);
    r->reach_ms = (uint32_t)(clock_ms() - began);
    atomic_store(&r->phase, 2);
    trunkreach_drop(r);
    return NULL;
}

int trunkreach_begin(struct trunkreach **rp, const char *host, uint16_t port, bool tcp)
{
    struct trunkreach *r = calloc(1, sizeof(*r));
    int err;

    if (!r)
        return ENOMEM;
    (void)snprintf(r->host, sizeof(r->host), "%s", host);
    r->port = port;
    r->tcp = tcp;
    atomic_init(&r->holders, 2);
    err = thread_detached("trunktest", reach_main, r);
    if (err)
        free(r);
    else
        *rp = r;
    return err;
}

void trunkreach_drop(struct trunkreach *r)
{
    if (r && atomic_fetch_sub(&r->holders, 1) == 1)
        free(r);
}

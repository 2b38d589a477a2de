#include "fake/trunk.h"
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int trunk_send(struct sippeer *p, const char *text, size_t len)
{
    const struct fake_trunk *t = (const void *)p;
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(t->gateway_port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    return sendto(t->fd, text, len, 0, (void *)&to, sizeof(to)) < 0 ? errno : 0;
}

static int trunk_recv(struct sippeer *p, struct sipmsg *m, int ms)
{
    const struct fake_trunk *t = (const void *)p;
    struct pollfd fd = {.fd = t->fd, .events = POLLIN};
    ssize_t n;

    if (poll(&fd, 1, ms) <= 0)
        return ETIMEDOUT;
    n = recv(t->fd, m->text, sizeof(m->text) - 1, 0);
    m->len = n > 0 ? (size_t)n : 0;
    m->text[m->len] = '\0';
    return 0;
}

int fake_trunk_open(struct fake_trunk *t)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(a);

    memset(t, 0, sizeof(*t));
    t->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (t->fd < 0 || bind(t->fd, (void *)&a, sizeof(a)) || getsockname(t->fd, (void *)&a, &len))
        return errno;
    t->port = ntohs(a.sin_port);
    t->p.send = trunk_send;
    t->p.recv = trunk_recv;
    t->p.via = "UDP";
    (void)snprintf(t->p.host, sizeof(t->p.host), "127.0.0.1:%u", t->port);
    (void)snprintf(t->p.user, sizeof(t->p.user), "1003");
    (void)snprintf(t->p.tag, sizeof(t->p.tag), "trunk%u", t->port);
    return 0;
}

void fake_trunk_close(struct fake_trunk *t)
{
    if (t->fd > 0)
        (void)close(t->fd);
    t->fd = -1;
}

const char *fake_trunk_sdp(char *buf, size_t sz, uint16_t port, const char *more)
{
    (void)snprintf(buf, sz,
                   "v=0\r\no=Genesys 1 1 IN IP4 127.0.0.1\r\ns=SipCall\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
                   "m=audio %u RTP/AVP 0 8 101\r\na=rtpmap:0 pcmu/8000\r\na=rtpmap:8 pcma/8000\r\n"
                   "a=rtpmap:101 telephone-event/8000\r\n%s",
                   port, more);
    return buf;
}

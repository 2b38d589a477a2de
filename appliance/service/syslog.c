#include "service/syslog.h"
#include "core/addr.h"
#include "core/clock.h"
#include "crypto/tlsclient.h"
#include "service/audit.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum {
    WAIT_S = 5,
    DEAD_MS = 20000, /* bytes that nobody acknowledges for so long */
    ADDRESSES_MAX = 4,
    MESSAGE_MAX = 3 * AUDIT_JSON_MAX,
    PRIORITY = 13 * 8 + 5 /* log audit, notice */
};

struct syslog_link {
    int fd;
    struct tlsclient *tls;
    char host[256]; /* ours, as messages say it */
};

/* ---------------------------------------------------------------- messages */

void syslog_format(struct buf *out, const struct audit_entry *e, const char *host, int pid)
{
    char time[32];
    struct buf m;

    clock_iso8601(time, sizeof(time), e->time_ms);
    buf_init(&m, MESSAGE_MAX);
    buf_printf(&m, "<%d>1 %s %s dngate %d audit - {\"time\":\"%s\",", PRIORITY, time, host, pid, time);
    service_audit_members(&m, e);
    buf_puts(&m, "}");
    if (m.err)
        out->err = m.err;
    else
        buf_printf(out, "%zu %s", m.len, m.data);
    buf_reset(&m);
}

/* Printable ASCII, or "-". */
static void own_name(char *host, size_t sz)
{
    if (gethostname(host, sz - 1))
        host[0] = '\0';
    host[sz - 1] = '\0';
    for (const char *p = host; *p; p++)
        if (*p <= ' ' || *p > '~')
            host[0] = '\0';
    if (!host[0])
        snprintf(host, sz, "-");
}

int syslog_send(struct syslog_link *l, const struct audit_entry *e)
{
    struct buf b;
    int err;

    buf_init(&b, MESSAGE_MAX + 16);
    syslog_format(&b, e, l->host, (int)getpid());
    err =
        b.err ? 0 : tlsclient_write(l->tls, b.data, b.len); /* one that is too long is nobody's fault here */
    buf_reset(&b);
    return err;
}

/* ---------------------------------------------------------------- connection */

static int connect_to(const struct addr *at, int *fdp)
{
    const struct timeval tv = {.tv_sec = WAIT_S};
    const int on = 1, dead_ms = DEAD_MS;
    int fd = socket(addr_af(at), SOCK_STREAM | SOCK_CLOEXEC, 0), err = 0;

    if (fd < 0)
        return errno;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)); /* connect(2) goes by it, too */
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &dead_ms, sizeof(dead_ms));
    if (connect(fd, &at->u.sa, addr_len(at)))
        err = errno == EINPROGRESS ? ETIMEDOUT : errno;
    if (err)
        close(fd);
    else
        *fdp = fd;
    return err;
}

/* "host:port" into its parts; [ ] around an IPv6 address go. */
static uint16_t split(char *host, size_t sz, const char *server)
{
    const char *colon = strrchr(server, ':');
    const bool with_port = colon && !strchr(colon, ']');
    const size_t n = with_port ? (size_t)(colon - server) : strlen(server);
    struct addr a;

    snprintf(host, sz, "%.*s", (int)n, server);
    if (!addr_parse_ip(&a, host, 0))
        addr_ip(&a, host, sz);
    return with_port ? (uint16_t)strtoul(colon + 1, NULL, 10) : SYSLOG_PORT;
}

int syslog_open(struct syslog_link **lp, const char *server, const char *ca, char *why, size_t whysz)
{
    struct syslog_link *l = calloc(1, sizeof(*l));
    struct addr v[ADDRESSES_MAX];
    char host[256];
    const uint16_t port = split(host, sizeof(host), server);
    size_t n = 0;
    int err = l ? addr_resolve_all(v, ADDRESSES_MAX, &n, host, port) : ENOMEM;

    if (err) {
        snprintf(why, whysz, "%s", l ? "its name leads to no address" : strerror(err));
        free(l);
        return err;
    }
    l->fd = -1;
    own_name(l->host, sizeof(l->host));
    err = EHOSTUNREACH;
    for (size_t i = 0; i < n && l->fd < 0; i++)
        err = connect_to(&v[i], &l->fd);
    if (err)
        snprintf(why, whysz, "it cannot be reached: %s", strerror(err));
    else
        err = tlsclient_open_trusted(&l->tls, l->fd, NULL, host, ca, 0, why, whysz);
    if (err)
        syslog_close(l);
    else
        *lp = l;
    return err;
}

void syslog_close(struct syslog_link *l)
{
    if (!l)
        return;
    tlsclient_close(l->tls);
    if (l->fd >= 0)
        close(l->fd);
    free(l);
}

int syslog_fd(const struct syslog_link *l)
{
    return l->fd;
}

bool syslog_gone(struct syslog_link *l)
{
    const struct timeval soon = {.tv_usec = 1000}, tv = {.tv_sec = WAIT_S};
    char c;
    ssize_t n;

    if (recv(l->fd, &c, 1, MSG_PEEK | MSG_DONTWAIT) < 0)
        return errno != EAGAIN && errno != EINTR;
    (void)setsockopt(l->fd, SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof(soon));
    n = tlsclient_read(l->tls, &c, 1); /* a goodbye, a ticket, or words that nobody asked for */
    (void)setsockopt(l->fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
    return n == 0 || (n < 0 && recv(l->fd, &c, 1, MSG_PEEK | MSG_DONTWAIT) == 0);
}

#include "service/webhook.h"
#include "core/addr.h"
#include "core/buf.h"
#include "core/clock.h"
#include "crypto/tlsclient.h"
#include "version.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { WAIT_S = 5, ADDRESSES_MAX = 4, ANSWER_MAX = 512, HTTP_WORD = 9 /* "HTTP/1.1 " */ };

/* ---------------------------------------------------------------- URL */

static bool plain_ascii(const char *s)
{
    for (; *s; s++)
        if (*s <= ' ' || *s > '~')
            return false;
    return true;
}

/* "host", "host:1", "[::1]:1" */
static int authority_parse(struct webhook_url *u, const char *text, size_t len)
{
    char all[sizeof(u->host) + 8], *colon, *end;
    size_t n;

    if (!len || len >= sizeof(all) || memchr(text, '@', len))
        return EINVAL;
    snprintf(all, sizeof(all), "%.*s", (int)len, text);
    colon = strrchr(all, ':');
    if (colon && strchr(colon, ']'))
        colon = NULL;
    if (colon) {
        const unsigned long port = strtoul(colon + 1, &end, 10);

        if (*end || !colon[1] || !port || port > UINT16_MAX)
            return EINVAL;
        u->port = (uint16_t)port;
        *colon = '\0';
    }
    n = strlen(all);
    if (all[0] == '[') {
        struct addr a;

        if (n < 4 || all[n - 1] != ']')
            return EINVAL;
        all[n - 1] = '\0';
        memmove(all, all + 1, n - 1);
        if (addr_parse_ip(&a, all, 0))
            return EINVAL;
    } else if (!n || strspn(all, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_") != n) {
        return EINVAL;
    }
    if (strlen(all) >= sizeof(u->host))
        return EINVAL;
    snprintf(u->host, sizeof(u->host), "%.*s", (int)sizeof(u->host) - 1, all);
    return 0;
}

int webhook_url_parse(struct webhook_url *u, const char *url)
{
    size_t n;

    memset(u, 0, sizeof(*u));
    if (strlen(url) >= WEBHOOK_URL_MAX || !plain_ascii(url) || strchr(url, '#'))
        return EINVAL;
    u->tls = !strncmp(url, "https://", 8);
    if (!u->tls && strncmp(url, "http://", 7) != 0)
        return EINVAL;
    u->port = u->tls ? 443 : 80;
    url += u->tls ? 8 : 7;
    n = strcspn(url, "/?");
    snprintf(u->target, sizeof(u->target), "%s%s", url[n] == '/' ? "" : "/", url + n);
    return authority_parse(u, url, n);
}

/* ---------------------------------------------------------------- connection */

struct link {
    int fd;
    struct tlsclient *tls; /* NULL: plain */
    uint64_t until_ms;     /* for all of it */
};

static bool is_late(const struct link *l)
{
    return clock_ms() >= l->until_ms;
}

static int connect_to(const struct addr *at, int *fdp)
{
    const struct timeval tv = {.tv_sec = WAIT_S};
    int fd = socket(addr_af(at), SOCK_STREAM | SOCK_CLOEXEC, 0), err = 0;

    if (fd < 0)
        return errno;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)); /* connect(2) goes by it, too */
    if (connect(fd, &at->u.sa, addr_len(at)))
        err = errno == EINPROGRESS ? ETIMEDOUT : errno;
    if (err)
        close(fd);
    else
        *fdp = fd;
    return err;
}

static int link_open(struct link *l, const struct webhook_url *u, const char *ca, char *why, size_t whysz)
{
    static const char *alpn[] = {"http/1.1", NULL};
    struct addr v[ADDRESSES_MAX];
    size_t n = 0;
    int err = addr_resolve_all(v, ADDRESSES_MAX, &n, u->host, u->port);

    *l = (struct link){.fd = -1, .until_ms = clock_ms() + (uint64_t)WEBHOOK_S * 1000};
    if (err) {
        snprintf(why, whysz, "%s leads to no address", u->host);
        return err;
    }
    err = EHOSTUNREACH;
    for (size_t i = 0; i < n && l->fd < 0 && !is_late(l); i++)
        err = connect_to(&v[i], &l->fd);
    if (err)
        snprintf(why, whysz, "%s port %u cannot be reached: %s", u->host, u->port, strerror(err));
    else if (u->tls)
        err = tlsclient_open_trusted(&l->tls, l->fd, alpn, u->host, ca, l->until_ms, why, whysz);
    return err;
}

static void link_close(struct link *l)
{
    tlsclient_close(l->tls);
    if (l->fd >= 0)
        close(l->fd);
}

static int link_write(struct link *l, const char *p, size_t n)
{
    if (l->tls)
        return tlsclient_write(l->tls, p, n);
    while (n) {
        const ssize_t sent = send(l->fd, p, n, MSG_NOSIGNAL);

        if (sent <= 0)
            return EPIPE;
        p += sent;
        n -= (size_t)sent;
    }
    return 0;
}

static ssize_t link_read(struct link *l, char *p, size_t n)
{
    return l->tls ? tlsclient_read(l->tls, p, n) : recv(l->fd, p, n, 0);
}

/* ---------------------------------------------------------------- request and answer */

static void request_write(struct buf *out, const struct webhook_url *u, const char *json, size_t len)
{
    const bool ip6 = strchr(u->host, ':') != NULL;

    buf_printf(out, "POST %s HTTP/1.1\r\nHost: %s%s%s", u->target, ip6 ? "[" : "", u->host, ip6 ? "]" : "");
    if (u->port != (u->tls ? 443 : 80))
        buf_printf(out, ":%u", u->port);
    buf_printf(
        out,
        "\r\nUser-Agent: dngate/%s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\nConnection: "
        "close\r\n\r\n",
        DNGATE_VERSION, len);
    buf_write(out, json, len);
}

/* Of the status line alone: what it says besides is nobody's business here. 0: none came. */
static unsigned status_read(struct link *l)
{
    char text[ANSWER_MAX + 1];
    size_t n = 0;
    unsigned long code;

    while (n < ANSWER_MAX && !is_late(l)) {
        const ssize_t got = link_read(l, text + n, ANSWER_MAX - n);

        if (got <= 0)
            break;
        n += (size_t)got;
        text[n] = '\0';
        if (strchr(text, '\n'))
            break;
    }
    text[n] = '\0';
    if (strncmp(text, "HTTP/1.0 ", HTTP_WORD) && strncmp(text, "HTTP/1.1 ", HTTP_WORD))
        return 0;
    code = strtoul(text + HTTP_WORD, NULL, 10);
    return code >= 100 && code <= 599 ? (unsigned)code : 0;
}

int webhook_post(const struct webhook_url *u, const char *ca, const char *json, size_t len, char *why,
                 size_t whysz)
{
    struct link l;
    struct buf request;
    unsigned code = 0;
    int err = link_open(&l, u, ca, why, whysz);

    buf_init(&request, len + 2 * WEBHOOK_URL_MAX);
    if (!err) {
        request_write(&request, u, json, len);
        err = request.err ? request.err : link_write(&l, request.data, request.len);
        if (!err)
            code = status_read(&l);
        if (err || !code)
            snprintf(why, whysz, "%s gives no answer", u->host);
        else if (code / 100 != 2)
            snprintf(why, whysz, "%s answers %u", u->host, code);
        err = err ? err : code / 100 == 2 ? 0 : EPROTO;
    }
    buf_reset(&request);
    link_close(&l);
    return err;
}

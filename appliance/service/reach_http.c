/* service/reach: the page's server, by HTTP over TLS. */
#include "service/reach_priv.h"

#include "crypto/tlsclient.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { WAIT_S = 5, REQUEST_MAX = 1024, ANSWER_MAX = 1024, HTTPS_PORT = 443, STATUS_AT = 9 };

static int open_to(const struct addr *at, int *fdp)
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

static int request_write(char *text, size_t sz, const struct addr *at, const char *host, bool websocket)
{
    char name[300], port[8] = "";

    if (*host)
        snprintf(name, sizeof(name), "%s", host);
    else
        addr_host(at, name, sizeof(name));
    if (addr_port(at) != HTTPS_PORT)
        snprintf(port, sizeof(port), ":%u", addr_port(at));
    if (!websocket)
        return snprintf(text, sz, "GET /healthz HTTP/1.1\r\nHost: %s%s\r\nConnection: close\r\n\r\n", name,
                        port);
    return snprintf(text, sz,
                    "GET /ws HTTP/1.1\r\nHost: %s%s\r\nOrigin: https://%s%s\r\nConnection: Upgrade\r\n"
                    "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: sip\r\n"
                    "Sec-WebSocket-Key: ZG5nYXRlIGNoZWNrcyBpdA==\r\n\r\n",
                    name, port, name, port);
}

/* "HTTP/1.1 200": its head, however it trickles in. */
static int status_read(struct tlsclient *tls, const char *want)
{
    char answer[ANSWER_MAX];
    size_t n = 0, len = STATUS_AT + strlen(want);
    ssize_t got = 1;

    while (n < len && got > 0) {
        got = tlsclient_read(tls, answer + n, sizeof(answer) - n);
        n += got > 0 ? (size_t)got : 0;
    }
    if (n < len)
        return ETIMEDOUT;
    return !strncmp(answer, "HTTP/1.", 7) && !memcmp(answer + STATUS_AT, want, strlen(want)) ? 0 : EPROTO;
}

int reach_http(const struct addr *at, const char *host, bool websocket)
{
    static const char *alpn[] = {"http/1.1", NULL};
    struct tlsclient *tls = NULL;
    char request[REQUEST_MAX];
    int fd = -1, err = open_to(at, &fd);

    if (err)
        return err;
    err = tlsclient_open(&tls, fd, alpn);
    if (!err)
        err = tlsclient_write(tls, request,
                              (size_t)request_write(request, sizeof(request), at, host, websocket));
    if (!err)
        err = status_read(tls, websocket ? "101" : "200");
    tlsclient_close(tls);
    close(fd);
    return err;
}

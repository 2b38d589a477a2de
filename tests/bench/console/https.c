/* bench/console/https: see https.h. */
#include "https.h"

#include "bench/turn/tlsclient.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ANSWER_MAX = 8 << 20, WAIT_MS = 20000 };

bool https_open(struct https *h, uint16_t port)
{
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    h->port = port;
    h->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (!h->buf)
        h->buf = malloc(ANSWER_MAX);
    h->tls = !h->buf || connect(h->fd, (struct sockaddr *)&to, sizeof(to)) ? NULL : tlsclient_open(h->fd);
    return h->tls != NULL;
}

void https_close(struct https *h)
{
    tlsclient_close(h->tls);
    if (h->fd >= 0)
        close(h->fd);
    free(h->buf);
    h->buf = NULL;
    h->tls = NULL;
    h->fd = -1;
}

static bool more(struct https *h)
{
    for (;;) {
        ssize_t n = tlsclient_read(h->tls, h->buf + h->len, ANSWER_MAX - h->len - 1);

        if (n > 0) {
            h->len += (size_t)n;
            h->buf[h->len] = '\0';
            return true;
        }
        if (n == 0 || poll(&(struct pollfd){.fd = h->fd, .events = POLLIN}, 1, WAIT_MS) != 1)
            return false;
    }
}

/* The head's last byte and the body's length; false without a whole head. */
static bool head_read(struct https *h, size_t *length)
{
    const char *end, *line;

    h->len = 0;
    do
        if (!more(h))
            return false;
    while (!(end = strstr(h->buf, "\r\n\r\n")));
    h->body = h->buf + (end + 4 - h->buf);
    line = strcasestr(h->buf, "\r\nContent-Length:");
    *length = line && line < end ? strtoul(line + 17, NULL, 10) : 0;
    return true;
}

static void cookie_keep(struct https *h)
{
    const char *line = strcasestr(h->buf, "\r\nSet-Cookie:");

    if (line && line < h->body) {
        line += strlen("\r\nSet-Cookie:");
        line += strspn(line, " ");
        snprintf(h->cookie, sizeof(h->cookie), "%.*s", (int)strcspn(line, ";\r"), line);
    }
}

static bool send_head(struct https *h, const char *method, const char *path, const char *more_lines,
                      const char *body)
{
    char head[2048];
    int n =
        snprintf(head, sizeof(head),
                 "%s %s HTTP/1.1\r\nHost: localhost:%u\r\nOrigin: https://localhost:%u\r\n%s%s%s%s%s%s%s%s",
                 method, path, h->port, h->port, h->plain ? "" : "Accept-Encoding: br, gzip\r\n",
                 *h->cookie ? "Cookie: " : "", h->cookie, *h->cookie ? "\r\n" : "",
                 *h->csrf ? "X-CSRF-Token: " : "", h->csrf, *h->csrf ? "\r\n" : "", more_lines);

    if (body)
        n += snprintf(head + n, sizeof(head) - (size_t)n,
                      "Content-Type: application/json\r\nContent-Length: %zu\r\n", strlen(body));
    n += snprintf(head + n, sizeof(head) - (size_t)n, "\r\n");
    if ((size_t)n >= sizeof(head))
        return false;
    tlsclient_write(h->tls, head, (size_t)n);
    if (body)
        tlsclient_write(h->tls, body, strlen(body));
    return true;
}

int https_call(struct https *h, const char *method, const char *path, const char *body)
{
    size_t length, head;

    if (!h->tls || !send_head(h, method, path, "", body) || !head_read(h, &length))
        return 0;
    head = (size_t)(h->body - h->buf);
    while (h->len < head + length)
        if (!more(h))
            return 0;
    h->body_len = length;
    cookie_keep(h);
    return (int)strtol(h->buf + strlen("HTTP/1.1 "), NULL, 10);
}

bool https_sign_in(struct https *h, const char *name, const char *password)
{
    char body[256];
    const char *csrf;

    snprintf(body, sizeof(body), "{\"name\":\"%s\",\"password\":\"%s\"}", name, password);
    if (https_call(h, "POST", "/api/admin/v1/login", body) != 200)
        return false;
    csrf = strstr(h->body, "\"csrf\":\"");
    if (csrf)
        snprintf(h->csrf, sizeof(h->csrf), "%.*s", (int)strcspn(csrf + 8, "\""), csrf + 8);
    return *h->cookie && *h->csrf;
}

bool https_upgrade(struct https *h, const char *path, const char *protocol)
{
    char lines[256];
    size_t length;

    snprintf(lines, sizeof(lines),
             "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: %s\r\n",
             protocol);
    return h->tls && send_head(h, "GET", path, lines, NULL) && head_read(h, &length) &&
           !strncmp(h->buf, "HTTP/1.1 101", 12);
}

long https_skim(struct https *h)
{
    long all = 0;

    for (;;) {
        ssize_t n = tlsclient_read(h->tls, h->buf, ANSWER_MAX - 1);

        if (n < 0)
            return all;
        if (n == 0)
            return -1;
        all += n;
    }
}

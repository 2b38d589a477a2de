#include "web/listen.h"
#include "core/log.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 1024 };

const char *listen_name(enum listener_kind kind)
{
    static const char *const names[LISTEN_KINDS] = {"http", "https", "wss", "turns"};

    return names[kind];
}

static int listener_open(struct listener *l, uint16_t port)
{
    struct sockaddr_storage ss;
    socklen_t len = sizeof(ss);
    int on = 1, err;

    addr_set_port(&l->addr, port);
    l->fd = socket(addr_af(&l->addr), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (l->fd < 0)
        return errno;
    setsockopt(l->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (addr_af(&l->addr) == AF_INET6)
        setsockopt(l->fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
    if (bind(l->fd, &l->addr.u.sa, addr_len(&l->addr)) || listen(l->fd, BACKLOG) ||
        getsockname(l->fd, (struct sockaddr *)&ss, &len)) {
        err = errno;
        close(l->fd);
        return err;
    }
    addr_set_sockaddr(&l->addr, (struct sockaddr *)&ss);
    return 0;
}

/* One port on every address; a machine without IPv6 does without. */
static int kind_listen(struct web *w, enum listener_kind kind, uint16_t port, char *why, size_t whysz)
{
    size_t first = w->listener_count;

    for (size_t i = 0; i < w->cfg.bind_count; i++) {
        struct listener *l = &w->listeners[w->listener_count];
        char text[ADDR_STRLEN];
        int err;

        *l = (struct listener){.w = w, .kind = kind, .addr = w->cfg.bind[i]};
        err = listener_open(l, port);
        if ((err == EAFNOSUPPORT || err == EADDRNOTAVAIL) && addr_af(&w->cfg.bind[i]) == AF_INET6 &&
            w->cfg.bind_count > 1)
            continue;
        if (err) {
            snprintf(why, whysz, "%s.port=%u: cannot listen on %s: %s", listen_name(kind), port,
                     addr_ip(&w->cfg.bind[i], text, sizeof(text)), strerror(err));
            return err;
        }
        port = addr_port(&l->addr);
        w->listener_count++;
    }
    if (w->listener_count == first) {
        snprintf(why, whysz, "%s.port=%u: no address to listen on", listen_name(kind), port);
        return EADDRNOTAVAIL;
    }
    w->ports[kind] = port;
    return 0;
}

int listen_open(struct web *w, char *why, size_t whysz)
{
    const bool on[LISTEN_KINDS] = {w->cfg.http_on, w->cfg.https_on, w->cfg.wss_on, w->cfg.turns_on};
    const uint16_t port[LISTEN_KINDS] = {w->cfg.http_port, w->cfg.https_port, w->cfg.wss_port,
                                         w->cfg.turns_port};

    for (int k = 0; k < LISTEN_KINDS; k++) {
        int err = on[k] ? kind_listen(w, (enum listener_kind)k, port[k], why, whysz) : 0;

        if (err == EADDRINUSE && k == LISTEN_TURNS && w->cfg.turns_optional) {
            log_error("web", "%s; TURN over TLS is on https.port alone", why);
            why[0] = '\0';
            err = 0;
        }
        if (err)
            return err;
    }
    return 0;
}

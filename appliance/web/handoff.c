#include "web/handoff.h"
#include "core/mbox.h"
#include "crypto/tls.h"
#include "web/conn.h"
#include "web/source.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { STUN_LAST = 3, FD_MIN = 3 };

METRIC_COUNTER(moved, "dngate_web_turn_total", "result=\"moved\"",
               "TLS connections that turned out to be TURN's");
METRIC_COUNTER(refused, "dngate_web_turn_total", "result=\"refused\"",
               "TLS connections that turned out to be TURN's");

static bool agreed_on_stun(const struct conn *c)
{
    return !strncmp(tls_alpn(c->tls), "stun.", 5);
}

void handoff_judge(struct conn *c, uint8_t first)
{
    c->turn = c->w->cfg.turn && (first <= STUN_LAST || agreed_on_stun(c));
    if (c->turn || c->kind != LISTEN_TURNS)
        return;
    metric_add(&web_drop_not_turn, 1);
    c->dead = true;
}

bool handoff_gather(struct conn *c, const uint8_t *p, size_t n)
{
    if (!buf_write(&c->in, p, n))
        return true;
    metric_add(&refused, 1);
    return false;
}

/* Any thread, once. */
static void over_h(void *arg, const struct addr *peer)
{
    struct web *w = arg;

    (void)mbox_post_sure(w->moved, peer); /* has a slot for each that may be away */
}

/* Another descriptor for the connection, and fd for nothing any more: with two of them who closes his would still hear of it by epoll
 * until the other is closed as well. */
static int fd_take(const struct web *w, int fd)
{
    int own = fcntl(fd, F_DUPFD_CLOEXEC, FD_MIN);

    if (own < 0 || dup3(w->nowhere, fd, O_CLOEXEC) >= 0)
        return own;
    close(own);
    return -1;
}

void handoff_go(struct conn *c, int fd)
{
    struct web *w = c->w;
    struct web_stream s = {.peer = c->peer, .local = c->local, .tls = c->tls, .overh = over_h, .over_arg = w};

    s.fd = c->banned ? -1 : fd_take(w, fd);
    if (s.fd < 0) {
        metric_add(&refused, 1);
        return;
    }
    tls_bind(c->tls, NULL, NULL);
    buf_uncharge(&c->in);
    s.early = (uint8_t *)buf_take(&c->in, &s.early_len);
    if (w->cfg.turn(&s, w->cfg.turn_arg)) {
        metric_add(&refused, 1);
        close(s.fd);
        free(s.early);
        return;
    }
    metric_add(&moved, 1);
    c->tls = NULL;
    c->moved = true;
    w->moved_count++;
}

static void over_count_h(void *msg, void *arg)
{
    struct web *w = arg;

    w->moved_count--;
    source_leave(w->sources, msg, false);
}

void handoff_returns(struct web *w)
{
    mbox_drain(w->moved, over_count_h, w);
}

int handoff_open(struct web *w)
{
    size_t slots = 1;
    int err;

    w->nowhere = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (w->nowhere < 0)
        return errno;
    while (slots <= w->cfg.conns_max)
        slots *= 2;
    err = mbox_alloc(&w->moved, "web_moved", sizeof(struct addr), slots);
    if (!err)
        mbox_reserve(w->moved, slots);
    return err;
}

void handoff_close(struct web *w)
{
    if (w->nowhere >= 0)
        close(w->nowhere);
    if (w->moved)
        mbox_free(w->moved, NULL, NULL);
}

/* turn/streams: see streams.h. */
#include "turn/streams.h"

#include "core/log.h"
#include "crypto/tls.h"
#include "net/poller.h"
#include "net/udp_set.h"
#include "turn/server.h"
#include "turn/stream.h"
#include "turn/tlsio.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    BACKLOG = 512,
    ACCEPTS = 16, /* in one turn */
    PAUSE_US = 500000,
    UNACKED_MS = 10000, /* a peer that has vanished holds its connection no longer */
    UNSENT_MAX =
        2048, /* bytes in the kernel that have not left yet: they can't be dropped any more when they are old */
    PADDING = 4,
    PREFIX_BYTES = 8, /* of an IPv6 address: whoever has one address has its /64 */
};

struct conn {
    struct conn *next, *prev; /* in strangers or owners */
    struct conn *next_doomed;
    struct streams *all;
    struct stream stream;
    struct turn_flow flow;
    struct poller_watch watch;
    uint64_t due_us; /* when it goes, as long as it is a stranger */
    bool writing, doomed;
    void (*goneh)(void *arg, const struct addr *client);
    void *arg;
};

struct list { /* the one that has been silent for longest is the first */
    struct conn *first, *last;
    size_t count;
};

struct listener {
    int fd;
    struct poller_watch watch;
    struct streams *all;
};

struct streams {
    struct poller *poller;
    struct turn_server *server;
    struct listener listeners[UDP_BINDS_MAX];
    size_t listener_count;
    uint64_t paused_until_us; /* 0 = accepting */
    struct list strangers, owners;
    struct conn *doomed;
    uint64_t now_us, tick_us;
    struct streams_count count;
    uint8_t in[STREAM_MESSAGE_MAX + STREAM_READ_SIZE];
    uint8_t out[STREAM_MESSAGE_MAX + PADDING];
};

/* ---- lists ---- */

static void list_add(struct list *l, struct conn *c)
{
    c->next = NULL;
    c->prev = l->last;
    *(l->last ? &l->last->next : &l->first) = c;
    l->last = c;
    l->count++;
}

static void list_remove(struct list *l, struct conn *c)
{
    *(c->prev ? &c->prev->next : &l->first) = c->next;
    *(c->next ? &c->next->prev : &l->last) = c->prev;
    l->count--;
}

static struct list *list_of(struct conn *c)
{
    return c->stream.trusted ? &c->all->owners : &c->all->strangers;
}

/* ---- the end of a connection ---- */

/* It may be in use by whoever calls: streams_round() closes it. */
static void doom(struct conn *c)
{
    if (c->doomed)
        return;
    c->doomed = true;
    c->next_doomed = c->all->doomed;
    c->all->doomed = c;
}

static void conn_close(struct conn *c)
{
    struct streams *s = c->all;

    turn_server_flow_closed(s->server, &c->flow);
    list_remove(list_of(c), c);
    s->count.now[c->flow.proto]--;
    stream_close(&c->stream);
    if (c->goneh)
        c->goneh(c->arg, &c->flow.client);
    free(c);
}

static void doomed_close(struct streams *s)
{
    while (s->doomed) {
        struct conn *c = s->doomed;

        s->doomed = c->next_doomed;
        conn_close(c);
    }
}

/* err: of turn/stream. */
static void doom_for(struct conn *c, int err)
{
    struct streams_count *n = &c->all->count;

    n->slow += err == EAGAIN || err == ENOBUFS;
    n->garbage += err == EBADMSG || err == EMSGSIZE;
    doom(c);
}

/* ---- in and out ---- */

static void want(struct conn *c)
{
    bool writing = stream_waits(&c->stream);

    c->all->count.dropped += c->stream.dropped;
    c->stream.dropped = 0;
    if (writing == c->writing || c->doomed)
        return;
    c->writing = writing;
    if (poller_want(c->all->poller, c->stream.fd, &c->watch, POLLER_READ | (writing ? POLLER_WRITE : 0)))
        doom(c);
}

static void set_trusted(struct conn *c, bool trusted)
{
    if (trusted == c->stream.trusted)
        return;
    list_remove(list_of(c), c);
    c->stream.trusted = trusted;
    c->due_us = c->all->now_us + STREAMS_IDLE_MS * UINT64_C(1000);
    list_add(list_of(c), c);
}

static void message_h(const uint8_t *p, size_t n, void *arg)
{
    struct conn *c = arg;
    struct streams *s = c->all;

    if (c->doomed)
        return;
    s->count.in[c->flow.proto]++;
    s->count.in_bytes[c->flow.proto] += n;
    turn_server_recv(s->server, &c->flow, p, n, s->now_us);
    if (c->stream.trusted)
        return;
    c->due_us = s->now_us + STREAMS_IDLE_MS * UINT64_C(1000);
    list_remove(&s->strangers, c);
    list_add(&s->strangers, c);
    set_trusted(c, turn_server_has_allocation(s->server, &c->flow));
}

static void ready_h(void *arg)
{
    struct conn *c = arg;
    struct streams *s = c->all;
    int err = 0;

    if (c->doomed)
        return;
    if (c->writing)
        err = stream_flush(&c->stream, s->now_us / 1000);
    if (err) {
        doom_for(c, err);
        return;
    }
    err = stream_read(&c->stream, s->in, message_h, c); /* once: what it leaves is told again */
    if (err && err != EAGAIN)
        doom_for(c, err);
    want(c);
}

uint8_t *streams_room(struct streams *s, const struct turn_flow *f, size_t n)
{
    const struct conn *c = f->via;

    return n <= STREAM_MESSAGE_MAX && !c->doomed ? s->out : NULL;
}

void streams_push(struct streams *s, const struct turn_flow *f, size_t n)
{
    struct conn *c = f->via;
    int err = stream_push(&c->stream, s->out, n, s->now_us / 1000);

    s->count.out[f->proto]++;
    s->count.out_bytes[f->proto] += n;
    if (err)
        doom_for(c, err);
    want(c);
}

/* ---- beginning ---- */

static void tune(int fd)
{
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &(unsigned){UNACKED_MS}, sizeof(unsigned));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &(int){UNSENT_MAX}, sizeof(int));
}

/* A place for one more; the stranger who has been silent for longest gives his. False: there is none. */
static bool make_place(struct streams *s)
{
    if (s->strangers.count + s->owners.count >= STREAMS_MAX)
        return false;
    for (struct conn *c = s->strangers.first; c && s->strangers.count >= STREAMS_STRANGERS_MAX; c = c->next) {
        if (c->doomed)
            continue; /* has gone already, all but */
        doom(c);
        s->count.timeouts++;
        break;
    }
    return true;
}

/* fd, tls and goneh are the connection's, or have gone. */
static struct conn *conn_open(struct streams *s, const struct turn_stream_in *in)
{
    struct conn *c = make_place(s) ? calloc(1, sizeof(*c)) : NULL;
    struct tlsio *io = NULL;

    if (!c || (in->tls && tlsio_alloc(&io, in->tls, in->fd))) {
        free(c);
        tls_free(in->tls);
        close(in->fd);
        if (in->goneh)
            in->goneh(in->arg, &in->client);
        s->count.refused++;
        return NULL;
    }
    tune(in->fd);
    c->all = s;
    c->flow = (struct turn_flow){
        .proto = in->tls ? TURN_TLS : TURN_TCP, .client = in->client, .local = in->local, .via = c};
    stream_open(&c->stream, in->fd, io ? &tlsio_io : NULL, io);
    c->stream.partly = in->tls && tls_pending(in->tls);
    c->due_us = s->now_us + STREAMS_FIRST_MS * UINT64_C(1000);
    c->goneh = in->goneh;
    c->arg = in->arg;
    c->watch = (struct poller_watch){ready_h, c};
    list_add(&s->strangers, c);
    s->count.now[c->flow.proto]++;
    s->count.opened[c->flow.proto]++;
    if (poller_watch(s->poller, in->fd, &c->watch))
        doom(c);
    return c;
}

void streams_adopt(struct streams *s, struct turn_stream_in *in, uint64_t now_us)
{
    struct conn *c;
    int err = 0;

    s->now_us = now_us;
    c = conn_open(s, in);
    if (c && in->early)
        err = stream_input(&c->stream, s->in, in->early, in->early_n, message_h, c);
    if (err)
        doom_for(c, err);
    if (c)
        want(c);
    free(in->early);
}

/* ---- listening ---- */

static bool same_source(const struct addr *a, const struct addr *b)
{
    if (addr_af(a) != AF_INET6 || addr_af(b) != AF_INET6)
        return addr_eq_ip(a, b);
    return !memcmp(&a->u.in6.sin6_addr, &b->u.in6.sin6_addr, PREFIX_BYTES);
}

static bool source_has_place(const struct streams *s, const struct addr *client)
{
    unsigned same = 0;

    for (const struct conn *c = s->strangers.first; c; c = c->next)
        same += same_source(&c->flow.client, client);
    return same < STREAMS_PER_SOURCE;
}

static void listeners_want(struct streams *s, unsigned what)
{
    for (size_t i = 0; i < s->listener_count; i++)
        (void)poller_want(s->poller, s->listeners[i].fd, &s->listeners[i].watch, what);
}

/* Out of file descriptors: the waiting connection would wake us for ever. */
static void accept_pause(struct streams *s)
{
    log_warn_limited("turn", "no file descriptor left for a TCP connection");
    s->paused_until_us = s->now_us + PAUSE_US;
    listeners_want(s, 0);
}

static void accepted(struct streams *s, int fd, const struct sockaddr *peer)
{
    struct turn_stream_in in = {.fd = fd};
    struct sockaddr_storage local;
    socklen_t len = sizeof(local);

    addr_set_sockaddr(&in.client, peer);
    if (getsockname(fd, (struct sockaddr *)&local, &len) == 0)
        addr_set_sockaddr(&in.local, (struct sockaddr *)&local);
    if (addr_isset(&in.client, true) && source_has_place(s, &in.client)) {
        (void)conn_open(s, &in);
    } else {
        close(fd);
        s->count.refused++;
    }
}

static void accept_h(void *arg)
{
    struct listener *l = arg;

    for (int i = 0; i < ACCEPTS; i++) {
        struct sockaddr_storage peer;
        socklen_t len = sizeof(peer);
        int fd = accept4(l->fd, (struct sockaddr *)&peer, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd >= 0) {
            accepted(l->all, fd, (struct sockaddr *)&peer);
            continue;
        }
        if (errno == EMFILE || errno == ENFILE)
            accept_pause(l->all);
        if (errno != ECONNABORTED && errno != EINTR)
            return;
    }
}

static int listen_at(struct listener *l, const struct addr *at, bool dual, uint16_t port)
{
    struct sockaddr_in6 any6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    struct addr a = *at;
    int af = dual ? AF_INET6 : addr_af(at), v6only = !dual, err;

    addr_set_port(&a, port);
    l->fd = socket(af, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (l->fd < 0)
        return errno;
    (void)setsockopt(l->fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    if (af == AF_INET6)
        (void)setsockopt(l->fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6only, sizeof(v6only));
    if (dual)
        err = bind(l->fd, (struct sockaddr *)&any6, sizeof(any6));
    else
        err = bind(l->fd, &a.u.sa, addr_len(&a));
    if (!err)
        err = listen(l->fd, BACKLOG);
    if (!err)
        return 0;
    err = errno;
    close(l->fd);
    l->fd = -1;
    return err;
}

static void listeners_close(struct streams *s)
{
    while (s->listener_count)
        close(s->listeners[--s->listener_count].fd);
}

int streams_listen(struct streams *s, const struct addr *binds, size_t count, uint16_t port)
{
    bool dual = count == 2 && addr_is_any(&binds[0]) && addr_is_any(&binds[1]);
    int err = 0;

    for (size_t i = 0; i < (dual ? 1 : count) && !err; i++) {
        struct listener *l = &s->listeners[i];

        *l = (struct listener){.fd = -1, .watch = {accept_h, l}, .all = s};
        err = listen_at(l, &binds[i], dual, port);
        if (dual && (err == EAFNOSUPPORT || err == EADDRNOTAVAIL)) /* a kernel without IPv6 */
            err = listen_at(l, addr_af(&binds[0]) == AF_INET ? &binds[0] : &binds[1], false, port);
        if (err)
            break;
        s->listener_count++;
        err = poller_watch(s->poller, l->fd, &l->watch);
    }
    if (err)
        listeners_close(s);
    return err;
}

/* ---- time ---- */

static void strangers_tick(struct streams *s)
{
    for (struct conn *c = s->strangers.first; c; c = c->next) {
        if (c->doomed || c->due_us > s->now_us)
            continue;
        s->count.timeouts++;
        doom(c);
    }
}

static void owners_tick(struct streams *s)
{
    struct conn *next;

    for (struct conn *c = s->owners.first; c; c = next) {
        next = c->next;
        if (!turn_server_has_allocation(s->server, &c->flow))
            set_trusted(c, false);
    }
}

void streams_round(struct streams *s, uint64_t now_us)
{
    s->now_us = now_us;
    if (now_us >= s->tick_us) {
        s->tick_us = now_us + STREAMS_TICK_MS * UINT64_C(1000);
        owners_tick(s);
        strangers_tick(s);
    }
    doomed_close(s);
    if (s->paused_until_us && now_us >= s->paused_until_us) {
        s->paused_until_us = 0;
        listeners_want(s, POLLER_READ);
    }
}

uint64_t streams_due_us(const struct streams *s)
{
    uint64_t due_us = s->strangers.count + s->owners.count ? s->tick_us : POLLER_FOREVER;

    return s->paused_until_us && s->paused_until_us < due_us ? s->paused_until_us : due_us;
}

void streams_now(struct streams *s, uint64_t now_us)
{
    s->now_us = now_us;
}

void streams_counts(const struct streams *s, struct streams_count *out)
{
    *out = s->count;
    out->strangers = (uint32_t)s->strangers.count;
}

/* ---- start and stop ---- */

int streams_alloc(struct streams **sp, struct poller *p, struct turn_server *server)
{
    struct streams *s = calloc(1, sizeof(*s));

    if (!s)
        return ENOMEM;
    s->poller = p;
    s->server = server;
    *sp = s;
    return 0;
}

void streams_free(struct streams *s)
{
    if (!s)
        return;
    while (s->owners.first)
        conn_close(s->owners.first);
    while (s->strangers.first)
        conn_close(s->strangers.first);
    listeners_close(s);
    free(s);
}

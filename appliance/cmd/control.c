#include "cmd/control.h"
#include "cmd/wire.h"
#include "core/clock.h"
#include "core/health.h"
#include "core/json.h"
#include "core/log.h"
#include "core/metric.h"
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum {
    CONTROL_CONNS_MAX = 8,
    CONTROL_WORDS_MAX = 32,
    CONTROL_TEXT_MAX = 8 * 1024 * 1024, /* of what a command prints */
};

uint32_t control_patience_ms = 10000;

struct conn { /* a request, then its answer */
    int fd;
    unsigned uid;
    bool answering;
    struct buf line, answer;
    size_t sent;
    uint64_t deadline_ms; /* of what it is at */
};

struct control {
    int fd, timerfd; /* timerfd: of the connection that is due first */
    int epfd;        /* of both, and of the connections */
    struct sockaddr_un address;
    int dirfd; /* see wire_address */
    const struct service *sv;
    struct conn *conns[CONTROL_CONNS_MAX];
};

/* ---------------------------------------------------------------- starting and ending */

/* The lock, not the socket, tells whether a server lives: a socket survives kill -9, a lock does not. */
int control_lock(int *lock, const char *dir)
{
    char path[PATH_MAX];
    int fd, err;

    snprintf(path, sizeof(path), "%s/dngate.lock", dir);
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return errno;
    if (flock(fd, LOCK_EX | LOCK_NB)) {
        err = errno == EWOULDBLOCK ? EADDRINUSE : errno;
        close(fd);
        return err;
    }
    *lock = fd;
    return 0;
}

static int control_bind(struct control *c, const char *dir)
{
    int err = wire_address(&c->address, &c->dirfd, dir);

    if (err)
        return err;
    if (unlink(c->address.sun_path) && errno != ENOENT)
        return errno;
    c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (c->fd < 0)
        return errno;
    /* The mode before bind is what the file is made with: it is at no time open to others. */
    if (fchmod(c->fd, 0600) || bind(c->fd, (struct sockaddr *)&c->address, sizeof(c->address)) ||
        chmod(c->address.sun_path, 0600) || listen(c->fd, CONTROL_CONNS_MAX))
        return errno;
    return 0;
}

/* data.ptr NULL: somebody comes; the control itself: somebody's time is over; else who can go on. */
static int watch(const struct control *c, int op, int fd, uint32_t events, void *ptr)
{
    struct epoll_event ev = {.events = events, .data.ptr = ptr};

    return epoll_ctl(c->epfd, op, fd, &ev) ? errno : 0;
}

static int control_watch(struct control *c)
{
    int err;

    c->epfd = epoll_create1(EPOLL_CLOEXEC);
    c->timerfd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (c->epfd < 0 || c->timerfd < 0)
        return errno;
    err = watch(c, EPOLL_CTL_ADD, c->fd, EPOLLIN, NULL);
    return err ? err : watch(c, EPOLL_CTL_ADD, c->timerfd, EPOLLIN, c);
}

static void conn_free(struct conn *cn)
{
    close(cn->fd);
    wire_wipe(&cn->line);
    buf_reset(&cn->answer);
    free(cn);
}

int control_listen(struct control **cp, const char *dir, const struct service *sv)
{
    struct control *c = calloc(1, sizeof(*c));
    int err;

    if (!c)
        return ENOMEM;
    c->fd = c->dirfd = c->timerfd = c->epfd = -1;
    c->sv = sv;
    err = control_bind(c, dir);
    if (!err)
        err = control_watch(c);
    if (err)
        control_free(c);
    else
        *cp = c;
    return err;
}

void control_free(struct control *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < CONTROL_CONNS_MAX; i++)
        if (c->conns[i])
            conn_free(c->conns[i]);
    if (c->epfd >= 0)
        close(c->epfd);
    if (c->timerfd >= 0)
        close(c->timerfd);
    if (c->fd >= 0) {
        unlink(c->address.sun_path);
        close(c->fd);
    }
    if (c->dirfd >= 0)
        close(c->dirfd);
    free(c);
}

int control_fd(const struct control *c)
{
    return c->epfd;
}

/* ---------------------------------------------------------------- one request */

/* Fills argv from the request; the words live as long as the document. */
static int words_decode(const struct json_val *root, char **argv)
{
    const struct json_val *arr = json_get(root, "argv");
    size_t count = json_arr_size(arr);

    if (!count || count > CONTROL_WORDS_MAX)
        return -1;
    for (size_t i = 0; i < count; i++) {
        argv[i] = (char *)json_str(json_arr_at(arr, i));
        if (!argv[i])
            return -1;
    }
    return (int)count;
}

static int control_ready(struct buf *out)
{
    health_json(out);
    buf_puts(out, "\n");
    return health_ready() ? CMD_OK : CMD_REFUSED;
}

/* What the doctor asks: {"pid":…,"health":{…},"metrics":"…"}. */
static int control_figures(struct buf *out)
{
    struct buf metrics;

    buf_init(&metrics, CONTROL_TEXT_MAX / 2);
    metric_render(&metrics);
    buf_printf(out, "{\"pid\":%d,\"health\":", (int)getpid());
    health_json(out);
    buf_puts(out, ",\"metrics\":");
    buf_json_str(out, metrics.data ? metrics.data : "");
    buf_puts(out, "}\n");
    buf_reset(&metrics);
    return CMD_OK;
}

static int control_run(struct control *c, const struct buf *line, struct buf *out, struct buf *err)
{
    struct cmd cmd = {.sv = *c->sv, .out = out, .err = err};
    char *argv[CONTROL_WORDS_MAX];
    struct json *j;
    char why[128];
    int argc, status = CMD_USAGE;

    if (json_parse(&j, line->data ? line->data : "", line->len, why, sizeof(why))) {
        buf_printf(err, "bad request: %s\n", why);
        return CMD_USAGE;
    }
    argc = words_decode(json_root(j), argv);
    json_get_bool(json_root(j), "json", &cmd.json);
    cmd.input = json_get_str(json_root(j), "input");
    store_actor_reason(json_get_str(json_root(j), "reason"));
    cmd.input_len = cmd.input ? strlen(cmd.input) : 0;
    if (argc < 0)
        buf_puts(err, "bad request: argv\n");
    else if (argc == 1 && !strcmp(argv[0], "ready"))
        status = control_ready(out);
    else if (argc == 1 && !strcmp(argv[0], "figures"))
        status = control_figures(out);
    else
        status = cmd_run(&cmd, argc, argv);
    json_free(j);
    return status;
}

/* The request is whole: its answer. */
static void conn_run(struct control *c, struct conn *cn)
{
    struct buf out, err;
    char who[32];
    int status;

    buf_init(&out, CONTROL_TEXT_MAX);
    buf_init(&err, CONTROL_TEXT_MAX);
    (void)snprintf(who, sizeof(who), "cli:uid=%u", cn->uid);
    store_actor(who);
    status = control_run(c, &cn->line, &out, &err);
    store_actor("");
    wire_wipe(&cn->line);
    if (out.err) {
        status = CMD_REFUSED;
        buf_printf(&err, "too much to print\n");
    }
    buf_printf(&cn->answer, "{\"status\":%d,\"out\":", status);
    buf_json_str(&cn->answer, out.data && !out.err ? out.data : "");
    buf_puts(&cn->answer, ",\"err\":");
    buf_json_str(&cn->answer, err.data ? err.data : "");
    buf_puts(&cn->answer, "}\n");
    buf_reset(&out);
    buf_reset(&err);
}

/* ---------------------------------------------------------------- connections */

/* The mode of the socket keeps others out; this also holds when somebody has loosened it. */
static bool peer_allowed(int fd, struct ucred *peer)
{
    socklen_t len = sizeof(*peer);

    return !getsockopt(fd, SOL_SOCKET, SO_PEERCRED, peer, &len) && (!peer->uid || peer->uid == geteuid());
}

static struct conn **slot_of(struct control *c, const struct conn *cn)
{
    for (size_t i = 0; i < CONTROL_CONNS_MAX; i++)
        if (c->conns[i] == cn)
            return &c->conns[i];
    return NULL;
}

static void conn_close(struct control *c, struct conn *cn)
{
    *slot_of(c, cn) = NULL;
    conn_free(cn);
    (void)watch(c, EPOLL_CTL_MOD, c->fd, EPOLLIN, NULL); /* there is room again */
}

/* Sends what it can of the answer: 0 when it was all, EAGAIN. */
static int conn_write(struct conn *cn)
{
    while (cn->sent < cn->answer.len) {
        const ssize_t n =
            send(cn->fd, cn->answer.data + cn->sent, cn->answer.len - cn->sent, MSG_DONTWAIT | MSG_NOSIGNAL);

        if (n < 0 && errno != EINTR)
            return errno;
        cn->sent += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

/* As far as it goes without waiting. */
static void conn_go_on(struct control *c, struct conn *cn)
{
    int err = cn->answering ? 0 : wire_read_line(cn->fd, &cn->line, 0);

    if (err == ETIMEDOUT)
        return; /* more is to come */
    if (err) {
        log_warn_limited("control", "error=\"%s\" no whole request", strerror(err));
    } else if (!cn->answering) {
        conn_run(c, cn);
        cn->answering = true;
        cn->deadline_ms = clock_ms() + control_patience_ms;
    }
    if (!err && !cn->answer.err && conn_write(cn) == EAGAIN && !watch(c, EPOLL_CTL_MOD, cn->fd, EPOLLOUT, cn))
        return;
    conn_close(c, cn);
}

static void conn_open(struct control *c, struct conn **slot, int fd)
{
    struct conn *cn = NULL;
    struct ucred peer;

    if (!peer_allowed(fd, &peer))
        log_warn_limited("control", "%s", "a user who is neither root nor the server's was turned away");
    else
        cn = calloc(1, sizeof(*cn));
    if (!cn) {
        close(fd);
        return;
    }
    cn->fd = fd;
    cn->uid = (unsigned)peer.uid;
    cn->deadline_ms = clock_ms() + control_patience_ms;
    buf_init(&cn->line, WIRE_LINE_MAX);
    buf_init(&cn->answer, WIRE_LINE_MAX);
    *slot = cn;
    if (watch(c, EPOLL_CTL_ADD, fd, EPOLLIN, cn))
        conn_close(c, cn);
    else
        conn_go_on(c, cn);
}

/* Those who find no room wait in the kernel. */
static void accept_all(struct control *c)
{
    struct conn **slot;

    while ((slot = slot_of(c, NULL))) {
        int fd = accept4(c->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

        if (fd < 0)
            return;
        conn_open(c, slot, fd);
    }
    (void)watch(c, EPOLL_CTL_MOD, c->fd, 0, NULL);
}

/* Closes those whose time is over, and asks to be woken for the next. */
static void expire(struct control *c)
{
    struct itimerspec at = {.it_value = {0, 0}};
    uint64_t now = clock_ms(), first = UINT64_MAX;

    for (size_t i = 0; i < CONTROL_CONNS_MAX; i++) {
        struct conn *cn = c->conns[i];

        if (cn && cn->deadline_ms <= now) {
            log_warn_limited("control", "%s",
                             cn->answering ? "an answer was not taken" : "no whole request in time");
            conn_close(c, cn);
        } else if (cn && cn->deadline_ms < first) {
            first = cn->deadline_ms;
        }
    }
    if (first != UINT64_MAX) {
        at.it_value.tv_sec = (time_t)((first - now) / 1000);
        at.it_value.tv_nsec = (long)((first - now) % 1000) * 1000000;
    }
    (void)timerfd_settime(c->timerfd, 0, &at, NULL);
}

void control_serve(struct control *c)
{
    struct epoll_event ev[CONTROL_CONNS_MAX + 2];
    const int n = epoll_wait(c->epfd, ev, CONTROL_CONNS_MAX + 2, 0);
    bool come = false;

    for (int i = 0; i < n; i++) {
        if (!ev[i].data.ptr)
            come = true;
        else if (ev[i].data.ptr != c)
            conn_go_on(c, ev[i].data.ptr);
    }
    if (come)
        accept_all(c);
    expire(c);
}

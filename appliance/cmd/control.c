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
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    CONTROL_BACKLOG = 8,
    CONTROL_WORDS_MAX = 32,
    CONTROL_TIMEOUT_MS = 10000,
    CONTROL_TEXT_MAX = 8 * 1024 * 1024, /* of what a command prints */
};

struct control {
    int fd;
    struct sockaddr_un address;
    int dirfd; /* see wire_address */
    const struct service *sv;
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
        chmod(c->address.sun_path, 0600) || listen(c->fd, CONTROL_BACKLOG))
        return errno;
    return 0;
}

int control_listen(struct control **cp, const char *dir, const struct service *sv)
{
    struct control *c = calloc(1, sizeof(*c));
    int err;

    if (!c)
        return ENOMEM;
    c->fd = c->dirfd = -1;
    c->sv = sv;
    err = control_bind(c, dir);
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
    return c->fd;
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

static void control_answer(struct control *c, int fd, const struct buf *line, uint64_t deadline_ms)
{
    struct buf out, err, answer;
    int status;

    buf_init(&out, CONTROL_TEXT_MAX);
    buf_init(&err, CONTROL_TEXT_MAX);
    buf_init(&answer, WIRE_LINE_MAX);
    status = control_run(c, line, &out, &err);
    if (out.err) {
        status = CMD_REFUSED;
        buf_printf(&err, "too much to print\n");
    }
    buf_printf(&answer, "{\"status\":%d,\"out\":", status);
    buf_json_str(&answer, out.data && !out.err ? out.data : "");
    buf_puts(&answer, ",\"err\":");
    buf_json_str(&answer, err.data ? err.data : "");
    buf_puts(&answer, "}\n");
    if (!answer.err)
        wire_write(fd, answer.data, answer.len, deadline_ms);
    buf_reset(&out);
    buf_reset(&err);
    buf_reset(&answer);
}

/* The mode of the socket keeps others out; this also holds when somebody has loosened it. */
static bool peer_allowed(int fd, struct ucred *peer)
{
    socklen_t len = sizeof(*peer);

    return !getsockopt(fd, SOL_SOCKET, SO_PEERCRED, peer, &len) && (!peer->uid || peer->uid == geteuid());
}

static void control_serve(struct control *c, int fd)
{
    uint64_t deadline_ms = clock_ms() + CONTROL_TIMEOUT_MS;
    struct ucred peer;
    struct buf line;
    char who[32];
    int err;

    if (!peer_allowed(fd, &peer)) {
        log_warn_limited("control", "%s", "a user who is neither root nor the server's was turned away");
        return;
    }
    buf_init(&line, WIRE_LINE_MAX);
    err = wire_read_line(fd, &line, deadline_ms);
    if (err) {
        log_warn_limited("control", "error=\"%s\" no whole request", strerror(err));
    } else {
        snprintf(who, sizeof(who), "cli:uid=%u", (unsigned)peer.uid);
        store_actor(who);
        control_answer(c, fd, &line, clock_ms() + CONTROL_TIMEOUT_MS);
        store_actor("");
    }
    wire_wipe(&line);
}

void control_accept(struct control *c)
{
    for (int i = 0; i < CONTROL_BACKLOG; i++) {
        int fd = accept4(c->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

        if (fd < 0)
            return;
        control_serve(c, fd);
        close(fd);
    }
}

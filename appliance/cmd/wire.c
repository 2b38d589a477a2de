#include "cmd/wire.h"
#include "core/clock.h"
#include "core/utf8.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char socket_name[] = "control.sock";

int wire_address(struct sockaddr_un *sun, int *dirfd, const char *dir)
{
    memset(sun, 0, sizeof(*sun));
    sun->sun_family = AF_UNIX;
    *dirfd = -1;
    if (snprintf(sun->sun_path, sizeof(sun->sun_path), "%s/%s", dir, socket_name) <
        (int)sizeof(sun->sun_path))
        return 0;
    *dirfd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (*dirfd < 0)
        return errno;
    snprintf(sun->sun_path, sizeof(sun->sun_path), "/proc/self/fd/%d/%s", *dirfd, socket_name);
    return 0;
}

static int wire_wait(int fd, short events, uint64_t deadline_ms)
{
    struct pollfd p = {.fd = fd, .events = events};
    uint64_t now = clock_ms();
    int n = now < deadline_ms ? poll(&p, 1, (int)(deadline_ms - now)) : 0;

    if (n < 0)
        return errno == EINTR ? 0 : errno;
    return n ? 0 : ETIMEDOUT;
}

int wire_read_line(int fd, struct buf *line, uint64_t deadline_ms)
{
    char chunk[16384];
    int err = 0;

    while (!err) {
        ssize_t n = recv(fd, chunk, sizeof(chunk), MSG_DONTWAIT);
        const char *end = n > 0 ? memchr(chunk, '\n', (size_t)n) : NULL;

        if (n < 0)
            err = errno == EAGAIN || errno == EINTR ? wire_wait(fd, POLLIN, deadline_ms) : errno;
        else if (!n)
            err = EPIPE;
        else
            err = buf_write(line, chunk, end ? (size_t)(end - chunk) : (size_t)n);
        if (end)
            break;
    }
    explicit_bzero(chunk, sizeof(chunk));
    return err;
}

int wire_write(int fd, const char *p, size_t n, uint64_t deadline_ms)
{
    while (n) {
        ssize_t done = send(fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL);
        int err = 0;

        if (done < 0)
            err = errno == EAGAIN || errno == EINTR ? wire_wait(fd, POLLOUT, deadline_ms) : errno;
        if (err)
            return err;
        if (done > 0) {
            p += done;
            n -= (size_t)done;
        }
    }
    return 0;
}

bool wire_text_ok(const char *p, size_t n)
{
    for (size_t i = 0, len; i < n; i += len) {
        len = utf8_seq(p + i, n - i);
        if (!len || !p[i])
            return false;
    }
    return true;
}

void wire_wipe(struct buf *b)
{
    if (b->data)
        explicit_bzero(b->data, b->cap);
    buf_reset(b);
}

/* turn/stream: see stream.h. */
#include "turn/stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { STUN_HEAD = 20, CHANNEL_HEAD = 4, STUN_DATA_INDICATION = 0x0017, PAD = 4 };

static const uint8_t magic_cookie[] = {0x21, 0x12, 0xa4, 0x42};

/* A message that waits; its bytes follow. */
struct waiting {
    uint64_t at_ms;
    uint16_t n;
    bool data; /* may be dropped */
};

/* ---- plain TCP ---- */

static int plain_read(void *arg, int fd, uint8_t *p, size_t n)
{
    ssize_t got = recv(fd, p, n, MSG_DONTWAIT);

    (void)arg;
    return got < 0 ? -errno : (int)got;
}

static int plain_send(int fd, const uint8_t *p, size_t n, size_t *sent)
{
    ssize_t got = send(fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL);

    *sent = got < 0 ? 0 : (size_t)got;
    return got < 0 && errno != EAGAIN && errno != EINTR ? -errno : 0;
}

static int plain_flush(void *arg, int fd)
{
    struct stream *s = arg;
    size_t sent = 0;
    int err = s->rest_len ? plain_send(fd, s->rest + s->rest_at, s->rest_len, &sent) : 0;

    s->rest_at = (uint16_t)(s->rest_at + sent);
    s->rest_len = (uint16_t)(s->rest_len - sent);
    return err ? err : s->rest_len ? -EAGAIN : 0;
}

static int plain_write(void *arg, int fd, const uint8_t *p, size_t n)
{
    struct stream *s = arg;
    size_t sent = 0;
    int err = s->rest_len ? -EAGAIN : plain_send(fd, p, n, &sent);

    if (err || sent == n)
        return err;
    if (!sent)
        return -EAGAIN; /* not begun: it may still be dropped */
    if (!s->rest)
        s->rest = malloc(STREAM_MESSAGE_MAX);
    if (!s->rest)
        return -ENOMEM;
    s->rest_at = 0;
    s->rest_len = (uint16_t)(n - sent);
    memcpy(s->rest, p + sent, s->rest_len);
    return STREAM_PARTLY;
}

static void plain_free(void *arg)
{
    (void)arg;
}

static const struct stream_io plain = {plain_read, plain_write, plain_flush, plain_free};

/* ---- opening and closing ---- */

void stream_open(struct stream *s, int fd, const struct stream_io *io, void *arg)
{
    *s = (struct stream){.fd = fd, .io = io ? io : &plain, .arg = io ? arg : s};
}

void stream_close(struct stream *s)
{
    if (s->fd < 0)
        return;
    s->io->freeh(s->arg);
    close(s->fd);
    free(s->part);
    free(s->queue);
    free(s->rest);
    *s = (struct stream){.fd = -1};
}

/* ---- in ---- */

static bool is_channel(const uint8_t *p)
{
    return p[0] >> 6 == 1;
}

static size_t padded(size_t n)
{
    return (n + PAD - 1) & ~(size_t)(PAD - 1);
}

/* Length of the first message: *n of it, *all with its padding. EAGAIN: not enough is there to tell. */
static int measure(const struct stream *s, const uint8_t *p, size_t left, size_t *n, size_t *all)
{
    size_t len;

    if (left && (p[0] >> 6 > 1 || (is_channel(p) && !s->trusted)))
        return EBADMSG; /* a stranger has no channel; HTTP would look like one */
    if (left < CHANNEL_HEAD)
        return EAGAIN;
    len = (size_t)(p[2] << 8 | p[3]);
    *n = len + (is_channel(p) ? CHANNEL_HEAD : STUN_HEAD);
    *all = padded(*n);
    if (is_channel(p))
        return 0;
    if (len % PAD)
        return EBADMSG;
    if (left >= CHANNEL_HEAD + sizeof(magic_cookie) &&
        memcmp(p + CHANNEL_HEAD, magic_cookie, sizeof(magic_cookie)))
        return EBADMSG;
    return *all > STREAM_MESSAGE_MAX ? EMSGSIZE : 0;
}

/* Hands over what is whole; *left bytes of *p are not. */
static int cut(struct stream *s, const uint8_t **p, size_t *left, stream_h *h, void *arg)
{
    while (*left) {
        size_t n = 0, all = 0, step;
        int err = s->skip ? 0 : measure(s, *p, *left, &n, &all);

        if (err)
            return err == EAGAIN ? 0 : err;
        if (all > STREAM_MESSAGE_MAX) {
            s->skip = (uint32_t)all;
            s->dropped++;
        }
        if (!s->skip && *left < all)
            return 0;
        step = s->skip ? (s->skip < *left ? s->skip : *left) : all;
        if (s->skip)
            s->skip -= (uint32_t)step;
        else
            h(*p, n, arg);
        *p += step;
        *left -= step;
    }
    return 0;
}

static int keep(struct stream *s, const uint8_t *p, size_t n)
{
    if (!n) {
        s->part_len = 0;
        return 0;
    }
    if (!s->part)
        s->part = malloc(STREAM_MESSAGE_MAX);
    if (!s->part)
        return ENOMEM;
    memcpy(s->part, p, n);
    s->part_len = (uint16_t)n;
    return 0;
}

/* n new bytes stand in buf behind the part that was kept. */
static int take(struct stream *s, uint8_t *buf, size_t n, stream_h *h, void *arg)
{
    const uint8_t *p = buf;
    size_t left = s->part_len + n;
    int err;

    if (s->part_len)
        memcpy(buf, s->part, s->part_len);
    err = cut(s, &p, &left, h, arg);
    return err ? err : keep(s, p, left);
}

int stream_read(struct stream *s, uint8_t *buf, stream_h *h, void *arg)
{
    int n = s->io->readh(s->arg, s->fd, buf + s->part_len, STREAM_READ_SIZE);

    if (n < 0)
        return n == -EINTR ? 0 : -n;
    return n ? take(s, buf, (size_t)n, h, arg) : ECONNRESET;
}

int stream_input(struct stream *s, uint8_t *buf, const uint8_t *p, size_t n, stream_h *h, void *arg)
{
    if (n > STREAM_READ_SIZE)
        return EMSGSIZE;
    memcpy(buf + s->part_len, p, n);
    return take(s, buf, n, h, arg);
}

/* ---- out ---- */

static bool is_data(const uint8_t *p)
{
    return is_channel(p) || (p[0] << 8 | p[1]) == STUN_DATA_INDICATION;
}

static void queue_remove(struct stream *s, size_t at)
{
    struct waiting w;
    size_t size;

    memcpy(&w, s->queue + at, sizeof(w));
    size = sizeof(w) + w.n;
    memmove(s->queue + at, s->queue + at + size, s->queue_len - at - size);
    s->queue_len -= size;
}

/* Drops data that has waited too long, and then the oldest until n bytes fit. */
static void make_room(struct stream *s, size_t n, uint64_t now_ms)
{
    size_t at = 0;

    while (at < s->queue_len) {
        struct waiting w;

        memcpy(&w, s->queue + at, sizeof(w));
        if (w.data && (now_ms - w.at_ms > STREAM_AGE_MS || s->queue_len + n > STREAM_QUEUE_MAX)) {
            queue_remove(s, at);
            s->dropped++;
        } else {
            at += sizeof(w) + w.n;
        }
    }
}

static int enqueue(struct stream *s, const uint8_t *p, size_t n, uint64_t now_ms)
{
    struct waiting w = {.at_ms = now_ms, .n = (uint16_t)n, .data = is_data(p)};

    if (!s->trusted)
        return EAGAIN;
    if (!s->queue)
        s->queue = malloc(STREAM_QUEUE_MAX);
    if (!s->queue)
        return ENOMEM;
    make_room(s, sizeof(w) + n, now_ms);
    if (s->queue_len + sizeof(w) + n > STREAM_QUEUE_MAX) {
        s->dropped++;
        return w.data ? 0 : ENOBUFS; /* nothing but answers waits: the peer asks and does not read */
    }
    memcpy(s->queue + s->queue_len, &w, sizeof(w));
    memcpy(s->queue + s->queue_len + sizeof(w), p, n);
    s->queue_len += sizeof(w) + n;
    return 0;
}

/* Hands it to io. EAGAIN: nothing of it was taken; another error: the connection is over. */
static int put(struct stream *s, const uint8_t *p, size_t n)
{
    int err = s->io->writeh(s->arg, s->fd, p, n);

    s->partly = err == STREAM_PARTLY;
    return err < 0 ? -err : 0;
}

int stream_push(struct stream *s, uint8_t *p, size_t n, uint64_t now_ms)
{
    int err = EAGAIN;

    if (n < CHANNEL_HEAD || padded(n) > STREAM_MESSAGE_MAX)
        return 0;
    while (n % PAD)
        p[n++] = 0;
    if (!stream_waits(s))
        err = put(s, p, n);
    return err == EAGAIN ? enqueue(s, p, n, now_ms) : err;
}

int stream_flush(struct stream *s, uint64_t now_ms)
{
    int err = s->partly ? -s->io->flushh(s->arg, s->fd) : 0;

    if (!err)
        s->partly = false;
    make_room(s, 0, now_ms);
    while (!err && !s->partly && s->queue_len) {
        struct waiting w;

        memcpy(&w, s->queue, sizeof(w));
        err = put(s, s->queue + sizeof(w), w.n);
        if (!err)
            queue_remove(s, 0);
    }
    return err == EAGAIN ? 0 : err;
}

bool stream_waits(const struct stream *s)
{
    return s->queue_len || s->partly;
}

/* turn/tlsio: see tlsio.h. */
#include "turn/tlsio.h"

#include "crypto/tls.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct tlsio {
    struct tls *tls;
    int fd;
    uint8_t *rest; /* of a message that the peer wants in smaller records (RFC 6066 4) */
    size_t rest_at, rest_len;
};

_Static_assert(STREAM_READ_SIZE >= 2 * TLS_PLAIN_MAX,
               "what was kept of a record and what is fed fit into one read");

static ssize_t send_h(const void *p, size_t n, void *arg)
{
    const struct tlsio *t = arg;
    ssize_t sent = send(t->fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL);

    return sent >= 0 ? sent : errno == EAGAIN || errno == EINTR ? 0 : -1;
}

int tlsio_alloc(struct tlsio **tp, struct tls *tls, int fd)
{
    struct tlsio *t = calloc(1, sizeof(*t));

    if (!t)
        return ENOMEM;
    t->tls = tls;
    t->fd = fd;
    tls_bind(tls, send_h, t);
    *tp = t;
    return 0;
}

static void free_h(void *arg)
{
    struct tlsio *t = arg;

    tls_close(t->tls);
    tls_free(t->tls);
    free(t->rest);
    free(t);
}

static int read_h(void *arg, int fd, uint8_t *p, size_t n)
{
    struct tlsio *t = arg;
    uint8_t records[TLS_PLAIN_MAX];
    ssize_t got = recv(fd, records, sizeof(records), MSG_DONTWAIT), plain;
    size_t have = 0;

    if (got < 0)
        return -errno;
    if (!got)
        return 0;
    tls_feed(t->tls, records, (size_t)got);
    do {
        plain = tls_read(t->tls, p + have, n - have);
        have += plain > 0 ? (size_t)plain : 0;
    } while (plain > 0 && have < n);
    if (have)
        return (int)have; /* an end behind it is told by the next read */
    return plain < 0 ? 0 : -EINTR;
}

static int rest_keep(struct tlsio *t, const uint8_t *p, size_t n)
{
    if (!t->rest)
        t->rest = malloc(STREAM_MESSAGE_MAX);
    if (!t->rest)
        return -ENOMEM;
    memcpy(t->rest, p, n);
    t->rest_at = 0;
    t->rest_len = n;
    return STREAM_PARTLY;
}

/* Until all of it is taken, or the transport takes no more. */
static int write_some(struct tlsio *t, const uint8_t *p, size_t n, size_t *done)
{
    int err = 0;

    for (*done = 0; *done < n && !err;) {
        size_t taken = 0;

        err = tls_write(t->tls, p + *done, n - *done, &taken);
        *done += taken;
    }
    return -err;
}

static int write_h(void *arg, int fd, const uint8_t *p, size_t n)
{
    struct tlsio *t = arg;
    size_t done;
    int err = write_some(t, p, n, &done);

    (void)fd;
    if (err && err != -EAGAIN)
        return err;
    if (done < n)
        return rest_keep(t, p + done, n - done);
    return err ? STREAM_PARTLY : 0;
}

static int flush_h(void *arg, int fd)
{
    struct tlsio *t = arg;
    int err = -tls_flush(t->tls);
    size_t done = 0;

    (void)fd;
    if (!err && t->rest_len)
        err = write_some(t, t->rest + t->rest_at, t->rest_len, &done);
    t->rest_at += done;
    t->rest_len -= done;
    return err;
}

const struct stream_io tlsio_io = {read_h, write_h, flush_h, free_h};

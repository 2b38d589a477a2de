/*
 * A TURN connection's bytes: however they are cut, the same messages come out, each in bounds and as long as its head says; and whatever
 * is pushed, the queue stays within its size.
 *
 *   first byte: bit 0: the owner of an allocation; the rest: how long the pieces are
 */
#include "turn/stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
    struct stream *stream; /* that it is echoed to; NULL */
    size_t count;
    uint32_t sum;
};

static int none_read(void *arg, int fd, uint8_t *p, size_t n)
{
    (void)arg;
    (void)fd;
    (void)p;
    (void)n;
    return -EAGAIN;
}

/* A network that takes every third message, and half of every fifth. */
static int some_write(void *arg, int fd, const uint8_t *p, size_t n)
{
    unsigned *calls = arg;

    (void)fd;
    if (n % 4 || p[0] >> 6 > 1)
        abort();
    ++*calls;
    return *calls % 5 == 0 ? STREAM_PARTLY : *calls % 3 == 0 ? 0 : -EAGAIN;
}

static int some_flush(void *arg, int fd)
{
    (void)fd;
    return ++*(unsigned *)arg % 2 ? -EAGAIN : 0;
}

static void nothing_free(void *arg)
{
    (void)arg;
}

static const struct stream_io io = {none_read, some_write, some_flush, nothing_free};

static void message_h(const uint8_t *p, size_t n, void *arg)
{
    size_t head = p[0] >> 6 == 1 ? 4 : 20;
    uint8_t copy[STREAM_MESSAGE_MAX + 3];
    struct seen *seen = arg;

    if (n < 4 || n > STREAM_MESSAGE_MAX || n != head + (size_t)(p[2] << 8 | p[3]))
        abort();
    seen->count++;
    for (size_t i = 0; i < n; i++)
        seen->sum = seen->sum * 31 + p[i];
    if (!seen->stream)
        return;
    memcpy(copy, p, n);
    (void)stream_push(seen->stream, copy, n, seen->count * 10);
    (void)stream_flush(seen->stream, seen->count * 10);
    if (seen->stream->queue_len > STREAM_QUEUE_MAX)
        abort();
}

static int feed(const uint8_t *data, size_t size, size_t piece, bool trusted, bool echo, struct seen *seen)
{
    static uint8_t buf[STREAM_MESSAGE_MAX + STREAM_READ_SIZE];
    unsigned calls = 0;
    struct stream s;
    int err = 0;

    stream_open(&s, dup(0), &io, &calls);
    s.trusted = trusted;
    *seen = (struct seen){.stream = echo ? &s : NULL};
    for (size_t at = 0; at < size && !err; at += piece)
        err = stream_input(&s, buf, data + at, size - at < piece ? size - at : piece, message_h, seen);
    stream_close(&s);
    return err;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct seen whole, pieces;
    bool trusted;
    bool bad; /* which error it is may depend on how much was there to judge by */

    if (!size || size > STREAM_READ_SIZE)
        return 0;
    trusted = data[0] & 1;
    bad = feed(data + 1, size - 1, STREAM_READ_SIZE, trusted, false, &whole);
    if (!!feed(data + 1, size - 1, 1 + (data[0] >> 1), trusted, false, &pieces) != bad ||
        pieces.count != whole.count || pieces.sum != whole.sum)
        abort();
    (void)feed(data + 1, size - 1, STREAM_READ_SIZE, trusted, true, &whole);
    return 0;
}

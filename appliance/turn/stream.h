/*
 * turn/stream: a TCP or TLS connection that carries STUN messages and ChannelData (RFC 8656 2.1, 12.5): cut into messages on the way in,
 * whole messages on the way out.
 *
 * What the peer does not take waits in a bounded queue. Old sound is worth nothing, so that data (ChannelData, Data indications) waits
 * STREAM_AGE_MS at most, and the oldest goes first when the queue is full; answers to requests are kept. A message that has begun to go
 * out goes out whole. Nothing here waits.
 *
 * A stranger, who has shown no credentials, costs this struct and at most one message that has come in part; who does not take our
 * answers then is cut off. Owner: the RELAY thread.
 */
#ifndef TURN_STREAM_H
#define TURN_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    STREAM_MESSAGE_MAX =
        2048, /* longest message, its padding included; of longer ChannelData nothing is kept */
    STREAM_READ_SIZE = 32768,    /* bytes of one read: what TLS had of a record, and as much again */
    STREAM_QUEUE_MAX = 16 << 10, /* bytes that wait */
    STREAM_AGE_MS = 200,
};

enum { STREAM_PARTLY = 1 };

/* How bytes come and go. */
struct stream_io {
    /* Bytes read; 0: the peer has ended; below 0: -errno; -EAGAIN: there are none now, -EINTR: none, but there may be more. */
    int (*readh)(void *arg, int fd, uint8_t *p, size_t n);
    /* Takes all of p (0: it has gone; STREAM_PARTLY: some of it waits, in here), or nothing: -EAGAIN, -errno. */
    int (*writeh)(void *arg, int fd, const uint8_t *p, size_t n);
    /* Sends what waits of one that was taken. 0: all has gone; -EAGAIN; -errno. */
    int (*flushh)(void *arg, int fd);
    void (*freeh)(void *arg); /* the connection is over; fd is closed after it */
};

struct stream {
    int fd; /* -1 = closed */
    const struct stream_io *io;
    void *arg;
    bool trusted;  /* credentials have been shown; the owner's to set */
    bool partly;   /* some of a message that has begun waits in io */
    uint8_t *part; /* the beginning of a message; allocated when first needed */
    uint16_t part_len;
    uint32_t skip; /* bytes of a message that is too long and of which nothing is kept */
    uint8_t *queue;
    size_t queue_len;
    uint8_t *rest; /* plain TCP: what is left of the message that is going out */
    uint16_t rest_at, rest_len;
    uint32_t
        dropped; /* messages that were dropped from the queue, or did not fit in; the owner takes them away */
};

typedef void(stream_h)(const uint8_t *p, size_t n, void *arg);

/* io NULL: plain TCP. */
void stream_open(struct stream *s, int fd, const struct stream_io *io, void *arg);
void stream_close(struct stream *s);

/*
 * Reads once, into buf of STREAM_MESSAGE_MAX + STREAM_READ_SIZE bytes that all streams of a thread share, and hands over each whole
 * message, ChannelData without padding. h must not close the stream. EAGAIN: nothing waits any more; 0: there may be more; otherwise it is
 * over: ECONNRESET; EBADMSG: neither STUN nor ChannelData, or a stranger's ChannelData; EMSGSIZE: a STUN message of more than STREAM_MESSAGE_MAX; ENOMEM.
 */
int stream_read(struct stream *s, uint8_t *buf, stream_h *h, void *arg);
/* Bytes that somebody else has read (at most STREAM_READ_SIZE). 0, or an error as above. */
int stream_input(struct stream *s, uint8_t *buf, const uint8_t *p, size_t n, stream_h *h, void *arg);

/* Sends a message or queues it. p has 3 bytes of room behind n, for padding. Errors: the connection is of no use any more; EAGAIN: a
 * stranger who does not read. */
int stream_push(struct stream *s, uint8_t *p, size_t n, uint64_t now_ms);
/* When the network takes bytes again. Errors as of stream_push(). */
int stream_flush(struct stream *s, uint64_t now_ms);
/* Does something wait to be sent? */
bool stream_waits(const struct stream *s);

#endif

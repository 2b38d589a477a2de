/* turn/stream: messages whole and in pieces, too long ones, garbage; a peer who does not read loses the oldest data, never an answer and
 * never half a message. */
#include "turn/stream.h"

#include "testing.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

static uint8_t buf[STREAM_MESSAGE_MAX + STREAM_READ_SIZE];
static struct stream s;
static int peer;

static struct {
    unsigned count;
    size_t n;
    uint8_t first, last;
} got;

static void message_h(const uint8_t *p, size_t n, void *arg)
{
    (void)arg;
    got.count++;
    got.n = n;
    got.first = p[0];
    got.last = p[n - 1];
}

static int opened(void)
{
    int fd[2];

    memset(&got, 0, sizeof(got));
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd))
        return 1;
    stream_open(&s, fd[0], NULL, NULL);
    peer = fd[1];
    s.trusted = true;
    return 0;
}

static void closed(void)
{
    stream_close(&s);
    stream_close(&s); /* twice is once */
    close(peer);
}

/* STUN: type, length, cookie, transaction. Returns its length. */
static size_t stun(uint8_t *p, uint16_t type, size_t body)
{
    memset(p, 0, 20 + body);
    p[0] = (uint8_t)(type >> 8);
    p[1] = (uint8_t)type;
    p[2] = (uint8_t)(body >> 8);
    p[3] = (uint8_t)body;
    memcpy(p + 4, "\x21\x12\xa4\x42", 4);
    return 20 + body;
}

/* ChannelData, padded; its last byte is `mark`. Returns its length with padding. */
static size_t channel(uint8_t *p, size_t body, uint8_t mark)
{
    memset(p, 0, 4 + body + 3);
    p[0] = 0x40;
    p[2] = (uint8_t)(body >> 8);
    p[3] = (uint8_t)body;
    if (body)
        p[3 + body] = mark;
    return (4 + body + 3) & ~(size_t)3;
}

TEST(messages_come_out_however_they_are_cut)
{
    uint8_t wire[300];
    size_t n = stun(wire, 0x0001, 8);

    n += channel(wire + n, 5, 77);
    n += stun(wire + n, 0x0016, 64);
    for (size_t step = 1; step <= n; step++) {
        CHECK_EQ_INT(opened(), 0);
        for (size_t at = 0; at < n; at += step)
            CHECK_EQ_INT(stream_input(&s, buf, wire + at, n - at < step ? n - at : step, message_h, NULL), 0);
        CHECK_EQ_INT(got.count, 3);
        CHECK_EQ_INT(got.n, 84);
        CHECK_EQ_INT(s.part_len, 0);
        closed();
    }
}

TEST(channel_data_is_handed_over_without_padding)
{
    uint8_t wire[64];
    size_t n = channel(wire, 5, 77);

    CHECK_EQ_INT(opened(), 0);
    CHECK(write(peer, wire, n) == (ssize_t)n);
    CHECK_EQ_INT(stream_read(&s, buf, message_h, NULL), 0);
    CHECK_EQ_INT(got.n, 9);
    CHECK_EQ_INT(got.last, 77);
    CHECK_EQ_INT(stream_read(&s, buf, message_h, NULL), EAGAIN);
    closed();
}

TEST(what_is_neither_stun_nor_channel_data_ends_it)
{
    static const char *const bad[] = {
        "GET / HTTP/1.1\r\n", "\x80\x00\x00\x00", "\xff",
        "\x00\x01\x00\x03\x21\x12\xa4\x42", /* a length that is no multiple of 4 */
        "\x00\x01\x00\x08zzzzzzzz"};        /* no cookie */
    static const size_t len[] = {16, 4, 1, 8, 12};

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        CHECK_EQ_INT(opened(), 0);
        s.trusted = i > 0;
        CHECK_EQ_INT(stream_input(&s, buf, (const uint8_t *)bad[i], len[i], message_h, NULL), EBADMSG);
        CHECK_EQ_INT(got.count, 0);
        closed();
    }
}

TEST(too_long_is_refused_or_passed_over_and_nothing_of_it_is_kept)
{
    uint8_t wire[256];
    size_t n = stun(wire, 0x0001, 0);

    CHECK_EQ_INT(opened(), 0);
    wire[2] = 0xff;
    wire[3] = 0xfc;
    CHECK_EQ_INT(stream_input(&s, buf, wire, n, message_h, NULL), EMSGSIZE);
    closed();

    CHECK_EQ_INT(opened(), 0);
    memset(wire, 0, sizeof(wire));
    wire[0] = 0x40;
    wire[2] = wire[3] = 0xff; /* 4 + 65535 + 1 of padding */
    for (size_t left = 65540; left; left -= left < 256 ? left : 256) {
        CHECK_EQ_INT(stream_input(&s, buf, wire, left < 256 ? left : 256, message_h, NULL), 0);
        CHECK_EQ_INT(s.part_len, 0);
        memset(wire, 0xee, sizeof(wire)); /* what looks like nothing at all */
    }
    CHECK_EQ_INT(got.count, 0);
    CHECK_EQ_INT(s.dropped, 1);
    n = channel(wire, 4, 9);
    CHECK_EQ_INT(stream_input(&s, buf, wire, n, message_h, NULL), 0);
    CHECK_EQ_INT(got.last, 9);
    closed();
}

TEST(the_peers_end_is_told)
{
    CHECK_EQ_INT(opened(), 0);
    close(peer);
    peer = dup(s.fd);
    CHECK_EQ_INT(stream_read(&s, buf, message_h, NULL), ECONNRESET);
    closed();
}

/* ---- out ---- */

static struct {
    bool full;
    unsigned count;
    uint8_t marks[64];
    size_t partly; /* the next write takes all and sends a part */
} net;

static int none_read(void *arg, int fd, uint8_t *p, size_t n)
{
    (void)arg;
    (void)fd;
    (void)p;
    (void)n;
    return -EAGAIN;
}

static int net_write(void *arg, int fd, const uint8_t *p, size_t n)
{
    (void)arg;
    (void)fd;
    if (net.full)
        return -EAGAIN;
    net.marks[net.count++ % 64] = p[n - 1];
    if (!net.partly)
        return 0;
    net.full = true;
    return STREAM_PARTLY;
}

static int net_flush(void *arg, int fd)
{
    (void)arg;
    (void)fd;
    return net.full ? -EAGAIN : 0;
}

static void net_free(void *arg)
{
    (void)arg;
}

static const struct stream_io net_io = {none_read, net_write, net_flush, net_free};

static void net_opened(bool trusted)
{
    memset(&net, 0, sizeof(net));
    stream_open(&s, dup(0), &net_io, NULL);
    s.trusted = trusted;
}

static int push_data(size_t body, uint8_t mark, uint64_t now_ms)
{
    uint8_t p[STREAM_MESSAGE_MAX + 3];

    (void)channel(p, body, mark);
    return stream_push(&s, p, 4 + body, now_ms);
}

static int push_answer(uint8_t mark, uint64_t now_ms)
{
    uint8_t p[64];
    size_t n = stun(p, 0x0101, 8);

    p[n - 1] = mark;
    return stream_push(&s, p, n, now_ms);
}

TEST(old_data_is_dropped_and_answers_are_kept)
{
    net_opened(true);
    net.full = true;
    CHECK_EQ_INT(push_data(160, 1, 1000), 0);
    CHECK_EQ_INT(push_answer(2, 1000), 0);
    CHECK_EQ_INT(push_data(160, 3, 1150), 0);
    CHECK(stream_waits(&s));
    net.full = false;
    CHECK_EQ_INT(stream_flush(&s, 1000 + STREAM_AGE_MS + 1), 0);
    CHECK(!stream_waits(&s));
    CHECK_EQ_INT(s.dropped, 1);
    CHECK_EQ_INT(net.count, 2);
    CHECK_EQ_INT(net.marks[0], 2);
    CHECK_EQ_INT(net.marks[1], 3);
    stream_close(&s);
}

TEST(a_full_queue_drops_the_oldest_data_first)
{
    unsigned pushed = 0;

    net_opened(true);
    net.full = true;
    CHECK_EQ_INT(push_answer(200, 5), 0);
    for (; s.dropped < 3; pushed++)
        CHECK_EQ_INT(push_data(1000, (uint8_t)pushed, 5), 0);
    CHECK(s.queue_len <= STREAM_QUEUE_MAX);
    net.full = false;
    CHECK_EQ_INT(stream_flush(&s, 5), 0);
    CHECK_EQ_INT(net.count, 1 + pushed - 3);
    CHECK_EQ_INT(net.marks[0], 200);
    CHECK_EQ_INT(net.marks[1], 3);
    CHECK_EQ_INT(net.marks[net.count - 1], pushed - 1);
    stream_close(&s);
}

TEST(what_has_begun_goes_out_whole_before_the_next)
{
    net_opened(true);
    net.partly = 1;
    CHECK_EQ_INT(push_data(160, 1, 0), 0);
    CHECK(stream_waits(&s));
    CHECK_EQ_INT(push_data(160, 2, 0), 0);
    CHECK_EQ_INT(stream_flush(&s, 10), 0);
    CHECK_EQ_INT(net.count, 1);
    net.partly = 0;
    net.full = false;
    CHECK_EQ_INT(stream_flush(&s, 10), 0);
    CHECK_EQ_INT(net.count, 2);
    CHECK_EQ_INT(s.dropped, 0);
    CHECK(!stream_waits(&s));
    stream_close(&s);
}

TEST(who_asks_and_does_not_read_is_cut_off)
{
    int err = 0;

    net_opened(false); /* a stranger: at once */
    net.full = true;
    CHECK_EQ_INT(push_answer(1, 0), EAGAIN);
    CHECK(!s.queue);
    stream_close(&s);

    net_opened(true); /* the owner of an allocation: when nothing but answers waits */
    net.full = true;
    CHECK_EQ_INT(push_data(1000, 1, 0), 0);
    for (unsigned i = 0; i < STREAM_QUEUE_MAX && !err; i++)
        err = push_answer(2, 0);
    CHECK_EQ_INT(err, ENOBUFS);
    CHECK_EQ_INT(push_data(1000, 1, 0), 0); /* data is only dropped */
    stream_close(&s);
}

/* A real socket with small buffers: whatever is lost, what arrives is a row of whole messages. */
TEST(a_slow_reader_gets_whole_messages)
{
    static uint8_t wire[1 << 20];
    struct stream in;
    size_t n = 0;
    unsigned sent = 0;

    CHECK_EQ_INT(opened(), 0);
    CHECK(setsockopt(s.fd, SOL_SOCKET, SO_SNDBUF, &(int){4608}, sizeof(int)) == 0);
    for (uint64_t ms = 0; ms < 4000; ms++) {
        CHECK_EQ_INT(push_data(ms % 1400, (uint8_t)ms, ms), 0);
        sent++;
        if (ms % 7 == 0) {
            ssize_t got_n = read(peer, wire + n, 997);

            n += got_n > 0 ? (size_t)got_n : 0;
            CHECK_EQ_INT(stream_flush(&s, ms), 0);
        }
    }
    CHECK(s.dropped > 0);
    for (unsigned i = 0; i < 100 && stream_waits(&s); i++) {
        ssize_t got_n = read(peer, wire + n, sizeof(wire) - n);

        n += got_n > 0 ? (size_t)got_n : 0;
        CHECK_EQ_INT(stream_flush(&s, 4000), 0);
    }
    for (ssize_t got_n; (got_n = read(peer, wire + n, sizeof(wire) - n)) > 0;)
        n += (size_t)got_n;
    stream_open(&in, dup(0), &net_io, NULL);
    in.trusted = true;
    for (size_t at = 0; at < n; at += 1000)
        CHECK_EQ_INT(stream_input(&in, buf, wire + at, n - at < 1000 ? n - at : 1000, message_h, NULL), 0);
    CHECK_EQ_INT(in.part_len, 0);
    CHECK_EQ_INT(got.count, sent - s.dropped);
    stream_close(&in);
    closed();
}

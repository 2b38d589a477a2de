/* The TURN server's connections, with its thread and real sockets: those that are handed over, those who do not read or say nothing of
 * use, and how many one source may have. */
/* TSAN */
#include "live.h"

#include <semaphore.h>
#include <stdatomic.h>

static sem_t gone;
static atomic_uint gone_count;

static void gone_h(void *arg, const struct addr *client)
{
    (void)arg;
    (void)client;
    atomic_fetch_add(&gone_count, 1);
    sem_post(&gone);
}

/* Two ends of a TCP connection. */
static int tcp_pair(int fd[2])
{
    struct sockaddr_in sin;
    socklen_t len = sizeof(sin);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    fd[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    fd[1] = -1;
    if (!bind(listener, &loopback.u.sa, addr_len(&loopback)) && !listen(listener, 1) &&
        !getsockname(listener, (struct sockaddr *)&sin, &len) &&
        !connect(fd[0], (struct sockaddr *)&sin, sizeof(sin)))
        fd[1] = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    close(listener);
    return fd[1] < 0;
}

TEST(an_adopted_connection_goes_on_from_its_early_bytes)
{
    struct turn_stream_in in = {.goneh = gone_h};
    struct client c;
    int fd[2];

    CHECK_EQ_INT(started(49152, 65000), 0);
    sem_init(&gone, 0, 0);
    atomic_store(&gone_count, 0);
    CHECK_EQ_INT(tcp_pair(fd), 0);
    client_init(&c, fd[0], true);
    client_begin(&c, STUN_BINDING);
    in.fd = fd[1];
    in.client = in.local = own;
    in.early = malloc(12); /* the rest comes by the socket */
    in.early_n = 12;
    CHECK(in.early);
    memcpy(in.early, c.out, 12);
    CHECK_EQ_INT(turn_adopt(turn, &in), 0);
    CHECK(send(fd[0], c.out + 12, STUN_HDR_LEN - 12, 0) == STUN_HDR_LEN - 12);
    CHECK(client_read(&c) && !stun_parse(&c.v, c.in, c.in_n) && c.v.cls == STUN_SUCCESS);
    CHECK_EQ_INT(client_allocate(&c), 0);
    close(fd[0]);
    CHECK_EQ_INT(sem_wait(&gone), 0);
    CHECK(figure_reaches("dngate_turn_allocations_total{event=\"closed\"}", 1));

    CHECK_EQ_INT(tcp_pair(fd), 0); /* one that is open when the server ends */
    in.fd = fd[1];
    in.early = NULL;
    CHECK_EQ_INT(turn_adopt(turn, &in), 0);
    stopped();
    CHECK_EQ_INT(atomic_load(&gone_count), 2);
    close(fd[0]);
    sem_destroy(&gone);
}

TEST(who_does_not_speak_turn_is_cut_off)
{
    static const char *const said[] = {"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
                                       "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03------------",
                                       "\x00\x01\x00\x08zzzzzzzzzzzzzzzzzzzz", "REGISTER sip:a SIP/2.0\r\n"};

    CHECK_EQ_INT(started(49152, 65000), 0);
    for (unsigned i = 0; i < 4; i++) {
        struct client c;

        client_init(&c, connected(SOCK_STREAM), true);
        CHECK(send(c.fd, said[i], 20, MSG_NOSIGNAL) == 20);
        CHECK_EQ_INT(client_read(&c), 0);
        close(c.fd);
    }
    CHECK(figure_reaches("dngate_turn_streams_cut_total{reason=\"not_turn\"}", 4));
    CHECK_EQ_INT(figure("dngate_turn_streams{transport=\"tcp\"}"), 0);
    stopped();
}

TEST(one_source_has_so_many_connections_and_no_more)
{
    enum { MORE = 20, MOST = 256 /* STREAMS_PER_SOURCE */ };
    static int fd[MOST + MORE];
    unsigned closed = 0;
    struct client c;

    CHECK_EQ_INT(started(49152, 65000), 0);
    for (unsigned i = 0; i < MOST + MORE; i++)
        CHECK((fd[i] = connected(SOCK_STREAM)) >= 0);
    for (unsigned i = MOST; i < MOST + MORE; i++) {
        char byte;

        closed += readable(fd[i]) && recv(fd[i], &byte, 1, 0) <= 0;
    }
    CHECK_EQ_INT(closed, MORE);
    client_init(&c, fd[0], true);
    CHECK_EQ_INT(client_allocate(&c), 0); /* is no stranger any more: makes room for another */
    c.fd = connected(SOCK_STREAM);
    client_begin(&c, STUN_BINDING);
    *c.nonce = 0;
    CHECK_EQ_INT(client_ask(&c), 0);
    close(c.fd);
    for (unsigned i = 0; i < MOST + MORE; i++)
        close(fd[i]);
    stopped();
}

/* A client who never reads: what is for him is dropped, whole; others are served, and he himself once he reads again. */
TEST(a_slow_reader_delays_nobody)
{
    static uint8_t sound[1200];
    struct client slow, c;
    struct wire_packet p;
    struct addr relayed;

    CHECK_EQ_INT(started(49152, 65000), 0);
    client_init(&slow, connected(SOCK_STREAM), true);
    CHECK_EQ_INT(client_allocate(&slow), 0);
    CHECK(stun_get_xaddr(&slow.v, TURN_XOR_RELAYED_ADDRESS, &relayed));
    CHECK_EQ_INT(client_bind(&slow, &own), 0);
    client_init(&c, connected(SOCK_DGRAM), false);
    do {
        for (unsigned i = 0; i < 100; i++)
            CHECK(wire_send(worker, &own, &relayed, sound, sizeof(sound)));
        client_begin(&c, STUN_BINDING);
        CHECK_EQ_INT(client_ask(&c), 0);
    } while (figure("dngate_turn_dropped_total{reason=\"slow_reader\"}") < 10);
    client_begin(&slow, STUN_BINDING);
    CHECK_EQ_INT(client_ask(&slow), 0); /* whatever was before it came as whole messages */
    CHECK_EQ_INT(wire_read(worker, &p, 1), 0);
    close(slow.fd);
    close(c.fd);
    stopped();
}

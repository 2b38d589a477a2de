/* Sockets in batches: both families on one socket, answers from the address that received. */
#include "net/udp.h"
#include "testing.h"

#include <errno.h>
#include <poll.h>

static struct udp_reader *reader;

static size_t read_soon(struct udp *u)
{
    struct pollfd pfd = {.fd = u->fd, .events = POLLIN};

    return poll(&pfd, 1, 1000) == 1 ? udp_read(reader, u) : 0;
}

/* Reads until `want` packets have come, or none for a second. The last batch stays in the reader. */
static size_t read_count(struct udp *u, size_t want)
{
    size_t got = 0;

    for (size_t n; got < want && (n = read_soon(u)) > 0;)
        got += n;
    return got;
}

/* Sends to `to` from a socket of its own; the server echoes by its queue; says where the echo came from. */
static void echo_from(struct udp *server, const char *to, uint16_t port)
{
    struct udp_queue *q;
    struct addr a, any;
    struct udp client;
    char buf[ADDR_STRLEN];

    CHECK_EQ_INT(addr_parse_ip(&a, to, port), 0);
    CHECK_EQ_INT(addr_parse_ip(&any, addr_af(&a) == AF_INET6 ? "::1" : "127.0.0.1", 0), 0);
    if (udp_bind(&client, &any, false, 0) && addr_af(&a) == AF_INET6)
        return; /* a machine without IPv6 */
    CHECK_EQ_INT(udp_queue_alloc(&q), 0);
    for (int i = 0; i < 3; i++)
        CHECK_EQ_INT(udp_transmit(&client, (const uint8_t *)"hello", 5, NULL, &a), 0);
    size_t got = 0;
    for (size_t n; got < 3 && (n = read_soon(server)) > 0; got += n)
        for (size_t i = 0; i < n; i++) {
            struct udp_packet *pkt = udp_packet(reader, i);

            CHECK_EQ_INT(pkt->n, 5);
            memcpy(udp_queue_room(q), pkt->p, pkt->n);
            CHECK_EQ_INT(udp_queue_push(q, server, pkt->n, &pkt->local, &pkt->src), 0);
        }
    CHECK_EQ_INT(got, 3);
    udp_queue_flush(q);
    CHECK_EQ_INT(read_count(&client, 3), 3);
    CHECK_STR(addr_ip(&udp_packet(reader, 0)->src, buf, sizeof(buf)), to);
    udp_queue_free(q);
    udp_close(&client);
}

TEST(answers_come_from_the_address_that_received)
{
    struct udp server;
    struct addr any;

    CHECK_EQ_INT(udp_reader_alloc(&reader), 0);
    CHECK_EQ_INT(addr_parse_ip(&any, "0.0.0.0", 0), 0);
    CHECK_EQ_INT(udp_bind(&server, &any, true, 1 << 20), 0);
    echo_from(&server, "127.0.0.1", udp_port(&server));
    echo_from(&server, "127.0.0.7", udp_port(&server));
    if (server.in6)
        echo_from(&server, "::1", udp_port(&server));
    udp_close(&server);
    CHECK_EQ_INT(udp_bind(&server, &any, false, 0), 0);
    CHECK(!server.in6);
    echo_from(&server, "127.0.0.7", udp_port(&server));
    udp_close(&server);
    udp_reader_free(reader);
}

TEST(one_packet_that_cannot_go_does_not_hold_up_the_others)
{
    struct addr any, bad, to;
    struct udp server, client;
    struct udp_queue *q;

    CHECK_EQ_INT(udp_reader_alloc(&reader), 0);
    CHECK_EQ_INT(addr_parse_ip(&any, "127.0.0.1", 0), 0);
    CHECK_EQ_INT(udp_bind(&server, &any, false, 0), 0);
    CHECK_EQ_INT(udp_bind(&client, &any, false, 0), 0);
    CHECK_EQ_INT(addr_parse_ip(&to, "127.0.0.1", udp_port(&client)), 0);
    CHECK_EQ_INT(addr_parse_ip(&bad, "255.255.255.255", 9), 0); /* no broadcast is allowed */
    CHECK_EQ_INT(udp_queue_alloc(&q), 0);
    for (int i = 0; i < 150; i++) { /* more than a batch */
        udp_queue_room(q)[0] = (uint8_t)i;
        CHECK_EQ_INT(udp_queue_push(q, &server, 1, NULL, i % 10 == 3 ? &bad : &to), 0);
    }
    udp_queue_flush(q);
    CHECK_EQ_INT(read_count(&client, 135), 135);
    CHECK_EQ_INT(udp_read(reader, &client), 0);
    udp_queue_free(q);
    udp_reader_free(reader);
    udp_close(&server);
    udp_close(&client);
}

TEST(each_packet_of_a_queue_leaves_by_its_own_socket)
{
    struct udp from[3], client;
    struct udp_queue *q;
    struct addr any, to, v6;
    unsigned left[3] = {20, 30, 50}, order[] = {0, 0, 1, 2, 2, 2, 1, 0}, n = 0;

    CHECK_EQ_INT(udp_reader_alloc(&reader), 0);
    CHECK_EQ_INT(addr_parse_ip(&any, "127.0.0.1", 0), 0);
    CHECK_EQ_INT(addr_parse_ip(&v6, "::1", 9), 0);
    CHECK_EQ_INT(udp_bind(&client, &any, false, 0), 0);
    CHECK_EQ_INT(addr_parse_ip(&to, "127.0.0.1", udp_port(&client)), 0);
    for (int i = 0; i < 3; i++)
        CHECK_EQ_INT(udp_bind(&from[i], &any, false, 0), 0);
    CHECK_EQ_INT(udp_queue_alloc(&q), 0);
    for (unsigned i = 0; n < 100; i++) {
        unsigned who = order[i % 8];

        if (!left[who])
            continue;
        left[who]--;
        n++;
        udp_queue_room(q)[0] = (uint8_t)who;
        CHECK_EQ_INT(udp_queue_push(q, &from[who], 1, NULL, &to), 0);
    }
    udp_queue_room(q)[0] = 9;
    CHECK_EQ_INT(udp_queue_push(q, &from[0], 1, NULL, &v6), EAFNOSUPPORT);
    CHECK_EQ_INT(udp_queue_push(q, NULL, 1, NULL, &to), EAFNOSUPPORT);
    udp_queue_flush(q);
    for (size_t got = 0, batch; got < 100; got += batch) {
        batch = read_soon(&client);
        for (size_t i = 0; i < batch; i++) {
            const struct udp_packet *pkt = udp_packet(reader, i);

            CHECK_EQ_INT(addr_port(&pkt->src), udp_port(&from[pkt->p[0]]));
        }
        if (!batch)
            break;
    }
    CHECK_EQ_INT(udp_read(reader, &client), 0);
    CHECK_EQ_INT(from[0].out.packets, 20);
    CHECK_EQ_INT(from[1].out.packets, 30);
    CHECK_EQ_INT(from[2].out.packets, 50);
    udp_queue_free(q);
    udp_reader_free(reader);
    for (int i = 0; i < 3; i++)
        udp_close(&from[i]);
    udp_close(&client);
}

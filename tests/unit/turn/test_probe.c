/* What looks from outside in takes no answer for another one. */
#include "turn/probe.h"
#include "stun/stun.h"
#include "turn/codec.h"
#define TESTING_NO_OOM "nothing here allocates"
#include "testing.h"

#include <errno.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { QUESTIONS = 3 /* Binding, Allocate, Refresh */ };

static int fd;
static struct addr server, seen, relayed;

static void answer(const struct stun_view *v, const struct sockaddr *to, socklen_t to_len)
{
    uint8_t msg[STUN_MSG_MAX];
    struct stun_writer w;
    size_t n;

    stun_begin(&w, msg, sizeof(msg), v->method, STUN_SUCCESS, v->tid);
    stun_put_xaddr(&w, v->method == TURN_ALLOCATE ? TURN_XOR_RELAYED_ADDRESS : STUN_XOR_MAPPED_ADDRESS,
                   v->method == TURN_ALLOCATE ? &relayed : &seen);
    for (int i = 0; !stun_end(&w, &n) && i < 2; i++) /* as networks do that have a packet twice */
        (void)sendto(fd, msg, n, 0, to, to_len);
}

static void *server_main(void *arg)
{
    uint8_t msg[STUN_MSG_MAX];
    struct stun_view v;

    for (int i = 0; i < QUESTIONS; i++) {
        struct sockaddr_storage from;
        socklen_t len = sizeof(from);
        ssize_t n = recvfrom(fd, msg, sizeof(msg), 0, (struct sockaddr *)&from, &len);

        if (n > 0 && !stun_parse(&v, msg, (size_t)n))
            answer(&v, (struct sockaddr *)&from, len);
    }
    return arg;
}

TEST(an_answer_that_comes_twice_is_none_to_the_next_question)
{
    const struct timeval patience = {.tv_sec = 10};
    struct turn_probe p = {.way = TURN_PROBE_UDP, .name = "somebody", .password = "secret"};
    struct turn_probe_found found;
    struct sockaddr_in at = {0};
    socklen_t len = sizeof(at);
    pthread_t thread;

    fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    CHECK(fd >= 0 && !addr_parse_ip(&server, "127.0.0.1", 0));
    CHECK(!addr_parse_ip(&seen, "203.0.113.7", 40000) && !addr_parse_ip(&relayed, "203.0.113.10", 50000));
    CHECK(!setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)));
    CHECK(!bind(fd, &server.u.sa, addr_len(&server)) && !getsockname(fd, (struct sockaddr *)&at, &len));
    addr_set_port(&server, ntohs(at.sin_port));
    p.server = server;
    CHECK(!pthread_create(&thread, NULL, server_main, NULL));
    CHECK_EQ_INT(turn_probe(&p, &found), 0);
    pthread_join(thread, NULL);
    close(fd);
    CHECK(addr_eq(&found.mapped, &seen) && addr_eq(&found.relayed, &relayed));
}

/* The doctor's questions to a trunk: each address of its name is asked, and one that answers is enough. */
#include "cmd/check.h"
#include "conf/conf.h"
#include "core/clock.h"
#include "store/trunk.h"
#include "testing.h"

#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

enum { END_MS = 20000 };

static int listener;

/* A SIP Server that answers whatever comes first. */
static void *serve(void *arg)
{
    static const char ok[] = "SIP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n";
    char request[2048];
    int fd = accept(listener, NULL, NULL);

    (void)arg;
    if (fd >= 0 && recv(fd, request, sizeof(request), 0) > 0)
        (void)send(fd, ok, sizeof(ok) - 1, MSG_NOSIGNAL);
    close(fd);
    return NULL;
}

/* A socket that is bound to a free port there; nobody else listens at it, and it does not either yet. */
static int bound(const char *ip, struct addr *a)
{
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_storage ss;
    socklen_t len = sizeof(ss);

    (void)addr_parse_ip(a, ip, 0);
    if (bind(fd, &a->u.sa, addr_len(a)) || getsockname(fd, (struct sockaddr *)&ss, &len)) {
        close(fd);
        return -1;
    }
    addr_set_sockaddr(a, (struct sockaddr *)&ss);
    return fd;
}

static bool found(const struct check *ck, size_t i, enum check_level level, const struct addr *a,
                  const char *says)
{
    char text[ADDR_STRLEN];

    return i < ck->count && ck->found[i].level == level && !strcmp(ck->found[i].topic, "trunk t") &&
           strstr(ck->found[i].text, addr_str(a, text, sizeof(text))) && strstr(ck->found[i].text, says);
}

static void forget(struct check *ck)
{
    for (size_t i = 0; i < ck->count; i++)
        free((char *)ck->found[i].topic);
    free(ck->found);
    ck->found = NULL;
    ck->count = ck->size = 0;
}

TEST(each_address_of_a_name_is_asked)
{
    const struct trunk t = {.name = "t", .host = "sip.example", .transport = TRUNK_TCP};
    struct check ck = {0};
    struct addr v[2], other;
    int silent[2];
    pthread_t thread;

    CHECK_EQ_INT(conf_alloc(&ck.conf), 0);
    silent[0] = bound("127.0.0.1", &v[0]);
    silent[1] = bound("127.0.0.1", &other);
    listener = bound("127.0.0.2", &v[1]);
    CHECK(silent[0] >= 0 && silent[1] >= 0 && listener >= 0 && !listen(listener, 4));
    CHECK(!pthread_create(&thread, NULL, serve, NULL));
    check_options(&ck, &t, v, 2, clock_ms() + END_MS);
    pthread_join(thread, NULL);
    CHECK(ck.count == 2 && found(&ck, 0, CHECK_WARN, &v[0], "nothing listens there") &&
          found(&ck, 1, CHECK_OK, &v[1], "answers OPTIONS with 200"));
    forget(&ck);
    v[1] = other;
    check_options(&ck, &t, v, 2, clock_ms() + END_MS);
    CHECK(ck.count == 2 && found(&ck, 0, CHECK_FAIL, &v[0], "nothing listens there") &&
          found(&ck, 1, CHECK_FAIL, &v[1], "nothing listens there"));
    forget(&ck);
    check_options(&ck, &t, v, 2, 0); /* the time of all is over: one is asked all the same */
    CHECK(ck.count == 2 && found(&ck, 0, CHECK_FAIL, &v[0], "nothing") &&
          found(&ck, 1, CHECK_INFO, &v[1], "not asked"));
    forget(&ck);
    conf_free(ck.conf);
    close(listener);
    close(silent[0]);
    close(silent[1]);
}

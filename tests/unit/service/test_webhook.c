/* URLs of a webhook: what is taken apart how, and what is none; and a peer who never comes to an end. */
#include "service/webhook.h"
#include "core/clock.h"
#define TESTING_NO_OOM "nothing here allocates"
#include "testing.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

static struct webhook_url u;

static bool is(const char *url, bool tls, const char *host, uint16_t port, const char *target)
{
    CHECK_OR(!webhook_url_parse(&u, url), return false);
    return u.tls == tls && !strcmp(u.host, host) && u.port == port && !strcmp(u.target, target);
}

TEST(a_url_is_taken_apart)
{
    CHECK(is("https://hooks.example/a/b?c=d", true, "hooks.example", 443, "/a/b?c=d"));
    CHECK(is("http://hooks.example", false, "hooks.example", 80, "/"));
    CHECK(is("http://hooks.example?x", false, "hooks.example", 80, "/?x"));
    CHECK(is("https://192.0.2.1:8443/", true, "192.0.2.1", 8443, "/"));
    CHECK(is("https://[2001:db8::1]:1/x", true, "2001:db8::1", 1, "/x"));
    CHECK(is("https://[2001:db8::1]/x", true, "2001:db8::1", 443, "/x"));
}

TEST(what_is_no_url_is_refused)
{
    static const char *const bad[] = {"",
                                      "hooks.example",
                                      "ftp://hooks.example/",
                                      "https://",
                                      "https:///x",
                                      "https://user:pw@hooks.example/",
                                      "https://h:0/",
                                      "https://h:65536/",
                                      "https://h:/",
                                      "https://h:1x/",
                                      "https://h/#x",
                                      "https://h/a b",
                                      "https://h/\r\nX: y",
                                      "https://[::1/",
                                      "https://[h]/",
                                      "https://h\x80/"};
    char longest[WEBHOOK_URL_MAX + 16];

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        CHECK_EQ_INT(webhook_url_parse(&u, bad[i]), EINVAL);
    memset(longest, 'a', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    memcpy(longest, "https://h/", 10);
    CHECK_EQ_INT(webhook_url_parse(&u, longest), EINVAL);
}

/* A byte each 200 ms, none of which ends the line. */
static void *drip_main(void *arg)
{
    const int fd = accept(*(int *)arg, NULL, NULL);

    while (fd >= 0 && send(fd, "H", 1, MSG_NOSIGNAL) == 1)
        (void)poll(NULL, 0, 200);
    if (fd >= 0)
        close(fd);
    return NULL;
}

TEST(who_answers_a_byte_now_and_then_is_given_up_in_time)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    char url[64], why[128] = "";
    pthread_t thread;
    uint64_t begin;

    CHECK_OR(fd >= 0 && !bind(fd, (struct sockaddr *)&at, sizeof(at)) && !listen(fd, 1) &&
                 !getsockname(fd, (struct sockaddr *)&at, &len),
             return );
    begin = clock_ms();
    snprintf(url, sizeof(url), "http://127.0.0.1:%u/", ntohs(at.sin_port));
    CHECK(!webhook_url_parse(&u, url));
    CHECK_OR(!pthread_create(&thread, NULL, drip_main, &fd), return );
    CHECK_EQ_INT(webhook_post(&u, "", "{}", 2, why, sizeof(why)), EPROTO);
    CHECK_STR(why, "127.0.0.1 gives no answer");
    CHECK(clock_ms() - begin >= WEBHOOK_S * 1000);
    pthread_join(thread, NULL);
    close(fd);
}

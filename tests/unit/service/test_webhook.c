/* URLs of a webhook: what is taken apart how, and what is none. */
#include "service/webhook.h"
#define TESTING_NO_OOM "nothing here allocates"
#include "testing.h"

#include <errno.h>

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

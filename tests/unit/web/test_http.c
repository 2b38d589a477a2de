/* The pure parts of web/: request heads, paths, hosts, origins, sources' limits, frames to the client. */
#include "testing.h"
#include "web/http.h"
#include "web/origin.h"
#include "web/source.h"
#include "web/wsframe.h"
#include <errno.h>

static int path(const char *raw, char out[64])
{
    return http_path_decode(out, 64, raw, strlen(raw));
}

TEST(paths_are_decoded_once_and_cannot_climb)
{
    static const char *const bad[] = {"",        "x",     "/%",      "/%4",   "/%zz",  "/%00",   "/%2f",
                                      "/a\\b",   "/%5c",  "/..",     "/../x", "/a/..", "/a/./b", "/.",
                                      "/%2e%2e", "/%2E/", "/a/%2e.", "/\x7f", "/%0a"};
    char out[64], longest[80];

    CHECK_EQ_INT(path("/a%20b/%41", out), 0);
    CHECK_STR(out, "/a b/A");
    CHECK_EQ_INT(path("/%2541", out), 0);
    CHECK_STR(out, "/%41");
    CHECK_EQ_INT(path("/.well-known/..a/a..", out), 0);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (path(bad[i], out) != EBADMSG)
            testing_fail(__FILE__, __LINE__, "accepted: %s", bad[i]);
    memset(longest, 'a', 64);
    longest[0] = '/';
    CHECK_EQ_INT(http_path_decode(out, 64, longest, 63), 0);
    CHECK_EQ_INT(http_path_decode(out, 64, longest, 64), EOVERFLOW);
}

TEST(a_head_ends_at_the_blank_line_however_it_is_cut)
{
    const char *text = "GET / HTTP/1.1\r\nHost: a\r\n\r\nBODY";
    size_t len = strlen(text), scan = 0, end = 0;
    int bad = 0;

    for (size_t n = 1; n <= len && !end; n++)
        end = http_head_find(text, n, &scan, &bad);
    CHECK_EQ_INT(end, len - 4);
    scan = 0;
    CHECK_EQ_INT(http_head_find("GET / HTTP/1.1\n", 15, &scan, &bad), 0);
    CHECK_EQ_INT(bad, 400);
}

TEST(fields_are_found_trimmed_and_bounded)
{
    char text[8192] =
        "POST /p?q=1&r HTTP/1.1\r\nhOST: [fd00::1]:8443\r\nContent-Length: 7\r\nConnection: close, x\r\n"
        "X-A:\t v w \t\r\n\r\n";
    struct http_head h;
    size_t n;

    CHECK_EQ_INT(http_head_decode(&h, text, strlen(text)), 0);
    CHECK_EQ_INT(h.method, HTTP_POST);
    CHECK_STR(h.path, "/p");
    CHECK_STR(h.query, "q=1&r");
    CHECK_STR(h.host, "[fd00::1]:8443");
    CHECK_STR(http_field(&h, "x-a"), "v w");
    CHECK_STR(http_field(&h, "absent"), "");
    CHECK_EQ_INT(h.length, 7);
    CHECK(!h.keep_alive);
    n = (size_t)snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost: a\r\n");
    for (int i = 0; i < HTTP_FIELDS_MAX; i++)
        n += (size_t)snprintf(text + n, sizeof(text) - n, "X: %d\r\n", i);
    n += (size_t)snprintf(text + n, sizeof(text) - n, "\r\n");
    CHECK_EQ_INT(http_head_decode(&h, text, n), 431);
}

TEST(lists_and_hosts)
{
    char text[] =
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, upgraded, xclose\r\nTe: a;q=1 ,b\r\nTe:\r\n"
        "connection: Upgrade\r\n\r\n",
         two[] = "GET / HTTP/1.1\r\nHost: a\r\nOrigin: https://a\r\nOrigin: https://b\r\n\r\n";
    struct http_head h;

    CHECK_EQ_INT(http_head_decode(&h, two, strlen(two)), 400);
    CHECK_EQ_INT(http_head_decode(&h, text, strlen(text)), 0);
    CHECK(http_has(&h, "connection", "upgrade") && http_has(&h, "connection", "Keep-Alive") && h.keep_alive);
    CHECK(http_has(&h, "te", "a") && http_has(&h, "te", "b") && !http_has(&h, "te", "q=1"));
    CHECK(!http_has(&h, "connection", "close") && !http_has(&h, "te", "") && !http_has(&h, "absent", "a"));
    CHECK(http_host_valid("gw.example:8443") && http_host_valid("[::1]") && http_host_valid("10.0.0.1"));
    CHECK(!http_host_valid("") && !http_host_valid("a:") && !http_host_valid("a:123456") &&
          !http_host_valid("a:8x"));
    CHECK(!http_host_valid("a b") && !http_host_valid("a/b") && !http_host_valid("u@a") &&
          !http_host_valid("[::1"));
    CHECK(!http_host_valid("[::1]x") && !http_host_valid(":80"));
}

TEST(origins)
{
    const uint16_t ports[] = {8443, 8089};

    CHECK(origin_allowed("", false, "gw", NULL, 0, "") && !origin_allowed("", true, "gw", NULL, 0, ""));
    CHECK(!origin_allowed("null", false, "gw", NULL, 0, "") &&
          !origin_allowed("https://x", false, "gw", NULL, 0, ""));
    CHECK(origin_allowed("https://gw", true, "gw", NULL, 0, ""));
    CHECK(origin_allowed("https://gw:443", true, "gw", NULL, 0, ""));
    CHECK(origin_allowed("https://gw:8443", true, "gw:8089", ports, 2, ""));
    CHECK(origin_allowed("https://[fd00::1]:8443", true, "[FD00::1]:8443", NULL, 0, ""));
    CHECK(!origin_allowed("https://gw", true, "gw:8443", ports, 2, ""));
    CHECK(!origin_allowed("https://gw:8443", true, "gw2:8443", ports, 2, ""));
    CHECK(!origin_allowed("https://gw:8443/", true, "gw:8443", ports, 2, ""));
    CHECK(!origin_allowed("https://u@gw:8443", true, "gw:8443", ports, 2, ""));
    CHECK(!origin_allowed("https://gw:0", true, "gw:0", NULL, 0, ""));
    CHECK(!origin_allowed("https://gw:65979", true, "gw", NULL, 0, "")); /* 443 + 65536 */
    CHECK(origin_allowed("https://crm.example", true, "gw", NULL, 0, "x, https://crm.example/ y:1"));
    CHECK(origin_allowed("https://CRM.example:9", true, "gw", NULL, 0, "crm.example:9"));
    CHECK(!origin_allowed("https://crm.example", true, "gw", NULL, 0, "https://crm.example.evil"));
}

TEST(a_source_has_a_bucket_and_a_number_of_connections)
{
    struct sources *s;
    struct addr a, same64, other;
    uint32_t retry;
    int n;

    CHECK_EQ_INT(sources_alloc(&s, 10, 2), 0);
    addr_parse_ip(&a, "2001:db8::1", 1);
    addr_parse_ip(&same64, "2001:db8::ffff", 2);
    addr_parse_ip(&other, "2001:db8:0:1::1", 1);
    CHECK_EQ_INT(source_enter(s, &a, false), 0);
    CHECK_EQ_INT(source_enter(s, &same64, false), 0);
    CHECK_EQ_INT(source_enter(s, &a, false), EUSERS);
    CHECK_EQ_INT(source_enter(s, &other, false), 0);
    source_leave(s, &same64, false);
    CHECK_EQ_INT(source_enter(s, &a, false), 0);
    for (n = 0; source_request(s, &a, 1000, &retry); n++)
        ;
    CHECK_EQ_INT(n, 40);
    CHECK(!source_request(s, &a, 1050, &retry) && retry >= 1);
    CHECK(source_request(s, &a, 1110, &retry));
    CHECK(source_request(s, &other, 1110, &retry));
    source_leave(s, &other, false);
    CHECK_EQ_INT(sources_sweep(s, 1110), 2);   /* other's bucket is not full again */
    CHECK_EQ_INT(sources_sweep(s, 100000), 1); /* a has connections */
    sources_free(s);
}

TEST(frames_to_the_client)
{
    static char text[70000];
    struct buf b;

    memset(text, 'x', sizeof(text));
    buf_init(&b, 200000);
    CHECK_EQ_INT(ws_encode(&b, WS_OP_TEXT, text, 125), 0);
    CHECK_MEM(b.data, "\x81\x7d", 2);
    CHECK_EQ_INT(b.len, 127);
    buf_clear(&b);
    CHECK_EQ_INT(ws_encode(&b, WS_OP_BINARY, text, 126), 0);
    CHECK_MEM(b.data, "\x82\x7e\x00\x7e", 4);
    buf_clear(&b);
    CHECK_EQ_INT(ws_encode(&b, WS_OP_TEXT, text, 65536), 0);
    CHECK_MEM(b.data, "\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00", 10);
    buf_clear(&b);
    CHECK_EQ_INT(ws_encode_close(&b, 4003, text), 0); /* the reason is cut to fit */
    CHECK_EQ_INT(b.len, 127);
    buf_reset(&b);
    buf_init(&b, 20);
    CHECK_EQ_INT(ws_encode(&b, WS_OP_TEXT, text, 30), EMSGSIZE);
    CHECK_EQ_INT(b.len, 0);
    buf_reset(&b);
}

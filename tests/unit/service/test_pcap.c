/* Capture files: whole blocks, true addresses, a Content-Length that fits what is left. */
#include "core/buf.h"
#include "core/json.h"
#include "service/pcap.h"
#include "testing.h"

#include <errno.h>

static const char trace[] =
    "{\"id\":\"01a\",\"from_ms\":1700000000000,\"events\":["
    "{\"t_ms\":1,\"leg\":\"gateway\",\"kind\":\"state\",\"direction\":\"\",\"title\":\"calling\"},"
    "{\"t_ms\":2,\"leg\":\"browser\",\"kind\":\"sip\",\"direction\":\"in\",\"title\":\"INFO\",\"text\":"
    "\"INFO sip:x SIP/2.0\\r\\n"
    "Content-Length: 24\\r\\n\\r\\n(not "
    "shown)\\r\\n\",\"from\":\"192.0.2.1:5061\",\"to\":\"192.0.2.2:443\",\"transport\":\"WS\"},"
    "{\"t_ms\":3,\"leg\":\"trunk\",\"kind\":\"sip\",\"direction\":\"out\",\"title\":\"BYE\",\"text\":\"BYE "
    "sip:y SIP/2.0\\r\\n\\r\\n\","
    "\"from\":\"[2001:db8::1]:5060\",\"to\":\"[2001:db8::2]:5060\",\"transport\":\"UDP\"},"
    "{\"t_ms\":4,\"leg\":\"trunk\",\"kind\":\"sip\",\"direction\":\"out\",\"title\":\"BYE\",\"text\":\"BYE\","
    "\"from\":\"nowhere\",\"to\":\"[::1]:1\"}]}";

static uint32_t u32(const struct buf *b, size_t at)
{
    uint32_t v;

    memcpy(&v, b->data + at, sizeof(v));
    return v;
}

static bool has(const struct buf *b, const char *part)
{
    return memmem(b->data, b->len, part, strlen(part)) != NULL;
}

TEST(messages_are_packets_and_the_rest_is_comments)
{
    struct json *j = NULL;
    struct buf out;
    size_t blocks = 0, packets[4] = {0}, n = 0;
    int err;

    buf_init(&out, 100000);
    err = json_parse(&j, trace, sizeof(trace) - 1, NULL, 0);
    if (!err)
        err = pcap_write(&out, json_root(j));
    json_free(j);
    if (err) {
        CHECK_EQ_INT(err, ENOMEM);
        buf_reset(&out);
        return;
    }
    for (size_t at = 0; at < out.len; at += u32(&out, at + 4), blocks++) {
        CHECK(out.len - at >= 12 && u32(&out, at + 4) <= out.len - at);
        CHECK_EQ_INT(u32(&out, at + u32(&out, at + 4) - 4), u32(&out, at + 4));
        if (u32(&out, at) == 6 && n < 4)
            packets[n++] = at;
    }
    CHECK_EQ_INT(blocks, 4);
    CHECK_EQ_INT(n, 2);
    CHECK_EQ_INT(((uint64_t)u32(&out, packets[0] + 12) << 32) + u32(&out, packets[0] + 16), 1700000000002000);
    CHECK(!memcmp(out.data + packets[0] + 28, "\x45", 1) &&
          !memcmp(out.data + packets[0] + 28 + 12, "\xc0\x00\x02\x01\xc0\x00\x02\x02", 8));
    CHECK(!memcmp(out.data + packets[1] + 28, "\x60", 1));
    CHECK(has(&out, "Content-Length: 13\r\n\r\n(not shown)\r\n"));
    CHECK(has(&out, "1 ms, gateway: calling\nbrowser leg, in truth by WS"));
    buf_reset(&out);
}

TEST(what_is_no_trace_is_refused)
{
    struct json *j = NULL;
    struct buf out;

    buf_init(&out, 1000);
    if (!json_parse(&j, "{\"id\":\"x\"}", 10, NULL, 0))
        CHECK_EQ_INT(pcap_write(&out, json_root(j)), EBADMSG);
    json_free(j);
    buf_reset(&out);
}

/* A message of RFC 5424 with its length before it (RFC 5425). */
#include "service/syslog.h"
#include "testing.h"

#include <stdlib.h>
#include <string.h>

TEST(an_entry_is_one_message_of_the_length_that_it_says)
{
    const struct audit_entry e = {.id = 7,
                                  .time_ms = 1764318900123,
                                  .who = "ada \"x\"\n",
                                  .via = "console",
                                  .address = "192.0.2.7",
                                  .noun = "dn",
                                  .key = "5001",
                                  .what = "dn 5001 changed",
                                  .reason = "Zo\xc3\xab",
                                  .before = "{\"name\":\"Ada\"}",
                                  .after = ""};
    const char *text;
    struct buf b;
    char *rest;

    buf_init(&b, 4096);
    syslog_format(&b, &e, "gw1", 42);
    CHECK_EQ_INT(b.err, 0);
    CHECK_EQ_INT(strtol(b.data, &rest, 10), strlen(b.data) - strcspn(b.data, " ") - 1);
    text = "<109>1 2025-11-28T08:35:00.123Z gw1 dngate 42 audit - "
           "{\"time\":\"2025-11-28T08:35:00.123Z\",\"id\":7,"
           "\"who\":\"ada "
           "\\\"x\\\"\\n\",\"via\":\"console\",\"address\":\"192.0.2.7\",\"noun\":\"dn\",\"key\":\"5001\","
           "\"what\":\"dn 5001 "
           "changed\",\"before\":{\"name\":\"Ada\"},\"after\":null,\"reason\":\"Zo\xc3\xab\"}";
    CHECK_STR(rest + 1, text);
    buf_reset(&b);
}

TEST(what_is_too_long_is_no_message)
{
    struct audit_entry e = {.who = "a", .before = "{}", .after = "{}"};
    struct buf b;

    buf_init(&b, 64);
    syslog_format(&b, &e, "gw1", 42);
    CHECK(b.err != 0);
    buf_reset(&b);
}

/* The audit in words and as a table. */
#include "service/audit.h"
#include "testing.h"

#include <string.h>

static char text[2048];

static const char *change(const char *before, const char *after)
{
    struct audit_entry e = {.key = "5001", .before = before, .after = after};
    struct buf b;

    buf_init(&b, sizeof(text) - 1);
    service_audit_change(&b, &e);
    snprintf(text, sizeof(text), "%s", b.data ? b.data : "");
    buf_reset(&b);
    return text;
}

TEST(a_change_is_told_in_words)
{
    CHECK_STR(change("{\"dn\":\"5001\",\"name\":\"Ada\",\"enabled\":true,\"n\":1}",
                     "{\"dn\":\"5001\",\"name\":\"Eve\",\"enabled\":false,\"n\":2}"),
              "name Ada → Eve, enabled yes → no, n 1 → 2");
    CHECK_STR(change("", "{\"dn\":\"5001\",\"name\":\"\",\"codec\":\"auto\"}"), "codec auto");
    CHECK_STR(change("{\"dn\":\"5001\",\"codec\":\"auto\"}", ""), "codec auto");
    CHECK_STR(change("{\"name\":\"Ada\"}", "{\"name\":\"\"}"), "name Ada → \"\"");
    CHECK_STR(change("", ""), "");
    CHECK_STR(change("{broken", "{}"), "");
    CHECK_STR(change("{\"list\":[1]}", "{\"list\":[2]}"), "");
}

TEST(foreign_text_is_no_formula_in_a_table)
{
    const struct audit_entry e = {.id = 7,
                                  .time_ms = 1,
                                  .who = "=cmd|' /C calc'!A0",
                                  .what = "two\nlines, \"quoted\"",
                                  .before = "",
                                  .after = "{\"a\":1}"};
    struct buf b;

    buf_init(&b, sizeof(text));
    service_audit_csv(&b, NULL);
    service_audit_csv(&b, &e);
    CHECK_STR(b.data, "id,time,who,via,address,noun,key,what,before,after,reason\r\n"
                      "7,1970-01-01T00:00:00.001Z,'=cmd|' /C calc'!A0,,,,,\"two\nlines, "
                      "\"\"quoted\"\"\",,\"{\"\"a\"\":1}\",\r\n");
    buf_reset(&b);
}

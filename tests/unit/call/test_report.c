/* What a page says of its call: figures that can be, or nothing. */
#include "call/report.h"
#include "testing.h"

#include <errno.h>

static int decode(struct call_report *r, const char *text)
{
    return call_report_decode(r, text, strlen(text));
}

TEST(a_report_is_read)
{
    struct call_report r;

    CHECK_EQ_INT(decode(&r, "{\"mos\":4.25,\"loss\":0.5,\"jitter\":3,\"rtt\":14,\"far\":1,\"later\":\"x\"}"),
                 0);
    CHECK(r.mos == 4.25 && r.loss_percent == 0.5 && r.jitter_ms == 3 && r.rtt_ms == 14 &&
          r.far_loss_percent == 1);
    CHECK_EQ_INT(decode(&r, "{}"), 0);
    CHECK(r.mos == 0 && r.time_ms == 0);
}

TEST(what_cannot_be_is_refused)
{
    static const char *const bad[] = {"",
                                      "[]",
                                      "{",
                                      "{\"mos\":6}",
                                      "{\"mos\":\"4\"}",
                                      "{\"loss\":-1}",
                                      "1",
                                      "{\"loss\":101}",
                                      "{\"rtt\":1e9}",
                                      "{\"jitter\":null}"};
    char big[CALL_REPORT_MAX + 2];
    struct call_report r;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        CHECK_EQ_INT(decode(&r, bad[i]), EBADMSG);
    memset(big, ' ', sizeof(big));
    CHECK_EQ_INT(call_report_decode(&r, big, sizeof(big)), EMSGSIZE);
}

TEST(what_no_new_one_follows_is_not_of_now)
{
    struct call_report r = {.mos = 4};

    CHECK(!call_report_fresh(&r, 1000000));
    r.time_ms = 1000000;
    CHECK(call_report_fresh(&r, 1000000) && call_report_fresh(&r, 1020000));
    CHECK(!call_report_fresh(&r, 1060000));
}

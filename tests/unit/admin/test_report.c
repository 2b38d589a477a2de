/* What a page says that it has found: taken as ours, or refused with the name of what is wrong. */
#include "admin/report.h"
#include "core/buf.h"
#include "core/json.h"
#include "core/utf8.h"
#include "testing.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct selftest t;
static char why[REPORT_WHY_MAX];

static int take(const char *text)
{
    struct json *doc;
    int err;

    memset(&t, 0, sizeof(t));
    if (json_parse(&doc, text, strlen(text), why, sizeof(why)))
        return -1;
    err = report_read(&t, json_root(doc), why);
    json_free(doc);
    return err;
}

TEST(a_report_is_written_again_as_ours)
{
    CHECK_EQ_INT(
        take("{\"tests\":[{\"result\":\"good\",\"name\":\"echo\",\"figures\":{\"rtt_ms\":1.25,\"path\":"
             "\"relay_tls\",\"level_db\":-20,\"mos_up\":4}},{\"name\":\"ring\",\"result\":\"skipped\","
             "\"detail\":\"You  did\\tnot \\\"hear\\\" it\\u202e.\\n\"}],\"verdict\":\"fair\","
             "\"browser\":\"Chromium 128\",\"system\":\"Linux\"}"),
        0);
    CHECK_STR(t.browser, "Chromium 128");
    CHECK_STR(t.system, "Linux");
    CHECK_STR(t.verdict, "fair");
    CHECK_STR(t.tests, "[{\"name\":\"echo\",\"result\":\"good\",\"detail\":\"\",\"figures\":{\"rtt_ms\":1.25,"
                       "\"path\":\"relay_tls\",\"level_db\":-20,\"mos_up\":4}},{\"name\":\"ring\",\"result\":"
                       "\"skipped\",\"detail\":\"You did not \\\"hear\\\" it.\"}]");
}

TEST(what_is_wrong_is_named)
{
    static const struct {
        const char *text, *why;
    } wrong[] = {
        {"[]", "report must be an object"},
        {"{\"verdict\":\"good\"}", "tests must be a list of one to nine tests"},
        {"{\"verdict\":\"good\",\"tests\":[]}", "tests must be a list of one to nine tests"},
        {"{\"verdict\":\"great\",\"tests\":[]}", "there is no verdict \"great\""},
        {"{\"verdict\":\"skipped\",\"tests\":[]}", "there is no verdict \"skipped\""},
        {"{\"verdict\":7,\"tests\":[]}", "there is no verdict \"?\""},
        {"{\"verdict\":\"good\",\"extra\":1,\"tests\":[]}", "a report has no member \"extra\""},
        {"{\"verdict\":\"good\",\"tests\":[7]}", "a test must be an object"},
        {"{\"verdict\":\"good\",\"tests\":[{\"name\":\"nose\",\"result\":\"good\"}]}",
         "there is no test \"nose\""},
        {"{\"verdict\":\"good\",\"tests\":[{\"name\":\"a\\u202e\\u0007b\",\"result\":\"good\"}]}",
         "there is no test \"ab\""},
        {"{\"verdict\":\"good\",\"tests\":[{\"result\":\"good\"}]}", "there is no test \"?\""},
        {"{\"verdict\":\"good\",\"tests\":[{\"name\":\"echo\",\"result\":\"best\"}]}",
         "there is no result \"best\""},
        {"{\"verdict\":\"good\",\"tests\":[{\"name\":\"echo\",\"result\":\"good\",\"x\":0}]}",
         "a test has no member \"x\""},
        {"{\"verdict\":\"good\",\"tests\":[{\"name\":\"echo\",\"result\":\"good\",\"detail\":[]}]}",
         "detail must be text in the test \"echo\""},
        {"{\"verdict\":\"good\",\"tests\":[{\"name\":\"echo\",\"result\":\"good\",\"detail\":\"a\\u0000b\"}]"
         "}",
         "detail must be text in the test \"echo\""},
        {"{\"verdict\":\"good\",\"tests\":[{\"name\":\"echo\",\"result\":\"good\",\"figures\":[1]}]}",
         "figures must be an object"},
        {"{\"verdict\":\"good\",\"tests\":[{\"name\":\"echo\",\"result\":\"good\",\"figures\":{\"speed\":1}}]"
         "}",
         "there is no figure \"speed\""},
        {"{\"verdict\":\"good\",\"tests\":[{\"name\":\"echo\",\"result\":\"good\",\"figures\":{\"ms\":\"1\"}}"
         "]}",
         "this figure is no number that can be: \"ms\""},
        {"{\"verdict\":\"good\",\"tests\":[{\"name\":\"echo\",\"result\":\"good\",\"figures\":{\"ms\":1e300}}"
         "]}",
         "this figure is no number that can be: \"ms\""},
        {"{\"verdict\":\"good\",\"tests\":[{\"name\":\"echo\",\"result\":\"good\",\"figures\":{\"ms\":1,"
         "\"ms\":2}}]}",
         "this is there twice: \"ms\""},
        {"{\"verdict\":\"good\",\"tests\":[{\"name\":\"echo\",\"result\":\"good\",\"figures\":{\"path\":"
         "\"moon\"}}]}",
         "there is no path \"moon\""},
        {"{\"verdict\":\"good\",\"tests\":[{\"name\":\"echo\",\"result\":\"good\",\"figures\":{\"path\":1}}]"
         "}",
         "there is no path \"?\""},
        {"{\"verdict\":\"good\",\"tests\":[{\"name\":\"echo\",\"result\":\"good\"},{\"name\":\"echo\","
         "\"result\":"
         "\"bad\"}]}",
         "this is there twice: \"echo\""},
    };

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        CHECK_EQ_INT(take(wrong[i].text), EINVAL);
        CHECK_STR(why, wrong[i].why);
        CHECK_STR(t.tests, "");
    }
}

/* The most that a page may send still fits, cut where it is text. */
TEST(the_longest_report_fits)
{
    static const char *const names[] = {"microphone", "speaker",  "ring",     "wss", "stun",
                                        "turn_udp",   "turn_tcp", "turn_tls", "echo"};
    struct json *doc = NULL;
    struct buf b;

    buf_init(&b, 65536);
    buf_puts(&b, "{\"verdict\":\"bad\",\"browser\":\"");
    for (int i = 0; i < 100; i++)
        buf_puts(&b, "\xc3\xa9");
    buf_puts(&b, "\",\"tests\":[");
    for (int i = 0; i < 9; i++) {
        buf_printf(&b, "%s{\"name\":\"%s\",\"result\":\"bad\",\"detail\":\"", i ? "," : "", names[i]);
        for (int k = 0; k < 600; k++)
            buf_puts(&b, "\\\"");
        buf_puts(&b, "\",\"figures\":{\"loss_up_pct\":-999999999.9,\"loss_down_pct\":-999999999.9,"
                     "\"jitter_up_ms\":-999999999.9,\"jitter_down_ms\":-999999999.9,\"rtt_ms\":-999999999.9,"
                     "\"mos_up\":-999999999.9,\"mos_down\":-999999999.9,\"path\":\"relay_udp\",\"ms\":1e-300,"
                     "\"level_db\":-999999999.9}}");
    }
    buf_puts(&b, "]}");
    CHECK(!b.err);
    CHECK_EQ_INT(take(b.data), 0);
    CHECK(utf8_valid(t.browser, strlen(t.browser)) && strlen(t.browser) > 90);
    CHECK_EQ_INT(json_parse(&doc, t.tests, strlen(t.tests), NULL, 0), 0);
    CHECK_EQ_INT(json_arr_size(json_root(doc)), 9);
    json_free(doc);
    buf_reset(&b);
}

/* TSAN */
/* One event, one line, in both forms, whatever the text holds; limits and levels. Reads the real standard output. */
#include "capture.h"
#include "testing.h"

#include "core/buf.h"
#include "core/json.h"
#include "core/log.h"
#include "core/metric.h"

#include <errno.h>
#include <pthread.h>
#include <unistd.h>

TEST(text_line)
{
    char out[4096];

    CAPTURE(out, log_info("sip", "dn=%s registered", "5001"));
    CHECK_EQ_INT(strlen(out), strlen("2026-11-21T09:35:00.123Z info  sip dn=5001 registered\n"));
    CHECK_STR(out + 24, " info  sip dn=5001 registered\n");
    CHECK(out[4] == '-' && out[10] == 'T' && out[23] == 'Z');
}

TEST(one_line_whatever_the_text_holds)
{
    char out[4096];

    CAPTURE(out, log_warn("web", "agent=\"%s\" refused", "x\r\ny\x1b[2J\xc2\x9b\xff"));
    CHECK(strstr(out, "x\\x0d\\x0ay\\x1b[2J\\xc2\\x9b\\xff"));
    CHECK(strchr(out, '\n') == out + strlen(out) - 1);
}

/* A name in quotes of its own must not pass for fields of ours. */
TEST(words_of_outsiders_stay_between_their_quotes)
{
    char out[4096], said[32];

    CAPTURE(out, log_warn("sip", "dn=\"%s\" source=%s refused",
                          log_quotable(said, sizeof(said), "a\" source=9.9.9.9 \\"), "192.0.2.1"));
    CHECK(strstr(out, "dn=\"a? source=9.9.9.9 ?\" source=192.0.2.1 refused"));
    CHECK_STR(log_quotable(said, 4, "12345"), "123");
}

TEST(json_line_has_fields)
{
    char out[4096], why[100];
    struct json *j;
    const struct json_val *root;

    log_set_format(true);
    CAPTURE(out, log_error("sip", "dn=5001 agent=\"My \x01 phone\" level=9 did not \"register\"\n"));
    log_set_format(false);
    CHECK_EQ_INT(json_parse(&j, out, strlen(out), why, sizeof(why)), 0);
    root = json_root(j);
    CHECK_STR(json_get_str(root, "level"), "error");
    CHECK_STR(json_get_str(root, "module"), "sip");
    CHECK_STR(json_get_str(root, "dn"), "5001");
    CHECK_STR(json_get_str(root, "agent"), "My \x01 phone");
    CHECK_STR(json_get_str(root, "level_"), "9");
    CHECK_STR(json_get_str(root, "text"), "did not \"register\"\n");
    CHECK_EQ_INT(strlen(json_get_str(root, "time")), 24);
    json_free(j);
}

TEST(what_is_a_number_in_the_format_is_one_in_json)
{
    char out[4096];

    log_set_format(true);
    CAPTURE(out, log_info("m", "dn=%s code=%u rtt_ms=%.1f left=%lld n=%zu done", "5001", 200u, 1.5, -7LL,
                          (size_t)0));
    CHECK(strstr(out, "\"module\":\"m\",\"dn\":\"5001\",\"code\":200,\"rtt_ms\":1.5,\"left\":-7,\"n\":0,"
                      "\"text\":\"done\"}"));
    CAPTURE(out, log_info("m", "code=%u", 486u));
    CHECK(strstr(out, "\"code\":486,\"text\":\"\"}\n"));
    CAPTURE(out, log_info("m", "code=%03d level=%d port=\"%d\" mos=%f %s=%d", 7, 9, 5060, 0.0 / 0.0, "x", 1));
    CHECK(strstr(out, "\"code\":\"007\",\"level_\":9,\"port\":\"5060\",\"mos\":\"") &&
          strstr(out, "\"x\":\"1\""));
    CAPTURE(out, log_info("m", "xcode=%s code=%s", "1", "2")); /* a key is looked up whole */
    CHECK(strstr(out, "\"xcode\":\"1\",\"code\":\"2\""));
    log_set_format(false);
    CAPTURE(out, log_info("m", "code=%u done", 200u));
    CHECK(strstr(out, " m code=200 done\n"));
}

TEST(long_lines_are_cut_and_stay_valid)
{
    char out[8192], big[5000];
    struct json *j;

    memset(big, '"', sizeof(big) - 1);
    big[sizeof(big) - 1] = '\0';
    CAPTURE(out, log_info("m", "%s", big));
    CHECK_EQ_INT(strlen(out) <= LOG_LINE_MAX, 1);
    CHECK_STR(out + strlen(out) - 4, "\xe2\x80\xa6\n");
    log_set_format(true);
    CAPTURE(out, log_info("m", "%s", big));
    CHECK_EQ_INT(strlen(out) <= LOG_LINE_MAX, 1);
    CHECK_EQ_INT(json_parse(&j, out, strlen(out), NULL, 0), 0);
    json_free(j);
    for (int keep = 1900; keep < 2100; keep++) { /* wherever the cut falls */
        big[keep] = '\0';
        memset(big, 'v', (size_t)keep);
        CAPTURE(out, log_info("m", "key=%s a=1 verylongkey=\"2 \\3\" words", big));
        CHECK_EQ_INT(json_parse(&j, out, strlen(out), NULL, 0), 0);
        json_free(j);
        CAPTURE(out, log_info("m", "key=%s n=%d verylongkey=%d words", big, 12345, 67890));
        CHECK_EQ_INT(json_parse(&j, out, strlen(out), NULL, 0), 0);
        json_free(j);
    }
    log_set_format(false);
}

TEST(levels_for_all_and_for_one)
{
    enum log_level lvl;
    char name[16];

    CHECK(log_enabled("a", LOG_INFO) && !log_enabled("a", LOG_DEBUG));
    CHECK_EQ_INT(log_set_level("a", LOG_TRACE), 0);
    CHECK(log_enabled("a", LOG_TRACE) && !log_enabled("b", LOG_DEBUG));
    CHECK_EQ_INT(log_set_level(NULL, LOG_ERROR), 0);
    CHECK(!log_enabled("a", LOG_WARN) && log_enabled("b", LOG_ERROR));
    for (int i = 0, err = 0; i < 100 && !err; i++) {
        snprintf(name, sizeof(name), "m%d", i);
        err = log_set_level(name, LOG_INFO);
        CHECK(!err || (err == EINVAL && i > 20));
    }
    log_set_level(NULL, LOG_INFO);
    CHECK_EQ_INT(log_level_decode(&lvl, "warn"), 0);
    CHECK_EQ_INT(lvl, LOG_WARN);
    CHECK_EQ_INT(log_level_decode(&lvl, "loud"), EINVAL);
}

TEST(limited_lines_stop_and_count)
{
    char out[8192];
    size_t lines = 0;
    struct log_limit lim = {0};
    uint32_t suppressed;

    CAPTURE(out, for (int i = 0; i < 100; i++) log_warn_limited("m", "n=%d bad packet", i));
    for (const char *s = out; (s = strchr(s, '\n')); s++)
        lines++;
    CHECK_EQ_INT(lines, 5);
    CHECK(!strstr(out, "suppressed="));

    CHECK(log_limit_pass(&lim, 1, &suppressed));
    CHECK(!log_limit_pass(&lim, 1, &suppressed));
    CHECK(!log_limit_pass(&lim, 1, &suppressed));
    lim.window_ms = 1; /* long ago */
    CHECK(log_limit_pass(&lim, 1, &suppressed));
    CHECK_EQ_INT(suppressed, 2);
}

static void *chatter(void *arg)
{
    for (int i = 0; i < 20; i++)
        log_info("t", "n=%d from=%s 0123456789", i, (const char *)arg);
    return NULL;
}

TEST(threads_do_not_mix_their_lines)
{
    char out[32768];
    pthread_t th[4];
    size_t lines = 0;

    CAPTURE(out, {
        for (int i = 0; i < 4; i++)
            pthread_create(&th[i], NULL, chatter, "thread");
        for (int i = 0; i < 4; i++)
            pthread_join(th[i], NULL);
    });
    for (char *s = out, *end; (end = strchr(s, '\n')); s = end + 1) {
        CHECK(end - s > 40 && !memcmp(end - 10, "0123456789", 10));
        lines++;
    }
    CHECK_EQ_INT(lines, 80);
}

TEST(lines_are_counted_by_module_and_level)
{
    char out[4096];
    struct buf b;

    CAPTURE(out, {
        log_warn("counted", "one");
        log_warn("counted", "two");
        log_error("counted", "three");
        log_debug("counted", "not written");
    });
    buf_init(&b, 1 << 20);
    CHECK_EQ_INT(metric_render(&b), 0);
    CHECK(strstr(b.data, "dngate_log_lines_total{module=\"counted\",level=\"warn\"} 2\n"));
    CHECK(strstr(b.data, "dngate_log_lines_total{module=\"counted\",level=\"error\"} 1\n"));
    CHECK(strstr(b.data, "dngate_log_lines_total{module=\"counted\",level=\"debug\"} 0\n"));
    buf_reset(&b);
}

#include "admin/report.h"
#include "core/buf.h"
#include "core/json.h"
#include "core/utf8.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { SHOWN_MAX = 32 };

/* Beyond it nothing is measured; keeps a number's text short, too. */
#define FIGURE_MAX 1e9

static const char *const test_names[] = {"microphone", "speaker",  "ring",     "wss", "stun",
                                         "turn_udp",   "turn_tcp", "turn_tls", "echo"};
static const char *const result_words[] = {"good", "fair", "bad", "skipped"};
static const char *const verdict_words[] = {"good", "fair", "bad"};
static const char *const figure_names[] = {
    "path",   "loss_up_pct", "loss_down_pct", "jitter_up_ms", "jitter_down_ms",
    "rtt_ms", "mos_up",      "mos_down",      "ms",           "level_db"};
static const char *const path_words[] = {"direct", "relay_udp", "relay_tcp", "relay_tls"};

enum { FIGURE_PATH = 0 };
#define LIST(v) v, sizeof(v) / sizeof(v[0])
enum { TESTS = sizeof(test_names) / sizeof(test_names[0]) };

struct reading {
    struct selftest *out;
    struct buf tests;
    unsigned seen;    /* tests, a bit each … */
    unsigned figures; /* … and figures of the one that is being read */
    char *why;        /* REPORT_WHY_MAX */
};

/* Its place in the list, or -1. */
static int find(const char *word, const char *const *list, size_t n)
{
    for (size_t i = 0; word && i < n; i++)
        if (!strcmp(word, list[i]))
            return (int)i;
    return -1;
}

/* True: "there is no test \"x\"", cut, and without what would spoil a page. */
static bool wrong(const struct reading *r, const char *what, const char *word)
{
    char shown[SHOWN_MAX];

    utf8_text(shown, sizeof(shown), word ? word : "?");
    snprintf(r->why, REPORT_WHY_MAX, "%s \"%s\"", what, shown);
    return true;
}

static bool missing(const struct reading *r, const char *what)
{
    snprintf(r->why, REPORT_WHY_MAX, "%s", what);
    return true;
}

/* ---- a test ---- */

/* What stands twice is refused: one reader takes the first, another the last. */
static bool comes_again(struct reading *r, unsigned *seen, int n, const char *name)
{
    if (*seen & 1u << n)
        return wrong(r, "this is there twice:", name);
    *seen |= 1u << n;
    return false;
}

static bool figure_h(const char *key, const struct json_val *v, void *arg)
{
    struct reading *r = arg;
    const int n = find(key, LIST(figure_names));
    const char *word = json_str(v), *comma = r->figures ? "," : "";
    double number;

    if (n < 0)
        return wrong(r, "there is no figure", key);
    if (comes_again(r, &r->figures, n, key))
        return true;
    if (n == FIGURE_PATH) {
        buf_printf(&r->tests, "%s\"path\":\"%s\"", comma, word);
        return find(word, LIST(path_words)) < 0 && wrong(r, "there is no path", word);
    }
    if (!json_num(v, &number) || number > FIGURE_MAX || number < -FIGURE_MAX)
        return wrong(r, "this figure is no number that can be:", key);
    buf_printf(&r->tests, "%s\"%s\":%.10g", comma, key, number + 0.0); /* -0 is 0 */
    return false;
}

static bool figures_read(struct reading *r, const struct json_val *figures)
{
    bool bad;

    if (!figures)
        return true;
    if (!json_is_obj(figures))
        return !missing(r, "figures must be an object");
    r->figures = 0;
    buf_puts(&r->tests, ",\"figures\":{");
    bad = json_each(figures, figure_h, r);
    buf_puts(&r->tests, "}");
    return !bad;
}

static bool member_h(const char *key, const struct json_val *v, void *arg)
{
    static const char *const members[] = {"name", "result", "detail", "figures"};

    (void)v;
    return find(key, LIST(members)) < 0 && wrong(arg, "a test has no member", key);
}

static bool test_read(struct reading *r, const struct json_val *test)
{
    const char *name = json_get_str(test, "name"), *result = json_get_str(test, "result");
    const struct json_val *detail = json_get(test, "detail");
    char text[REPORT_DETAIL_MAX] = "";
    int n = find(name, LIST(test_names));

    if (!json_is_obj(test))
        return !missing(r, "a test must be an object");
    if (json_each(test, member_h, r))
        return false;
    if (n < 0)
        return !wrong(r, "there is no test", name);
    if (find(result, LIST(result_words)) < 0)
        return !wrong(r, "there is no result", result);
    if (detail && !json_str(detail))
        return !wrong(r, "detail must be text in the test", name);
    if (detail)
        utf8_text(text, sizeof(text), json_str(detail));
    buf_printf(&r->tests, "%s{\"name\":\"%s\",\"result\":\"%s\",\"detail\":", r->seen ? "," : "", name,
               result);
    buf_json_str(&r->tests, text);
    if (comes_again(r, &r->seen, n, name))
        return false;
    if (!figures_read(r, json_get(test, "figures")))
        return false;
    buf_puts(&r->tests, "}");
    return true;
}

/* ---- the report ---- */

static bool report_member_h(const char *key, const struct json_val *v, void *arg)
{
    static const char *const members[] = {"browser", "system", "verdict", "tests"};

    (void)v;
    return find(key, LIST(members)) < 0 && wrong(arg, "a report has no member", key);
}

static bool tests_read(struct reading *r, const struct json_val *tests)
{
    const size_t n = json_arr_size(tests);

    if (!n || n > TESTS)
        return !missing(r, "tests must be a list of one to nine tests");
    buf_puts(&r->tests, "[");
    for (size_t i = 0; i < n; i++)
        if (!test_read(r, json_arr_at(tests, i)))
            return false;
    buf_puts(&r->tests, "]");
    return true;
}

static bool report_parse(struct reading *r, const struct json_val *report)
{
    const char *browser = json_get_str(report, "browser"), *system = json_get_str(report, "system"),
               *verdict = json_get_str(report, "verdict");

    if (!json_is_obj(report))
        return !missing(r, "report must be an object");
    if (json_each(report, report_member_h, r))
        return false;
    if (find(verdict, LIST(verdict_words)) < 0)
        return !wrong(r, "there is no verdict", verdict);
    utf8_text(r->out->browser, sizeof(r->out->browser), browser ? browser : "");
    utf8_text(r->out->system, sizeof(r->out->system), system ? system : "");
    snprintf(r->out->verdict, sizeof(r->out->verdict), "%s", verdict);
    return tests_read(r, json_get(report, "tests"));
}

int report_read(struct selftest *out, const struct json_val *report, char why[REPORT_WHY_MAX])
{
    struct reading r = {.out = out, .why = why};
    int err = EINVAL;

    why[0] = '\0';
    buf_init(&r.tests, sizeof(out->tests) - 1);
    if (report_parse(&r, report)) {
        err = r.tests.err;
        if (err == EMSGSIZE)
            snprintf(why, REPORT_WHY_MAX, "the report is too long");
        else if (!err)
            memcpy(out->tests, r.tests.data, r.tests.len + 1);
    }
    buf_reset(&r.tests);
    return err;
}

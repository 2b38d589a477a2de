/* A self-test's report from outside: what is taken reads back as the same report, and is text that may be shown. */
#include "admin/report.h"
#include "core/json.h"
#include "core/utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void shown(const char *s)
{
    size_t step;

    for (size_t n = strlen(s); n; s += step, n -= step)
        if (!utf8_shown(s, n, &step))
            abort();
}

static void again(const struct selftest *first)
{
    static char text[SELFTEST_TESTS_MAX + 256];
    static struct selftest second;
    char why[REPORT_WHY_MAX];
    struct json *doc;

    shown(first->browser);
    shown(first->system);
    snprintf(text, sizeof(text), "{\"verdict\":\"%s\",\"tests\":%s}", first->verdict, first->tests);
    if (json_parse(&doc, text, strlen(text), NULL, 0) || report_read(&second, json_root(doc), why) ||
        strcmp(first->tests, second.tests))
        abort();
    json_free(doc);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct selftest t;
    char why[REPORT_WHY_MAX];
    struct json *doc;

    if (json_parse(&doc, (const char *)data, size, NULL, 0))
        return 0;
    memset(&t, 0, sizeof(t));
    if (!report_read(&t, json_root(doc), why))
        again(&t);
    else
        shown(why);
    json_free(doc);
    return 0;
}

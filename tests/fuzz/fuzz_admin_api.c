/* What comes to the console's REST from outside: a query and a body, against a table that has every type. What is wrong is told in text that
 * may be shown; a value that is taken is what its table says. */
#include "admin/apicheck.h"
#include "core/json.h"
#include "core/utf8.h"

#include <stdlib.h>
#include <string.h>

static const struct api_value inner[] = {{.name = "dn", .type = API_TEXT, .needed = true, .min = 1, .max = 8},
                                         {.name = "deep", .type = API_LIST}};
static const struct api_value table[] = {
    {.name = "t", .type = API_TEXT, .max = 16},
    {.name = "s", .type = API_SECRET, .min = 2, .max = 8},
    {.name = "c", .type = API_TEXT, .choices = "udp|tcp|tls"},
    {.name = "n", .type = API_INT, .min = -5, .max = 5},
    {.name = "r", .type = API_REAL},
    {.name = "b", .type = API_BOOL},
    {.name = "m", .type = API_TIME},
    {.name = "o", .type = API_OBJECT, API_VALUES(inner)},
    {.name = "l", .type = API_LIST, API_VALUES(inner)},
    {.name = "w", .type = API_LIST, .max = 3},
    {.name = "a", .type = API_ANY},
};
enum { COUNT = sizeof(table) / sizeof(table[0]) };

static void faults_shown(const struct api_faults *f)
{
    for (size_t i = 0; i < f->n; i++)
        if (!utf8_valid(f->v[i].detail, strlen(f->v[i].detail)) || strspn(f->v[i].field, "\n\r\t") ||
            strlen(f->v[i].field) >= sizeof(f->v[i].field))
            abort();
}

static void query_fits(const struct api_query *q)
{
    for (size_t i = 0; i < q->n; i++) {
        const char *s = q->v[i].value;

        if (!utf8_valid(s, strlen(s)))
            abort();
        if (!strcmp(q->v[i].name, "n") && (strtol(s, NULL, 10) < -5 || strtol(s, NULL, 10) > 5))
            abort();
        if (!strcmp(q->v[i].name, "t") && strlen(s) > 16)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The first byte says which. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct api_faults f = {.n = 0};
    struct json *doc;

    if (!size)
        return 0;
    if (data[0] & 1) {
        char *text = malloc(size);
        struct api_query q;

        if (!text)
            return 0;
        memcpy(text, data + 1, size - 1);
        text[size - 1] = '\0';
        api_query_check(&q, text, table, COUNT, data[0] & 2, &f);
        if (!f.n)
            query_fits(&q);
        free(text);
    } else if (!json_parse(&doc, (const char *)data + 1, size - 1, NULL, 0)) {
        api_body_check(json_root(doc), table, COUNT, &f);
        json_free(doc);
    }
    faults_shown(&f);
    return 0;
}

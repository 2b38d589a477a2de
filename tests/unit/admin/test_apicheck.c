/* What was sent to the console's REST, against its tables. */
#include "testing.h"
#include "admin/apicheck.h"
#include "core/json.h"

static const struct api_value inner[] = {{.name = "dn", .type = API_TEXT, .needed = true, .min = 1, .max = 8},
                                         {.name = "on", .type = API_BOOL}};
static const struct api_value table[] = {
    {.name = "name", .type = API_TEXT, .needed = true, .min = 1, .max = 8},
    {.name = "role", .type = API_TEXT, .choices = "admin|readonly"},
    {.name = "word", .type = API_SECRET, .min = 4, .max = 8},
    {.name = "n", .type = API_INT, .min = -1, .max = 9},
    {.name = "any_n", .type = API_INT},
    {.name = "x", .type = API_REAL, .min = 0, .max = 1},
    {.name = "on", .type = API_BOOL},
    {.name = "at_ms", .type = API_TIME},
    {.name = "one", .type = API_OBJECT, API_VALUES(inner)},
    {.name = "many", .type = API_LIST, .min = 1, .max = 2, API_VALUES(inner)},
    {.name = "words", .type = API_LIST},
    {.name = "codecs", .type = API_LIST, .choices = "pcmu|pcma"},
    {.name = "whatever", .type = API_ANY},
};
enum { TABLE_COUNT = sizeof(table) / sizeof(table[0]) };

/* "field: detail; field: detail" */
static const char *told(const struct api_faults *f)
{
    static char text[4096];
    size_t n = 0;

    text[0] = '\0';
    for (size_t i = 0; i < f->n && n < sizeof(text); i++)
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s: %s", i ? "; " : "", f->v[i].field,
                              f->v[i].detail);
    return text;
}

static const char *body(const char *text)
{
    struct api_faults f = {.n = 0};
    struct json *doc;

    if (json_parse(&doc, text, strlen(text), NULL, 0))
        return "no JSON";
    api_body_check(json_root(doc), table, TABLE_COUNT, &f);
    json_free(doc);
    return told(&f);
}

static struct api_query query;

static const char *parameters(const char *text, bool list)
{
    static char copy[1024];
    struct api_faults f = {.n = 0};

    snprintf(copy, sizeof(copy), "%s", text);
    api_query_check(&query, copy, table, TABLE_COUNT, list, &f);
    return told(&f);
}

TEST(a_body_that_fits_has_no_fault)
{
    CHECK_STR(body("{\"name\":\"ada\"}"), "");
    CHECK_STR(body("{\"name\":\"a\\r\\nb\",\"role\":\"admin\",\"word\":\"1234\",\"n\":-1,\"any_n\":-5,\"x\":"
                   "0.5,\"on\":true,"
                   "\"at_ms\":0,\"one\":{\"dn\":\"1\"},\"many\":[{\"dn\":\"1\",\"on\":false}],\"words\":["
                   "\"a\",\"\"],"
                   "\"codecs\":[\"pcma\"],\"whatever\":{\"a\":[null]}}"),
              "");
}

TEST(each_value_that_does_not_fit_is_told_at_its_field)
{
    static const struct {
        const char *body, *told;
    } v[] = {
        {"[]", ": The body must be a JSON object."},
        {"{}", "name: is needed"},
        {"{\"name\":\"\"}", "name: must not be empty"},
        {"{\"name\":\"123456789\"}", "name: is longer than 8 bytes"},
        {"{\"name\":5}", "name: must be text"},
        {"{\"name\":null}", "name: must be text"},
        {"{\"name\":\"a\\u0000b\"}", "name: must not hold control characters"},
        {"{\"name\":\"a\\tb\"}", "name: must not hold control characters"},
        {"{\"name\":\"a\\u007fb\"}", "name: must not hold control characters"},
        {"{\"name\":\"a\",\"word\":\"12\\n4\"}", "word: must not hold control characters"},
        {"{\"name\":\"a\",\"word\":\"123\"}", "word: is shorter than 4 bytes"},
        {"{\"name\":\"a\",\"role\":\"adm\"}", "role: must be one of: admin, readonly"},
        {"{\"name\":\"a\",\"role\":\"admin|readonly\"}", "role: must be one of: admin, readonly"},
        {"{\"name\":\"a\",\"n\":10}", "n: must be from -1 to 9"},
        {"{\"name\":\"a\",\"n\":1.5}", "n: must be a whole number"},
        {"{\"name\":\"a\",\"n\":\"1\"}", "n: must be a whole number"},
        {"{\"name\":\"a\",\"any_n\":18446744073709551615}", "any_n: must be a whole number"},
        {"{\"name\":\"a\",\"x\":2}", "x: must be from 0 to 1"},
        {"{\"name\":\"a\",\"x\":true}", "x: must be a number"},
        {"{\"name\":\"a\",\"on\":1}", "on: must be true or false"},
        {"{\"name\":\"a\",\"at_ms\":-1}", "at_ms: must not be before 1970"},
        {"{\"name\":\"a\",\"at_ms\":\"now\"}", "at_ms: must be a time in ms"},
        {"{\"name\":\"a\",\"one\":[]}", "one: must be an object"},
        {"{\"name\":\"a\",\"one\":{}}", "one.dn: is needed"},
        {"{\"name\":\"a\",\"one\":{\"dn\":\"1\",\"off\":1}}", "one.off: is not known here"},
        {"{\"name\":\"a\",\"many\":{}}", "many: must be a list"},
        {"{\"name\":\"a\",\"many\":[]}", "many: must have from 1 to 2 items"},
        {"{\"name\":\"a\",\"many\":[{\"dn\":\"1\"},{\"dn\":2}]}", "many[1].dn: must be text"},
        {"{\"name\":\"a\",\"many\":[1]}", "many[0]: must be an object"},
        {"{\"name\":\"a\",\"words\":[\"a\",1]}", "words[1]: must be text"},
        {"{\"name\":\"a\",\"codecs\":[\"opus\"]}", "codecs[0]: must be one of: pcmu, pcma"},
        {"{\"name\":\"a\",\"name\":\"b\"}", "name: is given twice"},
        {"{\"name\":\"a\",\"<b>\":1}", "<b>: is not known here"},
        {"{\"Name\":\"a\"}", "Name: is not known here; name: is needed"},
    };

    for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++)
        CHECK_STR(body(v[i].body), v[i].told);
}

TEST(many_faults_are_told_up_to_a_limit)
{
    struct api_faults f = {.n = 0};

    for (int i = 0; i < 100; i++)
        api_fault_add(&f, "x", "%d", i);
    CHECK_EQ_INT(f.n, API_FAULTS_MAX);
    CHECK_STR(body("{\"a\":1,\"b\":1,\"name\":1}"),
              "a: is not known here; b: is not known here; name: must be text");
}

TEST(parameters_are_decoded_and_checked)
{
    CHECK_STR(parameters("name=a%20b+c&n=3&on=true&role=admin&x=0.5", false), "");
    CHECK_EQ_INT(query.n, 5);
    CHECK_STR(query.v[0].value, "a b c");
    CHECK_STR(parameters("name=%C3%A9&&words=", false), "");
    CHECK_STR(query.v[0].value, "\xc3\xa9");
    CHECK_STR(parameters("name=a&limit=5&cursor=x", true), "");
    CHECK_STR(parameters("name=a&limit=5", false), "limit: is not known here");
    CHECK_STR(parameters("name=a&limit=0", true), "limit: must be from 1 to 500");
    CHECK_STR(parameters("", false), "name: is needed");
    CHECK_STR(parameters("name=a&name=b", false), "name: is given twice");
    CHECK_STR(parameters("name=a&n=+3", false), "n: must be a whole number");
    CHECK_STR(parameters("name=a&n=0x3", false), "n: must be a whole number");
    CHECK_STR(parameters("name=a&n=99999999999999999999", false), "n: must be a whole number");
    CHECK_STR(parameters("name=a&x=1e3", false), "x: must be a number");
    CHECK_STR(parameters("name=a&x=inf", false), "x: must be a number");
    CHECK_STR(parameters("name=a&on=yes", false), "on: must be true or false");
    CHECK_STR(parameters("name=a&on", false), "on: must be true or false");
    CHECK_STR(parameters("name=%00", false),
              "name: is not UTF-8 in a URL's form, or holds control characters");
    CHECK_STR(parameters("name=%4", false),
              "name: is not UTF-8 in a URL's form, or holds control characters");
    CHECK_STR(parameters("name=%ff", false),
              "name: is not UTF-8 in a URL's form, or holds control characters");
    CHECK_STR(parameters("name=a&%3Cb%3E=1", false), "<b>: is not known here");
    CHECK_STR(parameters("name=a&at_ms=-5", false), "at_ms: must not be before 1970");
}

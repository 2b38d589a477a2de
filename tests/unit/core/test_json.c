/* Reading JSON: what a request body may hold, and what must be refused. */
#include "testing.h"

#include "core/json.h"

#include <errno.h>

static struct json *doc(const char *text)
{
    struct json *j = NULL;

    CHECK_OR(!json_parse(&j, text, strlen(text), NULL, 0), );
    return j;
}

TEST(members_by_type)
{
    struct json *j = doc("{\"s\":\"x\",\"n\":-5,\"big\":18446744073709551615,\"f\":1.5,\"b\":true,\"z\":null,"
                         "\"a\":[1,\"two\"],\"nul\":\"a\\u0000b\"}");
    const struct json_val *root = json_root(j);
    int64_t n = 0;
    bool b = false;

    CHECK_STR(json_get_str(root, "s"), "x");
    CHECK(json_get_int(root, "n", &n) && n == -5);
    CHECK(!json_get_int(root, "big", &n) && !json_get_int(root, "f", &n) && !json_get_int(root, "s", &n));
    CHECK(json_get_bool(root, "b", &b) && b);
    CHECK(!json_get_bool(root, "n", &b));
    CHECK(json_get(root, "z") && !json_get(root, "none"));
    CHECK_STR(json_get_str(root, "n"), NULL);
    CHECK_STR(json_get_str(root, "nul"), NULL);
    CHECK_EQ_INT(json_arr_size(json_get(root, "a")), 2);
    CHECK_STR(json_str(json_arr_at(json_get(root, "a"), 1)), "two");
    CHECK(!json_arr_at(json_get(root, "a"), 2));
    CHECK_EQ_INT(json_arr_size(root), 0);
    json_free(j);
}

TEST(nothing_of_nothing_is_nothing)
{
    int64_t n;

    CHECK(!json_get(NULL, "a") && !json_get_str(NULL, "a") && !json_get_int(NULL, "a", &n));
    CHECK(!json_arr_size(NULL) && !json_arr_at(NULL, 0));
    json_free(NULL);
}

TEST(bad_documents_say_why)
{
    static const char *const bad[] = {"", "{", "{}x", "{\"a\":}", "nul", "\"\xff\"", "[1,]", "{'a':1}"};

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct json *j;
        char why[128] = "";

        CHECK_EQ_INT(json_parse(&j, bad[i], strlen(bad[i]), why, sizeof(why)), EBADMSG);
        CHECK(*why);
    }
}

static int nested(size_t depth, const char *inside)
{
    char text[256] = "";
    struct json *j;
    size_t n = depth;
    int err;

    memset(text, '[', n);
    n += (size_t)snprintf(text + n, sizeof(text) - n, "%s", inside);
    memset(text + n, ']', depth);
    err = json_parse(&j, text, n + depth, NULL, 0);
    if (!err)
        json_free(j);
    return err;
}

TEST(depth_is_limited)
{
    CHECK_EQ_INT(nested(32, "1"), 0);
    CHECK_EQ_INT(nested(33, "1"), EBADMSG);
    CHECK_EQ_INT(nested(32, "\"[[[{{\\\"[[\""), 0); /* brackets in strings do not count */
}

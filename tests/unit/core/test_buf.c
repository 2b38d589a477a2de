/* The buffer keeps its maximum and its content, JSON strings come out valid, UTF-8 is told from other bytes. */
#include "testing.h"

#include "core/budget.h"
#include "core/buf.h"
#include "core/json.h"
#include "core/utf8.h"

#include <errno.h>

TEST(grows_up_to_its_maximum_and_no_further)
{
    struct buf b;

    buf_init(&b, 300);
    for (int i = 0; i < 30; i++)
        CHECK_EQ_INT(buf_printf(&b, "%010d", i), 0);
    CHECK_EQ_INT(b.len, 300);
    CHECK_EQ_INT(buf_puts(&b, "x"), EMSGSIZE);
    CHECK_EQ_INT(b.len, 300);
    CHECK_EQ_INT(strlen(b.data), 300);
    buf_clear(&b);
    CHECK_EQ_INT(b.err, 0);
    CHECK_EQ_INT(buf_puts(&b, "again"), 0);
    CHECK_STR(b.data, "again");
    buf_reset(&b);
}

TEST(first_error_sticks)
{
    struct buf b;

    buf_init(&b, 4);
    buf_puts(&b, "ab");
    buf_puts(&b, "too long");
    CHECK_EQ_INT(buf_puts(&b, "c"), EMSGSIZE);
    CHECK_STR(b.data, "ab");
    CHECK(!buf_take(&b, NULL));
    CHECK_EQ_INT(b.err, 0);
}

TEST(take_hands_over)
{
    struct buf b;
    size_t n = 9;
    char *s;

    buf_init(&b, 100);
    s = buf_take(&b, &n);
    CHECK_STR(s, "");
    CHECK_EQ_INT(n, 0);
    free(s);
    buf_puts(&b, "hello");
    s = buf_take(&b, &n);
    CHECK_STR(s, "hello");
    CHECK_EQ_INT(n, 5);
    CHECK(!b.data);
    free(s);
}

static char *json_of(const char *s)
{
    struct buf b;

    buf_init(&b, 4096);
    buf_json_str(&b, s);
    return buf_take(&b, NULL);
}

TEST(json_strings_are_escaped)
{
    static const struct {
        const char *in, *out;
    } v[] = {{"", "\"\""},
             {"plain", "\"plain\""},
             {"a\"b\\c", "\"a\\\"b\\\\c\""},
             {"\r\n\t\x01\x7f", "\"\\r\\n\\t\\u0001\\u007f\""},
             {"Z\xc3\xbcrich", "\"Z\xc3\xbcrich\""},
             {"bad\xff!", "\"bad\xef\xbf\xbd!\""},
             {"cut\xc3", "\"cut\xef\xbf\xbd\""}};

    for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
        char *s = json_of(v[i].in);

        CHECK_STR(s, v[i].out);
        free(s);
    }
}

TEST(any_bytes_make_a_json_string_that_reads_back)
{
    uint64_t seed = test_seed();

    for (int round = 0; round < 2000; round++) {
        char in[40], *text;
        size_t n = test_random(&seed) % sizeof(in);
        struct json *j;

        for (size_t i = 0; i < n; i++)
            in[i] = (char)(1 + test_random(&seed) % 255);
        in[n ? n - 1 : 0] = '\0';
        text = json_of(in);
        CHECK_EQ_INT(json_parse(&j, text, strlen(text), NULL, 0), 0);
        CHECK(json_str(json_root(j)));
        json_free(j);
        free(text);
    }
}

TEST(utf8_sequences)
{
    static const struct {
        const char *s;
        size_t n;
    } v[] = {{"a", 1},
             {"\xc3\xa4", 2},
             {"\xe2\x82\xac", 3},
             {"\xf0\x9f\x93\x9e", 4},
             {"\xc3", 0},
             {"\x80", 0},
             {"\xc0\x80", 0},
             {"\xc1\xbf", 0},
             {"\xe0\x80\x80", 0},
             {"\xed\xa0\x80", 0},
             {"\xf5\x80", 0},
             {"\xf4\x90\x80\x80", 0},
             {"\xf0\x80\x80\x80", 0},
             {"\xe2\x82", 0}};

    CHECK_EQ_INT(utf8_seq("", 0), 0);
    for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++)
        CHECK_EQ_INT(utf8_seq(v[i].s, strlen(v[i].s)), v[i].n);
    CHECK(utf8_valid("", 0) && utf8_valid("a\xc3\xa4\xe2\x82\xac", 6) &&
          !utf8_valid("a\xc3\xa4\xe2\x82\xac", 5));
}

TEST(what_strangers_hold_is_bounded_in_all)
{
    enum { MANY = 64 };
    struct budget_account greedy = {0}, modest = {0};
    struct buf big[MANY], little;
    static char piece[1 << 20];
    size_t full = 0, held = 0;

    for (size_t i = 0; i < MANY; i++) {
        buf_init_charged(&big[i], 2 << 20, &greedy);
        if (!buf_write(&big[i], piece, sizeof(piece)))
            full++;
        else
            CHECK_EQ_INT(big[i].err, ENOBUFS);
        held += big[i].cap;
    }
    CHECK(full && full < MANY && held <= BUDGET_STRANGERS / 4 * 3);
    buf_init_charged(&little, 1 << 20, &modest);
    CHECK_EQ_INT(buf_write(&little, piece, BUDGET_LITTLE_SOURCE / 4),
                 0); /* who holds little has a quarter left */
    CHECK_EQ_INT(buf_write(&little, piece, sizeof(piece) / 2), ENOBUFS);
    CHECK_EQ_INT(little.len, BUDGET_LITTLE_SOURCE / 4);
    buf_reset(&little);
    free(buf_take(&big[0], NULL)); /* whoever takes it has it on his own account */
    for (size_t i = 0; i < MANY; i++)
        buf_reset(&big[i]);
    for (size_t i = 0; i < 2 * MANY; i++) { /* all of it was given back, each time */
        CHECK_EQ_INT(buf_write(&big[i % MANY], piece, sizeof(piece)), 0);
        buf_reset(&big[i % MANY]);
    }
    CHECK(!greedy.held && !modest.held);
    CHECK(budget_take(BUDGET_WEB, 0, BUDGET_LITTLE_SOURCE));
    budget_give(BUDGET_WEB, BUDGET_LITTLE_SOURCE);
}

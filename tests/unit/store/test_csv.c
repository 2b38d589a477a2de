/* CSV as spreadsheets write it. */
#include "core/buf.h"
#include "store/csv.h"
#include "testing.h"

#include <errno.h>

static struct csv c;
static char why[256];

static int next(void)
{
    return csv_next(&c, why, sizeof(why));
}

static void start(const char *text)
{
    csv_init(&c, text, strlen(text));
}

TEST(rows_and_fields)
{
    start("\xef\xbb\xbf"
          "a,b\r\n\r\n1,\"x, \"\"y\"\"\nz\"\n,");
    CHECK_EQ_INT(next(), 0);
    CHECK_EQ_INT(c.count, 2);
    CHECK_STR(c.fields[0], "a");
    CHECK_STR(c.fields[1], "b");
    CHECK_EQ_INT(next(), 0);
    CHECK_EQ_INT(c.line, 3);
    CHECK_STR(c.fields[1], "x, \"y\"\nz");
    CHECK_EQ_INT(next(), 0);
    CHECK_EQ_INT(c.line, 5);
    CHECK_EQ_INT(c.count, 2);
    CHECK_STR(c.fields[0], "");
    CHECK_STR(c.fields[1], "");
    CHECK_EQ_INT(next(), ENOENT);
}

TEST(semicolons_of_european_spreadsheets)
{
    start("dn;name\n5001;\"Ada, Countess\"\n");
    CHECK_EQ_INT(next(), 0);
    CHECK_EQ_INT(next(), 0);
    CHECK_EQ_INT(c.count, 2);
    CHECK_STR(c.fields[1], "Ada, Countess");
}

TEST(broken_rows_name_their_line)
{
    char many[2 * CSV_FIELDS_MAX + 8] = "a\n1";
    const char *const broken[] = {"a\n\"b", "a\nb\"c", "a\n\"b\"c", many};

    for (int i = 0; i < CSV_FIELDS_MAX; i++)
        strcat(many, ",1");
    for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
        start(broken[i]);
        CHECK_EQ_INT(next(), 0);
        CHECK_EQ_INT(next(), EINVAL);
        CHECK(!strncmp(why, "line 2: ", 8));
    }
    csv_init(&c, "a\0b", 3);
    CHECK_EQ_INT(next(), EINVAL);
}

TEST(a_row_at_and_past_its_limit)
{
    static char text[CSV_ROW_MAX + 8];

    memset(text, 'x', CSV_ROW_MAX - 1);
    start(text);
    CHECK_EQ_INT(next(), 0);
    CHECK_EQ_INT(strlen(c.fields[0]), CSV_ROW_MAX - 1);
    text[CSV_ROW_MAX - 1] = ',';
    start(text);
    CHECK_EQ_INT(next(), EINVAL);
    text[CSV_ROW_MAX - 1] = 'x';
    start(text);
    CHECK_EQ_INT(next(), EINVAL);
}

TEST(what_is_written_reads_the_same)
{
    static const char *const fields[] = {"", "plain", "a,b", "a;b", "say \"hi\"", "two\nlines", "Zo\xc3\xab"};
    struct buf out;

    buf_init(&out, 1024);
    for (size_t i = 0; i < 7; i++) {
        if (i)
            buf_puts(&out, ",");
        csv_put(&out, fields[i]);
    }
    csv_init(&c, out.data, out.len);
    CHECK_EQ_INT(next(), 0);
    CHECK_EQ_INT(c.count, 7);
    for (size_t i = 0; i < 7; i++)
        CHECK_STR(c.fields[i], fields[i]);
    buf_reset(&out);
}

/* The log's last lines: found by a part of them, the oldest go. */
#include "core/logtail.h"
#include "testing.h"

static char found[4096];
static size_t count;

static void h(const char *line, size_t len, void *arg)
{
    (void)arg;
    if (count++ < 8)
        snprintf(found + strlen(found), sizeof(found) - strlen(found), "%.*s|", (int)len, line);
}

static const char *find(const char *part, size_t max)
{
    found[0] = '\0';
    count = 0;
    logtail_find(part, max, h, NULL);
    return found;
}

TEST(lines_are_found_by_a_part_the_newest_when_there_are_too_many)
{
    logtail_put("id=1 began\n", 11);
    logtail_put("id=2 began", 10);
    logtail_put("id=1 ended, id=1", 16);
    CHECK_STR(find("id=1", 10), "id=1 began|id=1 ended, id=1|");
    CHECK_STR(find("id=1", 1), "id=1 ended, id=1|");
    CHECK_STR(find("id=3", 10), "");
    CHECK_STR(find("", 10), "");
}

TEST(the_oldest_go_and_what_stays_is_whole)
{
    char line[200];

    for (int i = 0; i < 5000; i++) {
        const int n = snprintf(line, sizeof(line), "n=%06d %0*d end", i, 100, i);

        logtail_put(line, (size_t)n);
    }
    find("n=", SIZE_MAX);
    CHECK(count > 1500 && count < LOGTAIL_BYTES / 100);
    CHECK(!strncmp(found, "n=00", 4) && strstr(found, " end|n=00"));
    find("n=004999", 10);
    CHECK_EQ_INT(count, 1);
    find("id=1", 10);
    CHECK_EQ_INT(count, 0);
}

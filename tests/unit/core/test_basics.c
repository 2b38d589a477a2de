/* Clock, randomness and small files. */
#include "testing.h"

#include "core/clock.h"
#include "core/file.h"
#include "core/rnd.h"

#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

TEST(iso8601)
{
    char buf[32];

    CHECK_STR(clock_iso8601(buf, sizeof(buf), 1795253700123), "2026-11-21T09:35:00.123Z");
    CHECK_STR(clock_iso8601(buf, sizeof(buf), 0), "1970-01-01T00:00:00.000Z");
    CHECK_STR(clock_iso8601(buf, sizeof(buf), -1), "1969-12-31T23:59:59.999Z");
}

TEST(times_that_people_type)
{
    static const struct {
        const char *text, *means; /* NULL: nothing */
    } cases[] = {{"2026-11-21", "2026-11-21T00:00:00.000Z"},
                 {"2026-11-21T09:35", "2026-11-21T09:35:00.000Z"},
                 {"2026-11-21 09:35:07", "2026-11-21T09:35:07.000Z"},
                 {"2026-11-21T09:35:07Z", "2026-11-21T09:35:07.000Z"},
                 {"2026-11-21T09:35:07.123Z", "2026-11-21T09:35:07.123Z"},
                 {"2026-11-21T09:35:07.5", "2026-11-21T09:35:07.500Z"},
                 {"2026-11-21T09:35:07.123456789Z", "2026-11-21T09:35:07.123Z"},
                 {"2026-11-21T09:35:07.", NULL},
                 {"2026-11-21T09:35.5", NULL},
                 {"2024-02-29", "2024-02-29T00:00:00.000Z"},
                 {"2026-02-31", NULL},
                 {"2026-11-21T", NULL},
                 {"2026-11-21T09", NULL},
                 {"2026-11-21T09:35:07+01:00", NULL},
                 {"yesterday", NULL},
                 {"", NULL}};
    char buf[32];

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        int64_t ms = 0;

        CHECK_EQ_INT(clock_parse(&ms, cases[i].text), cases[i].means ? 0 : EINVAL);
        if (cases[i].means)
            CHECK_STR(clock_iso8601(buf, sizeof(buf), ms), cases[i].means);
    }
}

TEST(clocks_go_forward)
{
    uint64_t us = clock_us(), cpu = clock_cpu_us();

    for (volatile int i = 0; i < 1000000; i++)
        ;
    CHECK(clock_us() > us);
    CHECK(clock_cpu_us() > cpu);
    CHECK(clock_wall_ms() > 1700000000000);
}

TEST(random_strings)
{
    char a[33], b[33];

    rnd_str(a, sizeof(a), 32);
    rnd_str(b, sizeof(b), 32);
    CHECK_EQ_INT(strlen(a), 32);
    CHECK(strcmp(a, b));
    for (const char *s = a; *s; s++)
        CHECK((*s >= '0' && *s <= '9') || (*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z'));
    rnd_str(a, sizeof(a), 0);
    CHECK_STR(a, "");
}

static size_t entries(const char *dir)
{
    DIR *d = opendir(dir);
    size_t n = 0;

    for (const struct dirent *e; (e = readdir(d));)
        n += e->d_name[0] != '.';
    closedir(d);
    return n;
}

TEST(files_are_made_and_replaced_whole)
{
    char dir[64], path[80], *p;
    struct stat st;
    size_t n;

    CHECK(mkdtemp(test_temp(dir, sizeof(dir))));
    snprintf(path, sizeof(path), "%s/f", dir);
    CHECK_EQ_INT(file_read(path, 10, &p, &n), ENOENT);
    CHECK_EQ_INT(file_create(path, "one", 3, 0600), 0);
    CHECK_EQ_INT(file_create(path, "two", 3, 0600), EEXIST);
    CHECK_EQ_INT(file_read(path, 3, &p, &n), 0);
    CHECK_STR(p, "one");
    free(p);
    CHECK_EQ_INT(file_replace(path, "three", 5, 0600), 0);
    CHECK_EQ_INT(file_read(path, 4, &p, &n), EFBIG);
    CHECK_EQ_INT(file_read(path, 5, &p, &n), 0);
    CHECK_EQ_INT(n, 5);
    CHECK_STR(p, "three");
    free(p);
    CHECK(!stat(path, &st) && (st.st_mode & 0777) == 0600);
    CHECK_EQ_INT(entries(dir), 1);
    CHECK_EQ_INT(file_replace("/nonexistent/f", "x", 1, 0600), ENOENT);
    unlink(path);
    rmdir(dir);
}

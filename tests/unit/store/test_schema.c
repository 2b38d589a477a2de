/* The database file: made, migrated, refused. */
#include "store/schema.h"
#include "store/sql.h"
#include "store/store.h"
#include "tempdir.h"
#include "testing.h"

#include <errno.h>
#include <sys/stat.h>

static const struct store_migration lab_migrations[] = {
    {1, "001-first", "CREATE TABLE t (a TEXT); INSERT INTO t VALUES ('kept');"},
    {2, "002-second", "ALTER TABLE t ADD COLUMN b INTEGER NOT NULL DEFAULT 7;"},
};
static const struct store_migration broken_migrations[] = {
    {1, "001-first", "CREATE TABLE t (a TEXT)"},
    {2, "002-broken", "CREATE TABLE u (a TEXT); INSERT INTO nowhere VALUES (1);"},
};
static const struct schema version_1 = {
    "CREATE TABLE t (a TEXT); INSERT INTO t VALUES ('kept'); PRAGMA user_version = 1;", lab_migrations, 1};
static const struct schema version_2 = {"CREATE TABLE t (a TEXT, b INTEGER); PRAGMA user_version = 2;",
                                        lab_migrations, 2};
static const struct schema version_2_broken = {"", broken_migrations, 2};

static char why[512];

static bool has_file(const struct tempdir *dir, const char *name)
{
    char path[256];
    struct stat st;

    snprintf(path, sizeof(path), "%s/%s", dir->path, name);
    return !stat(path, &st) && (st.st_mode & 077) == 0;
}

/* sqlite_master in one string, white space aside. */
static void describe(struct sql *sql, char *buf, size_t sz)
{
    sqlite3_stmt *st;
    size_t len = 0;

    if (sql_prepare(sql, &st, "SELECT coalesce(sql, name) FROM sqlite_master ORDER BY type, name"))
        return;
    while (!sql_step(st))
        for (const unsigned char *s = sqlite3_column_text(st, 0); *s && len < sz - 1; s++)
            if (!strchr(" \n\t", *s))
                buf[len++] = (char)*s;
    buf[len] = '\0';
    sql_done(sql, st);
}

TEST(migrations_from_zero_give_the_schema_of_schema_sql)
{
    struct schema fresh = {store_schema_sql, store_migrations, store_migration_count};
    static char a[32768], b[32768];
    struct tempdir dir;
    struct sql sql, old;

    CHECK(tempdir_make(&dir));
    CHECK_EQ_INT(schema_open(&sql, dir.path, &fresh, why, sizeof(why)), 0);
    CHECK_EQ_INT(sql_errno(sqlite3_open(":memory:", &old.db)), 0);
    memset(old.cache, 0, sizeof(old.cache));
    for (size_t i = 0; i < store_migration_count; i++) {
        CHECK_EQ_INT(store_migrations[i].version, i + 1);
        CHECK_EQ_INT(sql_exec(&old, store_migrations[i].sql), 0);
    }
    describe(&sql, a, sizeof(a));
    describe(&old, b, sizeof(b));
    CHECK(strstr(a, "CREATETABLEdn("));
    CHECK_STR(a, b);
    sql_close(&sql);
    sql_close(&old);
    tempdir_remove(&dir);
}

TEST(schema_sql_states_the_newest_version)
{
    struct schema fresh = {store_schema_sql, store_migrations, store_migration_count};
    struct tempdir dir;
    struct sql sql;
    int64_t version;

    CHECK(tempdir_make(&dir));
    CHECK_EQ_INT(schema_open(&sql, dir.path, &fresh, why, sizeof(why)), 0);
    CHECK_EQ_INT(sql_number(&sql, "PRAGMA user_version", &version), 0);
    CHECK_EQ_INT(version, store_migration_count);
    CHECK(has_file(&dir, "dngate.db"));
    sql_close(&sql);
    tempdir_remove(&dir);
}

TEST(an_older_database_is_copied_then_migrated)
{
    struct tempdir dir;
    struct sql sql;
    int64_t n;

    CHECK(tempdir_make(&dir));
    CHECK_EQ_INT(schema_open(&sql, dir.path, &version_1, why, sizeof(why)), 0);
    sql_close(&sql);
    CHECK(!has_file(&dir, "dngate.db.before-v2"));
    CHECK_EQ_INT(schema_open(&sql, dir.path, &version_2, why, sizeof(why)), 0);
    CHECK_EQ_INT(sql_number(&sql, "SELECT b FROM t WHERE a = 'kept'", &n), 0);
    CHECK_EQ_INT(n, 7);
    sql_close(&sql);
    CHECK(has_file(&dir, "dngate.db.before-v2"));
    tempdir_remove(&dir);
}

TEST(a_failing_migration_changes_nothing)
{
    struct tempdir dir;
    struct sql sql;
    int64_t n;

    CHECK(tempdir_make(&dir));
    CHECK_EQ_INT(schema_open(&sql, dir.path, &version_1, why, sizeof(why)), 0);
    sql_close(&sql);
    CHECK(schema_open(&sql, dir.path, &version_2_broken, why, sizeof(why)) != 0);
    CHECK(strstr(why, "cannot migrate"));
    CHECK_EQ_INT(schema_open(&sql, dir.path, &version_1, why, sizeof(why)), 0);
    CHECK_EQ_INT(sql_number(&sql, "SELECT count(*) FROM sqlite_master", &n), 0);
    CHECK_EQ_INT(n, 1);
    sql_close(&sql);
    tempdir_remove(&dir);
}

TEST(a_newer_database_is_refused_with_both_versions)
{
    struct tempdir dir;
    struct sql sql;

    CHECK(tempdir_make(&dir));
    CHECK_EQ_INT(schema_open(&sql, dir.path, &version_2, why, sizeof(why)), 0);
    sql_close(&sql);
    CHECK_EQ_INT(schema_open(&sql, dir.path, &version_1, why, sizeof(why)), ENOTSUP);
    CHECK(strstr(why, "version 2") && strstr(why, "up to 1") && strstr(why, "dngate.db"));
    tempdir_remove(&dir);
}

TEST(what_is_no_database_of_ours_is_refused_and_left_alone)
{
    struct tempdir dir;
    struct store *s;
    char path[256];
    FILE *f;

    CHECK(tempdir_make(&dir));
    snprintf(path, sizeof(path), "%s/dngate.db", dir.path);
    f = fopen(path, "w");
    CHECK(f);
    for (int i = 0; i < 1000; i++)
        fputs("this is a shopping list\n", f);
    fclose(f);
    CHECK_EQ_INT(store_open(&s, dir.path, why, sizeof(why)), EUCLEAN);
    CHECK(strstr(why, path));
    tempdir_remove(&dir);
}

TEST(a_directory_that_cannot_be_made_is_named)
{
    struct store *s;

    CHECK_EQ_INT(store_open(&s, "/proc/nowhere", why, sizeof(why)), ENOENT);
    CHECK(strstr(why, "/proc/nowhere: cannot make the data directory"));
}

/* Call records: exact, in time, and there after every kind of trouble. */
/* TSAN */
#include "core/clock.h"
#include "store/cdr.h"
#include "store/spill.h"
#include "store/sql.h"
#include "tempdir.h"
#define TESTING_NO_OOM "threads and sockets: what they wait for would not come"
#include "testing.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* A record is safe within a second; beside other work the machine may take longer. */
enum { PROMISED_MS = 1000, IN_TIME_MS = 3000, PATIENCE_MS = 20000 };

static char why[256];
static struct tempdir dir;
static struct store *store;
static struct sql other; /* another process's connection, as far as SQLite is concerned */

static struct cdr example(int i)
{
    struct cdr c = {.direction = CDR_INBOUND,
                    .dn = "5001",
                    .caller = "+49 \"30\" 1",
                    .callee = "5001",
                    .caller_name = "Zo\xc3\xab",
                    .trunk = "genesys",
                    .call_uuid = "UUID",
                    .sip_call_id = "a@b",
                    .start_ms = 1700000000000 + i,
                    .ring_ms = 1,
                    .answer_ms = 2,
                    .end_ms = 3,
                    .code = 487,
                    .reason = "Request\nTerminated",
                    .hangup = CDR_TRUNK,
                    .remote_ice = "192.0.2.1:5",
                    .path = CDR_PATH_RELAY_TLS,
                    .path_changes = 3,
                    .candidate = "relay",
                    .rtt_ms = 12.3456789};

    snprintf(c.id, sizeof(c.id), "id-%06d", i);
    c.from_browser = (struct cdr_stream){"opus", UINT64_C(1) << 40, 2, 4000000000u, 0.1, 4.25};
    c.from_trunk = (struct cdr_stream){"pcmu", 5, 6, 7, 8.5, 3.5};
    return c;
}

static bool start(void)
{
    char path[256];

    CHECK_OR(tempdir_make(&dir), return false);
    CHECK_OR(!store_open(&store, dir.path, why, sizeof(why)), return false);
    snprintf(path, sizeof(path), "%s/dngate.db", dir.path);
    CHECK_OR(!sql_open(&other, path, SQL_WRITER, 1000), return false);
    return true;
}

static void finish(void)
{
    sql_close(&other);
    store_close(store);
    tempdir_remove(&dir);
}

static int64_t rows(void)
{
    int64_t n = -1;

    sql_number(&other, "SELECT count(*) FROM cdr", &n);
    return n;
}

/* Milliseconds until there are n rows, or PATIENCE_MS. */
static int64_t wait_rows(int64_t n)
{
    uint64_t begin = clock_ms();

    while (rows() != n && clock_ms() - begin < PATIENCE_MS)
        poll(NULL, 0, 5);
    return (int64_t)(clock_ms() - begin);
}

struct got {
    struct cdr c[4];
    size_t n;
};

static bool got_h(const struct cdr *c, void *arg)
{
    struct got *g = arg;

    g->c[g->n++] = *c;
    return g->n == 4;
}

static bool count_h(const struct cdr *c, void *arg)
{
    (void)c;
    ++*(size_t *)arg;
    return false;
}

static void check_example(const struct cdr *c, int i)
{
    struct cdr want = example(i);

    CHECK_STR(c->id, want.id);
    CHECK_EQ_INT(c->direction, want.direction);
    CHECK_STR(c->caller, want.caller);
    CHECK_STR(c->caller_name, want.caller_name);
    CHECK_STR(c->reason, want.reason);
    CHECK_EQ_INT(c->start_ms, want.start_ms);
    CHECK_EQ_INT(c->code, want.code);
    CHECK_EQ_INT(c->hangup, want.hangup);
    CHECK_EQ_INT(c->from_browser.packets, want.from_browser.packets);
    CHECK_EQ_INT(c->from_browser.lost, want.from_browser.lost);
    CHECK(c->from_browser.jitter_ms == want.from_browser.jitter_ms && c->rtt_ms == want.rtt_ms);
    CHECK_STR(c->from_trunk.codec, want.from_trunk.codec);
    CHECK_STR(c->remote_ice, want.remote_ice);
    CHECK_EQ_INT(c->path, want.path);
    CHECK_EQ_INT(c->path_changes, want.path_changes);
    CHECK_STR(c->candidate, want.candidate);
}

TEST(a_record_reads_as_it_was_written)
{
    struct store_reader *r;
    struct got g = {0};
    struct cdr c;

    CHECK(start());
    for (int i = 0; i < 3; i++) {
        c = example(i);
        cdr_write(store, &c);
    }
    CHECK_EQ_INT(cdr_flush(store), 0);
    CHECK_EQ_INT(store_reader_alloc(&r, store), 0);
    CHECK_EQ_INT(cdr_each(r, &(struct cdr_filter){.dn = "5001"}, got_h, &g), 0);
    CHECK_EQ_INT(g.n, 3);
    for (int i = 0; i < 3; i++)
        check_example(&g.c[i], 2 - i);
    g.n = 0;
    CHECK_EQ_INT(cdr_each(r, &(struct cdr_filter){.before_id = "id-000002", .limit = 1}, got_h, &g), 0);
    CHECK_EQ_INT(g.n, 1);
    CHECK_STR(g.c[0].id, "id-000001");
    g.n = 0;
    CHECK_EQ_INT(cdr_each(r, &(struct cdr_filter){.from_ms = c.start_ms, .to_ms = c.start_ms + 1}, got_h, &g),
                 0);
    CHECK_EQ_INT(g.n, 1);
    store_reader_free(r);
    finish();
}

/* Walking the ids ends at the first that is too old; ids that others made are never taken for older than they are. */
TEST(a_span_of_time_has_all_that_began_in_it)
{
    static const struct {
        const char *id;
        int64_t start_ms;
    } rows[] = {{"018bcfe567ff-0001-a", 1699999999999},
                {"018bcfe56800-0002-b", 1700000000000},
                {"018bcfe56801-0000-c", 1700000000001},
                {"1700000000000-d", 1700000000000},
                {"1699999999999-e", 1699999999999}};
    struct store_reader *r;
    struct got g = {0};

    CHECK(start());
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct cdr c = example(0);

        snprintf(c.id, sizeof(c.id), "%s", rows[i].id);
        c.start_ms = rows[i].start_ms;
        cdr_write(store, &c);
    }
    CHECK_EQ_INT(cdr_flush(store), 0);
    CHECK_EQ_INT(store_reader_alloc(&r, store), 0);
    CHECK_EQ_INT(cdr_each(r, &(struct cdr_filter){.from_ms = 1700000000000}, got_h, &g), 0);
    CHECK_EQ_INT(g.n, 3);
    CHECK_STR(g.c[0].id, "1700000000000-d");
    CHECK_STR(g.c[2].id, "018bcfe56800-0002-b");
    g.n = 0;
    CHECK_EQ_INT(cdr_each(r, &(struct cdr_filter){.from_ms = 1700000000001, .dn = "5001"}, got_h, &g), 0);
    CHECK_EQ_INT(g.n, 1);
    store_reader_free(r);
    finish();
}

TEST(odd_values_refuse_no_row)
{
    struct cdr c = {.rtt_ms = NAN, .from_trunk = {.jitter_ms = INFINITY}};

    CHECK(start());
    memcpy(c.caller, "\xff\xfe", 3);
    cdr_write(store, &c); /* without an id, too: one is made */
    cdr_write(store, &c);
    CHECK_EQ_INT(cdr_flush(store), 0);
    CHECK_EQ_INT(rows(), 2);
    finish();
}

TEST(a_record_is_in_the_database_within_a_second)
{
    int64_t ms = PROMISED_MS;

    CHECK(start());
    for (int i = 1; i <= 3 && ms >= PROMISED_MS; i++) { /* a pause of the machine proves nothing */
        struct cdr c = example(i);

        cdr_write(store, &c);
        ms = wait_rows(i);
    }
    CHECK(ms < PROMISED_MS);
    finish();
}

TEST(more_records_than_the_mailbox_holds_all_arrive)
{
    struct cdr c;

    CHECK(start());
    for (int i = 0; i < 1500; i++) {
        c = example(i);
        cdr_write(store, &c);
    }
    wait_rows(1500);
    CHECK_EQ_INT(rows(), 1500);
    finish();
}

TEST(while_the_database_is_locked_records_wait_in_the_spill_file)
{
    struct cdr c = example(1);
    uint64_t begin;

    CHECK(start());
    CHECK_EQ_INT(sql_exec(&other, "BEGIN IMMEDIATE"), 0);
    begin = clock_ms();
    cdr_write(store, &c);
    while (!spill_exists(dir.path) && clock_ms() - begin < PATIENCE_MS)
        poll(NULL, 0, 5);
    CHECK(clock_ms() - begin < IN_TIME_MS);
    CHECK_EQ_INT(sql_exec(&other, "COMMIT"), 0);
    wait_rows(1);
    CHECK_EQ_INT(rows(), 1);
    CHECK_EQ_INT(cdr_flush(store), 0);
    CHECK(!spill_exists(dir.path));
    finish();
}

/* Somebody holds the spill file's lock, and the database's: the writer waits, who ends calls does not. */
TEST(a_writer_that_hangs_holds_up_nobody)
{
    enum { MANY = 3000 };
    char path[256];
    struct cdr c;
    int fd;

    CHECK(start());
    snprintf(path, sizeof(path), "%s/cdr.spill", dir.path);
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    CHECK(fd >= 0 && !flock(fd, LOCK_EX));
    CHECK_EQ_INT(sql_exec(&other, "BEGIN IMMEDIATE"), 0);
    for (int i = 0; i < MANY; i++) {
        c = example(i);
        cdr_write(store, &c); /* the lock is ours: would wait for ever */
    }
    CHECK_EQ_INT(sql_exec(&other, "COMMIT"), 0);
    close(fd);
    wait_rows(MANY);
    CHECK_EQ_INT(rows(), MANY);
    finish();
}

/* A child writes when told to, tells, waits to be killed. With locked, the parent's lock keeps it out of the database. */
static void kill_and_count(bool locked)
{
    int pipefd[2], go[2];
    pid_t pid;
    char c;

    CHECK(tempdir_make(&dir));
    CHECK(!store_open(&store, dir.path, why, sizeof(why)));
    store_close(store);
    CHECK(!pipe(pipefd) && !pipe(go));
    pid = fork();
    if (!pid) {
        if (store_open(&store, dir.path, why, sizeof(why)) || write(pipefd[1], "o", 1) != 1 ||
            read(go[0], &c, 1) != 1)
            _exit(1);
        for (int i = 0; i < 10; i++) {
            struct cdr row = example(i);

            cdr_write(store, &row);
        }
        if (write(pipefd[1], "w", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    close(pipefd[1]);
    close(go[0]);
    CHECK_EQ_INT(read(pipefd[0], &c, 1), 1);
    if (locked) {
        char path[256];

        snprintf(path, sizeof(path), "%s/dngate.db", dir.path);
        CHECK_EQ_INT(sql_open(&other, path, SQL_WRITER, 5000), 0);
        CHECK_EQ_INT(sql_exec(&other, "BEGIN IMMEDIATE"), 0);
    }
    CHECK_EQ_INT(write(go[1], "g", 1), 1);
    close(go[1]);
    CHECK_EQ_INT(read(pipefd[0], &c, 1), 1);
    poll(NULL, 0, IN_TIME_MS); /* what is older must survive: the time is what is tested */
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    close(pipefd[0]);
    if (locked) {
        CHECK(spill_exists(dir.path));
        sql_exec(&other, "ROLLBACK");
        sql_close(&other);
    }
    CHECK_EQ_INT(store_open(&store, dir.path, why, sizeof(why)), 0);
    CHECK_EQ_INT(cdr_flush(store), 0);
    store_close(store);
}

static int64_t rows_of_closed(void)
{
    char path[256];
    int64_t n;

    snprintf(path, sizeof(path), "%s/dngate.db", dir.path);
    if (sql_open(&other, path, SQL_WRITER, 1000))
        return -1;
    n = rows();
    sql_close(&other);
    tempdir_remove(&dir);
    return n;
}

TEST(kill_9_loses_no_record_older_than_a_second)
{
    kill_and_count(false);
    CHECK_EQ_INT(rows_of_closed(), 10);
}

TEST(kill_9_with_a_locked_database_loses_none_either)
{
    kill_and_count(true);
    CHECK_EQ_INT(rows_of_closed(), 10);
}

TEST(a_full_disk_keeps_records_until_there_is_room)
{
    struct rlimit before, small;
    char path[256];
    struct stat st;
    struct cdr c;

    CHECK(start());
    snprintf(path, sizeof(path), "%s/dngate.db-wal", dir.path);
    CHECK(!stat(path, &st));
    signal(SIGXFSZ, SIG_IGN); /* writes past the limit then fail like on a full disk */
    CHECK(!getrlimit(RLIMIT_FSIZE, &before));
    small = before;
    small.rlim_cur = 8192; /* room for a few spilled lines, none for the WAL */
    CHECK(!setrlimit(RLIMIT_FSIZE, &small));
    for (int i = 0; i < 20; i++) {
        c = example(i);
        cdr_write(store, &c);
    }
    cdr_flush(store);
    CHECK(!setrlimit(RLIMIT_FSIZE, &before));
    wait_rows(20);
    CHECK_EQ_INT(rows(), 20);
    finish();
}

TEST(a_line_that_a_crash_has_cut_does_not_hide_the_others)
{
    struct cdr v[2] = {example(1), example(2)};
    char path[256];
    FILE *f;

    CHECK(start());
    CHECK_EQ_INT(sql_exec(&other, "BEGIN IMMEDIATE"), 0); /* no replay yet */
    snprintf(path, sizeof(path), "%s/cdr.spill", dir.path);
    f = fopen(path, "a");
    CHECK(f);
    fputs("{\"id\":\"half\n", f);
    fclose(f);
    CHECK_EQ_INT(spill_append(dir.path, v, 2), 0);
    CHECK_EQ_INT(sql_exec(&other, "COMMIT"), 0);
    wait_rows(2);
    CHECK_EQ_INT(rows(), 2);
    finish();
}

/* The one record there is, by its columns. */
static bool closed_as(const char *id, int64_t code, int64_t end_min)
{
    sqlite3_stmt *st;
    bool is = false;

    if (sql_prepare(&other, &st, "SELECT code, end_ms, hangup, reason FROM cdr WHERE id = ?"))
        return false;
    sql_bind(st, "t", id);
    if (!sql_step(st))
        is = sqlite3_column_int64(st, 0) == code && sqlite3_column_int64(st, 1) >= end_min &&
             !strcmp((const char *)sqlite3_column_text(st, 2), "gateway") &&
             !strcmp((const char *)sqlite3_column_text(st, 3), "Cut off");
    sql_done(&other, st);
    return is;
}

TEST(calls_that_a_crash_cut_off_become_records)
{
    struct cdr ringing = example(1), answered = example(2), ended = example(3);
    int64_t n = -1, begin = clock_wall_ms();
    size_t count = 99;

    CHECK(start());
    ringing.answer_ms = 0;
    answered.answer_ms = begin;
    cdr_note(store, &ringing);
    cdr_note(store, &answered);
    cdr_note(store, &ended);
    cdr_note(store, &answered); /* again, when more is known */
    cdr_write(store, &ended);
    CHECK_EQ_INT(cdr_flush(store), 0);
    CHECK_EQ_INT(sql_number(&other, "SELECT count(*) FROM call_open", &n), 0);
    CHECK_EQ_INT(n, 2);
    CHECK_EQ_INT(cdr_close_left(store, "Cut off", &count), 0);
    CHECK_EQ_INT(count, 2);
    CHECK_EQ_INT(rows(), 3);
    CHECK(closed_as("id-000001", 500, begin));
    CHECK(closed_as("id-000002", 200, begin));
    CHECK(!closed_as("id-000003", 500, 0));
    CHECK_EQ_INT(cdr_close_left(store, "Cut off", &count), 0);
    CHECK_EQ_INT(count, 0);
    finish();
}

TEST(a_spilled_record_says_more_than_its_note)
{
    struct cdr c = example(7);
    size_t count = 99;

    CHECK(start());
    cdr_note(store, &c);
    CHECK_EQ_INT(cdr_flush(store), 0);
    CHECK_EQ_INT(spill_append(dir.path, &c, 1), 0);
    CHECK_EQ_INT(cdr_close_left(store, "Cut off", &count), 0);
    CHECK_EQ_INT(count, 0);
    CHECK_EQ_INT(rows(), 1);
    CHECK(!closed_as("id-000007", 200, 0));
    finish();
}

/* A line as the first version wrote it, cut off before what was added later. */
TEST(what_an_older_program_spilled_is_replayed)
{
    struct cdr c = example(4);
    struct store_reader *r;
    struct got g = {0};
    char path[256], line[2048];
    char *added;
    FILE *f;

    CHECK(start());
    CHECK_EQ_INT(sql_exec(&other, "BEGIN IMMEDIATE"), 0); /* no replay yet */
    CHECK_EQ_INT(spill_append(dir.path, &c, 1), 0);
    snprintf(path, sizeof(path), "%s/cdr.spill", dir.path);
    f = fopen(path, "r+");
    CHECK(f && fgets(line, sizeof(line), f));
    added = strstr(line, ",\"path\":");
    CHECK(added && strstr(line, "\"rtt_ms\":") < added);
    CHECK(!ftruncate(fileno(f), added - line) && !fseek(f, 0, SEEK_END) && fputs("}\n", f) >= 0);
    fclose(f);
    CHECK_EQ_INT(sql_exec(&other, "COMMIT"), 0);
    wait_rows(1);
    CHECK_EQ_INT(store_reader_alloc(&r, store), 0);
    CHECK_EQ_INT(cdr_each(r, &(struct cdr_filter){0}, got_h, &g), 0);
    CHECK_EQ_INT(g.n, 1);
    CHECK_STR(g.c[0].remote_ice, c.remote_ice);
    CHECK_EQ_INT(g.c[0].path, CDR_PATH_NONE);
    CHECK_EQ_INT(g.c[0].path_changes, 0);
    CHECK_STR(g.c[0].candidate, "");
    store_reader_free(r);
    finish();
}

/* Each code that there is, answered and not: the database judges as the program does. */
TEST(results_and_paths_are_found_by_their_names)
{
    static const uint16_t codes[] = {200, 302, 401, 404, 408, 480, 486, 487,
                                     488, 499, 500, 503, 599, 600, 603};
    enum { CODES = sizeof(codes) / sizeof(codes[0]), ALL = 2 * CODES };
    size_t by_result[CDR_RESULTS] = {0}, sum = 0, relayed = 0;
    struct store_reader *r;
    struct cdr c;

    CHECK(start());
    for (int i = 0; i < ALL; i++) {
        c = example(i);
        c.code = codes[i % CODES];
        c.answer_ms = i < CODES ? 0 : 5;
        c.path = (enum cdr_path)(i % CDR_PATHS);
        relayed += c.path >= CDR_PATH_RELAY_UDP;
        by_result[cdr_result(&c)]++;
        cdr_write(store, &c);
    }
    CHECK_EQ_INT(cdr_flush(store), 0);
    CHECK_EQ_INT(store_reader_alloc(&r, store), 0);
    for (enum cdr_result result = 0; result < CDR_RESULTS; result++) {
        size_t n = 0;

        CHECK_EQ_INT(cdr_each(r, &(struct cdr_filter){.result = cdr_result_name(result)}, count_h, &n), 0);
        CHECK_EQ_INT(n, by_result[result]);
        CHECK(n > 0);
        sum += n;
    }
    CHECK_EQ_INT(sum, ALL);
    for (enum cdr_path p = 0; p < CDR_PATHS; p++) {
        const char *name = p ? cdr_path_name(p) : CDR_PATH_NO_NAME;
        size_t n = 0;

        CHECK_EQ_INT(cdr_each(r, &(struct cdr_filter){.path = name, .dn = "5001"}, count_h, &n), 0);
        CHECK_EQ_INT(n, ALL / CDR_PATHS);
    }
    sum = 0;
    CHECK_EQ_INT(cdr_each(r, &(struct cdr_filter){.path = CDR_PATH_ANY_RELAY}, count_h, &sum), 0);
    CHECK_EQ_INT(sum, relayed);
    CHECK_EQ_INT(cdr_get(r, "id-000007", &c), 0);
    CHECK_EQ_INT(c.start_ms, example(7).start_ms);
    CHECK_EQ_INT(cdr_get(r, "id-", &c), ENOENT);
    store_reader_free(r);
    finish();
}

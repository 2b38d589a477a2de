/* Backup and restore as a user would notice them: everything is there again, nothing is lost, rubbish changes nothing. */
/* TSAN */
/* SLOW */
#include "core/clock.h"
#include "store/backup.h"
#include "store/cdr.h"
#include "store/dn.h"
#include "store/peek.h"
#include "store/restore.h"
#include "store/schema.h"
#include "store/setting.h"
#include "store/sql.h"
#include "store/trunk.h"
#include "testing.h"
#include "unit/store/tempdir.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DNS = 20, CDRS = 300 };

static struct tempdir here, there;
static struct store *store;
static char why[512], file[160];

static bool open_store(const struct tempdir *dir)
{
    CHECK_OR(!store_open(&store, dir->path, why, sizeof(why)), return false);
    return true;
}

static void put_cdr(unsigned i)
{
    struct cdr c = {.code = 200, .start_ms = 1000 + i};

    snprintf(c.id, sizeof(c.id), "call-%06u", i);
    snprintf(c.dn, sizeof(c.dn), "50%02u", i % DNS);
    cdr_write(store, &c);
}

static bool start(void)
{
    struct trunk t = {.port = 5070, .transport = TRUNK_TCP, .enabled = true, .priority = 7};
    char dn[16];

    snprintf(t.name, sizeof(t.name), "genesys");
    snprintf(t.host, sizeof(t.host), "192.0.2.1");
    snprintf(t.username, sizeof(t.username), "gw");
    snprintf(t.password, sizeof(t.password), "sealed-one");
    snprintf(t.codecs, sizeof(t.codecs), "pcma,pcmu");
    CHECK_OR(tempdir_make(&here) && tempdir_make(&there), return false);
    snprintf(file, sizeof(file), "%s/box.bak", there.path);
    CHECK_OR(open_store(&here), return false);
    for (int i = 0; i < DNS; i++) {
        snprintf(dn, sizeof(dn), "50%02d", i);
        CHECK_OR(!dn_add(store, dn, "secret1", "Zo\xc3\xab", DN_CODEC_PCMA, i % 2, why, sizeof(why)),
                 return false);
    }
    CHECK_OR(!trunk_add(store, &t, why, sizeof(why)), return false);
    CHECK_OR(!dn_change(store, "5003", &(struct dn_change){.trunk_password = "sealed-two"}, why, sizeof(why)),
             return false);
    CHECK_OR(!setting_put(store, "sip.port", "5070"), return false);
    return true;
}

static void finish(void)
{
    store_close(store);
    store = NULL;
    tempdir_remove(&here);
    tempdir_remove(&there);
}

static bool trunk_h_seen;

static bool trunk_password_h(const struct trunk *t, void *arg)
{
    (void)arg;
    trunk_h_seen = !strcmp(t->password, "sealed-one") && t->port == 5070 && t->transport == TRUNK_TCP &&
                   t->priority == 7 && !strcmp(t->codecs, "pcma,pcmu");
    return true;
}

static bool count_h(const struct cdr *c, void *arg)
{
    (void)c;
    (*(size_t *)arg)++;
    return false;
}

static size_t cdrs(void)
{
    struct cdr_filter f = {.limit = 100000};
    struct store_reader *r;
    size_t n = 0;

    if (cdr_flush(store) || store_reader_alloc(&r, store))
        return 0;
    cdr_each(r, &f, count_h, &n);
    store_reader_free(r);
    return n;
}

static bool has_dn(const char *dn, struct dn *d)
{
    struct store_reader *r;
    int err = store_reader_alloc(&r, store);

    if (!err) {
        err = dn_get(r, dn, d);
        store_reader_free(r);
    }
    return !err;
}

static void restore_into(const char *dir, struct restore_result *res)
{
    struct restore_result staged;

    CHECK_EQ_INT(restore_stage(dir, file, NULL, &staged, why, sizeof(why)), 0);
    CHECK_STR(staged.notes, "");
    CHECK_EQ_INT(restore_apply(store, res, why, sizeof(why)), 0);
}

static atomic_bool stop_writing;
static atomic_uint written;

static void *write_calls(void *arg)
{
    (void)arg;
    while (!atomic_load(&stop_writing) && atomic_load(&written) < CDRS)
        put_cdr(atomic_fetch_add(&written, 1));
    return NULL;
}

TEST(a_backup_made_under_load_is_whole_on_another_box)
{
    struct backup_info info;
    struct restore_result res;
    struct store_reader *r;
    struct dn before, after;
    char password[DN_TRUNK_PASSWORD_MAX];
    struct stat st;
    pthread_t thread;

    CHECK(start());
    CHECK_EQ_INT(pthread_create(&thread, NULL, write_calls, NULL), 0);
    CHECK_EQ_INT(backup_write(here.path, file, &info, why, sizeof(why)), 0);
    atomic_store(&stop_writing, true);
    pthread_join(thread, NULL);
    CHECK_EQ_INT(info.dns, DNS);
    CHECK_EQ_INT(info.trunks, 1);
    CHECK(info.cdrs <= (int64_t)atomic_load(&written));
    CHECK(!stat(file, &st) && (st.st_mode & 0777) == 0600);
    CHECK(has_dn("5003", &before));
    store_close(store);
    CHECK(open_store(&there)); /* a key of its own: trunk passwords must be sealed anew */
    restore_into(there.path, &res);
    CHECK_EQ_INT(cdrs(), info.cdrs);
    CHECK(has_dn("5003", &after));
    CHECK_STR(after.name, before.name);
    CHECK_STR(after.ha1_md5, before.ha1_md5);
    CHECK_STR(after.ha1_sha256, before.ha1_sha256);
    CHECK_EQ_INT(after.enabled, before.enabled);
    CHECK_EQ_INT(after.codec, before.codec);
    dn_trunk_password(store, "5003", after.trunk_password, password);
    CHECK_STR(password, "sealed-two");
    CHECK_EQ_INT(store_reader_alloc(&r, store), 0);
    CHECK_EQ_INT(trunk_each(r, true, trunk_password_h, NULL), 0);
    CHECK(trunk_h_seen);
    store_reader_free(r);
    finish();
}

static atomic_int told[STORE_SETTING + 1];

static void told_h(enum store_noun noun, const char *key, void *arg)
{
    (void)arg;
    if (!*key)
        atomic_fetch_add(&told[noun], 1);
}

TEST(a_restore_brings_back_provisioning_and_loses_no_call_record)
{
    struct backup_info info;
    struct restore_result res;
    struct dn d;

    CHECK(start());
    for (unsigned i = 0; i < 10; i++)
        put_cdr(i);
    CHECK_EQ_INT(cdrs(), 10);
    CHECK_EQ_INT(backup_write(here.path, file, &info, why, sizeof(why)), 0);
    CHECK_EQ_INT(info.cdrs, 10);
    for (unsigned i = 10; i < 15; i++)
        put_cdr(i);
    CHECK_EQ_INT(dn_remove(store, "5003"), 0);
    CHECK_EQ_INT(dn_add(store, "7777", "secret1", "", DN_CODEC_AUTO, true, why, sizeof(why)), 0);
    CHECK_EQ_INT(store_listen(store, told_h, NULL), 0);
    restore_into(here.path, &res);
    CHECK(has_dn("5003", &d));
    CHECK(!has_dn("7777", &d));
    CHECK_EQ_INT(cdrs(), 15);
    CHECK_EQ_INT(res.cdrs_kept, 5);
    for (int noun = STORE_DN; noun <= STORE_SETTING; noun++)
        CHECK(atomic_load(&told[noun]) >= 1);
    /* What was there before is a backup itself. */
    snprintf(file, sizeof(file), "%s/dngate.db.before-restore", here.path);
    restore_into(here.path, &res);
    CHECK(has_dn("7777", &d) && !has_dn("5003", &d));
    CHECK_EQ_INT(cdrs(), 15);
    finish();
}

static int backup_to(const char *path)
{
    struct backup_info info;

    return backup_write(here.path, path, &info, why, sizeof(why));
}

static int copy_cdrs(struct sql *old, const char *from)
{
    char list[1024], text[3072];
    sqlite3_stmt *st;
    int err = sql_prepare(old, &st, "SELECT group_concat(name) FROM pragma_table_info('cdr')");

    if (err)
        return err;
    err = sql_step(st);
    sql_text(st, 0, list, sizeof(list));
    sql_done(old, st);
    snprintf(text, sizeof(text),
             "ATTACH '%s' AS new; INSERT INTO cdr (%s) SELECT %s FROM new.cdr; DETACH new", from, list, list);
    return err ? err : sql_exec(old, text);
}

/* As a program of before wrote it: its records know no path. */
static int make_version_3(const char *path)
{
    char made[256];
    struct sql old;
    int err, fd;

    snprintf(made, sizeof(made), "%s.3", path);
    fd = open(made, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0)
        return errno;
    close(fd);
    err = sql_open(&old, made, SQL_WRITER, 1000);
    for (size_t i = 0; i < 3 && !err; i++)
        err = sql_exec(&old, store_migrations[i].sql);
    if (!err)
        err = sql_exec(&old, "PRAGMA user_version = 3");
    if (!err)
        err = copy_cdrs(&old, path);
    sql_close(&old);
    return err || rename(made, path) ? EIO : 0;
}

static bool path_h(const struct cdr *c, void *arg)
{
    *(unsigned *)arg += c->path == (!strcmp(c->id, "call-000002") ? CDR_PATH_RELAY_TLS : CDR_PATH_NONE);
    return false;
}

TEST(records_of_an_older_backup_stand_beside_newer_ones)
{
    struct cdr newer = {.id = "call-000002", .dn = "5001", .start_ms = 2000, .path = CDR_PATH_RELAY_TLS};
    struct backup_info info;
    struct restore_result res;
    struct store_reader *r;
    unsigned as_wanted = 0;

    CHECK(start());
    put_cdr(0);
    put_cdr(1);
    CHECK_EQ_INT(cdrs(), 2);
    CHECK_EQ_INT(backup_write(here.path, file, &info, why, sizeof(why)), 0);
    CHECK_EQ_INT(make_version_3(file), 0);
    cdr_write(store, &newer);
    CHECK_EQ_INT(cdrs(), 3);
    restore_into(here.path, &res);
    CHECK_EQ_INT(res.cdrs_kept, 1);
    CHECK_EQ_INT(store_reader_alloc(&r, store), 0);
    CHECK_EQ_INT(cdr_each(r, &(struct cdr_filter){0}, path_h, &as_wanted), 0);
    CHECK_EQ_INT(as_wanted, 3);
    store_reader_free(r);
    finish();
}

TEST(a_backup_never_replaces_what_the_server_works_with)
{
    static const char *const names[] = {"dngate.db", "dngate.db-wal", "secret.key", "cdr.spill"};
    char path[200], by_link[200], relative[200];
    struct dn d;

    CHECK(start());
    snprintf(by_link, sizeof(by_link), "%s/link", there.path);
    CHECK(!chdir(here.path));
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        bool there_yet = !access(names[i], F_OK); /* cdr.spill is not */
        struct stat before = {0}, after = {0};

        snprintf(path, sizeof(path), "%s/%s", here.path, names[i]);
        snprintf(relative, sizeof(relative), "../%s/%s", strrchr(here.path, '/') + 1, names[i]);
        CHECK_EQ_INT(stat(path, &before), there_yet ? 0 : -1);
        CHECK_EQ_INT(backup_to(path), EBUSY);
        CHECK(strstr(why, path));
        CHECK_EQ_INT(backup_to(relative), EBUSY);
        CHECK_EQ_INT(backup_to(names[i]), EBUSY);
        CHECK(!symlink(path, by_link));
        CHECK(!there_yet || backup_to(by_link) == EBUSY);
        unlink(by_link);
        CHECK_EQ_INT(stat(path, &after), there_yet ? 0 : -1);
        CHECK_EQ_INT(after.st_ino, before.st_ino);
    }
    CHECK(has_dn("5003", &d));
    CHECK_EQ_INT(backup_to("dngate.db.bak"), 0);
    CHECK(!chdir("/"));
    finish();
}

/* In a container every server is process 1, and so was the one that was killed in the middle of a backup. */
TEST(the_rest_of_a_backup_that_was_cut_short_is_not_in_the_way)
{
    char path[200];
    FILE *f;

    CHECK(start());
    snprintf(path, sizeof(path), "%s.%d.tmp", file, (int)getpid());
    CHECK((f = fopen(path, "we")) && fputs("half of it", f) >= 0 && !fclose(f));
    CHECK_EQ_INT(backup_to(file), 0);
    CHECK(access(path, F_OK));
    finish();
}

/* Reads a whole file; the caller frees. */
static char *slurp(const char *path, size_t *n)
{
    FILE *f = fopen(path, "re");
    char *p = NULL;

    *n = 0;
    if (!f)
        return NULL;
    fseek(f, 0, SEEK_END);
    *n = (size_t)ftell(f);
    rewind(f);
    p = malloc(*n + 1);
    if (p && fread(p, 1, *n, f) != *n)
        *n = 0;
    fclose(f);
    return p;
}

static void spew(const char *path, const char *p, size_t n)
{
    FILE *f = fopen(path, "we");

    if (f) {
        fwrite(p, 1, n, f);
        fclose(f);
    }
}

static int stage_bytes(const char *p, size_t n)
{
    struct restore_result res;
    char path[200];

    snprintf(path, sizeof(path), "%s/bad.bak", there.path);
    spew(path, p, n);
    return restore_stage(here.path, path, NULL, &res, why, sizeof(why));
}

TEST(what_is_no_sound_backup_of_ours_changes_nothing)
{
    struct backup_info info;
    char path[200], *good, staged[200];
    struct sql sql;
    struct dn d;
    size_t n;

    CHECK(start());
    CHECK_EQ_INT(backup_write(here.path, file, &info, why, sizeof(why)), 0);
    good = slurp(file, &n);
    CHECK(good);
    snprintf(staged, sizeof(staged), "%s/restore.db", here.path);
    CHECK_EQ_INT(stage_bytes("rubbish", 7), EUCLEAN);
    CHECK_EQ_INT(stage_bytes("", 0), EUCLEAN);
    for (size_t cut = 16; cut < n; cut += n / 7)
        CHECK(stage_bytes(good, cut) != 0);
    CHECK(!strchr(why, '\n') && why[0]);
    memset(good + 8192, 0x5a, 600); /* the head of a page */
    CHECK(stage_bytes(good, n) != 0);
    CHECK(access(staged, F_OK));
    free(good);

    CHECK_EQ_INT(backup_open(&sql, file), 0);
    CHECK_EQ_INT(sql_exec(&sql, "PRAGMA user_version = 999"), 0);
    sql_close(&sql);
    good = slurp(file, &n);
    CHECK_EQ_INT(stage_bytes(good, n), ENOTSUP);
    CHECK(strstr(why, "newer"));
    free(good);

    snprintf(path, sizeof(path), "%s/other.db", there.path);
    spew(path, "", 0);
    CHECK_EQ_INT(backup_open(&sql, path), 0);
    CHECK_EQ_INT(sql_exec(&sql, "CREATE TABLE other (x); PRAGMA user_version = 1"), 0);
    sql_close(&sql);
    good = slurp(path, &n);
    CHECK_EQ_INT(stage_bytes(good, n), EUCLEAN);
    free(good);
    CHECK(access(staged, F_OK));
    CHECK(has_dn("5003", &d));
    finish();
}

TEST(a_database_beyond_repair_is_replaced_and_kept)
{
    struct backup_info info;
    struct restore_result res;
    char path[200];
    struct dn d;
    FILE *f;

    CHECK(start());
    put_cdr(1);
    CHECK_EQ_INT(cdrs(), 1);
    CHECK_EQ_INT(backup_write(here.path, file, &info, why, sizeof(why)), 0);
    store_close(store);
    store = NULL;
    snprintf(path, sizeof(path), "%s/dngate.db", here.path);
    f = fopen(path, "r+e");
    CHECK(f);
    fwrite("this was a database once, before the disk went", 1, 46, f);
    fclose(f);
    CHECK(store_open(&store, here.path, why, sizeof(why)) == EUCLEAN);
    CHECK_EQ_INT(restore_stage(here.path, file, NULL, &res, why, sizeof(why)), 0);
    CHECK_EQ_INT(restore_replace(here.path, &res, why, sizeof(why)), 0);
    CHECK(strstr(res.notes, "could not be read"));
    CHECK(open_store(&here));
    CHECK(has_dn("5003", &d));
    CHECK_EQ_INT(cdrs(), 1);
    snprintf(path, sizeof(path), "%s/dngate.db.before-restore", here.path);
    CHECK(!access(path, F_OK));
    finish();
}

TEST(a_damaged_database_of_an_older_program_leaves_its_call_records)
{
    struct backup_info info;
    struct restore_result res;
    char path[200];

    CHECK(start());
    put_cdr(0);
    CHECK_EQ_INT(cdrs(), 1);
    CHECK_EQ_INT(backup_write(here.path, file, &info, why, sizeof(why)), 0);
    put_cdr(1);
    CHECK_EQ_INT(cdrs(), 2);
    store_close(store);
    store = NULL;
    snprintf(path, sizeof(path), "%s/dngate.db", here.path);
    CHECK_EQ_INT(make_version_3(path), 0);
    CHECK_EQ_INT(restore_stage(here.path, file, NULL, &res, why, sizeof(why)), 0);
    CHECK_EQ_INT(restore_replace(here.path, &res, why, sizeof(why)), 0);
    CHECK_STR(res.notes, "");
    CHECK_EQ_INT(res.cdrs_kept, 1);
    CHECK(open_store(&here));
    CHECK_EQ_INT(cdrs(), 2);
    finish();
}

TEST(looking_at_a_directory_makes_nothing_in_it)
{
    int64_t version = 0, ours = 0;
    struct store *peeked;
    char path[200];

    CHECK(start());
    CHECK_EQ_INT(peek_open(&peeked, there.path, why, sizeof(why)), ENOENT);
    snprintf(path, sizeof(path), "%s/dngate.db", there.path);
    CHECK(access(path, F_OK));
    CHECK_EQ_INT(peek_open(&peeked, here.path, why, sizeof(why)), 0);
    CHECK_EQ_INT(peek_verify(peeked, &version, &ours, why, sizeof(why)), 0);
    CHECK_EQ_INT(version, ours);
    store_close(peeked);
    finish();
}

TEST(an_encrypted_backup_wants_its_passphrase)
{
    struct restore_result res;
    struct backup_info info;
    struct dn d;

    CHECK(start());
    CHECK_EQ_INT(backup_write_sealed(here.path, file, "short", &info, why, sizeof(why)), EINVAL);
    CHECK_EQ_INT(backup_write_sealed(here.path, file, "open sesame", &info, why, sizeof(why)), 0);
    CHECK(info.dns > 0);
    CHECK_EQ_INT(dn_add(store, "7777", "secret7", "", DN_CODEC_AUTO, true, why, sizeof(why)), 0);
    CHECK_EQ_INT(restore_stage(here.path, file, NULL, &res, why, sizeof(why)), ENOKEY);
    CHECK_EQ_INT(restore_stage(here.path, file, "open sesamo", &res, why, sizeof(why)), EKEYREJECTED);
    CHECK(strstr(why, "another passphrase"));
    CHECK_EQ_INT(restore_apply(store, &res, why, sizeof(why)), ENOENT);
    CHECK_EQ_INT(restore_stage(here.path, file, "open sesame", &res, why, sizeof(why)), 0);
    CHECK_EQ_INT(restore_apply(store, &res, why, sizeof(why)), 0);
    CHECK(!has_dn("7777", &d));
    CHECK_EQ_INT(truncate(file, 70000), 0);
    CHECK_EQ_INT(restore_stage(here.path, file, "open sesame", &res, why, sizeof(why)), EBADMSG);
    CHECK(strstr(why, "damaged or cut short"));
    finish();
}

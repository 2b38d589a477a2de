/* Provisioning as a user would notice it: stored, told, audited, refused. */
/* TSAN */
#include "capture.h"
#include "core/clock.h"
#include "crypto/hash.h"
#include "store/dn.h"
#include "store/setting.h"
#include "store/sql.h"
#include "store/trunk.h"
#include "store/user.h"
#include "opened.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>

enum { PATIENCE_MS = 15000 };

static int add(const char *dn)
{
    return dn_add(store, dn, "secret1", "Ada", DN_CODEC_AUTO, true, why, sizeof(why));
}

static int import(const char *csv, struct dn_import_result *res)
{
    return dn_import_csv(store, csv, strlen(csv), res, why, sizeof(why));
}

static int64_t number(const char *sql_text)
{
    struct sql sql;
    char path[256];
    int64_t n = -1;

    snprintf(path, sizeof(path), "%s/dngate.db", dir.path);
    if (!sql_open(&sql, path, SQL_READER, 1000)) {
        sql_number(&sql, sql_text, &n);
        sql_close(&sql);
    }
    return n;
}

static atomic_int told[STORE_SETTING + 1], told_all[STORE_SETTING + 1];

static void told_h(enum store_noun noun, const char *key, void *arg)
{
    (void)arg;
    atomic_fetch_add(*key ? &told[noun] : &told_all[noun], 1);
}

static int writing_h_result;

static void writing_h(enum store_noun noun, const char *key, void *arg)
{
    (void)noun;
    (void)key;
    (void)arg;
    writing_h_result = dn_remove(store, "5001");
}

TEST(a_dn_keeps_only_hashes_of_its_password)
{
    char ha1[MD5_HEXLEN], ha1_sha256[SHA256_HEXLEN];
    struct dn d;

    CHECK(start());
    CHECK_EQ_INT(add("5001"), 0);
    CHECK_EQ_INT(dn_get(reader, "5001", &d), 0);
    hash_ha1_md5(ha1, "5001", "dngate", "secret1");
    hash_ha1_sha256(ha1_sha256, "5001", "dngate", "secret1");
    CHECK_STR(d.ha1_md5, ha1);
    CHECK_STR(d.ha1_sha256, ha1_sha256);
    CHECK_STR(d.name, "Ada");
    CHECK(d.enabled && d.created_ms > 0);
    CHECK_EQ_INT(dn_passwd(store, "5001", "another1", why, sizeof(why)), 0);
    CHECK_EQ_INT(dn_get(reader, "5001", &d), 0);
    CHECK(strcmp(d.ha1_md5, ha1) != 0);
    CHECK_EQ_INT(dn_enable(store, "5001", false), 0);
    CHECK_EQ_INT(dn_get(reader, "5001", &d), 0);
    CHECK(!d.enabled);
    CHECK_EQ_INT(dn_remove(store, "5001"), 0);
    CHECK_EQ_INT(dn_get(reader, "5001", &d), ENOENT);
    CHECK_EQ_INT(number("SELECT count(*) FROM audit"), 4);
    CHECK_EQ_INT(number("SELECT count(*) FROM audit WHERE what LIKE '%secret1%' OR what LIKE '%another1%'"),
                 0);
    finish();
}

TEST(wrong_dns_are_refused_with_a_reason)
{
    char longest[DN_MAX + 1];

    CHECK(start());
    memset(longest, '5', sizeof(longest) - 1);
    longest[DN_MAX] = '\0';
    CHECK_EQ_INT(add(longest), EINVAL);
    CHECK_EQ_INT(add(longest + 1), 0);
    CHECK_EQ_INT(add(longest + 1), EEXIST);
    CHECK(strstr(why, "exists already"));
    CHECK_EQ_INT(add(""), EINVAL);
    CHECK_EQ_INT(add("50 01"), EINVAL);
    CHECK_EQ_INT(add("5001\r\nVia"), EINVAL);
    CHECK_EQ_INT(dn_add(store, "1", "short", "", DN_CODEC_AUTO, true, why, sizeof(why)), EINVAL);
    CHECK(strstr(why, "6 characters"));
    CHECK_EQ_INT(dn_add(store, "1", "secret1", "a\nb", DN_CODEC_AUTO, true, why, sizeof(why)), EINVAL);
    CHECK_EQ_INT(dn_add(store, "1", "secret1", "\xff", DN_CODEC_AUTO, true, why, sizeof(why)), EINVAL);
    CHECK_EQ_INT(dn_passwd(store, "404", "secret1", why, sizeof(why)), ENOENT);
    CHECK_EQ_INT(dn_enable(store, "404", true), ENOENT);
    CHECK_EQ_INT(dn_remove(store, "404"), ENOENT);
    finish();
}

TEST(an_import_adds_changes_and_keeps)
{
    struct dn_import_result res;
    struct dn before, after;

    CHECK(start());
    CHECK_EQ_INT(add("5001"), 0);
    CHECK_EQ_INT(dn_get(reader, "5001", &before), 0);
    CHECK_EQ_INT(import("codec,dn,enabled,password\r\npcmu,5001,no,\r\n,5002,,secret2\r\n", &res), 0);
    CHECK_EQ_INT(res.added, 1);
    CHECK_EQ_INT(res.changed, 1);
    CHECK_EQ_INT(dn_get(reader, "5001", &after), 0);
    CHECK_STR(after.ha1_md5, before.ha1_md5);
    CHECK_STR(after.name, "Ada");
    CHECK_EQ_INT(after.codec, DN_CODEC_PCMU);
    CHECK(!after.enabled);
    CHECK_EQ_INT(dn_get(reader, "5002", &after), 0);
    CHECK(after.enabled);
    CHECK_EQ_INT(import("dn,password\n5002,secret2\n", &res), 0);
    CHECK_EQ_INT(res.unchanged, 1);
    finish();
}

TEST(a_wrong_import_changes_nothing_and_names_line_and_column)
{
    static const struct {
        const char *csv, *why;
    } wrong[] = {
        {"", "line 1"},
        {"name\nAda\n", "line 1: dn"},
        {"dn,shoe\n", "line 1: shoe"},
        {"dn,dn\n", "line 1: dn"},
        {"dn,password\n6001,secret1\n6002,x\n", "line 3: password"},
        {"dn,password\n6001,secret1\n6001,secret1\n", "line 3: dn: 6001 stands in line 2"},
        {"dn,password\n6001,secret1\n6002,\n", "line 3: password: needed"},
        {"dn,password,codec\n6001,secret1,g729\n", "line 2: codec"},
        {"dn,password,enabled\n6001,secret1,maybe\n", "line 2: enabled"},
        {"dn,password\n60 01,secret1\n", "line 2: dn"},
        {"dn,password\n6001\n", "line 2: 1 fields"},
        {"dn,password\n6001,\"secret1\n", "line 2: a quoted field has no end"},
    };
    struct dn_import_result res;

    CHECK(start());
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        CHECK_EQ_INT(import(wrong[i].csv, &res), EINVAL);
        if (strncmp(why, wrong[i].why, strlen(wrong[i].why)))
            CHECK_STR(why, wrong[i].why);
    }
    CHECK_EQ_INT(number("SELECT count(*) FROM dn"), 0);
    CHECK_EQ_INT(number("SELECT count(*) FROM audit"), 0);
    finish();
}

static bool password_h(const struct trunk *t, void *arg)
{
    snprintf(arg, TRUNK_SECRET_MAX, "%s", t->password);
    return false;
}

TEST(a_trunk_password_is_sealed_at_rest)
{
    struct trunk t = {.name = "g",
                      .host = "192.0.2.1",
                      .port = 5060,
                      .username = "u",
                      .password = "topsecret",
                      .enabled = true,
                      .priority = 10,
                      .codecs = "pcmu,pcma"};
    char password[TRUNK_SECRET_MAX] = "";
    struct trunk got;

    CHECK(start());
    CHECK_EQ_INT(trunk_add(store, &t, why, sizeof(why)), 0);
    CHECK_EQ_INT(trunk_add(store, &t, why, sizeof(why)), EEXIST);
    CHECK_EQ_INT(trunk_get(reader, "g", &got), 0);
    CHECK_STR(got.password, "");
    CHECK_STR(got.host, "192.0.2.1");
    CHECK_EQ_INT(trunk_each(reader, true, password_h, password), 0);
    CHECK_STR(password, "topsecret");
    CHECK_EQ_INT(
        number("SELECT count(*) FROM trunk WHERE password LIKE 'v1:%' AND password NOT LIKE '%topsecret%'"),
        1);
    snprintf(t.name, sizeof(t.name), "other");
    snprintf(t.codecs, sizeof(t.codecs), "g729");
    CHECK_EQ_INT(trunk_add(store, &t, why, sizeof(why)), EINVAL);
    CHECK_EQ_INT(trunk_remove(store, "g"), 0);
    CHECK_EQ_INT(trunk_remove(store, "g"), ENOENT);
    finish();
}

/* SIP Server's realm is not known here, so that it cannot be a hash. */
TEST(a_dns_password_for_sip_server_is_sealed_and_read_back)
{
    char password[DN_TRUNK_PASSWORD_MAX], longest[DN_TRUNK_PASSWORD_MAX + 1];
    struct dn_import_result res;
    struct dn d, other;

    CHECK(start());
    CHECK_EQ_INT(add("5001"), 0);
    CHECK_EQ_INT(
        dn_change(store, "5001", &(struct dn_change){.trunk_password = "topsecret"}, why, sizeof(why)), 0);
    CHECK_EQ_INT(dn_get(reader, "5001", &d), 0);
    dn_trunk_password(store, "5001", d.trunk_password, password);
    CHECK_STR(password, "topsecret");
    dn_trunk_password(store, "5002", d.trunk_password, password); /* copied to another row: opens nothing */
    CHECK_STR(password, "");
    CHECK_EQ_INT(number("SELECT count(*) FROM dn WHERE trunk_password LIKE 'v1:%'"), 1);
    CHECK_EQ_INT(import("dn,trunk_password\n5001,topsecret\n", &res), 0);
    CHECK_EQ_INT(res.unchanged, 1);
    CHECK_EQ_INT(import("dn,name,trunk_password\n5001,Ada,\n", &res), 0); /* empty: as it is */
    CHECK_EQ_INT(res.unchanged, 1);
    CHECK_EQ_INT(import("dn,password,trunk_password\n5001,,another\n5002,secret2,second\n", &res), 0);
    CHECK_EQ_INT(res.changed, 1);
    CHECK_EQ_INT(res.added, 1);
    CHECK_EQ_INT(dn_get(reader, "5002", &other), 0);
    dn_trunk_password(store, "5002", other.trunk_password, password);
    CHECK_STR(password, "second");
    CHECK_EQ_INT(dn_change(store, "5001", &(struct dn_change){.trunk_password = ""}, why, sizeof(why)), 0);
    CHECK_EQ_INT(dn_get(reader, "5001", &d), 0);
    CHECK_STR(d.trunk_password, "");
    memset(longest, 'x', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    CHECK_EQ_INT(dn_change(store, "5001", &(struct dn_change){.trunk_password = longest}, why, sizeof(why)),
                 EINVAL);
    CHECK_EQ_INT(
        dn_change(store, "5001", &(struct dn_change){.trunk_password = longest + 1}, why, sizeof(why)), 0);
    CHECK_EQ_INT(
        number("SELECT count(*) FROM audit WHERE what LIKE '%secret%' OR before LIKE '%topsecret%' OR "
               "after LIKE '%topsecret%'"),
        0);
    finish();
}

TEST(a_trunks_codecs_are_known_and_each_named_once)
{
    static const char *const good[] = {"pcmu", "opus,g722,pcma,pcmu", "g722", "pcma,opus"},
                             *const bad[] = {"",     "pcm",        "pcmu,",     ",pcmu", "pcmu,pcmu",
                                             "PCMU", "pcmu, pcma", "opus;g722", "pcmua"};
    struct trunk t = {.port = 5060, .host = "192.0.2.1"}, got;

    CHECK(start());
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        snprintf(t.name, sizeof(t.name), "t%zu", i);
        snprintf(t.codecs, sizeof(t.codecs), "%s", good[i]);
        CHECK_EQ_INT(trunk_add(store, &t, why, sizeof(why)), 0);
        CHECK_EQ_INT(trunk_get(reader, t.name, &got), 0);
        CHECK_STR(got.codecs, good[i]);
    }
    CHECK_EQ_INT(got.ptime, 20);
    for (t.ptime = 10; t.ptime <= 60; t.ptime += 10) {
        CHECK_EQ_INT(trunk_set(store, &t, false, why, sizeof(why)), 0);
        CHECK_EQ_INT(trunk_get(reader, t.name, &got), 0);
        CHECK_EQ_INT(got.ptime, t.ptime);
    }
    CHECK_EQ_INT(trunk_set(store, &t, false, why, sizeof(why)), EINVAL); /* 70 */
    t.ptime = 15;
    CHECK_EQ_INT(trunk_set(store, &t, false, why, sizeof(why)), EINVAL);
    t.ptime = 0;
    snprintf(t.name, sizeof(t.name), "bad");
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        snprintf(t.codecs, sizeof(t.codecs), "%s", bad[i]);
        if (trunk_add(store, &t, why, sizeof(why)) != EINVAL)
            testing_fail(__FILE__, __LINE__, "accepted: %s", bad[i]);
    }
    finish();
}

TEST(a_trunks_address_leads_to_a_machine)
{
    static const char *const good[] = {"gw", "sip-1.Example.", "1x.example", "127.0.0.1", "2001:db8::1"},
                             *const bad[] = {
                                 "",        "-x",        "x-.example",      "a..b", "a_b",     "256.1.1.1",
                                 "0.0.0.0", "224.0.0.5", "255.255.255.255", "::",   "ff02::1", "5"};
    struct trunk t = {.port = 5060, .codecs = "pcmu"};

    CHECK(start());
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        snprintf(t.name, sizeof(t.name), "t%zu", i);
        snprintf(t.host, sizeof(t.host), "%s", good[i]);
        CHECK_EQ_INT(trunk_add(store, &t, why, sizeof(why)), 0);
    }
    snprintf(t.name, sizeof(t.name), "bad");
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        snprintf(t.host, sizeof(t.host), "%s", bad[i]);
        if (trunk_add(store, &t, why, sizeof(why)) != EINVAL)
            testing_fail(__FILE__, __LINE__, "accepted: %s", bad[i]);
    }
    finish();
}

static bool passwords_h(const struct trunk *t, void *arg)
{
    char *text = arg;

    snprintf(text + strlen(text), 64, "%s=%s ", t->name, t->password);
    return false;
}

static int add_trunk(const char *name, const char *password)
{
    struct trunk t = {.host = "192.0.2.1", .port = 5060, .username = "u", .codecs = "pcmu,pcma"};

    snprintf(t.name, sizeof(t.name), "%s", name);
    snprintf(t.password, sizeof(t.password), "%s", password);
    return trunk_add(store, &t, why, sizeof(why));
}

TEST(a_trunk_password_of_another_key_is_that_trunks_fault_alone)
{
    char out[4096], got[200] = "", path[256];
    int err;

    CHECK(start());
    CHECK_EQ_INT(add_trunk("b", "old"), 0);
    store_reader_free(reader);
    store_close(store);
    snprintf(path, sizeof(path), "%s/secret.key", dir.path);
    CHECK(!unlink(path));
    CHECK_EQ_INT(store_open(&store, dir.path, why, sizeof(why)), 0); /* makes a key */
    CHECK_EQ_INT(store_reader_alloc(&reader, store), 0);
    CHECK_EQ_INT(add_trunk("a", "new1"), 0);
    CHECK_EQ_INT(add_trunk("c", "new2"), 0);
    CAPTURE(out, err = trunk_each(reader, true, passwords_h, got));
    CHECK_EQ_INT(err, 0);
    CHECK_STR(got, "a=new1 b= c=new2 ");
    CHECK(strstr(out, " error store trunk=b ") && !strstr(out, "trunk=a") && !strstr(out, "trunk=c"));
    finish();
}

TEST(the_last_admin_stays)
{
    CHECK(start());
    CHECK_EQ_INT(user_add(store, "ada", USER_ADMIN, "short", why, sizeof(why)), EINVAL);
    CHECK_EQ_INT(user_add(store, "ada", USER_ADMIN, "longenough", why, sizeof(why)), 0);
    CHECK_EQ_INT(user_add(store, "bob", USER_READONLY, "longenough", why, sizeof(why)), 0);
    CHECK_EQ_INT(user_remove(store, "ada"), EPERM);
    CHECK_EQ_INT(user_remove(store, "bob"), 0);
    CHECK_EQ_INT(user_remove(store, "bob"), ENOENT);
    CHECK_EQ_INT(number("SELECT count(*) FROM user WHERE pwhash LIKE '$argon2id$%'"), 1);
    finish();
}

TEST(listeners_hear_of_a_change_before_its_writer_goes_on)
{
    CHECK(start());
    memset(told, 0, sizeof(told));
    CHECK_EQ_INT(store_listen(store, told_h, NULL), 0);
    CHECK_EQ_INT(add("5001"), 0);
    CHECK_EQ_INT(told[STORE_DN], 1);
    CHECK_EQ_INT(add("5001"), EEXIST);
    CHECK_EQ_INT(told[STORE_DN], 1);
    CHECK_EQ_INT(setting_put(store, "sip.port", "5070"), 0);
    CHECK_EQ_INT(told[STORE_SETTING], 1);
    store_unlisten(store, told_h, NULL);
    CHECK_EQ_INT(setting_put(store, "sip.port", NULL), 0);
    CHECK_EQ_INT(told[STORE_SETTING], 1);
    finish();
}

TEST(a_listener_that_writes_gets_an_error_not_a_deadlock)
{
    CHECK(start());
    CHECK_EQ_INT(store_listen(store, writing_h, NULL), 0);
    CHECK_EQ_INT(add("5001"), 0);
    CHECK_EQ_INT(writing_h_result, EDEADLK);
    finish();
}

static bool all_told(void)
{
    return told_all[STORE_DN] && told_all[STORE_TRUNK] && told_all[STORE_USER] && told_all[STORE_SETTING];
}

TEST(changes_of_another_process_are_noticed)
{
    struct store *other;
    uint64_t end;

    CHECK(start());
    memset(told_all, 0, sizeof(told_all));
    CHECK_EQ_INT(store_listen(store, told_h, NULL), 0);
    CHECK_EQ_INT(store_open(&other, dir.path, why, sizeof(why)), 0);
    CHECK_EQ_INT(dn_add(other, "5009", "secret1", "", DN_CODEC_AUTO, true, why, sizeof(why)), 0);
    end = clock_ms() + PATIENCE_MS;
    while (!all_told() && clock_ms() < end)
        poll(NULL, 0, 10);
    CHECK(all_told());
    store_close(other);
    finish();
}

TEST(kill_9_loses_no_acknowledged_write)
{
    int pipefd[2], acknowledged = 0;
    pid_t pid;
    char c;

    CHECK(tempdir_make(&dir));
    CHECK(!pipe(pipefd));
    pid = fork();
    if (!pid) {
        char dn[16];

        if (store_open(&store, dir.path, why, sizeof(why)))
            _exit(1);
        for (int i = 0;; i++) {
            snprintf(dn, sizeof(dn), "%d", 1000 + i);
            if (add(dn) || write(pipefd[1], "x", 1) != 1)
                _exit(1);
        }
    }
    close(pipefd[1]);
    while (acknowledged < 20 && read(pipefd[0], &c, 1) == 1)
        acknowledged++;
    kill(pid, SIGKILL);
    while (read(pipefd[0], &c, 1) == 1)
        acknowledged++;
    close(pipefd[0]);
    waitpid(pid, NULL, 0);
    CHECK(acknowledged >= 20);
    CHECK_EQ_INT(store_open(&store, dir.path, why, sizeof(why)), 0);
    CHECK(number("SELECT count(*) FROM dn") >= acknowledged);
    store_close(store);
    tempdir_remove(&dir);
}

/* The DNs in memory: what was committed is known at once, what was lost is made good. */
/* TSAN */
#include "metrics.h"
#include "call/directory.h"
#include "store/store.h"
#include "testing.h"
#include "unit/store/tempdir.h"

#include <errno.h>
#include <poll.h>
#include <re.h>

#define KNOWN "dngate_limit_used{name=\"directory_dns\"}"

enum { CHANGES = 300 /* more than wait for signalling */, PATIENCE_MS = 15000 };

static struct tempdir dir;
static struct store *store;
static struct directory *directory;
static char why[256];

static void dn_changed_h(const char *key, void *arg)
{
    (void)key;
    (void)arg;
}

static size_t trunk_count;

static void trunks_changed_h(const struct trunk *v, size_t n, void *arg)
{
    (void)v;
    (void)arg;
    trunk_count = n;
}

static char revoked[256]; /* names and commas */
static bool revoked_fails;

static int revoked_h(const char *dns, size_t count, void *arg)
{
    (void)arg;
    if (revoked_fails)
        return ENOBUFS;
    for (size_t i = 0; i < count; i++, dns += strlen(dns) + 1)
        (void)snprintf(revoked + strlen(revoked), sizeof(revoked) - strlen(revoked), "%s,", dns);
    return 0;
}

static bool open_all(void)
{
    const struct directory_config cfg = {NULL, dn_changed_h, trunks_changed_h, revoked_h, NULL};
    struct directory_config c = cfg;

    CHECK_OR(!re_thread_init() && tempdir_make(&dir), return false);
    CHECK_OR(!store_open(&store, dir.path, why, sizeof(why)), return false);
    CHECK_OR(!dn_add(store, "5001", "secret5001", "Ada", DN_CODEC_PCMA, true, why, sizeof(why)),
             return false);
    c.store = store;
    CHECK_OR(!directory_alloc(&directory, &c), return false);
    return true;
}

static void close_all(void)
{
    directory_stop(directory);
    directory_free(directory);
    store_close(store);
    tempdir_remove(&dir);
    re_thread_close();
}

TEST(what_is_committed_is_known)
{
    static const char csv[] = "dn,password,name\n";
    struct dn_import_result res;
    struct dn d, same;
    char text[8192];
    size_t n;

    CHECK(open_all());
    CHECK_OR(!directory_get(directory, "5001", &d) && d.enabled && d.codec == DN_CODEC_PCMA, ;);
    CHECK_STR(d.name, "Ada");
    CHECK_OR(directory_get(directory, "5002", &d) == ENOENT && directory_get(directory, "", &d) == ENOENT, ;);
    CHECK_OR(!dn_add(store, "5002", "secret5002", "", DN_CODEC_AUTO, true, why, sizeof(why)), ;);
    CHECK_OR(!directory_get(directory, "5002", &d) && metric_value(KNOWN) == 2, ;);
    CHECK_OR(!dn_passwd(store, "5002", "another", why, sizeof(why)), ;);
    CHECK_OR(!directory_get(directory, "5002", &same) && strcmp(same.ha1_md5, d.ha1_md5) &&
                 strcmp(same.ha1_sha256, d.ha1_sha256),
             ;);
    CHECK_OR(!dn_enable(store, "5002", false) && !directory_get(directory, "5002", &d) && !d.enabled, ;);
    CHECK_OR(!dn_remove(store, "5002") && directory_get(directory, "5002", &d) == ENOENT, ;);
    n = (size_t)snprintf(text, sizeof(text), "%s", csv);
    for (int i = 0; i < 100; i++) /* so many that they are not told one by one */
        n += (size_t)snprintf(text + n, sizeof(text) - n, "6%03d,secret,Number %d\n", i, i);
    CHECK_OR(!dn_import_csv(store, text, n, &res, why, sizeof(why)) && res.added == 100, ;);
    CHECK_OR(!directory_get(directory, "6099", &d) && metric_value(KNOWN) == 101, ;);
    CHECK_STR(d.name, "Number 99");
    close_all();
}

TEST(what_found_no_room_is_made_good)
{
    const uint32_t was = store_again_ms;
    bool good = false;
    char name[32];
    struct dn d;

    store_again_ms = 10;
    CHECK(open_all());
    for (int i = 1; i <= CHANGES; i++) {
        snprintf(name, sizeof(name), "Name %d", i);
        CHECK_OR(!dn_change(store, "5001", &(struct dn_change){.name = name}, why, sizeof(why)), break);
    }
    for (int i = 0; i < PATIENCE_MS && !good; i++) {
        good = !directory_get(directory, "5001", &d) && !strcmp(d.name, name);
        (void)poll(NULL, 0, 1);
    }
    CHECK_OR(good, ;);
    close_all();
    store_again_ms = was;
}

static void stop_h(void *arg)
{
    (void)arg;
    re_cancel();
}

/* Lets the loop run for so long. */
static void loop_ms(unsigned ms)
{
    struct tmr t;

    tmr_init(&t);
    tmr_start(&t, ms, stop_h, NULL);
    (void)re_main(NULL);
    tmr_cancel(&t);
}

/* Whose credentials are over is told by name, once, and again when who is told had no room. */
TEST(whose_password_is_over_is_told)
{
    static const char csv[] =
        "dn,password,name,enabled\n5003,other5003,,yes\n5004,secret5004,,no\n5005,secret5005,Eve,yes\n";
    struct dn_import_result res;
    struct dn d;

    CHECK(open_all());
    for (const char *const *dn = (const char *const[]){"5002", "5003", "5004", "5005", NULL}; *dn; dn++) {
        char password[16];

        (void)snprintf(password, sizeof(password), "secret%s", *dn);
        CHECK_OR(!dn_add(store, *dn, password, "", DN_CODEC_AUTO, true, why, sizeof(why)), ;);
    }
    revoked[0] = '\0';
    CHECK_OR(!dn_change(store, "5001", &(struct dn_change){.name = "Ada L"}, why, sizeof(why)) &&
                 !directory_get(directory, "5001", &d),
             ;);
    loop_ms(20);
    CHECK_STR(revoked, ""); /* another name is nothing */
    CHECK_OR(!dn_passwd(store, "5001", "another", why, sizeof(why)) && !dn_enable(store, "5002", false), ;);
    CHECK_OR(!directory_get(directory, "5002", &d), ;);
    revoked_fails = true;
    loop_ms(20);
    revoked_fails = false;
    CHECK_STR(revoked, "");
    loop_ms(DIRECTORY_RETRY_MS + 50);
    CHECK_STR(revoked, "5001,5002,");
    CHECK_OR(!dn_remove(store, "5002") && !dn_enable(store, "5001", true) &&
                 !directory_get(directory, "5001", &d),
             ;);
    loop_ms(20);
    CHECK_STR(revoked, "5001,5002,"); /* was disabled before */
    revoked[0] = '\0';
    CHECK_OR(!dn_import_csv(store, csv, sizeof(csv) - 1, &res, why, sizeof(why)) && res.changed == 3, ;);
    CHECK_OR(!directory_get(directory, "5004", &d) && !d.enabled, ;);
    loop_ms(20);
    CHECK_OR(strlen(revoked) == 10 && strstr(revoked, "5003,") && strstr(revoked, "5004,"), ;);
    close_all();
    revoked[0] = '\0';
}

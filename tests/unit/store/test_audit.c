/* The audit: a change is in it with what was before and after, who, from where and why; no secret is. */
#include "store/audit.h"
#include "opened.h"
#include "store/dn.h"
#include "store/setting.h"
#include "store/trunk.h"
#include "store/user.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

enum { ENTRIES_MAX = 64 };

static struct audit_entry got[ENTRIES_MAX];
static char before[ENTRIES_MAX][512], after[ENTRIES_MAX][512];
static size_t count;

static bool take_h(const struct audit_entry *e, void *arg)
{
    (void)arg;
    got[count] = *e;
    snprintf(before[count], sizeof(before[0]), "%s", e->before);
    snprintf(after[count], sizeof(after[0]), "%s", e->after);
    return ++count == ENTRIES_MAX;
}

static int read_all(const struct audit_filter *f)
{
    count = 0;
    return audit_each(reader, f, take_h, NULL) ? -1 : (int)count;
}

static int add(const char *dn)
{
    return dn_add(store, dn, "secret1", "Ada", DN_CODEC_AUTO, true, why, sizeof(why));
}

TEST(each_change_says_what_was_before_and_after)
{
    const struct store_actor ada = {"ada", "console", "192.0.2.7", "asked for by the shift"};
    const enum dn_codec codec = DN_CODEC_OPUS;
    const struct dn_change eve = {.name = "Eve \"E\"", .codec = &codec};

    CHECK(start());
    store_actor_set(&ada);
    CHECK_EQ_INT(add("5001"), 0);
    store_actor_reason(NULL);
    CHECK_EQ_INT(dn_change(store, "5001", &eve, why, sizeof(why)), 0);
    CHECK_EQ_INT(dn_passwd(store, "5001", "another1", why, sizeof(why)), 0);
    store_actor("cli:uid=0");
    CHECK_EQ_INT(dn_remove(store, "5001"), 0);
    store_actor("");
    CHECK_EQ_INT(read_all(&(struct audit_filter){.oldest_first = true}), 4);
    CHECK_STR(got[0].what, "dn 5001 added");
    CHECK_STR(got[0].who, "ada");
    CHECK_STR(got[0].via, "console");
    CHECK_STR(got[0].address, "192.0.2.7");
    CHECK_STR(got[0].reason, "asked for by the shift");
    CHECK_STR(got[0].noun, "dn");
    CHECK_STR(got[0].key, "5001");
    CHECK_STR(before[0], "");
    CHECK(strstr(after[0], "\"name\":\"Ada\"") && strstr(after[0], "\"enabled\":true") &&
          strstr(after[0], "\"password\":\"set\""));
    CHECK_STR(got[1].reason, "");
    CHECK(strstr(before[1], "\"codec\":\"auto\"") && strstr(after[1], "\"codec\":\"opus\"") &&
          strstr(after[1], "\"name\":\"Eve \\\"E\\\"\""));
    CHECK_STR(got[2].what, "dn 5001 password changed");
    CHECK(strstr(before[2], "\"password\":\"set\"") && strstr(after[2], "\"password\":\"changed\""));
    CHECK_STR(got[3].who, "root");
    CHECK_STR(got[3].via, "cli");
    CHECK(strstr(before[3], "\"dn\":\"5001\""));
    CHECK_STR(after[3], "");
    finish();
}

TEST(no_secret_is_in_it)
{
    const struct trunk t = {.name = "t",
                            .host = "192.0.2.1",
                            .port = 5060,
                            .username = "u",
                            .password = "trunkpw1",
                            .enabled = true,
                            .codecs = "pcmu",
                            .ping_seconds = 30};

    CHECK(start());
    CHECK_EQ_INT(add("5001"), 0);
    CHECK_EQ_INT(trunk_add(store, &t, why, sizeof(why)), 0);
    CHECK_EQ_INT(user_add(store, "ada", USER_ADMIN, "userpw12", why, sizeof(why)), 0);
    CHECK_EQ_INT(setting_put(store, "admin.password", "settingpw"), 0);
    CHECK_EQ_INT(read_all(&(struct audit_filter){0}), 4);
    for (size_t i = 0; i < count; i++) {
        static const char *const wrong[] = {"secret1", "trunkpw1",  "v1:", "userpw12",
                                            "argon2",  "settingpw", "ha1"};

        for (size_t k = 0; k < sizeof(wrong) / sizeof(wrong[0]); k++)
            CHECK(!strstr(after[i], wrong[k]));
    }
    finish();
}

TEST(many_rows_of_one_change_are_an_entry_each)
{
    struct dn_import_result res;

    CHECK(start());
    CHECK_EQ_INT(add("5001"), 0);
    CHECK_EQ_INT(dn_import_csv(store, "dn,password,name\n5001,secret1,Eve\n5002,secret2,Bob\n", 50, &res, why,
                               sizeof(why)),
                 0);
    CHECK_EQ_INT(read_all(&(struct audit_filter){.oldest_first = true}), 4);
    CHECK_STR(got[1].what, "dn 5001 changed");
    CHECK_STR(got[2].what, "dn 5002 added");
    CHECK_STR(got[3].what, "dn import: 1 added, 1 changed");
    CHECK_STR(got[3].noun, "dn");
    CHECK_STR(before[3], "");
    finish();
}

TEST(a_change_that_changes_nothing_or_fails_leaves_none)
{
    CHECK(start());
    CHECK_EQ_INT(add("5001"), 0);
    CHECK_EQ_INT(add("5001"), EEXIST);
    CHECK_EQ_INT(dn_enable(store, "5001", true), 0);
    CHECK_EQ_INT(dn_remove(store, "5009"), ENOENT);
    CHECK_EQ_INT(read_all(&(struct audit_filter){0}), 1);
    finish();
}

TEST(it_is_searched_and_read_in_pages)
{
    int64_t total = 0, newest = 0;

    CHECK(start());
    for (int i = 0; i < 10; i++) {
        char dn[8];

        snprintf(dn, sizeof(dn), "50%02d", i);
        store_actor(i % 2 ? "ada" : "bob");
        CHECK_EQ_INT(add(dn), 0);
    }
    CHECK_EQ_INT(audit_note(store, "calls hangup: a_b%c"), 0);
    store_actor("");
    CHECK_EQ_INT(audit_count(reader, &(struct audit_filter){0}, &total), 0);
    CHECK_EQ_INT(audit_newest(reader, &newest), 0);
    CHECK_EQ_INT(total, 11);
    CHECK_EQ_INT(newest, 11);
    CHECK_EQ_INT(read_all(&(struct audit_filter){.who = "bob"}), 5);
    CHECK_EQ_INT(read_all(&(struct audit_filter){.noun = "calls"}), 1);
    CHECK_STR(got[0].what, "calls hangup: a_b%c");
    CHECK_EQ_INT(read_all(&(struct audit_filter){.noun = "dn", .key = "5003"}), 1);
    CHECK_EQ_INT(read_all(&(struct audit_filter){.q = "B%c"}), 1);
    CHECK_EQ_INT(read_all(&(struct audit_filter){.q = "a%b"}), 0);
    CHECK_EQ_INT(read_all(&(struct audit_filter){.q = "' OR 1=1 --"}), 0);
    CHECK_EQ_INT(read_all(&(struct audit_filter){.limit = 3}), 3);
    CHECK_EQ_INT(got[2].id, 9);
    CHECK_EQ_INT(read_all(&(struct audit_filter){.limit = 3, .before_id = 9}), 3);
    CHECK_EQ_INT(got[0].id, 8);
    CHECK_EQ_INT(read_all(&(struct audit_filter){.oldest_first = true, .after_id = 9}), 2);
    CHECK_EQ_INT(read_all(&(struct audit_filter){.to_ms = 1}), 0);
    count = 0;
    CHECK_EQ_INT(audit_get(reader, 4, take_h, NULL), 0);
    CHECK_STR(got[0].key, "5003");
    CHECK_EQ_INT(audit_get(reader, 400, take_h, NULL), ENOENT);
    finish();
}

static void news_h(void *arg)
{
    atomic_fetch_add((atomic_int *)arg, 1);
}

TEST(news_come_with_entries_only)
{
    atomic_int news = 0;

    CHECK(start());
    CHECK_EQ_INT(audit_listen(store, news_h, &news), 0);
    CHECK_EQ_INT(add("5001"), 0);
    CHECK_EQ_INT(add("5001"), EEXIST);
    CHECK_EQ_INT(dn_enable(store, "5001", true), 0);
    CHECK_EQ_INT(audit_listen(store, NULL, NULL), 0);
    CHECK_EQ_INT(atomic_load(&news), 1);
    CHECK_EQ_INT(add("5002"), 0);
    CHECK_EQ_INT(atomic_load(&news), 1);
    finish();
}

/* Links that are good once, and results of which the last few are kept. */
/* TSAN */
#define TESTING_NO_OOM "the writer's thread: what it waits for would not come"
#include "core/ask.h"
#include "store/selftest.h"
#include "store/sql.h"
#include "opened.h"

#include <errno.h>
#include <string.h>

enum { PATIENCE_MS = 20000 };

static int use(const char *token, struct selftest_link *link)
{
    struct selftest_use u = {.err = -1};

    snprintf(u.token, sizeof(u.token), "%s", token);
    CHECK_OR(!ask(store_questions(store), selftest_use_answer, NULL, &u, sizeof(u), PATIENCE_MS), return -1);
    CHECK_OR(!u.token[0], return -1); /* not kept longer than needed */
    *link = u.link;
    return u.err;
}

static int64_t number(const char *text)
{
    struct sql sql;
    char path[256];
    int64_t n = -1;

    snprintf(path, sizeof(path), "%s/dngate.db", dir.path);
    if (!sql_open(&sql, path, SQL_READER, 1000)) {
        sql_number(&sql, text, &n);
        sql_close(&sql);
    }
    return n;
}

static void sql(const char *text)
{
    struct sql db;
    char path[256];

    snprintf(path, sizeof(path), "%s/dngate.db", dir.path);
    CHECK_EQ_INT(sql_open(&db, path, SQL_WRITER, 5000), 0);
    CHECK_EQ_INT(sql_exec(&db, text), 0);
    sql_close(&db);
}

TEST(a_link_is_good_once)
{
    char token[SELFTEST_TOKEN_MAX], other[SELFTEST_TOKEN_MAX];
    struct selftest_link link, used;

    CHECK_OR(start(), return );
    CHECK_EQ_INT(selftest_link_add(store, "Ada, at home", 24, &link, token, why, sizeof(why)), 0);
    CHECK_EQ_INT(selftest_link_add(store, "", 24, &link, other, why, sizeof(why)), 0);
    CHECK_EQ_INT(strlen(token), 22);
    CHECK_EQ_INT(strspn(token, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"), 22);
    CHECK_EQ_INT(use(token, &used), 0);
    CHECK_STR(used.note, "Ada, at home");
    CHECK_EQ_INT(use(token, &used), EALREADY);
    CHECK_EQ_INT(use("AAAAAAAAAAAAAAAAAAAAAA", &used), ENOENT);
    CHECK_EQ_INT(use(other, &used), 0);
    CHECK_EQ_INT(number("SELECT count(*) FROM audit WHERE what LIKE 'self-test link % made'"), 2);
    finish();
}

TEST(a_link_that_is_over_is_known_as_such_for_a_while)
{
    char token[SELFTEST_TOKEN_MAX];
    struct selftest_link link, used;

    CHECK_OR(start(), return );
    CHECK_EQ_INT(selftest_link_add(store, "", 1, &link, token, why, sizeof(why)), 0);
    CHECK_EQ_INT(link.expires_ms - link.created_ms, 3600000);
    sql("UPDATE selftest_link SET expires_ms = expires_ms - 3600000");
    CHECK_EQ_INT(use(token, &used), ETIME);
    sql("UPDATE selftest_link SET expires_ms = expires_ms - 31 * 86400000");
    CHECK_EQ_INT(selftest_link_add(store, "", 1, &link, token, why, sizeof(why)), 0);
    CHECK_EQ_INT(number("SELECT count(*) FROM selftest_link"), 1);
    finish();
}

TEST(a_token_is_nowhere_in_the_files)
{
    char token[SELFTEST_TOKEN_MAX], cmd[300];
    struct selftest_link link;

    CHECK_OR(start(), return );
    CHECK_EQ_INT(selftest_link_add(store, "", 24, &link, token, why, sizeof(why)), 0);
    snprintf(cmd, sizeof(cmd), "! grep -aqr -e '%s' %s", token, dir.path);
    CHECK_EQ_INT(system(cmd), 0);
    finish();
}

TEST(what_makes_no_link_is_said)
{
    char token[SELFTEST_TOKEN_MAX], note[DN_NAME_MAX + 1];
    struct selftest_link link;

    CHECK_OR(start(), return );
    memset(note, 'a', sizeof(note) - 1);
    note[sizeof(note) - 1] = '\0';
    CHECK_EQ_INT(selftest_link_add(store, note, 24, &link, token, why, sizeof(why)), EINVAL);
    CHECK_STR(why, "a note is text of one line, at most 127 bytes");
    CHECK_EQ_INT(selftest_link_add(store, "a\nb", 24, &link, token, why, sizeof(why)), EINVAL);
    CHECK_EQ_INT(selftest_link_add(store, "", 0, &link, token, why, sizeof(why)), EINVAL);
    CHECK_EQ_INT(selftest_link_add(store, "", SELFTEST_HOURS_MAX + 1, &link, token, why, sizeof(why)),
                 EINVAL);
    sql("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) "
        "INSERT INTO selftest_link (token_hash, note, created_ms, expires_ms, used_ms) "
        "SELECT 'h' || i, '', 0, 9999999999999, 0 FROM n");
    CHECK_EQ_INT(selftest_link_add(store, "", 24, &link, token, why, sizeof(why)), ENOSPC);
    CHECK(strstr(why, "1000 links are open"));
    finish();
}

/* session: of one test, however often it sends its result. */
static void put(const char *dn, int64_t link, const char *session, const char *verdict, struct selftest *out)
{
    static struct selftest_put p;

    memset(&p, 0, sizeof(p));
    p.link = link;
    snprintf(p.result.dn, sizeof(p.result.dn), "%s", dn);
    snprintf(p.result.verdict, sizeof(p.result.verdict), "%s", verdict);
    snprintf(p.result.browser, sizeof(p.result.browser), "Chromium");
    snprintf(p.result.tests, sizeof(p.result.tests), "[]");
    snprintf(p.session, sizeof(p.session), "%s", session);
    CHECK_EQ_INT(ask(store_questions(store), selftest_put_answer, NULL, &p, sizeof(p), PATIENCE_MS), 0);
    CHECK_EQ_INT(p.err, 0);
    *out = p.result;
}

struct seen {
    size_t n;
    char first[40], last[40], note[DN_NAME_MAX];
};

static bool seen_h(const struct selftest *t, void *arg)
{
    struct seen *s = arg;

    snprintf(s->n++ ? s->last : s->first, sizeof(s->first), "%s", t->id);
    snprintf(s->note, sizeof(s->note), "%s", t->note);
    return false;
}

TEST(the_last_ten_of_a_dn_are_kept_and_one_of_each_test)
{
    struct selftest t, got;
    struct seen s = {0};
    char session[65], last[40] = "";

    CHECK_OR(start(), return );
    put("5002", 0, "another's", "good", &t);
    for (int i = 0; i < 12; i++) {
        snprintf(session, sizeof(session), "s%d", i);
        put("5001", 0, session, "bad", &t);
    }
    put("5001", 0, session, "good", &t); /* again: replaces the last */
    snprintf(last, sizeof(last), "%s", t.id);
    CHECK_EQ_INT(selftest_each(reader, "5001", seen_h, &s), 0);
    CHECK_EQ_INT(s.n, SELFTEST_OF_DN);
    CHECK_EQ_INT(number("SELECT count(*) FROM selftest WHERE dn = '5001' AND verdict = 'good'"), 1);
    CHECK_EQ_INT(number("SELECT count(*) FROM selftest WHERE session IN ('s0', 's1')"), 0);
    CHECK_EQ_INT(number("SELECT count(*) FROM selftest WHERE session = 's2'"), 1);
    CHECK_EQ_INT(selftest_get(reader, last, &got), 0);
    CHECK_STR(got.verdict, "good");
    CHECK_STR(got.browser, "Chromium");
    CHECK_EQ_INT(selftest_get(reader, "nothing", &got), ENOENT);
    memset(&s, 0, sizeof(s));
    CHECK_EQ_INT(selftest_each(reader, NULL, seen_h, &s), 0);
    CHECK_EQ_INT(s.n, SELFTEST_OF_DN + 1);
    finish();
}

TEST(a_links_result_has_its_note_and_a_dn_takes_its_own_along)
{
    char token[SELFTEST_TOKEN_MAX];
    struct selftest_link link;
    struct selftest t;
    struct seen s = {0};

    CHECK_OR(start(), return );
    CHECK_EQ_INT(selftest_link_add(store, "Ada", 24, &link, token, why, sizeof(why)), 0);
    put("", link.id, "one", "good", &t);
    put("", 99, "of a link that is gone", "good", &t);
    CHECK_EQ_INT(dn_add(store, "5001", "secret1", "", DN_CODEC_AUTO, true, why, sizeof(why)), 0);
    put("5001", 0, "three", "good", &t);
    CHECK_EQ_INT(selftest_each(reader, "", seen_h, &s), 0);
    CHECK_EQ_INT(s.n, 2);
    CHECK_EQ_INT(number("SELECT count(*) FROM selftest WHERE note = 'Ada'"), 1);
    CHECK_EQ_INT(dn_remove(store, "5001"), 0);
    CHECK_EQ_INT(number("SELECT count(*) FROM selftest"), 2);
    finish();
}

/* The identity of a self-test: made, found again by whoever has the key, and nobody else's. */
#include "call/testid.h"
#include "crypto/hash.h"
#include "testing.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { NOW = 1795833699 };

static const uint8_t key[TESTID_KEY_LEN] = "a key of this test", other_key[TESTID_KEY_LEN] = "another key";

TEST(its_password_is_known_to_who_has_the_key_until_it_is_over)
{
    char md5[MD5_HEXLEN], sha256[SHA256_HEXLEN];
    struct testid id, id2;
    struct dn dn;

    testid_make(&id, key, NOW, "5001", 0);
    testid_make(&id2, key, NOW, "5001", 0);
    CHECK(strcmp(id.user, id2.user) && strcmp(id.password, id2.password) && strcmp(id.session, id2.session));
    CHECK(testid_named(id.user) && !testid_named("5001") && !testid_named("selftest"));
    CHECK(!dn_valid(id.user));
    CHECK_EQ_INT(strlen(id.password), 43);
    CHECK_EQ_INT(strspn(id.password, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"), 43);
    CHECK_EQ_INT(testid_lookup(&dn, key, NOW, id.user), 0);
    hash_ha1_md5(md5, id.user, DN_REALM, id.password);
    hash_ha1_sha256(sha256, id.user, DN_REALM, id.password);
    CHECK_STR(dn.ha1_md5, md5);
    CHECK_STR(dn.ha1_sha256, sha256);
    CHECK(dn.enabled);
    CHECK_EQ_INT(testid_lookup(&dn, key, NOW + TESTID_SECONDS - 1, id.user), 0);
    CHECK(dn.enabled);
    CHECK_EQ_INT(testid_lookup(&dn, key, NOW + TESTID_SECONDS, id.user), 0);
    CHECK(!dn.enabled);
    CHECK_STR(dn.ha1_md5, md5); /* who proves it guesses nothing */
    CHECK_EQ_INT(testid_lookup(&dn, other_key, NOW, id.user), 0);
    CHECK(strcmp(dn.ha1_md5, md5));
}

TEST(a_name_that_is_not_of_that_shape_is_nobody)
{
    static const char *const names[] = {"",
                                        "~",
                                        "~selftest-",
                                        "~selftest--abc",
                                        "~selftest-12x-abc",
                                        "~selftest-99999999999999999999-abc",
                                        "~selftest-1795833699",
                                        "selftest-1795833699-abc",
                                        "5001"};
    struct dn dn;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        CHECK_EQ_INT(testid_lookup(&dn, key, NOW, names[i]), ENOENT);
}

TEST(a_session_says_whose_it_is)
{
    struct testid id;
    char dn[DN_MAX];
    int64_t link;

    testid_make(&id, key, NOW, "5001", 0);
    CHECK_EQ_INT(testid_session(key, NOW, id.session, dn, &link), 0);
    CHECK_STR(dn, "5001");
    CHECK_EQ_INT(link, 0);
    testid_make(&id, key, NOW, "", 17);
    CHECK_EQ_INT(testid_session(key, NOW + 100, id.session, dn, &link), 0);
    CHECK_STR(dn, "");
    CHECK_EQ_INT(link, 17);
    CHECK_EQ_INT(testid_session(key, NOW + TESTID_SECONDS, id.session, dn, &link), ETIME);
    CHECK_EQ_INT(testid_session(other_key, NOW, id.session, dn, &link), EACCES);
}

TEST(a_longest_dn_fits)
{
    char dn[DN_MAX], long_dn[DN_MAX];
    struct testid id;
    int64_t link;

    memset(long_dn, '9', sizeof(long_dn) - 1);
    long_dn[sizeof(long_dn) - 1] = '\0';
    testid_make(&id, key, NOW, long_dn, 0);
    CHECK_EQ_INT(testid_session(key, NOW, id.session, dn, &link), 0);
    CHECK_STR(dn, long_dn);
}

/* Every character counts, and a password is no session. */
TEST(a_changed_session_is_none)
{
    char dn[DN_MAX], text[sizeof(((struct testid *)0)->session)];
    struct testid id;
    int64_t link;

    testid_make(&id, key, NOW, "5001", 0);
    for (size_t i = 0; i < strlen(id.session); i++) {
        snprintf(text, sizeof(text), "%s", id.session);
        text[i] = text[i] == '1' ? '2' : '1';
        CHECK_EQ_INT(testid_session(key, NOW, text, dn, &link), EACCES);
        snprintf(text, sizeof(text), "%.*s", (int)i, id.session);
        CHECK_EQ_INT(testid_session(key, NOW, text, dn, &link), EACCES);
    }
    snprintf(text, sizeof(text), "%s~%s", id.user, id.password);
    CHECK_EQ_INT(testid_session(key, NOW, text, dn, &link), EACCES);
    memset(text, '1', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    CHECK_EQ_INT(testid_session(key, NOW, text, dn, &link), EACCES);
    text[sizeof(text) - 2] = '~';
    CHECK_EQ_INT(testid_session(key, NOW, text, dn, &link), EACCES);
}

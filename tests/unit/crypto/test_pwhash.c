/* Password hashes: argon2id with our parameters, and nothing else gets in. */
#include "testing.h"

#include "crypto/pwhash.h"

#include <errno.h>

TEST(make_and_verify)
{
    char a[PWHASH_STRLEN], b[PWHASH_STRLEN];

    CHECK_EQ_INT(pwhash_make(a, "correct horse"), 0);
    CHECK_EQ_INT(pwhash_make(b, "correct horse"), 0);
    CHECK(!strncmp(a, "$argon2id$v=19$m=19456,t=3,p=1$", 31));
    CHECK(strcmp(a, b));
    CHECK(pwhash_verify(a, "correct horse"));
    CHECK(!pwhash_verify(a, "correct horsf"));
    CHECK(!pwhash_verify(a, ""));
}

TEST(no_user_and_nonsense)
{
    char out[PWHASH_STRLEN], big[2000];

    CHECK(!pwhash_verify(NULL, "x"));
    CHECK(!pwhash_verify("", "x"));
    CHECK(!pwhash_verify("$argon2id$v=19$garbage", "x"));
    CHECK(!pwhash_verify("plain", "plain"));
    CHECK_EQ_INT(pwhash_make(out, ""), EINVAL);
    memset(big, 'x', sizeof(big) - 1);
    big[sizeof(big) - 1] = '\0';
    CHECK_EQ_INT(pwhash_make(out, big), EINVAL);
}

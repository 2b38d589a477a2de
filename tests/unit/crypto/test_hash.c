/* Published vectors: RFC 1321, RFC 2202, RFC 4231, FIPS 180, RFC 4648, RFC 7616. */
#include "testing.h"

#include "crypto/hash.h"

#include <errno.h>

static const char *hex(const uint8_t *p, size_t n)
{
    static char buf[2 * SHA256_LEN + 1];

    hash_hex(buf, p, n);
    return buf;
}

TEST(md5_and_sha256)
{
    char md5[MD5_HEXLEN];
    uint8_t sha[SHA256_LEN];

    hash_joined_md5(md5, (const char *const[]){"abc"}, 1);
    CHECK_STR(md5, "900150983cd24fb0d6963f7d28e17f72");
    hash_joined_md5(md5, (const char *const[]){""}, 1);
    CHECK_STR(md5, "d41d8cd98f00b204e9800998ecf8427e");
    hash_sha256(sha, "abc", 3);
    CHECK_STR(hex(sha, sizeof(sha)), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(hmac)
{
    static const char text[] = "what do ya want for nothing?";
    uint8_t out1[SHA1_LEN], out256[SHA256_LEN], key[131];

    hash_hmac_sha1(out1, "Jefe", 4, text, strlen(text));
    CHECK_STR(hex(out1, sizeof(out1)), "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
    hash_hmac_sha256(out256, "Jefe", 4, text, strlen(text));
    CHECK_STR(hex(out256, sizeof(out256)),
              "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");

    memset(key, 0xaa,
           sizeof(key)); /* longer than a block: RFC 2202 test 6 (80 bytes), RFC 4231 test 6 (131) */
    static const char big[] = "Test Using Larger Than Block-Size Key - Hash Key First";
    hash_hmac_sha1(out1, key, 80, big, strlen(big));
    CHECK_STR(hex(out1, sizeof(out1)), "aa4ae5e15272d00e95705637ce8a3b55ed402112");
    hash_hmac_sha256(out256, key, 131, big, strlen(big));
    CHECK_STR(hex(out256, sizeof(out256)),
              "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(ha1)
{
    char md5[MD5_HEXLEN], sha[SHA256_HEXLEN];

    /* RFC 2617 3.5 and RFC 7616 3.9.1 */
    hash_ha1_md5(md5, "Mufasa", "testrealm@host.com", "Circle Of Life");
    CHECK_STR(md5, "939e7578ed9e3c518a452acee763bce9");
    hash_ha1_sha256(sha, "Mufasa", "http-auth@example.org", "Circle of Life");
    CHECK_STR(sha, "7987c64c30e25f1b74be53f966b49b90f2808aa92faf9a00262392d7b4794232");
}

TEST(equal)
{
    CHECK(hash_equal("abcd", "abcd", 4));
    CHECK(!hash_equal("abcd", "abce", 4));
    CHECK(hash_equal("a", "b", 0));
}

TEST(base64)
{
    static const char *const v[][2] = {
        {"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foobar", "Zm9vYmFy"}};
    char text[16], back[16];
    size_t n;

    for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
        size_t len = strlen(v[i][0]);

        CHECK_EQ_INT(base64_enc(text, sizeof(text), v[i][0], len), 0);
        CHECK_STR(text, v[i][1]);
        CHECK_EQ_INT(base64_dec(back, sizeof(back), &n, text), 0);
        CHECK_EQ_INT(n, len);
        CHECK_MEM(back, v[i][0], len);
    }
    CHECK_EQ_INT(base64_enc(text, 8, "foobar", 6), EOVERFLOW);
    CHECK_EQ_INT(base64_dec(back, 2, &n, "Zm9v"), EOVERFLOW);
    CHECK_EQ_INT(base64_dec(back, sizeof(back), &n, "Zm9*"), EBADMSG);
}

/* Codes of a second factor, against the examples of RFC 6238, and the tokens that are kept as hashes. */
#include "testing.h"
#include "crypto/token.h"
#include "crypto/totp.h"

#include <errno.h>

/* "12345678901234567890" in base32. */
static const char secret[] = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

TEST(codes_are_those_of_rfc_6238)
{
    static const struct {
        int64_t s;
        const char *code; /* its last 6 digits of 8 */
    } v[] = {{59, "287082"},         {1111111109, "081804"}, {1111111111, "050471"},
             {1234567890, "005924"}, {2000000000, "279037"}, {20000000000, "353130"}};
    char code[TOTP_CODE_MAX];

    for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
        CHECK_EQ_INT(totp_code(code, secret, v[i].s * 1000 / TOTP_STEP_MS), 0);
        CHECK_STR(code, v[i].code);
    }
}

TEST(a_code_is_good_a_step_early_and_late_and_once)
{
    const int64_t now_ms = 1234567890000, now = now_ms / TOTP_STEP_MS;
    char code[TOTP_CODE_MAX];
    int64_t step = 0;

    for (int64_t d = -1; d <= 1; d++) {
        CHECK_EQ_INT(totp_code(code, secret, now + d), 0);
        CHECK_EQ_INT(totp_check(secret, code, now_ms, 0, &step), 0);
        CHECK_EQ_INT(step, now + d);
        CHECK_EQ_INT(totp_check(secret, code, now_ms, step, &step), EALREADY);
        CHECK_EQ_INT(totp_check(secret, code, now_ms, now + 1, &step), EALREADY);
    }
    CHECK_EQ_INT(totp_code(code, secret, now - 2), 0);
    CHECK_EQ_INT(totp_check(secret, code, now_ms, 0, &step), EACCES);
    CHECK_EQ_INT(totp_code(code, secret, now + 2), 0);
    CHECK_EQ_INT(totp_check(secret, code, now_ms, 0, &step), EACCES);
}

TEST(what_is_no_code_or_no_secret_is_refused)
{
    static const char *const codes[] = {"", "12345", "1234567", "abcdef", "      "};
    static const char *const secrets[] = {"", "GEZDGNBVGY3TQOJQ", "gezdgnbvgy3tqojqgezdgnbvgy3tqojq",
                                          "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJ1"};
    char code[TOTP_CODE_MAX];
    int64_t step;

    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
        CHECK_EQ_INT(totp_check(secret, codes[i], 1234567890000, 0, &step), EACCES);
    for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++)
        CHECK_EQ_INT(totp_code(code, secrets[i], 1), EBADMSG);
}

TEST(secrets_are_base32_and_each_is_new)
{
    char a[TOTP_TEXT_MAX], b[TOTP_TEXT_MAX], code[TOTP_CODE_MAX];

    totp_make(a);
    totp_make(b);
    CHECK_EQ_INT(strlen(a), TOTP_TEXT_MAX - 1);
    CHECK_EQ_INT(strspn(a, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"), TOTP_TEXT_MAX - 1);
    CHECK(strcmp(a, b));
    CHECK_EQ_INT(totp_code(code, a, 1), 0);
}

TEST(tokens_are_base64url_and_their_hash_is_sha_256)
{
    char token[TOKEN_MAX], small[5], hash[SHA256_HEXLEN];

    for (size_t bytes = 8; bytes <= TOKEN_BYTES_MAX; bytes += 8) {
        token_make(token, sizeof(token), bytes);
        CHECK_EQ_INT(strlen(token), (bytes * 8 + 5) / 6);
        CHECK_EQ_INT(strspn(token, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
                     strlen(token));
    }
    token_make(small, sizeof(small), 16); /* does not fit: nothing rather than a part */
    CHECK_STR(small, "");
    token_hash(hash, "abc");
    CHECK_STR(hash, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

/* Digest as a server: right and wrong answers, age, replay, and nonces that are not ours. */
#include "testing.h"

#include "core/clock.h"
#include "crypto/digest.h"
#include "crypto/hash.h"

#include <errno.h>

static const char realm[] = "dngate";

/* What a client would send; the caller changes fields afterwards. */
struct answer {
    char nonce[64], nc[9], response[SHA256_HEXLEN];
    struct digest_response r;
};

static void ha1_of(enum digest_alg alg, char out[SHA256_HEXLEN], const char *password)
{
    if (alg == DIGEST_MD5)
        hash_ha1_md5(out, "5001", realm, password);
    else
        hash_ha1_sha256(out, "5001", realm, password);
}

static void answer_sign(struct answer *a, const char *password)
{
    const struct digest_response *r = &a->r;
    char ha1[SHA256_HEXLEN], ha2[SHA256_HEXLEN];
    const char *a2[] = {r->method, r->uri}, *all[] = {ha1, r->nonce, r->nc, r->cnonce, r->qop, ha2};

    ha1_of(r->alg, ha1, password);
    (r->alg == DIGEST_MD5 ? hash_joined_md5 : hash_joined_sha256)(ha2, a2, 2);
    (r->alg == DIGEST_MD5 ? hash_joined_md5 : hash_joined_sha256)(a->response, all, 6);
}

static void answer_make(struct answer *a, struct digest *d, enum digest_alg alg, uint32_t nc)
{
    memset(a, 0, sizeof(*a));
    digest_nonce(d, a->nonce, sizeof(a->nonce));
    snprintf(a->nc, sizeof(a->nc), "%08x", nc);
    a->r = (struct digest_response){.alg = alg,
                                    .user = "5001",
                                    .realm = realm,
                                    .nonce = a->nonce,
                                    .uri = "sip:gw.example",
                                    .response = a->response,
                                    .qop = "auth",
                                    .cnonce = "abc",
                                    .nc = a->nc,
                                    .method = "REGISTER"};
    answer_sign(a, "secret");
}

static int verify(struct digest *d, const struct answer *a)
{
    char ha1[SHA256_HEXLEN];

    ha1_of(a->r.alg, ha1, "secret");
    return digest_verify(d, &a->r, ha1);
}

TEST(right_and_wrong)
{
    struct digest *d;
    struct answer a;

    CHECK_EQ_INT(digest_alloc(&d, realm, 0), 0);
    for (int alg = DIGEST_MD5; alg <= DIGEST_SHA256; alg++) {
        answer_make(&a, d, (enum digest_alg)alg, 1);
        CHECK_EQ_INT(verify(d, &a), 0);
        answer_make(&a, d, (enum digest_alg)alg, 1);
        answer_sign(&a, "guess");
        CHECK_EQ_INT(verify(d, &a), EACCES);
        answer_make(&a, d, (enum digest_alg)alg, 1);
        a.r.method = "INVITE"; /* signed for REGISTER */
        CHECK_EQ_INT(verify(d, &a), EACCES);
        answer_make(&a, d, (enum digest_alg)alg, 1);
        a.response[5] = '\0';
        CHECK_EQ_INT(verify(d, &a), EACCES);
        answer_make(&a, d, (enum digest_alg)alg, 1);
        for (char *s = a.response; *s; s++)
            *s = (char)(*s >= 'a' ? *s - 32 : *s);
        CHECK_EQ_INT(verify(d, &a), 0);
    }
    digest_free(d);
}

TEST(rfc7616_style_computation_matches_a_known_answer)
{
    /* RFC 2617 3.5, with its own nonce: the computation, not the nonce, is what is compared here. */
    char ha1[MD5_HEXLEN], ha2[MD5_HEXLEN], out[MD5_HEXLEN];
    const char *a2[] = {"GET", "/dir/index.html"};
    const char *all[] = {ha1, "dcd98b7102dd2f0e8b11d0f600bfb0c093", "00000001", "0a4f113b", "auth", ha2};

    hash_ha1_md5(ha1, "Mufasa", "testrealm@host.com", "Circle Of Life");
    hash_joined_md5(ha2, a2, 2);
    hash_joined_md5(out, all, 6);
    CHECK_STR(out, "6629fae49393a05397450978507c4ef1");
}

TEST(a_nonce_count_must_rise)
{
    struct digest *d;
    struct answer a;

    CHECK_EQ_INT(digest_alloc(&d, realm, 0), 0);
    answer_make(&a, d, DIGEST_SHA256, 5);
    CHECK_EQ_INT(verify(d, &a), 0);
    CHECK_EQ_INT(verify(d, &a), EALREADY);
    snprintf(a.nc, sizeof(a.nc), "%08x", 4u);
    answer_sign(&a, "secret");
    CHECK_EQ_INT(verify(d, &a), EALREADY);
    snprintf(a.nc, sizeof(a.nc), "%08x", 6u);
    CHECK_EQ_INT(verify(d, &a), EACCES); /* the count is signed */
    answer_sign(&a, "secret");
    CHECK_EQ_INT(verify(d, &a), 0);
    digest_free(d);
}

TEST(other_peoples_nonces)
{
    struct digest *d, *other;
    struct answer a;

    CHECK_EQ_INT(digest_alloc(&d, realm, 0), 0);
    CHECK_EQ_INT(digest_alloc(&other, realm, 0), 0);
    answer_make(&a, other, DIGEST_MD5, 1);
    CHECK_EQ_INT(verify(d, &a), EBADMSG);
    answer_make(&a, d, DIGEST_MD5, 1);
    a.nonce[0] = a.nonce[0] == '0' ? '1' : '0'; /* a younger birthday */
    answer_sign(&a, "secret");
    CHECK_EQ_INT(verify(d, &a), EBADMSG);
    answer_make(&a, d, DIGEST_MD5, 1);
    a.nonce[0] = 'x';
    CHECK_EQ_INT(verify(d, &a), EBADMSG);
    digest_free(d);
    digest_free(other);
}

TEST(malformed_is_refused)
{
    struct digest *d;
    struct answer a;
    const char **fields[] = {&a.r.user,     &a.r.realm, &a.r.nonce,  &a.r.uri,
                             &a.r.response, &a.r.qop,   &a.r.cnonce, &a.r.nc};
    static const char *const bad_nc[] = {"", "1", "0000000g", "000000001", "00000000"};

    CHECK_EQ_INT(digest_alloc(&d, realm, 0), 0);
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        answer_make(&a, d, DIGEST_MD5, 1);
        *fields[i] = NULL;
        CHECK_EQ_INT(verify(d, &a), EBADMSG);
    }
    answer_make(&a, d, DIGEST_MD5, 1);
    a.r.qop = ""; /* RFC 2069 */
    CHECK_EQ_INT(verify(d, &a), EBADMSG);
    a.r.qop = "auth-int";
    CHECK_EQ_INT(verify(d, &a), EBADMSG);
    a.r.qop = "auth";
    a.r.realm = "elsewhere";
    CHECK_EQ_INT(verify(d, &a), EBADMSG);
    a.r.realm = realm;
    for (size_t i = 0; i < sizeof(bad_nc) / sizeof(bad_nc[0]); i++) {
        a.r.nc = bad_nc[i];
        CHECK_EQ_INT(verify(d, &a), EBADMSG);
    }
    digest_free(d);
}

TEST(old_nonces_are_stale_only_to_those_who_know_the_password)
{
    struct digest *d;
    struct answer a;
    uint64_t start = clock_ms();

    CHECK_EQ_INT(digest_alloc(&d, realm, 1), 0);
    answer_make(&a, d, DIGEST_MD5, 1);
    CHECK_EQ_INT(verify(d, &a), 0);
    while (clock_ms() - start < 2100) /* the life of a nonce counts in whole seconds */
        ;
    snprintf(a.nc, sizeof(a.nc), "%08x", 2u);
    answer_sign(&a, "secret");
    CHECK_EQ_INT(verify(d, &a), ESTALE);
    answer_sign(&a, "guess");
    CHECK_EQ_INT(verify(d, &a), EACCES);
    digest_free(d);
}

/* More nonces than the table holds: those forgotten must not work a second time. */
TEST(forgetting_opens_no_door)
{
    struct digest *d;
    struct answer first, a;
    int err;

    CHECK_EQ_INT(digest_alloc(&d, realm, 0), 0);
    answer_make(&first, d, DIGEST_MD5, 1);
    CHECK_EQ_INT(verify(d, &first), 0);
    for (int i = 0; i < 20000; i++) {
        answer_make(&a, d, DIGEST_MD5, 1);
        err = verify(d, &a);
        CHECK(!err || err == ESTALE);
    }
    err = verify(d, &first);
    CHECK(err == ESTALE || err == EALREADY);
    digest_free(d);
}

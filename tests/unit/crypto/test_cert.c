/* Certificates: what we make passes our own check; every mistake with files gets its own clear line. */
#include "testing.h"

#include "core/clock.h"
#include "core/file.h"
#include "crypto/cert.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[64], cert[80], key[80];

static void setup(void)
{
    if (!mkdtemp(test_temp(dir, sizeof(dir))))
        abort();
    snprintf(cert, sizeof(cert), "%s/cert.pem", dir);
    snprintf(key, sizeof(key), "%s/key.pem", dir);
}

static void teardown(void)
{
    unlink(cert);
    unlink(key);
    rmdir(dir);
}

TEST(made_is_good)
{
    const int64_t day = 86400000;
    struct cert_info info;
    char why[256] = "";
    struct stat st;

    setup();
    CHECK_EQ_INT(cert_make(cert, key, "localhost, 10.0.0.1,gw.example,2001:db8::1"), 0);
    CHECK_EQ_INT(cert_check(cert, key, &info, why, sizeof(why)), 0);
    CHECK_STR(info.names, "DNS:localhost,IP:10.0.0.1,DNS:gw.example,IP:2001:db8::1");
    CHECK_STR(info.subject, "CN=localhost, O=dngate");
    CHECK(info.not_before_ms < clock_wall_ms() - day / 2);
    CHECK(info.not_after_ms > clock_wall_ms() + 800 * day && info.not_after_ms < clock_wall_ms() + 826 * day);
    CHECK(!stat(key, &st));
    CHECK_EQ_INT(st.st_mode & 0777, 0600);
    teardown();
}

TEST(two_are_never_alike)
{
    struct cert_info a, b;

    setup();
    CHECK_EQ_INT(cert_make(cert, key, "gw"), 0);
    CHECK_EQ_INT(cert_check(cert, key, &a, NULL, 0), 0);
    CHECK_EQ_INT(cert_make(cert, key, "gw"), 0);
    CHECK_EQ_INT(cert_check(cert, key, &b, NULL, 0), 0);
    CHECK(memcmp(a.sha256, b.sha256, 32));
    teardown();
}

TEST(long_and_odd_names)
{
    char name[300];
    struct cert_info info;

    setup();
    memset(name, 'a', 70);
    snprintf(name + 70, sizeof(name) - 70, ".example");
    CHECK_EQ_INT(cert_make(cert, key, name), 0);
    CHECK_EQ_INT(cert_check(cert, key, &info, NULL, 0), 0);
    CHECK_STR(info.subject, "CN=dngate, O=dngate");
    CHECK_EQ_INT(cert_make(cert, key, ""), EINVAL);
    CHECK_EQ_INT(cert_make(cert, key, "a=b"), EINVAL);
    CHECK_EQ_INT(cert_make("/nonexistent/c", "/nonexistent/k", "gw"), ENOENT);
    teardown();
}

TEST(mistakes_have_their_own_line)
{
    char cert2[64], key2[64], why[256];
    struct cert_info info;

    setup();
    snprintf(cert2, sizeof(cert2), "%s/cert2.pem", dir);
    snprintf(key2, sizeof(key2), "%s/key2.pem", dir);
    CHECK_EQ_INT(cert_make(cert, key, "one"), 0);
    CHECK_EQ_INT(cert_make(cert2, key2, "two"), 0);
    CHECK_EQ_INT(cert_check(cert, key2, &info, why, sizeof(why)), EKEYREJECTED);
    CHECK(strstr(why, "key2.pem") && strstr(why, "does not belong"));
    CHECK_EQ_INT(cert_check(key, key, &info, why, sizeof(why)), EBADMSG);
    CHECK(strstr(why, "no certificate"));
    CHECK_EQ_INT(cert_check(cert, cert, &info, why, sizeof(why)), EBADMSG);
    CHECK(strstr(why, "no private key"));
    unlink(key2);
    CHECK_EQ_INT(cert_check(cert, key2, &info, why, sizeof(why)), ENOENT);
    CHECK(strstr(why, "key2.pem"));
    unlink(cert2);
    teardown();
}

/* Made by hand: P-256, CN=old, valid in January 2020. */
static const char expired_cert[] = "-----BEGIN CERTIFICATE-----\n"
                                   "MIIBAjCBqgIBATAKBggqhkjOPQQDAjAOMQwwCgYDVQQDDANvbGQwHhcNMjAwMTAx\n"
                                   "MDAwMDAwWhcNMjAwMTMxMDAwMDAwWjAOMQwwCgYDVQQDDANvbGQwWTATBgcqhkjO\n"
                                   "PQIBBggqhkjOPQMBBwNCAARJWXdk7M7PpEa5yxHO7sZx9UBoNPW2Rs/sEP/oXVtX\n"
                                   "u+I/SIAWZ3QV3ai9aMkcxGa+gXAjWg2RQ//vkWKVrXokMAoGCCqGSM49BAMCA0cA\n"
                                   "MEQCIBaG8EKF+oCf+tNR0ThGwpHgXsCxd6qjFM0z+dr258OAAiAWaNTNd4WqAppJ\n"
                                   "68LdFmAGgfYBrrzO6O472MUeUuvrag==\n"
                                   "-----END CERTIFICATE-----\n";
static const char expired_key[] = "-----BEGIN EC PRIVATE KEY-----\n"
                                  "MHcCAQEEIBNPyRzFhts7s2ae/EiEafJJBxPZNuILGa4xtzIN6g/9oAoGCCqGSM49\n"
                                  "AwEHoUQDQgAESVl3ZOzOz6RGucsRzu7GcfVAaDT1tkbP7BD/6F1bV7viP0iAFmd0\n"
                                  "Fd2ovWjJHMRmvoFwI1oNkUP/75Fila16JA==\n"
                                  "-----END EC PRIVATE KEY-----\n";

TEST(expired_is_told_with_its_date)
{
    struct cert_info info;
    char why[256];

    setup();
    CHECK_EQ_INT(file_create(cert, expired_cert, strlen(expired_cert), 0644), 0);
    CHECK_EQ_INT(file_create(key, expired_key, strlen(expired_key), 0600), 0);
    CHECK_EQ_INT(cert_check(cert, key, &info, why, sizeof(why)), ETIME);
    CHECK(strstr(why, "expired on 2020-01-31"));
    CHECK_STR(info.subject, "CN=old");
    CHECK_EQ_INT(info.not_after_ms, 1580428800000);
    teardown();
}

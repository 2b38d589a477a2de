/* Calls into every third-party library once: docker/deps.sh links and runs it before it trusts its own work. */
#include <argon2.h>
#include <libwebsockets.h>
#include <mbedtls/ssl.h>
#include <mbedtls/version.h>
#include <opus/opus.h>
#include <psa/crypto.h>
#include <re.h>
#include <re-private/sip.h>
#include <sqlite3.h>
#include <srtp2/srtp.h>
#include <stdio.h>
#include <string.h>
#include <yyjson.h>

#define NEED(cond)                                                                                             \
    do {                                                                                                       \
        if (!(cond)) {                                                                                         \
            fprintf(stderr, "deps-check: %s\n", #cond);                                                        \
            return 1;                                                                                          \
        }                                                                                                      \
    } while (0)

static int check_crypto(void)
{
    char hash[128];
    mbedtls_ssl_config conf;

    NEED(psa_crypto_init() == PSA_SUCCESS);
    mbedtls_ssl_config_init(&conf);
    NEED(!mbedtls_ssl_config_defaults(&conf, MBEDTLS_SSL_IS_SERVER, MBEDTLS_SSL_TRANSPORT_DATAGRAM,
                                      MBEDTLS_SSL_PRESET_DEFAULT));
    mbedtls_ssl_config_free(&conf);
    NEED(srtp_init() == srtp_err_status_ok);
    NEED(srtp_shutdown() == srtp_err_status_ok);
    NEED(argon2id_hash_encoded(1, 64, 1, "secret", 6, "somesalt", 8, 32, hash, sizeof(hash)) == ARGON2_OK);
    NEED(argon2id_verify(hash, "secret", 6) == ARGON2_OK);
    return 0;
}

static int check_data(void)
{
    sqlite3 *db;
    yyjson_doc *doc;

    NEED(sqlite3_open(":memory:", &db) == SQLITE_OK);
    NEED(sqlite3_exec(db, "CREATE TABLE t(a, b); SELECT json_extract('{\"a\":1}', '$.a')", 0, 0, 0) == SQLITE_OK);
    NEED(sqlite3_exec(db, "SELECT \"not a column\" FROM t", 0, 0, 0) != SQLITE_OK);
    sqlite3_close(db);
    doc = yyjson_read("[1]", 3, 0);
    NEED(doc);
    yyjson_doc_free(doc);
    return 0;
}

static int check_media(void)
{
    int16_t pcm[160] = {0};
    unsigned char packet[256];
    int err;
    OpusEncoder *enc = opus_encoder_create(8000, 1, OPUS_APPLICATION_VOIP, &err);

    NEED(enc && opus_encode(enc, pcm, 160, packet, sizeof(packet)) > 0);
    opus_encoder_destroy(enc);
    return 0;
}

static int check_net(void)
{
    struct sip *sip = NULL;
    struct sa sa;
    struct lws_context *ctx;
    struct lws_context_creation_info info;

    NEED(!libre_init());
    NEED(!sa_set_str(&sa, "::1", 0));
    NEED(!sip_alloc(&sip, NULL, 16, 16, 16, "check", NULL, NULL));
    NEED(!sip_transp_add(sip, SIP_TRANSP_UDP, &sa) || !sa_set_str(&sa, "127.0.0.1", 0));
    sip_close(sip, true);
    mem_deref(sip);
    libre_close();

    memset(&info, 0, sizeof(info));
    info.options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS;
    lws_set_log_level(0, NULL);
    ctx = lws_create_context(&info);
    NEED(ctx);
    lws_context_destroy(ctx);
    return 0;
}

int main(void)
{
    return check_crypto() || check_data() || check_media() || check_net();
}

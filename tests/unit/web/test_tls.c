/* The web server's TLS as a client sees it: versions, suites, certificate change, noise. */
/* TSAN */
#include "rig.h"
#include "core/clock.h"
#include "core/health.h"

TEST(tls_12_and_13_on_both_ports_and_nothing_older)
{
    struct client *c;
    struct answer a;

    WITH_SERVER;
    c = client_tls(srv.https, MBEDTLS_SSL_VERSION_TLS1_2);
    CHECK(c && !strcmp(mbedtls_ssl_get_version(&c->ssl), "TLSv1.2"));
    CHECK_EQ_INT(get(c, &a, "/", ""), 200);
    answer_free(&a);
    client_close(c);
    c = client_tls(srv.wss, MBEDTLS_SSL_VERSION_TLS1_3);
    CHECK(c && !strcmp(mbedtls_ssl_get_version(&c->ssl), "TLSv1.3"));
    CHECK_EQ_INT(get(c, &a, "/", ""), 200);
    answer_free(&a);
    client_close(c);
    server_stop();
}

TEST(tls_12_with_authenticated_encryption_only)
{
    static const int cbc[] = {MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256,
                              MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA, 0},
                     gcm[] = {MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, 0};
    struct client *c;

    WITH_SERVER;
    client_suites = cbc;
    CHECK(!client_tls(srv.https, MBEDTLS_SSL_VERSION_TLS1_2));
    client_suites = gcm;
    CHECK((c = client_tls(srv.https, MBEDTLS_SSL_VERSION_TLS1_2)));
    client_close(c);
    client_suites = NULL;
    server_stop();
}

TEST(noise_instead_of_tls)
{
    struct client *c;
    struct answer a;

    WITH_SERVER;
    c = client_plain(srv.https);
    CHECK(client_puts(c, "GET / HTTP/1.1\r\nHost: h\r\n\r\n"));
    CHECK(client_closed(c));
    client_close(c);
    c = client_tls(srv.https, 0);
    CHECK_EQ_INT(get(c, &a, "/", ""), 200);
    answer_free(&a);
    client_close(c);
    server_stop();
}

/* ---------------------------------------------------------------- certificate */

static bool shown_certificate(uint8_t out[32])
{
    struct client *c = client_tls(srv.https, 0);

    if (!c)
        return false;
    client_fingerprint(c, out);
    client_close(c);
    return true;
}

static bool file_write(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    bool ok = f && fputs(text, f) >= 0;

    if (f)
        fclose(f);
    return ok;
}

TEST(a_new_certificate_is_taken_and_open_connections_live_on)
{
    struct client *open;
    struct frame f;
    struct cert_info info;
    uint8_t before[32], after[32];
    char why[200];
    uint64_t start;

    WITH_SERVER;
    CHECK((open = ws_open()));
    CHECK(shown_certificate(before));
    CHECK_EQ_INT(cert_make(srv.cfg.cert, srv.cfg.key, "localhost"), 0);
    CHECK_EQ_INT(cert_check(srv.cfg.cert, srv.cfg.key, &info, why, sizeof(why)), 0);
    for (start = clock_ms(); clock_ms() - start < CLIENT_TIMEOUT_MS;) { /* found by itself */
        CHECK(shown_certificate(after));
        if (!memcmp(after, info.sha256, 32))
            break;
        usleep(50000);
    }
    CHECK_MEM(after, info.sha256, 32);
    CHECK(memcmp(before, after, 32));
    CHECK(ws_put(open, 0x89, true, "hi", 2));
    CHECK(ws_get(open, &f));
    CHECK_EQ_INT(f.opcode, 10);
    free(f.data);
    client_close(open);
    server_stop();
}

/* The first flight, of which the peer gets a few bytes only until hold is false. */
static struct {
    bool hold;
    size_t sent;
} hello;

static int hello_send_h(void *arg, const unsigned char *p, size_t n)
{
    const size_t few = 10;

    if (hello.hold && hello.sent >= few)
        return MBEDTLS_ERR_SSL_WANT_WRITE;
    if (hello.hold && n > few)
        n = few;
    hello.sent += n;
    return mbedtls_net_send(arg, p, n);
}

/* Who dawdles in his handshake neither delays the new certificate for others nor loses his connection to it. */
TEST(a_handshake_under_way_outlives_a_new_certificate)
{
    struct client *slow, *c;
    struct cert_info info;
    uint8_t shown[32];
    struct answer a;
    char why[200];

    WITH_SERVER;
    CHECK((c = client_tls(srv.https, 0))); /* for its configuration */
    slow = client_plain(srv.https);
    mbedtls_ssl_init(&slow->ssl);
    CHECK_EQ_INT(mbedtls_ssl_setup(&slow->ssl, &c->conf), 0);
    CHECK_EQ_INT(mbedtls_ssl_set_hostname(&slow->ssl, NULL), 0);
    slow->net.fd = slow->fd;
    mbedtls_ssl_set_bio(&slow->ssl, &slow->net, hello_send_h, mbedtls_net_recv, NULL);
    hello.hold = true;
    CHECK_EQ_INT(mbedtls_ssl_handshake(&slow->ssl), MBEDTLS_ERR_SSL_WANT_WRITE);

    CHECK_EQ_INT(cert_make(srv.cfg.cert, srv.cfg.key, "localhost"), 0);
    CHECK_EQ_INT(cert_check(srv.cfg.cert, srv.cfg.key, &info, why, sizeof(why)), 0);
    web_reload(srv.w);
    do
        CHECK(shown_certificate(shown));
    while (memcmp(shown, info.sha256, 32));

    hello.hold = false;
    CHECK_EQ_INT(mbedtls_ssl_handshake(&slow->ssl), 0);
    slow->tls = true;
    CHECK_EQ_INT(get(slow, &a, "/", ""), 200);
    answer_free(&a);
    mbedtls_ssl_free(&slow->ssl);
    slow->tls = false;
    client_close(slow);
    client_close(c);
    server_stop();
}

/* RFC 8446 6.1: an end that is not told could be an attacker's. */
TEST(the_end_of_a_connection_is_told)
{
    struct client *c;
    struct answer a;
    uint8_t byte;
    int ret;

    WITH_SERVER;
    for (int i = 0; i < 2; i++) { /* after an answer, and after an error's */
        CHECK((c = client_tls(srv.https, i ? MBEDTLS_SSL_VERSION_TLS1_2 : MBEDTLS_SSL_VERSION_TLS1_3)));
        CHECK_EQ_INT(client_ask(c, &a,
                                i ? "GET / HTTP/1.1\r\n\r\n"
                                  : "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"),
                     i ? 400 : 200);
        answer_free(&a);
        do
            ret = mbedtls_ssl_read(&c->ssl, &byte, 1);
        while (ret == MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET);
        CHECK_EQ_INT(ret, MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY);
        client_close(c);
    }
    server_stop();
}

/* Appends one file to another. */
static bool file_append(const char *to, const char *from)
{
    FILE *out = fopen(to, "a"), *in = fopen(from, "r");
    int ch;

    while (in && out && (ch = getc(in)) != EOF)
        putc(ch, out);
    if (in)
        fclose(in);
    return out && in && !fclose(out);
}

TEST(a_chain_is_sent_whole)
{
    char issuer[100], issuer_key[100];
    const mbedtls_x509_crt *crt;
    struct client *c;

    server_prepare();
    snprintf(issuer, sizeof(issuer), "%s/issuer.pem", srv.dir);
    snprintf(issuer_key, sizeof(issuer_key), "%s/issuer.key", srv.dir);
    CHECK_EQ_INT(cert_make(issuer, issuer_key, "issuer.example"), 0);
    CHECK(file_append(srv.cfg.cert, issuer));
    unlink(issuer);
    unlink(issuer_key);
    CHECK(server_start());
    CHECK((c = client_tls(srv.https, 0)));
    crt = mbedtls_ssl_get_peer_cert(&c->ssl);
    CHECK(crt && crt->next && crt->next->raw.len);
    client_close(c);
    server_stop();
}

TEST(a_bad_certificate_is_refused_and_the_old_one_stays)
{
    struct cert_info good;
    uint8_t shown[32];
    char why[200];
    struct buf b;

    WITH_SERVER;
    CHECK_EQ_INT(cert_check(srv.cfg.cert, srv.cfg.key, &good, why, sizeof(why)), 0);
    CHECK(file_write(srv.cfg.cert, "-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n"));
    web_reload(srv.w);
    CHECK(shown_certificate(shown));
    CHECK_MEM(shown, good.sha256, 32);
    buf_init(&b, 100000);
    for (int i = 0; i < 500; i++) {
        buf_clear(&b);
        health_json(&b);
        if (strstr(b.data, "refused"))
            break;
        usleep(20000);
    }
    CHECK(strstr(b.data, "refused"));
    buf_reset(&b);
    CHECK(health_ready());
    server_stop();
}

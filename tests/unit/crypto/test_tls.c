/* TLS sessions against mbedtls' client through memory: versions, protocols, pieces, slow and broken transports, the end. */
#include "testing.h"
#include "tlspair.h"

#include <errno.h>

static const mbedtls_ssl_protocol_version versions[] = {MBEDTLS_SSL_VERSION_TLS1_2,
                                                        MBEDTLS_SSL_VERSION_TLS1_3};
static struct tlspair pair;
static struct tls_server *server;
static uint8_t got[TLSPAIR_PIPE], sent[3 * TLS_PLAIN_MAX];
static size_t got_len;

static bool open_pair(int version, const char **alpn)
{
    got_len = 0;
    for (size_t i = 0; i < sizeof(sent); i++)
        sent[i] = (uint8_t)(i * 7 + i / 251);
    return !tlspair_server(&server) && tlspair_open(&pair, server, versions[version], alpn);
}

static void close_pair(void)
{
    tlspair_close(&pair);
    tls_server_unref(server);
}

/* The handshake, in pieces of so many bytes; what the client said last. */
static int shake(size_t piece)
{
    int ret = MBEDTLS_ERR_SSL_WANT_READ;

    while (ret == MBEDTLS_ERR_SSL_WANT_READ) {
        ret = mbedtls_ssl_handshake(&pair.client);
        while (pair.up.len && tlspair_serve(&pair, piece, got, sizeof(got), &got_len) == 0)
            ;
        if (ret == MBEDTLS_ERR_SSL_WANT_READ && !pair.down.len)
            break;
    }
    return ret;
}

static bool client_reads(const uint8_t *want, size_t n)
{
    uint8_t text[TLS_PLAIN_MAX];

    for (size_t at = 0; at < n;) {
        int r = mbedtls_ssl_read(&pair.client, text, sizeof(text));

        if (r == MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET)
            continue;
        if (r <= 0 || (size_t)r > n - at || memcmp(text, want + at, (size_t)r))
            return false;
        at += (size_t)r;
    }
    return true;
}

TEST(both_versions_say_something_both_ways)
{
    for (int v = 0; v < 2; v++) {
        size_t taken;

        CHECK(open_pair(v, NULL));
        CHECK_EQ_INT(tls_write(pair.server, "x", 1, &taken), ENOTCONN);
        CHECK_EQ_INT(shake(SIZE_MAX), 0);
        CHECK_EQ_INT(tls_state(pair.server), TLS_UP);
        CHECK_STR(tls_alpn(pair.server), "");
        CHECK_EQ_INT(mbedtls_ssl_write(&pair.client, sent, 1000), 1000);
        CHECK_EQ_INT(tlspair_serve(&pair, SIZE_MAX, got, sizeof(got), &got_len), 0);
        CHECK_EQ_INT(got_len, 1000);
        CHECK_MEM(got, sent, 1000);
        CHECK_EQ_INT(tls_write(pair.server, sent, 1000, &taken), 0);
        CHECK_EQ_INT(taken, 1000);
        CHECK(client_reads(sent, 1000));
        close_pair();
    }
}

TEST(byte_by_byte_is_as_good)
{
    for (int v = 0; v < 2; v++) {
        CHECK(open_pair(v, NULL));
        CHECK_EQ_INT(shake(1), 0);
        CHECK_EQ_INT(mbedtls_ssl_write(&pair.client, sent, 300), 300);
        while (pair.up.len)
            CHECK_EQ_INT(tlspair_serve(&pair, 1, got, sizeof(got), &got_len), 0);
        CHECK_EQ_INT(got_len, 300);
        CHECK_MEM(got, sent, 300);
        close_pair();
    }
}

/* More than one record in one piece, and a reader with little room. */
TEST(records_that_come_at_once_are_all_read)
{
    uint8_t little[100];
    ssize_t n;

    CHECK(open_pair(1, NULL));
    CHECK_EQ_INT(shake(SIZE_MAX), 0);
    for (size_t i = 0; i < 5; i++)
        CHECK_EQ_INT(mbedtls_ssl_write(&pair.client, sent + i * 1000, 1000), 1000);
    tls_feed(pair.server, pair.up.data, pair.up.len);
    while ((n = tls_read(pair.server, little, sizeof(little))) > 0) {
        memcpy(got + got_len, little, (size_t)n);
        got_len += (size_t)n;
    }
    CHECK_EQ_INT(n, 0);
    CHECK_EQ_INT(got_len, 5000);
    CHECK_MEM(got, sent, 5000);
    close_pair();
}

/* They may come to hide when something is said (RFC 8446 5.1); a flood of them is another matter. */
TEST(records_without_bytes_say_nothing)
{
    for (int v = 0; v < 2; v++) {
        CHECK(open_pair(v, NULL));
        CHECK_EQ_INT(shake(SIZE_MAX), 0);
        for (size_t i = 0; i < 3; i++)
            CHECK_EQ_INT(mbedtls_ssl_write(&pair.client, sent, 0), 0);
        CHECK_EQ_INT(tlspair_serve(&pair, SIZE_MAX, got, sizeof(got), &got_len), 0);
        CHECK_EQ_INT(tls_state(pair.server), TLS_UP);
        CHECK_EQ_INT(mbedtls_ssl_write(&pair.client, sent, 100), 100);
        CHECK_EQ_INT(tlspair_serve(&pair, SIZE_MAX, got, sizeof(got), &got_len), 0);
        CHECK_EQ_INT(got_len, 100);
        CHECK_MEM(got, sent, 100);
        for (size_t i = 0; i < 10; i++)
            CHECK_EQ_INT(mbedtls_ssl_write(&pair.client, sent, 0), 0);
        CHECK_EQ_INT(tlspair_serve(&pair, SIZE_MAX, got, sizeof(got), &got_len), -1);
        close_pair();
    }
}

TEST(application_protocols)
{
    static const char *turn[] = {"stun.turn", NULL}, *web[] = {"h2", "http/1.1", NULL},
                      *other[] = {"h2", NULL};
    static const struct {
        const char **offered, *chosen;
    } rows[] = {{turn, "stun.turn"}, {web, "http/1.1"}, {NULL, ""}};

    for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
        CHECK(open_pair(i & 1, rows[i / 2].offered));
        CHECK_EQ_INT(shake(SIZE_MAX), 0);
        CHECK_STR(tls_alpn(pair.server), rows[i / 2].chosen);
        close_pair();
    }
    for (int v = 0; v < 2; v++) { /* RFC 7301 3.2: no_application_protocol */
        CHECK(open_pair(v, other));
        CHECK_EQ_INT(shake(SIZE_MAX), MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE);
        CHECK_EQ_INT(tls_state(pair.server), TLS_FAILED);
        close_pair();
    }
}

/* The transport takes a little at a time: each record leaves whole, nothing twice, nothing lost. */
TEST(a_slow_transport_gets_everything_once)
{
    for (int v = 0; v < 2; v++) {
        size_t at = 0, taken;

        CHECK(open_pair(v, NULL));
        CHECK_EQ_INT(shake(SIZE_MAX), 0);
        while (at < sizeof(sent)) {
            int err;

            pair.down.room = 10;
            err = tls_write(pair.server, sent + at, sizeof(sent) - at, &taken);
            CHECK_EQ_INT(err, EAGAIN);
            CHECK(taken && taken <= TLS_PLAIN_MAX);
            CHECK(tls_pending(pair.server));
            CHECK_EQ_INT(tls_write(pair.server, "y", 1, &(size_t){0}), EAGAIN); /* not before the first */
            while (err == EAGAIN) {
                pair.down.room = 700;
                err = tls_flush(pair.server);
            }
            CHECK_EQ_INT(err, 0);
            CHECK(client_reads(sent + at, taken));
            at += taken;
        }
        CHECK(!tls_pending(pair.server));
        CHECK_EQ_INT(tls_flush(pair.server), 0);
        close_pair();
    }
}

TEST(a_flight_that_waits_for_the_transport_goes_on)
{
    for (int v = 0; v < 2; v++) {
        CHECK(open_pair(v, NULL));
        pair.down.room = 10;
        CHECK_EQ_INT(mbedtls_ssl_handshake(&pair.client), MBEDTLS_ERR_SSL_WANT_READ);
        CHECK_EQ_INT(tlspair_serve(&pair, SIZE_MAX, got, sizeof(got), &got_len), 0);
        CHECK(tls_pending(pair.server));
        CHECK_EQ_INT(tls_flush(pair.server), EAGAIN);
        pair.down.room = SIZE_MAX;
        CHECK_EQ_INT(tls_flush(pair.server), 0);
        CHECK_EQ_INT(shake(SIZE_MAX), 0);
        CHECK_EQ_INT(tls_state(pair.server), TLS_UP);
        close_pair();
    }
}

TEST(a_broken_transport_is_the_end)
{
    size_t taken;

    CHECK(open_pair(1, NULL));
    CHECK_EQ_INT(shake(SIZE_MAX), 0);
    pair.down.broken = true;
    CHECK_EQ_INT(tls_write(pair.server, "x", 1, &taken), EPIPE);
    CHECK_EQ_INT(tls_state(pair.server), TLS_FAILED);
    CHECK_EQ_INT(tls_read(pair.server, got, sizeof(got)), -1);
    close_pair();
}

TEST(the_end_is_told_both_ways)
{
    for (int v = 0; v < 2; v++) {
        uint8_t c;
        int r;

        CHECK(open_pair(v, NULL));
        CHECK_EQ_INT(shake(SIZE_MAX), 0);
        tls_close(pair.server);
        while ((r = mbedtls_ssl_read(&pair.client, &c, 1)) == MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET)
            ;
        CHECK_EQ_INT(r, MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY);
        CHECK_EQ_INT(mbedtls_ssl_close_notify(&pair.client), 0);
        CHECK_EQ_INT(tlspair_serve(&pair, SIZE_MAX, got, sizeof(got), &got_len), -1);
        CHECK_EQ_INT(tls_state(pair.server), TLS_CLOSED);
        close_pair();
    }
}

TEST(what_is_no_tls_fails)
{
    static const char http[] = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

    CHECK(open_pair(1, NULL));
    tls_feed(pair.server, http, sizeof(http) - 1);
    CHECK_EQ_INT(tls_read(pair.server, got, sizeof(got)), -1);
    CHECK_EQ_INT(tls_state(pair.server), TLS_FAILED);
    close_pair();
}

/* A record that was changed on its way gives no bytes at all. */
TEST(a_changed_record_is_not_believed)
{
    for (int v = 0; v < 2; v++) {
        CHECK(open_pair(v, NULL));
        CHECK_EQ_INT(shake(SIZE_MAX), 0);
        CHECK_EQ_INT(mbedtls_ssl_write(&pair.client, sent, 100), 100);
        pair.up.data[pair.up.len - 1] ^= 1;
        CHECK_EQ_INT(tlspair_serve(&pair, SIZE_MAX, got, sizeof(got), &got_len), -1);
        CHECK_EQ_INT(got_len, 0);
        CHECK_EQ_INT(tls_state(pair.server), TLS_FAILED);
        close_pair();
    }
}

TEST(a_client_may_ask_for_short_records)
{
    size_t taken;

    CHECK(!tlspair_server(&server) && tlspair_open(&pair, server, MBEDTLS_SSL_VERSION_TLS1_2, NULL));
    CHECK_EQ_INT(mbedtls_ssl_conf_max_frag_len(&pair.conf, MBEDTLS_SSL_MAX_FRAG_LEN_512), 0);
    CHECK_EQ_INT(shake(SIZE_MAX), 0);
    CHECK_EQ_INT(tls_write(pair.server, sent, 2000, &taken), 0);
    CHECK_EQ_INT(taken, 512);
    CHECK(client_reads(sent, 512));
    close_pair();
}

/* Sessions outlive the certificate that they began with; what comes later shows the next one. */
TEST(an_old_certificate_lives_as_long_as_its_sessions)
{
    CHECK(open_pair(1, NULL));
    CHECK_EQ_INT(mbedtls_ssl_handshake(&pair.client), MBEDTLS_ERR_SSL_WANT_READ);
    tls_server_unref(server); /* in the middle of the handshake */
    server = NULL;
    CHECK_EQ_INT(shake(SIZE_MAX), 0);
    CHECK_EQ_INT(tls_state(pair.server), TLS_UP);
    close_pair();
}

TEST(what_is_no_certificate_is_refused)
{
    struct tls_server *s = NULL;

    CHECK_EQ_INT(tls_server_alloc(&s, "nonsense", "nonsense"), EBADMSG);
    CHECK(!s);
}

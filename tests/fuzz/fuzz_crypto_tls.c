/*
 * A TLS session and a client whose records the input cuts, loses, doubles, spoils, and to which it adds its own, before the handshake
 * and after it, over a transport that now and then takes little or breaks. Nothing of it may do harm; what the session reads is what
 * the client wrote, from its beginning.
 * Or (a third bit) a client of ours, or a server that asks for a certificate (a fourth), to which the input says what it likes.
 * Input: the version (one bit), whether the handshake goes undisturbed (one bit), then one byte an act, see enum act; MAKE is followed by
 * a length and so many bytes.
 */
#include "crypto/tlspeer.h"
#include "unit/crypto/tlspair.h"

#include <errno.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum act {
    FEED,
    FEED_BYTE,
    CLIENT,
    SPOIL,
    LOSE,
    TWICE,
    MAKE,
    CLIENT_WRITES,
    WRITE,
    FLUSH,
    NARROW,
    BREAK,
    CLOSE,
    ACTS
};
enum { TEXT = 20000 };

static struct tlspair pair;
static uint8_t text[TEXT], out[TLSPAIR_PIPE];
static size_t written, len;
static bool over;

static void serve(size_t max)
{
    if (tlspair_serve(&pair, max, out, sizeof(out), &len) < 0)
        over = true;
    if (len > written || memcmp(out, text, len))
        abort();
}

static void client_runs(void)
{
    uint8_t in[1000];

    if (mbedtls_ssl_is_handshake_over(&pair.client))
        (void)mbedtls_ssl_read(&pair.client, in, sizeof(in));
    else
        (void)mbedtls_ssl_handshake(&pair.client);
}

static void client_writes(size_t n)
{
    int ret;

    if (!mbedtls_ssl_is_handshake_over(&pair.client) || written + n > TEXT || !n)
        return;
    ret = mbedtls_ssl_write(&pair.client, text + written, n);
    written += ret > 0 ? (size_t)ret : 0;
}

static void spoil(enum act act, uint8_t where)
{
    struct pipe_bytes *w = &pair.up;
    size_t at = w->len ? (size_t)where * w->len / 256 : 0;

    if (act == SPOIL && w->len)
        w->data[at] ^= 1u << where % 8;
    else if (act == LOSE)
        w->len = at;
    else if (act == TWICE && w->len * 2 <= sizeof(w->data)) {
        memcpy(w->data + w->len, w->data, w->len);
        w->len *= 2;
    }
}

static size_t act_on(enum act act, const uint8_t *more, size_t left)
{
    const uint8_t n = left ? *more : 0;
    size_t taken, made = n < left ? n : left ? left - 1 : 0;

    switch (act) {
    case FEED:
        serve(SIZE_MAX);
        return 0;
    case FEED_BYTE:
        serve(1);
        return 0;
    case CLIENT:
        client_runs();
        return 0;
    case SPOIL:
    case LOSE:
    case TWICE:
        spoil(act, n);
        return 1;
    case MAKE:
        (void)pipe_put(&pair.up, more + 1, made);
        return 1 + made;
    case CLIENT_WRITES:
        client_writes(n);
        return 1;
    case WRITE:
        (void)tls_write(pair.server, text, 1 + n * 64u, &taken);
        return 1;
    case FLUSH:
        (void)tls_flush(pair.server);
        return 0;
    case NARROW:
        pair.down.room = n ? n : SIZE_MAX;
        return 1;
    case BREAK:
        pair.down.broken = true;
        return 0;
    default:
        tls_close(pair.server);
        return 0;
    }
}

/* Whatever comes, in pieces of 1 to 256 bytes: the session fails or waits, and nobody is taken for somebody. */
static void rubbish(struct tls_server *conf, const uint8_t *data, size_t size)
{
    static struct pipe_bytes pipe;
    uint8_t text_of[64];
    struct tls *t;

    pipe = (struct pipe_bytes){.room = SIZE_MAX};
    if (tls_session_alloc(&t, conf, server_send_h, &pipe) || tls_ask_for(t, "sip.example"))
        abort();
    while (size > 1 && tls_shake(t) == EAGAIN) {
        const size_t n = data[0] + 1u < size - 1 ? data[0] + 1u : size - 1;

        tls_feed(t, data + 1, n);
        if (tls_read(t, text_of, sizeof(text_of)) > 0 || tls_peer_shown(t))
            abort();
        data += n + 1;
        size -= n + 1;
        pipe.len = 0;
    }
    if (tls_state(t) == TLS_UP || !tls_why(t)[0])
        abort();
    tls_close(t);
    tls_free(t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct tls_server *server, *mutual[2];

    if (!server) {
        for (size_t i = 0; i < TEXT; i++)
            text[i] = (uint8_t)(i * 31 + i / 256);
        if (tlspair_server(&server) || tls_mutual_alloc(&mutual[0], true, NULL, NULL) ||
            tls_mutual_alloc(&mutual[1], false, tlspair_cert, tlspair_key))
            abort();
    }
    if (!size)
        return 0;
    if (data[0] & 4) {
        rubbish(mutual[data[0] & 8 ? 1 : 0], data + 1, size - 1);
        return 0;
    }
    written = len = 0;
    over = false;
    if (!tlspair_open(&pair, server, data[0] & 1 ? MBEDTLS_SSL_VERSION_TLS1_3 : MBEDTLS_SSL_VERSION_TLS1_2,
                      NULL))
        abort();
    for (int i = 0; data[0] & 2 && i < 4; i++) {
        client_runs();
        serve(SIZE_MAX);
    }
    for (size_t i = 1; i < size && !over; i++)
        i += act_on((enum act)(data[i] % ACTS), data + i + 1, size - i - 1);
    tlspair_close(&pair);
    return 0;
}

/* Requests through coturn's codec: what is read lies inside the message, and whatever was read can be answered and signed. */
#include "turn/codec.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void inside(const struct turn_msg *m, const struct codec_bytes *b)
{
    unsigned sum = 0;

    if (b->p && (b->p < m->mem || b->p + b->n > m->mem + m->n))
        abort();
    for (size_t i = 0; b->p && i < b->n; i++)
        sum += b->p[i];
    (void)sum;
}

static void answer(const struct turn_msg *m, const uint8_t *data, size_t size)
{
    struct codec_answer a;
    struct stun_view v;

    codec_error(&a, m, 401);
    codec_put(&a, STUN_REALM, data, size);
    codec_put_addr(&a, STUN_XOR_MAPPED_ADDRESS, &m->peers[0]);
    codec_put_family_error(&a, TURN_ADDRESS_ERROR_CODE, TURN_FAMILY_IP6, 440);
    if (!codec_finish(&a, m, "key", 3))
        return;
    if (a.n > sizeof(a.mem) || stun_parse(&v, a.mem, a.n) || stun_get_error(&v) != 401)
        abort();
    if (!m->mi256 && !stun_auth(&v, "key", 3))
        abort();
    if (m->fingerprint && !stun_fingerprint_ok(&v))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct turn_msg m;

    if (codec_read(&m, data, size))
        return 0;
    if (m.n != size || memcmp(m.mem, data, size) || m.mi >= size || m.mi256 >= size)
        abort();
    inside(&m, &m.username);
    inside(&m, &m.userhash);
    inside(&m, &m.realm);
    inside(&m, &m.nonce);
    inside(&m, &m.algorithms);
    if (m.channel && (m.channel < 0x4000 || m.channel > 0x7fff))
        abort();
    (void)codec_verify(&m, "key", 3);
    answer(&m, data, size);
    return 0;
}

/* STUN messages: whatever is said about attributes must lie inside the datagram; what was written must be read back. */
#include "stun/stun.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned touch(const struct stun_view *v)
{
    static const uint16_t types[] = {STUN_USERNAME, STUN_ERROR_CODE, STUN_PRIORITY,
                                     STUN_REALM,    STUN_NONCE,      0x7fff};
    uint16_t unknown[STUN_UNKNOWN_MAX];
    unsigned sum = (unsigned)stun_unknown(v, unknown) + stun_get_error(v);
    struct addr a;
    uint32_t u32;
    uint64_t u64;

    for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
        size_t n = 0;
        const uint8_t *p = stun_get(v, types[i], &n);

        if (p && (p < v->p || p + n > v->p + v->n))
            abort();
        for (size_t k = 0; p && k < n; k++)
            sum += p[k];
    }
    sum += stun_get_u32(v, STUN_PRIORITY, &u32) + stun_get_u64(v, STUN_ICE_CONTROLLING, &u64);
    sum += stun_get_xaddr(v, STUN_XOR_MAPPED_ADDRESS, &a);
    return sum + stun_auth(v, "key", 3) + stun_fingerprint_ok(v);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t tid[STUN_TID_LEN] = "fuzz";
    uint8_t mem[STUN_MSG_MAX];
    struct stun_writer w;
    struct stun_view v;
    size_t n;

    if (!stun_parse(&v, data, size))
        (void)touch(&v);
    stun_begin(&w, mem, sizeof(mem), STUN_BINDING, STUN_REQUEST, tid);
    stun_put(&w, STUN_USERNAME, data, size);
    stun_put_integrity(&w, "key", 3);
    stun_put_fingerprint(&w);
    if (!stun_end(&w, &n) && (stun_parse(&v, mem, n) || !stun_auth(&v, "key", 3) || !stun_fingerprint_ok(&v)))
        abort();
    return 0;
}

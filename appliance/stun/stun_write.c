/* stun/stun: writing of messages. */
#include "stun/stun.h"

#include "crypto/hash.h"
#include "stun/stun_wire.h"

#include <errno.h>
#include <string.h>

void stun_begin(struct stun_writer *w, void *mem, size_t sz, uint16_t method, enum stun_class cls,
                const uint8_t tid[STUN_TID_LEN])
{
    unsigned type = (method & 0xfu) | (method & 0x70u) << 1 | (method & 0xf80u) << 2 |
                    ((unsigned)cls & 1u) << 4 | ((unsigned)cls & 2u) << 7;

    *w = (struct stun_writer){.p = mem, .sz = sz, .n = STUN_HDR_LEN};
    if (sz < STUN_HDR_LEN) {
        w->err = EOVERFLOW;
        return;
    }
    wire_set16(w->p, (uint16_t)type);
    wire_set16(w->p + 2, 0);
    wire_set32(w->p + 4, STUN_MAGIC);
    memcpy(w->p + 8, tid, STUN_TID_LEN);
}

/* Makes room for an attribute and writes its head; NULL when there is none. */
static uint8_t *reserve(struct stun_writer *w, uint16_t type, size_t n)
{
    size_t padded = (n + 3) & ~(size_t)3;
    uint8_t *at;

    if (w->err || n > UINT16_MAX || padded + 4 > w->sz - w->n) {
        w->err = EOVERFLOW;
        return NULL;
    }
    at = w->p + w->n;
    wire_set16(at, type);
    wire_set16(at + 2, (uint16_t)n);
    memset(at + 4, 0, padded);
    w->n += 4 + padded;
    wire_set16(w->p + 2, (uint16_t)(w->n - STUN_HDR_LEN));
    return at + 4;
}

void stun_put(struct stun_writer *w, uint16_t type, const void *val, size_t n)
{
    uint8_t *at = reserve(w, type, n);

    if (at && n)
        memcpy(at, val, n);
}

void stun_put_u32(struct stun_writer *w, uint16_t type, uint32_t val)
{
    uint8_t *at = reserve(w, type, 4);

    if (at)
        wire_set32(at, val);
}

void stun_put_u64(struct stun_writer *w, uint16_t type, uint64_t val)
{
    uint8_t *at = reserve(w, type, 8);

    if (!at)
        return;
    wire_set32(at, (uint32_t)(val >> 32));
    wire_set32(at + 4, (uint32_t)val);
}

void stun_put_xaddr(struct stun_writer *w, uint16_t type, const struct addr *a)
{
    bool ip6 = addr_af(a) == AF_INET6;
    size_t iplen = ip6 ? 16 : 4;
    uint8_t *at = reserve(w, type, 4 + iplen);

    if (!at)
        return;
    at[1] = ip6 ? 2 : 1;
    wire_set16(at + 2, (uint16_t)(addr_port(a) ^ (STUN_MAGIC >> 16)));
    memcpy(at + 4, ip6 ? (const void *)&a->u.in6.sin6_addr : (const void *)&a->u.in.sin_addr, iplen);
    wire_xor(at + 4, w->p + 4, iplen);
}

void stun_put_error(struct stun_writer *w, unsigned code, const char *reason)
{
    size_t n = strlen(reason);
    uint8_t *at = reserve(w, STUN_ERROR_CODE, 4 + n);

    if (!at)
        return;
    at[2] = (uint8_t)(code / 100);
    at[3] = (uint8_t)(code % 100);
    memcpy(at + 4, reason, n);
}

void stun_put_integrity(struct stun_writer *w, const void *key, size_t klen)
{
    size_t upto = w->n;
    uint8_t *at = reserve(w, STUN_MESSAGE_INTEGRITY, SHA1_LEN);

    if (at)
        hash_hmac_sha1(at, key, klen, w->p, upto);
}

void stun_put_fingerprint(struct stun_writer *w)
{
    size_t upto = w->n;
    uint8_t *at = reserve(w, STUN_FINGERPRINT, 4);

    if (at)
        wire_set32(at, wire_crc32(w->p, upto) ^ STUN_FINGERPRINT_XOR);
}

int stun_end(const struct stun_writer *w, size_t *len)
{
    *len = w->err ? 0 : w->n;
    return w->err;
}

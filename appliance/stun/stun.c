/* stun/stun: reading of messages. Writing is in stun_write.c. */
#include "stun/stun.h"

#include "crypto/hash.h"
#include "stun/stun_wire.h"

#include <errno.h>
#include <string.h>

static const uint16_t known_attrs[] = {
    STUN_MAPPED_ADDRESS, STUN_USERNAME, STUN_MESSAGE_INTEGRITY,  STUN_ERROR_CODE, STUN_UNKNOWN_ATTRIBUTES,
    STUN_REALM,          STUN_NONCE,    STUN_XOR_MAPPED_ADDRESS, STUN_PRIORITY,   STUN_USE_CANDIDATE,
};

/* Whether a datagram looks like STUN at all: first byte 0..3 and the magic cookie. */
static bool stun_is(const uint8_t *p, size_t n)
{
    return n >= STUN_HDR_LEN && p[0] < 4 && wire_get32(p + 4) == STUN_MAGIC;
}

/* Finds MESSAGE-INTEGRITY and FINGERPRINT while checking that every attribute lies inside. */
static int walk(struct stun_view *v)
{
    size_t pos = STUN_HDR_LEN;

    while (pos < v->n) {
        if (v->n - pos < 4 || v->fp) /* FINGERPRINT is the last one: RFC 8489 14.7 */
            return EBADMSG;

        uint16_t type = wire_get16(v->p + pos);
        size_t len = wire_get16(v->p + pos + 2), padded = (len + 3) & ~(size_t)3;

        if (padded > v->n - pos - 4)
            return EBADMSG;
        if (type == STUN_MESSAGE_INTEGRITY && !v->mi) {
            if (len != SHA1_LEN)
                return EBADMSG;
            v->mi = pos;
        } else if (type == STUN_FINGERPRINT) {
            if (len != 4)
                return EBADMSG;
            v->fp = pos;
        }
        pos += 4 + padded;
    }
    return 0;
}

int stun_parse(struct stun_view *v, const uint8_t *p, size_t n)
{
    if (!stun_is(p, n))
        return EBADMSG;

    uint16_t type = wire_get16(p);

    if (wire_get16(p + 2) != n - STUN_HDR_LEN || (n & 3))
        return EBADMSG;
    *v = (struct stun_view){.p = p, .n = n, .tid = p + 8};
    v->cls = (enum stun_class)(((type >> 7) & 2) | ((type >> 4) & 1));
    v->method = (uint16_t)((type & 0xf) | ((type >> 1) & 0x70) | ((type >> 2) & 0xf80));
    return walk(v);
}

const uint8_t *stun_get(const struct stun_view *v, uint16_t type, size_t *len)
{
    size_t end = v->mi ? v->mi + 4 + SHA1_LEN : v->n;

    for (size_t pos = STUN_HDR_LEN; pos < end;) {
        size_t n = wire_get16(v->p + pos + 2);

        if (wire_get16(v->p + pos) == type) {
            *len = n;
            return v->p + pos + 4;
        }
        pos += 4 + ((n + 3) & ~(size_t)3);
    }
    return NULL;
}

bool stun_get_u32(const struct stun_view *v, uint16_t type, uint32_t *val)
{
    size_t n;
    const uint8_t *p = stun_get(v, type, &n);

    if (!p || n != 4)
        return false;
    *val = wire_get32(p);
    return true;
}

bool stun_get_u64(const struct stun_view *v, uint16_t type, uint64_t *val)
{
    size_t n;
    const uint8_t *p = stun_get(v, type, &n);

    if (!p || n != 8)
        return false;
    *val = (uint64_t)wire_get32(p) << 32 | wire_get32(p + 4);
    return true;
}

bool stun_get_xaddr(const struct stun_view *v, uint16_t type, struct addr *a)
{
    size_t n;
    const uint8_t *p = stun_get(v, type, &n);
    bool ip4 = p && n == 8 && p[1] == 1, ip6 = p && n == 20 && p[1] == 2;

    memset(a, 0, sizeof(*a));
    if (ip4) {
        struct sockaddr_in *in = &a->u.in;

        in->sin_family = AF_INET;
        memcpy(&in->sin_addr, p + 4, 4);
        wire_xor(&in->sin_addr, v->p + 4, 4);
    } else if (ip6) {
        struct sockaddr_in6 *in = &a->u.in6;

        in->sin6_family = AF_INET6;
        memcpy(&in->sin6_addr, p + 4, 16);
        wire_xor(&in->sin6_addr, v->p + 4, 16); /* the cookie and the transaction id: RFC 8489 14.2 */
    } else {
        return false;
    }
    addr_set_port(a, (uint16_t)(wire_get16(p + 2) ^ (STUN_MAGIC >> 16)));
    return true;
}

unsigned stun_get_error(const struct stun_view *v)
{
    size_t n;
    const uint8_t *p = stun_get(v, STUN_ERROR_CODE, &n);

    if (!p || n < 4 || (p[2] & 7) < 3 || (p[2] & 7) > 6 || p[3] > 99)
        return 0;
    return (p[2] & 7u) * 100u + p[3];
}

static bool is_known(uint16_t type)
{
    for (size_t i = 0; i < sizeof(known_attrs) / sizeof(*known_attrs); i++)
        if (known_attrs[i] == type)
            return true;
    return false;
}

size_t stun_unknown(const struct stun_view *v, uint16_t types[STUN_UNKNOWN_MAX])
{
    size_t end = v->mi ? v->mi : v->n, count = 0;

    for (size_t pos = STUN_HDR_LEN; pos < end && count < STUN_UNKNOWN_MAX;) {
        uint16_t type = wire_get16(v->p + pos);

        if (type < 0x8000 && !is_known(type))
            types[count++] = type;
        pos += 4 + ((wire_get16(v->p + pos + 2) + 3u) & ~3u);
    }
    return count;
}

bool stun_auth(const struct stun_view *v, const void *key, size_t klen)
{
    uint8_t mac[SHA1_LEN], msg[STUN_MSG_MAX];

    if (!v->mi || v->mi > sizeof(msg))
        return false;
    /* the length field counts up to and including MESSAGE-INTEGRITY: RFC 8489 14.5 */
    memcpy(msg, v->p, v->mi);
    wire_set16(msg + 2, (uint16_t)(v->mi + 4 + SHA1_LEN - STUN_HDR_LEN));
    hash_hmac_sha1(mac, key, klen, msg, v->mi);
    return hash_equal(mac, v->p + v->mi + 4, SHA1_LEN);
}

bool stun_fingerprint_ok(const struct stun_view *v)
{
    return v->fp && wire_get32(v->p + v->fp + 4) == (wire_crc32(v->p, v->fp) ^ STUN_FINGERPRINT_XOR);
}

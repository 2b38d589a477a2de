#include "turn/codec.h"

#include "crypto/hash.h"
#include "turn/coturn.h"

#include <errno.h>
#include <string.h>

enum { ATTR_HEAD = 4, SHA256_SHORTEST = 16 /* RFC 8489 14.6 */ };

/* Without a version: it would tell strangers which faults to look for. */
static const char software[] = "dngate";

/* ---------------------------------------------------------------- reading */

static void read_bytes(struct codec_bytes *b, const uint8_t *val, size_t len)
{
    if (!b->p)
        *b = (struct codec_bytes){val, len};
}

static void read_family(struct turn_msg *m, enum turn_family *family, stun_attr_ref attr)
{
    int f = stun_get_requested_address_family(attr);

    if (*family != TURN_FAMILY_NONE)
        return;
    if (stun_attr_get_len(attr) != 4)
        m->bad = true;
    *family = f == 1 || f == 2 ? (enum turn_family)f : TURN_FAMILY_OTHER;
}

static void read_peer(struct turn_msg *m, stun_attr_ref attr)
{
    ioa_addr ioa;
    struct addr a;

    if (stun_attr_get_addr_str(m->mem, m->n, attr, &ioa, NULL)) {
        m->bad = true;
        return;
    }
    addr_set_sockaddr(&a, &ioa.ss);
    if (m->peer_n < CODEC_PEERS_MAX)
        m->peers[m->peer_n] = a;
    m->peer_n++;
}

static void read_unknown(struct turn_msg *m, uint16_t type)
{
    static const uint16_t others[] = {STUN_MAPPED_ADDRESS,      STUN_ERROR_CODE, STUN_UNKNOWN_ATTRIBUTES,
                                      STUN_XOR_MAPPED_ADDRESS,  STUN_PRIORITY,   STUN_USE_CANDIDATE,
                                      TURN_XOR_RELAYED_ADDRESS, TURN_ATTR_DATA};

    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
        if (others[i] == type)
            return; /* understood, but not asked for here */
    if (type < 0x8000 && m->unknown_n < STUN_UNKNOWN_MAX)
        m->unknown[m->unknown_n++] = type;
}

/* Attributes of a fixed length; false when the type is none of them. */
static bool read_fixed(struct turn_msg *m, uint16_t type, stun_attr_ref attr, const uint8_t *val, size_t len)
{
    size_t want = 4;

    switch (type) {
    case TURN_LIFETIME:
        m->has_lifetime = true;
        if (len == 4)
            m->lifetime = (uint32_t)val[0] << 24 | (uint32_t)val[1] << 16 | (uint32_t)val[2] << 8 | val[3];
        break;
    case TURN_REQUESTED_TRANSPORT:
        m->has_transport = true;
        m->transport = len == 4 ? val[0] : 0;
        break;
    case TURN_CHANNEL_NUMBER:
        m->channel = stun_attr_get_channel_number(attr);
        break;
    case TURN_EVEN_PORT:
        want = 1;
        m->even_port = stun_attr_get_even_port(attr) ? 2 : 1;
        break;
    case TURN_RESERVATION_TOKEN:
        want = 8;
        m->has_token = true;
        m->token = stun_attr_get_reservation_token_value(attr);
        break;
    case TURN_DONT_FRAGMENT:
        want = 0;
        m->dont_fragment = true;
        break;
    default:
        return false;
    }
    m->bad |= len != want;
    return true;
}

static void read_algorithm(struct turn_msg *m, const uint8_t *val, size_t len)
{
    m->bad |= len < 4;
    if (len >= 4)
        m->algorithm = (uint16_t)(val[0] << 8 | val[1]);
}

static void read_attr(struct turn_msg *m, uint16_t type, stun_attr_ref attr)
{
    const uint8_t *val = (const uint8_t *)attr + ATTR_HEAD;
    size_t len = (size_t)stun_attr_get_len(attr);

    switch (type) {
    case STUN_USERNAME:
        read_bytes(&m->username, val, len);
        break;
    case TURN_USERHASH:
        read_bytes(&m->userhash, val, len);
        break;
    case STUN_REALM:
        read_bytes(&m->realm, val, len);
        break;
    case STUN_NONCE:
        read_bytes(&m->nonce, val, len);
        break;
    case TURN_PASSWORD_ALGORITHMS:
        read_bytes(&m->algorithms, val, len);
        break;
    case TURN_PASSWORD_ALGORITHM:
        read_algorithm(m, val, len);
        break;
    case TURN_REQUESTED_ADDRESS_FAMILY:
        read_family(m, &m->family, attr);
        break;
    case TURN_ADDITIONAL_ADDRESS_FAMILY_DRAFT:
        m->additional_draft = true;
        read_family(m, &m->additional, attr);
        break;
    case TURN_ADDITIONAL_ADDRESS_FAMILY:
        read_family(m, &m->additional, attr);
        break;
    case TURN_XOR_PEER_ADDRESS:
        read_peer(m, attr);
        break;
    default:
        if (!read_fixed(m, type, attr, val, len))
            read_unknown(m, type);
    }
}

/* It may be cut (RFC 8489 14.6). */
static bool sha256_length_ok(size_t len)
{
    return len >= SHA256_SHORTEST && len <= SHA256_LEN && len % 4 == 0;
}

/* Notes an integrity; of what stands behind MESSAGE-INTEGRITY only the other one counts (RFC 8489 14.5, 14.6). */
static bool read_integrity(struct turn_msg *m, uint16_t type, stun_attr_ref attr)
{
    size_t at = (size_t)((const uint8_t *)attr - m->mem);

    if (type == STUN_MESSAGE_INTEGRITY) {
        if (!m->mi && !m->mi256)
            m->mi = at;
    } else if (type == TURN_MESSAGE_INTEGRITY_SHA256) {
        if (!m->mi256)
            m->mi256 = at;
    } else {
        return m->mi || m->mi256;
    }
    return true;
}

int codec_read(struct turn_msg *m, const uint8_t *p, size_t n)
{
    struct stun_view v;

    if (stun_parse(&v, p, n) || (v.fp && !stun_fingerprint_ok(&v)))
        return EBADMSG;
    if (n > sizeof(m->mem))
        return EMSGSIZE;
    memset(m, 0, offsetof(struct turn_msg, mem));
    memcpy(m->mem, p, n);
    memcpy(m->tid, v.tid, STUN_TID_LEN);
    m->n = n;
    m->method = stun_get_method_str(m->mem, n);
    m->cls = v.cls;
    m->fingerprint = v.fp != 0;
    for (stun_attr_ref attr = stun_attr_get_first_str(m->mem, n); attr;
         attr = stun_attr_get_next_str(m->mem, n, attr)) {
        uint16_t type = (uint16_t)stun_attr_get_type(attr);

        if (type != STUN_FINGERPRINT && !read_integrity(m, type, attr))
            read_attr(m, type, attr);
    }
    return m->mi256 && !sha256_length_ok((size_t)stun_attr_get_len(m->mem + m->mi256)) ? EBADMSG : 0;
}

/* ---------------------------------------------------------------- integrity */

static void set_length(uint8_t *msg, size_t n)
{
    msg[2] = (uint8_t)((n - STUN_HDR_LEN) >> 8);
    msg[3] = (uint8_t)(n - STUN_HDR_LEN);
}

bool codec_verify(const struct turn_msg *m, const void *key, size_t klen)
{
    size_t at = m->mi256 ? m->mi256 : m->mi, len;
    uint8_t mac[SHA256_LEN], head[STUN_HDR_LEN], msg[CODEC_READ_MAX];

    if (!at)
        return false;
    len = (size_t)stun_attr_get_len(m->mem + at);
    /* the length field counts up to the integrity's end, whatever comes behind it */
    memcpy(head, m->mem, sizeof(head));
    set_length(head, at + ATTR_HEAD + len);
    memcpy(msg, head, sizeof(head));
    memcpy(msg + sizeof(head), m->mem + sizeof(head), at - sizeof(head));
    if (m->mi256)
        hash_hmac_sha256(mac, key, klen, msg, at);
    else
        hash_hmac_sha1(mac, key, klen, msg, at);
    return hash_equal(mac, m->mem + at + ATTR_HEAD, len);
}

/* ---------------------------------------------------------------- writing */

static stun_tid tid_of(const struct turn_msg *m)
{
    stun_tid id;

    memcpy(id.tsx_id, m->tid, sizeof(id.tsx_id));
    return id;
}

void codec_success(struct codec_answer *a, const struct turn_msg *m)
{
    stun_tid id = tid_of(m);

    a->overflow = false;
    stun_init_success_response_str(m->method, a->mem, &a->n, &id);
}

/* ERROR-CODE and ADDRESS-ERROR-CODE differ in their first byte. */
static void put_reason(struct codec_answer *a, uint16_t type, uint8_t first, unsigned code)
{
    const char *reason = (const char *)get_default_reason((int)code);
    size_t n = strlen(reason);
    uint8_t val[64] = {first, 0, (uint8_t)(code / 100), (uint8_t)(code % 100)};

    if (n > sizeof(val) - 4)
        n = sizeof(val) - 4;
    memcpy(val + 4, reason, n);
    codec_put(a, type, val, 4 + n);
}

void codec_error(struct codec_answer *a, const struct turn_msg *m, unsigned code)
{
    stun_tid id = tid_of(m);

    a->overflow = false;
    stun_init_command_str(stun_make_error_response(m->method), a->mem, &a->n);
    stun_tid_message_cpy(a->mem, &id);
    put_reason(a, STUN_ERROR_CODE, 0, code);
}

void codec_put(struct codec_answer *a, uint16_t type, const void *val, size_t n)
{
    if (a->overflow || n > sizeof(a->mem) || a->n + ATTR_HEAD + ((n + 3) & ~(size_t)3) > sizeof(a->mem) ||
        stun_attr_add_str(a->mem, &a->n, type, val, (int)n) < 0)
        a->overflow = true;
}

void codec_put_u32(struct codec_answer *a, uint16_t type, uint32_t val)
{
    const uint8_t be[] = {(uint8_t)(val >> 24), (uint8_t)(val >> 16), (uint8_t)(val >> 8), (uint8_t)val};

    codec_put(a, type, be, sizeof(be));
}

void codec_put_addr(struct codec_answer *a, uint16_t type, const struct addr *addr)
{
    ioa_addr ioa;

    _Static_assert(sizeof(ioa) == sizeof(*addr), "both are a union of the same sockaddrs");
    memcpy(&ioa, addr, sizeof(ioa));
    if (a->overflow || a->n + ATTR_HEAD + 20 > sizeof(a->mem) ||
        stun_attr_add_addr_str(a->mem, &a->n, type, &ioa) < 0)
        a->overflow = true;
}

void codec_put_family_error(struct codec_answer *a, uint16_t type, enum turn_family family, unsigned code)
{
    put_reason(a, type, (uint8_t)family, code);
}

static void put_integrity(struct codec_answer *a, bool sha256, const void *key, size_t klen)
{
    static const uint8_t none[SHA256_LEN];
    size_t at = a->n;

    codec_put(a, sha256 ? TURN_MESSAGE_INTEGRITY_SHA256 : STUN_MESSAGE_INTEGRITY, none,
              sha256 ? SHA256_LEN : SHA1_LEN);
    if (a->overflow)
        return;
    if (sha256)
        hash_hmac_sha256(a->mem + at + ATTR_HEAD, key, klen, a->mem, at);
    else
        hash_hmac_sha1(a->mem + at + ATTR_HEAD, key, klen, a->mem, at);
}

bool codec_finish(struct codec_answer *a, const struct turn_msg *m, const void *key, size_t klen)
{
    codec_put(a, STUN_SOFTWARE, software, sizeof(software) - 1);
    if (klen)
        put_integrity(a, m->mi256 != 0, key, klen);
    if (m->fingerprint) {
        if (a->n + ATTR_HEAD + 4 > sizeof(a->mem))
            a->overflow = true;
        else if (!a->overflow)
            stun_attr_add_fingerprint_str(a->mem, &a->n);
    }
    return !a->overflow;
}

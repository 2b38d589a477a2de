/*
 * stun/stun: the STUN message codec (RFC 8489) with the attributes of ICE (RFC 8445), shared by the ICE agent
 * and TURN.
 *
 * Reading is by views into the caller's datagram, writing goes into the caller's memory: nothing is
 * allocated. No state, any thread. Everything read has been checked against the datagram's bounds by
 * stun_parse().
 */
#ifndef STUN_STUN_H
#define STUN_STUN_H

#include "core/addr.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    STUN_HDR_LEN = 20,
    STUN_TID_LEN = 12,
    STUN_MAGIC = 0x2112a442,
    STUN_MSG_MAX = 1500,
    STUN_UNKNOWN_MAX = 8
};

enum stun_class { STUN_REQUEST = 0, STUN_INDICATION = 1, STUN_SUCCESS = 2, STUN_ERROR = 3 };
enum stun_method { STUN_BINDING = 0x001 };

enum stun_attr_type {
    STUN_MAPPED_ADDRESS = 0x0001,
    STUN_USERNAME = 0x0006,
    STUN_MESSAGE_INTEGRITY = 0x0008,
    STUN_ERROR_CODE = 0x0009,
    STUN_UNKNOWN_ATTRIBUTES = 0x000a,
    STUN_REALM = 0x0014,
    STUN_NONCE = 0x0015,
    STUN_XOR_MAPPED_ADDRESS = 0x0020,
    STUN_PRIORITY = 0x0024,
    STUN_USE_CANDIDATE = 0x0025,
    STUN_SOFTWARE = 0x8022,
    STUN_FINGERPRINT = 0x8028,
    STUN_ICE_CONTROLLED = 0x8029,
    STUN_ICE_CONTROLLING = 0x802a,
};

struct stun_view {
    const uint8_t *p; /* the datagram */
    size_t n;
    uint16_t method;
    enum stun_class cls;
    const uint8_t *tid; /* STUN_TID_LEN bytes */
    size_t mi, fp;      /* where MESSAGE-INTEGRITY and FINGERPRINT begin; 0 = absent */
};

/* EBADMSG when it is no well-formed message. Attributes behind MESSAGE-INTEGRITY other than FINGERPRINT are
 * invisible. */
int stun_parse(struct stun_view *v, const uint8_t *p, size_t n);
/* The first attribute of a type; NULL when absent (an empty attribute is not NULL). */
const uint8_t *stun_get(const struct stun_view *v, uint16_t type, size_t *len);
bool stun_get_u32(const struct stun_view *v, uint16_t type, uint32_t *val);
bool stun_get_u64(const struct stun_view *v, uint16_t type, uint64_t *val);
/* An XOR-…-ADDRESS. */
bool stun_get_xaddr(const struct stun_view *v, uint16_t type, struct addr *a);
/* ERROR-CODE as 300..699; 0 when absent or malformed. */
unsigned stun_get_error(const struct stun_view *v);
/* Comprehension-required attributes (below 0x8000) that are not of enum stun_attr_type. Returns how many were
 * stored. */
size_t stun_unknown(const struct stun_view *v, uint16_t types[STUN_UNKNOWN_MAX]);
/* Whether MESSAGE-INTEGRITY is there and right for the key. Constant time. */
bool stun_auth(const struct stun_view *v, const void *key, size_t klen);
bool stun_fingerprint_ok(const struct stun_view *v);

/* Writing: begin, put attributes, end. A message that outgrows its memory is noticed by stun_end(). */
struct stun_writer {
    uint8_t *p;
    size_t sz, n;
    int err;
};
void stun_begin(struct stun_writer *w, void *mem, size_t sz, uint16_t method, enum stun_class cls,
                const uint8_t tid[STUN_TID_LEN]);
void stun_put(struct stun_writer *w, uint16_t type, const void *val, size_t n);
void stun_put_u32(struct stun_writer *w, uint16_t type, uint32_t val);
void stun_put_u64(struct stun_writer *w, uint16_t type, uint64_t val);
void stun_put_xaddr(struct stun_writer *w, uint16_t type, const struct addr *a);
void stun_put_error(struct stun_writer *w, unsigned code, const char *reason);
void stun_put_integrity(struct stun_writer *w, const void *key, size_t klen);
void stun_put_fingerprint(struct stun_writer *w);
/* Length of the message, or EOVERFLOW. */
int stun_end(const struct stun_writer *w, size_t *len);

#endif

/*
 * turn/codec: STUN and TURN requests read, and answers written, by coturn's message codec (RFC 8489, RFC 8656) behind our names. What it
 * does not know it gets from here: MESSAGE-INTEGRITY-SHA256, the attributes of RFC 8489, today's numbers of RFC 8656's.
 *
 * A request is first checked by stun_parse() and copied: coturn's getters want whole, aligned messages. Values only, any thread.
 */
#ifndef TURN_CODEC_H
#define TURN_CODEC_H

#include "core/addr.h"
#include "stun/stun.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum turn_method {
    TURN_ALLOCATE = 0x003,
    TURN_REFRESH = 0x004,
    TURN_SEND = 0x006,
    TURN_DATA = 0x007,
    TURN_CREATE_PERMISSION = 0x008,
    TURN_CHANNEL_BIND = 0x009
};

enum turn_attr {
    TURN_CHANNEL_NUMBER = 0x000c,
    TURN_LIFETIME = 0x000d,
    TURN_XOR_PEER_ADDRESS = 0x0012,
    TURN_ATTR_DATA = 0x0013,
    TURN_XOR_RELAYED_ADDRESS = 0x0016,
    TURN_REQUESTED_ADDRESS_FAMILY = 0x0017,
    TURN_EVEN_PORT = 0x0018,
    TURN_REQUESTED_TRANSPORT = 0x0019,
    TURN_DONT_FRAGMENT = 0x001a,
    TURN_MESSAGE_INTEGRITY_SHA256 = 0x001c,
    TURN_PASSWORD_ALGORITHM = 0x001d,
    TURN_USERHASH = 0x001e,
    TURN_RESERVATION_TOKEN = 0x0022,
    TURN_ADDITIONAL_ADDRESS_FAMILY = 0x8000,
    TURN_ADDRESS_ERROR_CODE = 0x8001,
    TURN_PASSWORD_ALGORITHMS = 0x8002,
    TURN_ADDITIONAL_ADDRESS_FAMILY_DRAFT = 0x8032, /* what coturn's clients still send */
    TURN_ADDRESS_ERROR_CODE_DRAFT = 0x8033
};

enum turn_family { TURN_FAMILY_NONE = 0, TURN_FAMILY_IP4 = 1, TURN_FAMILY_IP6 = 2, TURN_FAMILY_OTHER = 255 };

enum {
    CODEC_READ_MAX = 2048, /* no request needs more; relayed data does not pass here */
    CODEC_PEERS_MAX = 32,  /* XOR-PEER-ADDRESSes of one request */
    CODEC_WRITE_MAX = 1024
};

struct codec_bytes {
    const uint8_t *p; /* NULL: the attribute is absent */
    size_t n;
};

struct turn_msg {
    uint16_t method;
    enum stun_class cls;
    bool bad;         /* an attribute has a length or value that it cannot have: 400 */
    bool fingerprint; /* it had one (a wrong one is not read at all) */
    uint8_t tid[STUN_TID_LEN];
    size_t n, mi, mi256; /* its length, and where the integrities begin, 0 = absent */
    struct codec_bytes username, userhash, realm, nonce, algorithms;
    uint16_t algorithm; /* PASSWORD-ALGORITHM; 0 = absent */
    bool has_lifetime, has_transport, has_token, dont_fragment;
    uint32_t lifetime;
    uint8_t transport;
    uint8_t even_port; /* 0 = absent, 1 = an even port, 2 = and the next one kept */
    enum turn_family family, additional;
    bool additional_draft; /* ADDITIONAL-ADDRESS-FAMILY by its draft's number */
    uint16_t channel;      /* 0 = absent */
    uint64_t token;
    struct addr peers[CODEC_PEERS_MAX];
    size_t peer_n; /* may count more than were kept */
    uint16_t unknown[STUN_UNKNOWN_MAX];
    size_t unknown_n;
    _Alignas(8) uint8_t mem[CODEC_READ_MAX];
};

/* EBADMSG: no well-formed STUN message, or its FINGERPRINT is wrong; EMSGSIZE. Attributes behind an integrity are not seen (RFC 8489 14.5). */
int codec_read(struct turn_msg *m, const uint8_t *p, size_t n);
/* Whether the strongest integrity that the message has is right for the key. Constant time. */
bool codec_verify(const struct turn_msg *m, const void *key, size_t klen);

struct codec_answer {
    size_t n;
    bool overflow;
    _Alignas(8) uint8_t mem[CODEC_WRITE_MAX];
};

void codec_success(struct codec_answer *a, const struct turn_msg *m);
/* With ERROR-CODE and its reason. */
void codec_error(struct codec_answer *a, const struct turn_msg *m, unsigned code);
void codec_put(struct codec_answer *a, uint16_t type, const void *val, size_t n);
void codec_put_u32(struct codec_answer *a, uint16_t type, uint32_t val);
/* MAPPED-ADDRESS or an XOR-…-ADDRESS. */
void codec_put_addr(struct codec_answer *a, uint16_t type, const struct addr *addr);
/* ADDRESS-ERROR-CODE (RFC 8656 18.12) by today's number or the draft's. */
void codec_put_family_error(struct codec_answer *a, uint16_t type, enum turn_family family, unsigned code);
/* SOFTWARE, the integrity that the request has (klen 0: none), and FINGERPRINT when the request has it. False: it outgrew its memory. */
bool codec_finish(struct codec_answer *a, const struct turn_msg *m, const void *key, size_t klen);

#endif

/*
 * turn/ns_turn_openssl: what coturn's message codec takes from a cryptographic library, under the name by which its source asks for it (its
 * ns_turn_msg.h lists them: "to be implemented with openssl"). Its random ids come from the kernel, its HMACs from crypto/hash; it makes no keys:
 * those are turn/auth's. Included by coturn's ns_turn_msg.c only.
 */
#ifndef TURN_NS_TURN_OPENSSL_H
#define TURN_NS_TURN_OPENSSL_H

#include "core/rnd.h"
#include "crypto/hash.h"

static void turn_random_tid_size(void *id)
{
    rnd_bytes(id, STUN_TID_SIZE);
}

long turn_random(void)
{
    return (long)rnd_u64();
}

int stun_calculate_hmac(const uint8_t *buf, size_t len, const uint8_t *key, size_t klen, uint8_t *hmac,
                        unsigned int *hmac_len, SHATYPE type)
{
    if (type == SHATYPE_SHA1)
        hash_hmac_sha1(hmac, key, klen, buf, len);
    else if (type == SHATYPE_SHA256)
        hash_hmac_sha256(hmac, key, klen, buf, len);
    else
        return -1;
    *hmac_len = type == SHATYPE_SHA1 ? SHA1_LEN : SHA256_LEN;
    return 0;
}

int stun_produce_integrity_key_str(const uint8_t *name, const uint8_t *realm, const uint8_t *password,
                                   hmackey_t key, SHATYPE type)
{
    (void)name, (void)realm, (void)password, (void)key, (void)type;
    return -1;
}

#endif

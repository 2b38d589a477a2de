/* stun/stun_wire: big-endian fields and the CRC of STUN; private to stun/. Any thread. */
#ifndef STUN_STUN_WIRE_H
#define STUN_STUN_WIRE_H

#include <stddef.h>
#include <stdint.h>

#define STUN_FINGERPRINT_XOR 0x5354554eu

static inline uint16_t wire_get16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t wire_get32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline void wire_set16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static inline void wire_set32(uint8_t *p, uint32_t v)
{
    wire_set16(p, (uint16_t)(v >> 16));
    wire_set16(p + 2, (uint16_t)v);
}

static inline void wire_xor(void *dst, const uint8_t *mask, size_t n)
{
    uint8_t *d = dst;

    for (size_t i = 0; i < n; i++)
        d[i] ^= mask[i];
}

/* CRC-32 of ITU V.42, bit by bit over a nibble table: messages are short and few. */
static inline uint32_t wire_crc32(const uint8_t *p, size_t n)
{
    static const uint32_t nibble[16] = {
        0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
        0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c};
    uint32_t crc = 0xffffffff;

    for (size_t i = 0; i < n; i++) {
        crc ^= p[i];
        crc = (crc >> 4) ^ nibble[crc & 15];
        crc = (crc >> 4) ^ nibble[crc & 15];
    }
    return ~crc;
}

#endif

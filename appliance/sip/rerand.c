/*
 * libre's random numbers, replaced at link time: its own are rand(3) when built without OpenSSL, and branches, tags and Call-IDs that
 * can be guessed let a stranger on UDP speak within a dialog. Any thread.
 */
#include "core/rnd.h"

#include <re.h>

void rand_init(void)
{
}

uint16_t rand_u16(void)
{
    return (uint16_t)rnd_u32();
}

uint32_t rand_u32(void)
{
    return rnd_u32();
}

uint64_t rand_u64(void)
{
    return rnd_u64();
}

char rand_char(void)
{
    char s[2];

    rnd_str(s, sizeof(s), 1);
    return s[0];
}

void rand_str(char *str, size_t size)
{
    if (str && size)
        rnd_str(str, size, size - 1);
}

void rand_bytes(uint8_t *p, size_t size)
{
    rnd_bytes(p, size);
}

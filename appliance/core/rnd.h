/* core/rnd: cryptographic randomness from getrandom(2); aborts when the kernel has none, and says so. Any thread. */
#ifndef CORE_RND_H
#define CORE_RND_H

#include <stddef.h>
#include <stdint.h>

void rnd_bytes(void *buf, size_t len);
uint32_t rnd_u32(void);
uint64_t rnd_u64(void);
/* len characters of [A-Za-z0-9] and a terminating 0; sz must be at least len + 1. */
void rnd_str(char *buf, size_t sz, size_t len);
/* The same of the characters in set, at most 256. */
void rnd_str_of(char *buf, size_t sz, size_t len, const char *set);

#endif

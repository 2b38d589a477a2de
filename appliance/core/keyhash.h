/*
 * core/keyhash: SipHash-2-4 (Aumasson and Bernstein, 2012) under a key made at start, for hash tables whose keys
 * outsiders choose: nobody can aim many keys at one bucket. Not for signatures: that is crypto/hash. Any thread.
 */
#ifndef CORE_KEYHASH_H
#define CORE_KEYHASH_H

#include <stddef.h>
#include <stdint.h>

uint64_t keyhash(const void *p, size_t n);

#endif

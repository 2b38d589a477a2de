/* crypto/token: secrets that we make and keep only as a hash: sessions, keys, one-time links. Any thread. */
#ifndef CRYPTO_TOKEN_H
#define CRYPTO_TOKEN_H

#include "crypto/hash.h"

enum { TOKEN_BYTES_MAX = 32, TOKEN_MAX = 44 }; /* 256 bits in base64url, with its 0 */

/* So many random bytes (at most TOKEN_BYTES_MAX, a multiple of 8) in base64url without padding; sz at least 4*((bytes+2)/3)+1. */
void token_make(char *out, size_t sz, size_t bytes);
/* What is kept of it. With this much chance in it a plain hash is enough (it needs no salt, and no slow one). */
void token_hash(char out[SHA256_HEXLEN], const char *token);

#endif

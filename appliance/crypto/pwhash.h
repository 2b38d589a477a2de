/* crypto/pwhash: admin passwords as argon2id strings (RFC 9106: t=3, m=19 MiB, p=1). Blocks for ~30 ms; any thread. */
#ifndef CRYPTO_PWHASH_H
#define CRYPTO_PWHASH_H

#include <stdbool.h>
#include <stddef.h>

enum { PWHASH_STRLEN = 128 };
/* EINVAL: empty or longer than 1024 bytes. ENOMEM. */
int pwhash_make(char out[PWHASH_STRLEN], const char *password);
/* With encoded NULL (no such user) it does the same work and says no. */
bool pwhash_verify(const char *encoded, const char *password);

#endif

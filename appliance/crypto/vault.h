/*
 * crypto/vault: a file encrypted with a passphrase. Any thread; blocks (a tenth of a second for the key, then as fast as the disk).
 *
 *   head, 64 bytes   "dngate backup\n" · u8 format (1) · u8 KDF (1: argon2id, RFC 9106) · u32 passes · u32 KiB · u32 lanes · salt[16] · check[16] · u32 chunk
 *   chunk …          AES-256-GCM of at most `chunk` bytes, the tag behind it; nonce = u32 0 · u32 number · u32 1 in the last one, else 0; the head
 *                    is authenticated with each. The last one may be empty.
 *
 * Numbers are big-endian. From passphrase and salt come 64 bytes: the key of the chunks, which serves this one file, and what `check` is made of,
 * which tells a wrong passphrase from a damaged file. A file that was cut short lacks its last chunk.
 */
#ifndef CRYPTO_VAULT_H
#define CRYPTO_VAULT_H

#include <stdbool.h>
#include <stddef.h>

enum { VAULT_HEAD_LEN = 64, VAULT_PASSPHRASE_MIN = 8, VAULT_PASSPHRASE_MAX = 1024 };

/* Is this how such a file begins? */
bool vault_is(const void *head, size_t n);
/* All of one descriptor into the other, from where they stand. EINVAL: passphrase too short or too long; errno of the files, ENOMEM. */
int vault_seal(int from, int to, const char *passphrase);
/* EKEYREJECTED: not the passphrase; EBADMSG: damaged or cut short, when something may have been written already; ENOTSUP: of a newer format. */
int vault_open(int from, int to, const char *passphrase);

#endif

#include "crypto/token.h"
#include "core/rnd.h"

#include <string.h>

void token_make(char *out, size_t sz, size_t bytes)
{
    uint8_t random[TOKEN_BYTES_MAX];
    char text[TOKEN_MAX + 4];

    if (bytes > sizeof(random))
        bytes = sizeof(random);
    rnd_bytes(random, bytes);
    (void)base64_enc(text, sizeof(text), random, bytes); /* it fits */
    for (char *p = text; *p; p++)
        *p = *p == '+' ? '-' : *p == '/' ? '_' : *p;
    text[strcspn(text, "=")] = '\0';
    out[0] = '\0';
    if (strlen(text) < sz)
        memcpy(out, text, strlen(text) + 1);
    explicit_bzero(random, sizeof(random));
    explicit_bzero(text, sizeof(text));
}

void token_hash(char out[SHA256_HEXLEN], const char *token)
{
    uint8_t sum[SHA256_LEN];

    hash_sha256(sum, token, strlen(token));
    hash_hex(out, sum, sizeof(sum));
}

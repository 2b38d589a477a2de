#include "crypto/pwhash.h"
#include "core/rnd.h"

#include <argon2.h>
#include <errno.h>
#include <string.h>

enum { PASSES = 3, MEMORY_KIB = 19 * 1024, LANES = 1, SALT_LEN = 16, HASH_LEN = 32, PASSWORD_MAX = 1024 };

int pwhash_make(char out[PWHASH_STRLEN], const char *password)
{
    unsigned char salt[SALT_LEN];
    size_t n = password ? strlen(password) : 0;

    if (!n || n > PASSWORD_MAX)
        return EINVAL;
    rnd_bytes(salt, sizeof(salt));
    switch (argon2id_hash_encoded(PASSES, MEMORY_KIB, LANES, password, n, salt, sizeof(salt), HASH_LEN, out,
                                  PWHASH_STRLEN)) {
    case ARGON2_OK:
        return 0;
    case ARGON2_MEMORY_ALLOCATION_ERROR:
        return ENOMEM;
    default:
        return EINVAL;
    }
}

bool pwhash_verify(const char *encoded, const char *password)
{
    size_t n = password ? strlen(password) : 0;

    if (!n || n > PASSWORD_MAX)
        return false;
    if (!encoded) {
        unsigned char salt[SALT_LEN] = {0}, hash[HASH_LEN];

        /* So that the time of the answer does not tell which names exist. */
        argon2id_hash_raw(PASSES, MEMORY_KIB, LANES, password, n, salt, sizeof(salt), hash, sizeof(hash));
        return false;
    }
    return argon2id_verify(encoded, password, n) == ARGON2_OK;
}

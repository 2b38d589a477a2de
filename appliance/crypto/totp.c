#include "crypto/totp.h"
#include "core/rnd.h"
#include "crypto/hash.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { KEY_LEN = 20, WINDOW = 1, DIGITS_BASE = 1000000 };

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"; /* RFC 4648 6 */

/* 5 bytes are 8 characters, so that nothing is left over. */
void totp_make(char out[TOTP_TEXT_MAX])
{
    uint8_t key[KEY_LEN];

    rnd_bytes(key, sizeof(key));
    for (size_t bit = 0, i = 0; i < TOTP_TEXT_MAX - 1; bit += 5, i++) {
        const unsigned pair = (unsigned)key[bit / 8] << 8 | (bit / 8 + 1 < KEY_LEN ? key[bit / 8 + 1] : 0);

        out[i] = alphabet[pair >> (11 - bit % 8) & 31];
    }
    out[TOTP_TEXT_MAX - 1] = '\0';
    explicit_bzero(key, sizeof(key));
}

static int key_decode(uint8_t key[KEY_LEN], const char *secret)
{
    if (strlen(secret) != TOTP_TEXT_MAX - 1)
        return EBADMSG;
    memset(key, 0, KEY_LEN);
    for (size_t i = 0, bit = 0; secret[i]; i++, bit += 5) {
        const char *p = strchr(alphabet, secret[i]);
        const unsigned shift = (unsigned)(11 - bit % 8);

        if (!p)
            return EBADMSG;
        key[bit / 8] |= (uint8_t)((unsigned)(p - alphabet) << shift >> 8);
        if (bit / 8 + 1 < KEY_LEN)
            key[bit / 8 + 1] |= (uint8_t)((unsigned)(p - alphabet) << shift);
    }
    return 0;
}

/* RFC 4226 5.3 */
int totp_code(char out[TOTP_CODE_MAX], const char *secret, int64_t step)
{
    uint8_t key[KEY_LEN], counter[8], mac[SHA1_LEN];
    uint32_t n;
    unsigned at;

    if (key_decode(key, secret))
        return EBADMSG;
    for (unsigned i = 0; i < 8; i++)
        counter[i] = (uint8_t)((uint64_t)step >> (56 - 8 * i));
    hash_hmac_sha1(mac, key, sizeof(key), counter, sizeof(counter));
    at = mac[SHA1_LEN - 1] & 15;
    n = (uint32_t)(mac[at] & 0x7f) << 24 | (uint32_t)mac[at + 1] << 16 | (uint32_t)mac[at + 2] << 8 |
        mac[at + 3];
    snprintf(out, TOTP_CODE_MAX, "%06u", n % DIGITS_BASE);
    explicit_bzero(key, sizeof(key));
    return 0;
}

int totp_check(const char *secret, const char *code, int64_t now_ms, int64_t last, int64_t *step)
{
    const int64_t now = now_ms / TOTP_STEP_MS;
    char right[TOTP_CODE_MAX];
    int err = EACCES;

    if (strlen(code) != TOTP_CODE_MAX - 1)
        return EACCES;
    for (int64_t s = now - WINDOW; s <= now + WINDOW; s++) {
        if (totp_code(right, secret, s) || !hash_equal(right, code, TOTP_CODE_MAX - 1))
            continue;
        if (s > last) {
            *step = s;
            return 0;
        }
        err = EALREADY;
    }
    return err;
}

/* crypto/totp: codes of a second factor (RFC 6238: SHA-1, 6 digits, 30 s, as every authenticator app takes them). Any thread. */
#ifndef CRYPTO_TOTP_H
#define CRYPTO_TOTP_H

#include <stdint.h>

enum { TOTP_TEXT_MAX = 33, TOTP_CODE_MAX = 7, TOTP_STEP_MS = 30000 };

/* A new secret of 160 bits, in base32. */
void totp_make(char out[TOTP_TEXT_MAX]);
/* The code of a time step. EBADMSG: the secret is not base32 of 160 bits. */
int totp_code(char out[TOTP_CODE_MAX], const char *secret, int64_t step);
/* Is it the code of now, or of the step before or after (for clocks that differ), and later than last? Then *step is which. EACCES; EALREADY:
 * right, but not later than last. */
int totp_check(const char *secret, const char *code, int64_t now_ms, int64_t last, int64_t *step);

#endif

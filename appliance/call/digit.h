/*
 * call/digit: one digit in the body of an INFO: application/dtmf-relay (Signal= and Duration= lines) and application/dtmf (the digit
 * alone), as Cisco, Asterisk, Genesys and JsSIP write them. Reads outside text; no state, no thread.
 */
#ifndef CALL_DIGIT_H
#define CALL_DIGIT_H

#include <re.h>

enum { DIGIT_BODY_MAX = 256, DIGIT_MS_MIN = 40, DIGIT_MS_MAX = 6000, DIGIT_MS_USUAL = 160 };

#define DIGIT_FLASH '!' /* hook flash: event 16 of RFC 2833 */

struct digit {
    char key; /* 0-9 * # A-D, DIGIT_FLASH */
    unsigned ms;
};

/*
 * Signal is the key, in upper or lower case, or its event code: 10 = *, 11 = #, 12-15 = A-D, 16 = flash (also ! and JsSIP's R).
 * Without Duration, or with one of no sense, the key is held for 160 ms. EMEDIUMTYPE: a body of another type, or encoded; EBADMSG:
 * no digit in it.
 */
int digit_read(struct digit *d, const struct sip_msg *msg);
/* The key that a character stands for, letters in upper case; 0: none. */
char digit_key(char c);
/* As application/dtmf-relay. */
#define DIGIT_CTYPE "application/dtmf-relay"
const char *digit_write(char buf[DIGIT_BODY_MAX], const struct digit *d);

#endif

/* core/utf8: telling valid UTF-8 (RFC 3629) from other bytes, for everything that writes JSON or a log. Any thread. */
#ifndef CORE_UTF8_H
#define CORE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* The length (1..4) of the valid sequence that s, n bytes long, begins with; 0 when there is none. */
size_t utf8_seq(const char *s, size_t n);
/* Is all of it valid? */
bool utf8_valid(const void *p, size_t n);
/* Of the character that s, n bytes long, begins with: its bytes when it may be shown, else 0 (no control characters, those of writing
 * direction included); *step: how far the next one is. */
size_t utf8_shown(const char *s, size_t n, size_t *step);
/* Copies what may be shown, with single blanks between words; cut between two characters. */
void utf8_text(char *dst, size_t sz, const char *src);

#endif

/* core/utf8: telling valid UTF-8 (RFC 3629) from other bytes, for everything that writes JSON or a log. Any thread. */
#ifndef CORE_UTF8_H
#define CORE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* The length (1..4) of the valid sequence that s, n bytes long, begins with; 0 when there is none. */
size_t utf8_seq(const char *s, size_t n);
/* Is all of it valid? */
bool utf8_valid(const void *p, size_t n);

#endif

/* store/check: what any text must be before it is stored, so that lists, logs and SIP headers made of it stay whole. */
#ifndef STORE_CHECK_H
#define STORE_CHECK_H

#include <stdbool.h>
#include <stddef.h>

/* Valid UTF-8 without control characters, shorter than sz (so that it fits in char[sz]). */
bool check_text(const char *s, size_t sz);
/* 1.. characters of [A-Za-z0-9] and those in more, shorter than sz. */
bool check_word(const char *s, const char *more, size_t sz);
/* check_text and at least min characters; why says what a person should change. EINVAL. */
int check_password(const char *s, size_t min, char *why, size_t whysz);

#endif

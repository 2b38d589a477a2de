/* conf/value: texts into values. Private to conf/. Pure functions. */
#ifndef CONF_VALUE_H
#define CONF_VALUE_H

#include "conf/conf.h"

/* yes/no/true/false/on/off/1/0 in any case; EINVAL. */
int value_bool(bool *b, const char *s);
/* Decimal, with an optional minus; EINVAL. */
int value_int(int64_t *n, const char *s);
/* An IP address or a DNS name; EINVAL. */
int value_host(const char *s);
/* The plain form of a valid value into out (CONF_VALUE_MAX bytes). */
void value_plain(char *out, size_t sz, const struct conf_def *def, const char *value);

#endif

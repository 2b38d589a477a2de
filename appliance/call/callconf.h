/* call/callconf: settings that take effect in running calls. (A file without libre, which has a conf_alloc() of its own.) */
#ifndef CALL_CALLCONF_H
#define CALL_CALLCONF_H

#include <stddef.h>

struct conf;

enum { CALLCONF_MAX = 2048 };

/* sip.agent_headers as it is now, copied into buf, which is returned. */
const char *callconf_agent_headers(const struct conf *c, char buf[CALLCONF_MAX]);

#endif

/* tests/addrs: addresses as a test writes them: "1.2.3.4:5060", "[::1]:5060"; EINVAL for anything else. */
#ifndef TESTS_ADDRS_H
#define TESTS_ADDRS_H

#include "core/addr.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int parse_port(uint16_t *port, const char *s)
{
    unsigned v = 0;

    if (!*s || strlen(s) > 5)
        return EINVAL;
    for (; *s; s++) {
        if (*s < '0' || *s > '9')
            return EINVAL;
        v = v * 10 + (unsigned)(*s - '0');
    }
    if (v > UINT16_MAX)
        return EINVAL;
    *port = (uint16_t)v;
    return 0;
}

__attribute__((unused)) static int addr_parse(struct addr *a, const char *str)
{
    char host[ADDR_STRLEN];
    const char *colon;
    uint16_t port;
    size_t n;

    colon = strrchr(str, ':');
    if (!colon || parse_port(&port, colon + 1))
        return EINVAL;
    n = (size_t)(colon - str);
    if (!n || n >= sizeof(host))
        return EINVAL;
    memcpy(host, str, n);
    host[n] = '\0';
    if (strchr(host, ':') && host[0] != '[')
        return EINVAL; /* "::1:5060" could be read in two ways */
    return addr_parse_ip(a, host, port);
}

#endif

#include "web/origin.h"
#include "web/http.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct hostport {
    const char *name;
    size_t len;
    uint16_t port;
};

/* "name[:port]"; the port of https when there is none. */
static bool hostport_decode(struct hostport *hp, const char *s)
{
    unsigned long port = 443;

    if (!http_host_valid(s))
        return false;
    hp->name = s;
    hp->len = http_host_namelen(s);
    if (s[hp->len])
        port = strtoul(s + hp->len + 1, NULL, 10);
    if (!port || port > UINT16_MAX)
        return false;
    hp->port = (uint16_t)port;
    return true;
}

static bool same_name(const struct hostport *a, const struct hostport *b)
{
    return a->len == b->len && !strncasecmp(a->name, b->name, a->len);
}

static bool own_host(const struct hostport *origin, const char *host, const uint16_t *ports,
                     size_t port_count)
{
    struct hostport own;

    if (!hostport_decode(&own, host) || !same_name(origin, &own))
        return false;
    for (size_t i = 0; i < port_count; i++)
        if (ports[i] == origin->port)
            return true;
    return origin->port == own.port;
}

static bool listed(const struct hostport *origin, const char *list)
{
    while (*list) {
        size_t n;
        char entry[280];
        struct hostport hp;

        list += strspn(list, " ,\t");
        if (!strncasecmp(list, "https://", 8))
            list += 8;
        n = strcspn(list, " ,\t");
        if (n && n < sizeof(entry)) {
            memcpy(entry, list, n);
            entry[n - (entry[n - 1] == '/')] = '\0';
            if (hostport_decode(&hp, entry) && hp.port == origin->port && same_name(origin, &hp))
                return true;
        }
        list += n;
    }
    return false;
}

bool origin_allowed(const char *origin, bool required, const char *host, const uint16_t *ports,
                    size_t port_count, const char *list)
{
    struct hostport hp;

    if (!*origin)
        return !required;
    if (strncasecmp(origin, "https://", 8) || !hostport_decode(&hp, origin + 8))
        return false;
    return own_host(&hp, host, ports, port_count) || listed(&hp, list);
}

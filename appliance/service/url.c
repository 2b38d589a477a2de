#include "service/url.h"
#include "conf/conf.h"
#include "core/addr.h"
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { HOST_MAX = 256, HTTPS_PORT = 443 };

/* How well an item does for somebody who may be anywhere: a name, then an address of the Internet, then one of a LAN. */
static unsigned item_worth(const char *item)
{
    struct addr a;

    if (!strncasecmp(item, "stun:", 5) || strlen(item) >= HOST_MAX - 2)
        return 0; /* not one, but a server to ask for one */
    if (addr_parse_ip(&a, item, 0))
        return 3;
    return addr_is_private(&a) ? 1 : 2;
}

/* The first of the best items of the setting; *host is "" when there is none. */
static void best_item(const struct service *sv, const char *key, char host[HOST_MAX])
{
    char text[CONF_VALUE_MAX], *save = NULL;
    unsigned most = 0;

    *host = '\0';
    conf_str(sv->conf, key, text, sizeof(text));
    for (char *p = strtok_r(text, ", ", &save); p; p = strtok_r(NULL, ", ", &save))
        if (item_worth(p) > most) {
            most = item_worth(p);
            snprintf(host, HOST_MAX, "%s", p);
        }
}

/* Where browsers are sent, as a URL writes it: public.address, else the one address that we listen on, else the machine's first. */
static void host_find(const struct service *sv, char host[HOST_MAX])
{
    char ip[ADDR_STRLEN];
    struct addr a;

    best_item(sv, "public.address", host);
    if (*host && addr_parse_ip(&a, host, 0))
        return; /* a name */
    if (!*host)
        best_item(sv, "bind.address", host);
    if (!*host || addr_parse_ip(&a, host, 0) || addr_is_any(&a)) {
        snprintf(host, HOST_MAX, "localhost");
        if (!addr_interfaces(&a, 1))
            return;
    }
    addr_ip(&a, ip, sizeof(ip));
    snprintf(host, HOST_MAX, strchr(ip, ':') ? "[%s]" : "%s", ip);
}

void service_url(const struct service *sv, char url[SERVICE_URL_MAX], const char *path)
{
    const unsigned port = sv->https_port ? sv->https_port : (unsigned)conf_int(sv->conf, "https.port");
    char host[HOST_MAX], colon[8] = "";

    host_find(sv, host);
    if (port != HTTPS_PORT)
        snprintf(colon, sizeof(colon), ":%u", port);
    snprintf(url, SERVICE_URL_MAX, "https://%s%s%s", host, colon, path);
}

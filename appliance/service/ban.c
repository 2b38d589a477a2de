#include "service/ban.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int no_guard(struct service *sv)
{
    return sv->guard ? 0
                     : service_fail(sv, ENOTCONN, "no server runs here: bans are only there while one does");
}

int service_ban_each(struct service *sv, guard_ban_h *h, void *arg)
{
    const int err = no_guard(sv);

    if (!err)
        guard_each(sv->guard, h, arg);
    return err;
}

/* An address, or what guard_each shows of an IPv6 source: its network. */
static int address_parse(struct addr *a, const char *text)
{
    char ip[ADDR_STRLEN];
    const size_t len = strcspn(text, "/");

    if (len >= sizeof(ip) || (text[len] && (strcmp(text + len, "/64") || !strchr(text, ':'))))
        return EINVAL;
    snprintf(ip, sizeof(ip), "%.*s", (int)len, text);
    return addr_parse_ip(a, ip, 0);
}

int service_ban_clear(struct service *sv, const char *address, size_t *lifted)
{
    struct addr a;
    int err = no_guard(sv);

    if (err)
        return err;
    if (address && address_parse(&a, address))
        return service_fail(sv, EINVAL, "%s is no IP address", address);
    *lifted = guard_lift(sv->guard, address ? &a : NULL);
    if (address && !*lifted)
        return service_fail(sv, ENOENT, "%s is not banned", address);
    service_noted(sv, "ban clear: %s, %zu lifted", address ? address : "all", *lifted);
    return 0;
}

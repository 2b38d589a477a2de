#include "app_lab.h"
#include "core/addr.h"
#include "core/log.h"
#include "lab/lab.h"
#include "sip/stack.h"
#include "sip/trunks.h"
#include "store/dn.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
    PRIORITY = 1000, /* the trunk of last resort: one that was added by hand comes first */
    PING_SECONDS = 30,
    DN_FIRST = 5001,
    DN_LAST = 5005,
};

static int dns_provision(struct store *s, char *why, size_t whysz)
{
    char dn[16], password[32], name[32];
    int err;

    for (int n = DN_FIRST; n <= DN_LAST; n++) {
        (void)snprintf(dn, sizeof(dn), "%d", n);
        (void)snprintf(password, sizeof(password), "lab%d", n);
        (void)snprintf(name, sizeof(name), "Lab agent %d", n);
        err = dn_add(s, dn, password, name, DN_CODEC_AUTO, true, why, whysz);
        if (err && err != EEXIST)
            return err;
    }
    why[0] = '\0';
    return 0;
}

int app_lab_start(struct lab **lp, struct trunk_config *trunk, const struct sip_stack *stack, struct store *s,
                  char *why, size_t whysz)
{
    struct lab_config cfg;
    int err;

    (void)addr_parse_ip(&cfg.listen, "127.0.0.1", 0);
    err = sip_stack_laddr(stack, &cfg.gateway, &cfg.listen);
    if (err) { /* bind.address has no IPv4 */
        (void)addr_parse_ip(&cfg.listen, "::1", 0);
        err = sip_stack_laddr(stack, &cfg.gateway, &cfg.listen);
    }
    if (err)
        return err;

    err = lab_start(lp, &cfg, why, whysz);
    if (err)
        return err;

    trunk->port = lab_port(*lp);
    trunk->priority = PRIORITY;
    trunk->ping_seconds = PING_SECONDS;
    (void)snprintf(trunk->name, sizeof(trunk->name), "lab");
    (void)addr_ip(&cfg.listen, trunk->host, sizeof(trunk->host));
    (void)snprintf(trunk->codecs, sizeof(trunk->codecs), "pcmu,pcma");

    return dns_provision(s, why, whysz);
}

void app_lab_greet(const struct addr *bind, uint16_t https_port)
{
    char host[ADDR_STRLEN] = "localhost", ip[ADDR_STRLEN];

    (void)addr_ip(bind, ip, sizeof(ip));
    if (!addr_is_any(bind) && strcmp(ip, "127.0.0.1") && strcmp(ip, "::1"))
        (void)snprintf(host, sizeof(host), strchr(ip, ':') ? "[%s]" : "%s", ip);
    log_info("app", "lab: https://%s:%u/index-agent-dn.html DN %d, password lab%d; 600 is an echo", host,
             https_port, DN_FIRST, DN_FIRST); /* which is no secret */
}

#include "service/trunk.h"
#include "crypto/cert.h"
#include "crypto/tlspeer.h"
#include "service/trunktest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PORT_UDP_TCP = 5060, PORT_TLS = 5061, PRIORITY_DEFAULT = 10, PING_DEFAULT = 30, PTIME_DEFAULT = 20 };

void service_trunk_init(struct trunk *t)
{
    *t = (struct trunk){.enabled = true,
                        .priority = PRIORITY_DEFAULT,
                        .ping_seconds = PING_DEFAULT,
                        .codecs = "pcmu,pcma",
                        .ptime = PTIME_DEFAULT};
}

static int port_parse(uint16_t *port, const char *text)
{
    char *end;
    const unsigned long n = strtoul(text, &end, 10);

    if (text[0] < '0' || text[0] > '9' || *end || !n || n > UINT16_MAX)
        return EINVAL;
    *port = (uint16_t)n;
    return 0;
}

int service_trunk_address(struct trunk *t, const char *text)
{
    const char *colon = strchr(text, ':'), *tail = "";
    size_t len = strlen(text);

    if (text[0] == '[') {
        const char *end = strchr(text, ']');

        if (!end)
            return EINVAL;
        tail = end + 1;
        len = (size_t)(end - ++text);
    } else if (colon && !strchr(colon + 1, ':')) { /* more than one colon: IPv6 without port */
        tail = colon;
        len = (size_t)(colon - text);
    }
    if (!len || len >= sizeof(t->host))
        return EINVAL;
    memcpy(t->host, text, len);
    t->host[len] = '\0';
    t->port = t->transport == TRUNK_TLS ? PORT_TLS : PORT_UDP_TCP;
    if (!*tail)
        return 0;
    return *tail == ':' ? port_parse(&t->port, tail + 1) : EINVAL;
}

static int fail(struct service *sv, const char *name, int err)
{
    return err == ENOENT ? service_fail(sv, err, "there is no trunk %s", name)
                         : service_fail(sv, err, "trunk %s: %s", name, store_strerror(err));
}

int service_trunk_each(struct service *sv, trunk_h *h, void *arg)
{
    struct store_reader *r;
    int err = store_reader_alloc(&r, sv->store);

    if (!err) {
        err = trunk_each(r, false, h, arg);
        store_reader_free(r);
    }
    return err ? service_fail(sv, err, "cannot read the trunks: %s", store_strerror(err)) : 0;
}

int service_trunk_get(struct service *sv, const char *name, struct trunk *out)
{
    struct store_reader *r;
    int err = store_reader_alloc(&r, sv->store);

    if (!err) {
        err = trunk_get(r, name, out);
        store_reader_free(r);
    }
    return err ? fail(sv, name, err) : 0;
}

/* Files and texts that would leave a trunk without TLS are refused while somebody looks. */
static int tls_check(struct service *sv, const struct trunk *t)
{
    struct tls_trust *trust = NULL;
    const bool pem = strstr(t->tls_ca, "-----BEGIN") != NULL;
    char why[512];
    int err = 0;

    if (pem || t->tls_ca[0] == '/') /* else the store says what it should be */
        err = pem ? tls_trust_alloc(&trust, t->tls_ca, why, sizeof(why))
                  : tls_trust_file(&trust, t->tls_ca, why, sizeof(why));
    tls_trust_free(trust);
    if (err)
        return service_fail_at(sv, EINVAL, "tls_ca", "tls_ca: %s", why);
    err = t->tls_cert[0] == '/' ? cert_check(t->tls_cert, t->tls_cert, NULL, why, sizeof(why)) : 0;
    return err ? service_fail_at(sv, EINVAL, "tls_cert", "tls_cert: %s", why) : 0;
}

/* Which value it is that the store finds wrong. */
static int judged(struct service *sv, int err)
{
    static const char *const fields[][2] = {
        {"the name", "name"},           {"the address", "host"},    {"the port", "port"},
        {"the transport", "transport"}, {"a password", "username"}, {"the priority", "priority"},
        {"the ping", "ping_seconds"},   {"the codecs", "codecs"},   {"the packets", "ptime"},
        {"tls_ca", "tls_ca"},           {"tls_name", "tls_name"},   {"tls_cert", "tls_cert"},
    };

    for (size_t i = 0; err == EINVAL && i < sizeof(fields) / sizeof(fields[0]); i++)
        if (!strncmp(sv->why, fields[i][0], strlen(fields[i][0])))
            snprintf(sv->field, sizeof(sv->field), "%s", fields[i][1]);
    return err;
}

int service_trunk_add(struct service *sv, const struct trunk *t)
{
    const int err = tls_check(sv, t);

    return err ? err : judged(sv, trunk_add(sv->store, t, sv->why, sizeof(sv->why)));
}

int service_trunk_set(struct service *sv, const struct trunk *t, bool new_password)
{
    const int err = tls_check(sv, t);

    return err ? err : judged(sv, trunk_set(sv->store, t, new_password, sv->why, sizeof(sv->why)));
}

int service_trunk_order(struct service *sv, const char *const *names, size_t n)
{
    return trunk_order(sv->store, names, n, sv->why, sizeof(sv->why));
}

int service_trunk_enable(struct service *sv, const char *name, bool on, struct trunk *out)
{
    int err = service_trunk_get(sv, name, out);

    if (!err && on)
        err = tls_check(sv, out);
    if (err)
        return err;
    out->enabled = on;
    return trunk_set(sv->store, out, false, sv->why, sizeof(sv->why));
}

int service_trunk_remove(struct service *sv, const char *name)
{
    const int err = trunk_remove(sv->store, name);

    if (err)
        return fail(sv, name, err);
    trunktests_forget(sv->trunktests, name);
    return 0;
}

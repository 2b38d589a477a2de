#include "admin/iceservers.h"
#include "core/buf.h"
#include "core/clock.h"
#include "sip/stack.h"
#include "turn/auth.h"
#include "turn/turn.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { OTHERS_MAX = 2 };

int iceservers_name_len(const char *host)
{
    const char *end = *host == '[' ? strchr(host, ']') : NULL;

    return end ? (int)(end - host) + 1 : (int)strcspn(host, ":");
}

/* Within a list (RFC 7064, RFC 7065). */
static void url_write(struct buf *b, const char *scheme, const char *host, unsigned port,
                      const char *transport)
{
    char url[400];

    snprintf(url, sizeof(url), "%s:%.*s:%u%s%s", scheme, iceservers_name_len(host), host, port,
             *transport ? "?transport=" : "", transport);
    if (b->len && b->data[b->len - 1] != '[')
        buf_puts(b, ",");
    buf_json_str(b, url);
}

/* The port by which the browser reached us over TLS. */
static unsigned host_port(const char *host)
{
    const char *port = host + iceservers_name_len(host);

    return *port == ':' ? (unsigned)strtoul(port + 1, NULL, 10) : 443;
}

static void credentials_write(const struct iceservers *ice, struct buf *b, const char *user, uint32_t seconds)
{
    char name[TURN_NAME_MAX + 1], password[TURN_REST_PASSWORD_LEN];

    if (turn_rest_name(name, sizeof(name), clock_wall_ms() / 1000 + seconds, user))
        name[0] = '\0';
    turn_rest_password(password, ice->secret, sizeof(ice->secret), name);
    (void)turn_learn(ice->turn, name); /* without it USERHASH does not work for this one, a name does */
    buf_puts(b, "],\"username\":");
    buf_json_str(b, name);
    buf_puts(b, ",\"credential\":");
    buf_json_str(b, password);
    explicit_bzero(password, sizeof(password));
}

/* One that the Host header means already. */
static bool same_host(const struct sip_public *pub, size_t i, const char *host)
{
    char name[PUBLIC_HOST_LEN];
    struct addr a;

    snprintf(name, sizeof(name), "%.*s", iceservers_name_len(host), host);
    if (!addr_parse_ip(&a, name, 0) && addr_eq_ip(&a, &pub->v[i]))
        return true;
    return pub->name[i][0] && !strcasecmp(pub->name[i], name);
}

/* Browsers warn of more than four servers, and ask all: the best two ways to each other address are enough. */
static void others_write(const struct iceservers *ice, struct buf *b, const char *host, unsigned tls)
{
    struct sip_public pub = {0};
    char name[PUBLIC_HOST_LEN];
    size_t others = 0;

    if (ice->stack)
        sip_stack_public_copy(ice->stack, &pub);
    for (size_t i = 0; pub.count > 1 && i < pub.count && others < OTHERS_MAX; i++) {
        if (same_host(&pub, i, host) ||
            (pub.name[i][0] && i && !strcmp(pub.name[i], pub.name[i - 1]))) /* once for all of a name's */
            continue;
        if (pub.name[i][0])
            snprintf(name, sizeof(name), "%s", pub.name[i]);
        else
            addr_host(&pub.v[i], name, sizeof(name));
        url_write(b, "turn", name, ice->port, "udp");
        url_write(b, "turns", name, tls, "tcp");
        others++;
    }
}

void iceservers_write(const struct iceservers *ice, struct buf *b, const char *host, const char *user,
                      uint32_t seconds)
{
    const unsigned tls = host_port(host), turns = ice->turns_port;

    buf_puts(b, "\"iceServers\":[");
    if (ice->turn) {
        buf_puts(b, "{\"urls\":[");
        url_write(b, "stun", host, ice->port, "");
        buf_puts(b, "]},{\"urls\":[");
        url_write(b, "turn", host, ice->port, "udp");
        url_write(b, "turn", host, ice->port, "tcp");
        url_write(b, "turns", host, tls, "tcp");
        if (turns && turns != tls)
            url_write(b, "turns", host, turns, "tcp");
        others_write(ice, b, host, tls);
        credentials_write(ice, b, user, seconds);
        buf_puts(b, "}");
    }
    buf_puts(b, "]");
}

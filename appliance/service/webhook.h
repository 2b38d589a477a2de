/*
 * service/webhook: one HTTP POST of JSON to somebody else's server (RFC 9112), on a connection of its own, by TLS with the peer's name and
 * CA checked. Whoever calls is held up for up to WEBHOOK_S, and a wait of 5 s more, whatever the peer does. Nothing of it is logged: URLs hold secrets.
 */
#ifndef SERVICE_WEBHOOK_H
#define SERVICE_WEBHOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WEBHOOK_URL_MAX = 1000, WEBHOOK_S = 10 };

struct webhook_url {
    bool tls;
    char host[256]; /* without the brackets of an IPv6 address */
    uint16_t port;
    char target[WEBHOOK_URL_MAX]; /* path and query, "/" at least */
};

/* http://HOST[:PORT][/PATH] or https://…; no user, no fragment, ASCII. EINVAL. */
int webhook_url_parse(struct webhook_url *u, const char *url);
/*
 * ca: PEM file, "" = whom the machine trusts. 0: it answered 2xx. Otherwise why is one line without the path of the URL: EPROTO (it answered
 * something else, or no HTTP), EHOSTUNREACH, ECONNREFUSED, ETIMEDOUT, EKEYREJECTED, …
 */
int webhook_post(const struct webhook_url *u, const char *ca, const char *json, size_t len, char *why,
                 size_t whysz);

#endif

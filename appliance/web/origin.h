/* web/origin: may a page of this origin open our WebSocket (RFC 6455 4.2.2, RFC 6454)? Pure; any thread. */
#ifndef WEB_ORIGIN_H
#define WEB_ORIGIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * True when origin is https:// and either names the host of the Host header with that header's port or one of ours,
 * or stands in list ("https://a.example https://b.example:8443", space or comma separated, https:// may be left out).
 * Every browser sends one and no page can leave it out, so an absent Origin ("") is a client that is no browser: allowed unless
 * one is required. "null" is a browser that will not say: refused.
 */
bool origin_allowed(const char *origin, bool required, const char *host, const uint16_t *ports,
                    size_t port_count, const char *list);

#endif

/*
 * admin/iceservers: the list that RTCConfiguration takes, with short-lived credentials (draft-uberti-behave-turn-rest-00). It names this box
 * as the browser does, by its Host header, so that it leads through whatever NAT or proxy the page came by. Where public.address means several
 * addresses, up to two others follow, for when the browser's network changes. WEB thread.
 */
#ifndef ADMIN_ICESERVERS_H
#define ADMIN_ICESERVERS_H

#include <stdatomic.h>
#include <stdint.h>

struct buf;
struct sip_stack;
struct turn;

struct iceservers {                /* what of the TURN server a page is told */
    struct turn *turn;             /* NULL: none */
    uint16_t port;                 /* UDP and TCP */
    uint8_t secret[32];            /* of short-lived credentials */
    _Atomic uint16_t turns_port;   /* TLS, besides the port that the page came by; 0 = none */
    const struct sip_stack *stack; /* which knows our other addresses; NULL: there are none */
};

/* `"iceServers":[…]`, for so many seconds and this user; in a DN's name always for TURN_REST_SECONDS. */
void iceservers_write(const struct iceservers *ice, struct buf *b, const char *host, const char *user,
                      uint32_t seconds);
/* "host:port" without the port: how many bytes. */
int iceservers_name_len(const char *host);

#endif

/*
 * conf/public: the items of public.address: by what this machine is reached. Read by whoever needs them, from a value that
 * conf_validate() has passed.
 *
 *   203.0.113.10   2001:db8::10   gw.example.com   stun:HOST[:PORT] (RFC 7064), which is asked what it sees
 *
 * No state, any thread.
 */
#ifndef CONF_PUBLIC_H
#define CONF_PUBLIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PUBLIC_ITEMS_MAX = 8, PUBLIC_HOST_LEN = 254, PUBLIC_TEXT_MAX = 1000, PUBLIC_STUN_PORT = 3478 };

struct public_item {
    bool stun;
    char host[PUBLIC_HOST_LEN]; /* address or name, of the STUN server with stun; no [ ] */
    uint16_t port;              /* with stun */
};

/* One word. EINVAL: it is none of these. */
int public_item_parse(struct public_item *it, const char *word);
/* All of a list with commas or spaces between them, at most PUBLIC_ITEMS_MAX; those that are wrong are left out. */
size_t public_items(struct public_item v[static PUBLIC_ITEMS_MAX], const char *text);
/* As a person wrote it: "stun:[2001:db8::1]:3479", "gw.example.com". Returns buf. */
const char *public_item_str(const struct public_item *it, char *buf, size_t sz);

#endif

/*
 * admin/signin: who is it? Reads {"dn","password"}, or {"dn","renew"} with a word of an earlier answer, asks signalling for the DN, and goes on
 * with its row when the secret is right.
 *
 * Throttled by source like SIP digest: late answers first, then 429. Unknown, disabled and known DNs answer alike to whoever does not know
 * the password. No sign-in waits for a database. WEB thread.
 */
#ifndef ADMIN_SIGNIN_H
#define ADMIN_SIGNIN_H

#include "store/dn.h"
#include <stdbool.h>
#include <stdint.h>

struct guard;
struct json_val;
struct json;
struct mbox;
struct store;
struct web_req;
struct web_resp;

/* "expiry:" and an HMAC in hex */
enum { SIGNIN_RENEW_MAX = 24 + 65, SIGNIN_HOST_MAX = 264 };

struct signin { /* static while the web server runs */
    struct mbox *signalling;
    struct guard *guard;
    const struct store *store; /* who was refused stands in its history; NULL: nowhere */
    bool renews;               /* there are words to renew by, of this secret */
    uint8_t secret[32];
};

/* Who it is has been proved: writes the answer. host: as the browser names this box. */
typedef void(signin_h)(struct web_resp *resp, const char *host, const struct dn *dn, void *arg);

/* Before the body is looked at: false and the answer is written when the source is banned; delays it when it is slowed down. */
bool signin_gate(const struct signin *s, const struct web_req *req, struct web_resp *resp);
/* The body as JSON (json_free), or false, and the problem is written. */
bool signin_body(const struct web_req *req, struct web_resp *resp, size_t max, struct json **doc);
/* Asks; then h, or the refusal. s and arg must outlive the web server. */
void signin_ask(const struct signin *s, const struct web_req *req, struct web_resp *resp,
                const struct json_val *body, signin_h *h, void *arg);
/* What a page that does not keep the password shows instead, later: good until then, or until the DN has another password. */
void signin_renew_word(const struct signin *s, char out[SIGNIN_RENEW_MAX], int64_t until_s,
                       const struct dn *dn);

#endif

/* Who asks: a session of the console by its cookie, or a program by its key. */
#include "admin/apipriv.h"
#include "core/clock.h"
#include "service/session.h"
#include "store/apikey.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Known to whoever can read the answers of this origin. */
void api_csrf(const struct api_call *c, char out[SHA256_HEXLEN], const char *token)
{
    uint8_t key[32], mac[SHA256_LEN];

    api_key(((const struct api_request *)c)->api, key);
    hash_hmac_sha256(mac, key, sizeof(key), token, strlen(token));
    hash_hex(out, mac, sizeof(mac));
    explicit_bzero(key, sizeof(key));
}

void api_cookie(struct api_call *c, const char *token)
{
    const size_t n = strlen(c->headers);

    snprintf(c->headers + n, sizeof(c->headers) - n,
             "Set-Cookie: " API_COOKIE "=%s; Path=/; Secure; HttpOnly; SameSite=Strict%s\r\n",
             token ? token : "", token ? "" : "; Max-Age=0");
}

static int by_session(struct api_request *q, const struct api_worker *w)
{
    struct session s;
    const int err = service_session_find(w->sv, w->reader, q->cookie, &s);

    if (err)
        return err;
    snprintf(q->who.name, sizeof(q->who.name), "%s", s.user);
    snprintf(q->who.user, sizeof(q->who.user), "%s", s.user);
    snprintf(q->who.id, sizeof(q->who.id), "%s", s.id);
    q->who.role = s.role;
    q->who.totp = s.totp;
    q->who.expires_ms = service_session_until(w->sv, &s);
    api_csrf(&q->call, q->right_csrf, q->cookie);
    if (clock_wall_ms() - s.seen_ms > API_SEEN_MS)
        api_seen(w->api, &q->who);
    return 0;
}

static int by_key(struct api_request *q, const struct api_worker *w)
{
    struct apikey k;
    const int err = *q->bearer ? apikey_find(w->reader, q->bearer, clock_wall_ms(), &k) : ENOENT;

    if (err)
        return err;
    snprintf(q->who.name, sizeof(q->who.name), "%s", k.name);
    snprintf(q->who.user, sizeof(q->who.user), "%s", k.user);
    snprintf(q->who.id, sizeof(q->who.id), "%s", k.id);
    q->who.by_key = true;
    q->who.role = k.role;
    q->who.expires_ms = k.expires_ms;
    if (clock_wall_ms() - k.seen_ms > API_SEEN_MS)
        api_seen(w->api, &q->who);
    return 0;
}

/* A reader that has failed may be one of a database that is no more. */
static int look(struct api_request *q, struct api_worker *w)
{
    int err = w->reader ? 0 : store_reader_alloc(&w->reader, w->sv->store);

    if (!err)
        err = q->authorization ? by_key(q, w) : by_session(q, w);
    if (err && err != ENOENT)
        api_worker_reset(w);
    return err;
}

int api_who_find(struct api_request *q, struct api_worker *w)
{
    int err = ENOENT;

    addr_ip(&q->peer, q->who.address, sizeof(q->who.address));
    if (!w->reader || q->authorization || *q->cookie)
        err = look(q, w);
    if (err && err != ENOENT)
        err = look(q, w);
    if (!err)
        q->call.who = &q->who;
    return err == ENOENT ? 0 : err;
}

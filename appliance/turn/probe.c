#include "turn/probe.h"

#include "core/rnd.h"
#include "crypto/hash.h"
#include "crypto/tlsclient.h"
#include "stun/stun.h"
#include "turn/codec.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { WAIT_MS = 5000, TRIES = 2 /* of a datagram */, STALE_MAX = 4, TEXT_MAX = 256, PROTO_UDP = 17 };

struct link {
    int fd;
    bool stream;
    struct tlsclient *tls;
};

/* What a 401 gives to sign with. */
struct login {
    const char *name, *password;
    uint8_t realm[TEXT_MAX], nonce[TEXT_MAX];
    size_t realm_len, nonce_len;
};

/* ---- bytes ---- */

static int link_open(struct link *l, const struct turn_probe *p)
{
    static const char *alpn[] = {"stun.turn", NULL};
    const struct timeval tv = {.tv_sec = WAIT_MS / 1000, .tv_usec = WAIT_MS % 1000 * 1000};
    int type = p->way == TURN_PROBE_UDP ? SOCK_DGRAM : SOCK_STREAM;

    *l = (struct link){.fd = socket(addr_af(&p->server), type | SOCK_CLOEXEC, 0),
                       .stream = p->way != TURN_PROBE_UDP};
    if (l->fd < 0)
        return errno;
    (void)setsockopt(l->fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
    (void)setsockopt(l->fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)); /* connect(2) goes by it, too */
    if (connect(l->fd, &p->server.u.sa, addr_len(&p->server)))
        return errno == EINPROGRESS ? ETIMEDOUT : errno;
    return p->way == TURN_PROBE_TLS ? tlsclient_open(&l->tls, l->fd, alpn) : 0;
}

static void link_close(struct link *l)
{
    tlsclient_close(l->tls);
    if (l->fd >= 0)
        close(l->fd);
}

static int link_send(struct link *l, const uint8_t *p, size_t n)
{
    if (l->tls)
        return tlsclient_write(l->tls, p, n);
    return send(l->fd, p, n, MSG_NOSIGNAL) == (ssize_t)n ? 0 : errno;
}

static ssize_t link_read(struct link *l, uint8_t *p, size_t n)
{
    return l->tls ? tlsclient_read(l->tls, p, n) : recv(l->fd, p, n, 0);
}

/* One whole message. */
static int link_recv(struct link *l, uint8_t *p, size_t sz, size_t *n)
{
    ssize_t got;

    for (*n = 0;; *n += (size_t)got) {
        if (*n >= STUN_HDR_LEN && (!l->stream || *n >= STUN_HDR_LEN + (size_t)(p[2] << 8 | p[3])))
            return 0;
        got = *n < sz ? link_read(l, p + *n, sz - *n) : 0;
        if (got <= 0)
            return got < 0 && !l->tls && errno != EAGAIN ? errno : ETIMEDOUT;
    }
}

/* ---- messages ---- */

/* The answer to this request. A datagram may come twice, or late to a question that was asked again: such are passed over. */
static int answer_take(struct link *l, const uint8_t *request, uint8_t *mem, size_t sz, struct stun_view *v)
{
    for (int i = 0; i < STALE_MAX; i++) {
        size_t n;
        int err = link_recv(l, mem, sz, &n);

        if (err)
            return err;
        if (stun_parse(v, mem, n))
            return EPROTO;
        if (!memcmp(v->tid, request + 8, STUN_TID_LEN))
            return 0;
        if (l->stream)
            break;
    }
    return EPROTO;
}

/* Sends a request and waits for its answer, which stays in mem. */
static int ask(struct link *l, const uint8_t *request, size_t n, uint8_t *mem, size_t sz, struct stun_view *v)
{
    int err = ETIMEDOUT;

    for (int i = 0; i < (l->stream ? 1 : TRIES) && err == ETIMEDOUT; i++) {
        err = link_send(l, request, n);
        if (!err)
            err = answer_take(l, request, mem, sz, v);
    }
    return err;
}

static void request_begin(struct stun_writer *w, void *mem, size_t sz, uint16_t method)
{
    uint8_t tid[STUN_TID_LEN];

    rnd_bytes(tid, sizeof(tid));
    stun_begin(w, mem, sz, method, STUN_REQUEST, tid);
}

static void request_sign(struct stun_writer *w, const struct login *login)
{
    uint8_t key[MD5_LEN];
    char text[3 * TEXT_MAX];
    int n;

    if (!login->nonce_len)
        return;
    n = snprintf(text, sizeof(text), "%s:%.*s:%s", login->name, (int)login->realm_len,
                 (const char *)login->realm, login->password); /* RFC 8489 9.2.2 */
    hash_md5(key, text, (size_t)n);
    stun_put(w, STUN_USERNAME, login->name, strlen(login->name));
    stun_put(w, STUN_REALM, login->realm, login->realm_len);
    stun_put(w, STUN_NONCE, login->nonce, login->nonce_len);
    stun_put_integrity(w, key, sizeof(key));
}

static void text_take(const struct stun_view *v, uint16_t type, uint8_t *text, size_t *len)
{
    const uint8_t *p = stun_get(v, type, len);

    if (!p || *len > TEXT_MAX)
        *len = 0;
    else
        memcpy(text, p, *len);
}

/* Allocate, or Refresh with no lifetime, once. */
static int allocation_ask(struct link *l, uint16_t method, struct login *login, uint8_t *mem, size_t sz,
                          struct stun_view *v)
{
    const uint8_t transport[4] = {PROTO_UDP};
    uint8_t request[1024];
    struct stun_writer w;
    size_t n;

    request_begin(&w, request, sizeof(request), method);
    if (method == TURN_ALLOCATE)
        stun_put(&w, TURN_REQUESTED_TRANSPORT, transport, sizeof(transport));
    else
        stun_put_u32(&w, TURN_LIFETIME, 0);
    request_sign(&w, login);
    if (stun_end(&w, &n))
        return EPROTO;
    return ask(l, request, n, mem, sz, v);
}

static int bind_try(struct link *l, struct turn_probe_found *found)
{
    uint8_t request[STUN_HDR_LEN], mem[STUN_MSG_MAX];
    struct stun_writer w;
    struct stun_view v;
    size_t n;
    int err;

    request_begin(&w, request, sizeof(request), STUN_BINDING);
    err = stun_end(&w, &n);
    if (!err)
        err = ask(l, request, n, mem, sizeof(mem), &v);
    if (!err && (v.cls != STUN_SUCCESS || !stun_get_xaddr(&v, STUN_XOR_MAPPED_ADDRESS, &found->mapped)))
        err = EPROTO;
    return err;
}

static int allocate_try(struct link *l, const struct turn_probe *p, struct turn_probe_found *found)
{
    struct login login = {.name = p->name, .password = p->password};
    uint8_t mem[STUN_MSG_MAX];
    struct stun_view v;
    int err = allocation_ask(l, TURN_ALLOCATE, &login, mem, sizeof(mem), &v);

    if (!err && v.cls == STUN_ERROR && stun_get_error(&v) == 401) { /* RFC 8489 9.2.5 */
        text_take(&v, STUN_REALM, login.realm, &login.realm_len);
        text_take(&v, STUN_NONCE, login.nonce, &login.nonce_len);
        err = allocation_ask(l, TURN_ALLOCATE, &login, mem, sizeof(mem), &v);
    }
    if (err)
        return err;
    found->code = v.cls == STUN_ERROR ? stun_get_error(&v) : 0;
    if (found->code || !stun_get_xaddr(&v, TURN_XOR_RELAYED_ADDRESS, &found->relayed))
        return EACCES;
    (void)allocation_ask(l, TURN_REFRESH, &login, mem, sizeof(mem), &v);
    return 0;
}

int turn_probe(const struct turn_probe *p, struct turn_probe_found *found)
{
    struct link l;
    int err;

    memset(found, 0, sizeof(*found));
    err = link_open(&l, p);
    if (!err)
        err = bind_try(&l, found);
    if (!err && p->name)
        err = allocate_try(&l, p, found);
    link_close(&l);
    return err;
}

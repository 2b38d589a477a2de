/*
 * tests/turnhost: a TURN server under test: a host that keeps what it is told to send, and a client that writes requests. Header only.
 * Answers are looked at in `last`, relayed datagrams in `sent`.
 */
#ifndef TESTS_TURNHOST_H
#define TESTS_TURNHOST_H

#include "addrs.h"
#include "crypto/hash.h"
#include "stun/stun.h"
#include "turn/codec.h"
#include "turn/server.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TURNHOST_SECRET "0123456789abcdef0123456789abcdef"
#define TURNHOST_REALM "dngate"

enum { TURNHOST_BYTES = 66000, TURNHOST_UNIX = 1700000000, TURNHOST_RELAY_FIRST = 50000 };

struct turnhost_relay {
    struct turn_relay relay; /* first: the server knows it by this */
    bool foreign;
    struct turn_flow given; /* to whom; proto 0 and no client: to nobody yet */
};

struct turnhost {
    struct turn_server *server;
    uint64_t now_us;
    /* what the server did */
    size_t room_n, last_n, sent_n;
    unsigned pushed, peer_sent, relays; /* messages, datagrams; relayed addresses that are open */
    struct turn_flow last_flow;
    struct addr sent_to;
    struct turn_relay *sent_from, *opened;
    bool sent_own, sent_df;
    /* what it shall meet */
    bool no_room, no_foreign;
    int open_error[2]; /* by family: IPv4, IPv6 */
    uint16_t next_port;
    uint8_t room[TURNHOST_BYTES], last[TURNHOST_BYTES], sent[TURNHOST_BYTES]; /* last: not cleared */
};

static uint8_t *turnhost_room(void *arg, const struct turn_flow *f, size_t n)
{
    struct turnhost *h = arg;

    (void)f;
    h->room_n = n;
    return h->no_room || n > sizeof(h->room) ? NULL : h->room;
}

static void turnhost_push(void *arg, const struct turn_flow *f, size_t n)
{
    struct turnhost *h = arg;

    if (n > h->room_n)
        abort();
    memcpy(h->last, h->room, n);
    h->last_n = n;
    h->last_flow = *f;
    h->pushed++;
}

static struct turn_relay *turnhost_relay_alloc(struct turnhost *h, int af, uint16_t port)
{
    struct turnhost_relay *r = calloc(1, sizeof(*r));

    if (!r)
        return NULL;
    if (addr_parse_ip(&r->relay.addr, af == AF_INET6 ? "2001:db8::1" : "192.0.2.1", port))
        abort();
    h->relays++;
    return &r->relay;
}

static void turnhost_close(void *arg, struct turn_relay *r)
{
    struct turnhost *h = arg;

    if (h->opened == r)
        h->opened = NULL;
    h->relays--;
    free(r);
}

static int turnhost_open(void *arg, int af, enum turn_port port, struct turn_relay **rp,
                         struct turn_relay **next)
{
    struct turnhost *h = arg;

    if (h->open_error[af == AF_INET6])
        return h->open_error[af == AF_INET6];
    if (port != TURN_PORT_ANY)
        h->next_port = (uint16_t)((h->next_port + 1) & ~1);
    *rp = turnhost_relay_alloc(h, af, h->next_port++);
    if (!*rp)
        return ENOMEM;
    if (port == TURN_PORT_RESERVE) {
        *next = turnhost_relay_alloc(h, af, h->next_port++);
        if (!*next) {
            turnhost_close(h, *rp);
            return ENOMEM;
        }
    }
    h->opened = *rp;
    return 0;
}

static void turnhost_given(void *arg, struct turn_relay *r, const struct turn_flow *f)
{
    struct turnhost_relay *relay = (struct turnhost_relay *)r;

    (void)arg;
    if (!r->owner || addr_isset(&relay->given.client, false))
        abort(); /* an address is one client's for life */
    relay->given = *f;
}

static int turnhost_foreign(void *arg, struct turn_relay *r)
{
    struct turnhost *h = arg;

    if (h->no_foreign && !((struct turnhost_relay *)r)->foreign)
        return EADDRINUSE;
    ((struct turnhost_relay *)r)->foreign = true;
    return 0;
}

/* Whether turnhost_rules() allow a peer, said in other words than the policy's. */
static bool turnhost_may(const struct addr *peer, bool own)
{
    char text[ADDR_STRLEN];

    addr_str(peer, text, sizeof(text));
    if (own)
        return !strcmp(text, "192.0.2.1:10000") || !strcmp(text, "[2001:db8::1]:10000");
    return addr_port(peer) && (!strncmp(text, "198.51.100.", 11) || !strncmp(text, "[2001:db8:f:", 12));
}

static void turnhost_send(void *arg, struct turn_relay *r, const struct addr *peer, bool own,
                          const uint8_t *p, size_t n, bool df)
{
    struct turnhost *h = arg;

    if (!own && !((struct turnhost_relay *)r)->foreign)
        abort(); /* nobody opened its socket */
    if (!addr_isset(&((struct turnhost_relay *)r)->given.client, true))
        abort(); /* it is nobody's */
    if (!turnhost_may(peer, own))
        abort();
    memcpy(h->sent, p, n);
    h->sent_n = n;
    h->sent_to = *peer;
    h->sent_from = r;
    h->sent_own = own;
    h->sent_df = df;
    h->peer_sent++;
}

static const struct turn_host turnhost_calls = {turnhost_room,  turnhost_push,  turnhost_open,
                                                turnhost_close, turnhost_given, turnhost_foreign,
                                                turnhost_send};

/* Our worker is 192.0.2.1:10000 (and [2001:db8::1]:10000), the box also 192.0.2.9; 198.51.100.0/24 and 2001:db8:f::/48 are allowed. */
__attribute__((unused)) static int turnhost_rules(struct turnhost *h)
{
    struct addr own[2], box;
    struct turn_net allow[2];
    struct turn_rules r = {own, 2, &box, 1, allow, 2, false};

    if (addr_parse(&own[0], "192.0.2.1:10000") || addr_parse(&own[1], "[2001:db8::1]:10000") ||
        addr_parse_ip(&box, "192.0.2.9", 0) || turn_net_parse(&allow[0], "198.51.100.0/24") ||
        turn_net_parse(&allow[1], "2001:db8:f::/48"))
        return EINVAL;
    return turn_server_set_policy(h->server, &r);
}

/* A server with these limits, at second 1000. */
__attribute__((unused)) static int turnhost_open_server(struct turnhost *h, const struct turn_limits *l)
{
    struct turn_config c = {.realm = TURNHOST_REALM, .secret = TURNHOST_SECRET, .secret_len = 32};
    int err;

    memset(h, 0, offsetof(struct turnhost, room));
    h->now_us = 1000000000;
    h->next_port = TURNHOST_RELAY_FIRST;
    if (l)
        c.limits = *l;
    err = turn_server_alloc(&h->server, &c, &turnhost_calls, h);
    if (err)
        return err;
    turn_server_tick(h->server, h->now_us, TURNHOST_UNIX);
    err = turnhost_rules(h);
    if (err) {
        turn_server_free(h->server);
        h->server = NULL;
    }
    return err;
}

__attribute__((unused)) static void turnhost_pass(struct turnhost *h, uint32_t seconds)
{
    for (uint32_t i = 0; i < seconds; i++) {
        h->now_us += 1000000;
        turn_server_tick(h->server, h->now_us, (int64_t)(TURNHOST_UNIX + h->now_us / 1000000 - 1000));
    }
}

__attribute__((unused)) static struct turn_figures turnhost_figures(const struct turnhost *h)
{
    struct turn_figures f;

    turn_server_figures(h->server, &f);
    return f;
}

/* The end of a test (testing.h): no relayed address is left open. */
#define TURNHOST_CLOSE(h)                                                                                    \
    turn_server_free((h)->server);                                                                           \
    CHECK_EQ_INT((h)->relays, 0)

/* ---------------------------------------------------------------- a client */

struct turnclient {
    struct turnhost *host;
    struct turn_flow flow;
    char name[TURN_NAME_MAX + 1], password[TURN_PASSWORD_MAX + 1], nonce[128];
    bool sha256, sha256_key; /* which integrity; which password algorithm */
    bool userhash, no_fingerprint;
    uint8_t tid[STUN_TID_LEN];
    uint8_t msg[2048];
    struct stun_writer w;
};

__attribute__((unused)) static void turnclient_init(struct turnclient *c, struct turnhost *h,
                                                    const char *from, const char *who)
{
    memset(c, 0, sizeof(*c));
    c->host = h;
    if (addr_parse(&c->flow.client, from) || addr_parse(&c->flow.local, "192.0.2.1:3478") ||
        turn_rest_name(c->name, sizeof(c->name), TURNHOST_UNIX + 43200, who))
        abort();
    turn_rest_password(c->password, TURNHOST_SECRET, 32, c->name);
}

static void turnclient_begin(struct turnclient *c, uint16_t method)
{
    for (size_t i = 0; i < STUN_TID_LEN && !++c->tid[i]; i++)
        ;
    stun_begin(&c->w, c->msg, sizeof(c->msg), method, STUN_REQUEST, c->tid);
}

__attribute__((unused)) static void turnclient_peer(struct turnclient *c, const char *peer)
{
    struct addr a;

    if (addr_parse(&a, peer))
        abort();
    stun_put_xaddr(&c->w, TURN_XOR_PEER_ADDRESS, &a);
}

static void turnclient_key(const struct turnclient *c, uint8_t key[32], size_t *klen)
{
    char text[512];
    int n = snprintf(text, sizeof(text), "%s:%s:%s", c->name, TURNHOST_REALM, c->password);

    *klen = c->sha256_key ? 32 : 16;
    if (c->sha256_key)
        hash_sha256(key, text, (size_t)n);
    else
        hash_md5(key, text, (size_t)n);
}

/* RFC 8489 14.6: the HMAC over what stands before it, the length field counting it. */
static void turnclient_sha256(struct turnclient *c, const uint8_t *key, size_t klen)
{
    static const uint8_t none[SHA256_LEN];

    stun_put(&c->w, TURN_MESSAGE_INTEGRITY_SHA256, none, sizeof(none));
    if (!c->w.err)
        hash_hmac_sha256(c->msg + c->w.n - SHA256_LEN, key, klen, c->msg, c->w.n - SHA256_LEN - 4);
}

static void turnclient_user(struct turnclient *c)
{
    char text[512];
    uint8_t hash[SHA256_LEN];

    if (c->userhash) {
        hash_sha256(hash, text, (size_t)snprintf(text, sizeof(text), "%s:%s", c->name, TURNHOST_REALM));
        stun_put(&c->w, TURN_USERHASH, hash, sizeof(hash));
    } else {
        stun_put(&c->w, STUN_USERNAME, c->name, strlen(c->name));
    }
}

static void turnclient_sign(struct turnclient *c)
{
    static const uint8_t algorithms[] = {0, 2, 0, 0, 0, 1, 0, 0}, algorithm[] = {0, 2, 0, 0};
    uint8_t key[32];
    size_t klen;

    turnclient_key(c, key, &klen);
    turnclient_user(c);
    stun_put(&c->w, STUN_REALM, TURNHOST_REALM, strlen(TURNHOST_REALM));
    stun_put(&c->w, STUN_NONCE, c->nonce, strlen(c->nonce));
    if (c->sha256_key) {
        stun_put(&c->w, TURN_PASSWORD_ALGORITHMS, algorithms, sizeof(algorithms));
        stun_put(&c->w, TURN_PASSWORD_ALGORITHM, algorithm, sizeof(algorithm));
    }
    if (c->sha256)
        turnclient_sha256(c, key, klen);
    else
        stun_put_integrity(&c->w, key, klen);
}

/* Hands the message over in memory of its exact size, so that a read behind it is found. */
__attribute__((unused)) static void turnclient_hand(struct turnclient *c, const void *p, size_t n)
{
    uint8_t *copy = malloc(n ? n : 1);

    c->host->last_n = 0;
    if (!copy)
        return;
    memcpy(copy, p, n);
    turn_server_recv(c->host->server, &c->flow, copy, n, c->host->now_us);
    free(copy);
}

static void turnclient_send(struct turnclient *c)
{
    size_t n;

    if (!c->no_fingerprint)
        stun_put_fingerprint(&c->w);
    if (stun_end(&c->w, &n))
        abort();
    turnclient_hand(c, c->msg, n);
}

/* The answer; false when there is none, or it is to another request. */
static bool turnclient_answer(const struct turnclient *c, struct stun_view *v)
{
    return c->host->last_n && !stun_parse(v, c->host->last, c->host->last_n) &&
           !memcmp(v->tid, c->tid, STUN_TID_LEN);
}

/* 0 for a success, else its error code; 999 without an answer. */
static unsigned turnclient_code(const struct turnclient *c)
{
    struct stun_view v;

    if (!turnclient_answer(c, &v))
        return 999;
    return v.cls == STUN_SUCCESS ? 0 : stun_get_error(&v);
}

/* Takes the nonce of a challenge. */
__attribute__((unused)) static bool turnclient_challenge(struct turnclient *c)
{
    struct stun_view v;
    const uint8_t *nonce;
    size_t n;

    turnclient_begin(c, TURN_ALLOCATE);
    turnclient_send(c);
    if (turnclient_code(c) != 401 || !turnclient_answer(c, &v))
        return false;
    nonce = stun_get(&v, STUN_NONCE, &n);
    if (!nonce || n >= sizeof(c->nonce))
        return false;
    memcpy(c->nonce, nonce, n);
    c->nonce[n] = '\0';
    return true;
}

/* Signs what was begun, sends it and says what came back. */
static unsigned turnclient_ask(struct turnclient *c)
{
    turnclient_sign(c);
    turnclient_send(c);
    return turnclient_code(c);
}

static void turnclient_want_udp(struct turnclient *c)
{
    turnclient_begin(c, TURN_ALLOCATE);
    stun_put_u32(&c->w, TURN_REQUESTED_TRANSPORT, 17u << 24);
}

__attribute__((unused)) static unsigned turnclient_allocate(struct turnclient *c)
{
    if (!*c->nonce && !turnclient_challenge(c))
        return 998;
    turnclient_want_udp(c);
    return turnclient_ask(c);
}

__attribute__((unused)) static unsigned turnclient_permit(struct turnclient *c, const char *peer)
{
    turnclient_begin(c, TURN_CREATE_PERMISSION);
    turnclient_peer(c, peer);
    return turnclient_ask(c);
}

__attribute__((unused)) static unsigned turnclient_bind(struct turnclient *c, uint16_t number,
                                                        const char *peer)
{
    turnclient_begin(c, TURN_CHANNEL_BIND);
    stun_put_u32(&c->w, TURN_CHANNEL_NUMBER, (uint32_t)number << 16);
    turnclient_peer(c, peer);
    return turnclient_ask(c);
}

__attribute__((unused)) static unsigned turnclient_refresh(struct turnclient *c, uint32_t seconds)
{
    turnclient_begin(c, TURN_REFRESH);
    stun_put_u32(&c->w, TURN_LIFETIME, seconds);
    return turnclient_ask(c);
}

/* A Send indication; how many datagrams left for a peer. */
__attribute__((unused)) static unsigned turnclient_indicate(struct turnclient *c, const char *peer,
                                                            const char *data)
{
    unsigned before = c->host->peer_sent;

    stun_begin(&c->w, c->msg, sizeof(c->msg), TURN_SEND, STUN_INDICATION, c->tid);
    turnclient_peer(c, peer);
    stun_put(&c->w, TURN_ATTR_DATA, data, strlen(data));
    turnclient_send(c);
    return c->host->peer_sent - before;
}

__attribute__((unused)) static unsigned turnclient_data(struct turnclient *c, uint16_t number,
                                                        const char *data)
{
    unsigned before = c->host->peer_sent;
    uint8_t msg[1500] = {(uint8_t)(number >> 8), (uint8_t)number, (uint8_t)(strlen(data) >> 8),
                         (uint8_t)strlen(data)};

    memcpy(msg + 4, data, strlen(data));
    turnclient_hand(c, msg, 4 + strlen(data));
    return c->host->peer_sent - before;
}

/* A datagram of a peer to the relayed address that was opened last; whether something went to the client. */
__attribute__((unused)) static bool turnhost_peer(struct turnhost *h, const char *peer, bool own,
                                                  const char *data)
{
    unsigned before = h->pushed;
    struct addr a;

    if (!h->opened || addr_parse(&a, peer))
        return false;
    turn_server_from_peer(h->server, h->opened, &a, own, (const uint8_t *)data, strlen(data), h->now_us);
    return h->pushed > before;
}

#endif

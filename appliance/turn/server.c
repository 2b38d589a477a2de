#include "turn/server.h"

#include "core/keyhash.h"
#include "turn/state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { SILENCE = 1 /* in the place of an error code */ };

/* ---------------------------------------------------------------- life */

int turn_server_alloc(struct turn_server **sp, const struct turn_config *c, const struct turn_host *host,
                      void *arg)
{
    struct turn_server *s;
    int err;

    if (!c->realm || !c->secret)
        return EINVAL;
    s = calloc(1, sizeof(*s));
    if (!s)
        return ENOMEM;
    s->host = *host;
    s->arg = arg;
    s->random_used = sizeof(s->random);
    err = turn_auth_alloc(&s->auth, c->realm, c->secret, c->secret_len);
    if (!err)
        err = turn_policy_alloc(&s->policy, &(struct turn_rules){0});
    if (!err)
        err = quota_alloc(&s->quota, &c->limits);
    if (!err)
        err = guesses_alloc(&s->guesses);
    if (!err)
        err = allocations_alloc(&s->allocations, 0);
    if (err) {
        turn_server_free(s);
        return err;
    }
    *sp = s;
    return 0;
}

void server_close_relay(struct turn_server *s, struct turn_relay **rp)
{
    if (!*rp)
        return;
    (*rp)->owner = NULL;
    s->host.relay_close(s->arg, *rp);
    *rp = NULL;
}

void server_end(struct turn_server *s, struct allocation *a)
{
    for (size_t i = 0; i < RELAYS; i++)
        server_close_relay(s, &a->relay[i]);
    quota_give(s->quota, a->share);
    s->figures.permissions -= a->permissions.n;
    s->figures.channels -= a->channels.n;
    allocation_free(s->allocations, a);
}

static void end_one(struct allocation *a, void *arg)
{
    server_end(arg, a);
}

void turn_server_free(struct turn_server *s)
{
    if (!s)
        return;
    if (s->allocations)
        allocations_each(s->allocations, end_one, s);
    server_reservations_purge(s, UINT32_MAX);
    allocations_free(s->allocations);
    quota_free(s->quota);
    guesses_free(s->guesses);
    turn_policy_free(s->policy);
    turn_auth_free(s->auth);
    free(s);
}

struct turn_auth *turn_server_auth(struct turn_server *s)
{
    return s->auth;
}

int turn_server_set_policy(struct turn_server *s, const struct turn_rules *rules)
{
    struct turn_policy *p = NULL;
    int err = turn_policy_alloc(&p, rules);

    if (err)
        return err;
    turn_policy_free(s->policy);
    s->policy = p;
    allocations_each(s->allocations, server_rejudge, s);
    return 0;
}

void turn_server_set_limits(struct turn_server *s, const struct turn_limits *l)
{
    quota_set(s->quota, l);
}

static bool call_runs(const struct allocation *a, uint32_t now_s)
{
    return a->own_s && now_s - a->own_s <= TURN_CALL_SECONDS;
}

/* Revoked, and its call is over: ends it and is true then. */
static bool leave(struct turn_server *s, struct allocation *a, uint32_t now_s)
{
    if (!a->leaving || call_runs(a, now_s))
        return false;
    s->figures.revoked++;
    server_end(s, a);
    return true;
}

static void revoke_h(struct allocation *a, void *arg)
{
    struct turn_server *s = arg;
    uint32_t now_s = server_now_s(s);

    if (!a->rest || !turn_auth_revoked(s->auth, quota_owner(a->share)))
        return;
    a->leaving = true;
    if (!leave(s, a, now_s))
        allocation_due(s->allocations, a, now_s + TURN_CALL_SECONDS + 1);
}

bool turn_server_revoke(struct turn_server *s, const char *users, size_t count)
{
    bool kept = turn_auth_revoke(s->auth, users, count);

    allocations_each(s->allocations, revoke_h, s);
    return kept;
}

void turn_server_figures(const struct turn_server *s, struct turn_figures *out)
{
    *out = s->figures;
    out->allocations = allocations_count(s->allocations);
    out->users = quota_users(s->quota);
}

/* ---------------------------------------------------------------- time */

static uint32_t allocation_over(struct allocation *a, uint32_t now_s, void *arg)
{
    struct turn_server *s = arg;
    uint32_t due, next;

    if (a->expires_s < now_s) {
        s->figures.expired++;
        server_end(s, a);
        return 0;
    }
    if (leave(s, a, now_s))
        return 0;
    due = a->leaving && a->own_s + TURN_CALL_SECONDS < a->expires_s ? a->own_s + TURN_CALL_SECONDS
                                                                    : a->expires_s;
    s->figures.permissions -= a->permissions.n;
    s->figures.channels -= a->channels.n;
    next = permission_purge(&a->permissions, now_s);
    due = next < due ? next : due;
    next = channel_purge(&a->channels, now_s);
    due = next < due ? next : due;
    s->figures.permissions += a->permissions.n;
    s->figures.channels += a->channels.n;
    return due + 1;
}

void turn_server_tick(struct turn_server *s, uint64_t now_us, int64_t unix_s)
{
    s->now_us = now_us;
    turn_auth_now(s->auth, now_us, unix_s);
    allocations_tick(s->allocations, server_now_s(s), allocation_over, s);
    server_reservations_purge(s, server_now_s(s));
}

void turn_server_flow_closed(struct turn_server *s, const struct turn_flow *f)
{
    struct allocation *a = allocation_find(s->allocations, f);

    if (!a)
        return;
    s->figures.closed++;
    server_end(s, a);
}

bool turn_server_has_allocation(const struct turn_server *s, const struct turn_flow *f)
{
    return allocation_find(s->allocations, f) != NULL;
}

/* ---------------------------------------------------------------- answers */

void server_answer(struct turning *t)
{
    struct turn_server *s = t->s;
    uint8_t *p = NULL;

    if (codec_finish(&t->answer, &t->m, t->login.key, t->login.klen))
        p = s->host.room(s->arg, t->flow, t->answer.n);
    if (!p) {
        s->figures.dropped_room++;
        return;
    }
    memcpy(p, t->answer.mem, t->answer.n);
    s->host.push(s->arg, t->flow, t->answer.n);
}

void server_error(struct turning *t, unsigned code)
{
    if (code == 486)
        t->s->figures.refused_quota++;
    else if (code == 508)
        t->s->figures.refused_capacity++;
    else if (code == 403)
        t->s->figures.refused_peer++;
    codec_error(&t->answer, &t->m, code);
    server_answer(t);
}

uint64_t server_user(const struct turning *t)
{
    return keyhash(t->login.name, strlen(t->login.name));
}

static void unknown_attributes(struct turning *t)
{
    uint8_t val[2 * STUN_UNKNOWN_MAX];

    for (size_t i = 0; i < t->m.unknown_n; i++) {
        val[2 * i] = (uint8_t)(t->m.unknown[i] >> 8);
        val[2 * i + 1] = (uint8_t)t->m.unknown[i];
    }
    codec_error(&t->answer, &t->m, 420);
    codec_put(&t->answer, STUN_UNKNOWN_ATTRIBUTES, val, 2 * t->m.unknown_n);
    server_answer(t);
}

/* ---------------------------------------------------------------- requests */

/* What anybody may ask, and needs no credential for: whatever integrity there is, is not looked at (RFC 8489 9: usage). */
static void binding(struct turning *t)
{
    struct turn_server *s = t->s;

    if (!quota_answer(s->quota, QUOTA_BINDING, &t->flow->client, s->now_us)) {
        s->figures.silenced++;
        return;
    }
    s->figures.binding++;
    if (t->m.unknown_n) {
        unknown_attributes(t);
        return;
    }
    codec_success(&t->answer, &t->m);
    codec_put_addr(&t->answer, STUN_XOR_MAPPED_ADDRESS, &t->flow->client);
    server_answer(t);
}

/* 400, 401 and 438 to somebody who has shown nothing so far; in silence when there are too many of them. */
static void turn_away(struct turning *t, unsigned code)
{
    struct turn_server *s = t->s;

    if (!quota_answer(s->quota, QUOTA_CHALLENGE, &t->flow->client, s->now_us)) {
        s->figures.silenced++;
        return;
    }
    codec_error(&t->answer, &t->m, code);
    if (code != 400) {
        s->figures.challenged++;
        turn_auth_challenge(s->auth, &t->answer, &t->flow->client);
    }
    server_answer(t);
}

static void authorized(struct turning *t)
{
    if (t->m.unknown_n) {
        unknown_attributes(t);
    } else if (t->m.method == TURN_ALLOCATE) {
        server_allocate(t);
    } else if (!t->allocation) {
        server_error(t, 437);
    } else if (t->allocation->user != server_user(t)) {
        server_error(t, 441);
    } else if (t->m.bad) {
        server_error(t, 400);
    } else if (t->m.method == TURN_REFRESH) {
        server_refresh(t);
    } else if (t->m.method == TURN_CREATE_PERMISSION) {
        server_create_permission(t);
    } else {
        server_channel_bind(t);
    }
}

/* Whether a credential is looked at, and its hashes computed: not where too many were wrong, by their source and second, and by name and
 * source. Whoever made the allocation of this flow is no stranger. */
static bool is_looked_at(const struct turning *t, bool known)
{
    const struct turn_server *s = t->s;
    const struct addr *from = &t->flow->client;

    return known || (quota_left(s->quota, QUOTA_WRONG, from, s->now_us) &&
                     guesses_may(s->guesses, t->login.name, from, s->now_us));
}

/* 0: it is who it says; an error code; SILENCE: nothing is answered. */
static unsigned identify(struct turning *t)
{
    struct turn_server *s = t->s;
    const struct addr *from = &t->flow->client;
    bool known, shown;
    unsigned code = turn_auth_read(s->auth, &t->m, from, &t->login, &shown);

    s->figures.unauthorized += code == 401 && shown;
    if (code)
        return code;
    t->allocation = allocation_find(s->allocations, t->flow);
    known = t->allocation && t->allocation->user == server_user(t);
    if (!is_looked_at(t, known)) {
        s->figures.unread++;
        return SILENCE;
    }
    code = turn_auth_prove(s->auth, &t->m, known && t->allocation->leaving, &t->login);
    if (!code) {
        guesses_right(s->guesses, t->login.name, from, s->now_us);
        return 0;
    }
    s->figures.unauthorized++;
    if (!known) {
        (void)quota_answer(s->quota, QUOTA_WRONG, from, s->now_us);
        guesses_wrong(s->guesses, t->login.name, from, s->now_us);
    }
    return code;
}

static bool is_turn(uint16_t method)
{
    return method == TURN_ALLOCATE || method == TURN_REFRESH || method == TURN_CREATE_PERMISSION ||
           method == TURN_CHANNEL_BIND;
}

static void request(struct turn_server *s, const struct turn_flow *f, const uint8_t *p, size_t n)
{
    struct turning t;
    unsigned code;

    if (codec_read(&t.m, p, n)) {
        s->figures.malformed++;
        return;
    }
    t.s = s;
    t.flow = f;
    t.login.klen = 0;
    if (t.m.cls != STUN_REQUEST)
        return; /* answers to nobody, and indications that keep a binding alive */
    if (t.m.method == STUN_BINDING) {
        binding(&t);
    } else if (is_turn(t.m.method)) {
        code = identify(&t);
        if (!code)
            authorized(&t);
        else if (code != SILENCE)
            turn_away(&t, code);
        explicit_bzero(&t.login, sizeof(t.login));
    }
}

static bool is_send_indication(const uint8_t *p)
{
    return p[0] == 0 && p[1] == (TURN_SEND | 0x10);
}

void turn_server_recv(struct turn_server *s, const struct turn_flow *f, const uint8_t *p, size_t n,
                      uint64_t now_us)
{
    s->now_us = now_us;
    if (n < TURN_CHANNEL_HEAD)
        s->figures.malformed++;
    else if (p[0] >> 6 == 1)
        server_channel_data(s, f, p, n);
    else if (is_send_indication(p))
        server_send_indication(s, f, p, n);
    else
        request(s, f, p, n);
}

/* turn/allocate: Allocate and Refresh (RFC 8656 7 and 8). */
#include "turn/state.h"

#include "core/rnd.h"

#include <errno.h>
#include <string.h>

enum { PROTO_UDP = 17 /* REQUESTED-TRANSPORT: the IP protocol's number */ };

/* What an Allocate asks for, once it makes sense. */
struct wish {
    bool want[RELAYS];
    bool both; /* ADDITIONAL-ADDRESS-FAMILY: one of two is enough */
    enum turn_port port;
};

/* ---------------------------------------------------------------- ports that wait for their token */

static void reservation_drop(struct turn_server *s, size_t i)
{
    s->reservations[i] = s->reservations[--s->reservation_n];
}

void server_reservations_purge(struct turn_server *s, uint32_t now_s)
{
    for (size_t i = s->reservation_n; i-- > 0;) {
        if (s->reservations[i].expires_s >= now_s && now_s != UINT32_MAX)
            continue;
        server_close_relay(s, &s->reservations[i].relay);
        reservation_drop(s, i);
    }
}

/* Keeps a port; its token. */
static uint64_t reservation_keep(struct turn_server *s, struct turn_relay *relay, const struct allocation *a)
{
    uint64_t token = rnd_u64() | 1; /* 0 means none */

    s->reservations[s->reservation_n++] = (struct reservation){relay, token, a->user, quota_owner(a->share),
                                                               server_now_s(s) + TURN_RESERVED_SECONDS};
    return token;
}

static bool reservation_left(const struct turn_server *s, const struct allocation *a)
{
    size_t his = 0;

    for (size_t i = 0; i < s->reservation_n; i++)
        his += s->reservations[i].owner == quota_owner(a->share);
    return s->reservation_n < RESERVATIONS_MAX && his < RESERVATIONS_PER_USER;
}

/* The port of a token, no longer kept; NULL when there is none, or it is another user's. */
static struct turn_relay *reservation_take(struct turn_server *s, uint64_t token, uint64_t user)
{
    struct turn_relay *relay;

    for (size_t i = 0; i < s->reservation_n; i++) {
        if (s->reservations[i].token != token || s->reservations[i].user != user)
            continue;
        relay = s->reservations[i].relay;
        reservation_drop(s, i);
        return relay;
    }
    return NULL;
}

/* ---------------------------------------------------------------- Allocate */

static uint32_t lifetime(const struct turn_msg *m)
{
    uint32_t s = m->has_lifetime ? m->lifetime : 0;

    s = s < ALLOCATION_SECONDS ? ALLOCATION_SECONDS : s;
    return s > ALLOCATION_SECONDS_MAX ? ALLOCATION_SECONDS_MAX : s;
}

/* RFC 8656 7.2, in its order: the error code, or 0. */
static unsigned wish_of(const struct turn_msg *m, struct wish *w)
{
    *w = (struct wish){.port = (enum turn_port)m->even_port, .both = m->additional != TURN_FAMILY_NONE};
    if (!m->has_transport || m->bad)
        return 400;
    if (m->transport != PROTO_UDP)
        return 442;
    if (m->has_token && (m->even_port || m->family != TURN_FAMILY_NONE || w->both))
        return 400;
    if (w->both &&
        (m->family != TURN_FAMILY_NONE || m->additional == TURN_FAMILY_IP4 || w->port == TURN_PORT_RESERVE))
        return 400;
    if (m->family == TURN_FAMILY_OTHER || m->additional == TURN_FAMILY_OTHER)
        return 440;
    w->want[RELAY_IP4] = m->family != TURN_FAMILY_IP6;
    w->want[RELAY_IP6] = m->family == TURN_FAMILY_IP6 || w->both;
    return 0;
}

static unsigned code_of(int err)
{
    return err == EAFNOSUPPORT ? 440 : 508;
}

static void own(const struct turn_server *s, struct allocation *a, size_t i, struct turn_relay *relay)
{
    relay->owner = a;
    a->relay[i] = relay;
    s->host.relay_given(s->arg, relay, &a->flow);
}

/* The relayed addresses that are wished; the error code when there is none. */
static unsigned open_relays(struct turn_server *s, struct allocation *a, const struct wish *w)
{
    static const int families[RELAYS] = {AF_INET, AF_INET6};
    struct turn_relay *relay, *next = NULL;
    unsigned code = 0;
    size_t opened = 0;
    int err;

    if (w->port == TURN_PORT_RESERVE && !reservation_left(s, a))
        return 508;
    for (size_t i = 0; i < RELAYS; i++) {
        if (!w->want[i])
            continue;
        err = s->host.relay_open(s->arg, families[i], w->port, &relay, &next);
        if (err) {
            a->refused[i] = (uint16_t)code_of(err);
            code = code ? code : a->refused[i];
            continue;
        }
        own(s, a, i, relay);
        opened++;
    }
    if (!opened)
        return code;
    if (next)
        a->token = reservation_keep(s, next, a);
    return 0;
}

static unsigned open_reserved(struct turn_server *s, struct allocation *a, uint64_t token)
{
    struct turn_relay *relay = reservation_take(s, token, a->user);

    if (!relay)
        return 508;
    own(s, a, (size_t)relay_index(addr_af(&relay->addr)), relay);
    return 0;
}

static void answer_allocate(struct turning *t, const struct allocation *a)
{
    const uint16_t refused = a->draft ? TURN_ADDRESS_ERROR_CODE_DRAFT : TURN_ADDRESS_ERROR_CODE;
    struct codec_answer *out = &t->answer;
    uint8_t token[8];

    codec_success(out, &t->m);
    for (size_t i = 0; i < RELAYS; i++)
        if (a->relay[i])
            codec_put_addr(out, TURN_XOR_RELAYED_ADDRESS, &a->relay[i]->addr);
    codec_put_addr(out, STUN_XOR_MAPPED_ADDRESS, &t->flow->client);
    codec_put_u32(out, TURN_LIFETIME, a->granted_s);
    for (size_t i = 0; i < sizeof(token); i++)
        token[i] = (uint8_t)(a->token >> (56 - 8 * i));
    if (a->token)
        codec_put(out, TURN_RESERVATION_TOKEN, token, sizeof(token));
    for (size_t i = 0; i < RELAYS; i++)
        if (a->refused[i])
            codec_put_family_error(out, refused, i == RELAY_IP6 ? TURN_FAMILY_IP6 : TURN_FAMILY_IP4,
                                   a->refused[i]);
    server_answer(t);
}

/* A new allocation on the flow: the error code, or 0. */
static unsigned allocate(struct turning *t, const struct wish *w)
{
    struct turn_server *s = t->s;
    struct quota_share *share = NULL;
    struct allocation *a;
    unsigned code;
    int err = quota_take(s->quota, &share, t->login.user, &t->flow->client);

    if (err)
        return err == EDQUOT ? 486 : 508;
    if (allocation_alloc(s->allocations, &a, t->flow, server_now_s(s) + lifetime(&t->m))) {
        quota_give(s->quota, share);
        return 508;
    }
    a->share = share;
    a->user = server_user(t);
    a->rest = t->login.rest;
    a->granted_s = lifetime(&t->m);
    a->draft = t->m.additional_draft;
    memcpy(a->tid, t->m.tid, sizeof(a->tid));
    code = t->m.has_token ? open_reserved(s, a, t->m.token) : open_relays(s, a, w);
    if (code) {
        server_end(s, a);
        return code;
    }
    t->allocation = a;
    s->figures.allocated++;
    return 0;
}

void server_allocate(struct turning *t)
{
    const struct allocation *a = t->allocation;
    struct wish w;
    unsigned code;

    if (a && a->user == server_user(t) && !memcmp(a->tid, t->m.tid, sizeof(a->tid))) {
        answer_allocate(t, a); /* the first answer was lost */
        return;
    }
    code = a ? 437 : wish_of(&t->m, &w);
    if (!code)
        code = allocate(t, &w);
    if (code)
        server_error(t, code);
    else
        answer_allocate(t, t->allocation);
}

/* ---------------------------------------------------------------- Refresh */

/* Which of the allocation's families a Refresh means (RFC 8656 8.2): the error code, or 0. */
static unsigned families_of(const struct turning *t, bool means[RELAYS])
{
    const struct allocation *a = t->allocation;

    for (size_t i = 0; i < RELAYS; i++)
        means[i] = a->relay[i] != NULL;
    if (t->m.family == TURN_FAMILY_NONE)
        return 0;
    means[RELAY_IP4] &= t->m.family == TURN_FAMILY_IP4;
    means[RELAY_IP6] &= t->m.family == TURN_FAMILY_IP6;
    return means[RELAY_IP4] || means[RELAY_IP6] ? 0 : 443;
}

static void end_families(struct turn_server *s, struct allocation *a, const bool means[RELAYS])
{
    bool left = false;

    for (size_t i = 0; i < RELAYS; i++) {
        if (means[i])
            server_close_relay(s, &a->relay[i]);
        left |= a->relay[i] != NULL;
    }
    if (left)
        return;
    s->figures.closed++;
    server_end(s, a);
}

void server_refresh(struct turning *t)
{
    struct allocation *a = t->allocation;
    bool means[RELAYS], end = t->m.has_lifetime && !t->m.lifetime;
    unsigned code = families_of(t, means);

    if (code) {
        server_error(t, code);
        return;
    }
    if (!end) {
        a->expires_s = server_now_s(t->s) + lifetime(&t->m);
        allocation_due(t->s->allocations, a, a->expires_s + 1); /* it may have become shorter */
    }
    codec_success(&t->answer, &t->m);
    codec_put_u32(&t->answer, TURN_LIFETIME, end ? 0 : lifetime(&t->m));
    server_answer(t);
    if (end)
        end_families(t->s, a, means);
}

/* turn/peering: CreatePermission and ChannelBind (RFC 8656 10 and 12), and what of them a new policy undoes. */
#include "turn/state.h"

#include <errno.h>

/* Whether an allocation may have to do with a peer: the error code, or 0 and what the peer is. */
static unsigned judge(const struct turning *t, const struct addr *peer, unsigned *kinds)
{
    if (!t->allocation->relay[relay_index(addr_af(peer))])
        return 443;
    *kinds = turn_policy_host(t->s->policy, peer);
    return *kinds ? 0 : 403;
}

/* A foreign peer is reached by a socket, which its relayed address may not have yet. */
static unsigned make_way(const struct turning *t, const struct addr *peer, unsigned kinds)
{
    struct turn_server *s = t->s;

    if (!(kinds & TURN_PEER_FOREIGN))
        return 0;
    return s->host.relay_foreign(s->arg, t->allocation->relay[relay_index(addr_af(peer))]) ? 508 : 0;
}

static void permit(struct turning *t, const struct addr *peer, unsigned kinds)
{
    struct allocation *a = t->allocation;
    uint32_t expires_s = server_now_s(t->s) + PERMISSION_SECONDS;

    t->s->figures.permissions -= a->permissions.n;
    permission_set(&a->permissions, peer, kinds, expires_s);
    t->s->figures.permissions += a->permissions.n;
    allocation_due(t->s->allocations, a, expires_s + 1);
}

/* All of a request's peers or none (RFC 8656 10.2). */
static unsigned create_permission(struct turning *t)
{
    unsigned kinds[CODEC_PEERS_MAX], code;
    const struct turn_msg *m = &t->m;

    if (!m->peer_n)
        return 400;
    if (m->peer_n > CODEC_PEERS_MAX)
        return 508;
    for (size_t i = 0; i < m->peer_n; i++) {
        code = judge(t, &m->peers[i], &kinds[i]);
        if (code)
            return code;
    }
    for (size_t i = 0; i < m->peer_n; i++)
        if (make_way(t, &m->peers[i], kinds[i]))
            return 508;
    if (permission_reserve(&t->allocation->permissions, m->peers, m->peer_n))
        return 508;
    for (size_t i = 0; i < m->peer_n; i++)
        permit(t, &m->peers[i], kinds[i]);
    return 0;
}

void server_create_permission(struct turning *t)
{
    unsigned code = create_permission(t);

    if (code) {
        server_error(t, code);
        return;
    }
    codec_success(&t->answer, &t->m);
    server_answer(t);
}

static unsigned channel_bind_code(int err)
{
    return err == EINVAL ? 400 : err ? 508 : 0;
}

static unsigned bind_channel(struct turning *t)
{
    struct allocation *a = t->allocation;
    const struct addr *peer = &t->m.peers[0];
    struct turn_figures *f = &t->s->figures;
    unsigned kinds, code;
    enum turn_peer kind;

    if (!t->m.channel || t->m.peer_n != 1 || !addr_port(peer))
        return 400;
    code = judge(t, peer, &kinds);
    if (code)
        return code;
    kind = turn_policy_peer(t->s->policy, peer);
    if (kind == TURN_PEER_REFUSED)
        return 403;
    if (make_way(t, peer, kinds) || permission_reserve(&a->permissions, peer, 1))
        return 508;
    f->channels -= a->channels.n;
    code = channel_bind_code(
        channel_bind(&a->channels, t->m.channel, peer, kind == TURN_PEER_OWN, server_now_s(t->s)));
    f->channels += a->channels.n;
    if (!code)
        permit(t, peer, kinds); /* a binding is a permission, too: RFC 8656 12.2 */
    return code;
}

void server_channel_bind(struct turning *t)
{
    unsigned code = bind_channel(t);

    if (code) {
        server_error(t, code);
        return;
    }
    codec_success(&t->answer, &t->m);
    server_answer(t);
}

/* One that may now do what it could not before is taken out, too: its client asks anew, and is judged as a whole. */
void server_rejudge(struct allocation *a, void *server)
{
    struct turn_server *s = server;

    s->figures.permissions -= a->permissions.n;
    s->figures.channels -= a->channels.n;
    for (size_t i = a->permissions.n; i-- > 0;)
        if (turn_policy_host(s->policy, &a->permissions.v[i].peer) != a->permissions.v[i].kinds)
            permission_remove(&a->permissions, i);
    for (size_t i = a->channels.n; i-- > 0;) {
        const struct channel *c = &a->channels.v[i];

        if (turn_policy_peer(s->policy, &c->peer) != (c->own ? TURN_PEER_OWN : TURN_PEER_FOREIGN))
            channel_remove(&a->channels, i);
    }
    s->figures.permissions += a->permissions.n;
    s->figures.channels += a->channels.n;
}

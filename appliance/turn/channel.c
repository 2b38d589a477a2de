#include "turn/channel.h"

#include <errno.h>
#include <stdlib.h>

struct channel *channel_by_number(const struct channels *l, uint16_t number, uint32_t now_s)
{
    for (size_t i = 0; i < l->n; i++)
        if (l->v[i].number == number)
            return l->v[i].expires_s >= now_s ? &l->v[i] : NULL;
    return NULL;
}

struct channel *channel_by_peer(const struct channels *l, const struct addr *peer, uint32_t now_s)
{
    for (size_t i = 0; i < l->n; i++)
        if (addr_eq(&l->v[i].peer, peer))
            return l->v[i].expires_s >= now_s ? &l->v[i] : NULL;
    return NULL;
}

static int grow(struct channels *l)
{
    size_t cap = l->cap ? 2u * l->cap : 2u;
    struct channel *v;

    if (l->n < l->cap)
        return 0;
    if (l->n >= CHANNELS_MAX)
        return ENOSPC;
    v = realloc(l->v, cap * sizeof(*v));
    if (!v)
        return ENOMEM;
    l->v = v;
    l->cap = (uint16_t)cap;
    return 0;
}

int channel_bind(struct channels *l, uint16_t number, const struct addr *peer, bool own, uint32_t now_s)
{
    struct channel *c, *by_peer;
    int err;

    channel_purge(l, now_s);
    c = channel_by_number(l, number, now_s);
    by_peer = channel_by_peer(l, peer, now_s);
    if (c != by_peer)
        return EINVAL;
    if (!c) {
        err = grow(l);
        if (err)
            return err;
        c = &l->v[l->n++];
    }
    *c = (struct channel){*peer, now_s + CHANNEL_SECONDS, number, own};
    return 0;
}

void channel_remove(struct channels *l, size_t i)
{
    l->v[i] = l->v[--l->n];
}

uint32_t channel_purge(struct channels *l, uint32_t now_s)
{
    uint32_t next = UINT32_MAX;

    for (size_t i = l->n; i-- > 0;) {
        if (l->v[i].expires_s < now_s)
            channel_remove(l, i);
        else if (l->v[i].expires_s < next)
            next = l->v[i].expires_s;
    }
    return next;
}

void channels_free(struct channels *l)
{
    free(l->v);
    *l = (struct channels){0};
}

#include "turn/permission.h"

#include <errno.h>
#include <stdlib.h>

/* Which one it is; their number when there is none. */
static size_t find(const struct permissions *l, const struct addr *peer)
{
    size_t i = 0;

    while (i < l->n && !addr_eq_ip(&l->v[i].peer, peer))
        i++;
    return i;
}

struct permission *permission_find(const struct permissions *l, const struct addr *peer, uint32_t now_s)
{
    size_t i = find(l, peer);

    return i < l->n && l->v[i].expires_s >= now_s ? &l->v[i] : NULL;
}

int permission_reserve(struct permissions *l, const struct addr *peers, size_t n)
{
    size_t cap = l->cap ? l->cap : 2, want = l->n;
    struct permission *v;

    for (size_t i = 0; i < n; i++)
        want += find(l, &peers[i]) == l->n;
    if (want > PERMISSIONS_MAX)
        return ENOSPC;
    while (cap < want)
        cap *= 2;
    if (cap == l->cap)
        return 0;
    v = realloc(l->v, cap * sizeof(*v));
    if (!v)
        return ENOMEM;
    l->v = v;
    l->cap = (uint16_t)cap;
    return 0;
}

void permission_set(struct permissions *l, const struct addr *peer, unsigned kinds, uint32_t expires_s)
{
    size_t i = find(l, peer);

    l->v[i] = (struct permission){*peer, expires_s, (uint8_t)kinds};
    if (i == l->n)
        l->n++;
}

void permission_remove(struct permissions *l, size_t i)
{
    l->v[i] = l->v[--l->n];
}

uint32_t permission_purge(struct permissions *l, uint32_t now_s)
{
    uint32_t next = UINT32_MAX;

    for (size_t i = l->n; i-- > 0;) {
        if (l->v[i].expires_s < now_s)
            permission_remove(l, i);
        else if (l->v[i].expires_s < next)
            next = l->v[i].expires_s;
    }
    return next;
}

void permissions_free(struct permissions *l)
{
    free(l->v);
    *l = (struct permissions){0};
}

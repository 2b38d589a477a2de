#include "admin/pace.h"
#include "core/keyhash.h"
#include <string.h>

void pace_init(struct pace *p, uint32_t burst, uint32_t every_ms)
{
    memset(p, 0, sizeof(*p));
    p->burst = burst;
    p->every_ms = every_ms;
}

bool pace_take(struct pace *p, const char *who, uint64_t now_ms, uint32_t *wait_ms)
{
    const uint64_t hash = keyhash(who, strlen(who)), all_ms = (uint64_t)p->burst * p->every_ms;
    const size_t i = hash % PACE_PLACES;

    if (p->v[i].who != hash || p->v[i].empty_ms < now_ms) {
        p->v[i].who = hash;
        p->v[i].empty_ms = now_ms;
    }
    if (p->v[i].empty_ms + p->every_ms > now_ms + all_ms) {
        *wait_ms = (uint32_t)(p->v[i].empty_ms + p->every_ms - now_ms - all_ms);
        return false;
    }
    p->v[i].empty_ms += p->every_ms;
    return true;
}

/* turn/revoked: see revoked.h. */
#include "turn/revoked.h"

#include "core/keyhash.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct place {
    uint64_t who; /* a keyed hash */
    int64_t end_s;
    uint64_t batch;
};

struct revoked {
    uint64_t batch; /* 0: none so far */
    struct place v[REVOKED_SETS][REVOKED_WAYS];
};

int revoked_alloc(struct revoked **rp)
{
    *rp = calloc(1, sizeof(**rp));
    return *rp ? 0 : ENOMEM;
}

void revoked_free(struct revoked *r)
{
    free(r);
}

void revoked_begin(struct revoked *r)
{
    r->batch++;
}

bool revoked_add(struct revoked *r, const char *user, int64_t end_s, int64_t unix_s)
{
    uint64_t who = keyhash(user, strlen(user));
    struct place *set = r->v[who % REVOKED_SETS], *to = &set[0];
    bool early;

    for (struct place *p = set; p < set + REVOKED_WAYS; p++) {
        if (p->who == who) {
            to = p;
            break;
        }
        if (p->end_s < to->end_s)
            to = p;
    }
    early = to->who != who && to->end_s > unix_s;
    *to = (struct place){who, end_s, r->batch};
    return !early;
}

static const struct place *find(const struct revoked *r, uint64_t who)
{
    const struct place *set = r->v[who % REVOKED_SETS];

    for (const struct place *p = set; p < set + REVOKED_WAYS; p++)
        if (p->who == who && p->end_s)
            return p;
    return NULL;
}

bool revoked_lately(const struct revoked *r, uint64_t user)
{
    const struct place *p = find(r, user);

    return p && p->batch == r->batch;
}

bool revoked_is(const struct revoked *r, const char *user, int64_t expiry_s)
{
    const struct place *p = find(r, keyhash(user, strlen(user)));

    return p && expiry_s < p->end_s;
}

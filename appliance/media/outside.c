/* media/outside: see outside.h. */
#include "media/outside.h"

#include <string.h>

_Static_assert((int)STUN_SEEN_TID == (int)STUN_TID_LEN, "two names of one thing");

static struct outside_asked *asked_find(struct media_outside *o, const uint8_t *tid,
                                        const struct addr *server)
{
    for (size_t i = 0; i < OUTSIDE_ASKED_MAX; i++)
        if (!memcmp(o->asked[i].tid, tid, STUN_TID_LEN) && addr_eq(&o->asked[i].server, server))
            return &o->asked[i];
    return NULL;
}

size_t media_outside_ask(struct media_outside *o, const struct outside_asked *ask, uint8_t *room)
{
    struct stun_writer w;
    size_t n;

    if (!asked_find(o, ask->tid, &ask->server)) {
        o->asked[o->next] = *ask;
        o->next = (o->next + 1) % OUTSIDE_ASKED_MAX;
    }
    stun_begin(&w, room, OUTSIDE_MSG_MAX, STUN_BINDING, STUN_REQUEST, ask->tid);
    stun_put_fingerprint(&w);
    return stun_end(&w, &n) ? 0 : n;
}

bool media_outside_seen(struct media_outside *o, const struct stun_view *m, const struct addr *src,
                        struct stun_seen *seen)
{
    struct outside_asked *a = asked_find(o, m->tid, src);

    if (!a || !addr_isset(src, true) || m->method != STUN_BINDING ||
        (m->cls != STUN_SUCCESS && m->cls != STUN_ERROR) || (m->fp && !stun_fingerprint_ok(m)))
        return false;
    *seen = (struct stun_seen){.server = *src};
    memcpy(seen->tid, m->tid, sizeof(seen->tid));
    if (m->cls == STUN_ERROR)
        seen->code = stun_get_error(m);
    else if (!stun_get_xaddr(m, STUN_XOR_MAPPED_ADDRESS, &seen->mapped))
        memset(&seen->mapped, 0, sizeof(seen->mapped));
    memset(a, 0, sizeof(*a));
    return true;
}

size_t media_outside_reply(const struct media_outside *o, const struct stun_view *m, const struct addr *src,
                           uint8_t *room)
{
    static const uint8_t none[STUN_DOCTOR_KEY_LEN];
    struct stun_writer w;
    size_t n;
    const uint8_t *user = stun_get(m, STUN_USERNAME, &n);

    if (m->method != STUN_BINDING || m->cls != STUN_REQUEST || !user || n != strlen(STUN_DOCTOR_USER) ||
        memcmp(user, STUN_DOCTOR_USER, n) || !memcmp(o->doctor, none, sizeof(none)) ||
        !stun_auth(m, o->doctor, sizeof(o->doctor)))
        return 0;
    stun_begin(&w, room, OUTSIDE_MSG_MAX, STUN_BINDING, STUN_SUCCESS, m->tid);
    stun_put_xaddr(&w, STUN_XOR_MAPPED_ADDRESS, src);
    stun_put_integrity(&w, o->doctor, sizeof(o->doctor));
    stun_put_fingerprint(&w);
    return stun_end(&w, &n) ? 0 : n;
}

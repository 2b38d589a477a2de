/* media/ice: connectivity checks as STUN messages, ours and theirs (RFC 8445 7). */
#include "media/ice_agent.h"

#include "core/rnd.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* PRIORITY of the peer-reflexive candidate that the peer may learn from our check: RFC 8445 5.1.2.1, type 110. */
static const uint32_t prflx_priority = 110u << 24 | 65535u << 8 | 255u;

enum { CHECK_MAX = 640, ROLE_CONFLICT = 487, UNKNOWN_ATTRIBUTE = 420 };

/* ---- ours ---- */

void ice_check_send(struct ice *ice, struct pair *p, uint64_t now_ms)
{
    struct check *c = &p->check;
    struct stun_writer w;
    uint8_t msg[2 * CHECK_MAX];
    char user[ICE_UFRAG_MAX * 2 + 1];
    size_t n;
    uint64_t rto = (uint64_t)ICE_RTO_MS << c->tries;

    snprintf(user, sizeof(user), "%s:%s", ice->remote.ufrag, ice->local.ufrag);
    stun_begin(&w, msg, sizeof(msg), STUN_BINDING, STUN_REQUEST, c->tid);
    stun_put(&w, STUN_USERNAME, user, strlen(user));
    stun_put_u32(&w, STUN_PRIORITY, prflx_priority);
    stun_put_u64(&w, c->controlling ? STUN_ICE_CONTROLLING : STUN_ICE_CONTROLLED, ice->tiebreaker);
    if (c->nominate)
        stun_put(&w, STUN_USE_CANDIDATE, NULL, 0);
    stun_put_integrity(&w, ice->remote.pwd, strlen(ice->remote.pwd));
    stun_put_fingerprint(&w);
    c->tries++;
    c->sent_ms = now_ms;
    c->next_ms = now_ms + (rto < ICE_RTO_MAX_MS ? rto : ICE_RTO_MAX_MS);
    if (!stun_end(&w, &n))
        ice->sendh(msg, n, &p->local, &p->remote, ice->arg);
}

void ice_check_start(struct ice *ice, struct pair *p, enum check_kind kind, uint64_t now_ms)
{
    struct check *c = &p->check;

    *c = (struct check){.active = true, .controlling = ice->controlling};
    c->nominate = kind == CHECK_NOMINATE;
    c->consent = kind == CHECK_CONSENT;
    memcpy(c->tid, &ice->tag, sizeof(ice->tag));
    rnd_bytes(c->tid + sizeof(ice->tag), sizeof(c->tid) - sizeof(ice->tag));
    if (p->state != PAIR_SUCCEEDED)
        p->state = PAIR_PROGRESS;
    ice_check_send(ice, p, now_ms);
}

static struct pair *pair_by_tid(struct ice *ice, const uint8_t *tid)
{
    for (size_t i = 0; i < ice->pair_count; i++) {
        struct pair *p = &ice->pairs[i];

        if (p->check.active && !memcmp(p->check.tid, tid, STUN_TID_LEN))
            return p;
    }
    return NULL;
}

static void check_succeeded(struct ice *ice, struct pair *p, const struct addr *local, uint64_t now_ms)
{
    p->check.active = false;
    p->state = PAIR_SUCCEEDED;
    p->triggered = false;
    p->ok_ms = now_ms;
    p->local = *local;
    if (p->check.tries == 1)
        p->rtt_ms = (uint32_t)(now_ms - p->check.sent_ms);
    ice_pair_tell(ice, p, ICE_VERIFIED);
    if (p->check.nominate)
        ice_pair_select(ice, p, now_ms);
    else if (p->nominated)
        ice_pair_nominated(ice, p, now_ms);
}

/* RFC 8445 7.2.5 */
static int response_recv(struct ice *ice, const struct stun_view *m, const struct addr *local,
                         const struct addr *src, uint64_t now_ms)
{
    struct pair *p = pair_by_tid(ice, m->tid);

    if (!p || !addr_eq(&p->remote, src))
        return EBADMSG;
    if (!stun_auth(m, ice->remote.pwd, strlen(ice->remote.pwd)))
        return EACCES;
    if (m->cls == STUN_SUCCESS) {
        check_succeeded(ice, p, local, now_ms);
        return 0;
    }
    p->check.active = false;
    if (stun_get_error(m) == ROLE_CONFLICT) {
        if (p->check.controlling == ice->controlling)
            ice_switch_role(ice, !ice->controlling);
        p->state = PAIR_FAILED;
        ice_pair_trigger(p);
    } else if (p != ice->selected) {
        p->state = PAIR_FAILED;
    }
    return 0;
}

/* ---- theirs ---- */

static void reply(struct ice *ice, const struct stun_view *req, const struct ice_cred *cred,
                  const struct addr *local, const struct addr *src, unsigned error)
{
    struct stun_writer w;
    uint8_t msg[CHECK_MAX], list[2 * STUN_UNKNOWN_MAX];
    uint16_t unknown[STUN_UNKNOWN_MAX];
    size_t n;

    stun_begin(&w, msg, sizeof(msg), STUN_BINDING, error ? STUN_ERROR : STUN_SUCCESS, req->tid);
    if (error) {
        stun_put_error(&w, error, error == ROLE_CONFLICT ? "Role Conflict" : "Unknown Attribute");
    } else {
        stun_put_xaddr(&w, STUN_XOR_MAPPED_ADDRESS, src);
    }
    if (error == UNKNOWN_ATTRIBUTE) {
        size_t count = stun_unknown(req, unknown);

        for (size_t i = 0; i < count; i++) {
            list[2 * i] = (uint8_t)(unknown[i] >> 8);
            list[2 * i + 1] = (uint8_t)unknown[i];
        }
        stun_put(&w, STUN_UNKNOWN_ATTRIBUTES, list, 2 * count);
    }
    stun_put_integrity(&w, cred->pwd, strlen(cred->pwd));
    stun_put_fingerprint(&w);
    if (!stun_end(&w, &n))
        ice->sendh(msg, n, local, src, ice->arg);
}

/* What follows "ufrag:" at the beginning of the n characters of user, or NULL. */
static const char *behind(const char *user, size_t n, const char *ufrag)
{
    size_t len = strlen(ufrag);

    return len && n > len && user[len] == ':' && !memcmp(user, ufrag, len) ? user + len + 1 : NULL;
}

/* The n characters are the peer's ufrag that we were told. */
static bool is_theirs(const struct ice *ice, const char *ufrag, size_t n)
{
    return n == strlen(ice->remote.ufrag) && !memcmp(ufrag, ice->remote.ufrag, n);
}

/* The credentials a request was made for: "ours:theirs" in USERNAME. In a restart old ones go with old ones and new with new: a peer that
 * has its own, but not our answer, must not find a way by half of each; Chromium would stay with it for seconds, while we are already
 * elsewhere. It may check before its offer gets here, or after that and before our answer gets there. When the restart is ours, its new
 * ones come before its answer does. */
static const struct ice_cred *cred_of(const struct ice *ice, const struct stun_view *m)
{
    const bool restarting = ice->local_old.ufrag[0];
    size_t n;
    const char *user = (const char *)stun_get(m, STUN_USERNAME, &n), *theirs;

    if (!user)
        return NULL;
    theirs = behind(user, n, ice->local.ufrag);
    if (theirs)
        return restarting || !ice->remote.ufrag[0] || is_theirs(ice, theirs, n - (size_t)(theirs - user))
                   ? &ice->local
                   : NULL;
    theirs = behind(user, n, ice->local_old.ufrag);
    return theirs && !is_theirs(ice, theirs, n - (size_t)(theirs - user)) ? &ice->local_old : NULL;
}

/* RFC 8445 7.3.1.1. True: the request is to be refused. */
static bool role_conflict(struct ice *ice, const struct stun_view *m)
{
    uint64_t theirs;

    if (ice->controlling && stun_get_u64(m, STUN_ICE_CONTROLLING, &theirs)) {
        if (ice->tiebreaker >= theirs)
            return true;
        ice_switch_role(ice, false);
    } else if (!ice->controlling && stun_get_u64(m, STUN_ICE_CONTROLLED, &theirs)) {
        if (ice->tiebreaker < theirs)
            return true;
        ice_switch_role(ice, true);
    }
    return false;
}

/* The triggered check: at once, as each costs the peer a check too. One under way may have met a closed door that the
 * peer's check has opened meanwhile: it is repeated soon. */
static void check_back(struct ice *ice, struct pair *p, uint64_t now_ms)
{
    uint64_t soon = p->check.sent_ms + ICE_TRIGGER_MS;

    if (!p->check.active)
        ice_check_start(ice, p, CHECK_ORDINARY, now_ms);
    else if (p->check.next_ms > soon)
        p->check.next_ms = soon;
}

/* The pair that a request came on, learned from it when it is new (RFC 8445 7.3.1.3). */
static struct pair *request_pair(struct ice *ice, const struct stun_view *m, const struct addr *src,
                                 uint64_t now_ms)
{
    struct pair *p = ice_pair_find(ice, src);
    uint32_t prio = 0;

    if (p)
        return p;
    (void)stun_get_u32(m, STUN_PRIORITY, &prio);
    return ice_pair_add(ice, src, prio, now_ms);
}

/* RFC 8445 7.3.1.4 and 7.3.1.5: check back, note the nomination. */
static void request_accepted(struct ice *ice, const struct stun_view *m, bool new_cred, struct pair *p,
                             uint64_t now_ms)
{
    size_t n;

    p->early = p->early || (new_cred && ice->local_old.ufrag[0]);
    if (!p->told)
        ice_pair_tell(ice, p, ICE_CLAIMED);
    if (p->state != PAIR_SUCCEEDED && ice->remote.ufrag[0])
        check_back(ice, p, now_ms);
    else
        ice_pair_trigger(p);
    if (!ice->controlling && stun_get(m, STUN_USE_CANDIDATE, &n)) {
        p->nominated = true;
        p->nominated_ms = now_ms;
        ice_pair_nominated(ice, p, now_ms);
    }
}

static int request_recv(struct ice *ice, const struct stun_view *m, const struct addr *local,
                        const struct addr *src, uint64_t now_ms)
{
    const struct ice_cred *cred = cred_of(ice, m);
    uint16_t unknown[STUN_UNKNOWN_MAX];
    struct pair *p;

    if (!cred || !stun_auth(m, cred->pwd, strlen(cred->pwd)))
        return EACCES;
    if (stun_unknown(m, unknown)) {
        reply(ice, m, cred, local, src, UNKNOWN_ATTRIBUTE);
        return 0;
    }
    if (role_conflict(ice, m)) {
        reply(ice, m, cred, local, src, ROLE_CONFLICT);
        return 0;
    }
    p = request_pair(ice, m, src, now_ms);
    if (!p)
        return ENOSPC; /* no answer: it will ask again. One that believes its nomination was heard would not */
    p->local = *local;
    reply(ice, m, cred, local, src, 0);
    request_accepted(ice, m, cred == &ice->local, p, now_ms);
    return 0;
}

int ice_recv(struct ice *ice, const struct stun_view *msg, const struct addr *local, const struct addr *src,
             uint64_t now_ms)
{
    if (!ice_alive(ice) || msg->method != STUN_BINDING || (msg->fp && !stun_fingerprint_ok(msg)))
        return EBADMSG;
    switch (msg->cls) {
    case STUN_REQUEST:
        return request_recv(ice, msg, local, src, now_ms);
    case STUN_SUCCESS:
    case STUN_ERROR:
        return response_recv(ice, msg, local, src, now_ms);
    default: /* an indication keeps a NAT binding alive, no more */
        return 0;
    }
}

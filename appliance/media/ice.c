/* media/ice: pairs, selection and time. See ice.h; messages are in ice_check.c. */
#include "media/ice.h"

#include "core/fsm.h"
#include "core/rnd.h"
#include "media/ice_agent.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    TALKER_PACKETS = 3,      /* media packets in a row from another pair before we follow, … */
    TALKER_REST = 1000,      /* … and ms until we may follow again */
    NOMINATION_STALE = 3000, /* ms: the selected pair may lose to a lower one that is nominated now */
    PAIR_KEPT = 6,
};

/* ---- states ---- */

static const struct fsm_state states[] = {
    [ICE_IDLE] = {"idle", FSM(ICE_CHECKING) | FSM(ICE_CLOSED)},
    [ICE_CHECKING] = {"checking", FSM(ICE_UP) | FSM(ICE_DEAD) | FSM(ICE_CLOSED)},
    [ICE_UP] = {"up", FSM(ICE_RESTARTING) | FSM(ICE_DEAD) | FSM(ICE_CLOSED)},
    [ICE_RESTARTING] = {"restarting", FSM(ICE_UP) | FSM(ICE_DEAD) | FSM(ICE_CLOSED)},
    [ICE_DEAD] = {"dead", FSM(ICE_CHECKING) | FSM(ICE_CLOSED)},
    [ICE_CLOSED] = {"closed", 0},
};

static bool has_pair(unsigned state)
{
    return state == ICE_UP || state == ICE_RESTARTING;
}

/* Media have a way if and only if the state says so; an agent that gave up remembers which it was. */
static bool holds(unsigned state, const void *obj)
{
    const struct ice *ice = obj;

    return state == ICE_DEAD || has_pair(state) == (ice->selected != NULL);
}

FSM_DEFINE(machine, "ice", states, holds);

static void ice_move(struct ice *ice, enum ice_state to)
{
    char label[24];

    (void)snprintf(label, sizeof(label), "path=%u", ice->tag);
    (void)fsm_move(&machine, &ice->state, to, ice, label);
}

bool ice_alive(const struct ice *ice)
{
    return ice->state != ICE_DEAD && ice->state != ICE_CLOSED;
}

static int cred_set(struct ice_cred *c, const char *ufrag, const char *pwd)
{
    if (!*ufrag || !*pwd || strlen(ufrag) >= sizeof(c->ufrag) || strlen(pwd) >= sizeof(c->pwd))
        return EINVAL;
    snprintf(c->ufrag, sizeof(c->ufrag), "%s", ufrag);
    snprintf(c->pwd, sizeof(c->pwd), "%s", pwd);
    return 0;
}

int ice_alloc(struct ice **icep, const struct ice_config *cfg)
{
    struct ice *ice = calloc(1, sizeof(*ice));
    int err;

    if (!ice)
        return ENOMEM;
    err = cred_set(&ice->local, cfg->ufrag, cfg->pwd);
    if (err) {
        ice_free(ice);
        return err;
    }
    ice->controlling = cfg->controlling;
    ice->tag = cfg->tag;
    ice->tiebreaker = rnd_u64();
    ice->sendh = cfg->sendh;
    ice->eventh = cfg->eventh;
    ice->arg = cfg->arg;
    *icep = ice;
    return 0;
}

void ice_free(struct ice *ice)
{
    if (!ice)
        return;
    explicit_bzero(ice, sizeof(*ice));
    free(ice);
}

int ice_local(struct ice *ice, const char *ufrag, const char *pwd)
{
    struct ice_cred old = ice->local;
    int err = cred_set(&ice->local, ufrag, pwd);

    if (err)
        return err;
    ice->local_old = old;
    for (size_t i = 0; i < ice->pair_count; i++)
        ice->pairs[i].early = false;
    return 0;
}

/* ---- pairs ---- */

struct pair *ice_pair_find(struct ice *ice, const struct addr *remote)
{
    for (size_t i = 0; i < ice->pair_count; i++)
        if (addr_eq(&ice->pairs[i].remote, remote))
            return &ice->pairs[i];
    return NULL;
}

static void pair_forget(struct ice *ice, struct pair *p)
{
    if (p->told)
        ice->eventh(ICE_FORGOTTEN, &p->remote, ice->arg);
    memset(p, 0, sizeof(*p));
}

void ice_close(struct ice *ice)
{
    ice->selected = NULL;
    for (size_t i = 0; i < ice->pair_count; i++)
        pair_forget(ice, &ice->pairs[i]);
    ice->pair_count = 0;
    ice_move(ice, ICE_CLOSED);
}

static struct pair *pair_best(struct ice *ice, enum pair_state state)
{
    struct pair *best = NULL;

    for (size_t i = 0; i < ice->pair_count; i++) {
        struct pair *p = &ice->pairs[i];

        if (p->state == state && (!best || p->prio > best->prio))
            best = p;
    }
    return best;
}

/* Where packets go now. Before the selection that is the best pair that works; without one (early), one that the peer was heard on. */
static struct pair *pair_route(const struct ice *ice, bool early)
{
    struct pair *p = ice->selected ? ice->selected : pair_best((struct ice *)ice, PAIR_SUCCEEDED);

    for (size_t i = 0; !p && early && i < ice->pair_count; i++)
        if (ice->pairs[i].told)
            p = (struct pair *)&ice->pairs[i];
    return p;
}

/* How much would be lost with a pair. */
static unsigned pair_worth(const struct pair *p, uint64_t now_ms)
{
    switch (p->state) {
    case PAIR_FAILED:
        return p->told ? 2 : 1;
    case PAIR_SUCCEEDED: /* long ago: a network that the peer has left */
        return now_ms - p->ok_ms > ICE_CONSENT_LIFE_MS ? 3 : PAIR_KEPT;
    case PAIR_WAITING:
        return p->told ? 5 : 4;
    default:
        return PAIR_KEPT;
    }
}

/* The place of the least useful pair, the oldest of its kind; never that of the one in use. */
static struct pair *pair_victim(struct ice *ice, uint64_t now_ms)
{
    const struct pair *used = pair_route(ice, true);
    struct pair *victim = NULL;
    unsigned least = PAIR_KEPT;

    for (size_t i = 0; i < ice->pair_count; i++) {
        struct pair *p = &ice->pairs[i];
        unsigned worth = p == used ? PAIR_KEPT : pair_worth(p, now_ms);

        if (worth < least || (victim && worth == least && p->ok_ms < victim->ok_ms)) {
            least = worth;
            victim = p;
        }
    }
    return victim;
}

struct pair *ice_pair_add(struct ice *ice, const struct addr *remote, uint32_t prio, uint64_t now_ms)
{
    struct pair *p;

    if (ice->pair_count < ICE_PAIRS_MAX) {
        p = &ice->pairs[ice->pair_count++];
    } else {
        p = pair_victim(ice, now_ms);
        if (!p)
            return NULL;
        pair_forget(ice, p);
    }
    *p = (struct pair){.remote = *remote, .prio = prio, .type = MEDIA_CAND_PRFLX};
    return p;
}

void ice_pair_tell(struct ice *ice, struct pair *p, enum ice_event what)
{
    p->told = true;
    ice->eventh(what, &p->remote, ice->arg);
}

void ice_pair_trigger(struct pair *p)
{
    if (p->state == PAIR_SUCCEEDED || p->state == PAIR_PROGRESS)
        return;
    p->state = PAIR_WAITING;
    p->triggered = true;
}

void ice_switch_role(struct ice *ice, bool controlling)
{
    if (ice->controlling == controlling)
        return;
    ice->controlling = controlling;
    for (size_t i = 0; i < ice->pair_count; i++)
        ice->pairs[i].check.nominate = false;
}

/* ---- selection ---- */

void ice_pair_select(struct ice *ice, struct pair *p, uint64_t now_ms)
{
    struct pair *was = ice->selected;
    bool first = !was;

    ice->local_old = (struct ice_cred){0};
    ice->talker_packets = 0;
    ice->selected = p;
    ice_move(ice, ICE_UP);
    if (p == was)
        return;
    ice->selected_ms = now_ms;
    ice->consent_ms = now_ms + ICE_CONSENT_MS;
    if (now_ms - p->ok_ms > ICE_CONSENT_MS)
        ice->consent_ms = now_ms; /* an old success is no consent */
    ice->eventh(first ? ICE_SELECTED : ICE_MOVED, &p->remote, ice->arg);
}

void ice_pair_nominated(struct ice *ice, struct pair *p, uint64_t now_ms)
{
    struct pair *sel = ice->selected;

    if (p->state != PAIR_SUCCEEDED || ice->controlling || !ice_alive(ice))
        return;
    /* Peers that nominate every pair (aggressive nomination) mean the best; those that nominate one mean the last. */
    if (!sel || p == sel || ice->state == ICE_RESTARTING || p->prio > sel->prio ||
        now_ms - sel->nominated_ms > NOMINATION_STALE)
        ice_pair_select(ice, p, now_ms);
}

void ice_media(struct ice *ice, const struct addr *src, uint64_t now_ms)
{
    struct pair *p;

    if (!has_pair(ice->state))
        return;
    if (addr_eq(src, &ice->selected->remote)) {
        ice->talker_packets = 0;
        return;
    }
    if (!addr_eq(src, &ice->talker))
        ice->talker_packets = 0;
    ice->talker = *src;
    if (++ice->talker_packets < TALKER_PACKETS || now_ms < ice->talker_ms + TALKER_REST)
        return;
    ice->talker_ms = now_ms;
    p = ice_pair_find(ice, src);
    if (!p)
        return;
    if (p->state != PAIR_SUCCEEDED)
        ice_pair_trigger(p);
    else if (ice->controlling)
        ice_check_start(ice, p, CHECK_NOMINATE, now_ms);
    else
        ice_pair_select(ice, p, now_ms);
    ice->talker_packets = 0;
}

/* A restart (RFC 8445 9) begins with an empty list; the selected pair stays as the way for media, to be proven again, and so do those
 * that the peer has checked, and may have nominated, before we heard of its new credentials. */
static void restart(struct ice *ice)
{
    struct pair *selected = NULL;
    size_t kept = 0;

    for (size_t i = 0; i < ice->pair_count; i++) {
        struct pair p = ice->pairs[i];
        bool is_selected = &ice->pairs[i] == ice->selected;

        if (!is_selected && !p.early) {
            pair_forget(ice, &ice->pairs[i]);
            continue;
        }
        p.state = PAIR_WAITING;
        p.check = (struct check){0};
        p.triggered = p.early;
        p.nominated = p.nominated && p.early;
        ice->pairs[kept] = p;
        if (is_selected)
            selected = &ice->pairs[kept];
        kept++;
    }
    ice->pair_count = kept;
    ice->selected = selected;
    ice->first_ok_ms = 0;
    ice_move(ice, selected ? ICE_RESTARTING : ICE_CHECKING);
}

static bool cand_usable(const struct addr *a)
{
    if (!addr_isset(a, true) || addr_is_any(a))
        return false;
    if (addr_af(a) == AF_INET)
        return ntohl(a->u.in.sin_addr.s_addr) < 0xe0000000u; /* no multicast, no broadcast */
    return a->u.in6.sin6_addr.s6_addr[0] != 0xff &&
           !addr_is_linklocal(a); /* SDP has no scope for link-local ones */
}

void ice_remote(struct ice *ice, const char *ufrag, const char *pwd, const struct media_cand *cands,
                size_t count, uint64_t now_ms)
{
    bool known = ice->remote.ufrag[0] != 0;
    bool same = known && !strcmp(ice->remote.ufrag, ufrag) && !strcmp(ice->remote.pwd, pwd);

    if ((!ice_alive(ice) && same) || ice->state == ICE_CLOSED ||
        (!same && cred_set(&ice->remote, ufrag, pwd)))
        return;
    /* A restart revives, but without consent nothing may go the old way. A peer whose old checks were answered would think
     * that it is found again, and not look for a new one. */
    if (ice->state == ICE_DEAD) {
        ice->selected = NULL;
        ice->local_old = (struct ice_cred){0};
    }
    if (!same) {
        ice->deadline_ms = now_ms + ICE_TIMEOUT_MS;
        if (known)
            restart(ice);
        else
            ice_move(ice, ICE_CHECKING);
    }
    for (size_t i = 0; i < count; i++) {
        struct pair *p = ice_pair_find(ice, &cands[i].addr);

        if (!p && cand_usable(&cands[i].addr))
            p = ice_pair_add(ice, &cands[i].addr, cands[i].priority, now_ms);
        if (!p)
            continue;
        p->prio = cands[i].priority;
        p->type = cands[i].type;
    }
}

/* ---- time ---- */

static void retransmit(struct ice *ice, struct pair *p, uint64_t now_ms)
{
    /* a consent check is sent once and may be answered until the next: RFC 7675 5.1 */
    if (!p->check.active || p->check.consent || now_ms < p->check.next_ms)
        return;
    if (p->check.tries < ICE_TRIES_MAX) {
        ice_check_send(ice, p, now_ms);
        return;
    }
    p->check.active = false;
    p->state = PAIR_FAILED;
}

static void next_check(struct ice *ice, uint64_t now_ms)
{
    struct pair *p = NULL;

    if (!ice->remote.ufrag[0] || now_ms < ice->next_check_ms)
        return;
    for (size_t i = 0; i < ice->pair_count && !p; i++)
        if (ice->pairs[i].triggered)
            p = &ice->pairs[i];
    if (!p)
        p = pair_best(ice, PAIR_WAITING);
    if (!p)
        return;
    p->triggered = false;
    ice->next_check_ms = now_ms + ICE_TA_MS;
    ice_check_start(ice, p, CHECK_ORDINARY, now_ms);
}

/* Regular nomination: RFC 8445 8.1.1. */
static void nominate(struct ice *ice, uint64_t now_ms)
{
    struct pair *best = pair_best(ice, PAIR_SUCCEEDED), *open;

    if (!best || ice->state == ICE_UP)
        return;
    for (size_t i = 0; i < ice->pair_count; i++)
        if (ice->pairs[i].check.active && ice->pairs[i].check.nominate)
            return;
    if (!ice->first_ok_ms)
        ice->first_ok_ms = now_ms;
    open = pair_best(ice, PAIR_WAITING);
    if (!open)
        open = pair_best(ice, PAIR_PROGRESS);
    if (open && now_ms - ice->first_ok_ms < ICE_NOMINATE_MS)
        return;
    ice_check_start(ice, best, CHECK_NOMINATE, now_ms);
}

static void die(struct ice *ice, enum ice_event why)
{
    ice_move(ice, ICE_DEAD);
    ice->eventh(why, ice->selected ? &ice->selected->remote : &(struct addr){0}, ice->arg);
}

/* RFC 7675 5.1. A pair that was proven long ago and is taken now, because the peer went there, has the time to prove itself anew. */
static void consent(struct ice *ice, uint64_t now_ms)
{
    struct pair *p = ice->selected;
    uint64_t since_ms = p->ok_ms > ice->selected_ms ? p->ok_ms : ice->selected_ms;

    if (now_ms - since_ms >= ICE_CONSENT_LIFE_MS) {
        die(ice, ICE_CONSENT_LOST);
        return;
    }
    if (now_ms < ice->consent_ms)
        return;
    ice->consent_ms = now_ms + ICE_CONSENT_MS * 4 / 5 + rnd_u32() % (ICE_CONSENT_MS * 2 / 5);
    if (!p->check.active || p->check.consent)
        ice_check_start(ice, p, CHECK_CONSENT, now_ms);
}

void ice_patience(struct ice *ice, uint64_t now_ms)
{
    if (ice->state == ICE_CHECKING)
        ice->deadline_ms = now_ms + ICE_TIMEOUT_MS;
}

void ice_tick(struct ice *ice, uint64_t now_ms)
{
    if (!ice_alive(ice))
        return;
    for (size_t i = 0; i < ice->pair_count; i++)
        retransmit(ice, &ice->pairs[i], now_ms);
    next_check(ice, now_ms);
    if (ice->controlling)
        nominate(ice, now_ms);
    if (ice->state == ICE_UP)
        consent(ice, now_ms);
    else if (ice->state != ICE_IDLE && now_ms >= ice->deadline_ms)
        die(ice, ICE_TIMED_OUT);
}

/* ---- questions ---- */

static bool route_to(const struct pair *p, struct addr *local, struct addr *remote)
{
    if (!p)
        return false;
    *local = p->local;
    *remote = p->remote;
    return true;
}

bool ice_route(const struct ice *ice, struct addr *local, struct addr *remote)
{
    return ice_alive(ice) && route_to(pair_route(ice, false), local, remote);
}

bool ice_route_early(const struct ice *ice, struct addr *local, struct addr *remote)
{
    return ice_alive(ice) && route_to(pair_route(ice, true), local, remote);
}

bool ice_settled(const struct ice *ice)
{
    for (size_t i = 0; i < ice->pair_count; i++) {
        const struct pair *p = &ice->pairs[i];

        if (p->state == PAIR_WAITING || p->triggered || (p->check.active && !p->check.consent))
            return false;
    }
    return ice->state == ICE_UP;
}

enum media_cand_type ice_remote_type(const struct ice *ice)
{
    return ice->selected ? ice->selected->type : MEDIA_CAND_PRFLX;
}

uint32_t ice_rtt_ms(const struct ice *ice)
{
    return ice->selected ? ice->selected->rtt_ms : 0;
}

/* Two ICE agents that talk through memory on a fake clock. */
#include "addrs.h"
#include "core/buf.h"
#include "core/metric.h"
#include "media/ice_agent.h"
#include "testing.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { QUEUE = 256, MSG = 1400 };

struct end {
    struct ice *ice;
    const char *name;
    struct addr addr;    /* where it receives */
    struct addr seen_as; /* what the other sees as its source: differs behind a NAT */
    bool deaf;           /* nothing arrives */
    unsigned selected, moved, claimed, verified, forgotten, timed_out, consent_lost, sent, errors487;
    struct addr last, last_verified;
};

struct datagram {
    uint8_t data[MSG];
    size_t n;
    struct end *from;
    struct addr dst;
};

static struct end a, b;
static struct datagram queue[QUEUE];
static size_t head, tail;
static uint64_t now;
static unsigned loss; /* percent */
static uint64_t dice;

static void send_h(const uint8_t *p, size_t n, const struct addr *src, const struct addr *dst, void *arg)
{
    struct datagram *d = &queue[tail++ % QUEUE];
    struct stun_view v;

    (void)src;
    memcpy(d->data, p, n);
    d->n = n;
    d->from = arg;
    d->dst = *dst;
    d->from->sent++;
    if (!stun_parse(&v, p, n) && stun_get_error(&v) == 487)
        d->from->errors487++;
}

static void event_h(enum ice_event ev, const struct addr *addr, void *arg)
{
    struct end *e = arg;

    e->selected += ev == ICE_SELECTED;
    e->moved += ev == ICE_MOVED;
    e->claimed += ev == ICE_CLAIMED;
    e->verified += ev == ICE_VERIFIED;
    e->forgotten += ev == ICE_FORGOTTEN;
    e->timed_out += ev == ICE_TIMED_OUT;
    e->consent_lost += ev == ICE_CONSENT_LOST;
    e->last = *addr;
    if (ev == ICE_VERIFIED)
        e->last_verified = *addr;
}

static int end_alloc(struct end *e, const char *name, bool controlling, const char *addr)
{
    char ufrag[16], pwd[32];
    struct ice_config cfg = {.controlling = controlling,
                             .tag = 7,
                             .ufrag = ufrag,
                             .pwd = pwd,
                             .sendh = send_h,
                             .eventh = event_h,
                             .arg = e};

    *e = (struct end){.name = name};
    snprintf(ufrag, sizeof(ufrag), "%sfrag", name);
    snprintf(pwd, sizeof(pwd), "%s-password-0123456789", name);
    if (addr_parse(&e->addr, addr))
        return EINVAL;
    e->seen_as = e->addr;
    return ice_alloc(&e->ice, &cfg);
}

static void tell(struct end *e, const struct end *peer, bool with_candidate)
{
    struct media_cand c = {.addr = peer->addr, .priority = 100};
    char ufrag[16], pwd[32];

    snprintf(ufrag, sizeof(ufrag), "%sfrag", peer->name);
    snprintf(pwd, sizeof(pwd), "%s-password-0123456789", peer->name);
    ice_remote(e->ice, ufrag, pwd, &c, with_candidate, now);
}

static bool setup(bool a_controlling, bool b_controlling)
{
    head = tail = loss = 0;
    now = 1000000;
    return !end_alloc(&a, "a", a_controlling, "10.0.0.1:1000") &&
           !end_alloc(&b, "b", b_controlling, "10.0.0.2:2000");
}

static void teardown(void)
{
    ice_free(a.ice);
    ice_free(b.ice);
}

static void deliver(void)
{
    while (head != tail) {
        struct datagram d = queue[head++ % QUEUE];
        struct end *to = d.from == &a ? &b : &a;
        struct stun_view v;

        if (to->deaf || (loss && test_random(&dice) % 100 < loss) || !addr_eq(&d.dst, &to->seen_as) ||
            stun_parse(&v, d.data, d.n))
            continue;
        (void)ice_recv(to->ice, &v, &to->addr, &d.from->seen_as, now);
    }
}

static void run(unsigned ms)
{
    for (uint64_t end = now + ms; now < end; now += 20) {
        ice_tick(a.ice, now);
        ice_tick(b.ice, now);
        deliver();
    }
}

static void check_connected(void)
{
    struct addr local, remote;

    CHECK_EQ_INT(a.selected, 1);
    CHECK_EQ_INT(b.selected, 1);
    CHECK(ice_route(a.ice, &local, &remote) && addr_eq(&remote, &b.seen_as));
    CHECK(ice_route(b.ice, &local, &remote) && addr_eq(&remote, &a.seen_as));
    CHECK(a.ice->controlling != b.ice->controlling);
}

TEST(both_roles_connect)
{
    for (int controlling = 0; controlling < 2; controlling++) {
        CHECK(setup(controlling, !controlling));
        tell(&a, &b, true);
        tell(&b, &a, true);
        run(1000);
        check_connected();
        teardown();
    }
}

TEST(a_role_conflict_is_solved_both_ways)
{
    for (int both = 0; both < 2; both++) {
        CHECK(setup(both, both));
        tell(&a, &b, true);
        tell(&b, &a, true);
        run(2000);
        check_connected();
        teardown();
    }
}

TEST(the_selected_pairs_candidate_is_of_the_kind_that_its_sdp_says)
{
    struct media_cand c = {.priority = 100, .type = MEDIA_CAND_SRFLX};

    CHECK(setup(false, true));
    CHECK_EQ_INT(ice_remote_type(a.ice), MEDIA_CAND_PRFLX);
    tell(&a, &b, false);
    tell(&b, &a, true);
    run(1000);
    check_connected();
    CHECK_EQ_INT(ice_remote_type(a.ice), MEDIA_CAND_PRFLX); /* learnt from its check */
    CHECK_EQ_INT(ice_remote_type(b.ice), MEDIA_CAND_HOST);
    c.addr = b.addr;
    ice_remote(a.ice, "bfrag", "b-password-0123456789", &c, 1, now);
    CHECK_EQ_INT(ice_remote_type(a.ice), MEDIA_CAND_SRFLX);
    teardown();
}

TEST(a_peer_without_candidates_is_learned_from_its_checks)
{
    CHECK(setup(false, true));
    CHECK_EQ_INT(addr_parse(&b.seen_as, "192.0.2.9:4444"), 0); /* and is behind a NAT */
    tell(&a, &b, false);
    tell(&b, &a, true);
    run(1000);
    check_connected();
    CHECK(a.verified >= 1 && addr_eq(&a.last_verified, &b.seen_as));
    teardown();
}

TEST(a_lost_first_check_is_repeated)
{
    CHECK(setup(false, true));
    tell(&a, &b, true);
    tell(&b, &a, true);
    a.deaf = b.deaf = true;
    run(800);
    a.deaf = b.deaf = false;
    run(3000);
    check_connected();
    teardown();
}

TEST(nobody_there_times_out)
{
    CHECK(setup(false, true));
    b.deaf = true;
    tell(&a, &b, true);
    run(ICE_TIMEOUT_MS - 100);
    CHECK_EQ_INT(a.timed_out, 0);
    run(200);
    CHECK_EQ_INT(a.timed_out, 1);
    CHECK_EQ_INT(a.selected, 0);
    CHECK(a.sent >= 3 && a.sent <= 20);
    teardown();
}

TEST(consent_is_kept_and_expires)
{
    struct addr local, remote;

    CHECK(setup(false, true));
    tell(&a, &b, true);
    tell(&b, &a, true);
    run(1000);
    run(120000);
    CHECK_EQ_INT(a.consent_lost + b.consent_lost, 0);
    CHECK(a.sent > 2 * 120000 / 6000 - 4 &&
          a.sent < 2 * 120000 / 4000 + 20); /* their answers and ours, 4 to 6 s apart */
    a.deaf = true;
    run(ICE_CONSENT_LIFE_MS - ICE_CONSENT_MS * 2);
    CHECK_EQ_INT(a.consent_lost, 0);
    run(ICE_CONSENT_MS * 2 + 100);
    CHECK_EQ_INT(a.consent_lost, 1);
    CHECK(!ice_route(a.ice, &local, &remote));
    teardown();
}

TEST(a_moved_peer_is_followed)
{
    struct addr local, remote;

    CHECK(setup(false, true));
    tell(&a, &b, true);
    tell(&b, &a, true);
    run(1000);
    check_connected();
    CHECK_EQ_INT(addr_parse(&b.seen_as, "10.0.0.2:2999"), 0); /* its NAT binding changed; it does not know */
    run(6500);                                                /* until its next consent check */
    for (int i = 0; i < 3; i++)
        ice_media(a.ice, &b.seen_as, now);
    CHECK_EQ_INT(a.moved, 1);
    CHECK(ice_route(a.ice, &local, &remote) && addr_eq(&remote, &b.seen_as));
    run(60000);
    CHECK_EQ_INT(a.consent_lost, 0);
    b.seen_as = b.addr; /* and back: to a pair that was proven a minute ago */
    for (int i = 0; i < 3; i++)
        ice_media(a.ice, &b.seen_as, now);
    CHECK_EQ_INT(a.moved, 2);
    run(60000);
    CHECK_EQ_INT(a.consent_lost, 0);
    CHECK(ice_route(a.ice, &local, &remote) && addr_eq(&remote, &b.addr));
    b.deaf = true; /* a pair that was taken and does not answer is given up all the same */
    run(40000);
    CHECK_EQ_INT(a.consent_lost, 1);
    teardown();
}

TEST(a_restart_keeps_media_flowing_and_ends_in_a_new_selection)
{
    struct media_cand c = {.priority = 100};
    struct addr local, remote;

    CHECK(setup(false, true));
    tell(&a, &b, true);
    tell(&b, &a, true);
    run(1000);
    check_connected();
    CHECK_EQ_INT(ice_local(a.ice, "anew1", "a-new-password-0123456789"), 0);
    CHECK_EQ_INT(ice_local(b.ice, "bnew1", "b-new-password-0123456789"), 0);
    c.addr = b.addr;
    ice_remote(a.ice, "bnew1", "b-new-password-0123456789", &c, 1, now);
    CHECK(ice_route(a.ice, &local, &remote));
    c.addr = a.addr;
    ice_remote(b.ice, "anew1", "a-new-password-0123456789", &c, 1, now);
    run(60000);
    CHECK_EQ_INT(a.consent_lost + b.consent_lost + a.timed_out + b.timed_out, 0);
    CHECK(ice_route(a.ice, &local, &remote) && addr_eq(&remote, &b.addr));
    CHECK_EQ_INT(ice_local(b.ice, "b2", "b-newer-password-0123456789"), 0);
    teardown();
}

/* What a makes of a request from b with these credentials. */
static int knock(const char *username, const char *pwd)
{
    uint8_t msg[256], tid[STUN_TID_LEN] = {1};
    struct stun_writer w;
    struct stun_view v;
    size_t n;

    stun_begin(&w, msg, sizeof(msg), STUN_BINDING, STUN_REQUEST, tid);
    stun_put(&w, STUN_USERNAME, username, strlen(username));
    stun_put_integrity(&w, pwd, strlen(pwd));
    stun_put_fingerprint(&w);
    if (stun_end(&w, &n) || stun_parse(&v, msg, n))
        return EPROTO;
    return ice_recv(a.ice, &v, &a.addr, &b.addr, now);
}

TEST(in_a_restart_old_names_go_with_old_ones)
{
    CHECK(setup(false, true));
    tell(&a, &b, true);
    tell(&b, &a, true);
    run(1000);
    CHECK_EQ_INT(knock("afrag:bnew1", "a-password-0123456789"), EACCES); /* ahead of its offer */
    CHECK_EQ_INT(knock("afrag:bfrag", "a-password-0123456789"), 0);
    CHECK_EQ_INT(ice_local(a.ice, "anew1", "a-new-password-0123456789"), 0);
    CHECK_EQ_INT(knock("anew1:bnew1", "a-new-password-0123456789"),
                 0); /* of our offer, ahead of its answer */
    ice_remote(a.ice, "bnew1", "b-new-password-0123456789", NULL, 0, now);
    CHECK_EQ_INT(knock("afrag:bfrag", "a-password-0123456789"), 0);
    CHECK_EQ_INT(knock("afrag:bnew1", "a-password-0123456789"), EACCES);
    CHECK_EQ_INT(knock("anew1:bnew1", "a-new-password-0123456789"), 0);
    teardown();
}

TEST(a_restart_revives_an_agent_that_gave_up)
{
    struct media_cand c = {.priority = 100};
    struct addr local, remote;

    CHECK(setup(false, true));
    tell(&a, &b, true);
    tell(&b, &a, true);
    run(1000);
    a.deaf = true;
    run(2 * ICE_CONSENT_LIFE_MS);
    CHECK_EQ_INT(a.consent_lost, 1);
    a.deaf = false;
    CHECK_EQ_INT(ice_local(b.ice, "bnew1", "b-new-password-0123456789"), 0);
    CHECK_EQ_INT(ice_local(a.ice, "anew1", "a-new-password-0123456789"), 0);
    c.addr = b.addr;
    ice_remote(a.ice, "bnew1", "b-new-password-0123456789", &c, 1, now);
    CHECK(!ice_route(a.ice, &local, &remote));
    CHECK_EQ_INT(knock("afrag:bfrag", "a-password-0123456789"), EACCES);
    c.addr = a.addr;
    ice_remote(b.ice, "anew1", "a-new-password-0123456789", &c, 1, now);
    run(2000);
    CHECK_EQ_INT(a.selected, 2);
    CHECK(ice_route(a.ice, &local, &remote) && addr_eq(&remote, &b.addr));
    teardown();
}

TEST(the_wrong_password_opens_nothing)
{
    CHECK(setup(false, true));
    CHECK_EQ_INT(knock("afrag:bfrag", "guessed"), EACCES);
    CHECK_EQ_INT(a.verified, 0);
    CHECK_EQ_INT(a.sent, 0);
    teardown();
}

/* A check of the peer's from src, as somebody with its password can forge it. */
static int forge(struct end *e, const char *user, const char *pwd, const struct addr *src)
{
    uint8_t msg[256], tid[STUN_TID_LEN] = {1};
    struct stun_writer w;
    struct stun_view v;
    size_t n;

    stun_begin(&w, msg, sizeof(msg), STUN_BINDING, STUN_REQUEST, tid);
    stun_put(&w, STUN_USERNAME, user, strlen(user));
    stun_put_u64(&w, e->ice->controlling ? STUN_ICE_CONTROLLED : STUN_ICE_CONTROLLING, 1);
    stun_put_integrity(&w, pwd, strlen(pwd));
    stun_put_fingerprint(&w);
    if (stun_end(&w, &n) || stun_parse(&v, msg, n))
        return EPROTO;
    return ice_recv(e->ice, &v, &e->addr, src, now);
}

static void flood(void)
{
    struct addr src;
    int err;

    CHECK_EQ_INT(addr_parse(&src, "10.9.9.9:1"), 0);
    for (uint16_t port = 1; port <= 1000; port++) {
        addr_set_port(&src, port);
        err = forge(&a, "afrag:bfrag", "a-password-0123456789", &src);
        CHECK(!err || err == ENOSPC);
        head = tail;
    }
}

TEST(pairs_are_bounded)
{
    CHECK(setup(false, true));
    flood();
    CHECK_EQ_INT(a.claimed - a.forgotten, ICE_PAIRS_MAX);
    CHECK_EQ_INT(a.verified, 0); /* nobody has answered us */
    ice_close(a.ice);
    CHECK_EQ_INT(a.forgotten, a.claimed);
    teardown();
}

/* Not before the selection, when the peer's first check is all we know of it, and not behind it. */
TEST(a_full_table_keeps_the_pair_in_use)
{
    struct media_cand many[MEDIA_CANDS_MAX];
    struct addr local, remote;

    CHECK(setup(false, true));
    tell(&b, &a, true);
    run(100);
    CHECK(ice_route_early(a.ice, &local, &remote) && addr_eq(&remote, &b.addr));
    for (unsigned i = 0; i < MEDIA_CANDS_MAX; i++) {
        many[i] = (struct media_cand){.priority = 1000 + i};
        CHECK_EQ_INT(addr_parse_ip(&many[i].addr, "10.7.7.7", (uint16_t)(1000 + i)), 0);
    }
    flood();
    CHECK(ice_route_early(a.ice, &local, &remote) && addr_eq(&remote, &b.addr));
    ice_remote(a.ice, "bfrag", "b-password-0123456789", many, MEDIA_CANDS_MAX, now);
    CHECK(ice_route_early(a.ice, &local, &remote) && addr_eq(&remote, &b.addr));
    run(4000);
    check_connected();
    flood();
    run(30000);
    flood();
    check_connected();
    CHECK_EQ_INT(a.consent_lost + a.moved, 0);
    teardown();
}

/* A long call on the road: each network leaves a pair behind that worked. */
TEST(networks_left_long_ago_make_room)
{
    struct addr local, remote;

    CHECK(setup(true, false));
    tell(&a, &b, true);
    tell(&b, &a, true);
    run(2000);
    check_connected();
    for (unsigned i = 1; i <= 2 * ICE_PAIRS_MAX; i++) {
        CHECK_EQ_INT(addr_parse_ip(&b.seen_as, "10.5.5.5", (uint16_t)(3000 + i)), 0);
        for (unsigned k = 0; k < 500; k++) { /* ten seconds there */
            run(20);
            ice_media(a.ice, &b.seen_as, now);
        }
        CHECK(ice_route(a.ice, &local, &remote) && addr_eq(&remote, &b.seen_as));
    }
    CHECK_EQ_INT(a.consent_lost, 0);
    teardown();
}

/* Credentials of e's nth generation. */
static void cred_of(const struct end *e, unsigned n, char ufrag[16], char pwd[48])
{
    snprintf(ufrag, 16, "%s%ufrag", e->name, n);
    snprintf(pwd, 48, "%s%u-password-0123456789", e->name, n);
}

static void told_of(struct end *e, const struct end *peer, unsigned n)
{
    struct media_cand c = {.addr = peer->seen_as, .priority = 100};
    char ufrag[16], pwd[48];

    cred_of(peer, n, ufrag, pwd);
    ice_remote(e->ice, ufrag, pwd, &c, 1, now);
}

/* Both get new credentials; they hear of the other's one after the other, with time in between, as by SIP. */
static void restart_both(unsigned n, unsigned between_ms)
{
    char ufrag[16], pwd[48];

    cred_of(&a, n, ufrag, pwd);
    CHECK_EQ_INT(ice_local(a.ice, ufrag, pwd), 0);
    told_of(&b, &a, n);
    cred_of(&b, n, ufrag, pwd);
    CHECK_EQ_INT(ice_local(b.ice, ufrag, pwd), 0);
    run(between_ms);
    told_of(&a, &b, n);
}

static void agent_is_sound(const struct end *e)
{
    const struct ice *ice = e->ice;
    bool has = ice->state == ICE_UP || ice->state == ICE_RESTARTING;
    unsigned told = 0;

    CHECK(ice->pair_count <= ICE_PAIRS_MAX);
    CHECK(ice->state == ICE_DEAD || has == (ice->selected != NULL));
    CHECK(!ice->selected || (ice->selected >= ice->pairs && ice->selected < ice->pairs + ice->pair_count));
    for (size_t i = 0; i < ice->pair_count; i++) {
        told += ice->pairs[i].told;
        for (size_t k = 0; k < i; k++)
            CHECK(!addr_eq(&ice->pairs[i].remote, &ice->pairs[k].remote));
    }
    CHECK(e->forgotten <= e->claimed + e->verified);
    CHECK(told > 0 || e->forgotten > 0 || e->claimed + e->verified == 0);
}

static void happens(unsigned *generation)
{
    struct end *e = test_random(&dice) % 2 ? &a : &b, *other = e == &a ? &b : &a;
    char ufrag[16], theirs[16], pwd[48], user[34];
    struct addr src;

    CHECK_EQ_INT(addr_parse(&src, "10.9.9.9:1"), 0);
    switch (test_random(&dice) % 7) {
    case 0:
        restart_both(++*generation, (unsigned)(test_random(&dice) % 3000));
        break;
    case 1: /* another network */
        addr_set_port(&e->seen_as, (uint16_t)(1000 + test_random(&dice) % 60000));
        break;
    case 2:
        for (int i = 0; i < 5; i++)
            ice_media(e->ice, &other->seen_as, now);
        break;
    case 3:
        e->deaf = test_random(&dice) % 2;
        break;
    case 4:
        loss = (unsigned)(test_random(&dice) % 60);
        break;
    case 5: /* candidates that come later */
        told_of(e, other, *generation);
        break;
    case 6:
        cred_of(other, *generation, theirs, pwd);
        cred_of(e, *generation, ufrag, pwd);
        snprintf(user, sizeof(user), "%s:%s", ufrag, theirs);
        for (unsigned i = (unsigned)(test_random(&dice) % 50); i; i--) {
            addr_set_port(&src, (uint16_t)i);
            (void)forge(e, user, pwd, &src); /* refused when it has given up */
        }
        break;
    }
    run((unsigned)(test_random(&dice) % 100 ? test_random(&dice) % 4000 : 40000));
}

static double moves_refused(void)
{
    static const char name[] = "\ndngate_fsm_refused_total{machine=\"ice\"} ";
    struct buf text;
    double v = -1;
    const char *s;

    buf_init(&text, 1 << 20);
    if (!metric_render(&text) && (s = strstr(text.data, name)))
        v = strtod(s + strlen(name), NULL);
    buf_reset(&text);
    return v;
}

/* Whatever happens to two agents, in any order: no move that the table lacks; and the next restart in calm air finds the way. */
TEST(any_order_of_events_leaves_two_sound_agents)
{
    double before = moves_refused();

    dice = test_seed();
    for (unsigned game = 0; game < 40; game++) {
        struct addr local, remote;
        unsigned generation = 0;

        CHECK(setup(test_random(&dice) % 2, test_random(&dice) % 2));
        restart_both(generation, (unsigned)(test_random(&dice) % 3000));
        for (unsigned i = 0; i < 60; i++) {
            happens(&generation);
            agent_is_sound(&a);
            agent_is_sound(&b);
        }
        a.deaf = b.deaf = false;
        loss = 0;
        restart_both(++generation, 200);
        run(15000);
        CHECK(ice_route(a.ice, &local, &remote) && addr_eq(&remote, &b.seen_as));
        CHECK(ice_route(b.ice, &local, &remote) && addr_eq(&remote, &a.seen_as));
        CHECK(a.ice->controlling != b.ice->controlling);
        ice_close(a.ice);
        ice_close(b.ice);
        teardown();
    }
    CHECK(moves_refused() == before);
}

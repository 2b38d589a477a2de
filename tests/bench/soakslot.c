/* bench/soakslot: see soakslot.h. */
#include "soakslot.h"
#include "core/clock.h"
#include "fake/browser.h"

#include <stdio.h>
#include <string.h>

enum {
    SETUP_MS = 20000,
    END_MS = 15000,
    VANISH_MS = 90000, /* consent expires after 30 s (RFC 7675), and 30 s more it may come back */
    TALK_MIN_MS = 5000,
    TALK_MAX_MS = 60000,
    GAP_MS = 2000,
    ACT_MIN_MS = 200, /* until a ringing call is answered, given up … */
    ACT_MAX_MS = 2500,
    AGAIN_MS = 1000,
    REFRESH_MS = 300000, /* half of what REGISTER asks for */
    HEARD_MS = 4000      /* a conversation this long has sound in it */
};

static const char *const plan_names[] = {"out", "in", "out-busy", "in-busy", "out-cancel", "in-cancel"};

/* SplitMix64: a run can be had again by its seed. */
uint32_t soak_random(struct soak_world *w, uint32_t below)
{
    uint64_t z = w->random += 0x9e3779b97f4a7c15u;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    z ^= z >> 31;
    return (uint32_t)((z >> 32) * below >> 32);
}

static struct farend_call *far_call(const struct soak_slot *s)
{
    return &s->world->far->call[s->index];
}

static uint64_t between(struct soak_slot *s, uint32_t min, uint32_t max)
{
    return clock_ms() + min + soak_random(s->world, max - min + 1);
}

static bool is_inbound(const struct soak_slot *s)
{
    return s->plan == PLAN_IN || s->plan == PLAN_IN_BUSY || s->plan == PLAN_IN_CANCEL;
}

static bool is_talk(const struct soak_slot *s)
{
    return s->plan == PLAN_OUT || s->plan == PLAN_IN;
}

static void collect(struct soak_slot *s, struct hearing *h, unsigned dir)
{
    struct soak_world *w = s->world;
    uint64_t expected = rtcp_recv_expected(&h->recv);
    uint32_t lost = rtcp_recv_lost(&h->recv);

    while (s->taken[dir] < h->heard)
        delays_add(&w->delays[dir], h->delay_ms[s->taken[dir]++]);
    w->expected[dir] += expected - h->expected_before;
    w->lost[dir] += lost > h->lost_before ? lost - h->lost_before : 0;
    h->expected_before = expected;
    h->lost_before = lost;
}

void soak_slot_collect(struct soak_slot *s)
{
    if (s->phase < SLOT_TALK || !is_talk(s))
        return;
    collect(s, &far_call(s)->in, 0);
    collect(s, &s->agent.in, 1);
}

static void idle(struct soak_slot *s, uint32_t gap_ms)
{
    s->phase = SLOT_IDLE;
    s->act_ms = between(s, gap_ms / 10, gap_ms);
}

/* Connects and registers; the loop brings the answer. */
static void reconnect(struct soak_slot *s)
{
    agent_close(&s->agent);
    s->phase = SLOT_OUT;
    s->world->reconnects++;
    s->deadline_ms = clock_ms() + SETUP_MS;
    if (agent_register(&s->agent, s->world->https_port)) {
        tally_add(&s->world->failed, "an agent cannot connect");
        s->act_ms = clock_ms() + AGAIN_MS;
        s->agent.state = AGENT_FAILED;
    }
}

static void fail(struct soak_slot *s, const char *what)
{
    const struct agent *a = &s->agent;
    char text[TALLY_TEXT];

    snprintf(text, sizeof(text), "%s: %s; agent state %d, status %d%s%s; far end state %d, status %d",
             plan_names[s->plan], what, a->state, a->status, *a->why ? ", " : "", a->why, far_call(s)->state,
             far_call(s)->status);
    tally_add(&s->world->failed, text);
    fprintf(stderr, "soak: DN %u: %s\n", a->dn, text);
}

/* Both ends are through with the call: back to idle. */
static void leave_call(struct soak_slot *s)
{
    struct agent *a = &s->agent;

    soak_slot_collect(s);
    s->world->live--;
    s->world->connected -= s->phase == SLOT_TALK;
    farend_release(s->world->far, s->index);
    if (a->state == AGENT_OVER || a->state == AGENT_READY) {
        agent_release(a);
        idle(s, GAP_MS);
    } else {
        reconnect(s);
    }
    a->why[0] = 0;
}

/* Why this end is not the one that was planned; NULL when it is. */
static const char *surprise(const struct soak_slot *s)
{
    const struct farend_call *f = far_call(s);
    const struct agent *a = &s->agent;
    int status = s->plan == PLAN_OUT_BUSY || s->plan == PLAN_IN_BUSY ? 486 : 487;

    if (!is_talk(s))
        return a->status == status && f->status == status ? NULL : "ended otherwise";
    if (s->phase != SLOT_ENDING)
        return s->phase == SLOT_TALK ? "ended early" : "not answered";
    if (s->end == END_VANISH)
        return f->status == 200 && f->by_peer ? NULL : "the far end was not told that the agent is gone";
    if (a->status != 200 || f->status != 200)
        return "ended otherwise";
    return a->in.heard && f->in.heard ? NULL : "no sound";
}

static bool is_over(const struct soak_slot *s)
{
    enum agent_state a = s->agent.state;
    enum farend_state f = far_call(s)->state;

    if (a == AGENT_FAILED)
        return f == FAREND_OVER || f == FAREND_IDLE;
    if (a == AGENT_READY && is_inbound(s)) /* it never rang */
        return f == FAREND_OVER;
    return (a == AGENT_OVER || a == AGENT_OFFLINE) && f == FAREND_OVER;
}

/* False: the call is not over yet. */
static bool conclude(struct soak_slot *s)
{
    const char *what = NULL;

    if (is_over(s))
        what = surprise(s);
    else if (clock_ms() > s->deadline_ms)
        what = s->phase == SLOT_SETUP ? "set-up takes too long" : "the end takes too long";
    else
        return false;
    if (what)
        fail(s, what);
    else
        s->world->good++;
    if (!is_over(s)) {
        farend_hangup(s->world->far, s->index);
        agent_close(&s->agent);
    }
    leave_call(s);
    return true;
}

static enum soak_plan choose_plan(struct soak_world *w)
{
    uint32_t x = soak_random(w, 100);

    return x < 40 ? PLAN_OUT : x < 80 ? PLAN_IN : PLAN_OUT_BUSY + (x - 80) / 5;
}

static void begin_call(struct soak_slot *s)
{
    struct soak_world *w = s->world;
    struct agent *a = &s->agent;
    int err;

    farend_release(w->far, s->index);
    s->plan = choose_plan(w);
    s->end = soak_random(w, 20) ? (enum soak_end)soak_random(w, 2) : END_VANISH;
    a->codec = s->index % 3 ? MEDIA_OPUS : MEDIA_PCMU; /* not by chance: they differ in memory by far */
    a->sound = NULL;
    a->status = 0;
    s->phase = SLOT_SETUP;
    s->taken[0] = s->taken[1] = 0;
    s->act_ms = between(s, ACT_MIN_MS, ACT_MAX_MS);
    s->deadline_ms = clock_ms() + SETUP_MS;
    far_call(s)->status = 0;
    far_call(s)->plan = s->plan == PLAN_OUT_BUSY ? FAREND_BUSY : FAREND_RING;
    err = is_inbound(s) ? farend_invite(w->far, s->index, a->dn) : agent_call(a);
    w->live++;
    w->attempts++;
    w->made[s->plan]++;
    w->opus += is_talk(s) && a->codec == MEDIA_OPUS;
    if (err) {
        fail(s, strerror(err));
        reconnect(s);
        w->live--;
    }
}

static void refresh(struct soak_slot *s)
{
    s->world->refreshes++;
    s->phase = SLOT_OUT;
    s->deadline_ms = clock_ms() + SETUP_MS;
    agent_refresh(&s->agent);
}

static void step_idle(struct soak_slot *s)
{
    struct soak_world *w = s->world;
    uint32_t dice;

    if (s->agent.state == AGENT_FAILED) {
        tally_add(&w->failed, s->agent.why);
        reconnect(s);
        return;
    }
    if (clock_ms() < s->act_ms || w->paused || w->live >= w->calls_max)
        return;
    dice = soak_random(w, 12);
    if (dice == 0)
        reconnect(s);
    else if (dice == 1 || clock_ms() - s->registered_ms > REFRESH_MS)
        refresh(s);
    else
        begin_call(s);
}

/* Connecting or registering. */
static void step_out(struct soak_slot *s)
{
    if (s->agent.state == AGENT_READY) {
        s->registered_ms = clock_ms();
        idle(s, GAP_MS);
    } else if (s->agent.state == AGENT_FAILED ? clock_ms() >= s->act_ms : clock_ms() > s->deadline_ms) {
        tally_add(&s->world->failed, *s->agent.why ? s->agent.why : "a registration takes too long");
        s->act_ms = clock_ms() + AGAIN_MS;
        reconnect(s);
    }
}

static void step_setup(struct soak_slot *s)
{
    struct farend_call *f = far_call(s);
    struct agent *a = &s->agent;
    bool rings = is_inbound(s) ? a->state == AGENT_RINGING : f->state == FAREND_RINGING;

    if (rings && clock_ms() >= s->act_ms) {
        s->act_ms = UINT64_MAX; /* once */
        if (s->plan == PLAN_IN    ? agent_answer(a)
            : s->plan == PLAN_OUT ? farend_answer(s->world->far, s->index)
                                  : 0)
            a->state = AGENT_FAILED;
        if (s->plan == PLAN_IN_BUSY)
            agent_reject(a);
        if (s->plan == PLAN_OUT_CANCEL)
            agent_cancel(a);
        if (s->plan == PLAN_IN_CANCEL)
            farend_cancel(s->world->far, s->index);
    }
    if (a->state == AGENT_UP && f->state == FAREND_UP) {
        a->out = &f->in;
        f->out = &a->in;
        s->phase = SLOT_TALK;
        s->world->connected++;
        s->act_ms = between(s, TALK_MIN_MS, TALK_MAX_MS);
        s->deadline_ms = UINT64_MAX;
    }
}

static void vanish(struct soak_slot *s)
{
    soak_slot_collect(s);
    far_call(s)->out = NULL;
    fbrowser_mute(s->agent.peer);
    agent_close(&s->agent);
    s->deadline_ms = clock_ms() + VANISH_MS;
}

static void step_talk(struct soak_slot *s)
{
    if (s->world->paused && s->act_ms > clock_ms() + TALK_MIN_MS)
        s->act_ms = between(s, HEARD_MS / 2, TALK_MIN_MS);
    if (clock_ms() < s->act_ms || s->agent.state != AGENT_UP || far_call(s)->state != FAREND_UP)
        return;
    s->phase = SLOT_ENDING;
    s->world->connected--;
    s->world->ended[s->end]++;
    s->deadline_ms = clock_ms() + END_MS;
    if (s->end == END_VANISH)
        vanish(s);
    else if (s->end == END_AGENT)
        agent_hangup(&s->agent);
    else
        farend_hangup(s->world->far, s->index);
}

void soak_slot_init(struct soak_slot *s, struct soak_world *w, unsigned index)
{
    s->world = w;
    s->index = index;
    reconnect(s);
}

void soak_slot_close(struct soak_slot *s)
{
    agent_close(&s->agent);
}

void soak_slot_step(struct soak_slot *s)
{
    if (s->phase == SLOT_OUT)
        step_out(s);
    else if (s->phase == SLOT_IDLE)
        step_idle(s);
    else if (!conclude(s)) {
        if (s->phase == SLOT_SETUP)
            step_setup(s);
        else if (s->phase == SLOT_TALK)
            step_talk(s);
    }
}

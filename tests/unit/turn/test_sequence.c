/* Random requests, data and time against a plain model of what must come of them. TEST_SEED repeats a run. */
#include "testing.h"
#include "turnhost.h"

enum { CLIENTS = 6, PEERS = 5, NUMBERS = 4, STEPS = 4000 };

static const char *const peers[PEERS] = {"198.51.100.3:4000", "198.51.100.3:4001", "198.51.100.4:4000",
                                         "192.0.2.1:10000", "10.0.0.1:4000" /* never allowed */};
static const unsigned host_of[PEERS] = {0, 0, 1, 2, 3}; /* which of them share an address */

struct model {
    struct turnclient c;
    struct turn_relay *relay;
    bool there;
    uint64_t until, permission[PEERS], channel_until[NUMBERS]; /* in seconds, still valid in that one */
    unsigned channel_peer[NUMBERS];
};

static struct turnhost host;
static struct model models[CLIENTS];
static uint64_t state;

static unsigned pick(unsigned n)
{
    return (unsigned)(test_random(&state) % n);
}

static uint64_t now_s(void)
{
    return host.now_us / 1000000;
}

static void model_clear(struct model *m)
{
    m->there = false;
    memset(m->permission, 0, sizeof(m->permission));
    memset(m->channel_until, 0, sizeof(m->channel_until));
}

static bool bound(const struct model *m, unsigned number)
{
    return m->channel_until[number] >= now_s();
}

static void step_allocate(struct model *m)
{
    CHECK_EQ_INT(turnclient_allocate(&m->c), m->there ? 437 : 0);
    if (m->there)
        return;
    m->there = true;
    m->until = now_s() + 600;
    m->relay = host.opened;
}

static void step_refresh(struct model *m)
{
    static const uint32_t seconds[] = {0, 600, 900};
    uint32_t life = seconds[pick(3)];

    CHECK_EQ_INT(turnclient_refresh(&m->c, life), m->there ? 0 : 437);
    if (m->there && !life)
        model_clear(m);
    m->until = now_s() + life;
}

static void step_permit(struct model *m)
{
    unsigned p = pick(PEERS), want = !m->there ? 437 : p == 4 ? 403 : 0;

    CHECK_EQ_INT(turnclient_permit(&m->c, peers[p]), want);
    if (!want)
        m->permission[host_of[p]] = now_s() + 300;
}

static unsigned bind_wanted(const struct model *m, unsigned number, unsigned p)
{
    if (!m->there)
        return 437;
    if (p == 4)
        return 403;
    for (unsigned i = 0; i < NUMBERS; i++)
        if (bound(m, i) && (i == number) != (m->channel_peer[i] == p))
            return 400;
    return 0;
}

static void step_bind(struct model *m)
{
    unsigned p = pick(PEERS), number = pick(NUMBERS), want = bind_wanted(m, number, p);

    CHECK_EQ_INT(turnclient_bind(&m->c, (uint16_t)(0x4000 + number), peers[p]), want);
    if (want)
        return;
    m->permission[host_of[p]] = now_s() + 300;
    m->channel_peer[number] = p;
    m->channel_until[number] = now_s() + 600;
}

static void step_indicate(struct model *m)
{
    unsigned p = pick(PEERS);

    CHECK_EQ_INT(turnclient_indicate(&m->c, peers[p], "data"),
                 m->there && m->permission[host_of[p]] >= now_s());
}

static void step_data(struct model *m)
{
    unsigned number = pick(NUMBERS);

    CHECK_EQ_INT(turnclient_data(&m->c, (uint16_t)(0x4000 + number), "data"),
                 m->there && bound(m, number) && m->permission[host_of[m->channel_peer[number]]] >= now_s());
}

static void step_peer(struct model *m)
{
    unsigned p = pick(PEERS), channel = 0;
    bool want = m->there && m->permission[host_of[p]] >= now_s();

    if (!m->there)
        return;
    host.opened = m->relay;
    CHECK_EQ_INT(turnhost_peer(&host, peers[p], p == 3, "data"), want);
    if (!want)
        return;
    for (unsigned i = 0; i < NUMBERS; i++)
        if (bound(m, i) && m->channel_peer[i] == p)
            channel = 0x4000 + i;
    CHECK_EQ_INT(host.last[0] >> 6, channel ? 1 : 0);
    if (channel)
        CHECK_EQ_INT(host.last[0] << 8 | host.last[1], channel);
    CHECK_EQ_INT(addr_port(&host.last_flow.client), addr_port(&m->c.flow.client));
}

static void step_time(void)
{
    turnhost_pass(&host, pick(4) ? pick(20) : pick(400));
    for (struct model *m = models; m < models + CLIENTS; m++)
        if (m->there && m->until < now_s())
            model_clear(m);
}

static void check_figures(void)
{
    unsigned there = 0, permissions = 0, channels = 0;
    struct turn_figures f;

    for (const struct model *m = models; m < models + CLIENTS; m++) {
        there += m->there;
        for (unsigned i = 0; i < PEERS; i++)
            permissions += m->there && m->permission[i] >= now_s();
        for (unsigned i = 0; i < NUMBERS; i++)
            channels += m->there && bound(m, i);
    }
    turn_server_figures(host.server, &f);
    CHECK_EQ_INT(f.allocations, there);
    CHECK_EQ_INT(host.relays, there);
    CHECK_EQ_INT(f.permissions, permissions);
    CHECK_EQ_INT(f.channels, channels);
    CHECK_EQ_INT(f.allocated, there + f.expired + f.closed);
}

TEST(random_sequences_do_what_the_model_says)
{
    static void (*const steps[])(struct model *) = {step_allocate, step_allocate, step_refresh, step_permit,
                                                    step_permit,   step_bind,     step_bind,    step_indicate,
                                                    step_data,     step_data,     step_peer,    step_peer};
    char from[32], who[8];

    state = test_seed();
    CHECK(!turnhost_open_server(&host, NULL));
    for (unsigned i = 0; i < CLIENTS; i++) {
        snprintf(from, sizeof(from), "203.0.113.7:%u", 40000 + i);
        snprintf(who, sizeof(who), "500%u", i / 2);
        turnclient_init(&models[i].c, &host, from, who);
        CHECK(turnclient_challenge(&models[i].c));
        model_clear(&models[i]);
    }
    for (unsigned i = 0; i < STEPS && !testing_failed; i++) {
        if (now_s() % 3000 > 2500 || !pick(10))
            step_time();
        else
            steps[pick(sizeof(steps) / sizeof(*steps))](&models[pick(CLIENTS)]);
        check_figures();
        if (now_s() > 1000 + 3000) { /* nonces are for an hour */
            turn_server_free(host.server);
            CHECK(!turnhost_open_server(&host, NULL));
            for (unsigned k = 0; k < CLIENTS; k++) {
                model_clear(&models[k]);
                CHECK(turnclient_challenge(&models[k].c));
            }
        }
    }
    turn_server_free(host.server);
    CHECK_EQ_INT(host.relays, 0);
}

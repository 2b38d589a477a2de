/* media/inside: see inside.h. */
#include "media/inside.h"

enum { ROUNDS = 8 /* batches before the sockets get their turn */ };

static void woken_h(void *arg)
{
    struct inside *in = arg;

    wire_woken(in->end); /* each round of the worker reads */
}

int inside_open(struct inside *in, struct wire *wire, uint16_t port, struct poller *poller)
{
    int err;

    *in = (struct inside){.port = port};
    if (!wire)
        return 0;
    err = wire_open(&in->end, wire, NULL, 0);
    if (err)
        return err;
    in->watch = (struct poller_watch){woken_h, in};
    err = poller_watch(poller, wire_fd(in->end), &in->watch);
    return err ? err : wire_claim(in->end, port);
}

void inside_reached(struct inside *in, const struct addr *at, size_t count)
{
    if (!in->end)
        return;
    for (in->at_count = 0; in->at_count < count && in->at_count < WIRE_ADDRS_MAX; in->at_count++) {
        in->at[in->at_count] = at[in->at_count];
        addr_set_port(&in->at[in->at_count], in->port);
    }
    wire_move(in->end, in->at, in->at_count);
}

void inside_close(struct inside *in)
{
    wire_close(in->end);
    in->end = NULL;
}

bool inside_sleep(struct inside *in)
{
    return !in->end || wire_sleep(in->end);
}

static void count_add(struct udp_count *c, size_t n)
{
    c->packets++;
    c->bytes += n;
}

static void hand_over(struct inside *in, const struct wire_packet *from, inside_h *h, void *arg)
{
    struct udp_packet pkt = {.p = from->p, .n = from->n, .src = from->src, .local = from->dst};

    count_add(&in->in, pkt.n);
    addr_set_port(&pkt.local, 0);
    h(&pkt, arg);
}

void inside_read(struct inside *in, inside_h *h, void *arg)
{
    struct wire_packet v[UDP_BATCH];
    size_t n = in->end ? UDP_BATCH : 0;

    for (unsigned round = 0; round < ROUNDS && n == UDP_BATCH; round++) {
        n = wire_read(in->end, v, UDP_BATCH);
        for (size_t i = 0; i < n; i++)
            hand_over(in, &v[i], h, arg);
    }
}

/* What the peer is to see as our address. */
static struct addr source(const struct inside *in, const struct addr *local, const struct addr *dst)
{
    struct addr src = in->at[0];

    if (local && addr_isset(local, false)) {
        src = *local;
        addr_set_port(&src, in->port);
        return src;
    }
    for (size_t i = in->at_count; i-- > 0;)
        if (addr_af(&in->at[i]) == addr_af(dst))
            src = in->at[i];
    return src;
}

bool inside_send(struct inside *in, const uint8_t *p, size_t n, const struct addr *local,
                 const struct addr *dst)
{
    struct addr src;

    if (!in->at_count)
        return false;
    src = source(in, local, dst);
    if (!wire_send(in->end, &src, dst, p, n))
        return false;
    count_add(&in->out, n);
    return true;
}

bool inside_behind(const struct inside *in, const struct addr *peer, struct wire_behind *who)
{
    return in->end && wire_behind(in->end, peer, who);
}

/*
 * A server between two clients that have credentials, peers and time: each step is a message as it is, one that gets the right signature,
 * relayed data or time. The host (tests/turnhost.h) aborts when something leaves for a peer that the rules do not allow or when a
 * relayed address is not given back.
 *
 *   step: kind, length n, n bytes
 */
#include "turnhost.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CLIENTS = 2 };

static struct turnhost host;
static struct turnclient clients[CLIENTS];

/* A request of any method with any attributes, and a right signature behind them. */
static void signed_request(struct turnclient *c, const uint8_t *p, size_t n)
{
    static const uint16_t methods[] = {TURN_ALLOCATE, TURN_REFRESH, TURN_CREATE_PERMISSION,
                                       TURN_CHANNEL_BIND};

    if (!n)
        return;
    turnclient_begin(c, methods[p[0] % 4]);
    if (p[0] & 4)
        stun_put_u32(&c->w, TURN_REQUESTED_TRANSPORT, 17u << 24);
    c->sha256 = p[0] & 8;
    for (p++, n--; n >= 2 && n - 2 >= (p[1] & 31u); n -= 2 + (p[1] & 31u), p += 2 + (p[1] & 31u))
        stun_put(&c->w, p[1] & 0x80 ? (uint16_t)(0x8000 | p[0]) : p[0], p + 2, p[1] & 31);
    if (c->w.n > 1500)
        return;
    (void)turnclient_ask(c);
}

static void from_peer(const uint8_t *p, size_t n, unsigned which)
{
    static const char *const peers[] = {"198.51.100.3:4000", "192.0.2.1:10000", "[2001:db8:f::3]:4000",
                                        "127.0.0.1:4000"};
    struct addr a;

    if (host.opened && !addr_parse(&a, peers[which % 4]))
        turn_server_from_peer(host.server, host.opened, &a, which & 4, p, n, host.now_us);
}

static void step(unsigned kind, const uint8_t *p, size_t n)
{
    struct turnclient *c = &clients[kind >> 7 & 1];

    switch (kind & 7) {
    case 0:
    case 1:
        turnclient_hand(c, p, n);
        break;
    case 2:
    case 3:
        signed_request(c, p, n);
        break;
    case 4:
        from_peer(p, n, kind >> 3);
        break;
    case 5:
        turnhost_pass(&host, (uint32_t)n * 4);
        break;
    case 6:
        host.no_room = kind & 8;
        host.open_error[0] = kind & 16 ? EADDRINUSE : 0;
        host.open_error[1] = kind & 32 ? EAFNOSUPPORT : 0;
        host.no_foreign = kind & 64;
        break;
    default:
        if (kind & 8)
            turn_server_flow_closed(host.server, &c->flow);
        else if (turnhost_rules(&host))
            abort();
    }
}

static void client_init(struct turnclient *c, unsigned i)
{
    turnclient_init(c, &host, i ? "[2001:db8:7::1]:40000" : "203.0.113.7:40000", i ? "5002" : "5001");
    c->flow.proto = i ? TURN_TLS : TURN_UDP;
    if (!turnclient_challenge(c))
        abort();
    (void)turnclient_allocate(c);
    (void)turnclient_permit(c, "198.51.100.3:4000");
    (void)turnclient_bind(c, 0x4000, "192.0.2.1:10000");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (turnhost_open_server(&host, NULL))
        return 0;
    for (unsigned i = 0; i < CLIENTS; i++)
        client_init(&clients[i], i);
    while (size >= 2) {
        size_t n = data[1] < size - 2 ? data[1] : size - 2;

        step(data[0], data + 2, n);
        data += 2 + n;
        size -= 2 + n;
    }
    turn_server_free(host.server);
    if (host.relays)
        abort();
    return 0;
}

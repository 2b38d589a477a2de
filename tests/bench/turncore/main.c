/*
 * bench/turncore/main: what the TURN server itself costs, without sockets and threads: memory of an allocation, of strangers, time for an
 * allocation (signed request and answer, its challenge shared) and for a relayed datagram. Its own fake client's work is measured apart and subtracted.
 *
 *   build/bench/turncore [ALLOCATIONS]     5000
 */
#include "turnhost.h"

#include "core/clock.h"

#include <malloc.h>

enum {
    STRANGERS = 10000,
    DATAGRAMS = 2000000,
    SIGNATURES = 20000,
    PAYLOAD = 172 /* a G.711 packet of 20 ms */
};

static struct turnhost host;
static uint64_t started;

static size_t in_use(void)
{
    return mallinfo2().uordblks + mallinfo2().hblkhd;
}

static void start(void)
{
    started = clock_cpu_us();
}

static double ns_each(unsigned n)
{
    return (double)(clock_cpu_us() - started) * 1000 / n;
}

static void client(struct turnclient *c, unsigned i)
{
    char from[32], who[16];

    snprintf(from, sizeof(from), "203.0.%u.%u:%u", i / 250 % 250, i % 250, 1024 + i / 62500);
    snprintf(who, sizeof(who), "%u", 5000 + i % 2000);
    turnclient_init(c, &host, from, who);
    c->no_fingerprint = true;
}

static void strangers(void)
{
    struct turnclient c;
    size_t before;

    client(&c, STRANGERS);
    (void)turnclient_challenge(&c); /* the fake client's own memory */
    before = in_use();
    for (unsigned i = 0; i < STRANGERS; i++) {
        client(&c, i);
        (void)turnclient_challenge(&c);
    }
    printf("strangers   %u of them grew memory by %zu bytes\n", STRANGERS, in_use() - before);
}

/* The fake client's own share of an Allocate. */
static double signing_ns(void)
{
    struct turnclient c;

    client(&c, 0);
    start();
    for (unsigned i = 0; i < SIGNATURES; i++) {
        turnclient_want_udp(&c);
        turnclient_sign(&c);
    }
    return ns_each(SIGNATURES);
}

static void allocations(struct turnclient *v, unsigned n)
{
    double signing = signing_ns(), each;
    size_t before;

    for (unsigned i = 0; i < n; i++) {
        client(&v[i], i);
        (void)turnclient_challenge(&v[i]);
    }
    before = in_use();
    start();
    for (unsigned i = 0; i < n; i++)
        if (turnclient_allocate(&v[i]))
            abort();
    each = ns_each(n) - signing;
    printf("allocation  %.1f us, %.0f a second\n", each / 1000, 1e9 / each);
    for (unsigned i = 0; i < n; i++)
        if (turnclient_bind(&v[i], 0x4000, "192.0.2.1:10000"))
            abort();
    printf("allocation  %zu bytes with a relayed address, a permission and a channel\n",
           (in_use() - before) / n);
}

static void relaying(struct turnclient *v, unsigned n)
{
    uint8_t msg[4 + PAYLOAD] = {0x40, 0, 0, PAYLOAD};
    struct addr peer;

    if (addr_parse(&peer, "192.0.2.1:10000"))
        abort();
    start();
    for (unsigned i = 0; i < DATAGRAMS; i++)
        turn_server_recv(host.server, &v[i % n].flow, msg, sizeof(msg), host.now_us);
    printf("to a peer   %.0f ns a datagram by a channel, of %u allocations\n", ns_each(DATAGRAMS), n);
    if (host.peer_sent != DATAGRAMS)
        abort();
    start();
    for (unsigned i = 0; i < DATAGRAMS; i++)
        turn_server_from_peer(host.server, host.opened, &peer, true, msg, PAYLOAD, host.now_us);
    printf("to a client %.0f ns a datagram by a channel\n", ns_each(DATAGRAMS));
}

int main(int argc, char **argv)
{
    unsigned n = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 5000;
    struct turnclient *v = calloc(n, sizeof(*v));

    if (!n || !v || turnhost_open_server(&host, NULL))
        return 1;
    strangers();
    allocations(v, n);
    relaying(v, n);
    turn_server_free(host.server);
    free(v);
    return 0;
}

/*
 * bench/wire: what a datagram costs that is handed over inside the process: from the thread that has a relayed address to a media worker
 * (net/wire, media/inside) and back, CPU of both sides together. One thread plays both, in batches as they come in a worker's tick, so
 * that the figure is the code's and not the scheduler's. One JSON document on stdout.
 */
#include "core/clock.h"
#include "media/inside.h"

#include <stdio.h>
#include <string.h>

enum {
    ROUNDS = 20000,
    AT_ONCE = 64,
    SOUND = 182 /* bytes: 20 ms of G.711 by SRTP */,
    RELAYED = 50000,
    ICE = 10000
};

static struct inside in;
static unsigned heard;

static void packet_h(struct udp_packet *pkt, void *arg)
{
    (void)arg;
    heard += inside_send(&in, pkt->p, pkt->n, &pkt->local, &pkt->src);
}

static void round_trip(struct wire_end *relay, const struct addr *relayed, const struct addr *worker)
{
    struct wire_packet v[AT_ONCE];
    uint8_t p[SOUND] = {0x80};

    for (unsigned i = 0; i < AT_ONCE; i++)
        (void)wire_send(relay, relayed, worker, p, sizeof(p));
    inside_read(&in, packet_h, NULL);
    (void)wire_read(relay, v, AT_ONCE);
}

int main(void)
{
    struct addr relayed, worker;
    struct wire_end *relay;
    struct poller *poller;
    struct wire *wire;
    uint64_t start_us;
    int err = addr_parse_ip(&relayed, "192.0.2.7", RELAYED) || addr_parse_ip(&worker, "198.51.100.1", ICE) ||
              wire_alloc(&wire) || poller_alloc(&poller) || wire_open(&relay, wire, &relayed, 1) ||
              wire_claim(relay, RELAYED) || inside_open(&in, wire, ICE, poller);

    if (err)
        return 1;
    inside_reached(&in, &worker, 1);
    round_trip(relay, &relayed, &worker); /* makes the rings */
    heard = 0;
    start_us = clock_cpu_us();
    for (unsigned i = 0; i < ROUNDS; i++)
        round_trip(relay, &relayed, &worker);
    printf("{\"wire\": {\"cpu_us_per_packet\": %.3f, \"lost\": %u}}\n",
           (double)(clock_cpu_us() - start_us) / (2.0 * ROUNDS * AT_ONCE), ROUNDS * AT_ONCE - heard);
    inside_close(&in);
    wire_close(relay);
    poller_free(poller);
    wire_free(wire);
    return 0;
}

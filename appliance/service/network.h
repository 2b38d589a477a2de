/*
 * service/network: which ports somebody must reach, whether we listen there, and what the look from outside in (service/reach) found of each: a
 * firewall plan of this configuration. Errors: service/service.h, and ENOTCONN: no server runs in this process.
 *
 *   composition root ── network_begin(): ports, and how a look is begun ──► here ◄── network_found(): each look's end, on its thread
 */
#ifndef SERVICE_NETWORK_H
#define SERVICE_NETWORK_H

#include "service/reach.h"
#include "service/service.h"

enum { NETWORK_PORTS_MAX = 16 };

struct network_ports { /* that we really have; 0: none */
    uint16_t http, https, wss, sip, sips, ice, workers, turn, turns;
    bool turn_on;
    void (*look)(void *arg); /* main thread: begins a look now */
    void *arg;
};
/* Main thread, before anybody asks; NULL: the server stops. */
void network_begin(const struct network_ports *p);

struct network_look { /* what came of one */
    int64_t checked_ms;
    size_t count;
    struct network_address {
        struct addr addr;
        char name[64];               /* of which it is an address; "" */
        uint8_t verdict[REACH_WAYS]; /* enum reach_verdict */
        int err[REACH_WAYS];
    } v[REACH_ADDRS_MAX];
};
/* One thread at a time. */
void network_found(const struct network_look *l);

struct network_port {
    const char *way, *setting, *protocol, *who; /* static */
    uint16_t port, port_to;
    bool needed, listening;
    enum reach_verdict state;
    char detail[300], advice[200];
};
struct service_network {
    struct network_port ports[NETWORK_PORTS_MAX];
    size_t count;
    struct {
        char address[ADDR_STRLEN], why[160];
        bool ipv6;
    } addresses[REACH_ADDRS_MAX];
    size_t address_count;
    int64_t checked_ms; /* 0: nobody has looked yet */
};
int service_network_get(struct service *sv, struct service_network *out);
/* Looks now: a later get has another checked_ms. */
int service_network_test(struct service *sv);
/* "open", "closed", "unknown", "untried" */
const char *network_state_name(enum reach_verdict v);

#endif

/*
 * bench/turn: what relaying costs, beside Debian's turnserver in the same run: CPU of the server's process per relayed packet by UDP, TCP
 * and TLS, and with a media worker of the same process as the peer (CPU of the RELAY thread alone, as the peer is not its work);
 * allocations a second; memory of an allocation; memory that strangers make it take.
 *
 * One JSON document on stdout, progress on stderr. BENCH_TURN_CLIENTS=100, BENCH_TURN_KINDS="udp tcp tls own", BENCH_SECONDS=10. A packet
 * counts once each way: from client to peer, and from peer to client.
 */
#include "core/clock.h"
#include "load.h"
#include "ours.h"
#include "subject.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum {
    ALLOCATIONS = 4000,
    STRANGERS = 10000,
    STRANGERS_AT_ONCE = 50,
    WINDOW = 64,
    READY_MS = 30000,
    WARM_MS = 1000,
    SETTLE_MS = 300,
    KINDS = 4
};

static const char *const kinds[KINDS] = {"udp", "tcp", "tls", "own"};

struct figures {
    bool ok;
    double us_per_packet[KINDS], rtt_ms[KINDS], rtt_p99_ms[KINDS], lost[KINDS];
    double allocations_per_s, allocations_per_cpu_s, kb_per_allocation;
    long strangers_kb, rss_kb;
};

static struct load load;

static void tick(uint64_t n, void *arg)
{
    load_tick(arg, n);
}

static bool all_bound(void *arg)
{
    struct load *l = arg;

    load_start(l, WINDOW);
    return l->per_state[LOAD_BOUND] + l->per_state[LOAD_FAILED] == l->count;
}

static bool relay(const struct subject *s, unsigned kind, unsigned clients, double seconds, struct figures *f)
{
    const char *thread = kind == KINDS - 1 ? "turn" : NULL;
    int err =
        load_open(&load, kind == KINDS - 1 ? LOAD_UDP : (enum load_kind)kind, clients, s, thread != NULL);
    double cpu = 0;
    bool ok = !err && loop_run(all_bound, &load, READY_MS) && load.per_state[LOAD_BOUND] == clients;

    if (ok) {
        loop_run(NULL, NULL, WARM_MS);
        load_reset(&load);
        cpu = subject_cpu_us(s, thread);
        loop_run(NULL, NULL, (unsigned)(seconds * 1000));
        cpu = subject_cpu_us(s, thread) - cpu;
        f->us_per_packet[kind] = cpu / (double)(load.sent + load.got);
        f->rtt_ms[kind] = load_rtt_ms(&load, 0.5);
        f->rtt_p99_ms[kind] = load_rtt_ms(&load, 0.99);
        f->lost[kind] = load.sent > load.got ? (double)(load.sent - load.got) / (double)load.sent : 0;
    } else {
        fprintf(stderr, "bench: TURN by %s: %s, %u of %u clients are ready\n", kinds[kind], strerror(err),
                load.per_state[LOAD_BOUND], clients);
    }
    load_close(&load);
    return ok;
}

static bool all_allocated(void *arg)
{
    struct load *l = arg;

    load_start(l, WINDOW);
    return l->per_state[LOAD_ALLOCATED] + l->per_state[LOAD_FAILED] == l->count;
}

static bool allocate(const struct subject *s, struct figures *f)
{
    int err = load_open(&load, LOAD_UDP, ALLOCATIONS, s, false);
    double cpu = subject_cpu_us(s, NULL);
    long rss = subject_rss_kb(s);
    uint64_t start_us = clock_us();
    bool ok;

    load.bind = false;
    ok = !err;
    while (ok && !all_allocated(&load)) { /* without the loop's naps */
        ok = clock_us() - start_us < READY_MS * 1000ull;
        loop_poll();
    }
    ok = ok && load.per_state[LOAD_ALLOCATED] == ALLOCATIONS;
    f->allocations_per_s = ALLOCATIONS * 1e6 / (double)(clock_us() - start_us);
    f->allocations_per_cpu_s = ALLOCATIONS * 1e6 / (subject_cpu_us(s, NULL) - cpu);
    f->kb_per_allocation = (double)(subject_rss_kb(s) - rss) / ALLOCATIONS;
    if (!ok)
        fprintf(stderr, "bench: TURN: %s, %u of %d allocations\n", strerror(err),
                load.per_state[LOAD_ALLOCATED], ALLOCATIONS);
    load_close(&load);
    return ok;
}

static bool strangers(const struct subject *s, struct figures *f)
{
    long rss = subject_rss_kb(s);
    int err = 0;

    for (unsigned i = 0; i < STRANGERS && !err; i++) {
        err = load_stranger(s, i);
        if (i % STRANGERS_AT_ONCE == STRANGERS_AT_ONCE - 1)
            loop_run(NULL, NULL, 2);
    }
    loop_run(NULL, NULL, SETTLE_MS);
    f->strangers_kb = subject_rss_kb(s) - rss;
    return !err;
}

static bool wanted(unsigned kind)
{
    const char *list = getenv("BENCH_TURN_KINDS");

    return !list || strstr(list, kinds[kind]);
}

static void measure(const struct subject *s, unsigned clients, double seconds, struct figures *f)
{
    f->rss_kb = subject_rss_kb(s);
    f->ok = true;
    for (unsigned kind = 0; kind < KINDS && f->ok; kind++)
        if (wanted(kind) && (kind < KINDS - 1 || s->own_port))
            f->ok = relay(s, kind, clients, seconds, f);
    f->ok = f->ok && strangers(s, f) &&
            allocate(s, f); /* last: ports of ours that come again would still have one */
}

static void print(const char *name, const struct figures *f, bool own)
{
    printf("\n  \"%s\": {\"ok\": %s", name, f->ok ? "true" : "false");
    for (unsigned i = 0; i < KINDS && f->ok; i++)
        if (wanted(i) && (i < KINDS - 1 || own))
            printf(", \"%s\": {\"cpu_us_per_packet\": %.2f, \"rtt_ms\": {\"p50\": %.1f, \"p99\": %.1f}, "
                   "\"loss\": %.5f}",
                   kinds[i], f->us_per_packet[i], f->rtt_ms[i], f->rtt_p99_ms[i], f->lost[i]);
    if (f->ok)
        printf(", \"allocations_per_s\": %.0f, \"allocations_per_cpu_s\": %.0f, \"kb_per_allocation\": %.2f, "
               "\"kb_by_strangers\": %ld, \"rss_kb_idle\": %ld",
               f->allocations_per_s, f->allocations_per_cpu_s, f->kb_per_allocation, f->strangers_kb,
               f->rss_kb);
    printf("}");
    fprintf(stderr,
            "bench: TURN, %s: %.2f / %.2f / %.2f us a packet by UDP / TCP / TLS, %.2f with own media; %.0f "
            "allocations/s, %.2f kB each; strangers %ld kB\n",
            name, f->us_per_packet[0], f->us_per_packet[1], f->us_per_packet[2], f->us_per_packet[3],
            f->allocations_per_s, f->kb_per_allocation, f->strangers_kb);
}

int main(int argc, char **argv)
{
    const char *clients_text = getenv("BENCH_TURN_CLIENTS"), *seconds_text = getenv("BENCH_SECONDS");
    unsigned clients = clients_text ? (unsigned)strtoul(clients_text, NULL, 10) : 100;
    double seconds = seconds_text ? strtod(seconds_text, NULL) : 10.0;
    struct rlimit files = {65536, 65536};
    struct figures ours = {0}, coturn = {0};
    struct subject s;
    int err;

    if (argc == 3 && !strcmp(argv[1], "serve"))
        return ours_serve(argv[2]);
    (void)setrlimit(RLIMIT_NOFILE, &files);
    (void)setpriority(PRIO_PROCESS, 0,
                      -10); /* as root, both servers too: what waits for others measures nothing */
    err = loop_open();
    loop_on_tick(tick, &load);
    load.echo.fd = -1;
    printf("{\"turn\": {\"clients\": %u, \"seconds\": %.0f,", clients, seconds);
    fflush(stdout);
    if (!err)
        err = subject_ours(&s);
    if (!err)
        measure(&s, clients, seconds, &ours);
    subject_stop(&s);
    print("dngate", &ours, true);
    err = subject_coturn(&s);
    if (!err)
        measure(&s, clients, seconds, &coturn);
    subject_stop(&s);
    if (err == ENOENT)
        fprintf(stderr, "bench: no turnserver (Debian's package coturn) to compare with\n");
    if (!err) {
        printf(",");
        print("coturn", &coturn, false);
        for (unsigned i = 0; i < KINDS && coturn.ok && ours.ok && !getenv("BENCH_TURN_KINDS"); i++)
            printf("%s\"%s\": %.2f", i ? ", " : ",\n  \"share_of_coturns_cpu\": {", kinds[i],
                   ours.us_per_packet[i] / coturn.us_per_packet[i < KINDS - 1 ? i : 0]);
        if (coturn.ok && ours.ok && !getenv("BENCH_TURN_KINDS"))
            printf("}");
    }
    printf("\n}}\n");
    loop_close();
    return ours.ok ? 0 : 1;
}

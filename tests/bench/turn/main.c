/*
 * bench/turn: what relaying costs, beside Debian's turnserver in the same run: CPU of the server's process per relayed packet by UDP, TCP
 * and TLS, and with a media worker of the same process as the peer (CPU of the RELAY thread alone, as the peer is not its work);
 * allocations a second; memory of an allocation; memory that strangers make it take.
 *
 * Both servers run all the time and take turns at the load, so that what else the machine does meets both; of each one's turns the
 * cheapest counts, as other programs only make a packet dearer.
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
    WARM_MS = 300,
    SETTLE_MS = 300,
    TURNS = 5,
    KINDS = 4,
    OWN = KINDS - 1
};

static const char *const kinds[KINDS] = {"udp", "tcp", "tls", "own"};

struct figures {
    bool ok;
    double us_per_packet[KINDS], rtt_ms[KINDS], rtt_p99_ms[KINDS], lost[KINDS];
    double allocations_per_s, allocations_per_cpu_s, kb_per_allocation;
    long strangers_kb, rss_kb;
};

struct side { /* a server and its load */
    const char *name;
    struct subject subject;
    struct load load;
    struct figures figures;
};

static struct side ours = {.name = "dngate"}, coturn = {.name = "coturn"};
static struct load *sending; /* the one whose turn it is; NULL */

static void tick(uint64_t n, void *arg)
{
    (void)arg;
    if (sending)
        load_tick(sending, n);
}

/* ---- relaying ---- */

static bool wanted(unsigned kind)
{
    const char *list = getenv("BENCH_TURN_KINDS");

    return !list || strstr(list, kinds[kind]);
}

static bool all_bound(void *arg)
{
    struct load *l = arg;

    load_start(l, WINDOW);
    return l->per_state[LOAD_BOUND] + l->per_state[LOAD_FAILED] == l->count;
}

static bool ready(struct side *s, unsigned kind, unsigned clients)
{
    bool own = kind == OWN;
    int err = load_open(&s->load, own ? LOAD_UDP : (enum load_kind)kind, clients, &s->subject, own);

    if (!err && loop_run(all_bound, &s->load, READY_MS) && s->load.per_state[LOAD_BOUND] == clients)
        return true;
    fprintf(stderr, "bench: TURN by %s, %s: %s, %u of %u clients are ready\n", kinds[kind], s->name,
            strerror(err), s->load.per_state[LOAD_BOUND], clients);
    return false;
}

static void take_turn(struct side *s, unsigned kind, double seconds)
{
    const char *thread = kind == OWN ? "turn" : NULL;
    double cpu, us, *best = &s->figures.us_per_packet[kind];
    uint64_t before;

    sending = &s->load;
    loop_run(NULL, NULL, WARM_MS);
    before = s->load.sent + s->load.got;
    cpu = subject_cpu_us(&s->subject, thread);
    loop_run(NULL, NULL, (unsigned)(seconds * 1000 / TURNS));
    us = (subject_cpu_us(&s->subject, thread) - cpu) / (double)(s->load.sent + s->load.got - before + 1);
    sending = NULL;
    loop_run(NULL, NULL, SETTLE_MS);
    if (*best == 0 || us < *best)
        *best = us;
}

static void turns_over(struct side *s, unsigned kind)
{
    const struct load *l = &s->load;
    struct figures *f = &s->figures;

    f->rtt_ms[kind] = load_rtt_ms(l, 0.5);
    f->rtt_p99_ms[kind] = load_rtt_ms(l, 0.99);
    f->lost[kind] = l->sent > l->got ? (double)(l->sent - l->got) / (double)l->sent : 0;
}

/* Side by side; coturn has no workers of ours. */
static void relay(unsigned kind, unsigned clients, double seconds)
{
    struct side *sides[] = {&ours, kind == OWN ? NULL : &coturn};

    for (unsigned i = 0; i < 2; i++)
        if (sides[i] && sides[i]->figures.ok)
            sides[i]->figures.ok = ready(sides[i], kind, clients);
    for (unsigned turn = 0; turn < TURNS; turn++)
        for (unsigned i = 0; i < 2; i++)
            if (sides[i] && sides[i]->figures.ok)
                take_turn(sides[i], kind, seconds);
    for (unsigned i = 0; i < 2; i++) {
        if (sides[i] && sides[i]->figures.ok)
            turns_over(sides[i], kind);
        if (sides[i])
            load_close(&sides[i]->load);
    }
}

/* ---- allocating ---- */

static bool all_allocated(void *arg)
{
    struct load *l = arg;

    load_start(l, WINDOW);
    return l->per_state[LOAD_ALLOCATED] + l->per_state[LOAD_FAILED] == l->count;
}

static bool allocate(struct side *s)
{
    struct figures *f = &s->figures;
    int err = load_open(&s->load, LOAD_UDP, ALLOCATIONS, &s->subject, false);
    double cpu = subject_cpu_us(&s->subject, NULL);
    long rss = subject_rss_kb(&s->subject);
    uint64_t start_us = clock_us();
    bool ok = !err;

    s->load.bind = false;
    while (ok && !all_allocated(&s->load)) { /* without the loop's naps */
        ok = clock_us() - start_us < READY_MS * 1000ull;
        loop_poll();
    }
    ok = ok && s->load.per_state[LOAD_ALLOCATED] == ALLOCATIONS;
    f->allocations_per_s = ALLOCATIONS * 1e6 / (double)(clock_us() - start_us);
    f->allocations_per_cpu_s = ALLOCATIONS * 1e6 / (subject_cpu_us(&s->subject, NULL) - cpu);
    f->kb_per_allocation = (double)(subject_rss_kb(&s->subject) - rss) / ALLOCATIONS;
    if (!ok)
        fprintf(stderr, "bench: TURN, %s: %s, %u of %d allocations\n", s->name, strerror(err),
                s->load.per_state[LOAD_ALLOCATED], ALLOCATIONS);
    load_close(&s->load);
    return ok;
}

static bool strangers(struct side *s)
{
    long rss = subject_rss_kb(&s->subject);
    int err = 0;

    for (unsigned i = 0; i < STRANGERS && !err; i++) {
        err = load_stranger(&s->subject, i);
        if (i % STRANGERS_AT_ONCE == STRANGERS_AT_ONCE - 1)
            loop_run(NULL, NULL, 2);
    }
    loop_run(NULL, NULL, SETTLE_MS);
    s->figures.strangers_kb = subject_rss_kb(&s->subject) - rss;
    return !err;
}

/* Last: ports of ours that come again would still have an allocation. */
static void grow(struct side *s)
{
    s->figures.rss_kb = subject_rss_kb(&s->subject);
    s->figures.ok = s->figures.ok && strangers(s) && allocate(s);
}

/* ---- what is told ---- */

static void print(const struct side *s, const char *before)
{
    const struct figures *f = &s->figures;

    printf("%s\n  \"%s\": {\"ok\": %s", before, s->name, f->ok ? "true" : "false");
    for (unsigned i = 0; i < KINDS && f->ok; i++)
        if (f->us_per_packet[i] > 0)
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
            s->name, f->us_per_packet[0], f->us_per_packet[1], f->us_per_packet[2], f->us_per_packet[OWN],
            f->allocations_per_s, f->kb_per_allocation, f->strangers_kb);
}

/* Own media, which turnserver has not, against its UDP. */
static void print_shares(void)
{
    const double *us = ours.figures.us_per_packet, *theirs = coturn.figures.us_per_packet;

    printf(",\n  \"share_of_coturns_cpu\": {");
    for (unsigned i = 0, n = 0; i < KINDS; i++)
        if (us[i] > 0 && theirs[i == OWN ? 0 : i] > 0)
            printf("%s\"%s\": %.2f", n++ ? ", " : "", kinds[i], us[i] / theirs[i == OWN ? 0 : i]);
    printf("}");
}

int main(int argc, char **argv)
{
    const char *clients_text = getenv("BENCH_TURN_CLIENTS"), *seconds_text = getenv("BENCH_SECONDS");
    unsigned clients = clients_text ? (unsigned)strtoul(clients_text, NULL, 10) : 100;
    double seconds = seconds_text ? strtod(seconds_text, NULL) : 10.0;
    struct rlimit files = {65536, 65536};
    int err;

    if (argc == 3 && !strcmp(argv[1], "serve"))
        return ours_serve(argv[2]);
    (void)setrlimit(RLIMIT_NOFILE, &files);
    (void)setpriority(PRIO_PROCESS, 0,
                      -10); /* as root, both servers too: what waits for others measures nothing */
    ours.load.echo.fd = coturn.load.echo.fd = -1;
    if (loop_open())
        return 1;
    loop_on_tick(tick, NULL);
    err = subject_ours(&ours.subject);
    ours.figures.ok = !err;
    err = subject_coturn(&coturn.subject);
    coturn.figures.ok = !err;
    if (err == ENOENT)
        fprintf(stderr, "bench: no turnserver (Debian's package coturn) to compare with\n");
    for (unsigned kind = 0; kind < KINDS; kind++)
        if (wanted(kind))
            relay(kind, clients, seconds);
    grow(&ours);
    grow(&coturn);
    subject_stop(&ours.subject);
    subject_stop(&coturn.subject);
    printf("{\"turn\": {\"clients\": %u, \"seconds\": %.0f,", clients, seconds);
    print(&ours, "");
    if (err != ENOENT)
        print(&coturn, ",");
    if (ours.figures.ok && coturn.figures.ok)
        print_shares();
    printf("\n}}\n");
    loop_close();
    return ours.figures.ok ? 0 : 1;
}

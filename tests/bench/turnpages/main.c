/*
 * bench/turnpages: what loading pages costs the legs that are relayed by TLS on the same port: jitter, round trip and loss of BENCH_LEGS (500)
 * legs of the release binary, a datagram each 20 ms and back, with BENCH_LOADERS (2) that load pages one after the other as fast as they come
 * and without, taking turns in the same run.
 *
 * One JSON document on stdout, progress on stderr. BENCH_SECONDS=10 for each of both. Jitter is RFC 3550's, there and back, a turn's last;
 * of the turns the median counts. Generator, far end, loaders and server share the machine: generator_late_ms says how late the generator
 * itself was (p99), which is jitter that no server has made.
 */
#include "bench/server.h"
#include "bench/turn/load.h"
#include "core/clock.h"
#include "loaders.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define USER "bench"
#define PASSWORD "of-the-bench"

enum { TURNS = 5, WINDOW = 64, READY_MS = 60000, WARM_MS = 500, SETTLE_MS = 1000, LEGS = 500 };

struct figures {
    double jitter[TURNS], jitter_greatest, rtt_p50, rtt_p99;
    unsigned late_ms;
    uint64_t sent, got;
    unsigned long pages;
};

static struct load load;
static bool sending;
static unsigned turn_port;

static void tick(uint64_t n, void *arg)
{
    (void)arg;
    if (sending)
        load_tick(&load, n);
}

static void line(const char *text, void *arg)
{
    const char *port = strstr(text, "listening proto=turn port=");

    (void)arg;
    if (port)
        turn_port = (unsigned)strtoul(strrchr(port, '=') + 1, NULL, 10);
}

static bool port_told(void *arg)
{
    (void)arg;
    return turn_port != 0;
}

static bool all_bound(void *arg)
{
    struct load *l = arg;

    load_start(l, WINDOW);
    return l->per_state[LOAD_BOUND] + l->per_state[LOAD_FAILED] == l->count;
}

static unsigned number(const char *name, unsigned otherwise)
{
    const char *text = getenv(name);

    return text ? (unsigned)strtoul(text, NULL, 10) : otherwise;
}

/* Settings go by the environment. */
static void configure(void)
{
    static const char *const settings[][2] = {
        {"DNGATE_TURN_ALLOW_LOOPBACK_PEERS", "yes"}, {"DNGATE_TURN_ALLOW_PEERS", "127.0.0.0/8"},
        {"DNGATE_TURN_USER", USER ":" PASSWORD},     {"DNGATE_TURN_USER_KBPS", "0"},
        {"DNGATE_TURN_USER_ALLOCATIONS", "10000"},   {"DNGATE_TURN_SOURCE_REQUESTS", "100000"},
    };

    for (size_t i = 0; i < sizeof(settings) / sizeof(*settings); i++)
        (void)setenv(settings[i][0], settings[i][1], 1);
}

static void take_turn(struct figures *f, unsigned turn, uint16_t port, unsigned loaders, double seconds)
{
    double greatest;

    loaders_start(port, loaders);
    sending = true;
    loop_run(NULL, NULL, WARM_MS);
    load_reset(&load);
    loop_lateness_reset();
    loop_run(NULL, NULL, (unsigned)(seconds * 1000 / TURNS));
    sending = false;
    f->jitter[turn] = load_jitter_ms(&load, &greatest);
    f->late_ms = loop_lateness_ms(0.99) > f->late_ms ? loop_lateness_ms(0.99) : f->late_ms;
    loop_run(NULL, NULL, SETTLE_MS);
    f->pages += loaders_stop();
    f->jitter_greatest = greatest > f->jitter_greatest ? greatest : f->jitter_greatest;
    f->rtt_p50 += load_rtt_ms(&load, 0.5) / TURNS;
    f->rtt_p99 += load_rtt_ms(&load, 0.99) / TURNS;
    f->sent += load.sent;
    f->got += load.got;
}

static int by_size(const void *a, const void *b)
{
    const double *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

static double median(struct figures *f)
{
    qsort(f->jitter, TURNS, sizeof(*f->jitter), by_size);
    return f->jitter[TURNS / 2];
}

/* What was under way when a turn began may come within it: no less than none is lost. */
static double lost(const struct figures *f)
{
    return f->sent > f->got ? (double)(f->sent - f->got) / (double)f->sent : 0;
}

static void print(const char *name, struct figures *f, unsigned legs)
{
    printf("  \"%s\": {\"legs\": %u, \"pages\": %lu, \"jitter_ms\": {\"median\": %.2f, "
           "\"greatest_of_a_leg\": %.2f}, "
           "\"rtt_ms\": {\"p50\": %.1f, \"p99\": %.1f}, \"sent\": %llu, \"loss\": %.6f, "
           "\"generator_late_ms\": %u},\n",
           name, legs, f->pages, median(f), f->jitter_greatest, f->rtt_p50, f->rtt_p99,
           (unsigned long long)f->sent, lost(f), f->late_ms);
    fprintf(stderr,
            "bench: %u legs by TLS, %s (%lu): jitter %.2f ms, round trip %.1f ms (p99 %.1f), loss %.6f\n",
            legs, name, f->pages, median(f), f->rtt_p50, f->rtt_p99, lost(f));
}

/* Both ways of it, in turns. */
static bool measure(struct server *s, unsigned legs, double seconds)
{
    const struct subject at = {.port = (uint16_t)turn_port,
                               .tls_port = s->https_port,
                               .user = USER,
                               .password = PASSWORD,
                               .stop = -1};
    unsigned loaders = number("BENCH_LOADERS", 2);
    struct figures without = {0}, with = {0};
    int err = load_open(&load, LOAD_TLS, legs, &at, false);

    if (err || !loop_run(all_bound, &load, READY_MS) || load.per_state[LOAD_BOUND] != legs) {
        fprintf(stderr, "bench: %s, %u of %u legs by TLS are ready\n", strerror(err),
                load.per_state[LOAD_BOUND], legs);
        return false;
    }
    for (unsigned turn = 0; turn < TURNS; turn++) {
        take_turn(&without, turn, s->https_port, 0, seconds);
        take_turn(&with, turn, s->https_port, loaders, seconds);
    }
    printf("{\"turn_beside_pages\": {\n");
    print("without_pages", &without, legs);
    print("with_pages", &with, legs);
    printf("  \"added\": {\"jitter_ms\": %.2f, \"loss\": %.6f}\n}}\n", median(&with) - median(&without),
           lost(&with) > lost(&without) ? lost(&with) - lost(&without) : 0);
    return true;
}

int main(int argc, char **argv)
{
    unsigned legs = number("BENCH_LEGS", LEGS);
    const char *seconds = getenv("BENCH_SECONDS");
    struct rlimit files = {65536, 65536};
    struct server server = {.lineh = line};
    bool ok;

    (void)setrlimit(RLIMIT_NOFILE, &files);
    (void)setpriority(PRIO_PROCESS, 0,
                      -10); /* as root: what the generator waits for is no jitter of the server's */
    configure();
    if (argc != 2 || loop_open())
        return 1;
    loop_on_tick(tick, NULL);
    load.echo.fd = -1;
    ok = !server_start(&server, argv[1], 1, 9) && loop_run(port_told, NULL, READY_MS) &&
         measure(&server, legs, seconds ? strtod(seconds, NULL) : 10.0);
    load_close(&load);
    server_stop(&server);
    loop_close();
    return ok ? 0 : 1;
}

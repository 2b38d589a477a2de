/*
 * bench: how much of the machine a call costs. Starts the release binary, registers agents over WSS, lets them call a far end on the
 * trunk's side, both ends sending the same sound, and measures the server while nothing else changes.
 *
 *   agents (WSS, ICE, DTLS-SRTP, Opus or G.711) ⇄ dngate ⇄ far end (SIP on UDP, RTP, G.711)
 *
 * One JSON document on stdout, progress on stderr. BENCH_CALLS="1 25 50 100", BENCH_SECONDS=10, BENCH_MODES="opus passthrough",
 * BENCH_OPUS=narrow or full (default: as the server's answer asks), BENCH_LOG=file for the server's log.
 * Delay is that of the sound: from the onset of a voice in what one end sends to the onset in what the other end gets.
 * Where generator_late_ms is more than a few, the machine had other things to do: what follows from jitter is not the server's.
 */
#include "agent.h"
#include "core/clock.h"
#include "crypto/srtp.h"
#include "farend.h"
#include "server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum {
    SLOTS = 20 /* ms of a packet */,
    SETUP_AT_ONCE = 10,
    REGISTER_MS = 20000,
    SETUP_MS = 60000,
    WARM_MS = 3000,
    IDLE_MS = 1000,
    HANGUP_MS = 10000,
    STEPS_MAX = 16,
    LATE_MS = 5 /* of the generator's own ticks, p99: more spoils the delays */
};

struct bench {
    struct sound wide, narrow;
    const struct sound *forced; /* NULL = as the server's answer asks */
    struct dtls_identity *identity;
    struct farend far;
    struct server server;
    struct agent agent[FAREND_CALLS_MAX];
    unsigned calls, placed;
    double seconds;
    const char *binary;
};

struct figures {
    bool opus, ok, narrow;
    unsigned calls;
    double cpu_ms, generator_ms, setups_per_s, registrations_per_s, setup_ms[2], seconds;
    long rss_idle, rss_registered, rss_calls;
    double to_trunk[3], to_browser[3]; /* p50, p95, greatest; ms */
    uint64_t expected[2];
    uint32_t lost[2];
    unsigned marks[2], heard[2];
    unsigned late_ms[2]; /* the generator's own ticks: p99, greatest */
};

static struct bench bench;

static int by_value(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;

    return x < y ? -1 : x > y;
}

/* p50, p95 and the greatest of n values; sorts them. */
static void quantiles(float *v, size_t n, double out[3])
{
    qsort(v, n, sizeof(*v), by_value);
    out[0] = n ? v[n / 2] : 0;
    out[1] = n ? v[n * 95 / 100] : 0;
    out[2] = n ? v[n - 1] : 0;
}

/* Every call has its millisecond in the 20 of a packet; its far end sends half a packet later. */
static void tick(uint64_t n, void *arg)
{
    struct bench *b = arg;

    for (unsigned i = 0; i < b->calls; i++) {
        if ((n + i * 7) % SLOTS == 0)
            agent_send(&b->agent[i]);
        if ((n + i * 7) % SLOTS == SLOTS / 2)
            farend_send(&b->far, i);
    }
}

static unsigned count(const struct bench *b, enum agent_state state)
{
    unsigned n = 0;

    for (unsigned i = 0; i < b->calls; i++)
        n += b->agent[i].state == state;
    return n;
}

static bool none_registering(void *arg)
{
    return !count(arg, AGENT_REGISTERING);
}

static bool none_ending(void *arg)
{
    return !count(arg, AGENT_ENDING);
}

static bool register_all(struct bench *b, bool opus)
{
    for (unsigned i = 0; i < b->calls; i++) {
        struct agent *a = &b->agent[i];
        int err;

        memset(a, 0, sizeof(*a));
        a->dn = 1000 + i;
        a->number = FAREND_NUMBER + i;
        server_password(a->password, sizeof(a->password), a->dn);
        a->codec = opus ? MEDIA_OPUS : MEDIA_PCMU;
        a->identity = b->identity;
        a->wide = &b->wide;
        a->narrow = &b->narrow;
        a->sound = b->forced;
        err = agent_register(a, b->server.https_port);
        if (err) {
            fprintf(stderr, "bench: agent %u: %s\n", a->dn, strerror(err));
            return false;
        }
    }
    return loop_run(none_registering, b, REGISTER_MS) && count(b, AGENT_READY) == b->calls;
}

/* Keeps SETUP_AT_ONCE calls on their way until all are up. */
static bool place_calls(void *arg)
{
    struct bench *b = arg;

    while (b->placed < b->calls && count(b, AGENT_CALLING) + count(b, AGENT_CONNECTING) < SETUP_AT_ONCE) {
        struct agent *a = &b->agent[b->placed];

        if (agent_call(a))
            return true;
        a->out = &b->far.call[b->placed].in;
        b->far.call[b->placed].out = &a->in;
        b->placed++;
    }
    return count(b, AGENT_UP) == b->calls || count(b, AGENT_FAILED);
}

static bool set_up(struct bench *b, struct figures *f)
{
    static float ms[FAREND_CALLS_MAX];
    uint64_t start = clock_us(), last = start;
    double q[3];

    b->placed = 0;
    if (!loop_run(place_calls, b, SETUP_MS) || count(b, AGENT_UP) != b->calls) {
        fprintf(stderr, "bench: %u of %u calls are up\n", count(b, AGENT_UP), b->calls);
        return false;
    }
    for (unsigned i = 0; i < b->calls; i++) {
        ms[i] = (float)(b->agent[i].up_us - b->agent[i].called_us) / 1000.0f;
        last = b->agent[i].up_us > last ? b->agent[i].up_us : last;
    }
    quantiles(ms, b->calls, q);
    f->setup_ms[0] = q[0];
    f->setup_ms[1] = q[1];
    f->setups_per_s = b->calls * 1e6 / (double)(last - start);
    f->narrow = b->agent[0].sound == &b->narrow;
    return true;
}

static double own_cpu_ms(void)
{
    struct rusage u;

    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e3 +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e3;
}

static void gather(struct hearing *h, struct figures *f, unsigned dir, float *delays, size_t *n)
{
    f->expected[dir] += rtcp_recv_expected(&h->recv) - h->expected_before;
    f->lost[dir] += rtcp_recv_lost(&h->recv) - h->lost_before;
    f->marks[dir] += h->marks;
    f->heard[dir] += h->heard;
    memcpy(delays + *n, h->delay_ms, h->heard * sizeof(*delays));
    *n += h->heard;
}

static void gather_all(struct bench *b, struct figures *f)
{
    static float delays[2][FAREND_CALLS_MAX * HEARING_DELAYS_MAX];
    size_t n[2] = {0};

    for (unsigned i = 0; i < b->calls; i++) {
        gather(&b->far.call[i].in, f, 0, delays[0], &n[0]);
        gather(&b->agent[i].in, f, 1, delays[1], &n[1]);
    }
    quantiles(delays[0], n[0], f->to_trunk);
    quantiles(delays[1], n[1], f->to_browser);
}

static bool measure(struct bench *b, struct figures *f)
{
    double cpu, own;
    uint64_t start;

    loop_run(NULL, NULL, WARM_MS);
    for (unsigned i = 0; i < b->calls; i++) {
        hearing_reset(&b->far.call[i].in);
        hearing_reset(&b->agent[i].in);
    }
    loop_lateness_reset();
    cpu = server_cpu_ms(&b->server);
    own = own_cpu_ms();
    start = clock_us();
    loop_run(NULL, NULL, (unsigned)(b->seconds * 1000));
    f->seconds = (double)(clock_us() - start) / 1e6;
    f->cpu_ms = server_cpu_ms(&b->server) - cpu;
    f->generator_ms = own_cpu_ms() - own;
    f->rss_calls = server_rss_kb(&b->server);
    f->late_ms[0] = loop_lateness_ms(0.99);
    f->late_ms[1] = loop_lateness_ms(1.0);
    gather_all(b, f);
    return count(b, AGENT_UP) == b->calls;
}

static void step(struct bench *b, struct figures *f)
{
    uint64_t start;
    int err = farend_open(&b->far, &b->wide);

    b->calls = f->calls;
    if (!err)
        err = server_start(&b->server, b->binary, f->calls, b->far.port);
    if (!err) {
        loop_run(NULL, NULL, IDLE_MS); /* the trunk's first OPTIONS, too */
        f->rss_idle = server_rss_kb(&b->server);
        start = clock_us();
        f->ok = register_all(b, f->opus);
        f->registrations_per_s = b->calls * 1e6 / (double)(clock_us() - start);
        f->rss_registered = server_rss_kb(&b->server);
        f->ok = f->ok && set_up(b, f) && measure(b, f);
        for (unsigned i = 0; i < b->calls; i++)
            agent_hangup(&b->agent[i]);
        loop_run(none_ending, b, HANGUP_MS);
    }
    for (unsigned i = 0; i < b->calls; i++)
        agent_close(&b->agent[i]);
    b->calls = 0;
    server_stop(&b->server);
    farend_close(&b->far);
}

static void print_delay(const char *name, const double q[3], unsigned heard, unsigned marks)
{
    printf(", \"%s\": {\"p50\": %.1f, \"p95\": %.1f, \"max\": %.1f, \"marks_heard\": %.3f}", name, q[0], q[1],
           q[2], marks ? (double)heard / marks : 0.0);
}

static void print_step(const struct figures *f, bool first)
{
    double call_seconds = f->calls * f->seconds;

    printf("%s\n    {\"mode\": \"%s\", \"calls\": %u, \"ok\": %s", first ? "" : ",",
           f->opus ? "opus" : "passthrough", f->calls, f->ok ? "true" : "false");
    if (f->ok) {
        printf(", \"cpu_ms_per_call_second\": %.2f, \"generator_cpu_ms_per_call_second\": %.2f",
               f->cpu_ms / call_seconds, f->generator_ms / call_seconds);
        printf(", \"rss_kb_per_call\": %.0f, \"rss_kb_per_registration\": %.0f, \"rss_kb_idle\": %ld",
               (double)(f->rss_calls - f->rss_registered) / f->calls,
               (double)(f->rss_registered - f->rss_idle) / f->calls, f->rss_idle);
        printf(", \"setups_per_s\": %.1f, \"setup_ms\": {\"p50\": %.0f, \"p95\": %.0f}, "
               "\"registrations_per_s\": %.0f",
               f->setups_per_s, f->setup_ms[0], f->setup_ms[1], f->registrations_per_s);
        printf(", \"loss\": {\"to_trunk\": %.5f, \"to_browser\": %.5f}",
               f->expected[0] ? (double)f->lost[0] / (double)f->expected[0] : 1.0,
               f->expected[1] ? (double)f->lost[1] / (double)f->expected[1] : 1.0);
        print_delay("delay_ms_to_trunk", f->to_trunk, f->heard[0], f->marks[0]);
        print_delay("delay_ms_to_browser", f->to_browser, f->heard[1], f->marks[1]);
        printf(", \"generator_late_ms\": {\"p99\": %u, \"max\": %u}", f->late_ms[0], f->late_ms[1]);
        if (f->opus)
            printf(", \"opus_from_browser\": \"%s\"", f->narrow ? "narrowband" : "fullband");
    }
    printf("}");
    fflush(stdout);
}

static unsigned numbers(const char *list, unsigned *v, unsigned max)
{
    unsigned n = 0;
    char *end;

    for (const char *p = list; n < max; p = end) {
        unsigned long x = strtoul(p, &end, 10);

        if (end == p)
            break;
        if (x >= 1 && x <= FAREND_CALLS_MAX)
            v[n++] = (unsigned)x;
    }
    return n;
}

static void progress(const struct figures *f)
{
    const char *mode = f->opus ? "opus" : "passthrough";

    if (!f->ok) {
        fprintf(stderr, "bench: %s, %u calls: failed\n", mode, f->calls);
        return;
    }
    fprintf(stderr,
            "bench: %s, %u calls: %.2f CPU-ms per call-second, %.0f kB per call, delay %.1f and %.1f ms\n",
            mode, f->calls, f->cpu_ms / (f->calls * f->seconds),
            (double)(f->rss_calls - f->rss_registered) / f->calls, f->to_trunk[0], f->to_browser[0]);
    if (f->late_ms[0] > LATE_MS)
        fprintf(stderr, "bench: the machine was busy with other things (%u ms late): delays mean nothing\n",
                f->late_ms[0]);
}

static int prepare(struct bench *b)
{
    struct rlimit files = {4096, 4096};
    int err = loop_open();

    setrlimit(RLIMIT_NOFILE, &files);
    (void)setpriority(PRIO_PROCESS, 0, -10); /* as root: what sends late measures nothing */
    if (!err)
        err = srtpctx_global_init();
    if (!err)
        err = dtls_identity_alloc(&b->identity);
    if (!err)
        err = sound_make(&b->wide, false);
    if (!err)
        err = sound_make(&b->narrow, true);
    loop_on_tick(tick, b);
    return err;
}

int main(int argc, char **argv)
{
    const char *calls = getenv("BENCH_CALLS"), *seconds = getenv("BENCH_SECONDS"),
               *modes = getenv("BENCH_MODES");
    const char *bandwidth = getenv("BENCH_OPUS");
    unsigned v[STEPS_MAX], n = numbers(calls ? calls : "1 25 50 100", v, STEPS_MAX), failed = 0, done = 0;
    int err;

    if (bandwidth)
        bench.forced = strcmp(bandwidth, "full") ? &bench.narrow : &bench.wide;
    bench.binary = argc > 1 ? argv[1] : "build/dngate";
    bench.seconds = seconds ? strtod(seconds, NULL) : 10.0;
    if (bench.seconds < 1.0)
        bench.seconds = 1.0;
    err = prepare(&bench);
    if (err) {
        fprintf(stderr, "bench: %s\n", strerror(err));
        return 1;
    }
    printf("{\"seconds\": %.0f, \"steps\": [", bench.seconds);
    for (unsigned mode = 0; mode < 2; mode++) {
        if (modes && !strstr(modes, mode ? "passthrough" : "opus"))
            continue;
        for (unsigned i = 0; i < n; i++) {
            struct figures f = {.opus = !mode, .calls = v[i]};

            step(&bench, &f);
            progress(&f);
            print_step(&f, !done++);
            failed += !f.ok;
        }
    }
    printf("\n]}\n");
    dtls_identity_free(bench.identity);
    srtpctx_global_close();
    loop_close();
    return failed ? 1 : 0;
}

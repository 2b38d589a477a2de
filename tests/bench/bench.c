/*
 * bench: how much of the machine a call costs. Starts the release binary, registers agents over WSS, lets them call a far end on the
 * trunk's side, both ends sending the same sound, and measures the server while nothing else changes.
 *
 *   agents (WSS, ICE, DTLS-SRTP, Opus or G.711) ⇄ dngate ⇄ far end (SIP on UDP, RTP, G.711, G.722 or Opus)
 *
 * One JSON document on stdout, progress on stderr. BENCH_CALLS="1 25 50 100", BENCH_SECONDS=10, BENCH_MODES="opus passthrough g722 through" (through: Opus at both ends),
 * BENCH_OPUS=narrow or full (default: as the server's answer asks), BENCH_LOG=file for the server's log.
 * Delay is that of the sound: from the onset of a voice in what one end sends to the onset in what the other end gets.
 * Where generator_late_ms is more than a few, the machine had other things to do: what follows from jitter is not the server's.
 */
#include "core/clock.h"
#include "crowd.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum {
    WARM_MS = 3000,
    IDLE_MS = 1000,
    STEPS_MAX = 16,
    LATE_MS = 5 /* of the generator's own ticks, p99: more spoils the delays */
};

struct bench {
    struct crowd crowd;
    struct server server;
    double seconds;
    const char *binary;
};

struct kind {
    const char *name;
    enum media_codec browser, trunk;
    const char *codecs; /* of the trunk; NULL: also for binaries that know no other */
};

static const struct kind kinds[] = {
    {"opus", MEDIA_OPUS, MEDIA_PCMU, NULL},
    {"passthrough", MEDIA_PCMU, MEDIA_PCMU, NULL},
    {"g722", MEDIA_OPUS, MEDIA_G722, "g722"},
    {"through", MEDIA_OPUS, MEDIA_OPUS, "opus"},
};

struct figures {
    const struct kind *kind;
    bool ok;
    unsigned calls;
    double cpu_ms, generator_ms, registrations_per_s, seconds;
    long rss_idle, rss_registered, rss_calls;
    struct crowd_setup setup;
    struct crowd_heard heard;
};

static struct bench bench;

static double own_cpu_ms(void)
{
    struct rusage u;

    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e3 +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e3;
}

static bool measure(struct bench *b, struct figures *f)
{
    double cpu, own;
    uint64_t start;

    loop_run(NULL, NULL, WARM_MS);
    crowd_listen(&b->crowd);
    cpu = server_cpu_ms(&b->server);
    own = own_cpu_ms();
    start = clock_us();
    loop_run(NULL, NULL, (unsigned)(b->seconds * 1000));
    f->seconds = (double)(clock_us() - start) / 1e6;
    f->cpu_ms = server_cpu_ms(&b->server) - cpu;
    f->generator_ms = own_cpu_ms() - own;
    f->rss_calls = server_rss_kb(&b->server);
    crowd_hear(&b->crowd, &f->heard);
    return crowd_is_up(&b->crowd);
}

static void step(struct bench *b, struct figures *f)
{
    uint64_t start;
    int err = farend_open(&b->crowd.far, &b->crowd.wide);

    b->crowd.far.codec = f->kind->trunk;
    b->server.codecs = f->kind->codecs;
    if (!err)
        err = server_start(&b->server, b->binary, f->calls, b->crowd.far.port);
    if (!err) {
        loop_run(NULL, NULL, IDLE_MS); /* the trunk's first OPTIONS, too */
        f->rss_idle = server_rss_kb(&b->server);
        start = clock_us();
        f->ok = crowd_register(&b->crowd, b->server.https_port, f->calls, f->kind->browser == MEDIA_OPUS);
        f->registrations_per_s = f->calls * 1e6 / (double)(clock_us() - start);
        f->rss_registered = server_rss_kb(&b->server);
        f->ok = f->ok && crowd_call(&b->crowd, &f->setup) && measure(b, f);
    }
    crowd_end(&b->crowd);
    server_stop(&b->server);
    farend_close(&b->crowd.far);
}

static double loss(const struct crowd_heard *h, unsigned way)
{
    return h->expected[way] ? (double)h->lost[way] / (double)h->expected[way] : 1.0;
}

static void print_delay(const char *name, const struct crowd_heard *h, unsigned way)
{
    const double *q = h->delay_ms[way];

    printf(", \"%s\": {\"p50\": %.1f, \"p95\": %.1f, \"max\": %.1f, \"marks_heard\": %.3f}", name, q[0], q[1],
           q[2], h->marks[way] ? (double)h->heard[way] / h->marks[way] : 0.0);
}

static void print_step(const struct figures *f, bool first)
{
    double call_seconds = f->calls * f->seconds;

    printf("%s\n    {\"mode\": \"%s\", \"calls\": %u, \"ok\": %s", first ? "" : ",", f->kind->name, f->calls,
           f->ok ? "true" : "false");
    if (f->ok) {
        printf(", \"cpu_ms_per_call_second\": %.2f, \"generator_cpu_ms_per_call_second\": %.2f",
               f->cpu_ms / call_seconds, f->generator_ms / call_seconds);
        printf(", \"rss_kb_per_call\": %.0f, \"rss_kb_per_registration\": %.0f, \"rss_kb_idle\": %ld",
               (double)(f->rss_calls - f->rss_registered) / f->calls,
               (double)(f->rss_registered - f->rss_idle) / f->calls, f->rss_idle);
        printf(", \"setups_per_s\": %.1f, \"setup_ms\": {\"p50\": %.0f, \"p95\": %.0f}, "
               "\"registrations_per_s\": %.0f",
               f->setup.per_s, f->setup.ms[0], f->setup.ms[1], f->registrations_per_s);
        printf(", \"loss\": {\"to_trunk\": %.5f, \"to_browser\": %.5f}", loss(&f->heard, CROWD_TO_TRUNK),
               loss(&f->heard, CROWD_TO_BROWSER));
        print_delay("delay_ms_to_trunk", &f->heard, CROWD_TO_TRUNK);
        print_delay("delay_ms_to_browser", &f->heard, CROWD_TO_BROWSER);
        printf(", \"generator_late_ms\": {\"p99\": %u, \"max\": %u}", f->heard.late_ms[0],
               f->heard.late_ms[1]);
        if (f->kind->browser == MEDIA_OPUS)
            printf(", \"opus_from_browser\": \"%s\"", f->setup.opus);
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
    const char *mode = f->kind->name;

    if (!f->ok) {
        fprintf(stderr, "bench: %s, %u calls: failed\n", mode, f->calls);
        return;
    }
    fprintf(stderr,
            "bench: %s, %u calls: %.2f CPU-ms per call-second, %.0f kB per call, delay %.1f and %.1f ms\n",
            mode, f->calls, f->cpu_ms / (f->calls * f->seconds),
            (double)(f->rss_calls - f->rss_registered) / f->calls, f->heard.delay_ms[CROWD_TO_TRUNK][0],
            f->heard.delay_ms[CROWD_TO_BROWSER][0]);
    if (f->heard.late_ms[0] > LATE_MS)
        fprintf(stderr, "bench: the machine was busy with other things (%u ms late): delays mean nothing\n",
                f->heard.late_ms[0]);
}

static int prepare(struct bench *b)
{
    struct rlimit files = {4096, 4096};

    setrlimit(RLIMIT_NOFILE, &files);
    (void)setpriority(PRIO_PROCESS, 0, -10); /* as root: what sends late measures nothing */
    return crowd_open(&b->crowd);
}

/* Whether the list, which may be NULL for all, has this word. */
static bool wanted(const char *list, const char *name)
{
    const size_t n = strlen(name);

    for (const char *p = list; p && *p; p += strcspn(p, " "), p += strspn(p, " "))
        if (!strncmp(p, name, n) && (!p[n] || p[n] == ' '))
            return true;
    return !list;
}

int main(int argc, char **argv)
{
    const char *calls = getenv("BENCH_CALLS"), *seconds = getenv("BENCH_SECONDS"),
               *modes = getenv("BENCH_MODES");
    const char *bandwidth = getenv("BENCH_OPUS");
    unsigned v[STEPS_MAX], n = numbers(calls ? calls : "1 25 50 100", v, STEPS_MAX), failed = 0, done = 0;
    int err;

    if (bandwidth)
        bench.crowd.forced = strcmp(bandwidth, "full") ? &bench.crowd.narrow : &bench.crowd.wide;
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
    for (size_t mode = 0; mode < sizeof(kinds) / sizeof(kinds[0]); mode++) {
        if (!wanted(modes, kinds[mode].name))
            continue;
        for (unsigned i = 0; i < n; i++) {
            struct figures f = {.kind = &kinds[mode], .calls = v[i]};

            step(&bench, &f);
            progress(&f);
            print_step(&f, !done++);
            failed += !f.ok;
        }
    }
    printf("\n]}\n");
    crowd_close(&bench.crowd);
    return failed ? 1 : 0;
}

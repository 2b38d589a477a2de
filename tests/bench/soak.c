/*
 * soak: does the server stay as it is? Holds SOAK_CALLS (25) calls with sound for SOAK_MINUTES (30) while calls, connections and
 * registrations come and go (soakslot.h) and others ask for pages and try passwords (soaknoise.h). Before, between and after it lets all
 * calls end and looks at what is left.
 *
 * One JSON document on stdout, progress on stderr, samples of each 5 s in SOAK_SERIES (default build/soak.csv). SOAK_SEED repeats a
 * choice of calls. Exit status 1 when a limit is broken; which is said under "broken". BENCH_LOG=file for the server's log.
 * RSS is that of the whole run's rest after a warm-up of a fifth, in the middle of which is the first quiet moment; rss_quiet_kb is
 * without any call. Calls come and go by chance, and take 0.1 to 0.2 MB each: the limit is for the slope at equal load.
 */
#include "core/clock.h"
#include "core/rnd.h"
#include "crypto/srtp.h"
#include "server.h"
#include "soaknoise.h"
#include "soakslot.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
    PACKET_MS = 20,
    SAMPLE_MS = 5000,
    SAMPLES_MAX = 20000,
    SPARE = 5,         /* agents more than calls */
    QUIET_MS = 120000, /* longer than a vanished browser is waited for */
    SETTLE_MS = 6000,
    RSS_KB_PER_HOUR = 200,
    REGISTER_MS = 60000
};

struct soak {
    struct sound wide, narrow;
    struct dtls_identity *identity;
    struct farend far;
    struct server server;
    struct noise *noise;
    struct soak_world world;
    struct soak_slot slot[FAREND_CALLS_MAX];
    unsigned slots;
    struct usage usage[SAMPLES_MAX], quiet[3]; /* quiet: before, after the warm-up, at the end */
    unsigned samples;
    struct tally warnings, errors;
    uint64_t start_ms, sample_ms, steady_ms; /* steady_ms: samples count from then on; 0 = not now */
    FILE *series;
};

static struct soak soak;
static volatile sig_atomic_t interrupted;

static void on_signal(int sig)
{
    (void)sig;
    interrupted = 1;
}

/* A line's text without time and without fields: "2026-… warn  sip dn=1000 code=486 refused" is "sip refused". */
static void log_line(const char *line, void *arg)
{
    struct soak *s = arg;
    char text[TALLY_TEXT] = "", level[8] = "", word[256];
    int n, at = 0;

    if (sscanf(line, "%*s %7s%n", level, &at) != 1)
        return;
    if (strcmp(level, "warn") && strcmp(level, "error"))
        return;
    while (sscanf(line + at, "%255s%n", word, &n) == 1) {
        at += n;
        if (strchr(word, '=')) {
            const char *quote = strchr(word, '"');

            if (quote && !strchr(quote + 1, '"') && strchr(line + at, '"'))
                at += (int)strcspn(line + at, "\"") + 1;
            continue;
        }
        snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s", *text ? " " : "", word);
    }
    tally_add(*level == 'w' ? &s->warnings : &s->errors, text);
}

static void sample(struct soak *s)
{
    struct usage *u = &s->usage[s->samples];
    const struct soak_world *w = &s->world;

    for (unsigned i = 0; i < s->slots; i++)
        soak_slot_collect(&s->slot[i]);
    if (s->samples == SAMPLES_MAX)
        return;
    usage_read(u, s->server.pid);
    u->at_s = (double)(clock_ms() - s->start_ms) / 1000;
    u->steady = s->steady_ms && clock_ms() >= s->steady_ms;
    u->live = w->connected;
    u->opus = u->straight = 0;
    for (unsigned i = 0; i < s->slots; i++) {
        bool in_call = s->slot[i].phase >= SLOT_SETUP, opus = s->slot[i].agent.codec == MEDIA_OPUS;

        u->opus += in_call && opus;
        u->straight += in_call && !opus;
    }
    if (s->series) {
        fprintf(s->series, "%.0f,%d,%ld,%ld,%ld,%u,%u,%.0f,%u,%u,%u,%llu,%llu,%u,%u,%u,%u\n", u->at_s,
                u->steady, u->rss_kb, u->pss_kb, u->anon_kb, u->fds, u->threads, u->cpu_ms, u->live,
                w->attempts, w->failed.total, (unsigned long long)w->lost[0], (unsigned long long)w->lost[1],
                delays_quantile(&w->delays[0], 0.5), delays_quantile(&w->delays[1], 0.5), u->opus,
                u->straight);
        fflush(s->series);
    }
    s->samples++;
}

static void tick(uint64_t n, void *arg)
{
    struct soak *s = arg;

    for (unsigned i = 0; i < s->slots; i++) {
        if ((n + i * 7) % PACKET_MS == 0) {
            soak_slot_step(&s->slot[i]);
            agent_send(&s->slot[i].agent);
        }
        if ((n + i * 7) % PACKET_MS == PACKET_MS / 2)
            farend_send(&s->far, i);
    }
    if (clock_ms() >= s->sample_ms && s->sample_ms) {
        s->sample_ms += SAMPLE_MS;
        sample(s);
    }
}

static bool is_quiet(void *arg)
{
    struct soak *s = arg;

    for (unsigned i = 0; i < s->slots; i++)
        if (s->slot[i].phase != SLOT_IDLE)
            return false;
    return true;
}

static bool is_interrupted(void *arg)
{
    (void)arg;
    return interrupted || kill(soak.server.pid, 0) || (soak.server.log.fd < 0);
}

/* Lets all calls end, waits a moment, and looks. */
static bool go_quiet(struct soak *s, unsigned which)
{
    bool ok;

    s->steady_ms = 0;
    s->world.paused = true;
    ok = loop_run(is_quiet, s, QUIET_MS);
    loop_run(NULL, NULL, SETTLE_MS);
    usage_read(&s->quiet[which], s->server.pid);
    s->quiet[which].at_s = (double)(clock_ms() - s->start_ms) / 1000;
    fprintf(stderr, "soak: %.0f s: quiet: %ld kB, %u descriptors\n", s->quiet[which].at_s,
            s->quiet[which].rss_kb, s->quiet[which].fds);
    return ok;
}

static void hold(struct soak *s, double seconds)
{
    uint64_t end = clock_ms() + (uint64_t)(seconds * 1000);

    s->world.paused = false;
    while (clock_ms() < end && !is_interrupted(s)) {
        uint64_t left = end - clock_ms();

        loop_run(is_interrupted, s, left < 60000 ? (unsigned)left : 60000);
        fprintf(stderr, "soak: %.0f s: %u calls up, %u made, %u failures, %ld kB\n",
                (double)(clock_ms() - s->start_ms) / 1000, s->world.connected, s->world.attempts,
                s->world.failed.total, server_rss_kb(&s->server));
    }
}

static int prepare(struct soak *s, unsigned calls)
{
    struct rlimit files = {4096, 4096};
    int err = loop_open();

    setrlimit(RLIMIT_NOFILE, &files);
    if (!err)
        err = srtpctx_global_init();
    if (!err)
        err = dtls_identity_alloc(&s->identity);
    if (!err)
        err = sound_make(&s->wide, 48000);
    if (!err)
        err = sound_make(&s->narrow, 8000);
    if (!err)
        err = farend_open(&s->far, &s->wide);
    s->slots = calls + SPARE;
    s->world.far = &s->far;
    s->world.calls_max = calls;
    s->server.lineh = log_line;
    s->server.arg = s;
    return err;
}

static bool begin(struct soak *s, const char *binary)
{
    if (server_start(&s->server, binary, s->slots, s->far.port) ||
        noise_start(&s->noise, s->server.https_port))
        return false;
    s->far.gateway_port = s->server.sip_port;
    s->world.https_port = s->server.https_port;
    s->world.paused = true;
    s->start_ms = clock_ms();
    for (unsigned i = 0; i < s->slots; i++) {
        struct agent *a = &s->slot[i].agent;

        a->dn = 1000 + i;
        a->number = FAREND_NUMBER + i;
        server_password(a->password, sizeof(a->password), a->dn);
        a->patient = true;
        a->identity = s->identity;
        a->wide = &s->wide;
        a->narrow = &s->narrow;
        soak_slot_init(&s->slot[i], &s->world, i);
    }
    loop_on_tick(tick, s);
    s->sample_ms = clock_ms() + SAMPLE_MS;
    return loop_run(is_quiet, s, REGISTER_MS);
}

static void broken(unsigned *n, const char *what)
{
    printf("%s\"%s\"", (*n)++ ? ", " : "", what);
}

/* Prints the limits that do not hold; how many. */
static unsigned judge(const struct soak *s, const struct cdr_sums *cdr, bool ended_well, bool whole)
{
    struct slope rss = slope_at_load(s->usage, s->samples), fds = slope_fit(s->usage, s->samples, false);
    unsigned n = 0;

    printf("  \"broken\": [");
    if (!whole)
        broken(&n, "the run was cut short, or did not come to rest");
    if (rss.per_hour > RSS_KB_PER_HOUR)
        broken(&n, "RSS grows");
    if (fds.per_hour - 2 * fds.error > 0 && s->quiet[2].fds > s->quiet[1].fds)
        broken(&n, "descriptors grow");
    if (s->quiet[2].fds > s->quiet[1].fds)
        broken(&n, "descriptors are left over");
    if (s->quiet[2].threads > s->quiet[0].threads)
        broken(&n, "threads are left over");
    if (s->world.failed.total)
        broken(&n, "calls or registrations failed");
    if (cdr->rows != (int)s->world.attempts || cdr->open)
        broken(&n, "call records do not match the calls");
    if (s->errors.total)
        broken(&n, "errors in the log");
    if (s->noise->guesses_let_in)
        broken(&n, "a wrong password was taken");
    if (s->noise->pages_failed)
        broken(&n, "pages failed");
    if (!ended_well)
        broken(&n, "the server did not end well");
    printf("]\n}\n");
    return n;
}

static double cpu_ms_per_s(const struct soak *s)
{
    const struct usage *first = NULL, *last = NULL;

    for (unsigned i = 0; i < s->samples; i++) {
        if (!s->usage[i].steady)
            continue;
        first = first ? first : &s->usage[i];
        last = &s->usage[i];
    }
    return first && last != first ? (last->cpu_ms - first->cpu_ms) / (last->at_s - first->at_s) : 0;
}

static void print_usage(const struct soak *s)
{
    struct slope rss = slope_fit(s->usage, s->samples, true), fds = slope_fit(s->usage, s->samples, false);
    struct slope at_load = slope_at_load(s->usage, s->samples);
    unsigned min_fds = ~0u, max_fds = 0, threads = 0;
    long min_rss = 0, max_rss = 0;
    double live = 0;

    for (unsigned i = 0; i < s->samples; i++) {
        const struct usage *u = &s->usage[i];

        if (!u->steady)
            continue;
        min_fds = u->fds < min_fds ? u->fds : min_fds;
        max_fds = u->fds > max_fds ? u->fds : max_fds;
        min_rss = !min_rss || u->rss_kb < min_rss ? u->rss_kb : min_rss;
        max_rss = u->rss_kb > max_rss ? u->rss_kb : max_rss;
        threads = u->threads > threads ? u->threads : threads;
        live += rss.n ? (double)u->live / rss.n : 0;
    }
    printf("  \"rss_kb_per_hour_at_equal_load\": {\"slope\": %.0f, \"standard_error\": %.0f},\n",
           at_load.per_hour, at_load.error);
    printf("  \"rss_kb_per_hour\": {\"slope\": %.0f, \"standard_error\": %.0f, \"samples\": %u, \"min_kb\": "
           "%ld, "
           "\"max_kb\": %ld},\n",
           rss.per_hour, rss.error, rss.n, min_rss, max_rss);
    printf("  \"fds\": {\"min\": %u, \"max\": %u, \"slope_per_hour\": %.1f, \"standard_error\": %.1f, "
           "\"quiet\": [%u, %u, %u]},\n",
           min_fds, max_fds, fds.per_hour, fds.error, s->quiet[0].fds, s->quiet[1].fds, s->quiet[2].fds);
    printf("  \"rss_quiet_kb\": [%ld, %ld, %ld], \"quiet_at_s\": [%.0f, %.0f, %.0f],\n", s->quiet[0].rss_kb,
           s->quiet[1].rss_kb, s->quiet[2].rss_kb, s->quiet[0].at_s, s->quiet[1].at_s, s->quiet[2].at_s);
    printf("  \"threads_max\": %u, \"calls_up_mean\": %.1f, \"cpu_ms_per_s\": %.1f,\n", threads, live,
           cpu_ms_per_s(s));
}

static void print_calls(const struct soak *s, const struct cdr_sums *cdr)
{
    const struct soak_world *w = &s->world;

    printf("  \"calls\": {\"attempts\": %u, \"as_planned\": %u, \"out\": %u, \"in\": %u, \"out_busy\": %u, "
           "\"in_busy\": %u, \"out_cancelled\": %u, \"in_cancelled\": %u, \"opus\": %u},\n",
           w->attempts, w->good, w->made[PLAN_OUT], w->made[PLAN_IN], w->made[PLAN_OUT_BUSY],
           w->made[PLAN_IN_BUSY], w->made[PLAN_OUT_CANCEL], w->made[PLAN_IN_CANCEL], w->opus);
    printf("  \"ended_by\": {\"agent\": %u, \"far_end\": %u, \"browser_gone\": %u},\n", w->ended[END_AGENT],
           w->ended[END_FAR], w->ended[END_VANISH]);
    tally_print(&w->failed, "failed");
    printf("  \"agents\": %u, \"connections\": %u, \"registered_again\": %u,\n", s->slots, w->reconnects,
           w->refreshes);
    printf("  \"cdr\": {\"rows\": %d, \"left_open\": %d, \"browser_packets\": %lld, \"browser_lost\": %lld, "
           "\"trunk_packets\": %lld, \"trunk_lost\": %lld},\n",
           cdr->rows, cdr->open, cdr->browser_packets, cdr->browser_lost, cdr->trunk_packets,
           cdr->trunk_lost);
    for (unsigned dir = 0; dir < 2; dir++)
        printf(
            "  \"%s\": {\"packets\": %llu, \"lost\": %llu, \"delay_ms\": {\"p50\": %u, \"p95\": %u, \"p99\": "
            "%u}},\n",
            dir ? "to_browser" : "to_trunk", (unsigned long long)w->expected[dir],
            (unsigned long long)w->lost[dir], delays_quantile(&w->delays[dir], 0.5),
            delays_quantile(&w->delays[dir], 0.95), delays_quantile(&w->delays[dir], 0.99));
    printf(
        "  \"pages\": {\"asked\": %u, \"failed\": %u}, \"wrong_passwords\": {\"tried\": %u, \"let_in\": %u, "
        "\"shut_out\": %u},\n",
        s->noise->pages, s->noise->pages_failed, s->noise->guesses, s->noise->guesses_let_in,
        s->noise->guesses_shut_out);
    printf("  \"generator_late_ms\": {\"p99\": %u, \"max\": %u},\n", loop_lateness_ms(0.99),
           loop_lateness_ms(1.0));
    tally_print(&s->warnings, "log_warn");
    tally_print(&s->errors, "log_error");
}

static double number(const char *name, double def, double max)
{
    const char *v = getenv(name);
    double x = v ? strtod(v, NULL) : def;

    return x > 0 && x <= max ? x : def;
}

static bool run(struct soak *s, double seconds)
{
    double warm = seconds / 5;
    bool whole = go_quiet(s, 0);

    hold(s, warm / 2);
    whole = go_quiet(s, 1) && whole;
    hold(s, warm / 2);
    s->steady_ms = clock_ms();
    hold(s, seconds - warm);
    whole = go_quiet(s, 2) && whole;
    return whole && !is_interrupted(s);
}

int main(int argc, char **argv)
{
    double seconds = number("SOAK_MINUTES", 30, 1e5) * 60;
    const char *seed = getenv("SOAK_SEED"), *series = getenv("SOAK_SERIES");
    struct soak *s = &soak;
    struct cdr_sums cdr = {0};
    bool whole, ended_well;
    uint64_t seeded = seed ? strtoull(seed, NULL, 10) : rnd_u32();
    int err = prepare(s, (unsigned)number("SOAK_CALLS", 25, FAREND_CALLS_MAX - SPARE));

    signal(SIGINT, on_signal);
    signal(SIGTERM, on_signal);
    s->world.random = seeded;
    fprintf(stderr, "soak: SOAK_SEED=%llu SOAK_MINUTES=%g SOAK_CALLS=%u\n", (unsigned long long)seeded,
            seconds / 60, s->world.calls_max);
    s->series = fopen(series ? series : "build/soak.csv", "w");
    if (s->series)
        fprintf(s->series, "s,steady,rss_kb,pss_kb,anon_kb,fds,threads,cpu_ms,up,attempts,failures,"
                           "lost_to_trunk,lost_to_browser,p50_to_trunk,p50_to_browser,opus,straight\n");
    if (err || !begin(s, argc > 1 ? argv[1] : "build/dngate")) {
        fprintf(stderr, "soak: cannot begin: %s\n", err ? strerror(err) : "see above");
        noise_stop(s->noise);
        server_stop(&s->server);
        return 1;
    }
    whole = run(s, seconds);
    noise_stop(s->noise);
    s->sample_ms = 0;
    loop_on_tick(NULL, NULL);
    for (unsigned i = 0; i < s->slots; i++)
        soak_slot_close(&s->slot[i]);
    ended_well = server_end(&s->server);
    if (!cdr_read(&cdr, s->server.dir))
        cdr.rows = -1;
    server_remove(&s->server);
    farend_close(&s->far);
    printf("{\n  \"minutes\": %g, \"calls_held\": %u, \"seed\": %llu, \"warm_up_s\": %.0f,\n", seconds / 60,
           s->world.calls_max, (unsigned long long)seeded, seconds / 5);
    print_usage(s);
    print_calls(s, &cdr);
    return judge(s, &cdr, ended_well, whole) ? 1 : 0;
}

/*
 * bench/console: what the console costs a box that has seen a lot: BENCH_RECORDS (1,000,000) call records, BENCH_DNS (5,000) DNs, BENCH_CALLS
 * (50) calls up.
 *
 *   reads       how long the pages' questions take, one after the other, by TLS on a kept connection
 *   first_load  the Overview with its graph on a new connection: bytes as they are sent, and time
 *   beside      loss and jitter of the calls with BENCH_READS (1,000) reads a second and without, in turns of one run
 *   dashboards  what ten open live pages take of one core
 *   tracing     what the calls cost when all are traced, and when none is, in turns (settings of the running server)
 *
 * One JSON document on stdout, progress on stderr. BENCH_SECONDS=10 for each measurement.
 */
#include "bench/console/fill.h"
#include "bench/console/readers.h"
#include "bench/crowd.h"
#include "core/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { TIMES = 100, TURNS = 4, DASHBOARDS = 10, WARM_MS = 2000, SETTLE_MS = 1500, PATH_MAX_ = 512 };

#define API "/api/admin/v1"

struct bench {
    struct crowd crowd;
    struct server server;
    struct https admin;
    double seconds;
    unsigned records, dns, calls, reads;
};

static struct bench bench;

static unsigned number(const char *name, unsigned otherwise)
{
    const char *text = getenv(name);

    return text ? (unsigned)strtoul(text, NULL, 10) : otherwise;
}

/* ---------------------------------------------------------------- reads */

static bool read_times(struct bench *b, const char *name, const char *path, bool first)
{
    static float ms[TIMES];
    double q[3];

    for (unsigned i = 0; i < TIMES; i++) {
        const uint64_t start = clock_us();
        const int status = https_call(&b->admin, "GET", path, NULL);

        ms[i] = (float)(clock_us() - start) / 1000.0f;
        loop_poll();
        if (status != 200) {
            fprintf(stderr, "bench: %s: %d\n", path, status);
            return false;
        }
    }
    crowd_quantiles(ms, TIMES, q);
    fprintf(stderr, "bench: %s: %.2f ms (p95 %.2f), %zu bytes\n", name, q[0], q[1], b->admin.body_len);
    printf("%s\n    \"%s\": {\"p50_ms\": %.2f, \"p95_ms\": %.2f, \"max_ms\": %.2f, \"bytes\": %zu}",
           first ? "" : ",", name, q[0], q[1], q[2], b->admin.body_len);
    return true;
}

static bool reads(struct bench *b)
{
    const long long now = (long long)time(NULL) * 1000, day = 86400000;
    char paths[10][PATH_MAX_];
    static const char *const names[] = {
        "cdr_page", "cdr_of_a_day", "cdr_of_a_dn",  "cdr_search", "cdr_bad", "cdr_summary_of_a_day",
        "dns_page", "dns_search",   "dns_by_state", "status"};
    bool ok = true;

    snprintf(paths[0], PATH_MAX_, API "/cdr?limit=100");
    snprintf(paths[1], PATH_MAX_, API "/cdr?limit=100&from_ms=%lld&to_ms=%lld", now - 10 * day,
             now - 9 * day);
    snprintf(paths[2], PATH_MAX_, API "/cdr?limit=100&dn=1042");
    snprintf(paths[3], PATH_MAX_, API "/cdr?limit=100&q=4930123");
    snprintf(paths[4], PATH_MAX_, API "/cdr?limit=100&max_mos=2.9&from_ms=%lld", now - day);
    snprintf(paths[5], PATH_MAX_, API "/cdr/summary?from_ms=%lld&to_ms=%lld", now - day, now);
    snprintf(paths[6], PATH_MAX_, API "/dns?limit=100");
    snprintf(paths[7], PATH_MAX_, API "/dns?limit=100&q=gent%%2042");
    snprintf(paths[8], PATH_MAX_, API "/dns?limit=100&sort=state&order=desc");
    snprintf(paths[9], PATH_MAX_, API "/status");
    printf("  \"reads\": {");
    for (size_t i = 0; ok && i < sizeof(names) / sizeof(*names); i++)
        ok = read_times(b, names[i], paths[i], !i);
    printf("\n  },\n");
    return ok;
}

/* ---------------------------------------------------------------- the first page */

enum { FILES_MAX = 32 };

struct files {
    char path[FILES_MAX][64];
    size_t n;
};

static void file_add(struct files *f, const char *dir, const char *name, size_t len)
{
    char path[64];

    snprintf(path, sizeof(path), "%s%.*s", dir, (int)len, name);
    for (size_t i = 0; i < f->n; i++)
        if (!strcmp(f->path[i], path))
            return;
    if (f->n < FILES_MAX)
        memcpy(f->path[f->n++], path, sizeof(path));
}

/* What the page names, and the English words, which its script fetches. */
static bool files_find(struct https *h, struct files *f)
{
    h->plain = true;
    f->n = 0;
    file_add(f, "/admin/", "", 0);
    for (size_t i = 0; i < f->n; i++) {
        if (https_call(h, "GET", f->path[i], NULL) != 200)
            return false;
        for (const char *p = h->body; !i && (p = strstr(p, "=\"/admin/")); p += 2)
            file_add(f, "", p + 2, strcspn(p + 2, "\""));
        for (const char *p = h->body; i && (p = strstr(p, "\"en-")) && !strncmp(p + 12, ".json", 5); p++)
            file_add(f, "/admin/", p + 1, strcspn(p + 1, "\""));
    }
    h->plain = false;
    return f->n > 3;
}

static bool load(struct bench *b, const struct files *f, size_t *bytes)
{
    struct https h = {.fd = -1};
    bool ok = https_open(&h, b->server.https_port);

    memcpy(h.cookie, b->admin.cookie, sizeof(h.cookie));
    *bytes = 0;
    for (size_t i = 0; ok && i < f->n; i++) {
        ok = https_call(&h, "GET", f->path[i], NULL) == 200;
        *bytes += h.body_len;
    }
    ok = ok && https_call(&h, "GET", API "/session", NULL) == 200 &&
         https_call(&h, "GET", API "/status", NULL) == 200;
    https_close(&h);
    return ok;
}

/* One after the other on one connection, where a browser asks side by side. */
static bool first_load(struct bench *b)
{
    static float ms[TIMES];
    static struct files files;
    size_t bytes = 0;
    double q[3];

    if (!files_find(&b->admin, &files)) {
        fprintf(stderr, "bench: the console's page does not come\n");
        return false;
    }
    for (unsigned n = 0; n < TIMES; n++) {
        const uint64_t start = clock_us();

        if (!load(b, &files, &bytes)) {
            fprintf(stderr, "bench: a file of the console's page does not come\n");
            return false;
        }
        ms[n] = (float)(clock_us() - start) / 1000.0f;
        loop_poll();
    }
    crowd_quantiles(ms, TIMES, q);
    fprintf(stderr, "bench: first load: %.1f ms (p95 %.1f), %zu bytes in %zu files\n", q[0], q[1], bytes,
            files.n);
    printf("  \"first_load\": {\"p50_ms\": %.1f, \"p95_ms\": %.1f, \"bytes\": %zu, \"files\": %zu},\n", q[0],
           q[1], bytes, files.n);
    return true;
}

/* ---------------------------------------------------------------- beside calls */

struct voice {
    double jitter_ms[CROWD_WAYS], loss[CROWD_WAYS], cpu_ms;
    unsigned late_ms;
};

static double loss(const struct crowd_heard *h, unsigned way)
{
    return h->expected[way] ? (double)h->lost[way] / (double)h->expected[way] : 1.0;
}

/* Adds one turn to the mean of all. */
static void turn(struct bench *b, struct voice *v)
{
    struct crowd_heard heard;
    double cpu;

    loop_run(NULL, NULL, SETTLE_MS);
    crowd_listen(&b->crowd);
    cpu = server_cpu_ms(&b->server);
    loop_run(NULL, NULL, (unsigned)(b->seconds * 1000 / TURNS));
    v->cpu_ms += (server_cpu_ms(&b->server) - cpu) / (b->seconds * (b->calls ? b->calls : 1));
    crowd_hear(&b->crowd, &heard);
    for (unsigned way = 0; way < CROWD_WAYS; way++) {
        v->jitter_ms[way] += heard.jitter_ms[way] / TURNS;
        v->loss[way] += loss(&heard, way) / TURNS;
    }
    v->late_ms = heard.late_ms[0] > v->late_ms ? heard.late_ms[0] : v->late_ms;
}

static void print_voice(const char *name, const struct voice *v)
{
    printf("    \"%s\": {\"jitter_ms\": {\"to_trunk\": %.2f, \"to_browser\": %.2f}, \"loss\": {\"to_trunk\": "
           "%.6f, "
           "\"to_browser\": %.6f}, \"cpu_ms_per_call_second\": %.2f, \"generator_late_ms\": %u},\n",
           name, v->jitter_ms[0], v->jitter_ms[1], v->loss[0], v->loss[1], v->cpu_ms, v->late_ms);
}

static void beside(struct bench *b)
{
    struct voice without = {0}, with = {0};
    unsigned long done = 0;

    for (unsigned i = 0; i < TURNS; i++) {
        turn(b, &without);
        readers_start(&b->admin, b->reads);
        turn(b, &with);
        done += readers_stop();
    }
    fprintf(stderr, "bench: %lu reads beside %u calls: jitter %.2f and %.2f ms, without %.2f and %.2f\n",
            done, b->calls, with.jitter_ms[0], with.jitter_ms[1], without.jitter_ms[0], without.jitter_ms[1]);
    printf("  \"beside\": {\"calls\": %u, \"reads\": %lu, \"reads_per_s\": %.0f,\n", b->calls, done,
           (double)done / (b->seconds + TURNS * SETTLE_MS / 1000.0));
    print_voice("without_reads", &without);
    print_voice("with_reads", &with);
    printf("    \"added\": {\"jitter_ms\": {\"to_trunk\": %.2f, \"to_browser\": %.2f}, \"loss\": "
           "{\"to_trunk\": %.6f, "
           "\"to_browser\": %.6f}}\n  },\n",
           with.jitter_ms[0] - without.jitter_ms[0], with.jitter_ms[1] - without.jitter_ms[1],
           with.loss[0] - without.loss[0], with.loss[1] - without.loss[1]);
}

/* ---------------------------------------------------------------- live pages */

static double share_of_core(struct bench *b, struct https *pages, unsigned count, long *bytes)
{
    const double cpu = server_cpu_ms(&b->server);
    const uint64_t start = clock_us(), end = start + (uint64_t)(b->seconds * 1e6);

    while (clock_us() < end) {
        loop_run(NULL, NULL, 100);
        for (unsigned i = 0; i < count; i++) {
            const long n = https_skim(&pages[i]);

            *bytes += n > 0 ? n : 0;
        }
    }
    return (server_cpu_ms(&b->server) - cpu) / ((double)(clock_us() - start) / 1e3);
}

static bool dashboards(struct bench *b)
{
    static struct https pages[DASHBOARDS];
    double without, with;
    long bytes = 0;

    without = share_of_core(b, pages, 0, &bytes);
    for (unsigned i = 0; i < DASHBOARDS; i++) {
        memcpy(pages[i].cookie, b->admin.cookie, sizeof(pages[i].cookie));
        if (!https_open(&pages[i], b->server.https_port) ||
            !https_upgrade(&pages[i], API "/events", "dngate-events")) {
            fprintf(stderr, "bench: no live push\n");
            return false;
        }
    }
    loop_run(NULL, NULL, SETTLE_MS);
    with = share_of_core(b, pages, DASHBOARDS, &bytes);
    for (unsigned i = 0; i < DASHBOARDS; i++)
        https_close(&pages[i]);
    without = (without + share_of_core(b, pages, 0, &bytes)) / 2;
    fprintf(stderr, "bench: %u live pages: %.4f of a core, %ld bytes/s each\n", DASHBOARDS, with - without,
            (long)((double)bytes / b->seconds / DASHBOARDS));
    printf("  \"dashboards\": {\"open\": %u, \"share_of_a_core\": %.4f, \"bytes_per_s_each\": %.0f},\n",
           DASHBOARDS, with - without, (double)bytes / b->seconds / DASHBOARDS);
    return true;
}

/* ---------------------------------------------------------------- tracing */

static bool sample(struct bench *b, const char *percent)
{
    char body[64];

    snprintf(body, sizeof(body), "{\"value\":\"%s\"}", percent);
    return https_call(&b->admin, "PUT", API "/settings/trace.sample", body) / 100 == 2;
}

/* Calls are made anew in each turn, so that all of their begin and end counts. CPU-ms of the server a call-second go to *cpu. */
static bool traced_turn(struct bench *b, const char *percent, double *cpu)
{
    const double calls_s = b->calls * b->seconds / TURNS;
    struct crowd_setup setup;
    double before;

    if (!sample(b, percent) || !crowd_register(&b->crowd, b->server.https_port, b->calls, true))
        return false;
    before = server_cpu_ms(&b->server);
    if (!crowd_call(&b->crowd, &setup))
        return false;
    loop_run(NULL, NULL, (unsigned)(b->seconds * 1000 / TURNS));
    crowd_end(&b->crowd);
    loop_run(NULL, NULL, SETTLE_MS);
    *cpu += (server_cpu_ms(&b->server) - before) / calls_s / TURNS;
    return true;
}

static bool tracing(struct bench *b)
{
    double none = 0, every = 0;

    for (unsigned i = 0; i < TURNS; i++)
        if (!traced_turn(b, "0", &none) || !traced_turn(b, "100", &every)) {
            fprintf(stderr, "bench: tracing cannot be set\n");
            return false;
        }
    fprintf(stderr, "bench: all calls traced: %.2f CPU-ms per call-second, none: %.2f\n", every, none);
    printf("  \"tracing\": {\"cpu_ms_per_call_second\": {\"none\": %.2f, \"every_call\": %.2f}, \"more\": "
           "%.3f}\n",
           none, every, every / none - 1);
    return true;
}

/* ---------------------------------------------------------------- all of it */

static bool measure(struct bench *b)
{
    struct crowd_setup setup;
    bool ok;

    if (fill_records(b->server.dir, b->records, b->dns) || !https_open(&b->admin, b->server.https_port) ||
        !https_sign_in(&b->admin, "admin", getenv("DNGATE_ADMIN_PASSWORD"))) {
        fprintf(stderr, "bench: no way into the console\n");
        return false;
    }
    if (!crowd_register(&b->crowd, b->server.https_port, b->calls, true) || !crowd_call(&b->crowd, &setup))
        return false;
    loop_run(NULL, NULL, WARM_MS);
    ok = reads(b) && first_load(b);
    if (ok)
        beside(b);
    ok = ok && dashboards(b);
    crowd_end(&b->crowd);
    return ok && tracing(b);
}

int main(int argc, char **argv)
{
    const char *seconds = getenv("BENCH_SECONDS");
    struct rlimit files = {65536, 65536};
    bool ok;

    bench.records = number("BENCH_RECORDS", 1000000);
    bench.dns = number("BENCH_DNS", 5000);
    bench.calls = number("BENCH_CALLS", 50);
    bench.reads = number("BENCH_READS", 1000);
    bench.seconds = seconds ? strtod(seconds, NULL) : 10.0;
    bench.admin.fd = -1;
    (void)setrlimit(RLIMIT_NOFILE, &files);
    (void)setpriority(PRIO_PROCESS, 0, -10); /* as root: what sends late measures nothing */
    (void)setenv("DNGATE_ADMIN_PASSWORD", "of-the-bench-only", 1);
    if (argc != 2 || crowd_open(&bench.crowd))
        return 1;
    printf("{\"console\": {\"records\": %u, \"dns\": %u,\n", bench.records, bench.dns);
    ok = !farend_open(&bench.crowd.far, &bench.crowd.wide) &&
         !server_start(&bench.server, argv[1], bench.dns, bench.crowd.far.port) && measure(&bench);
    printf("}}\n");
    https_close(&bench.admin);
    server_stop(&bench.server);
    farend_close(&bench.crowd.far);
    crowd_close(&bench.crowd);
    return ok ? 0 : 1;
}

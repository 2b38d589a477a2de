/* bench/soakstat: see soakstat.h. */
#include "soakstat.h"

#include <dirent.h>
#include <math.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* "Key:   123 …" in a file of /proc; 0 when there is none. */
static long proc_number(pid_t pid, const char *file, const char *key)
{
    char path[64], line[200];
    size_t len = strlen(key);
    long v = 0;
    FILE *f;

    snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
    f = fopen(path, "r");
    if (!f)
        return 0;
    while (fgets(line, sizeof(line), f))
        if (!strncmp(line, key, len) && line[len] == ':')
            v = strtol(line + len + 1, NULL, 10);
    fclose(f);
    return v;
}

static unsigned proc_fds(pid_t pid)
{
    char path[64];
    struct dirent *e;
    unsigned n = 0;
    DIR *d;

    snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
    d = opendir(path);
    while (d && (e = readdir(d)))
        n += e->d_name[0] != '.';
    if (d)
        closedir(d);
    return n;
}

void usage_read(struct usage *u, pid_t pid)
{
    struct timespec ts = {0};
    clockid_t clock;

    u->rss_kb = proc_number(pid, "smaps_rollup", "Rss");
    u->pss_kb = proc_number(pid, "smaps_rollup", "Pss");
    u->anon_kb = proc_number(pid, "smaps_rollup", "Anonymous");
    u->threads = (unsigned)proc_number(pid, "status", "Threads");
    u->fds = proc_fds(pid);
    if (!clock_getcpuclockid(pid, &clock))
        clock_gettime(clock, &ts);
    u->cpu_ms = (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

struct slope slope_fit(const struct usage *u, unsigned n, bool rss)
{
    double x = 0, y = 0, xx = 0, xy = 0, rest = 0;
    struct slope s = {0};

    for (unsigned i = 0; i < n; i++) {
        if (!u[i].steady)
            continue;
        x += u[i].at_s / 3600;
        y += rss ? (double)u[i].rss_kb : u[i].fds;
        s.n++;
    }
    if (s.n < 3)
        return s;
    x /= s.n;
    y /= s.n;
    for (unsigned i = 0; i < n; i++) {
        double dx = u[i].at_s / 3600 - x, dy = (rss ? (double)u[i].rss_kb : u[i].fds) - y;

        xx += u[i].steady ? dx * dx : 0;
        xy += u[i].steady ? dx * dy : 0;
    }
    s.per_hour = xy / xx;
    for (unsigned i = 0; i < n; i++) {
        double dx = u[i].at_s / 3600 - x, dy = (rss ? (double)u[i].rss_kb : u[i].fds) - y;

        rest += u[i].steady ? (dy - s.per_hour * dx) * (dy - s.per_hour * dx) : 0;
    }
    s.error = sqrt(rest / (s.n - 2) / xx);
    return s;
}

void tally_add(struct tally *t, const char *text)
{
    unsigned i = 0;

    t->total++;
    while (i < t->rows && strncmp(t->row[i].text, text, TALLY_TEXT - 1))
        i++;
    if (i == t->rows && t->rows == TALLY_MAX)
        i--;
    if (i == t->rows) {
        snprintf(t->row[i].text, TALLY_TEXT, "%s", text);
        t->rows++;
    }
    t->row[i].n++;
}

void tally_print(const struct tally *t, const char *name)
{
    printf("  \"%s\": {", name);
    for (unsigned i = 0; i < t->rows; i++) {
        printf("%s\"", i ? ", " : "");
        for (const char *p = t->row[i].text; *p; p++)
            putchar(*p == '"' || *p == '\\' ? '\'' : *p);
        printf("\": %u", t->row[i].n);
    }
    printf("},\n");
}

void delays_add(struct delays *d, float ms)
{
    d->n[ms < 0 ? 0 : ms > DELAYS_MS ? DELAYS_MS : (unsigned)ms]++;
    d->total++;
}

unsigned delays_quantile(const struct delays *d, double q)
{
    unsigned ms = 0, below = 0;

    while (ms < DELAYS_MS && (below += d->n[ms]) <= q * d->total)
        ms++;
    return ms;
}

bool cdr_read(struct cdr_sums *c, const char *dir)
{
    static const char query[] = "SELECT count(*), (SELECT count(*) FROM call_open), total(browser_lost), "
                                "total(browser_packets), total(trunk_lost), total(trunk_packets) FROM cdr";
    sqlite3_stmt *st = NULL;
    sqlite3 *db = NULL;
    char path[300];
    bool ok;

    snprintf(path, sizeof(path), "%s/dngate.db", dir);
    ok = !sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) &&
         !sqlite3_prepare_v2(db, query, -1, &st, NULL) && sqlite3_step(st) == SQLITE_ROW;
    if (ok) {
        c->rows = sqlite3_column_int(st, 0);
        c->open = sqlite3_column_int(st, 1);
        c->browser_lost = sqlite3_column_int64(st, 2);
        c->browser_packets = sqlite3_column_int64(st, 3);
        c->trunk_lost = sqlite3_column_int64(st, 4);
        c->trunk_packets = sqlite3_column_int64(st, 5);
    } else {
        fprintf(stderr, "soak: %s: %s\n", path, sqlite3_errmsg(db));
    }
    sqlite3_finalize(st);
    sqlite3_close(db);
    return ok;
}

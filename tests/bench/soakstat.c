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

enum { TERMS = 3 }; /* a constant, calls with Opus, calls straight through */

/* Solves a·x = b; false when the samples do not tell the terms apart. Destroys a and b. */
static bool solve(double a[TERMS][TERMS], double b[TERMS])
{
    for (int i = 0; i < TERMS; i++) {
        double pivot = a[i][i];

        if (fabs(pivot) < 1e-9)
            return false;
        for (int k = 0; k < TERMS; k++) {
            double f = k == i ? 0 : a[k][i] / pivot;

            for (int j = 0; j < TERMS; j++)
                a[k][j] -= f * a[i][j];
            b[k] -= f * b[i];
        }
    }
    for (int i = 0; i < TERMS; i++)
        b[i] /= a[i][i];
    return true;
}

static void terms(const struct usage *u, double x[TERMS])
{
    x[0] = 1;
    x[1] = u->opus;
    x[2] = u->straight;
}

/* What time has beyond what the load explains of it (Frisch, Waugh, Lovell), and RSS likewise. */
static bool explain(const struct usage *u, unsigned n, double c_t[TERMS], double c_y[TERMS])
{
    double a[TERMS][TERMS] = {{0}}, same[TERMS][TERMS], x[TERMS];

    for (unsigned s = 0; s < n; s++) {
        terms(&u[s], x);
        for (int i = 0; u[s].steady && i < TERMS; i++) {
            for (int j = 0; j < TERMS; j++)
                a[i][j] += x[i] * x[j];
            c_t[i] += x[i] * u[s].at_s / 3600;
            c_y[i] += x[i] * (double)u[s].rss_kb;
        }
    }
    memcpy(same, a, sizeof(a));
    return solve(a, c_t) && solve(same, c_y);
}

static void beyond(const struct usage *u, const double c_t[TERMS], const double c_y[TERMS], double *t,
                   double *y)
{
    double x[TERMS];

    terms(u, x);
    *t = u->at_s / 3600;
    *y = (double)u->rss_kb;
    for (int i = 0; i < TERMS; i++) {
        *t -= c_t[i] * x[i];
        *y -= c_y[i] * x[i];
    }
}

struct slope slope_at_load(const struct usage *u, unsigned n)
{
    double c_t[TERMS] = {0}, c_y[TERMS] = {0}, t, y, tt = 0, ty = 0, rest = 0;
    struct slope s = {0};

    if (!explain(u, n, c_t, c_y))
        return slope_fit(u, n, true); /* too short a run */
    for (unsigned i = 0; i < n; i++) {
        beyond(&u[i], c_t, c_y, &t, &y);
        s.n += u[i].steady;
        tt += u[i].steady ? t * t : 0;
        ty += u[i].steady ? t * y : 0;
    }
    s.per_hour = ty / tt;
    for (unsigned i = 0; i < n; i++) {
        beyond(&u[i], c_t, c_y, &t, &y);
        rest += u[i].steady ? (y - s.per_hour * t) * (y - s.per_hour * t) : 0;
    }
    s.error = s.n > TERMS + 1 ? sqrt(rest / (s.n - TERMS - 1) / tt) : 0;
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

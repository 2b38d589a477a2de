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

enum { TERMS = 3 }; /* a constant, calls with Opus, calls straight through */

/* Solves a·x = b of k terms; false when the samples do not tell the terms apart. Destroys a and b. */
static bool solve(double a[TERMS][TERMS], double b[TERMS], int k)
{
    for (int i = 0; i < k; i++) {
        double pivot = a[i][i];

        if (fabs(pivot) < 1e-9)
            return false;
        for (int row = 0; row < k; row++) {
            double f = row == i ? 0 : a[row][i] / pivot;

            for (int j = 0; j < k; j++)
                a[row][j] -= f * a[i][j];
            b[row] -= f * b[i];
        }
    }
    for (int i = 0; i < k; i++)
        b[i] /= a[i][i];
    return true;
}

struct fit { /* of RSS, or else descriptors, over time, beside the first k terms */
    bool rss;
    int k;
    double t[TERMS], y[TERMS]; /* what the terms explain of time and of the value */
};

/* A sample's terms, time in hours and value. */
static void read_sample(const struct fit *f, const struct usage *u, double x[TERMS], double *t, double *y)
{
    x[0] = 1;
    x[1] = u->opus;
    x[2] = u->straight;
    *t = u->at_s / 3600;
    *y = f->rss ? (double)u->rss_kb : u->fds;
}

static bool explain(struct fit *f, const struct usage *u, unsigned n)
{
    double a[TERMS][TERMS] = {{0}}, same[TERMS][TERMS], x[TERMS], t, y;

    for (unsigned s = 0; s < n; s++) {
        read_sample(f, &u[s], x, &t, &y);
        for (int i = 0; u[s].steady && i < f->k; i++) {
            for (int j = 0; j < f->k; j++)
                a[i][j] += x[i] * x[j];
            f->t[i] += x[i] * t;
            f->y[i] += x[i] * y;
        }
    }
    memcpy(same, a, sizeof(a));
    return solve(a, f->t, f->k) && solve(same, f->y, f->k);
}

/* What time and value have beyond that (Frisch, Waugh, Lovell). */
static void beyond(const struct fit *f, const struct usage *u, double *t, double *y)
{
    double x[TERMS];

    read_sample(f, u, x, t, y);
    for (int i = 0; i < f->k; i++) {
        *t -= f->t[i] * x[i];
        *y -= f->y[i] * x[i];
    }
}

/* False: too few samples, or too much alike. */
static bool slope_beside(struct slope *s, const struct usage *u, unsigned n, bool rss, int k)
{
    struct fit f = {.rss = rss, .k = k};
    double t, y, tt = 0, ty = 0, rest = 0;

    *s = (struct slope){0};
    for (unsigned i = 0; i < n; i++)
        s->n += u[i].steady;
    if (s->n < (unsigned)k + 2 || !explain(&f, u, n))
        return false;
    for (unsigned i = 0; i < n; i++) {
        beyond(&f, &u[i], &t, &y);
        tt += u[i].steady ? t * t : 0;
        ty += u[i].steady ? t * y : 0;
    }
    s->per_hour = ty / tt;
    for (unsigned i = 0; i < n; i++) {
        beyond(&f, &u[i], &t, &y);
        rest += u[i].steady ? (y - s->per_hour * t) * (y - s->per_hour * t) : 0;
    }
    s->error = sqrt(rest / (s->n - (unsigned)k - 1) / tt);
    return true;
}

struct slope slope_fit(const struct usage *u, unsigned n, bool rss)
{
    struct slope s;

    (void)slope_beside(&s, u, n, rss, 1);
    return s;
}

struct slope slope_at_load(const struct usage *u, unsigned n)
{
    struct slope s;

    return slope_beside(&s, u, n, true, TERMS) ? s : slope_fit(u, n, true); /* too short a run */
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

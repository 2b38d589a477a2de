#include "core/process.h"
#include "core/buf.h"
#include "core/metric.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { FILES_MAX = 1 << 20 };

/* Fields of /proc/self/stat, counted from the one behind the state; see proc_pid_stat(5). */
enum stat_field { UTIME = 10, STIME = 11, THREADS = 16, STARTTIME = 18, VSIZE = 19, RSS = 20, STAT_FIELDS };

static int stat_read(unsigned long long v[STAT_FIELDS])
{
    char text[1024], *s, *end;
    size_t n;
    FILE *f = fopen("/proc/self/stat", "re");

    if (!f)
        return -1;
    n = fread(text, 1, sizeof(text) - 1, f);
    fclose(f);
    text[n] = '\0';
    s = strrchr(text, ')'); /* the name before it may hold anything */
    if (!s || strlen(s) < 4)
        return -1;
    s += 3; /* ") S" */
    for (size_t i = 0; i < STAT_FIELDS; i++, s = end) {
        v[i] = strtoull(s, &end, 10);
        if (end == s)
            return -1;
    }
    return 0;
}

static double start_time(unsigned long long ticks)
{
    struct timespec wall, boot;

    clock_gettime(CLOCK_REALTIME, &wall);
    clock_gettime(CLOCK_BOOTTIME, &boot);
    return (double)(wall.tv_sec - boot.tv_sec) + (double)(wall.tv_nsec - boot.tv_nsec) / 1e9 +
           (double)ticks / (double)sysconf(_SC_CLK_TCK);
}

static size_t open_fds(void)
{
    DIR *d = opendir("/proc/self/fd");
    size_t n = 0;

    if (!d)
        return 0;
    for (const struct dirent *e; (e = readdir(d));)
        n += e->d_name[0] != '.';
    closedir(d);
    return n ? n - 1 : 0; /* without the one that counts */
}

void process_collect(struct buf *out)
{
    unsigned long long st[STAT_FIELDS];
    struct rlimit fds;

    if (!stat_read(st)) {
        metric_sample(out, METRIC_TYPE_COUNTER, "process_cpu_seconds_total", NULL,
                      (double)(st[UTIME] + st[STIME]) / (double)sysconf(_SC_CLK_TCK),
                      "User and system CPU time spent, in seconds");
        metric_sample(out, METRIC_TYPE_GAUGE, "process_resident_memory_bytes", NULL,
                      (double)st[RSS] * (double)sysconf(_SC_PAGESIZE), "Resident memory in bytes");
        metric_sample(out, METRIC_TYPE_GAUGE, "process_virtual_memory_bytes", NULL, (double)st[VSIZE],
                      "Virtual memory in bytes");
        metric_sample(out, METRIC_TYPE_GAUGE, "process_threads", NULL, (double)st[THREADS], "Threads");
        metric_sample(out, METRIC_TYPE_GAUGE, "process_start_time_seconds", NULL, start_time(st[STARTTIME]),
                      "Start of the process, in seconds since the Unix epoch");
    }
    metric_sample(out, METRIC_TYPE_GAUGE, "process_open_fds", NULL, (double)open_fds(),
                  "Open file descriptors");
    if (!getrlimit(RLIMIT_NOFILE, &fds))
        metric_sample(out, METRIC_TYPE_GAUGE, "process_max_fds", NULL, (double)fds.rlim_cur,
                      "Most file descriptors that may be open");
}

int process_files_raise(void)
{
    struct rlimit rl;

    if (getrlimit(RLIMIT_NOFILE, &rl))
        return errno;
    rl.rlim_cur = rl.rlim_max < FILES_MAX ? rl.rlim_max : FILES_MAX;
    return setrlimit(RLIMIT_NOFILE, &rl) ? errno : 0;
}

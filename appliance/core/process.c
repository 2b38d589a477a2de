#include "core/process.h"
#include "core/buf.h"
#include "core/metric.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

/* The fields of /proc/self/stat that we show; see proc_pid_stat(5). */
struct stat_fields {
    unsigned long utime, stime, vsize;
    long threads, rss;
    unsigned long long starttime;
};

static int stat_read(struct stat_fields *st)
{
    char text[1024];
    const char *s;
    size_t n;
    FILE *f = fopen("/proc/self/stat", "re");

    if (!f)
        return -1;
    n = fread(text, 1, sizeof(text) - 1, f);
    fclose(f);
    text[n] = '\0';
    s = strrchr(text, ')'); /* the name before it may hold anything */
    if (!s)
        return -1;
    n = (size_t)sscanf(
        s + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %*d %*d %*d %*d %ld %*d %llu %lu %ld",
        &st->utime, &st->stime, &st->threads, &st->starttime, &st->vsize, &st->rss);
    return n == 6 ? 0 : -1;
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
    struct stat_fields st;
    struct rlimit fds;

    if (!stat_read(&st)) {
        metric_sample(out, METRIC_TYPE_COUNTER, "process_cpu_seconds_total", NULL,
                      (double)(st.utime + st.stime) / (double)sysconf(_SC_CLK_TCK),
                      "User and system CPU time spent, in seconds");
        metric_sample(out, METRIC_TYPE_GAUGE, "process_resident_memory_bytes", NULL,
                      (double)st.rss * (double)sysconf(_SC_PAGESIZE), "Resident memory in bytes");
        metric_sample(out, METRIC_TYPE_GAUGE, "process_virtual_memory_bytes", NULL, (double)st.vsize,
                      "Virtual memory in bytes");
        metric_sample(out, METRIC_TYPE_GAUGE, "process_threads", NULL, (double)st.threads, "Threads");
        metric_sample(out, METRIC_TYPE_GAUGE, "process_start_time_seconds", NULL, start_time(st.starttime),
                      "Start of the process, in seconds since the Unix epoch");
    }
    metric_sample(out, METRIC_TYPE_GAUGE, "process_open_fds", NULL, (double)open_fds(),
                  "Open file descriptors");
    if (!getrlimit(RLIMIT_NOFILE, &fds))
        metric_sample(out, METRIC_TYPE_GAUGE, "process_max_fds", NULL, (double)fds.rlim_cur,
                      "Most file descriptors that may be open");
}

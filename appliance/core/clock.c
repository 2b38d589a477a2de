#include "core/clock.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <time.h>

static uint64_t clock_read_us(clockid_t id)
{
    struct timespec ts;

    clock_gettime(id, &ts);
    return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

uint64_t clock_us(void)
{
    return clock_read_us(CLOCK_MONOTONIC);
}

uint64_t clock_ms(void)
{
    return clock_read_us(CLOCK_MONOTONIC) / 1000;
}

int64_t clock_wall_ms(void)
{
    return (int64_t)(clock_read_us(CLOCK_REALTIME) / 1000);
}

uint64_t clock_cpu_us(void)
{
    return clock_read_us(CLOCK_THREAD_CPUTIME_ID);
}

const char *clock_iso8601(char *buf, size_t sz, int64_t wall_ms)
{
    int64_t ms = wall_ms % 1000;
    time_t sec = (time_t)(wall_ms / 1000);
    struct tm tm;

    if (ms < 0) { /* before 1970: C rounds towards zero, time flows the other way */
        ms += 1000;
        sec--;
    }
    if (!gmtime_r(&sec, &tm)) {
        snprintf(buf, sz, "-");
        return buf;
    }
    snprintf(buf, sz, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
             tm.tm_hour, tm.tm_min, tm.tm_sec, (int)ms);
    return buf;
}

/* ".5", ".123456": *p ends behind it. */
static int fraction_ms(const char **p)
{
    int ms = 0, worth = 100;

    for (++*p; isdigit((unsigned char)**p); ++*p, worth /= 10)
        ms += (**p - '0') * worth;
    return ms;
}

int clock_parse(int64_t *wall_ms, const char *text)
{
    struct tm tm = {0};
    const char *end = strptime(text, "%Y-%m-%d", &tm);
    const int day = tm.tm_mday;
    int ms = 0;

    if (end && (*end == 'T' || *end == ' ')) {
        const char *time = end + 1;

        end = strptime(time, "%H:%M:%S", &tm);
        if (end && *end == '.' && isdigit((unsigned char)end[1]))
            ms = fraction_ms(&end);
        if (!end)
            end = strptime(time, "%H:%M", &tm);
    }
    if (end && *end == 'Z')
        end++;
    if (!end || *end)
        return EINVAL;
    *wall_ms = (int64_t)timegm(&tm) * 1000 + ms;
    return tm.tm_mday == day ? 0 : EINVAL; /* there is no 31st of February */
}

#include "core/logtail.h"

#include <pthread.h>
#include <string.h>

static struct {
    pthread_mutex_t lock;
    char bytes
        [LOGTAIL_BYTES]; /* lines with their ends, one behind the other; the first may have lost its beginning */
    size_t len;
} tail = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* A quarter goes at once, so that what stays is not moved for each line. */
static void make_room(size_t n)
{
    size_t gone = LOGTAIL_BYTES / 4 > n ? LOGTAIL_BYTES / 4 : n;
    const char *eol;

    if (tail.len + n <= LOGTAIL_BYTES)
        return;
    eol = gone < tail.len ? memchr(tail.bytes + gone, '\n', tail.len - gone) : NULL;
    gone = eol ? (size_t)(eol + 1 - tail.bytes) : tail.len;
    memmove(tail.bytes, tail.bytes + gone, tail.len - gone);
    tail.len -= gone;
}

void logtail_put(const char *line, size_t len)
{
    while (len && line[len - 1] == '\n')
        len--;
    if (!len || len + 1 > LOGTAIL_BYTES / 4)
        return;
    pthread_mutex_lock(&tail.lock);
    make_room(len + 1);
    memcpy(tail.bytes + tail.len, line, len);
    tail.bytes[tail.len + len] = '\n';
    tail.len += len + 1;
    pthread_mutex_unlock(&tail.lock);
}

/* Calls h for the lines with part in them, but for the first `skip`; returns how many there are. */
static size_t each(const char *part, size_t skip, logtail_h *h, void *arg)
{
    const char *p = tail.bytes, *const end = tail.bytes + tail.len;
    const size_t n = strlen(part);
    size_t count = 0;

    while (p < end && (p = memmem(p, (size_t)(end - p), part, n))) {
        const char *begin = memrchr(tail.bytes, '\n', (size_t)(p - tail.bytes));
        const char *eol = memchr(p, '\n', (size_t)(end - p));

        begin = begin ? begin + 1 : tail.bytes;
        if (!eol)
            break;
        if (count++ >= skip && h)
            h(begin, (size_t)(eol - begin), arg);
        p = eol;
    }
    return count;
}

void logtail_find(const char *part, size_t max, logtail_h *h, void *arg)
{
    size_t count;

    if (!*part)
        return;
    pthread_mutex_lock(&tail.lock);
    count = each(part, 0, NULL, NULL);
    (void)each(part, count > max ? count - max : 0, h, arg);
    pthread_mutex_unlock(&tail.lock);
}

#include "core/rnd.h"
#include "core/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

void rnd_bytes(void *buf, size_t len)
{
    unsigned char *p = buf;

    while (len) {
        ssize_t n = getrandom(p, len, 0);

        if (n < 0) {
            if (errno == EINTR)
                continue;
            /* every token and key would be a guess: better dead than open */
            log_fatal("core", "error=\"%s\" the kernel gives no randomness; dngate ends", strerror(errno));
        }
        p += n;
        len -= (size_t)n;
    }
}

uint32_t rnd_u32(void)
{
    uint32_t v;

    rnd_bytes(&v, sizeof(v));
    return v;
}

uint64_t rnd_u64(void)
{
    uint64_t v;

    rnd_bytes(&v, sizeof(v));
    return v;
}

void rnd_str_of(char *buf, size_t sz, size_t len, const char *set)
{
    const size_t set_len = strlen(set), fair = 256 - 256 % set_len;
    size_t n = 0;

    if (!sz)
        return;
    if (len > sz - 1)
        abort(); /* a shorter token than asked for would be a silent weakness */
    while (n < len) {
        uint8_t pool[64];

        rnd_bytes(pool, sizeof(pool));
        for (size_t i = 0; i < sizeof(pool) && n < len; i++)
            if (pool[i] < fair) /* drop the uneven tail, so that all characters are equally likely */
                buf[n++] = set[pool[i] % set_len];
    }
    buf[n] = '\0';
}

void rnd_str(char *buf, size_t sz, size_t len)
{
    rnd_str_of(buf, sz, len, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789");
}

/* core/buf: a growing byte buffer with a declared maximum. Not thread safe; owned by one thread. */
#ifndef CORE_BUF_H
#define CORE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct budget_account;

struct buf {
    char *data; /* always 0-terminated once something was written */
    size_t len;
    size_t cap;
    size_t max; /* longest content; growing past it fails with EMSGSIZE and leaves the content as it was */
    struct budget_account
        *account; /* whose memory it is of what strangers may make us hold (core/budget); NULL: ours */
    int err;      /* first error; once set, writes do nothing, so that a chain needs one check at its end */
};

void buf_init(struct buf *b, size_t max);
/* The same for bytes that strangers send or let us wait with (BUDGET_WEB; a NULL: ours after all); growing fails with ENOBUFS when
 * they hold too much. */
void buf_init_charged(struct buf *b, size_t max, struct budget_account *a);
/* From here on it is ours: its owner is no stranger, or goes. */
void buf_uncharge(struct buf *b);
void buf_reset(struct buf *b); /* frees */
void buf_clear(struct buf *b); /* keeps the memory, clears err */
int buf_write(struct buf *b, const void *p, size_t n);
int buf_puts(struct buf *b, const char *s);
int buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int buf_vprintf(struct buf *b, const char *fmt, va_list ap);
/* Writes s as a JSON string with its quotes. Invalid UTF-8 becomes U+FFFD. */
int buf_json_str(struct buf *b, const char *s);
/* Hands the memory to the caller (free()), leaving b empty; NULL when err is set. */
char *buf_take(struct buf *b, size_t *len);

#endif

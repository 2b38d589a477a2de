#include "core/buf.h"
#include "core/budget.h"
#include "core/utf8.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void buf_init(struct buf *b, size_t max)
{
    memset(b, 0, sizeof(*b));
    b->max = max;
}

void buf_init_charged(struct buf *b, size_t max, struct budget_account *a)
{
    buf_init(b, max);
    b->account = a;
}

/* To have cap bytes. */
static bool charge(const struct buf *b, size_t cap)
{
    struct budget_account *a = b->account;

    if (!a)
        return true;
    if (cap > b->cap && !budget_take(BUDGET_WEB, a->held, cap - b->cap))
        return false;
    if (cap < b->cap)
        budget_give(BUDGET_WEB, b->cap - cap);
    a->held += cap - b->cap;
    return true;
}

/* It did not get the cap bytes that it was charged for. */
static void charge_undo(const struct buf *b, size_t cap)
{
    if (!b->account)
        return;
    budget_give(BUDGET_WEB, cap - b->cap);
    b->account->held -= cap - b->cap;
}

void buf_uncharge(struct buf *b)
{
    (void)charge(b, 0);
    b->account = NULL;
}

void buf_reset(struct buf *b)
{
    struct budget_account *a = b->account;

    buf_uncharge(b);
    free(b->data);
    buf_init_charged(b, b->max, a);
}

void buf_clear(struct buf *b)
{
    b->len = 0;
    b->err = 0;
    if (b->data)
        b->data[0] = '\0';
}

/* Makes room for n more bytes and the terminating 0. */
static int buf_reserve(struct buf *b, size_t n)
{
    size_t cap = b->cap ? b->cap : 128;
    char *data;

    if (b->err)
        return b->err;
    if (n > b->max - b->len)
        return b->err = EMSGSIZE;
    if (b->len + n < b->cap)
        return 0;
    while (cap <= b->len + n)
        cap *= 2;
    if (!charge(b, cap))
        return b->err = ENOBUFS;
    data = realloc(b->data, cap);
    if (!data) {
        charge_undo(b, cap);
        return b->err = ENOMEM;
    }
    b->data = data;
    b->cap = cap;
    return 0;
}

int buf_write(struct buf *b, const void *p, size_t n)
{
    int err = buf_reserve(b, n);

    if (err)
        return err;
    if (n)
        memcpy(b->data + b->len, p, n);
    b->len += n;
    b->data[b->len] = '\0';
    return 0;
}

int buf_puts(struct buf *b, const char *s)
{
    return buf_write(b, s, strlen(s));
}

int buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list ap;
    int err;

    va_start(ap, fmt);
    err = buf_vprintf(b, fmt, ap);
    va_end(ap);
    return err;
}

int buf_vprintf(struct buf *b, const char *fmt, va_list ap)
{
    va_list again;
    int n, err;

    if (b->err)
        return b->err;
    va_copy(again, ap);
    n = vsnprintf(NULL, 0, fmt, again);
    va_end(again);
    if (n < 0)
        return b->err = EINVAL;
    err = buf_reserve(b, (size_t)n);
    if (err)
        return err;
    vsnprintf(b->data + b->len, (size_t)n + 1, fmt, ap);
    b->len += (size_t)n;
    return 0;
}

static void json_escape(struct buf *b, unsigned char c)
{
    switch (c) {
    case '"':
        buf_write(b, "\\\"", 2);
        break;
    case '\\':
        buf_write(b, "\\\\", 2);
        break;
    case '\n':
        buf_write(b, "\\n", 2);
        break;
    case '\r':
        buf_write(b, "\\r", 2);
        break;
    case '\t':
        buf_write(b, "\\t", 2);
        break;
    default:
        buf_printf(b, "\\u%04x", c);
    }
}

int buf_json_str(struct buf *b, const char *s)
{
    size_t left = strlen(s), plain = 0;

    buf_write(b, "\"", 1);
    while (plain < left) {
        unsigned char c = (unsigned char)s[plain];
        size_t n = utf8_seq(s + plain, left - plain);

        if (n && c >= 0x20 && c != 0x7f && c != '"' && c != '\\') {
            plain += n;
            continue;
        }
        buf_write(b, s, plain);
        if (n)
            json_escape(b, c);
        else
            buf_puts(b, "\xef\xbf\xbd"); /* U+FFFD */
        s += plain + 1;
        left -= plain + 1;
        plain = 0;
    }
    buf_write(b, s, plain);
    return buf_write(b, "\"", 1);
}

char *buf_take(struct buf *b, size_t *len)
{
    char *data = NULL;

    if (len)
        *len = 0;
    if (!buf_write(b, "", 0)) { /* so that an empty buffer, too, yields a string */
        data = b->data;
        if (len)
            *len = b->len;
        b->data = NULL;
    }
    buf_reset(b);
    return data;
}

/*
 * store/csv: reads and writes comma separated values (RFC 4180): quoted fields with "" and line breaks, CRLF or LF, an UTF-8 byte order
 * mark. When the first line has no comma but semicolons (spreadsheets in much of Europe) or tabs, they are the separator.
 * Works on the caller's text; no allocation.
 */
#ifndef STORE_CSV_H
#define STORE_CSV_H

#include <stddef.h>

struct buf;

enum { CSV_FIELDS_MAX = 64, CSV_ROW_MAX = 4096 };

struct csv {
    const char *p, *end;
    char separator;
    unsigned next_line;
    unsigned line;                      /* where the current row began, from 1 */
    size_t count;                       /* its fields */
    const char *fields[CSV_FIELDS_MAX]; /* 0-terminated, valid until the next csv_next */
    char row[CSV_ROW_MAX];
};

void csv_init(struct csv *c, const char *text, size_t len);
/* Reads the next row that is not empty. ENOENT at the end; EINVAL with why ("line 3: …"). */
int csv_next(struct csv *c, char *why, size_t whysz);
/* Writes a field, quoted when it must be. */
int csv_put(struct buf *out, const char *field);
/* The same for text that somebody outside chose: what a spreadsheet would take for a formula gets a ' before it. */
int csv_put_foreign(struct buf *out, const char *field);

#endif

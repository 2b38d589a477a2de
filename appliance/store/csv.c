#include "store/csv.h"
#include "core/buf.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

void csv_init(struct csv *c, const char *text, size_t len)
{
    const char *eol;

    memset(c, 0, offsetof(struct csv, row));
    if (len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3)) {
        text += 3;
        len -= 3;
    }
    c->p = text;
    c->end = text + len;
    c->next_line = 1;
    eol = len ? memchr(text, '\n', len) : NULL;
    if (!eol)
        eol = c->end;
    c->separator = ',';
    for (const char *other = ";\t"; len && *other && !memchr(text, ',', (size_t)(eol - text)); other++) {
        if (!memchr(text, *other, (size_t)(eol - text)))
            continue;
        c->separator = *other;
        break;
    }
}

/* The length of the line break at p, 0 when there is none. */
static size_t csv_eol(const struct csv *c)
{
    if (c->p < c->end && *c->p == '\n')
        return 1;
    return c->end - c->p >= 2 && c->p[0] == '\r' && c->p[1] == '\n' ? 2 : 0;
}

static bool csv_add(struct csv *c, size_t *used, char ch)
{
    if (*used >= CSV_ROW_MAX - 1 || !ch) /* no NUL: fields are C strings */
        return false;
    c->row[(*used)++] = ch;
    return true;
}

/* p stands behind the opening quote; afterwards behind the closing one. */
static const char *csv_quoted(struct csv *c, size_t *used)
{
    for (; c->p < c->end; c->p++) {
        if (*c->p == '"') {
            if (c->end - c->p < 2 || c->p[1] != '"') {
                c->p++;
                return NULL;
            }
            c->p++;
        }
        if (*c->p == '\n')
            c->next_line++;
        if (!csv_add(c, used, *c->p))
            return "the row is too long or not text";
    }
    return "a quoted field has no end";
}

static const char *csv_plain(struct csv *c, size_t *used)
{
    for (; c->p < c->end && *c->p != c->separator && !csv_eol(c); c->p++) {
        if (*c->p == '"')
            return "a quote inside a field that does not begin with one";
        if (!csv_add(c, used, *c->p))
            return "the row is too long or not text";
    }
    return NULL;
}

/* One field and what ends it; *more says whether a separator did. */
static const char *csv_field(struct csv *c, size_t *used, bool *more)
{
    const char *wrong;
    size_t eol;

    if (c->count == CSV_FIELDS_MAX)
        return "too many fields";
    c->fields[c->count++] = c->row + *used;
    if (c->p < c->end && *c->p == '"') {
        c->p++;
        wrong = csv_quoted(c, used);
    } else {
        wrong = csv_plain(c, used);
    }
    if (wrong)
        return wrong;
    c->row[(*used)++] = '\0'; /* csv_add leaves room for one */
    *more = false;
    if (c->p == c->end)
        return NULL;
    eol = csv_eol(c);
    if (eol) {
        c->p += eol;
        c->next_line++;
        return NULL;
    }
    if (*c->p != c->separator)
        return "text after a closing quote";
    if (*used >= CSV_ROW_MAX - 1)
        return "the row is too long or not text";
    c->p++;
    *more = true;
    return NULL;
}

int csv_next(struct csv *c, char *why, size_t whysz)
{
    const char *wrong = NULL;
    size_t used = 0, eol;
    bool more = true;

    while ((eol = csv_eol(c))) {
        c->p += eol;
        c->next_line++;
    }
    if (c->p == c->end)
        return ENOENT;
    c->line = c->next_line;
    c->count = 0;
    while (more && !wrong)
        wrong = csv_field(c, &used, &more);
    if (!wrong)
        return 0;
    snprintf(why, whysz, "line %u: %s", c->line, wrong);
    return EINVAL;
}

static int csv_write(struct buf *out, const char *before, const char *field)
{
    if (!field[strcspn(field, ",;\"\r\n")]) {
        buf_puts(out, before);
        return buf_puts(out, field);
    }
    buf_printf(out, "\"%s", before);
    for (; *field; field++)
        buf_write(out, *field == '"' ? "\"\"" : field, *field == '"' ? 2 : 1);
    return buf_puts(out, "\"");
}

int csv_put(struct buf *out, const char *field)
{
    return csv_write(out, "", field);
}

/* Spreadsheets take what begins like this for a formula; a number of a telephone is none. */
static bool is_formula(const char *value)
{
    return value[0] && strchr("=@+-\t\r", value[0]) &&
           (value[0] == '=' || value[0] == '@' || value[strspn(value, "+-0123456789()./ ")]);
}

int csv_put_foreign(struct buf *out, const char *field)
{
    return csv_write(out, is_formula(field) ? "'" : "", field);
}

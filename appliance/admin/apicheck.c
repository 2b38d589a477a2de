#include "admin/apicheck.h"
#include "core/hex.h"
#include "core/json.h"
#include "core/utf8.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LIMIT_MAX = 500, CURSOR_MAX = 256 };

void api_fault_add(struct api_faults *f, const char *field, const char *fmt, ...)
{
    va_list ap;

    if (f->n == API_FAULTS_MAX)
        return;
    snprintf(f->v[f->n].field, sizeof(f->v[f->n].field), "%s", field);
    va_start(ap, fmt);
    vsnprintf(f->v[f->n].detail, sizeof(f->v[f->n].detail), fmt, ap);
    va_end(ap);
    f->n++;
}

/* ---------------------------------------------------------------- values */

static bool is_choice(const char *choices, const char *s, size_t n)
{
    for (const char *p = choices; *p;) {
        const size_t len = strcspn(p, "|");

        if (len == n && !memcmp(p, s, n))
            return true;
        p += len + (p[len] == '|');
    }
    return false;
}

/* "udp, tcp, tls" */
static void choices_fault(struct api_faults *f, const char *field, const char *choices)
{
    char text[120];
    size_t n = 0;

    for (const char *p = choices; *p && n < sizeof(text) - 3; p++) {
        text[n++] = *p == '|' ? ',' : *p;
        if (*p == '|')
            text[n++] = ' ';
    }
    text[n] = '\0';
    api_fault_add(f, field, "must be one of: %s", text);
}

static bool text_clean(const char *s, bool secret)
{
    for (; *s; s++) {
        const unsigned char c = (unsigned char)*s;

        if ((c < 0x20 && (secret || (c != '\n' && c != '\r'))) || c == 0x7f)
            return false;
    }
    return true;
}

/* s is UTF-8. */
static void text_check(const struct api_value *v, const char *field, const char *s, struct api_faults *f)
{
    const size_t n = strlen(s), max = v->min || v->max ? (size_t)v->max : API_TEXT_MAX;

    if (v->choices) {
        if (!is_choice(v->choices, s, n))
            choices_fault(f, field, v->choices);
    } else if (!text_clean(s, v->type == API_SECRET)) {
        api_fault_add(f, field, "%s", "must not hold control characters");
    } else if (n > max) {
        api_fault_add(f, field, "is longer than %zu bytes", max);
    } else if (n < (size_t)v->min) {
        if (n)
            api_fault_add(f, field, "is shorter than %lld bytes", (long long)v->min);
        else
            api_fault_add(f, field, "%s", "must not be empty");
    }
}

static void range_check(const struct api_value *v, const char *field, double n, struct api_faults *f)
{
    if ((v->min || v->max) && (n < (double)v->min || n > (double)v->max))
        api_fault_add(f, field, "must be from %lld to %lld", (long long)v->min, (long long)v->max);
}

static void value_check(const struct api_value *v, const char *field, const struct json_val *val,
                        struct api_faults *f);

static void list_check(const struct api_value *v, const char *field, const struct json_val *val,
                       struct api_faults *f)
{
    const size_t n = json_arr_size(val), max = v->min || v->max ? (size_t)v->max : API_ITEMS_MAX;
    const struct api_value text = {.name = v->name, .type = API_TEXT, .choices = v->choices};
    char item[64];

    if (!json_is_arr(val)) {
        api_fault_add(f, field, "%s", "must be a list");
        return;
    }
    if (n > max || n < (size_t)v->min) {
        api_fault_add(f, field, "must have from %lld to %zu items", (long long)v->min, max);
        return;
    }
    for (size_t i = 0; i < n && f->n < API_FAULTS_MAX; i++) {
        const struct api_value object = {.name = v->name, .type = API_OBJECT, .v = v->v, .count = v->count};

        snprintf(item, sizeof(item), "%s[%zu]", field, i);
        value_check(v->count ? &object : &text, item, json_arr_at(val, i), f);
    }
}

static void members_check(const char *prefix, const struct json_val *obj, const struct api_value *v, size_t n,
                          struct api_faults *f);

static void number_check(const struct api_value *v, const char *field, const struct json_val *val,
                         struct api_faults *f)
{
    int64_t whole;
    double n;

    if (v->type == API_REAL) {
        if (!json_num(val, &n))
            api_fault_add(f, field, "%s", "must be a number");
        else
            range_check(v, field, n, f);
    } else if (!json_int(val, &whole)) {
        api_fault_add(f, field, "%s",
                      v->type == API_TIME ? "must be a time in ms" : "must be a whole number");
    } else if (v->type == API_TIME && whole < 0) {
        api_fault_add(f, field, "%s", "must not be before 1970");
    } else {
        range_check(v, field, (double)whole, f);
    }
}

static void value_check(const struct api_value *v, const char *field, const struct json_val *val,
                        struct api_faults *f)
{
    bool b;

    switch (v->type) {
    case API_TEXT:
    case API_SECRET:
        if (json_str(val))
            text_check(v, field, json_str(val), f);
        else
            api_fault_add(f, field, "%s",
                          json_is_str(val) ? "must not hold control characters" : "must be text");
        break;
    case API_INT:
    case API_REAL:
    case API_TIME:
        number_check(v, field, val, f);
        break;
    case API_BOOL:
        if (!json_bool(val, &b))
            api_fault_add(f, field, "%s", "must be true or false");
        break;
    case API_OBJECT:
        if (json_is_obj(val))
            members_check(field, val, v->v, v->count, f);
        else
            api_fault_add(f, field, "%s", "must be an object");
        break;
    case API_LIST:
        list_check(v, field, val, f);
        break;
    case API_ANY:
        break;
    }
}

/* ---------------------------------------------------------------- a body */

static const struct api_value *value_find(const struct api_value *v, size_t n, const char *name)
{
    for (size_t i = 0; name && i < n; i++)
        if (!strcmp(v[i].name, name))
            return &v[i];
    return NULL;
}

struct members {
    const char *prefix;
    const struct api_value *v;
    size_t n;
    uint64_t seen; /* of the first 64: nobody has more */
    struct api_faults *f;
};

static void member_path(char out[64], const char *prefix, const char *name)
{
    char shown[40];

    utf8_text(shown, sizeof(shown), name);
    snprintf(out, 64, "%s%s%s", prefix, *prefix ? "." : "", shown);
}

static bool member_h(const char *key, const struct json_val *val, void *arg)
{
    struct members *m = arg;
    const struct api_value *v = value_find(m->v, m->n, key);
    const uint64_t bit = v ? (uint64_t)1 << ((size_t)(v - m->v) % 64) : 0;
    char field[64];

    member_path(field, m->prefix, key ? key : "");
    if (!v)
        api_fault_add(m->f, field, "%s", "is not known here");
    else if (m->seen & bit)
        api_fault_add(m->f, field, "%s", "is given twice");
    else
        value_check(v, field, val, m->f);
    m->seen |= bit;
    return m->f->n == API_FAULTS_MAX;
}

static void members_check(const char *prefix, const struct json_val *obj, const struct api_value *v, size_t n,
                          struct api_faults *f)
{
    struct members m = {.prefix = prefix, .v = v, .n = n, .f = f};
    char field[64];

    json_each(obj, member_h, &m);
    for (size_t i = 0; i < n; i++) {
        if (!v[i].needed || (m.seen >> (i % 64) & 1))
            continue;
        member_path(field, prefix, v[i].name);
        api_fault_add(f, field, "%s", "is needed");
    }
}

void api_body_check(const struct json_val *body, const struct api_value *v, size_t n, struct api_faults *f)
{
    if (json_is_obj(body))
        members_check("", body, v, n, f);
    else
        api_fault_add(f, "", "%s", "The body must be a JSON object.");
}

/* ---------------------------------------------------------------- a query */

/* In place: "+" is a blank, %xx a byte. EBADMSG: not UTF-8, or with a control character. */
static int query_decode(char *s)
{
    char *to = s;

    for (const char *p = s; *p; p++) {
        unsigned char c = (unsigned char)*p;

        if (c == '+') {
            c = ' ';
        } else if (c == '%') {
            const int hi = hex_value(p[1]), lo = hi < 0 ? -1 : hex_value(p[2]);

            if (lo < 0)
                return EBADMSG;
            c = (unsigned char)(hi << 4 | lo);
            p += 2;
        }
        if (c < 0x20 || c == 0x7f)
            return EBADMSG;
        *to++ = (char)c;
    }
    *to = '\0';
    return utf8_valid(s, (size_t)(to - s)) ? 0 : EBADMSG;
}

static bool number_decode(const char *s, int64_t *n)
{
    char *end;

    errno = 0;
    *n = strtoll(s, &end, 10);
    return *s && !*end && !errno && (*s == '-' || (*s >= '0' && *s <= '9'));
}

static bool real_decode(const char *s, double *n)
{
    char *end;

    if (!*s || strspn(s, "-0123456789.") != strlen(s)) /* no hexadecimal ones, no nan */
        return false;
    *n = strtod(s, &end);
    return !*end && isfinite(*n);
}

static void parameter_check(const struct api_value *v, const char *s, struct api_faults *f)
{
    int64_t whole;
    double n;

    switch (v->type) {
    case API_INT:
    case API_TIME:
        if (!number_decode(s, &whole))
            api_fault_add(f, v->name, "%s", "must be a whole number");
        else if (v->type == API_TIME && whole < 0)
            api_fault_add(f, v->name, "%s", "must not be before 1970");
        else
            range_check(v, v->name, (double)whole, f);
        break;
    case API_REAL:
        if (!real_decode(s, &n))
            api_fault_add(f, v->name, "%s", "must be a number");
        else
            range_check(v, v->name, n, f);
        break;
    case API_BOOL:
        if (strcmp(s, "true") && strcmp(s, "false"))
            api_fault_add(f, v->name, "%s", "must be true or false");
        break;
    default:
        text_check(v, v->name, s, f);
        break;
    }
}

static const char *query_get(const struct api_query *q, const char *name)
{
    for (size_t i = 0; i < q->n; i++)
        if (!strcmp(q->v[i].name, name))
            return q->v[i].value;
    return NULL;
}

static const struct api_value of_lists[] = {
    {.name = "limit", .type = API_INT, .min = 1, .max = LIMIT_MAX},
    {.name = "cursor", .type = API_TEXT, .min = 0, .max = CURSOR_MAX},
};

static void pair_check(struct api_query *q, char *name, const struct api_value *v, size_t n, bool list,
                       struct api_faults *f)
{
    const struct api_value *is;
    char shown[40], *value = strchr(name, '=');

    if (value)
        *value++ = '\0';
    if (query_decode(name) || (value && query_decode(value))) {
        utf8_text(shown, sizeof(shown), name);
        api_fault_add(f, shown, "%s", "is not UTF-8 in a URL's form, or holds control characters");
        return;
    }
    is = value_find(v, n, name);
    if (!is && list)
        is = value_find(of_lists, sizeof(of_lists) / sizeof(of_lists[0]), name);
    utf8_text(shown, sizeof(shown), name);
    if (!is)
        api_fault_add(f, shown, "%s", "is not known here");
    else if (query_get(q, name))
        api_fault_add(f, shown, "%s", "is given twice");
    else if (q->n == API_QUERY_MAX)
        api_fault_add(f, shown, "%s", "is one too many");
    else
        parameter_check(is, value ? value : "", f);
    if (!is || f->n || q->n == API_QUERY_MAX)
        return;
    q->v[q->n].name = is->name;
    q->v[q->n++].value = value ? value : "";
}

void api_query_check(struct api_query *q, char *text, const struct api_value *v, size_t n, bool list,
                     struct api_faults *f)
{
    char *save = NULL;

    q->n = 0;
    for (char *p = strtok_r(text, "&", &save); p && f->n < API_FAULTS_MAX; p = strtok_r(NULL, "&", &save))
        pair_check(q, p, v, n, list, f);
    for (size_t i = 0; i < n && !f->n; i++)
        if (v[i].needed && !query_get(q, v[i].name))
            api_fault_add(f, v[i].name, "%s", "is needed");
}

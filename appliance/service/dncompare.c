#include "service/dncompare.h"
#include "core/table.h"
#include "service/dn.h"
#include "store/csv.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { LIST_MAX = 200000 };

/* Headings as people and programs write them, without what is no letter. */
static const char *const number_words[] = {
    "dn",  "number",  "dnnumber", "directorynumber", "extension",   "ext",       "phone", "phonenumber",
    "dns", "agentdn", "nummer",   "durchwahl",       "nebenstelle", "rufnummer", "numero"};
static const char *const name_words[] = {"name",        "agentname", "displayname", "fullname",
                                         "description", "agent",     "beschreibung"};
static const char *const state_words[] = {"enabled", "state", "status", "objectstate", "cfgstate", "aktiv"};

struct columns {
    int number, name, state; /* -1: there is none */
};

struct comparing {
    struct service *sv;
    dn_compare_h *h;
    void *arg;
    struct table *here; /* of struct dn, by DN; those that the list names are taken out */
    struct table *seen; /* what the list has named: the second time says nothing new */
    struct csv csv;
    struct columns at;
    int err;
};

static bool one_of(const char *field, const char *const *words, size_t n)
{
    char plain[64];
    size_t len = 0;

    for (; *field && len + 1 < sizeof(plain); field++)
        if (isalpha((unsigned char)*field))
            plain[len++] = (char)tolower((unsigned char)*field);
    plain[len] = '\0';
    for (size_t i = 0; i < n; i++)
        if (!strcmp(plain, words[i]))
            return true;
    return false;
}
#define ONE_OF(field_, words_) one_of(field_, words_, sizeof(words_) / sizeof((words_)[0]))

/* False: the first line is no heading. */
static bool columns_find(const struct csv *csv, struct columns *at)
{
    *at = (struct columns){-1, -1, -1};
    for (size_t i = 0; i < csv->count; i++) {
        if (at->number < 0 && ONE_OF(csv->fields[i], number_words))
            at->number = (int)i;
        else if (at->name < 0 && ONE_OF(csv->fields[i], name_words))
            at->name = (int)i;
        else if (at->state < 0 && ONE_OF(csv->fields[i], state_words))
            at->state = (int)i;
    }
    return at->number >= 0;
}

/* -1: it does not say. */
static int state_read(const char *s)
{
    static const char *const on[] = {"enabled", "cfgenabled", "yes", "true", "on", "active", "ja"};
    static const char *const off[] = {"disabled", "cfgdisabled", "no", "false", "off", "inactive", "nein"};

    if (!strcmp(s, "1") || ONE_OF(s, on))
        return 1;
    return !strcmp(s, "0") || ONE_OF(s, off) ? 0 : -1;
}

static const char *trimmed(char *buf, size_t sz, const char *s)
{
    size_t n;

    s += strspn(s, " \t");
    n = strlen(s);
    while (n && (s[n - 1] == ' ' || s[n - 1] == '\t'))
        n--;
    snprintf(buf, sz, "%.*s", (int)n, s);
    return buf;
}

static const char *field(const struct comparing *c, int at)
{
    return at >= 0 && (size_t)at < c->csv.count ? c->csv.fields[at] : "";
}

static void tell(const struct comparing *c, enum dn_compared what, const char *dn, const char *name)
{
    const struct dn_comparison told = {.what = what, .dn = dn, .name = name};

    c->h(&told, c->arg);
}

static bool differs(const struct comparing *c, const struct dn *d, const char *name_of, const char *here,
                    const char *there)
{
    const struct dn_comparison told = {
        .what = DN_DIFFERENT, .dn = d->dn, .name = d->name, .field = name_of, .here = here, .there = there};

    if (!strcmp(here, there))
        return false;
    c->h(&told, c->arg);
    return true;
}

static int line_compare(struct comparing *c)
{
    char dn[256], name[256];
    struct dn *d;
    bool other = false;
    int on, err;

    trimmed(dn, sizeof(dn), field(c, c->at.number));
    if (!dn[0])
        return 0;
    if (!dn_valid(dn))
        return service_fail(c->sv, EINVAL, "line %u: %.64s is no DN: 1 to %d letters, digits or . _ + * # -",
                            c->csv.line, dn, DN_MAX - 1);
    err = table_put(c->seen, dn, strlen(dn), c);
    if (err)
        return err == EEXIST ? 0 : service_fail(c->sv, err, "%s", strerror(err));
    trimmed(name, sizeof(name), field(c, c->at.name));
    d = table_del(c->here, dn, strlen(dn));
    if (!d) {
        tell(c, DN_MISSING, dn, name);
        return 0;
    }
    if (c->at.name >= 0 && name[0])
        other = differs(c, d, "name", d->name, name);
    on = state_read(field(c, c->at.state));
    if (on >= 0)
        other |= differs(c, d, "enabled", d->enabled ? "yes" : "no", on ? "yes" : "no");
    if (!other)
        tell(c, DN_SAME, d->dn, d->name);
    free(d);
    return 0;
}

static int lines_compare(struct comparing *c)
{
    const bool heading = columns_find(&c->csv, &c->at);
    int err = 0;

    if (heading)
        err = csv_next(&c->csv, c->sv->why, sizeof(c->sv->why));
    else
        c->at.number = 0;
    while (!err) {
        err = line_compare(c);
        if (!err)
            err = csv_next(&c->csv, c->sv->why, sizeof(c->sv->why));
    }
    return err == ENOENT ? 0 : err;
}

static bool here_h(const struct dn *dn, void *arg)
{
    struct comparing *c = arg;
    struct dn *d = malloc(sizeof(*d));

    if (!d) {
        c->err = ENOMEM;
        return true;
    }
    *d = *dn;
    c->err = table_put(c->here, d->dn, strlen(d->dn), d);
    if (c->err)
        free(d);
    return c->err != 0;
}

static bool gather_h(void *val, void *arg)
{
    struct dn ***p = arg;

    *(*p)++ = val;
    return false;
}

static int by_dn(const void *a, const void *b)
{
    return strverscmp((*(struct dn *const *)a)->dn, (*(struct dn *const *)b)->dn);
}

/* Frees what is left. */
static void rest(struct comparing *c, bool told)
{
    const size_t n = table_count(c->here);
    struct dn **v = calloc(n + 1, sizeof(struct dn *)), **p = v;

    if (!v)
        return;
    table_each(c->here, gather_h, &p);
    qsort(v, n, sizeof(struct dn *), by_dn);
    for (size_t i = 0; i < n; i++) {
        if (told)
            tell(c, DN_EXTRA, v[i]->dn, v[i]->name);
        free(v[i]);
    }
    free(v);
}

int service_dn_compare(struct service *sv, const char *text, size_t len, dn_compare_h *h, void *arg)
{
    struct comparing c = {.sv = sv, .h = h, .arg = arg};
    int err = table_alloc(&c.here, LIST_MAX);

    if (!err)
        err = table_alloc(&c.seen, LIST_MAX);
    if (err) {
        table_free(c.here);
        return service_fail(sv, err, "%s", strerror(err));
    }
    csv_init(&c.csv, text, len);
    err = csv_next(&c.csv, sv->why, sizeof(sv->why));
    if (err == ENOENT)
        err = service_fail(
            sv, EINVAL,
            "line 1: empty; give one DN a line, or CSV whose first line names a column dn or number");
    if (!err)
        err = service_dn_each(sv, here_h, &c);
    if (!err && c.err)
        err = service_fail(sv, c.err, "%s", strerror(c.err));
    if (!err)
        err = lines_compare(&c);
    rest(&c, !err);
    table_free(c.here);
    table_free(c.seen);
    return err;
}

#include "service/dnlist.h"
#include "core/clock.h"
#include "core/table.h"
#include "service/presence.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { ROWS_MAX = 200000 };

struct dnlist {
    struct store *store;
    struct store_reader *reader;
    int64_t version; /* of the database, as of rows; 0: they are none */
    struct dn *rows;
    size_t count, size;
    struct dnlist_row *found; /* of the last question; room for all rows */
    struct presence now;
    uint64_t now_ms; /* 0: never asked */
};

static const char *const state_names[DN_STATES] = {[DN_STATE_OFF] = "off",
                                                   [DN_STATE_READY] = "ready",
                                                   [DN_STATE_RINGING] = "ringing",
                                                   [DN_STATE_ON_CALL] = "on_call"};

const char *dn_state_name(enum dn_state s)
{
    return state_names[(unsigned)s % DN_STATES];
}

int dnlist_alloc(struct dnlist **lp, struct store *store)
{
    struct dnlist *l = calloc(1, sizeof(*l));

    if (!l)
        return ENOMEM;
    l->store = store;
    *lp = l;
    return 0;
}

void dnlist_free(struct dnlist *l)
{
    if (!l)
        return;
    store_reader_free(l->reader);
    presence_reset(&l->now);
    free(l->rows);
    free(l->found);
    free(l);
}

/* ---------------------------------------------------------------- rows */

static bool row_h(const struct dn *dn, void *arg)
{
    struct dnlist *l = arg;

    if (l->count == l->size) {
        const size_t size = l->size ? l->size * 2 : 256;
        struct dn *rows = l->size < ROWS_MAX ? realloc(l->rows, size * sizeof(*rows)) : NULL;

        if (!rows)
            return true;
        l->rows = rows;
        l->size = size;
    }
    l->rows[l->count] = *dn;
    explicit_bzero(l->rows[l->count].ha1_md5, sizeof(dn->ha1_md5));
    explicit_bzero(l->rows[l->count].ha1_sha256, sizeof(dn->ha1_sha256));
    l->count++;
    return false;
}

static int rows_read(struct dnlist *l)
{
    int64_t version;
    int err = l->reader ? 0 : store_reader_alloc(&l->reader, l->store);

    if (!err)
        err = store_reader_version(l->reader, &version);
    if (err || version == l->version)
        return err;
    l->count = 0;
    l->version = 0;
    err = dn_each(l->reader, row_h, l);
    if (err)
        return err;
    free(l->found);
    l->found = calloc(l->count + 1, sizeof(*l->found));
    if (!l->found)
        return ENOMEM;
    l->version = version;
    return 0;
}

/* A signalling thread that does not answer leaves what it said last. */
static void presence_look(struct dnlist *l, struct service *sv)
{
    struct presence now;

    if (l->now_ms && clock_ms() < l->now_ms + PRESENCE_MS)
        return;
    l->now_ms = clock_ms();
    if (presence_ask(sv, &now))
        return;
    presence_reset(&l->now);
    l->now = now;
}

/* ---------------------------------------------------------------- what is wanted */

struct wanted {
    const struct dnlist_query *q;
    int state, codec; /* -1: any */
};

static int wanted_read(struct service *sv, const struct dnlist_query *q, struct wanted *w)
{
    enum dn_codec codec;

    *w = (struct wanted){q, -1, -1};
    for (int s = 0; q->state && s < DN_STATES; s++)
        if (!strcmp(q->state, state_names[s]))
            w->state = s;
    if (q->state && w->state < 0)
        return service_fail(sv, EINVAL, "state %s: off, ready, ringing or on_call", q->state);
    if (q->codec && dn_codec_decode(&codec, q->codec))
        return service_fail(sv, EINVAL, "codec %s: auto, opus, pcmu or pcma", q->codec);
    if (q->codec)
        w->codec = (int)codec;
    return 0;
}

static bool fits(const struct wanted *w, const struct dnlist_row *r)
{
    const struct dn *d = r->dn;
    const enum dn_state state = r->live ? r->live->state : DN_STATE_OFF;

    if (w->q->enabled && d->enabled != *w->q->enabled)
        return false;
    if ((w->codec >= 0 && (int)d->codec != w->codec) || (w->state >= 0 && (int)state != w->state))
        return false;
    return !w->q->q || !w->q->q[0] || strcasestr(d->dn, w->q->q) || strcasestr(d->name, w->q->q);
}

/* ---------------------------------------------------------------- order */

/* Numbers by their value: 999 before 5001 before 10000. No two DNs are equal. */
static int by_dn(const struct dnlist_row *a, const struct dnlist_row *b)
{
    const int c = strverscmp(a->dn->dn, b->dn->dn);

    return c ? c : strcmp(a->dn->dn, b->dn->dn);
}

static int by_name(const struct dnlist_row *a, const struct dnlist_row *b)
{
    return strcasecmp(a->dn->name, b->dn->name);
}

static int by_state(const struct dnlist_row *a, const struct dnlist_row *b)
{
    return (a->live ? (int)a->live->state : 0) - (b->live ? (int)b->live->state : 0);
}

static int by_changed(const struct dnlist_row *a, const struct dnlist_row *b)
{
    return (a->dn->changed_ms > b->dn->changed_ms) - (a->dn->changed_ms < b->dn->changed_ms);
}

typedef int(row_order)(const struct dnlist_row *a, const struct dnlist_row *b);
static row_order *const orders[DN_SORTS] = {[DN_SORT_DN] = by_dn,
                                            [DN_SORT_NAME] = by_name,
                                            [DN_SORT_STATE] = by_state,
                                            [DN_SORT_CHANGED] = by_changed};

struct order {
    row_order *h;
    bool down;
};

static int compare(const void *a, const void *b, void *arg)
{
    const struct order *o = arg;
    int c = o->h(a, b);

    if (!c)
        c = by_dn(a, b);
    return o->down ? -c : c;
}

/* ---------------------------------------------------------------- pages */

/*
 * A cursor is the last row of the page before, as the order sees it: "DN~STATE~CHANGED~NAME". So it holds whatever is added or removed
 * meanwhile.
 */
struct place {
    struct dn dn;
    struct dn_presence live;
    struct dnlist_row row;
};

static void cursor_write(char *out, size_t sz, const struct dnlist_row *r)
{
    snprintf(out, sz, "%s~%d~%lld~%s", r->dn->dn, r->live ? (int)r->live->state : 0,
             (long long)r->dn->changed_ms, r->dn->name);
}

static int cursor_read(struct service *sv, const char *text, struct place *p)
{
    const char *state = strchr(text, '~');
    char *changed = NULL, *name = NULL;
    long n = -1;

    memset(p, 0, sizeof(*p));
    if (state) {
        n = strtol(state + 1, &changed, 10);
        p->dn.changed_ms = *changed == '~' ? strtoll(changed + 1, &name, 10) : 0;
    }
    if (!name || *name != '~' || n < 0 || n >= DN_STATES || (size_t)(state - text) >= sizeof(p->dn.dn))
        return service_fail(sv, EINVAL, "this cursor is none of this list's");
    memcpy(p->dn.dn, text, (size_t)(state - text));
    snprintf(p->dn.name, sizeof(p->dn.name), "%s", name + 1);
    p->live.state = (enum dn_state)n;
    p->row = (struct dnlist_row){&p->dn, &p->live};
    return 0;
}

int dnlist_ask(struct dnlist *l, struct service *sv, const struct dnlist_query *q, struct dnlist_page *out)
{
    struct order order = {orders[(unsigned)q->sort % DN_SORTS], q->down};
    size_t n = 0, first = 0;
    struct wanted w;
    struct place p;
    int err = wanted_read(sv, q, &w);

    if (!err && q->cursor)
        err = cursor_read(sv, q->cursor, &p);
    if (err)
        return err;
    err = rows_read(l);
    if (err)
        return service_fail(sv, err, "cannot read the DNs: %s", store_strerror(err));
    presence_look(l, sv);
    for (size_t i = 0; i < l->count; i++) {
        struct dnlist_row *r = &l->found[n];

        *r = (struct dnlist_row){&l->rows[i], presence_find(&l->now, l->rows[i].dn)};
        n += fits(&w, r);
    }
    qsort_r(l->found, n, sizeof(*l->found), compare, &order);
    while (q->cursor && first < n && compare(&l->found[first], &p.row, &order) <= 0)
        first++;
    out->v = l->found + first;
    out->total = n;
    out->count = n - first < q->limit ? n - first : q->limit;
    out->next[0] = '\0';
    if (out->count && first + out->count < n)
        cursor_write(out->next, sizeof(out->next), &out->v[out->count - 1]);
    return 0;
}

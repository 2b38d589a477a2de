#include "service/status.h"
#include "core/clock.h"
#include "store/store.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int by_agent(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* How many of these names differ; they are put in order. */
static size_t distinct(const char **v, size_t n)
{
    size_t count = 0;

    qsort(v, n, sizeof(*v), by_agent);
    for (size_t i = 0; i < n; i++)
        count += !i || strcmp(v[i], v[i - 1]) != 0;
    return count;
}

static bool talks(const struct call_info *ci)
{
    return ci->answer_ms || (ci->direction == CDR_OUTBOUND && strcmp(ci->state, "ending") != 0);
}

enum { ANY = 1, TALKS = 2, REGISTERED = 4 };

/* How many DNs have a call that is not over and is all that. */
static size_t busy(const struct service_calls *calls, unsigned how, const char **v)
{
    size_t n = 0;

    for (size_t i = 0; i < calls->count; i++) {
        const struct call_info *ci = &calls->v[i];

        if (strcmp(ci->state, "ending") != 0 && (!(how & TALKS) || talks(ci)) &&
            (!(how & REGISTERED) || ci->registered))
            v[n++] = ci->dn;
    }
    return distinct(v, n);
}

/* Each DN once, as the list of DNs has it: who is on a call and has another that rings is on a call; and so is who talks while the page
 * is away. */
static void agents_count(const struct service_picture *p, struct service_status *out)
{
    const struct service_counts *n = &p->counts;
    struct service_agents *a = &out->agents;
    const char **v = calloc(p->calls.count + 1, sizeof(*v));
    size_t all, here;

    if (!v)
        return;
    a->on_call = busy(&p->calls, TALKS, v);
    all = busy(&p->calls, ANY, v);
    here = busy(&p->calls, REGISTERED, v);
    free(v);
    a->ringing = all - a->on_call;
    a->ready = n->registrations > here ? n->registrations - here : 0;
    a->off = n->dns > a->ready + all ? n->dns - a->ready - all : 0;
}

static size_t relayed_count(const struct service_calls *calls)
{
    size_t n = 0;

    for (size_t i = 0; i < calls->count; i++)
        n += calls->v[i].path == CDR_PATH_RELAY_UDP || calls->v[i].path == CDR_PATH_RELAY_TCP ||
             calls->v[i].path == CDR_PATH_RELAY_TLS;
    return n;
}

void service_status_of(struct service *sv, const struct service_picture *picture, struct service_status *out)
{
    memset(out, 0, sizeof(*out));
    out->ready = health_ready();
    out->part_count = health_parts(out->parts);
    out->uptime_s = (clock_ms() - sv->start_ms) / 1000;
    out->now_ms = clock_wall_ms();
    out->pid = (int)getpid();
    out->known = sv->now != NULL;
    if (sv->now)
        figures_now(&sv->now->figures, &out->figures);
    out->counted = picture != NULL;
    if (!picture)
        return;
    out->counts = picture->counts;
    out->trunks = picture->trunks;
    out->relayed = relayed_count(&picture->calls);
    agents_count(picture, out);
}

int service_status(struct service *sv, struct service_status *out)
{
    struct service_picture p;
    const int err = service_picture(sv, SERVICE_CALLS | SERVICE_TRUNKS, &p);

    if (err == ENOTCONN)
        return err;
    service_status_of(sv, err ? NULL : &p, out);
    if (err)
        return 0;
    p.trunks.v = NULL; /* the status has them */
    service_picture_free(&p);
    return 0;
}

void service_status_free(struct service_status *st)
{
    free(st->trunks.v);
    st->trunks.v = NULL;
    st->trunks.count = 0;
}

/* ---------------------------------------------------------------- history */

static const struct {
    const char *name;
    unsigned step_s;
    size_t count;
} spans[] = {{"1h", 60, 60}, {"24h", 300, 288}, {"30d", 3600, 720}};

static bool figures_put(const struct figures *f, void *arg)
{
    struct service_history *h = arg;
    const int64_t at = (f->time_ms - h->from_ms) / (h->step_s * (int64_t)1000);

    for (int i = 0; at >= 0 && (size_t)at < h->count && i < FIGURES; i++)
        h->v[i][at] = f->v[i];
    return false;
}

static int history_alloc(struct service_history *h)
{
    for (int i = 0; i < FIGURES; i++) {
        h->v[i] = calloc(h->count, sizeof(double));
        if (!h->v[i])
            return ENOMEM;
        for (size_t k = 0; k < h->count; k++)
            h->v[i][k] = NAN;
    }
    return 0;
}

/* The step that runs now is the last one. */
static int history_read(struct service *sv, struct service_history *h)
{
    const int64_t step_ms = h->step_s * (int64_t)1000, now_ms = clock_wall_ms();
    struct store_reader *r;
    int err = history_alloc(h);

    h->from_ms = now_ms - now_ms % step_ms - ((int64_t)h->count - 1) * step_ms;
    if (!err)
        err = store_reader_alloc(&r, sv->store);
    if (err)
        return err;
    err = history_figures(r, h->step_s, h->from_ms, figures_put, h);
    store_reader_free(r);
    return err;
}

int service_history(struct service *sv, const char *span, struct service_history *out)
{
    int err;

    for (size_t i = 0; i < sizeof(spans) / sizeof(spans[0]); i++) {
        if (strcmp(spans[i].name, span))
            continue;
        *out = (struct service_history){.step_s = spans[i].step_s, .count = spans[i].count};
        err = history_read(sv, out);
        if (err)
            service_history_free(out);
        return err ? service_fail(sv, err, "the history cannot be read: %s", store_strerror(err)) : 0;
    }
    return service_fail(sv, EINVAL, "there is no span %s: 1h, 24h or 30d", span);
}

void service_history_free(struct service_history *h)
{
    for (int i = 0; i < FIGURES; i++)
        free(h->v[i]);
    memset(h, 0, sizeof(*h));
}

int service_happenings(struct service *sv, const char *noun, const char *name, happening_h *h, void *arg)
{
    struct store_reader *r;
    int err = store_reader_alloc(&r, sv->store);

    if (!err) {
        err = history_of(r, noun, name, 0, h, arg);
        store_reader_free(r);
    }
    return err ? service_fail(sv, err, "the history cannot be read: %s", store_strerror(err)) : 0;
}

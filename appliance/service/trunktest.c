#include "service/trunktest.h"
#include "call/trunkprobe.h"
#include "core/clock.h"
#include "service/certificate.h"
#include "service/live.h"
#include "service/trunk.h"
#include "service/trunkreach.h"
#include "service/trunkwords.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum phase { PHASE_REACH, PHASE_OPTIONS, PHASE_INVITE, PHASE_OVER };

struct test {
    struct test *next;
    struct service_trunktest told;
    enum phase phase;
    struct trunk trunk; /* as it was when the test began, with its password until the INVITE is out */
    struct trunkreach *reach;
    struct addr v[TRUNKREACH_ADDRS_MAX];
    uint32_t probes[TRUNKREACH_ADDRS_MAX]; /* OPTIONS; then the first: INVITE */
    struct trunkprobe_found found[TRUNKREACH_ADDRS_MAX];
    size_t count, best; /* which one gets the INVITE */
};

struct trunktests {
    struct test *first;
    uint32_t last_id;
};

const char *trunktest_name(enum trunktest_name n)
{
    static const char *const names[TRUNKTEST_STEPS] = {"dns", "reach", "certificate", "options", "invite"};

    return names[(unsigned)n % TRUNKTEST_STEPS];
}

bool trunktest_has(const struct service_trunktest *t, enum trunktest_name n)
{
    return n != TRUNKTEST_CERTIFICATE || t->tls;
}

const char *trunktest_result(enum trunktest_result r)
{
    static const char *const names[] = {"waits", "running", "ok", "failed", "skipped"};

    return names[(unsigned)r % (sizeof(names) / sizeof(names[0]))];
}

int trunktests_alloc(struct trunktests **tp)
{
    *tp = calloc(1, sizeof(**tp));
    return *tp ? 0 : ENOMEM;
}

static void test_free(struct test *t)
{
    trunkreach_drop(t->reach);
    explicit_bzero(&t->trunk, sizeof(t->trunk));
    free(t);
}

void trunktests_free(struct trunktests *all)
{
    if (!all)
        return;
    for (struct test *t = all->first, *next; t; t = next) {
        next = t->next;
        test_free(t);
    }
    free(all);
}

static struct test *test_find(const struct trunktests *all, const char *name)
{
    struct test *t = all->first;

    while (t && strcmp(t->trunk.name, name))
        t = t->next;
    return t;
}

static void test_remove(struct trunktests *all, struct test *t)
{
    struct test **p = &all->first;

    while (*p && *p != t)
        p = &(*p)->next;
    if (*p)
        *p = t->next;
    test_free(t);
}

void trunktests_forget(struct trunktests *all, const char *name)
{
    struct test *t = all ? test_find(all, name) : NULL;

    if (t)
        test_remove(all, t);
}

/* ---------------------------------------------------------------- signalling */

struct start_question {
    struct trunkprobe_order order;
    uint32_t id;
};

static void start_h(void *value, void *owner)
{
    struct start_question *q = value;

    q->id = trunkprobe_start(((struct service_live *)owner)->probes, &q->order);
    explicit_bzero(&q->order, sizeof(q->order));
}

static int probe_start(struct service *sv, const struct test *t, const struct addr *a, bool invite,
                       uint32_t *id)
{
    struct start_question q = {.order = {.invite = invite, .addr = *a, .transport = (int)t->trunk.transport}};
    int err;

    if (invite) {
        snprintf(q.order.username, sizeof(q.order.username), "%s", t->trunk.username);
        snprintf(q.order.password, sizeof(q.order.password), "%s", t->trunk.password);
    }
    err = service_live_ask(sv, start_h, NULL, &q, sizeof(q));
    explicit_bzero(&q.order, sizeof(q.order));
    *id = err ? 0 : q.id;
    return err;
}

struct look_question {
    uint32_t id[TRUNKREACH_ADDRS_MAX];
    struct trunkprobe_found found[TRUNKREACH_ADDRS_MAX];
    size_t count;
};

static void look_h(void *value, void *owner)
{
    struct look_question *q = value;

    for (size_t i = 0; i < q->count; i++) {
        if (q->found[i].done)
            continue;
        if (trunkprobe_look(((struct service_live *)owner)->probes, q->id[i], &q->found[i]))
            q->found[i] = (struct trunkprobe_found){.done = true, .err = EBUSY};
    }
}

/* True when all that was begun is done. */
static bool probes_look(struct service *sv, struct test *t, size_t n)
{
    struct look_question *q = calloc(1, sizeof(*q));
    bool over = true;
    int err = q ? 0 : ENOMEM;

    if (q) {
        q->count = n;
        memcpy(q->id, t->probes, sizeof(q->id));
        memcpy(q->found, t->found, sizeof(q->found));
        err = service_live_ask(sv, look_h, NULL, q, sizeof(*q));
    }
    if (!err)
        memcpy(t->found, q->found, sizeof(t->found));
    for (size_t i = 0; i < n; i++)
        over = over && t->found[i].done;
    free(q);
    return over && !err;
}

/* ---------------------------------------------------------------- steps */

static void skip(struct test *t, enum trunktest_name from, const char *why)
{
    for (unsigned i = from; i < TRUNKTEST_STEPS; i++) {
        struct trunktest_step *s = &t->told.steps[i];

        if (s->result != TRUNKTEST_WAITS && s->result != TRUNKTEST_RUNNING)
            continue;
        s->result = TRUNKTEST_SKIPPED;
        snprintf(s->detail, sizeof(s->detail), "%s", why);
    }
}

static void over(struct test *t)
{
    t->phase = PHASE_OVER;
    t->told.running = false;
    explicit_bzero(t->trunk.password, sizeof(t->trunk.password));
    trunkreach_drop(t->reach);
    t->reach = NULL;
}

static void options_begin(struct service *sv, struct test *t)
{
    bool any = false;

    t->phase = PHASE_OPTIONS;
    t->told.steps[TRUNKTEST_OPTIONS].result = TRUNKTEST_RUNNING;
    memset(t->found, 0, sizeof(t->found));
    for (size_t i = 0; i < t->count; i++) {
        const int err = t->reach->err[i]       ? t->reach->err[i]
                        : t->reach->tls_err[i] ? t->reach->tls_err[i]
                                               : probe_start(sv, t, &t->v[i], false, &t->probes[i]);

        if (err || !t->probes[i])
            t->found[i] = (struct trunkprobe_found){.done = true, .err = err ? err : EBUSY};
        any = any || !t->found[i].done;
    }
    if (any)
        return;
    skip(t, TRUNKTEST_OPTIONS, "Nothing can be reached.");
    over(t);
}

/* The first that answered OPTIONS; else the first there is, as some answer no OPTIONS and take calls all the same. */
static size_t best_of(const struct test *t)
{
    for (size_t i = 0; i < t->count; i++)
        if (!t->found[i].err)
            return i;
    for (size_t i = 0; i < t->count; i++)
        if (t->found[i].err == ETIMEDOUT)
            return i;
    return 0;
}

/* Where something answers, there is a way, whatever the knock said. */
static void reach_again(struct test *t)
{
    struct trunktest_step *s = &t->told.steps[TRUNKTEST_REACH];
    bool other = false;

    for (size_t i = 0; i < t->count; i++) {
        other = other || (t->reach->err[i] && !t->found[i].err);
        t->reach->err[i] = t->found[i].err ? t->reach->err[i] : 0;
    }
    if (!other)
        return;
    *s = (struct trunktest_step){.result = TRUNKTEST_RUNNING};
    trunkwords_reach(s, t->reach);
}

static void invite_begin(struct service *sv, struct test *t)
{
    int err;

    t->phase = PHASE_INVITE;
    t->best = best_of(t);
    if (t->found[t->best].err && t->reach->err[t->best]) {
        skip(t, TRUNKTEST_INVITE, "Nothing can be reached.");
        over(t);
        return;
    }
    t->told.steps[TRUNKTEST_INVITE].result = TRUNKTEST_RUNNING;
    memset(t->found, 0, sizeof(t->found));
    err = probe_start(sv, t, &t->v[t->best], true, &t->probes[0]);
    explicit_bzero(t->trunk.password, sizeof(t->trunk.password));
    if (err || !t->probes[0])
        t->found[0] = (struct trunkprobe_found){.done = true, .err = err ? err : EBUSY};
}

/* False: there is nobody to ask. */
static bool certificate_end(struct test *t)
{
    struct trunktest_step *s = &t->told.steps[TRUNKTEST_CERTIFICATE];

    if (!t->told.tls)
        return true;
    if (t->told.steps[TRUNKTEST_REACH].result != TRUNKTEST_OK) {
        skip(t, TRUNKTEST_CERTIFICATE, "Nothing can be reached.");
        return false;
    }
    trunkwords_certificate(s, t->reach);
    if (s->result == TRUNKTEST_FAILED)
        skip(t, TRUNKTEST_OPTIONS, "Nothing is said to somebody else.");
    else if (!t->trunk.enabled)
        skip(t, TRUNKTEST_OPTIONS, "By TLS only a trunk that is enabled is spoken to: enable it first.");
    else
        return true;
    return false;
}

static void reach_look(struct service *sv, struct test *t)
{
    const int phase = atomic_load(&t->reach->phase);

    if (phase >= 1 && t->told.steps[TRUNKTEST_DNS].result == TRUNKTEST_RUNNING) {
        trunkwords_dns(&t->told.steps[TRUNKTEST_DNS], t->reach);
        t->told.steps[TRUNKTEST_REACH].result = TRUNKTEST_RUNNING;
    }
    if (phase < 2)
        return;
    if (t->reach->dns_err) {
        skip(t, TRUNKTEST_REACH, "Its address is not known.");
        over(t);
        return;
    }
    if (t->told.steps[TRUNKTEST_REACH].result == TRUNKTEST_RUNNING) {
        t->count = t->reach->count;
        memcpy(t->v, t->reach->v, sizeof(t->v));
        trunkwords_reach(&t->told.steps[TRUNKTEST_REACH], t->reach);
        t->told.steps[TRUNKTEST_CERTIFICATE].result = TRUNKTEST_RUNNING;
    }
    if (phase < 3)
        return;
    if (!certificate_end(t))
        over(t);
    else
        options_begin(sv, t);
}

static void go_on(struct service *sv, struct test *t)
{
    if (t->phase == PHASE_REACH)
        reach_look(sv, t);
    if (t->phase == PHASE_OPTIONS && probes_look(sv, t, t->count)) {
        trunkwords_options(&t->told.steps[TRUNKTEST_OPTIONS], &t->trunk, t->v, t->found, t->count);
        reach_again(t);
        invite_begin(sv, t);
    }
    if (t->phase == PHASE_INVITE && probes_look(sv, t, 1)) {
        trunkwords_invite(&t->told.steps[TRUNKTEST_INVITE], &t->trunk, &t->v[t->best], &t->found[0]);
        over(t);
    }
}

/* ---------------------------------------------------------------- */

struct finding {
    const char *name;
    struct trunk *out;
    bool found;
};

static bool found_h(const struct trunk *t, void *arg)
{
    struct finding *f = arg;

    f->found = !strcmp(t->name, f->name);
    if (f->found)
        *f->out = *t;
    return f->found;
}

static int trunk_read(struct service *sv, const char *name, struct trunk *out)
{
    struct finding f = {name, out, false};
    struct store_reader *r;
    int err = store_reader_alloc(&r, sv->store);

    if (!err) {
        err = trunk_each(r, true, found_h, &f);
        store_reader_free(r);
    }
    if (err)
        return service_fail(sv, err, "trunk %s: %s", name, store_strerror(err));
    return f.found ? 0 : service_fail(sv, ENOENT, "there is no trunk %s", name);
}

static int no_server(struct service *sv)
{
    return sv->trunktests
               ? 0
               : service_fail(
                     sv, ENOTCONN,
                     "no server runs here, and only it can test a trunk from its own port: start it, or "
                     "use dngate check");
}

int service_trunktest_begin(struct service *sv, const char *name, uint32_t *id)
{
    struct test *t, *old;
    int err = no_server(sv);

    if (err)
        return err;
    old = test_find(sv->trunktests, name);
    if (old)
        go_on(sv, old);
    if (old && old->told.running)
        return service_fail(sv, EBUSY, "trunk %s is being tested already", name);
    t = calloc(1, sizeof(*t));
    if (!t)
        return service_fail(sv, ENOMEM, "%s", strerror(ENOMEM));
    err = trunk_read(sv, name, &t->trunk);
    if (!err) {
        char cert[SERVICE_CERT_FILE_MAX], key[SERVICE_CERT_FILE_MAX];

        (void)service_certificate_files(sv, cert, key);
        err = trunkreach_begin(&t->reach, &(struct trunkreach_order){&t->trunk, cert, key});
        if (err)
            err = service_fail(sv, err, "the test cannot begin: %s", strerror(err));
    }
    if (err) {
        test_free(t);
        return err;
    }
    if (old)
        test_remove(sv->trunktests, old);
    t->told.running = true;
    t->told.tls = t->trunk.transport == TRUNK_TLS;
    t->told.started_ms = clock_wall_ms();
    t->told.id = *id = ++sv->trunktests->last_id;
    t->told.steps[TRUNKTEST_DNS].result = TRUNKTEST_RUNNING;
    t->next = sv->trunktests->first;
    sv->trunktests->first = t;
    service_noted(sv, "trunk %s tested", name);
    return 0;
}

int service_trunktest_look(struct service *sv, const char *name, struct service_trunktest *out)
{
    struct test *t;
    int err = no_server(sv);

    if (err)
        return err;
    t = test_find(sv->trunktests, name);
    if (!t)
        return service_fail(sv, ENOENT, "trunk %s was not tested since the server started", name);
    if (t->told.running)
        go_on(sv, t);
    *out = t->told;
    return 0;
}

#include "service/live.h"
#include "sip/registrar.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATIENCE_MS = 2000 };

static int live_ask(struct service *sv, ask_h *h, ask_drop_h *drop, void *value, size_t size)
{
    int err;

    if (!sv->signalling)
        return service_fail(sv, ENOTCONN,
                            "no server runs here: calls and registrations are only there while one does");
    err = ask(sv->signalling, h, drop, value, size, PATIENCE_MS);
    if (err == ETIMEDOUT)
        return service_fail(sv, err, "the signalling thread did not answer within %d s", PATIENCE_MS / 1000);
    return err ? service_fail(sv, err, "the signalling thread cannot be asked: %s", strerror(err)) : 0;
}

/* ---------------------------------------------------------------- calls */

struct calls_question {
    struct service_calls calls; /* v NULL: there was no memory */
    size_t size;
};

static bool call_h(const struct call_info *ci, void *arg)
{
    struct calls_question *q = arg;

    if (q->calls.count == q->size)
        return true;
    q->calls.v[q->calls.count++] = *ci;
    return false;
}

static void list_h(void *value, void *owner)
{
    const struct service_live *live = owner;
    struct calls_question *q = value;

    q->size = calls_count(live->calls);
    q->calls.v = calloc(q->size + 1, sizeof(*q->calls.v));
    if (q->calls.v)
        calls_each(live->calls, call_h, q);
}

static void calls_drop(void *value)
{
    free(((struct calls_question *)value)->calls.v);
}

int service_calls(struct service *sv, struct service_calls *out)
{
    struct calls_question q = {.size = 0};
    const int err = live_ask(sv, list_h, calls_drop, &q, sizeof(q));

    if (err)
        return err;
    if (!q.calls.v)
        return service_fail(sv, ENOMEM, "the calls cannot be listed: %s", strerror(ENOMEM));
    *out = q.calls;
    return 0;
}

struct name_question {
    char name[128]; /* of what */
    int err;
};

static int name_ask(struct service *sv, ask_h *h, const char *noun, const char *name, const char *absent)
{
    struct name_question q = {.err = ENOENT};
    const size_t len = (size_t)snprintf(q.name, sizeof(q.name), "%s", name);
    int err = 0;

    if (len < sizeof(q.name)) /* longer than any */
        err = live_ask(sv, h, NULL, &q, sizeof(q));
    if (err || !q.err)
        return err;
    return service_fail(sv, q.err, "%s %s %s", noun, name, absent);
}

static void hangup_h(void *value, void *owner)
{
    struct name_question *q = value;

    q->err = calls_hangup(((struct service_live *)owner)->calls, q->name);
}

int service_call_hangup(struct service *sv, const char *id)
{
    const int err = name_ask(sv, hangup_h, "call", id, "does not run");

    if (!err)
        service_noted(sv, "calls hangup: %s", id);
    return err;
}

/* ---------------------------------------------------------------- registrations */

struct registrations_question {
    struct service_registrations registrations; /* v NULL: there was no memory */
    size_t size;
};

static bool binding_h(const struct binding *b, void *arg)
{
    struct registrations_question *q = arg;
    struct service_registration *r;

    if (q->registrations.count == q->size)
        return true;
    r = &q->registrations.v[q->registrations.count++];
    snprintf(r->dn, sizeof(r->dn), "%s", b->dn);
    snprintf(r->user_agent, sizeof(r->user_agent), "%s", b->user_agent);
    (void)addr_str(&b->peer, r->peer, sizeof(r->peer));
    r->registered_ms = b->registered_ms;
    r->expires_ms = b->expires_ms;
    return false;
}

static int by_dn(const void *a, const void *b)
{
    return strcmp(((const struct service_registration *)a)->dn, ((const struct service_registration *)b)->dn);
}

static void registrations_h(void *value, void *owner)
{
    const struct service_live *live = owner;
    struct registrations_question *q = value;

    q->size = registrar_count(live->registrar);
    q->registrations.v = calloc(q->size + 1, sizeof(*q->registrations.v));
    if (q->registrations.v)
        registrar_each(live->registrar, binding_h, q);
}

static void registrations_drop(void *value)
{
    free(((struct registrations_question *)value)->registrations.v);
}

int service_registrations(struct service *sv, struct service_registrations *out)
{
    struct registrations_question q = {.size = 0};
    const int err = live_ask(sv, registrations_h, registrations_drop, &q, sizeof(q));

    if (err)
        return err;
    if (!q.registrations.v)
        return service_fail(sv, ENOMEM, "the registrations cannot be listed: %s", strerror(ENOMEM));
    qsort(q.registrations.v, q.registrations.count, sizeof(*q.registrations.v), by_dn);
    *out = q.registrations;
    return 0;
}

static void drop_h(void *value, void *owner)
{
    const struct service_live *live = owner;
    struct name_question *q = value;

    q->err = registrar_find(live->registrar, q->name) ? 0 : ENOENT;
    if (!q->err)
        registrar_drop(live->registrar, q->name, "Signed out by an administrator");
}

int service_registration_drop(struct service *sv, const char *dn)
{
    const int err = name_ask(sv, drop_h, "DN", dn, "is not registered");

    if (!err)
        service_noted(sv, "registrations drop: %s", dn);
    return err;
}

/* ---------------------------------------------------------------- counts */

static void counts_h(void *value, void *owner)
{
    const struct service_live *live = owner;
    struct service_counts *n = value;

    n->calls = calls_count(live->calls);
    n->registrations = registrar_count(live->registrar);
}

int service_counts(struct service *sv, struct service_counts *out)
{
    return live_ask(sv, counts_h, NULL, out, sizeof(*out));
}

#include "service/trace.h"

#include "core/ask.h"
#include "core/buf.h"
#include "core/json.h"
#include "service/live.h"
#include "service/setting.h"
#include "store/trace.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { PATIENCE_MS = 2000 };

/* ---------------------------------------------------------------- traces */

struct question {
    char id[64];
    struct buf json;
    int err;
};

static void answer_h(void *value, void *owner)
{
    const struct service_live *live = owner;
    struct question *q = value;

    q->err = calls_trace(live->calls, q->id, &q->json);
    if (!q->err)
        q->err = q->json.err;
}

static void drop(void *value)
{
    buf_reset(&((struct question *)value)->json);
}

/* ENOENT: no such call runs. */
static int running(struct service *sv, const char *id, struct buf *out)
{
    struct question q = {.err = ENOENT};
    int err;

    if (!sv->signalling || strlen(id) >= sizeof(q.id))
        return ENOENT;
    snprintf(q.id, sizeof(q.id), "%s", id);
    buf_init(&q.json, SERVICE_TRACE_MAX);
    err = ask(sv->signalling, answer_h, drop, &q, sizeof(q), PATIENCE_MS);
    if (err) /* q is not ours any more */
        return err;
    if (!q.err)
        (void)buf_write(out, q.json.data, q.json.len);
    buf_reset(&q.json);
    return q.err ? q.err : out->err;
}

static int kept(struct service *sv, const char *id, struct buf *out)
{
    struct store_reader *r;
    int err = store_reader_alloc(&r, sv->store);

    if (err)
        return err;
    err = store_trace_get(r, id, out);
    store_reader_free(r);
    return err;
}

int service_trace(struct service *sv, const char *id, struct buf *out)
{
    int err = running(sv, id, out);

    if (err)
        err = kept(sv, id, out);
    if (err == ENOENT)
        return service_fail(
            sv, err,
            "there is no trace of call %s: those of calls that failed or were bad, of a sample, and "
            "of DNs under watch are kept",
            id);
    return err ? service_fail(sv, err, "the trace cannot be read: %s", store_strerror(err)) : 0;
}

void service_trace_verdict(struct service *sv, const struct cdr *c, struct verdict *v)
{
    struct trace_facts facts;
    struct json *j = NULL;
    struct buf json;

    buf_init(&json, SERVICE_TRACE_MAX);
    if ((running(sv, c->id, &json) && kept(sv, c->id, &json)) ||
        json_parse(&j, json.data, json.len, NULL, 0)) {
        verdict_make(v, c, NULL);
    } else {
        trace_facts_read(&facts, json_get(json_root(j), "facts"));
        verdict_make(v, c, &facts);
        json_free(j);
    }
    buf_reset(&json);
}

/* ---------------------------------------------------------------- DNs under watch */

static void list_get(const struct service *sv, char list[CONF_VALUE_MAX])
{
    conf_str(sv->conf, "trace.watch", list, CONF_VALUE_MAX);
}

int service_watch_each(struct service *sv, service_watch_h *h, void *arg)
{
    char list[CONF_VALUE_MAX], *save = NULL;

    list_get(sv, list);
    for (char *dn = strtok_r(list, ", ", &save); dn; dn = strtok_r(NULL, ", ", &save))
        if (h(dn, arg))
            break;
    return 0;
}

struct making {
    char list[CONF_VALUE_MAX];
    size_t len;
    const char *dn; /* that is left out */
    bool found;
};

static bool others_h(const char *dn, void *arg)
{
    struct making *m = arg;

    if (!strcmp(dn, m->dn)) {
        m->found = true;
        return false;
    }
    m->len += (size_t)snprintf(m->list + m->len, sizeof(m->list) - m->len, "%s%s", m->len ? "," : "", dn);
    return false;
}

int service_watch_add(struct service *sv, const char *dn)
{
    struct making m = {.dn = dn};

    if (!*dn || strpbrk(dn, ", "))
        return service_fail(sv, EINVAL, "that is no DN");
    (void)service_watch_each(sv, others_h, &m);
    if (m.found)
        return service_fail(sv, EEXIST, "DN %s is under watch already", dn);
    if (m.len + strlen(dn) + 2 > 2000)
        return service_fail(sv, EINVAL, "too many DNs are under watch");
    snprintf(m.list + m.len, sizeof(m.list) - m.len, "%s%s", m.len ? "," : "", dn);
    return service_setting_put(sv, "trace.watch", m.list);
}

int service_watch_remove(struct service *sv, const char *dn)
{
    struct making m = {.dn = dn};

    (void)service_watch_each(sv, others_h, &m);
    if (!m.found)
        return service_fail(sv, ENOENT, "DN %s is not under watch", dn);
    return service_setting_put(sv, "trace.watch", m.list[0] ? m.list : NULL);
}

#include "service/live.h"
#include "call/directory.h"
#include "core/buf.h"
#include "core/utf8.h"
#include "sip/registrar.h"
#include "sip/trunks.h"
#include "sip/upreg.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATIENCE_MS = 2000 };

int service_live_ask(struct service *sv, ask_h *h, ask_drop_h *drop, void *value, size_t size)
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

/* ---------------------------------------------------------------- a picture: signalling thread */

struct picture_question {
    unsigned what;
    bool no_memory;
    struct service_picture p;
    const struct service_live *live; /* while it is answered */
    size_t size;
};

static bool call_h(const struct call_info *ci, void *arg)
{
    struct picture_question *q = arg;

    if (q->p.calls.count == q->size)
        return true;
    q->p.calls.v[q->p.calls.count] = *ci;
    q->p.calls.v[q->p.calls.count++].registered = registrar_find(q->live->registrar, ci->dn) != NULL;
    return false;
}

void service_upstream_take(struct service_upstream *u, const struct service_live *live, const char *dn)
{
    struct upreg_info info;

    if (upreg_get(live->upreg, dn, &info))
        return;
    u->state = upreg_state_name(info.state);
    u->code = info.code;
    u->since_ms = info.since_ms;
    u->until_ms = info.until_ms;
    u->sequence = info.sequence;
    memcpy(u->trunk, info.trunk, sizeof(u->trunk));
    memcpy(u->text, info.text, sizeof(u->text));
}

static bool binding_h(const struct binding *b, void *arg)
{
    struct picture_question *q = arg;
    struct service_registration *r;
    struct dn dn;

    if (q->p.registrations.count == q->size)
        return true;
    r = &q->p.registrations.v[q->p.registrations.count++];
    snprintf(r->dn, sizeof(r->dn), "%s", b->dn);
    snprintf(r->user_agent, sizeof(r->user_agent), "%s", b->user_agent);
    (void)addr_str(&b->peer, r->peer, sizeof(r->peer));
    r->registered_ms = b->registered_ms;
    r->expires_ms = b->expires_ms;
    r->state = "ready";
    service_upstream_take(&r->upstream, q->live, b->dn);
    if (!directory_get(q->live->directory, b->dn, &dn))
        snprintf(r->name, sizeof(r->name), "%s", dn.name);
    explicit_bzero(&dn, sizeof(dn));
    return false;
}

static bool peer_h(const struct trunk_peer *p, void *arg)
{
    struct picture_question *q = arg;
    struct trunk_address at[TRUNK_TARGETS_MAX];
    struct service_trunk *t;
    size_t n;

    if (q->p.trunks.count == SERVICE_TRUNKS_MAX)
        return true;
    t = &q->p.trunks.v[q->p.trunks.count++];
    snprintf(t->name, sizeof(t->name), "%s", p->cfg.name);
    snprintf(t->detail, sizeof(t->detail), "%s", p->why);
    t->state = trunk_state_name((enum trunk_state)p->state);
    t->since_ms = p->since_ms;
    t->rtt_ms = p->rtt_us / 1e3;
    n = trunk_peer_addresses(p, at);
    for (size_t i = 0; i < n && i < SERVICE_TRUNK_ADDRESSES_MAX; i++) {
        struct service_trunk_address *a = &t->addresses[t->address_count++];

        (void)addr_str(&at[i].addr, a->address, sizeof(a->address));
        a->state = trunk_state_name(at[i].state);
        a->rtt_ms = at[i].rtt_us / 1e3;
    }
    return false;
}

/* True: there is room for so many, and one more, so that none is not NULL. */
static bool room(struct picture_question *q, void **v, size_t count, size_t each)
{
    q->size = count;
    *v = calloc(count + 1, each);
    q->no_memory |= !*v;
    return *v != NULL;
}

static void counts_take(struct service_counts *c, const struct service_live *live)
{
    struct upreg_counts up;

    upreg_counts(live->upreg, &up);
    *c = (struct service_counts){.calls = calls_count(live->calls),
                                 .registrations = registrar_count(live->registrar),
                                 .dns = directory_count(live->directory),
                                 .registration_changes = registrar_changes(live->registrar) + up.changes};
    c->upstream.registered = up.in[UPREG_REGISTERED] + up.in[UPREG_REFRESHING];
    c->upstream.refused = up.in[UPREG_REFUSED];
    c->upstream.waiting = up.in[UPREG_WAITING] + up.in[UPREG_REGISTERING] + up.in[UPREG_IDLE];
    memcpy(c->upstream.dn, up.dn, sizeof(c->upstream.dn));
    memcpy(c->upstream.text, up.text, sizeof(c->upstream.text));
}

static void picture_h(void *value, void *owner)
{
    struct picture_question *q = value;
    const struct service_live *live = q->live = owner;
    struct service_picture *p = &q->p;

    counts_take(&p->counts, live);
    /* Those that are ending are listed, too. */
    if (q->what & SERVICE_CALLS &&
        room(q, (void **)&p->calls.v, calls_listed(live->calls), sizeof(*p->calls.v)))
        calls_each(live->calls, call_h, q);
    if (q->what & SERVICE_REGISTRATIONS &&
        room(q, (void **)&p->registrations.v, p->counts.registrations, sizeof(*p->registrations.v)))
        registrar_each(live->registrar, binding_h, q);
    if (q->what & SERVICE_TRUNKS && room(q, (void **)&p->trunks.v, SERVICE_TRUNKS_MAX, sizeof(*p->trunks.v)))
        trunks_each(live->trunks, peer_h, q);
}

static void picture_drop(void *value)
{
    service_picture_free(&((struct picture_question *)value)->p);
}

/* ---------------------------------------------------------------- a picture: who asks */

static int by_dn(const void *a, const void *b)
{
    return strcmp(((const struct service_registration *)a)->dn, ((const struct service_registration *)b)->dn);
}

/* An agent whose phone rings is ringing only when no other call is on. */
static void state_mark(struct service_picture *p, const struct call_info *ci)
{
    struct service_registration key, *r;
    const bool talks = ci->answer_ms != 0,
               rings = !strcmp(ci->state, "ringing") || !strcmp(ci->state, "calling");

    if (!p->registrations.count || !strcmp(ci->state, "ending"))
        return;
    memcpy(key.dn, ci->dn, sizeof(key.dn));
    r = bsearch(&key, p->registrations.v, p->registrations.count, sizeof(*r), by_dn);
    if (r && (talks || (rings && ci->direction == CDR_OUTBOUND)))
        r->state = "on_call";
    else if (r && rings && strcmp(r->state, "on_call") != 0)
        r->state = "ringing";
}

void service_picture_states(struct service_picture *p)
{
    for (size_t i = 0; i < p->registrations.count; i++)
        p->registrations.v[i].state = "ready";
    for (size_t i = 0; i < p->calls.count; i++)
        state_mark(p, &p->calls.v[i]);
}

int service_picture(struct service *sv, unsigned what, struct service_picture *out)
{
    struct picture_question q = {.what = what & SERVICE_REGISTRATIONS ? what | SERVICE_CALLS : what};
    const int err = service_live_ask(sv, picture_h, picture_drop, &q, sizeof(q));

    if (err)
        return err;
    if (q.no_memory) {
        picture_drop(&q);
        return service_fail(sv, ENOMEM, "what goes on cannot be listed: %s", strerror(ENOMEM));
    }
    *out = q.p;
    if (out->registrations.count)
        qsort(out->registrations.v, out->registrations.count, sizeof(*out->registrations.v), by_dn);
    service_picture_states(out);
    return 0;
}

void service_picture_free(struct service_picture *p)
{
    free(p->calls.v);
    free(p->registrations.v);
    free(p->trunks.v);
    memset(p, 0, sizeof(*p));
}

int service_calls(struct service *sv, struct service_calls *out)
{
    struct service_picture p = {.calls = {NULL, 0}};
    const int err = service_picture(sv, SERVICE_CALLS, &p);

    if (!err)
        *out = p.calls;
    return err;
}

int service_registrations(struct service *sv, struct service_registrations *out)
{
    struct service_picture p = {.calls = {NULL, 0}};
    const int err = service_picture(sv, SERVICE_REGISTRATIONS, &p);

    if (err)
        return err;
    *out = p.registrations;
    p.registrations.v = NULL;
    service_picture_free(&p);
    return 0;
}

int service_counts(struct service *sv, struct service_counts *out)
{
    struct service_picture p = {.calls = {NULL, 0}};
    const int err = service_picture(sv, 0, &p);

    if (!err)
        *out = p.counts;
    return err;
}

const char *service_browser(const char *user_agent, char *buf, size_t sz)
{
    const char *open = strchr(user_agent, '('), *close = strrchr(user_agent, ')');

    if (!strncmp(user_agent, "dngate ", 7) && open && close && close > open)
        snprintf(buf, sz, "%.*s", (int)(close - open - 1), open + 1);
    else
        snprintf(buf, sz, "%s", user_agent);
    return buf;
}

/* ---------------------------------------------------------------- what is done to them */

struct name_question {
    char name[128]; /* of what */
    char text[SERVICE_MESSAGE_MAX + 1];
    int err;
};

static int name_ask(struct service *sv, ask_h *h, struct name_question *q, const char *noun, const char *name,
                    const char *absent)
{
    const size_t len = (size_t)snprintf(q->name, sizeof(q->name), "%s", name);
    int err = 0;

    q->err = ENOENT;
    if (len < sizeof(q->name)) /* longer than any */
        err = service_live_ask(sv, h, NULL, q, sizeof(*q));
    if (err || !q->err)
        return err;
    if (q->err == ENOENT)
        return service_fail(sv, q->err, "%s %s %s", noun, name, absent);
    return service_fail(sv, q->err, "%s %s: %s", noun, name, strerror(q->err));
}

static void hangup_h(void *value, void *owner)
{
    struct name_question *q = value;

    q->err = calls_hangup(((struct service_live *)owner)->calls, q->name);
}

int service_call_hangup(struct service *sv, const char *id)
{
    struct name_question q = {.err = 0};
    const int err = name_ask(sv, hangup_h, &q, "call", id, "does not run");

    if (!err)
        service_noted(sv, "calls hangup: %s", id);
    return err;
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
    struct name_question q = {.err = 0};
    const int err = name_ask(sv, drop_h, &q, "DN", dn, "is not registered");

    if (!err)
        service_noted(sv, "registrations drop: %s", dn);
    return err;
}

static void message_h(void *value, void *owner)
{
    const struct service_live *live = owner;
    struct name_question *q = value;
    const struct binding *b = registrar_find(live->registrar, q->name);
    struct buf json;

    q->err = b ? 0 : ENOENT;
    if (!b)
        return;
    buf_init(&json, 8 * SERVICE_MESSAGE_MAX);
    buf_puts(&json, "{\"message\":{\"text\":");
    buf_json_str(&json, q->text);
    buf_puts(&json, "}}");
    q->err = json.err ? json.err : session_message(live->stack, b, json.data);
    buf_reset(&json);
}

static bool text_ok(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
            return false;
    return len > 0 && len <= SERVICE_MESSAGE_MAX && strspn(text, " ") < len && utf8_valid(text, len);
}

int service_registration_message(struct service *sv, const char *dn, const char *text)
{
    struct name_question q = {.err = 0};
    int err;

    if (!text_ok(text, strlen(text)))
        return service_fail(sv, EINVAL, "a message has 1 to %d bytes of text in one line",
                            SERVICE_MESSAGE_MAX);
    snprintf(q.text, sizeof(q.text), "%s", text);
    err = name_ask(sv, message_h, &q, "DN", dn, "is not registered");
    if (!err)
        service_noted(sv, "registrations message: %s", dn);
    return err;
}

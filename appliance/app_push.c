#include "app_push.h"
#include "core/buf.h"
#include "core/clock.h"
#include "core/log.h"
#include "service/livejson.h"
#include "service/session.h"
#include "store/store.h"
#include "web/push.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    CLOSE_SESSION_OVER = 4401,
    CHECK_MS = 2000, /* between two looks whether a session is still good */
    FRESH_MS = 900,  /* so old a picture may be for a newcomer's snapshot */
    MANY = 500,      /* registrations: more are listed every MANY_MS only */
    MANY_MS = 5000,
    QUALITY_TICKS = 3,
    PIECE = 500, /* items of one message */
    STUCK_MS = 10000,
    MESSAGE_MAX = 2 << 20,
};

struct listener {
    uint64_t conn, checked_ms;
    char token[PUSH_COOKIE_MAX];
};

struct app_push {
    struct service *sv;
    struct web_push *web;
    struct store_reader *reader; /* of sessions; opened when it is needed */
    struct listener listeners[PUSH_CONNS_MAX];
    size_t count;
    bool known;  /* last is something */
    bool missed; /* WEB was so far behind that the listeners miss a change */
    struct service_picture last;
    uint64_t looked_ms, listed_ms; /* the last picture, the last list of registrations; monotonic */
    uint64_t stuck_ms;             /* signalling did not answer: not before then again */
    unsigned ticks;
};

/* --- topics: lists of items that have a key, in its order --- */

struct topic {
    const char *name;
    size_t size, key; /* of an item; where its key is */
    void (*write)(struct buf *out, const void *item);
};

static void call_write(struct buf *out, const void *item)
{
    livejson_call(out, item);
}

static void registration_write(struct buf *out, const void *item)
{
    livejson_registration(out, item);
}

static void trunk_write(struct buf *out, const void *item)
{
    livejson_trunk(out, item, true);
}

static const struct topic calls = {"calls", sizeof(struct call_info), offsetof(struct call_info, id),
                                   call_write},
                          registrations = {"registrations", sizeof(struct service_registration),
                                           offsetof(struct service_registration, dn), registration_write},
                          trunks = {"trunks", sizeof(struct service_trunk),
                                    offsetof(struct service_trunk, name), trunk_write};

struct list {
    const void *v;
    size_t count;
};

static const void *item_at(const struct topic *t, const struct list *l, size_t i)
{
    return (const char *)l->v + i * t->size;
}

static const char *key_of(const struct topic *t, const void *item)
{
    return (const char *)item + t->key;
}

static void head_write(struct buf *out, const char *topic)
{
    buf_init(out, MESSAGE_MAX);
    buf_printf(out, "{\"topic\":\"%s\",\"at_ms\":%lld,", topic, (long long)clock_wall_ms());
}

static void message_send(struct app_push *p, uint64_t conn, struct buf *out)
{
    size_t len;
    char *text;

    if (out->err)
        log_warn_limited("push", "error=\"%s\" a message was not sent", strerror(out->err));
    text = buf_take(out, &len);
    buf_reset(out);
    if (web_push_send(p->web, conn, text, len))
        p->missed = true;
}

static void item_write(struct buf *out, const struct topic *t, const void *item, bool *any)
{
    buf_puts(out, *any ? ",{" : "{");
    t->write(out, item);
    buf_puts(out, "}");
    *any = true;
}

/* All of it, in pieces. */
static void list_send(struct app_push *p, uint64_t conn, const struct topic *t, const struct list *l)
{
    for (size_t begin = 0; !begin || begin < l->count; begin += PIECE) {
        bool any = false;
        struct buf out;

        head_write(&out, t->name);
        buf_puts(&out, begin ? "\"set\":[" : "\"data\":{\"items\":[");
        for (size_t i = begin; i < l->count && i < begin + PIECE; i++)
            item_write(&out, t, item_at(t, l, i), &any);
        buf_puts(&out, begin ? "]}" : "]}}");
        message_send(p, conn, &out);
    }
}

struct change {
    struct buf set, gone;
    bool any_set, any_gone;
};

static void gone_write(struct change *ch, const char *key)
{
    buf_puts(&ch->gone, ch->any_gone ? "," : "");
    buf_json_str(&ch->gone, key);
    ch->any_gone = true;
}

/* Both lists are in the order of their keys. */
static void compare(struct change *ch, const struct topic *t, const struct list *was, const struct list *now)
{
    size_t i = 0, k = 0;

    while (i < was->count || k < now->count) {
        const void *a = i < was->count ? item_at(t, was, i) : NULL,
                   *b = k < now->count ? item_at(t, now, k) : NULL;
        const int order = !a ? 1 : !b ? -1 : strcmp(key_of(t, a), key_of(t, b));

        if (order < 0)
            gone_write(ch, key_of(t, a));
        else if (order > 0 || memcmp(a, b, t->size))
            item_write(&ch->set, t, b, &ch->any_set);
        i += order <= 0;
        k += order >= 0;
    }
}

static void change_send(struct app_push *p, const struct topic *t, const struct list *was,
                        const struct list *now)
{
    struct change ch = {.any_set = false};
    struct buf out;

    buf_init(&ch.set, MESSAGE_MAX);
    buf_init(&ch.gone, MESSAGE_MAX);
    compare(&ch, t, was, now);
    if (ch.any_set || ch.any_gone) {
        head_write(&out, t->name);
        buf_printf(&out, "\"set\":[%s],\"gone\":[", ch.any_set ? ch.set.data : "");
        buf_printf(&out, "%s]}", ch.any_gone ? ch.gone.data : "");
        out.err = out.err ? out.err : ch.set.err ? ch.set.err : ch.gone.err;
        if (out.err == EMSGSIZE) { /* so much has changed that all of it is no more */
            buf_reset(&out);
            list_send(p, 0, t, now);
        } else {
            message_send(p, 0, &out);
        }
    }
    buf_reset(&ch.set);
    buf_reset(&ch.gone);
}

static void status_send(struct app_push *p, uint64_t conn, const struct service_picture *now)
{
    struct service_status st;
    struct buf out;

    service_status_of(p->sv, now, &st);
    head_write(&out, "status");
    buf_puts(&out, "\"data\":{");
    livejson_status(&out, p->sv, &st, false);
    buf_puts(&out, "}}");
    message_send(p, conn, &out);
}

/* --- pictures --- */

static struct list calls_of(const struct service_picture *p)
{
    return (struct list){p->calls.v, p->calls.count};
}

static struct list registrations_of(const struct service_picture *p)
{
    return (struct list){p->registrations.v, p->registrations.count};
}

static struct list trunks_of(const struct service_picture *p)
{
    return (struct list){p->trunks.v, p->trunks.count};
}

static int by_id(const void *a, const void *b)
{
    return strcmp(((const struct call_info *)a)->id, ((const struct call_info *)b)->id);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct service_trunk *)a)->name, ((const struct service_trunk *)b)->name);
}

/* Quality changes every second, and nobody reads so fast. */
static void quality_keep(struct service_calls *now, const struct service_calls *was)
{
    for (size_t i = 0; i < now->count && was->count; i++) {
        struct call_info *ci = &now->v[i];
        const struct call_info *before = bsearch(ci, was->v, was->count, sizeof(*ci), by_id);

        if (!before || before->to_trunk.known != ci->to_trunk.known ||
            before->to_browser.known != ci->to_browser.known || before->browser.known != ci->browser.known)
            continue;
        ci->to_trunk = before->to_trunk;
        ci->to_browser = before->to_browser;
        ci->browser = before->browser;
        ci->rtt_ms = before->rtt_ms;
        ci->browser_rtt_ms = before->browser_rtt_ms;
    }
}

/* The registrations of before, with the states of now. */
static int registrations_keep(struct service_picture *now, const struct service_picture *was)
{
    const size_t n = was->registrations.count;

    now->registrations.v = malloc((n + 1) * sizeof(*now->registrations.v));
    if (!now->registrations.v)
        return ENOMEM;
    if (n)
        memcpy(now->registrations.v, was->registrations.v, n * sizeof(*now->registrations.v));
    now->registrations.count = n;
    service_picture_states(now);
    return 0;
}

/* Asks signalling once. The list of registrations only when it has changed, and a long one now and then. */
static int picture_take(struct app_push *p, struct service_picture *now)
{
    const struct service_counts *was = &p->last.counts;
    const uint64_t now_ms = clock_ms();
    int err = service_picture(p->sv, SERVICE_CALLS | SERVICE_TRUNKS, now);

    if (err)
        return err;
    if (!p->known || (now->counts.registration_changes != was->registration_changes &&
                      (now->counts.registrations < MANY || now_ms - p->listed_ms >= MANY_MS))) {
        service_picture_free(now);
        err = service_picture(p->sv, SERVICE_CALLS | SERVICE_TRUNKS | SERVICE_REGISTRATIONS, now);
        p->listed_ms = now_ms;
    } else {
        now->counts.registration_changes = was->registration_changes; /* of those that are listed */
        err = registrations_keep(now, &p->last);
        if (err)
            service_picture_free(now);
    }
    if (err)
        return err;
    p->looked_ms = now_ms;
    if (now->calls.count)
        qsort(now->calls.v, now->calls.count, sizeof(*now->calls.v), by_id);
    if (now->trunks.count)
        qsort(now->trunks.v, now->trunks.count, sizeof(*now->trunks.v), by_name);
    return 0;
}

static void all_send(struct app_push *p, uint64_t conn, const struct service_picture *now)
{
    const struct list is[] = {calls_of(now), registrations_of(now), trunks_of(now)};

    list_send(p, conn, &calls, &is[0]);
    list_send(p, conn, &registrations, &is[1]);
    list_send(p, conn, &trunks, &is[2]);
}

static void changes_send(struct app_push *p, const struct service_picture *now)
{
    const struct list was[] = {calls_of(&p->last), registrations_of(&p->last), trunks_of(&p->last)};
    const struct list is[] = {calls_of(now), registrations_of(now), trunks_of(now)};

    change_send(p, &calls, &was[0], &is[0]);
    change_send(p, &registrations, &was[1], &is[1]);
    change_send(p, &trunks, &was[2], &is[2]);
}

/* Those who listened before are told what has changed. */
static void look(struct app_push *p)
{
    struct service_picture now;
    int err = ETIMEDOUT;

    if (clock_ms() >= p->stuck_ms)
        err = picture_take(p, &now);
    status_send(p, 0, err ? NULL : &now);
    if (err) {
        if (clock_ms() >= p->stuck_ms)
            p->stuck_ms = clock_ms() + STUCK_MS;
        return;
    }
    if (p->known && ++p->ticks % QUALITY_TICKS)
        quality_keep(&now.calls, &p->last.calls);
    if (p->missed) {
        p->missed = false; /* unless this is missed, too */
        all_send(p, 0, &now);
    } else if (p->known) {
        changes_send(p, &now);
    }
    service_picture_free(&p->last);
    p->last = now;
    p->known = true;
}

static void forget(struct app_push *p)
{
    if (!p->known)
        return;
    service_picture_free(&p->last);
    p->known = false;
}

/* --- who listens --- */

/* 0, ENOENT: it is over; others: nobody knows. A reader that has failed may be one of a database that is no more: once more. */
static int session_look(struct app_push *p, const struct listener *l)
{
    struct session s;
    int err = EIO;

    for (int tries = 0; tries < 2 && err && err != ENOENT; tries++) {
        err = p->reader ? 0 : store_reader_alloc(&p->reader, p->sv->store);
        if (!err)
            err = service_session_find(p->sv, p->reader, l->token, &s);
        if (err && err != ENOENT && p->reader) {
            store_reader_free(p->reader);
            p->reader = NULL;
        }
    }
    return err;
}

static void listener_del(struct app_push *p, uint64_t conn)
{
    for (size_t i = 0; i < p->count; i++) {
        if (p->listeners[i].conn != conn)
            continue;
        p->listeners[i] = p->listeners[--p->count];
        explicit_bzero(&p->listeners[p->count], sizeof(p->listeners[p->count]));
        return;
    }
}

static void snapshot_send(struct app_push *p, uint64_t conn)
{
    if (!p->known || clock_ms() - p->looked_ms > FRESH_MS)
        look(p);
    status_send(p, conn, p->known ? &p->last : NULL);
    if (!p->known)
        return; /* signalling does not answer: when it does, all of it is new */
    all_send(p, conn, &p->last);
}

static void opened(struct app_push *p, const struct web_push_event *ev)
{
    struct listener l = {.conn = ev->conn, .checked_ms = clock_ms()};

    memcpy(l.token, ev->cookie, sizeof(l.token));
    if (p->count == PUSH_CONNS_MAX || !l.token[0] || session_look(p, &l)) {
        web_push_close(p->web, ev->conn, CLOSE_SESSION_OVER, "not signed in");
    } else {
        /* The snapshot comes before what is sent to all. */
        snapshot_send(p, ev->conn);
        web_push_welcome(p->web, ev->conn);
        p->listeners[p->count++] = l;
    }
    explicit_bzero(&l, sizeof(l));
}

static void event_h(const struct web_push_event *ev, void *arg)
{
    struct app_push *p = arg;

    if (ev->type == WEB_PUSH_OPENED)
        opened(p, ev);
    else
        listener_del(p, ev->conn);
}

static void sessions_check(struct app_push *p, uint64_t now_ms)
{
    for (size_t i = p->count; i-- > 0;) {
        struct listener *l = &p->listeners[i];

        if (now_ms - l->checked_ms < CHECK_MS)
            continue;
        l->checked_ms = now_ms;
        if (session_look(p, l) != ENOENT)
            continue;
        web_push_close(p->web, l->conn, CLOSE_SESSION_OVER, "the session is over");
        listener_del(p, l->conn);
    }
}

void app_push_tick(struct app_push *p)
{
    sessions_check(p, clock_ms());
    if (p->count)
        look(p);
    else
        forget(p);
}

int app_push_fd(const struct app_push *p)
{
    return web_push_fd(p->web);
}

void app_push_serve(struct app_push *p)
{
    web_push_drain(p->web, event_h, p);
}

struct web_push *app_push_web(const struct app_push *p)
{
    return p->web;
}

int app_push_alloc(struct app_push **pp, struct service *sv)
{
    static const struct web_push_config cfg = {"/api/admin/v1/events", "dngate-events", "__Host-dngate"};
    struct app_push *p = calloc(1, sizeof(*p));
    int err;

    if (!p)
        return ENOMEM;
    p->sv = sv;
    err = web_push_alloc(&p->web, &cfg);
    if (err)
        free(p);
    else
        *pp = p;
    return err;
}

void app_push_free(struct app_push *p)
{
    if (!p)
        return;
    forget(p);
    store_reader_free(p->reader);
    web_push_free(p->web);
    explicit_bzero(p, sizeof(*p));
    free(p);
}

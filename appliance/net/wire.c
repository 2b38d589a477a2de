/*
 * net/wire: see wire.h.
 *
 * A ring has one writer and one reader: bytes between tail and head are records, each in one piece. A record that would not fit before
 * the end of the memory begins at its start again, and what it left is a record of its own, without a datagram.
 */
#include "net/wire.h"

#include "core/metric.h"
#include "core/snapshot.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

METRIC_COUNTER(dropped, "dngate_wire_dropped_total", NULL,
               "Datagrams between threads that were dropped because the reader did not keep up");

enum { PORTS = UINT16_MAX + 1, ALIGN = 8, LINE = 64 };

struct record {
    uint32_t size; /* with this head, a multiple of ALIGN */
    uint16_t n;
    uint16_t filler; /* 1: no datagram */
    struct addr src, dst;
};

struct ring {
    _Alignas(LINE) _Atomic size_t head; /* counted up for ever; the writer's */
    _Alignas(LINE) _Atomic size_t tail; /* the reader's: what is before it may be overwritten */
    size_t read;                        /* the reader has handed out up to here */
    _Alignas(LINE) uint8_t data[WIRE_RING_SIZE];
};

struct places { /* where an end's ports are */
    struct addr v[WIRE_ADDRS_MAX];
    size_t count;
};

struct wire_end {
    struct wire *wire;
    unsigned index;
    SNAPSHOT(places, struct places);
    int fd;
    atomic_bool asleep;
    _Atomic(struct ring *) in[WIRE_ENDS_MAX]; /* by sender; made by him */
};

struct wire {
    _Atomic uint8_t owner[PORTS]; /* index of an end + 1; 0 = nobody in here */
    struct wire_end *ends[WIRE_ENDS_MAX];
    _Atomic unsigned count;
    SNAPSHOT(behind[PORTS], struct wire_behind); /* memory of ports that nobody stands for is never touched */
};

_Static_assert(WIRE_ENDS_MAX < UINT8_MAX, "an owner fits into a byte");
_Static_assert(WIRE_RING_SIZE % ALIGN == 0 && sizeof(struct record) % ALIGN == 0, "records stay aligned");

/* ---- ends and ports ---- */

int wire_alloc(struct wire **wp)
{
    struct wire *w = calloc(1, sizeof(*w));

    if (!w)
        return ENOMEM;
    *wp = w;
    return 0;
}

void wire_free(struct wire *w)
{
    if (!w)
        return;
    for (unsigned i = 0; i < w->count; i++) {
        struct wire_end *e = w->ends[i];

        for (unsigned from = 0; from < WIRE_ENDS_MAX; from++)
            free(e->in[from]);
        close(e->fd);
        free(e);
    }
    free(w);
}

void wire_move(struct wire_end *e, const struct addr *addrs, size_t count)
{
    struct places p = {0};

    for (; p.count < count && p.count < WIRE_ADDRS_MAX; p.count++)
        p.v[p.count] = addrs[p.count];
    snapshot_store(e->places, &p, sizeof(p));
}

int wire_open(struct wire_end **ep, struct wire *w, const struct addr *addrs, size_t count)
{
    unsigned index = atomic_load(&w->count);
    struct wire_end *e;

    if (index == WIRE_ENDS_MAX || count > WIRE_ADDRS_MAX)
        return ENOSPC;
    e = calloc(1, sizeof(*e));
    if (!e)
        return ENOMEM;
    e->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (e->fd < 0) {
        free(e);
        return EMFILE;
    }
    e->wire = w;
    e->index = index;
    wire_move(e, addrs, count);
    w->ends[index] = e;
    atomic_store(&w->count, index + 1);
    *ep = e;
    return 0;
}

void wire_close(struct wire_end *e)
{
    for (unsigned port = 0; e && port < PORTS; port++)
        wire_release(e, (uint16_t)port);
}

int wire_claim(struct wire_end *e, uint16_t port)
{
    uint8_t nobody = 0;

    return atomic_compare_exchange_strong(&e->wire->owner[port], &nobody, (uint8_t)(e->index + 1))
               ? 0
               : EADDRINUSE;
}

void wire_release(struct wire_end *e, uint16_t port)
{
    uint8_t we = (uint8_t)(e->index + 1);

    if (atomic_load(&e->wire->owner[port]) != we)
        return;
    if (e->wire->behind[port][0]) /* it has been stored */
        wire_stands_for(e, port, &(struct wire_behind){.transport = WIRE_NOBODY});
    (void)atomic_compare_exchange_strong(&e->wire->owner[port], &we, 0);
}

static struct wire_end *owner_of(struct wire *w, const struct addr *dst)
{
    unsigned owner = atomic_load_explicit(&w->owner[addr_port(dst)], memory_order_acquire);
    struct wire_end *e = owner ? w->ends[owner - 1] : NULL;
    struct places at;

    if (!e)
        return NULL;
    snapshot_load(e->places, &at, sizeof(at));
    for (size_t i = 0; i < at.count; i++)
        if (addr_eq_ip(&at.v[i], dst))
            return e;
    return NULL;
}

void wire_stands_for(struct wire_end *e, uint16_t port, const struct wire_behind *who)
{
    snapshot_store(e->wire->behind[port], who, sizeof(*who));
}

bool wire_behind(const struct wire_end *e, const struct addr *a, struct wire_behind *who)
{
    if (!owner_of(e->wire, a))
        return false;
    snapshot_load(e->wire->behind[addr_port(a)], who, sizeof(*who));
    return true;
}

/* ---- sending ---- */

static struct ring *ring_to(const struct wire_end *from, struct wire_end *to)
{
    struct ring *r = atomic_load_explicit(&to->in[from->index], memory_order_relaxed);

    if (r)
        return r;
    r = aligned_alloc(LINE, sizeof(*r));
    if (!r)
        return NULL;
    r->head = r->tail = r->read = 0;
    atomic_store(&to->in[from->index], r);
    return r;
}

static struct record *record_at(struct ring *r, size_t at)
{
    return (struct record *)(void *)(r->data + at % WIRE_RING_SIZE);
}

/* Room for a record of size bytes; NULL: there is none. *head is where it is, past what had to be left. */
static struct record *room(struct ring *r, size_t size, size_t *head)
{
    size_t left = WIRE_RING_SIZE - *head % WIRE_RING_SIZE, filler = left < size ? left : 0;
    size_t used = *head - atomic_load_explicit(&r->tail, memory_order_acquire);
    struct record *rec;

    if (used + filler + size > WIRE_RING_SIZE)
        return NULL;
    if (filler) {
        rec = record_at(r, *head); /* ALIGN bytes at least: those fields are all of it that is looked at */
        rec->size = (uint32_t)filler;
        rec->n = 0;
        rec->filler = 1;
        *head += filler;
    }
    return record_at(r, *head);
}

static void wake(struct wire_end *e)
{
    uint64_t one = 1;

    /* Fails only when the counter is at its end, and then the fd is readable anyway. */
    if (atomic_load(&e->asleep) && atomic_exchange(&e->asleep, false))
        (void)!write(e->fd, &one, sizeof(one));
}

bool wire_send(struct wire_end *e, const struct addr *src, const struct addr *dst, const uint8_t *p, size_t n)
{
    struct wire_end *to = owner_of(e->wire, dst);
    struct ring *r = to && n <= WIRE_PACKET_MAX ? ring_to(e, to) : NULL;
    size_t size = (sizeof(struct record) + n + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    size_t head = r ? atomic_load_explicit(&r->head, memory_order_relaxed) : 0;
    struct record *rec = r ? room(r, size, &head) : NULL;

    if (!to)
        return false;
    if (!rec) {
        metric_add(&dropped, 1);
        return true;
    }
    *rec = (struct record){.size = (uint32_t)size, .n = (uint16_t)n, .src = *src, .dst = *dst};
    memcpy(rec + 1, p, n);
    atomic_store(&r->head, head + size); /* before asleep is looked at: see wire_sleep() */
    wake(to);
    return true;
}

/* ---- reading ---- */

static size_t ring_read(struct ring *r, struct wire_packet *v, size_t max)
{
    size_t head = atomic_load_explicit(&r->head, memory_order_acquire), n = 0;

    while (n < max && r->read != head) {
        struct record *rec = record_at(r, r->read);

        r->read += rec->size;
        if (!rec->filler)
            v[n++] = (struct wire_packet){(uint8_t *)(rec + 1), rec->n, rec->src, rec->dst};
    }
    return n;
}

size_t wire_read(struct wire_end *e, struct wire_packet *v, size_t max)
{
    unsigned count = atomic_load_explicit(&e->wire->count, memory_order_relaxed);
    size_t n = 0;

    for (unsigned i = 0; i < count; i++) {
        struct ring *r = atomic_load_explicit(&e->in[i], memory_order_acquire);

        if (!r)
            continue;
        if (atomic_load_explicit(&r->tail, memory_order_relaxed) != r->read)
            atomic_store_explicit(&r->tail, r->read, memory_order_release); /* done with the last ones */
        n += ring_read(r, v + n, max - n);
    }
    return n;
}

bool wire_sleep(struct wire_end *e)
{
    unsigned count = atomic_load(&e->wire->count);

    /* A sender moves head and then looks at asleep; here it is the other way round, so that one of both sees the other. */
    atomic_store(&e->asleep, true);
    for (unsigned i = 0; i < count; i++) {
        struct ring *r = atomic_load(&e->in[i]);

        if (r && atomic_load(&r->head) != r->read) {
            atomic_store(&e->asleep, false);
            return false;
        }
    }
    return true;
}

int wire_fd(const struct wire_end *e)
{
    return e->fd;
}

void wire_woken(struct wire_end *e)
{
    uint64_t count;

    (void)!read(e->fd, &count, sizeof(count));
}

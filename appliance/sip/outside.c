#include "sip/outside.h"

#include "core/rnd.h"

#include <string.h>

enum { TRIES = 4, ID_LEN = 4 /* zeros: no call's */ };

uint32_t outside_wait_ms = 500;

void outside_init(struct outside *o, const struct sip_outside *way, outside_h *h, void *arg)
{
    *o = (struct outside){.way = way, .h = h, .arg = arg};
    tmr_init(&o->tmr);
}

void outside_stop(struct outside *o)
{
    tmr_cancel(&o->tmr);
    o->tries = 0;
}

static void source_note(struct outside *o)
{
    if (addr_source_for(&o->from, &o->server))
        memset(&o->from, 0, sizeof(o->from));
}

/* Sends it once more; the answers to all of them are the same. A datagram that could not be sent is one that was lost. */
static void try_h(void *arg)
{
    struct outside *o = arg;

    if (o->tries == TRIES) {
        o->tries = 0;
        o->h(NULL, o->arg);
        return;
    }
    if (o->way->askh)
        (void)o->way->askh(&o->server, o->tid, o->way->arg);
    tmr_start(&o->tmr, (uint64_t)outside_wait_ms << o->tries++, try_h, o);
}

void outside_ask(struct outside *o, const struct addr *server)
{
    if (o->tries)
        return;
    o->server = *server;
    source_note(o);
    memset(o->tid, 0, ID_LEN);
    rnd_bytes(o->tid + ID_LEN, sizeof(o->tid) - ID_LEN);
    try_h(o);
}

bool outside_moved(const struct outside *o)
{
    struct outside now = *o;

    if (!addr_isset(&o->server, true))
        return false;
    source_note(&now);
    return addr_isset(&now.from, false) && !addr_eq_ip(&now.from, &o->from);
}

bool outside_answer(struct outside *o, const struct stun_seen *seen)
{
    if (!o->tries || memcmp(o->tid, seen->tid, sizeof(o->tid)) || !addr_eq(&o->server, &seen->server))
        return false;
    outside_stop(o);
    o->h(seen, o->arg);
    return true;
}

/*
 * libre's timers (re_tmr.h), replaced at link time: its own run on the wall clock, so that a clock set back by an hour would stop
 * every retransmission, ring timer and ping for that hour. These run on the monotonic clock; otherwise the same: one list per thread,
 * sorted by expiry, equal ones in the order they were started. Owner: the thread that starts a timer.
 */
#include "core/clock.h"

#include <re.h>

#include <string.h>

struct list *tmrl_get(void); /* libre's list of this thread, which its headers do not declare */

uint64_t tmr_jiffies_usec(void)
{
    return clock_us();
}

uint64_t tmr_jiffies(void)
{
    return clock_ms();
}

void tmr_init(struct tmr *tmr)
{
    if (tmr)
        memset(tmr, 0, sizeof(*tmr));
}

/* Behind the last one that is due no later; most timers are long ones, so the search starts at the end. */
static void insert(struct list *l, struct tmr *tmr)
{
    struct le *le = l->tail;

    while (le && ((const struct tmr *)le->data)->jfs > tmr->jfs)
        le = le->prev;
    if (le)
        list_insert_after(l, le, &tmr->le, tmr);
    else
        list_prepend(l, &tmr->le, tmr);
}

void tmr_start(struct tmr *tmr, uint64_t delay, tmr_h *th, void *arg)
{
    if (!tmr)
        return;
    if (tmr->th)
        list_unlink(&tmr->le);
    tmr->th = th;
    tmr->arg = arg;
    if (!th)
        return;
    tmr->jfs = clock_ms() + delay;
    insert(tmrl_get(), tmr);
}

void tmr_cancel(struct tmr *tmr)
{
    tmr_start(tmr, 0, NULL, NULL);
}

uint64_t tmr_get_expire(const struct tmr *tmr)
{
    uint64_t now = clock_ms();

    return tmr && tmr->th && tmr->jfs > now ? tmr->jfs - now : 0;
}

void tmr_poll(struct list *tmrl)
{
    const uint64_t now = clock_ms();
    struct tmr *tmr;

    while ((tmr = list_ledata(tmrl->head)) && tmr->jfs <= now) {
        tmr_h *th = tmr->th;
        void *arg = tmr->arg;

        tmr->th = NULL; /* before the call: the handler may start it anew, or free it */
        list_unlink(&tmr->le);
        if (th)
            th(arg);
    }
}

/* 0 = none, as fd_poll() wants it; so one that is due already says 1. */
uint64_t tmr_next_timeout(struct list *tmrl)
{
    const struct tmr *tmr = list_ledata(tmrl->head);
    uint64_t now = clock_ms();

    if (!tmr)
        return 0;
    return tmr->jfs > now ? tmr->jfs - now : 1;
}

int tmr_status(struct re_printf *pf, void *unused)
{
    const struct list *l = tmrl_get();
    int err = 0;

    (void)unused;
    for (struct le *le = l->head; le; le = le->next)
        err |= re_hprintf(pf, "  %p: expire=%llums\n", le->data, tmr_get_expire(le->data));
    return err;
}

void tmr_debug(void)
{
    (void)re_fprintf(stderr, "%H", tmr_status, NULL);
}

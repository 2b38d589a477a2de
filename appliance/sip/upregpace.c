#include "sip/upregpace.h"

enum { ONE = 1000000, BURST_MS = 20 };

/* What one may have saved up: of BURST_MS, so that a timer of milliseconds keeps up with high rates. */
static uint64_t most(const struct upregpace *p)
{
    const uint64_t saved = (uint64_t)p->rate * BURST_MS * (ONE / 1000);

    return saved > ONE ? saved : ONE;
}

static uint64_t credit(const struct upregpace *p, uint64_t now_us)
{
    const uint64_t since = now_us > p->last_us ? now_us - p->last_us : 0;
    const uint64_t now = p->credit + (since > ONE ? ONE : since) * p->rate;

    return now < most(p) ? now : most(p);
}

void upregpace_init(struct upregpace *p, uint32_t rate, uint64_t now_us)
{
    for (int i = 0; i < UPREG_LINES; i++)
        list_init(&p->line[i]);
    p->rate = rate ? rate : 1;
    p->last_us = now_us;
    p->credit = ONE;
}

void upregpace_put(struct upregpace *p, struct le *le, void *data, enum upregpace_line line, bool first)
{
    for (int i = 0; le->list && i < (int)line; i++)
        if (le->list == &p->line[i])
            return;
    if (le->list == &p->line[line] && !first)
        return;
    upregpace_remove(le);
    if (first)
        list_prepend(&p->line[line], le, data);
    else
        list_append(&p->line[line], le, data);
}

void upregpace_remove(struct le *le)
{
    if (le->list)
        list_unlink(le);
}

bool upregpace_waiting(const struct upregpace *p)
{
    for (int i = 0; i < UPREG_LINES; i++)
        if (p->line[i].head)
            return true;
    return false;
}

void *upregpace_take(struct upregpace *p, uint64_t now_us)
{
    const uint64_t has = credit(p, now_us);

    for (int i = 0; i < UPREG_LINES && has >= ONE; i++) {
        struct le *le = p->line[i].head;

        if (!le)
            continue;
        p->last_us = now_us;
        p->credit = has - ONE;
        list_unlink(le);
        return le->data;
    }
    return NULL;
}

uint32_t upregpace_wait_ms(const struct upregpace *p, uint64_t now_us)
{
    const uint64_t has = credit(p, now_us);

    return has >= ONE ? 1 : (uint32_t)((ONE - has) / p->rate / 1000) + 1;
}

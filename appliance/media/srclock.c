/* media/srclock: see srclock.h. */
#include "media/srclock.h"

void srclock_set(struct srclock *s, const struct addr *rtp, const struct addr *sip)
{
    bool same = addr_isset(&s->signalled, true) && addr_eq(&s->signalled, rtp);

    s->sip = *sip;
    if (same)
        return;
    s->signalled = *rtp;
    s->locked = false;
    s->packets = 0;
}

static enum srclock_verdict latch(struct srclock *s, const struct addr *src)
{
    s->locked = true;
    s->source = *src;
    return SRCLOCK_LATCHED;
}

enum srclock_verdict srclock_rtp(struct srclock *s, const struct addr *src, uint32_t ssrc, uint16_t seq)
{
    bool next;

    if (s->locked)
        return addr_eq(src, &s->source) ? SRCLOCK_PASS : SRCLOCK_DROP;
    if (addr_eq(src, &s->signalled))
        return latch(s, src);
    if (!addr_eq_ip(src, &s->signalled) && !(addr_isset(&s->sip, false) && addr_eq_ip(src, &s->sip)))
        return SRCLOCK_DROP;
    next = s->packets && addr_eq(src, &s->candidate) && ssrc == s->ssrc && seq == (uint16_t)(s->seq + 1);
    s->packets = next ? s->packets + 1 : 1;
    s->candidate = *src;
    s->ssrc = ssrc;
    s->seq = seq;
    return s->packets >= SRCLOCK_PACKETS ? latch(s, src) : SRCLOCK_DROP;
}

bool srclock_rtcp(const struct srclock *s, const struct addr *src)
{
    return addr_eq_ip(src, s->locked ? &s->source : &s->signalled);
}

const struct addr *srclock_dest(const struct srclock *s)
{
    return s->locked ? &s->source : &s->signalled;
}

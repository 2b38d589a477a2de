/* media/srclock: see srclock.h. */
#include "media/srclock.h"

void srclock_set(struct srclock *s, const struct addr *rtp, const struct addr *sip)
{
    bool same = addr_isset(&s->signalled, true) && addr_eq(&s->signalled, rtp);

    s->sip = *sip;
    if (same)
        return;
    s->old = s->locked ? s->source : (struct addr){0};
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

/* How many packets in a row, of one SSRC, src has sent by now. */
static unsigned in_a_row(struct srclock *s, const struct addr *src, uint32_t ssrc, uint16_t seq)
{
    bool next = s->packets && addr_eq(src, &s->candidate) && ssrc == s->ssrc && seq == (uint16_t)(s->seq + 1);

    s->packets = next ? s->packets + 1 : 1;
    s->candidate = *src;
    s->ssrc = ssrc;
    s->seq = seq;
    return s->packets;
}

static bool is_near(const struct srclock *s, const struct addr *src)
{
    return addr_eq_ip(src, &s->signalled) || (addr_isset(&s->sip, false) && addr_eq_ip(src, &s->sip));
}

enum srclock_verdict srclock_rtp(struct srclock *s, const struct addr *src, uint32_t ssrc, uint16_t seq)
{
    bool signalled = addr_eq(src, &s->signalled);
    unsigned needed = !signalled && addr_eq(src, &s->old) ? SRCLOCK_OLD : SRCLOCK_PACKETS;

    if (s->locked && addr_eq(src, &s->source))
        return SRCLOCK_PASS;
    if (s->locked && !signalled)
        return SRCLOCK_DROP;
    if (!s->locked && signalled)
        return latch(s, src);
    if (!signalled && !is_near(s, src))
        return SRCLOCK_DROP;
    return in_a_row(s, src, ssrc, seq) >= needed ? latch(s, src) : SRCLOCK_DROP;
}

bool srclock_rtcp(const struct srclock *s, const struct addr *src)
{
    return addr_eq_ip(src, s->locked ? &s->source : &s->signalled);
}

const struct addr *srclock_dest(const struct srclock *s)
{
    return s->locked ? &s->source : &s->signalled;
}

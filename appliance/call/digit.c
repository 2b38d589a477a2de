#include "call/digit.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char keys[] = "0123456789*#ABCD!"; /* by event code */

static struct pl trimmed(const char *p, size_t n)
{
    struct pl pl = {p, n};

    while (pl.l && strchr(" \t", pl.p[0]))
        pl_advance(&pl, 1);
    while (pl.l && strchr(" \t", pl.p[pl.l - 1]))
        pl.l--;
    return pl;
}

static bool number(const struct pl *pl, size_t most)
{
    if (!pl->l || pl->l > most)
        return false;
    for (size_t i = 0; i < pl->l; i++)
        if (pl->p[i] < '0' || pl->p[i] > '9')
            return false;
    return true;
}

char digit_key(char c)
{
    const char *p;

    if (c >= 'a' && c <= 'd')
        c = (char)(c - 'a' + 'A');
    p = c ? strchr(keys, c) : NULL;
    return p ? *p : 0;
}

static char key_of(const struct pl *signal)
{
    if (signal->l == 2 && number(signal, 2) && pl_u32(signal) < sizeof(keys) - 1)
        return keys[pl_u32(signal)];
    if (signal->l != 1)
        return 0;
    return signal->p[0] == 'R' || signal->p[0] == 'r' ? DIGIT_FLASH : digit_key(signal->p[0]);
}

static unsigned ms_of(const struct pl *duration)
{
    uint32_t ms = number(duration, 9) ? pl_u32(duration) : 0;

    return ms ? MIN(MAX(ms, (uint32_t)DIGIT_MS_MIN), (uint32_t)DIGIT_MS_MAX) : DIGIT_MS_USUAL;
}

/* Lines `name=value`, ended by CR, LF or both; a line without `=` is a signal alone. The first of each name counts. */
static void lines_read(const struct pl *body, struct pl *signal, struct pl *duration)
{
    const char *p = body->p, *end = body->p + body->l;

    while (p < end) {
        size_t n = 0, eq;
        struct pl name, val;

        while (p + n < end && p[n] != '\r' && p[n] != '\n')
            n++;
        for (eq = 0; eq < n && p[eq] != '='; eq++)
            ;
        name = trimmed(p, eq);
        val = eq < n ? trimmed(p + eq + 1, n - eq - 1) : name;
        if (!signal->l && (eq == n || !pl_strcasecmp(&name, "Signal")))
            *signal = val;
        else if (!duration->l && !pl_strcasecmp(&name, "Duration"))
            *duration = val;
        p += n + 1;
    }
}

static bool encoded(const struct sip_msg *msg)
{
    const struct sip_hdr *hdr = sip_msg_hdr(msg, SIP_HDR_CONTENT_ENCODING);

    return hdr && pl_strcasecmp(&hdr->val, "identity");
}

int digit_read(struct digit *d, const struct sip_msg *msg)
{
    const struct pl body = {(const char *)mbuf_buf(msg->mb), mbuf_get_left(msg->mb)};
    struct pl signal = PL_INIT, duration = PL_INIT;

    if (encoded(msg) || (!msg_ctype_cmp(&msg->ctyp, "application", "dtmf") &&
                         !msg_ctype_cmp(&msg->ctyp, "application", "dtmf-relay")))
        return EMEDIUMTYPE;
    if (body.l > DIGIT_BODY_MAX)
        return EBADMSG;
    lines_read(&body, &signal, &duration);
    d->key = key_of(&signal);
    d->ms = ms_of(&duration);
    return d->key ? 0 : EBADMSG;
}

const char *digit_write(char buf[DIGIT_BODY_MAX], const struct digit *d)
{
    const char key[] = {d->key, '\0'};

    (void)snprintf(buf, DIGIT_BODY_MAX, "Signal=%s\r\nDuration=%u\r\n", d->key == DIGIT_FLASH ? "16" : key,
                   d->ms);
    return buf;
}

#include "sip/regmsg.h"

#include <errno.h>
#include <re.h>

/* A parameter of a Contact; quoted values keep their quotes and may hold anything. */
static bool contact_param(const struct pl *params, const char *name, struct pl *val)
{
    const char *p = params->p, *const end = params->l ? p + params->l : p;

    while (p < end) {
        struct pl key = {++p, 0}; /* behind the ';' */
        const char *eq = NULL;

        for (bool quoted = false; p < end && (quoted || *p != ';'); p++) {
            quoted ^= *p == '"';
            if (*p == '=' && !eq)
                eq = p;
        }
        key.l = (size_t)((eq ? eq : p) - key.p);
        if (!pl_strcasecmp(&key, name)) {
            *val = eq ? (struct pl){eq + 1, (size_t)(p - eq - 1)} : (struct pl){p, 0};
            return true;
        }
    }
    return false;
}

static bool seconds(const struct pl *pl, uint32_t *out)
{
    for (size_t i = 0; i < pl->l; i++)
        if (pl->p[i] < '0' || pl->p[i] > '9')
            return false;
    *out = pl->l > 9 ? UINT32_MAX : pl_u32(pl);
    return pl->l > 0;
}

/* pl as a string into buf, whole or not at all (pl_strcpy() cuts): 0, or EMSGSIZE. */
static int copy_whole(char *buf, size_t sz, const struct pl *pl)
{
    return pl->l < sz ? pl_strcpy(pl, buf, sz) : EMSGSIZE;
}

static int contact_decode(struct regmsg *w, const struct pl *hdr)
{
    struct sip_addr addr;
    struct pl val;

    w->present = true;
    if (!pl_strcmp(hdr, "*")) {
        w->all = true;
        return 0;
    }
    if (sip_addr_decode(&addr, hdr) || copy_whole(w->contact, sizeof(w->contact), &addr.auri))
        return EBADMSG;
    if (contact_param(&addr.params, "expires", &val) && !seconds(&val, &w->expires))
        return EBADMSG;
    if (contact_param(&addr.params, "+sip.instance", &val) && val.l < sizeof(w->instance))
        (void)pl_strcpy(&val, w->instance, sizeof(w->instance));
    if (contact_param(&addr.params, "reg-id", &val) && val.l < 11)
        w->reg_id = val;
    return 0;
}

int regmsg_decode(struct regmsg *w, const struct sip_msg *msg, uint32_t expires)
{
    const struct sip_hdr *contact = sip_msg_hdr(msg, SIP_HDR_CONTACT);
    int err;

    w->expires = expires;
    if (pl_isset(&msg->expires) && !seconds(&msg->expires, &w->expires))
        return EBADMSG;
    if (!contact)
        return 0;
    if (sip_msg_hdr_count(msg, SIP_HDR_CONTACT) > 1)
        return EBADMSG;
    err = contact_decode(w, &contact->val);
    return !err && w->all && w->expires ? EBADMSG : err;
}

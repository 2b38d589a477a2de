/*
 * sip/regmsg: what a REGISTER asks for (RFC 3261 10.2, RFC 5626 4.2). Private to sip/. Pure functions.
 */
#ifndef SIP_REGMSG_H
#define SIP_REGMSG_H

#include <re.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct regmsg {
    char dn[64];       /* "" when no DN can be called so; the caller's to fill in */
    char contact[256]; /* its URI, without <> and parameters */
    char instance[96]; /* +sip.instance with its quotes, or "" */
    struct pl reg_id;  /* inside msg */
    bool present, all; /* a Contact, "*" */
    uint32_t expires;  /* seconds; 0 = unregister */
};

/*
 * Reads Contact and Expires of msg; expires (seconds) holds when neither names any. Returns 0, or EBADMSG: more than one Contact (a DN
 * has one phone), one that cannot be read, or "*" without Expires: 0.
 */
int regmsg_decode(struct regmsg *w, const struct sip_msg *msg, uint32_t expires);

#endif

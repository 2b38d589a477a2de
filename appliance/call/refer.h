/*
 * call/refer: what REFER, its NOTIFYs and Replaces say (RFC 3515 2, 3420, 3891 6.1, 3892 3, 4488 4). Reads outside text into bounded
 * values; no state, no thread.
 */
#ifndef CALL_REFER_H
#define CALL_REFER_H

#include "core/buf.h"
#include <re.h>
#include <stdbool.h>

enum { REFER_URI_MAX = 512, REFER_HDRS_MAX = 1024, REPLACES_MAX = 512, REFER_PHRASE_MAX = 64 };

struct replaces { /* a dialog, as the one who is asked to let it go sees it */
    char callid[256], local_tag[128], remote_tag[128];
    bool early_only;
};

/* "CALL-ID;to-tag=…;from-tag=…": to-tag is the tag of who reads it. EBADMSG: a part is missing, twice there, or too long. */
int replaces_read(struct replaces *r, const struct pl *val);

struct refer {
    struct uri uri;             /* of Refer-To, inside the message */
    char target[REFER_URI_MAX]; /* the same without headers and method, to be asked for */
    bool attended;              /* it has a Replaces: */
    char replaces[REPLACES_MAX];
    char hdrs
        [REFER_HDRS_MAX]; /* lines for the INVITE: Replaces, X-Genesys-* and User-to-User of the URI, Referred-By, X-Genesys-* of the REFER */
    bool silent;          /* Refer-Sub: false: no NOTIFYs are wanted */
};

/*
 * EBADMSG: no Refer-To, several, none that can be read, or headers in it that hold line ends; EPROTONOSUPPORT: no SIP URI;
 * ENOTSUP: another method than INVITE; EMSGSIZE: too long.
 */
int refer_read(struct refer *r, const struct sip_msg *msg);

/* The status line in the body of a NOTIFY (message/sipfrag): its code, and its phrase as text. 0: there is none. */
unsigned refer_frag(char phrase[REFER_PHRASE_MAX], const struct sip_msg *msg);
/* Is it a NOTIFY of what became of a REFER? */
bool refer_is_notify(const struct sip_msg *msg);
/* And the last one of its subscription. */
bool refer_is_over(const struct sip_msg *msg);

#endif

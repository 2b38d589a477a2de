/*
 * call/cti: what a message of the trunk asks of an agent's phone: the event of a NOTIFY (RFC 6665; talk and hold as phones and Genesys
 * SIP Server use them), the keys that it presses, and who wants a call answered without a click (RFC 5373, Call-Info, Alert-Info). Reads
 * outside text; no state, no thread.
 */
#ifndef CALL_CTI_H
#define CALL_CTI_H

#include <re.h>
#include <stdbool.h>

enum { CTI_KEYS_MAX = 32, CTI_AFTER_MAX_S = 600 };

/* The package that Event names, without its parameters; empty: there is none. Subscription-State and other fields do not matter. */
struct pl cti_event(const struct sip_msg *msg);

struct cti_keys {
    char keys[CTI_KEYS_MAX + 1]; /* 0-9 * # A-D */
    unsigned ms;                 /* each */
};
/*
 * From a body as call/digit reads it, or of plain text with the keys alone, or without a body from Event's parameter `digits`, `digit` or
 * `signal`. EBADMSG: no keys, too many, or what no telephone-event can say.
 */
int cti_keys_read(struct cti_keys *k, const struct sip_msg *msg);

/*
 * Does this INVITE want to be answered by the phone itself? `Answer-Mode: Auto` or Priv-Answer-Mode, `answer-after=N` of Call-Info or
 * Alert-Info, `info=alert-autoanswer`, "Auto Answer" or "Ring Answer" in Alert-Info. after_s: how long it rings first.
 */
bool cti_answers(const struct sip_msg *msg, unsigned *after_s);

#endif

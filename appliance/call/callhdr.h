/* call/callhdr: the header fields that cross the gateway from one leg to the other, and the few texts made of them. */
#ifndef CALL_CALLHDR_H
#define CALL_CALLHDR_H

#include "core/buf.h"
#include <re.h>

enum { CALLHDR_FIELDS_MAX = 32 };

enum callhdr_way {
    CALLHDR_TO_TRUNK,
    CALLHDR_TO_AGENT,
    CALLHDR_TO_AGENT_WITHHELD /* in a call whose caller withholds who he is */
};

/*
 * Appends, as sent and in order, what crosses. To the agent: X-Genesys-*, User-to-User, Reason, Diversion, History-Info,
 * P-Asserted-Identity, Call-Info, Alert-Info; not what Privacy withholds. To the trunk: Reason, and what is in allowed: names, separated by commas or spaces, with
 * a * at the end for all that begin so (the setting sip.agent_headers), but nothing that SIP itself goes by or that says who calls:
 * an agent is believed in neither. msg NULL = nothing.
 */
int callhdr_pass(struct buf *out, const struct sip_msg *msg, enum callhdr_way way, const char *allowed);
/* Is this name one that an agent may send on? */
bool callhdr_allowed(const struct pl *name, const char *allowed);
/* `Reason: SIP;cause=…;text="…"`; text is cleaned. */
int callhdr_reason(struct buf *out, unsigned cause, const char *text);
/* The text= of a Reason header of msg, else "". */
void callhdr_reason_text(char *dst, size_t sz, const struct sip_msg *msg);
/* X-Genesys-CallUUID; leaves dst alone when there is none. */
void callhdr_call_uuid(char *dst, size_t sz, const struct sip_msg *msg);
/* Copies what may be shown, without quotes, backslashes and angle brackets, so that it can stand in a quoted string; cut between two
 * characters. */
void callhdr_clean(char *dst, size_t sz, const struct pl *src);

#endif

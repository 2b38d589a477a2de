/* call/callhdr: the header fields that cross the gateway from one leg to the other, and the few texts made of them. */
#ifndef CALL_CALLHDR_H
#define CALL_CALLHDR_H

#include "core/buf.h"
#include <re.h>

enum { CALLHDR_FIELDS_MAX = 32 };

enum callhdr_way { CALLHDR_TO_TRUNK, CALLHDR_TO_AGENT };

/*
 * Appends, as sent and in order: X-Genesys-*, User-to-User, Reason, Diversion, History-Info; to the agent also P-Asserted-Identity,
 * Call-Info, Alert-Info. (An agent's own P-Asserted-Identity is not believed: ours names the DN.) msg NULL = nothing.
 */
int callhdr_pass(struct buf *out, const struct sip_msg *msg, enum callhdr_way way);
/* `Reason: SIP;cause=…;text="…"`; text is cleaned. */
int callhdr_reason(struct buf *out, unsigned cause, const char *text);
/* The text= of a Reason header of msg, else "". */
void callhdr_reason_text(char *dst, size_t sz, const struct sip_msg *msg);
/* X-Genesys-CallUUID; leaves dst alone when there is none. */
void callhdr_call_uuid(char *dst, size_t sz, const struct sip_msg *msg);
/* Copies without control characters, quotes and backslashes, so that it can stand in a quoted string. */
void callhdr_clean(char *dst, size_t sz, const struct pl *src);

#endif

/* sip/remsg: what our decoder of messages can beyond libre's (re_sip.h). Private to sip/. Pure functions. */
#ifndef SIP_REMSG_H
#define SIP_REMSG_H

#include <re.h>

/* Of lists in one message: each costs us some 150 bytes, and its sender two. */
enum { REMSG_VALUES_MAX = 1024 };

/* As sip_msg_decode(), for a refusal alone: what cannot be read of URIs, From, To and Content-Type is left empty. */
int remsg_skim(struct sip_msg **msgp, struct mbuf *mb);
/* The value up to the comma that parts it from the next (RFC 3261 7.3.1), without blanks; what follows the comma stays in rest. */
struct pl remsg_value_next(struct pl *rest);
/*
 * Blanks what a request's topmost Via says of where it came from: received= and the value of rport are the receiver's to write
 * (RFC 3261 18.2.1, RFC 3581 4), and a second one in our reply would be believed first.
 */
void remsg_via_disown(struct sip_via *via);
/* As uri_decode(), and tel: (RFC 3966), whose number becomes the user; the host is empty then. "sip:@host" and "sip:user@" are no URIs. */
int remsg_uri(struct uri *uri, const struct pl *pl);

#endif

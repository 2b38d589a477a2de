/*
 * sip/body: which part of a message's body is for us: a session description, alone or somewhere in a multipart body (RFC 5621;
 * RFC 2046 5.1). Nothing is copied, at most BODY_PARTS_MAX parts are looked at. No state: callable anywhere.
 *
 *   multipart/mixed ── application/sdp         the first one with disposition "session" (RFC 3261 20.11)
 *        │         └── application/isup        handling=optional: passed over; required: 415
 *        └── multipart/alternative             the last part that we understand (RFC 2046 5.1.4)
 *
 * A part that does not say how it is to be handled is passed over; one that has a Content-Disposition without handling, and a whole
 * body of another type, must be understood (RFC 3261 20.11).
 */
#ifndef SIP_BODY_H
#define SIP_BODY_H

#include <re.h>

enum { BODY_PARTS_MAX = 32, BODY_DEPTH_MAX = 3 };

/* What goes with a 415 (RFC 3261 8.2.3, 21.4.13). */
#define BODY_ACCEPT                                                                                          \
    "Accept: application/sdp, multipart/mixed, multipart/alternative\r\nAccept-Encoding: identity\r\n"

struct body { /* a body or one part of it, with its headers' values; empty = absent */
    struct pl ctype, encoding, disposition, content;
};

/*
 * ENOENT: there is no session description, and nothing that we would have to understand. EMEDIUMTYPE: something must be understood
 * that is of another type or encoded: 415. EILSEQ: a multipart body that cannot be read: 400.
 */
int body_sdp(struct pl *sdp, const struct sip_msg *msg);
/* The same of a body by itself. */
int body_find_sdp(struct pl *sdp, const struct body *b);

#endif

/*
 * web/handoff: connections that are no business of WEB's. One whose first plain bytes are a STUN message, or that agreed on an
 * application protocol of STUN or TURN (RFC 7443), goes to the TURN server as a whole: descriptor, TLS session and those bytes; until it
 * is over it counts among its source's here, so that limits and bans hold for both together. WEB thread.
 *
 *   RFC 7983 tells STUN by its first byte, 0 to 3; an HTTP request begins with a letter. (ChannelData, 64 to 79, would be such a letter, but
 *   has nothing to say before there is an allocation.)
 */
#ifndef WEB_HANDOFF_H
#define WEB_HANDOFF_H

#include "web/server.h"

/* By the first plain byte: sets c->turn when it is to go, c->dead when its port knows only TURN and this is none (counted). */
void handoff_judge(struct conn *c, uint8_t first);
/* Keeps bytes that go with it. False: more than a client says before it is answered. */
bool handoff_gather(struct conn *c, const uint8_t *p, size_t n);
/* Gives it away, with another descriptor; fd is to be closed as ever, and leads nowhere. Counted when it is not wanted. */
void handoff_go(struct conn *c, int fd);
/* Those that are over no longer count. */
void handoff_returns(struct web *w);
int handoff_open(struct web *w);
/* When nobody posts any more. */
void handoff_close(struct web *w);

#endif

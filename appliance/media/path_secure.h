/* media/path_secure: towards the browser. See path.h. */
#ifndef MEDIA_PATH_SECURE_H
#define MEDIA_PATH_SECURE_H

#include "media/path_state.h"

int path_ice_alloc(struct path *p, bool controlling, const struct media_local *local);
void path_secure_set(struct path *p, uint64_t now_us);
void path_secure_tick(struct path *p, uint64_t now_us);
/* It rings no more: from now on the deadlines count. */
void path_secure_answered(struct path *p, uint64_t now_us);
void path_secure_close(struct path *p);
/* Nothing of ICE or DTLS is under way: consent and reports are all that time brings. */
bool path_secure_settled(const struct path *p);
bool path_browser_ready(const struct path *p);
/* Room for a packet to the browser (its payload goes RTP_HEADER bytes in), then the sending of it. NULL: there is no way now. */
uint8_t *path_browser_room(struct path *p);
void path_browser_send(struct path *p, uint8_t *room, const struct rtp_hdr *h, size_t len, uint64_t now_us);
void path_browser_send_rtcp(struct path *p, uint8_t *room, size_t n);

#endif

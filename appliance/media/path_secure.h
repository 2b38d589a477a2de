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

#endif

/* media/path_up: browser to trunk. See path.h. */
#ifndef MEDIA_PATH_UP_H
#define MEDIA_PATH_UP_H

#include "media/path_state.h"

int path_up_set(struct path *p);
void path_up_packet(struct path *p, const struct rtp_hdr *h, uint64_t now_us);
void path_up_tick(struct path *p, uint64_t now_us);
uint64_t path_up_due_us(const struct path *p);

#endif

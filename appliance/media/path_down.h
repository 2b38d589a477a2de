/* media/path_down: trunk to browser. See path.h. */
#ifndef MEDIA_PATH_DOWN_H
#define MEDIA_PATH_DOWN_H

#include "media/path_state.h"

int path_down_set(struct path *p);
void path_trunk_rtp(struct path *p, const struct udp_packet *pkt, uint64_t now_us);
void path_down_tick(struct path *p, uint64_t now_us);
uint64_t path_down_due_us(const struct path *p);

#endif

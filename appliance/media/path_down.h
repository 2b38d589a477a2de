/* media/path_down: trunk to browser. See path.h. */
#ifndef MEDIA_PATH_DOWN_H
#define MEDIA_PATH_DOWN_H

#include "media/path_state.h"

int path_down_set(struct path *p);
void path_trunk_rtp(struct path *p, const struct udp_packet *pkt, uint64_t now_us);
/* PATH_FRAME samples as the browser's payload at out; 0 when that fails. */
size_t path_down_encode(struct path *p, const int16_t *pcm, uint8_t *out);
void path_down_tick(struct path *p, uint64_t now_us);
uint64_t path_down_due_us(const struct path *p);

#endif

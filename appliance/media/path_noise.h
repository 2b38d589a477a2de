/* media/path_noise: comfort noise (RFC 3389), both ways. The trunk's is heard by the browser as noise of that level until audio comes again. Ours
 * is told to a trunk that lists it, when there is no audio for it: the browser sends none (DTX, a hold, a way that is lost). See path.h. */
#ifndef MEDIA_PATH_NOISE_H
#define MEDIA_PATH_NOISE_H

#include "media/path_state.h"

/* Whether the trunk takes it from now on. */
void path_noise_set(struct path *p);
/* A packet of the trunk's. */
void path_noise_packet(struct path *p, const struct rtp_hdr *h, uint64_t now_us);
void path_noise_tick(struct path *p, uint64_t now_us);
uint64_t path_noise_due_us(const struct path *p);

#endif

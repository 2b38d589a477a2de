/* media/path_dtmf: key presses. See path.h. */
#ifndef MEDIA_PATH_DTMF_H
#define MEDIA_PATH_DTMF_H

#include "media/path_state.h"

/* How digits go out from now on. */
void path_dtmf_set(struct path_out *out, enum media_dtmf_way way, const struct media_formats *f,
                   enum media_codec codec);
/* A telephone-event packet from one side, on a clock of that rate; its digit goes to the other. */
void path_dtmf_packet(struct path *p, bool from_browser, const struct rtp_hdr *h, uint32_t rate,
                      uint64_t now_us);
void path_dtmf_tick(struct path *p, uint64_t now_us);
uint64_t path_dtmf_due_us(const struct path *p);

#endif

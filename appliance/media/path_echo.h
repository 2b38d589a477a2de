/*
 * media/path_echo: a path without a trunk: what the browser sends comes back to it. The jitter buffer takes up what the way to us did to the
 * stream; what it hands out goes back as it is, without decoding, at an even pace and in a stream of our own (SSRC, sequence numbers without
 * gaps, timestamps): so that what the browser measures of it is what the way back does, and our RTCP says what the way to us did. See path.h.
 */
#ifndef MEDIA_PATH_ECHO_H
#define MEDIA_PATH_ECHO_H

#include "media/path_state.h"

void path_echo_packet(struct path *p, const struct rtp_hdr *h, uint64_t now_us);
void path_echo_tick(struct path *p, uint64_t now_us);
uint64_t path_echo_due_us(const struct path *p);

#endif

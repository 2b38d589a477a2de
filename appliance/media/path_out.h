/*
 * media/path_out: what leaves a path: packets for the trunk and the browser, events for signalling. All that a path is made of stands on it.
 * Packets are written where they wait for the end of the round, when all of them go to the kernel in one go. See path.h.
 */
#ifndef MEDIA_PATH_OUT_H
#define MEDIA_PATH_OUT_H

#include "media/path_state.h"

/* Tells signalling, now or, when its mailbox is full, as soon as there is room. */
void path_event(struct path *p, struct media_event *ev);
void path_events_retry(struct path *p);

/* Whether RTP may go there; room for a packet, or NULL: there is no way now; then the sending of it: len bytes of payload, written RTP_HEADER
 * bytes in. */
bool path_trunk_ready(const struct path *p);
uint8_t *path_trunk_room(struct path *p);
void path_trunk_send(struct path *p, uint8_t *room, const struct rtp_hdr *h, size_t len, uint64_t now_us);
/* n samples as the trunk's payload at out (RTP_PAYLOAD_MAX); 0 when that fails. */
size_t path_trunk_encode(struct path *p, const int16_t *pcm, size_t n, uint32_t rate, uint8_t *out);
/* Sends them as the next packet of our own, in room. */
void path_trunk_own(struct path *p, uint8_t *room, const int16_t *pcm, size_t n, uint32_t rate,
                    uint64_t now_us);

/* The same towards the browser. */
bool path_browser_ready(const struct path *p);
uint8_t *path_browser_room(struct path *p);
void path_browser_send(struct path *p, uint8_t *room, const struct rtp_hdr *h, size_t len, uint64_t now_us);
void path_browser_send_rtcp(struct path *p, uint8_t *room, size_t n);
/* 20 ms as the browser's payload at out; 0 when that fails. */
size_t path_browser_encode(struct path *p, const int16_t *pcm, uint32_t rate, uint8_t *out);
/* Sends it as the next packet of our own, in room; false: it could not be encoded. */
bool path_browser_own(struct path *p, uint8_t *room, const int16_t *pcm, uint32_t rate, uint64_t now_us);

/* Room for sound of that rate: ENOMEM. And another rate, with nothing in it. */
int path_pcm_room(struct path_pcm *pcm, uint32_t rate);
void path_pcm_rate(struct path_pcm *pcm, uint32_t rate);
/* Takes n samples off its front. */
void path_pcm_drop(struct path_pcm *pcm, size_t n);

#endif

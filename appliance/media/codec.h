/*
 * media/codec: Opus and G.711 to and from 8 kHz mono PCM, with concealment. Opus runs at an API rate of 8 kHz, so that there is
 * no resampler of ours. Owner: the media worker of the path; nothing is allocated after *_alloc.
 */
#ifndef MEDIA_CODEC_H
#define MEDIA_CODEC_H

#include "media/format.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct codec_dec;
struct codec_enc;

enum {
    CODEC_RATE = 8000,       /* PCM samples per second */
    CODEC_SAMPLES_MAX = 960, /* 120 ms, the longest Opus packet */
    CODEC_BITRATE = 28000    /* Opus towards the browser */
};

/* RTP clock rate of a codec: 48000 (RFC 7587) or 8000. */
uint32_t codec_clock_rate(enum media_codec c);
/* Length of a packet in PCM samples (8 kHz) and in RTP clock units; 0 when it is malformed or longer than 120 ms. */
size_t codec_packet_samples(enum media_codec c, const uint8_t *p, size_t n);
uint32_t codec_packet_ticks(enum media_codec c, const uint8_t *p, size_t n);

/* EINVAL, ENOMEM. One Opus decoder takes about 19 kB, one encoder about 44 kB. */
int codec_dec_alloc(struct codec_dec **dp, enum media_codec c);
void codec_dec_free(struct codec_dec *d);
void codec_dec_reset(struct codec_dec *d);
/* Decodes one packet into pcm (room for CODEC_SAMPLES_MAX). EBADMSG: malformed; conceal instead. */
int codec_dec_frame(struct codec_dec *d, const uint8_t *p, size_t n, int16_t *pcm, size_t *samples);
/* Makes up `samples` (a multiple of 20, at most CODEC_SAMPLES_MAX) for a lost packet. next, when not NULL, is the packet after it, whose in-band FEC
 * is used if it has one. Fades to silence when called again and again. */
void codec_dec_lost(struct codec_dec *d, const uint8_t *next, size_t next_len, int16_t *pcm, size_t samples);

/* Opus: 8 kHz, VoIP, VBR, no DTX, FEC off, complexity 5 until codec_enc_complexity(). */
int codec_enc_alloc(struct codec_enc **ep, enum media_codec c, int bitrate);
void codec_enc_free(struct codec_enc *e);
/* 10, 20, 40 or 60 ms of pcm into out (cap bytes). EINVAL: no such frame length; EMSGSIZE. */
int codec_enc_frame(struct codec_enc *e, const int16_t *pcm, size_t samples, uint8_t *out, size_t cap,
                    size_t *len);
/* 0..10; the worker lowers it under load. */
void codec_enc_complexity(struct codec_enc *e, int complexity);
/* Loss that the receiver reports, 0..100 %: from 1 % on Opus sends in-band FEC. */
void codec_enc_loss(struct codec_enc *e, int percent);

/* Whether pcm is quiet enough to leave out or repeat a piece unnoticed (below about -45 dBm0). */
bool codec_quiet(const int16_t *pcm, size_t samples);

#endif

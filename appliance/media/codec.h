/*
 * media/codec: Opus, G.722 and G.711 to and from mono PCM, with concealment. What has sound above 4 kHz is made at 16 kHz when the other
 * side can carry it, else at 8 kHz: Opus by its API rate, G.722 by leaving its higher band alone; so that there is no resampler of ours.
 * Owner: the media worker of the path; nothing is allocated after *_alloc.
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
    CODEC_RATE = 8000, /* PCM samples per second, … */
    CODEC_WIDE = 16000,
    CODEC_SAMPLES_MAX = 960, /* 120 ms, the longest Opus packet, at 8 kHz … */
    CODEC_WIDE_MAX = 1920,   /* … and at 16 kHz */
    CODEC_BITRATE = 28000,   /* Opus, of 8 kHz sound, … */
    CODEC_WIDE_BITRATE = 32000
};

/* RTP clock rate of a codec: 48000 (RFC 7587) or 8000; G.722's, too (RFC 3551 4.5.2). */
uint32_t codec_clock_rate(enum media_codec c);
/* The sampling rate of sound that goes from one to the other. */
uint32_t codec_pcm_rate(enum media_codec from, enum media_codec to);
/* Length of a packet in PCM samples (8 kHz) and in RTP clock units; 0 when it is malformed or longer than 120 ms. */
size_t codec_packet_samples(enum media_codec c, const uint8_t *p, size_t n);
uint32_t codec_packet_ticks(enum media_codec c, const uint8_t *p, size_t n);

/* EINVAL, ENOMEM. One Opus decoder takes about 19 kB, one encoder about 44 kB. They begin at 8 kHz. */
int codec_dec_alloc(struct codec_dec **dp, enum media_codec c);
void codec_dec_free(struct codec_dec *d);
void codec_dec_reset(struct codec_dec *d);
/* CODEC_RATE or CODEC_WIDE; G.711 stays at CODEC_RATE. Another rate than before begins Opus anew. */
void codec_dec_rate(struct codec_dec *d, uint32_t rate);
/* Decodes one packet into pcm (room for CODEC_WIDE_MAX, or at 8 kHz CODEC_SAMPLES_MAX). EBADMSG: malformed; conceal instead. */
int codec_dec_frame(struct codec_dec *d, const uint8_t *p, size_t n, int16_t *pcm, size_t *samples);
/* Makes up `samples` (a multiple of 2.5 ms, at most what fits) for a lost packet. next, when not NULL, is the packet after it, whose in-band FEC
 * is used if it has one. Fades to silence when called again and again. */
void codec_dec_lost(struct codec_dec *d, const uint8_t *next, size_t next_len, int16_t *pcm, size_t samples);

/* Opus: VoIP, VBR, no DTX, FEC off, complexity 5 until codec_enc_complexity(). bitrate: 0 = the usual one of its rate. */
int codec_enc_alloc(struct codec_enc **ep, enum media_codec c, int bitrate);
void codec_enc_free(struct codec_enc *e);
/* As codec_dec_rate(). */
void codec_enc_rate(struct codec_enc *e, uint32_t rate);
/* 10, 20, 40 or 60 ms of pcm into out (cap bytes); but for Opus, 30 and 50, too. EINVAL: no such frame length; EMSGSIZE. */
int codec_enc_frame(struct codec_enc *e, const int16_t *pcm, size_t samples, uint8_t *out, size_t cap,
                    size_t *len);
/* 0..10; the worker lowers it under load. */
void codec_enc_complexity(struct codec_enc *e, int complexity);
/* Loss that the receiver reports, 0..100 %: from 1 % on Opus sends in-band FEC. */
void codec_enc_loss(struct codec_enc *e, int percent);

/* Whether pcm is quiet enough to leave out or repeat a piece unnoticed (below about -45 dBm0). */
bool codec_quiet(const int16_t *pcm, size_t samples);

#endif

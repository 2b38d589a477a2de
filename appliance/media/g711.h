/* media/g711: ITU-T G.711 µ-law and A-law by tables. Pure; any thread (after g711_init, called by the first codec_*_alloc). */
#ifndef MEDIA_G711_H
#define MEDIA_G711_H

#include <stddef.h>
#include <stdint.h>

enum { G711_ULAW_SILENCE = 0xff, G711_ALAW_SILENCE = 0xd5 };

/* Fills the encoder's tables; may be called again; before threads or from each of them. */
void g711_init(void);
void g711_ulaw_enc(uint8_t *out, const int16_t *pcm, size_t n);
void g711_ulaw_dec(int16_t *pcm, const uint8_t *in, size_t n);
void g711_alaw_enc(uint8_t *out, const int16_t *pcm, size_t n);
void g711_alaw_dec(int16_t *pcm, const uint8_t *in, size_t n);

#endif

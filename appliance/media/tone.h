/* media/tone: cadenced tones as 8 kHz PCM, phase-continuous however the pieces are cut. Plain struct; owner: the media worker. */
#ifndef MEDIA_TONE_H
#define MEDIA_TONE_H

#include <stddef.h>
#include <stdint.h>

struct tone_spec {
    uint16_t hz[2];         /* second 0 = one frequency */
    uint16_t on_ms, off_ms; /* off 0 = continuous */
    double dbm0;            /* of the sum */
};

extern const struct tone_spec
    tone_dtmf[16];                       /* ITU-T Q.23, by RFC 4733 event code; -6 dBm0, each of the two -9 */
extern const struct tone_spec tone_beep; /* 1 kHz, 120 ms on, 80 ms off, -16 dBm0: an agent is on the line */
extern const struct tone_spec tone_away; /* a short soft beep each 5 s: please wait */
extern const struct tone_spec tone_ringback; /* ITU-T E.180: 425 Hz, 1 s on, 4 s off, -19 dBm0 */

struct tone {
    const struct tone_spec *spec;
    double amp;
    uint32_t phase[2], step[2]; /* of 2^32 */
    uint32_t pos;               /* samples into the cadence */
};

/* spec must outlive the tone. */
void tone_init(struct tone *t, const struct tone_spec *spec);
/* The next n samples. */
void tone_read(struct tone *t, int16_t *pcm, size_t n);

#endif

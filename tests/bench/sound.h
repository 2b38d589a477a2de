/*
 * bench/sound: the sound that goes through the calls, encoded once, and the marks in it that show its delay. Each second begins with
 * 200 ms of silence; the onset of the voice after it is found again in whatever comes out at the other side.
 */
#ifndef BENCH_SOUND_H
#define BENCH_SOUND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SOUND_FRAMES = 500, /* ten seconds, then again */
    SOUND_CYCLE = 50,   /* frames from onset to onset */
    SOUND_ONSET = 10,   /* the frame of each cycle that it begins with */
    SOUND_FRAME = 160,  /* samples */
    SOUND_OPUS_MAX = 400
};

struct sound {
    uint8_t pcmu[SOUND_FRAMES][SOUND_FRAME];
    uint8_t g722[SOUND_FRAMES][SOUND_FRAME];
    uint8_t opus[SOUND_FRAMES][SOUND_OPUS_MAX];
    uint16_t opus_len[SOUND_FRAMES];
    unsigned
        opus_onset; /* samples into the frame's decoded audio, where a decoder of our own finds the onset */
    double opus_kbps;
};

/* Encodes as a browser does: 48 kHz input, in the bandwidth of the maxplaybackrate that the peer asked for: 8000, 16000, else full band.
 * ENOMEM. */
int sound_make(struct sound *s, unsigned rate);

/* Finds onsets in a stream of 8 kHz PCM. */
struct onset {
    unsigned quiet; /* samples of silence so far */
};
/* The sample at which the voice begins, or -1. */
int onset_find(struct onset *o, const int16_t *pcm, size_t n);

#endif

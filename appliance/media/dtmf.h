/*
 * media/dtmf: telephone events (RFC 4733): one key press out of the many packets of an event, and the packets of one that we send;
 * for a side that takes no events, the two tones of ITU-T Q.23 instead.
 * Owner: the media worker of the path; plain structs, no allocation.
 */
#ifndef MEDIA_DTMF_H
#define MEDIA_DTMF_H

#include "media/rtp.h"
#include "media/tone.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    DTMF_QUEUE_MAX = 32,
    DTMF_PAYLOAD = 4,
    DTMF_GAP_MS = 60,
    DTMF_MIN_MS = 40,
    DTMF_MAX_MS = 6000,
    DTMF_TONE_MIN_MS =
        70, /* of a tone in the audio, and of the silence behind it: ITU-T Q.24 asks receivers for less */
};

/* '0'..'9' '*' '#' 'A'..'D' from an event code and back; 0 and -1 when there is none (flash and all others). */
char dtmf_digit(unsigned event);
int dtmf_event(char digit);

struct dtmf_rx {
    uint32_t rate;
    bool active, seen; /* active: the key is down */
    uint8_t event;
    uint32_t ssrc, ts; /* of the event being or last received */
    uint32_t duration; /* clock units */
    uint64_t last_us;
};

enum dtmf_what { DTMF_NOTHING, DTMF_DOWN, DTMF_UP };

void dtmf_rx_init(struct dtmf_rx *r, uint32_t clock_rate);
/* The clock of the packets that follow; one press keeps the clock it began with. */
void dtmf_rx_rate(struct dtmf_rx *r, uint32_t clock_rate);
/* Takes an event packet. DTMF_DOWN exactly once per press (also when only its end packets arrive), DTMF_UP at its end when that
 * comes after DTMF_DOWN was told. digit is set for both; *ms at UP. */
enum dtmf_what dtmf_rx_packet(struct dtmf_rx *r, const struct rtp_hdr *h, uint64_t now_us, char *digit,
                              unsigned *ms);
/* To be asked first. DTMF_UP when h begins another press while one is down, whose end was therefore lost; else DTMF_NOTHING. */
enum dtmf_what dtmf_rx_cut(struct dtmf_rx *r, const struct rtp_hdr *h, char *digit, unsigned *ms);
/* DTMF_UP when the end packets have been missing for 200 ms. Call every 20..100 ms. */
enum dtmf_what dtmf_rx_tick(struct dtmf_rx *r, uint64_t now_us, char *digit, unsigned *ms);

/* How long the key that is down, or was last, has been so far. */
unsigned dtmf_rx_ms(const struct dtmf_rx *r);

struct dtmf_tx {
    uint32_t rate, step; /* step: clock units per tick of 20 ms */
    char queue[DTMF_QUEUE_MAX];
    uint16_t ms[DTMF_QUEUE_MAX];
    unsigned head, count;
    enum { DTMF_IDLE, DTMF_TONE, DTMF_ENDING, DTMF_GAP } state;
    unsigned left; /* ticks left in this state; samples of tones */
    uint32_t ts, ticks, total;
    bool fresh;
    bool live;                 /* the digit in live_slot is still pressed: dtmf_tx_down() */
    unsigned live_slot, heard; /* heard: ticks of it so far */
    struct tone tone;
};

struct dtmf_packet {
    uint8_t payload[DTMF_PAYLOAD];
    uint32_t ts; /* of the whole event: rtp_splice_event() */
    bool marker; /* first packet of the event */
};

void dtmf_tx_init(struct dtmf_tx *t, uint32_t clock_rate);
/* Queues digits of duration_ms each (clamped to DTMF_MIN_MS..DTMF_MAX_MS). EINVAL: a character that is no digit; ENOSPC; nothing is queued then. */
int dtmf_tx_queue(struct dtmf_tx *t, const char *digits, unsigned duration_ms);
/*
 * A key that is pressed just now: it goes out while it is, as long as it was heard to be so far (dtmf_tx_heard), until dtmf_tx_up() says how
 * long it was, or DTMF_MAX_MS. One at a time. Errors as above.
 */
int dtmf_tx_down(struct dtmf_tx *t, char digit, unsigned ms);
void dtmf_tx_heard(struct dtmf_tx *t, unsigned ms);
void dtmf_tx_up(struct dtmf_tx *t, unsigned ms);
/* Call every 20 ms with the timestamp that audio would carry now. True: send p instead of audio (three end packets at
 * the end of each event). False: audio's turn (nothing queued, or the gap between two digits). */
bool dtmf_tx_tick(struct dtmf_tx *t, uint32_t ts_now, struct dtmf_packet *p);
/* The same queue as tones: call for each n samples (8 kHz) of audio. True: pcm holds the tones, or the silence between two digits. */
bool dtmf_tx_tones(struct dtmf_tx *t, int16_t *pcm, size_t n);
/* Another clock. Digits wait on; switching between events and tones ends the one that is going out. */
void dtmf_tx_rate(struct dtmf_tx *t, uint32_t clock_rate);
void dtmf_tx_cut(struct dtmf_tx *t);
bool dtmf_tx_busy(const struct dtmf_tx *t);

#endif

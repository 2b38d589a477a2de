/* media/quality: what a listener would think: the E-model (ITU-T G.107, simplified) from loss, delay, jitter and codec. Pure. */
#ifndef MEDIA_QUALITY_H
#define MEDIA_QUALITY_H

#include "media/format.h"

struct quality_input {
    enum media_codec codec;
    double loss;      /* 0..1 of the packets, lost or come too late */
    double rtt_ms;    /* of the network; 0 when not known */
    double jitter_ms; /* RFC 3550 interarrival jitter */
    double buffer_ms; /* delay of the jitter buffer; 0 = guessed from the jitter */
};

/* R, 0..93.2. */
double quality_r(const struct quality_input *in);
/* MOS, 1.0..4.5 (narrow band). */
double quality_mos(const struct quality_input *in);

#endif

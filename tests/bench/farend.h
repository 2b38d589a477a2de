/* bench/farend: the trunk's side: a SIP user agent server on UDP that answers every call at once, and one RTP socket a call. */
#ifndef BENCH_FAREND_H
#define BENCH_FAREND_H

#include "core/buf.h"
#include "hearing.h"
#include "loop.h"
#include <netinet/in.h>

enum { FAREND_CALLS_MAX = 400, FAREND_NUMBER = 90000 /* the first number; the others follow */ };

struct farend_call {
    struct io rtp;
    uint16_t rtp_port;
    bool up; /* answered, and the gateway's address is known */
    struct sockaddr_in gateway;
    uint16_t seq;
    uint32_t ts, ssrc;
    unsigned frame;      /* of the sound */
    struct hearing in;   /* what comes from the browser */
    struct hearing *out; /* what the browser will hear; may be NULL */
    struct buf ok;       /* the 200 to the INVITE, for retransmissions */
};

struct farend {
    struct io sip;
    uint16_t port;
    const struct sound *sound;
    struct farend_call call[FAREND_CALLS_MAX];
};

int farend_open(struct farend *f, const struct sound *sound);
void farend_close(struct farend *f);
/* Sends the next 20 ms of a call. */
void farend_send(struct farend *f, unsigned i);

#endif

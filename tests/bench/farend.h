/*
 * bench/farend: the trunk's side: a SIP user agent on UDP and one RTP socket a call. Call i is that of number FAREND_NUMBER + i. It is
 * answered at once, unless its plan says otherwise, or made by farend_invite().
 *
 *   IDLE → RINGING (to be answered) or INVITING → UP → ENDING → OVER, with a status → the next call
 */
#ifndef BENCH_FAREND_H
#define BENCH_FAREND_H

#include "core/buf.h"
#include "hearing.h"
#include "loop.h"
#include <netinet/in.h>

enum { FAREND_CALLS_MAX = 400, FAREND_NUMBER = 90000 /* the first number; the others follow */ };

enum farend_plan { FAREND_ANSWER, FAREND_RING, FAREND_BUSY };
enum farend_state { FAREND_IDLE, FAREND_RINGING, FAREND_INVITING, FAREND_UP, FAREND_ENDING, FAREND_OVER };

struct farend_call {
    enum media_codec codec; /* as the far end's */
    enum farend_plan plan;
    enum farend_state state;
    int status; /* how the last call ended: 200 = hung up */
    bool by_peer;
    char call_id[128], local[256], remote[256], target[256], branch[17]; /* of the dialog */
    unsigned cseq;
    char *invite; /* the gateway's, while it rings */
    struct io rtp;
    uint16_t rtp_port;
    bool up; /* answered, and the gateway's address is known */
    struct sockaddr_in gateway;
    uint16_t seq;
    uint32_t ts, ssrc;
    unsigned frame;      /* of the sound */
    struct hearing in;   /* what comes from the browser */
    struct hearing *out; /* what the browser will hear; may be NULL */
    struct buf ok;       /* the newest response to the INVITE, for retransmissions */
};

struct farend {
    struct io sip;
    uint16_t port, gateway_port; /* of SIP; the gateway's is for calls that we make */
    const struct sound *sound;
    enum media_codec codec; /* PCMU unless it is set after farend_open() */
    struct farend_call call[FAREND_CALLS_MAX];
};

int farend_open(struct farend *f, const struct sound *sound);
void farend_close(struct farend *f);
/* Answers what rings. */
int farend_answer(struct farend *f, unsigned i);
/* Calls a DN. */
int farend_invite(struct farend *f, unsigned i, unsigned dn);
void farend_cancel(struct farend *f, unsigned i);
void farend_hangup(struct farend *f, unsigned i);
/* Forgets a call; hearing, too. */
void farend_release(struct farend *f, unsigned i);
/* Sends the next 20 ms of a call. */
void farend_send(struct farend *f, unsigned i);

#endif

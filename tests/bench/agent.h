/*
 * bench/agent: a browser with an agent in it: registers over WSS, calls, sends encoded sound by ICE, DTLS-SRTP.
 *
 *   OFFLINE → REGISTERING → READY → CALLING or RINGING → CONNECTING (answered; ICE and DTLS under way) → UP → ENDING → READY
 *
 * A patient agent takes calls and bears that they end: then it is OVER with a status until agent_release(). Any other is FAILED.
 */
#ifndef BENCH_AGENT_H
#define BENCH_AGENT_H

#include "crypto/dtls.h"
#include "hearing.h"
#include "loop.h"

struct wsclient;
struct fbrowser;

enum agent_state {
    AGENT_OFFLINE,
    AGENT_REGISTERING,
    AGENT_READY,
    AGENT_CALLING,
    AGENT_RINGING,
    AGENT_CONNECTING,
    AGENT_UP,
    AGENT_ENDING,
    AGENT_OVER,
    AGENT_FAILED
};

struct agent {
    enum agent_state state;
    unsigned dn, number; /* own, and to be dialled */
    char password[32];
    const char *from; /* the address it connects from; NULL = any */
    bool patient;
    enum media_codec codec;
    const struct dtls_identity *identity;
    const struct sound *wide, *middle, *narrow,
        *sound; /* middle: NULL = wide; sound: NULL = what the answer asks for */

    struct wsclient *ws;
    char host[24], tag[12], call_id[128], to[256], target[256], branch[17];
    unsigned cseq;
    bool authorized;
    char *invite; /* the gateway's, while it rings or runs */
    int status;   /* how the last call ended: 200 = hung up */
    char why[64]; /* it failed */
    bool by_peer; /* the other side hung up */

    struct fbrowser *peer;
    struct io media;
    struct rtcp_send rtcp;
    uint32_t ts;
    unsigned frame, sends;
    uint8_t pt;
    uint64_t called_us, up_us;
    struct hearing in;   /* what comes from the trunk */
    struct hearing *out; /* what the trunk will hear; may be NULL */
};

/* Connects and sends REGISTER; the answer comes by the loop. */
int agent_register(struct agent *a, uint16_t port);
/* Registers again on the same connection. */
void agent_refresh(struct agent *a);
int agent_call(struct agent *a);
/* A ringing call. */
int agent_answer(struct agent *a);
void agent_reject(struct agent *a);
/* An own call that rings at the other side. */
void agent_cancel(struct agent *a);
void agent_hangup(struct agent *a);
/* Lets go of what a call had that is over. */
void agent_release(struct agent *a);
/* Leaves without a word of SIP. */
void agent_close(struct agent *a);
/* Every 20 ms: timers, and the next packet when the call is up. */
void agent_send(struct agent *a);

#endif

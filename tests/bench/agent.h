/*
 * bench/agent: a browser with an agent in it: registers over WSS, calls, sends encoded sound by ICE, DTLS-SRTP.
 *
 *   OFFLINE → REGISTERING → READY → CALLING → CONNECTING (answered; ICE and DTLS under way) → UP → ENDING → READY
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
    AGENT_CONNECTING,
    AGENT_UP,
    AGENT_ENDING,
    AGENT_FAILED
};

struct agent {
    enum agent_state state;
    unsigned dn, number; /* own, and to be dialled */
    char password[32];
    enum media_codec codec;
    const struct dtls_identity *identity;
    const struct sound *wide, *narrow, *sound; /* sound: NULL = what the answer asks for */

    struct wsclient *ws;
    char host[24], tag[12], call_id[24], to[256], target[256];
    unsigned cseq;
    bool authorized;

    struct fbrowser *peer;
    struct io media;
    struct rtcp_send rtcp;
    uint32_t ts;
    unsigned frame, sends;
    uint64_t called_us, up_us;
    struct hearing in;   /* what comes from the trunk */
    struct hearing *out; /* what the trunk will hear; may be NULL */
};

/* Connects and sends REGISTER; the answer comes by the loop. */
int agent_register(struct agent *a, uint16_t port);
int agent_call(struct agent *a);
void agent_hangup(struct agent *a);
void agent_close(struct agent *a);
/* Every 20 ms: timers, and the next packet when the call is up. */
void agent_send(struct agent *a);

#endif

/* fake/wsagent: a browser's SIP user agent without a browser: speaks through sip/wsedge as the web thread would. */
#ifndef FAKE_WSAGENT_H
#define FAKE_WSAGENT_H

#include "fake/sippeer.h"
#include <stdint.h>

struct sip_stack;
struct mbox;

enum { WSAGENT_QUEUE = 64 };

struct wsagent {
    struct sippeer p; /* first */
    struct sip_stack *st;
    struct mbox *out;      /* of struct sip_ws_out, for this agent alone, or for it and other */
    struct wsagent *other; /* a second one, on the same mailbox; NULL */
    uint64_t conn;
    unsigned instance;   /* +sip.instance is made of it; as conn */
    const char *hdrs;    /* of its REGISTER; NULL */
    const char *expires; /* of its Contact, in seconds; NULL: 600 */
    char dn[64], password[64];
    char *queue[WSAGENT_QUEUE];
    size_t head, count;
    bool closed; /* the gateway closed it */
    uint16_t close_code;
    struct sipmsg registered; /* the final answer to its last REGISTER */
};

/* Opens connection number conn. */
int wsagent_open(struct wsagent *a, struct sip_stack *st, struct mbox *out, uint64_t conn, const char *dn,
                 const char *password);
void wsagent_close(struct wsagent *a);
/* REGISTER with digest; the final code, 0 = none came. */
int wsagent_register(struct wsagent *a);
/* The Authorization line for this request, made of a 401 that came. */
const char *wsagent_credentials(const struct wsagent *a, const struct sipmsg *challenge, const char *method,
                                const char *uri, char *buf, size_t sz);
/* Waits for the gateway to close it; the code, 0 = it did not within ms. */
uint16_t wsagent_wait_closed(struct wsagent *a, int ms);
/* An SDP as Chromium writes it; its candidate leads nowhere. */
const char *wsagent_sdp(char *buf, size_t sz, const char *setup, const char *dir);

#endif

/*
 * lab/lab: a small SIP Server for --lab, on a thread of its own, reached by real SIP and RTP over loopback exactly as a foreign one.
 * Behaves like Genesys SIP Server's traces: From without angle brackets, Via without rport, lower-case codec names,
 * X-Genesys-CallUUID, Reason on BYE. No production file knows it but app.c.
 *
 *   600 echo · 601 announcement · 602 rings 3 s, then answers with tone · 603 busy · 604 never answers
 *   700-799 calls the caller back after he hung up/at once (hears announcement) · another DN = that agent at the gateway
 */
#ifndef LAB_LAB_H
#define LAB_LAB_H

#include "core/addr.h"

struct lab;
struct lab_config {
    struct addr listen;   /* 127.0.0.1:0 */
    struct addr gateway;  /* 127.0.0.1:sip.port */
};
int lab_start(struct lab **lp, const struct lab_config *cfg, char *why, size_t whysz);
uint16_t lab_port(const struct lab *l);
void lab_stop(struct lab *l);

#endif

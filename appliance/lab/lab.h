/*
 * lab/lab: a small SIP Server for --lab, on a thread of its own with its own libre stack, reached by real SIP and RTP over loopback
 * exactly as a foreign one. No production file knows it but app.c.
 *
 *   600      echo: what you say comes back
 *   601      announcement: a melody, over and over
 *   602      rings for 3 s, then answers with the melody
 *   603      busy (486)
 *   604      rings and never answers
 *   700-799  a short beep, goodbye, and a second later the SIP Server calls your DN: melody once, then echo
 *   other    that agent: an INVITE to the gateway for the DN, media not anchored here (as SIP Server does)
 */
#ifndef LAB_LAB_H
#define LAB_LAB_H

#include "core/addr.h"
#include <stddef.h>

struct lab;

struct lab_config {
    struct addr listen;  /* loopback, port 0 = any free */
    struct addr gateway; /* where the gateway's SIP listens */
};

/* Starts the thread. EADDRINUSE and others with one clear line in why. */
int lab_start(struct lab **lp, const struct lab_config *cfg, char *why, size_t whysz);
uint16_t lab_port(const struct lab *l);
/* Ends its calls and joins the thread. */
void lab_stop(struct lab *l);

#endif

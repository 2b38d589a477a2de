/*
 * tests/fake/browser: a small WebRTC peer: one UDP socket, full ICE, DTLS-SRTP, RTP in and out. It makes no sound of its own:
 * payloads are the caller's. One thread per peer; nothing happens but in fbrowser_poll().
 *
 *   fbrowser_alloc → exchange fbrowser_local()/fbrowser_remote() → poll until fbrowser_up() → fbrowser_send(), rtp_h
 */
#ifndef TESTS_FAKE_BROWSER_H
#define TESTS_FAKE_BROWSER_H

#include "core/addr.h"
#include "crypto/dtls.h"
#include "media/rtp.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fbrowser;

typedef void(fbrowser_rtp_h)(const struct rtp_hdr *h, uint64_t now_us, void *arg);

struct rtcp_msg;
typedef void(fbrowser_rtcp_h)(const struct rtcp_msg *m, uint64_t now_us, void *arg);

struct fbrowser_config {
    const struct dtls_identity *identity; /* may be shared by many */
    const char *ip;                       /* where it binds; NULL = 127.0.0.1 */
    bool controlling;                     /* ICE */
    fbrowser_rtp_h *rtph;                 /* may be NULL */
    fbrowser_rtcp_h *rtcph;               /* may be NULL */
    void *arg;
};

struct fbrowser_local {
    char ufrag[16], pwd[32];
    uint8_t fingerprint[32];
    struct addr addr;
};

struct fbrowser_remote {
    char ufrag[257], pwd[257];
    uint8_t fingerprint[32];
    struct addr addr; /* its only candidate */
    bool we_are_dtls_client;
};

int fbrowser_alloc(struct fbrowser **bp, const struct fbrowser_config *cfg);
void fbrowser_free(struct fbrowser *b); /* DTLS close_notify */
const struct fbrowser_local *fbrowser_local(const struct fbrowser *b);
/* May be called again: other credentials restart ICE. */
void fbrowser_remote(struct fbrowser *b, const struct fbrowser_remote *r, uint64_t now_us);
/* New local credentials, for an ICE restart. */
void fbrowser_restart(struct fbrowser *b);
/* Moves to another port, as when a NAT binding changes. */
int fbrowser_rebind(struct fbrowser *b);
int fbrowser_fd(const struct fbrowser *b);
/* Reads what has come and runs the timers. Call every few milliseconds. */
void fbrowser_poll(struct fbrowser *b, uint64_t now_us);
bool fbrowser_ice_up(const struct fbrowser *b);
bool fbrowser_up(const struct fbrowser *b);     /* SRTP both ways */
bool fbrowser_failed(const struct fbrowser *b); /* DTLS */
/* Stops answering and sending anything: the peer's consent will expire. */
void fbrowser_mute(struct fbrowser *b);
uint32_t fbrowser_ssrc(const struct fbrowser *b);
/* One packet; the sequence number counts by itself. ENOTCONN, or the errno of sendto. */
int fbrowser_send(struct fbrowser *b, uint8_t pt, bool marker, uint32_t ts, const void *payload, size_t n);
/* A packet that is lost on the way. */
void fbrowser_skip(struct fbrowser *b);
/* The n bytes as they are, header included, whatever they say; at most 1400. */
int fbrowser_send_raw(struct fbrowser *b, const void *p, size_t n);
/* A compound RTCP packet, unprotected; at most 1400 bytes. */
int fbrowser_send_rtcp(struct fbrowser *b, const void *p, size_t n);

struct fbrowser_counts {
    uint64_t rtp, rtcp, bad; /* received; bad: did not authenticate */
};
const struct fbrowser_counts *fbrowser_counts(const struct fbrowser *b);

#endif

/*
 * media/ice: a full ICE agent for one component (RFC 8445) with consent freshness (RFC 7675), without sockets or clocks of
 * its own. It has one socket, hence one local candidate: a pair is known by the remote address alone, and remembers
 * at which of our addresses that remote reached us.
 *
 *   ice_remote ─► checks paced 50 ms ─► pairs succeed ─► one is nominated ─► SELECTED ─► consent every 5 s
 *        ▲                                                    │ browser nominates or talks from another: MOVED
 *        └──────────── new credentials (restart) ◄────────────┘ nothing for 30 s: CONSENT_LOST
 *
 *   idle ──► checking ──► up ⇄ restarting      the table of moves is in ice.c
 *               ▲ └────────┴────────┴──► dead ──► checking (a restart revives) · any ──► closed
 *
 * Owner: the media worker of its path. No allocation after ice_alloc.
 */
#ifndef MEDIA_ICE_H
#define MEDIA_ICE_H

#include "core/addr.h"
#include "media/media.h"
#include "stun/stun.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ice;

enum {
    ICE_PAIRS_MAX = 32,
    ICE_TA_MS = 50,   /* between two new checks */
    ICE_RTO_MS = 500, /* first retransmission; doubles up to … */
    ICE_RTO_MAX_MS = 2000,
    ICE_TRIGGER_MS = 100, /* least time between two transmissions of a check, however often the peer checks */
    ICE_TRIES_MAX = 7,    /* transmissions of one check */
    ICE_NOMINATE_MS = 150,  /* after the first success, time for a better pair */
    ICE_TIMEOUT_MS = 30000, /* without a selected pair */
    ICE_CONSENT_MS = 5000,  /* ± 20 % */
    ICE_CONSENT_LIFE_MS = 30000,
};

enum ice_event {
    ICE_SELECTED, /* the first pair; addr = remote */
    ICE_MOVED,    /* another pair; addr = remote */
    ICE_CLAIMED, /* a check with message integrity came from addr: packets from there may be looked at, unless they are another's */
    ICE_VERIFIED, /* addr has answered a check of ours, so that it is no forged source; told at each answer */
    ICE_FORGOTTEN, /* addr no longer */
    ICE_TIMED_OUT, /* no pair within ICE_TIMEOUT_MS */
    ICE_CONSENT_LOST,
};

/* src may be unset: the kernel chooses. */
typedef void(ice_send_h)(const uint8_t *p, size_t n, const struct addr *src, const struct addr *dst,
                         void *arg);
/* Must not free the agent. */
typedef void(ice_event_h)(enum ice_event ev, const struct addr *addr, void *arg);

struct ice_config {
    bool controlling;
    uint32_t tag; /* first four bytes of our transaction ids: how the worker finds the agent of a response */
    const char *ufrag, *pwd;
    ice_send_h *sendh;
    ice_event_h *eventh;
    void *arg;
};

/* ENOMEM, EINVAL. */
int ice_alloc(struct ice **icep, const struct ice_config *cfg);
void ice_free(struct ice *ice);
/* Ends it: every address claimed or verified is told as ICE_FORGOTTEN, nothing is sent any more. */
void ice_close(struct ice *ice);
/* The peer's credentials and candidates. The same credentials again add candidates; others restart the agent: media
 * stays on the old pair until a new one is selected; an agent that had given up begins anew. Starts the clock of ICE_TIMEOUT_MS. */
void ice_remote(struct ice *ice, const char *ufrag, const char *pwd, const struct media_cand *cands,
                size_t count, uint64_t now_ms);
/* New local credentials for a restart; the old ones are taken until a pair of the new generation is selected, unless the
 * agent had given up. EINVAL. */
int ice_local(struct ice *ice, const char *ufrag, const char *pwd);
/* A parsed STUN message. EACCES: not authenticated, EBADMSG: not for us or malformed, ENOSPC: no room for its source; nothing was
 * done then. */
int ice_recv(struct ice *ice, const struct stun_view *msg, const struct addr *local, const struct addr *src,
             uint64_t now_ms);
/* Authenticated media came from src: where a peer talks from is where it listens. */
void ice_media(struct ice *ice, const struct addr *src, uint64_t now_ms);
/* The time of ICE_TIMEOUT_MS without any pair begins now. */
void ice_patience(struct ice *ice, uint64_t now_ms);
/* About every 20 ms. */
void ice_tick(struct ice *ice, uint64_t now_ms);
/* Where to send: the selected pair, before that the best one that works. False: nowhere (yet, or no more). */
bool ice_route(const struct ice *ice, struct addr *local, struct addr *remote);
/* The same without leave to send media: also an address that was only verified (DTLS answers). */
bool ice_route_early(const struct ice *ice, struct addr *local, struct addr *remote);
/* A pair is selected and no check under way or due but that of consent: ice_tick may come every 100 ms. */
bool ice_settled(const struct ice *ice);
/* Of the selected pair's remote candidate; MEDIA_CAND_PRFLX when the peer's SDP does not have it. */
enum media_cand_type ice_remote_type(const struct ice *ice);
/* Of the selected pair's last check; 0 before. */
uint32_t ice_rtt_ms(const struct ice *ice);

#endif

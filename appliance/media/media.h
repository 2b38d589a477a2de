/*
 * media/media: the media engine as the signalling thread sees it: paths that join one browser (ICE, DTLS-SRTP, rtcp-mux on the
 * worker's one UDP port) with one trunk peer (plain RTP/RTCP on a port pair per call).
 *
 *   browser ⇄ worker's UDP port:  demux → SRTP → [jitter buffer → decode → encode | straight through] → trunk's RTP port pair
 *
 * Owner of every function here: the signalling thread. Each path lives on one worker thread for life; commands travel to it by
 * mailbox, events come back as struct media_event values in the mailbox given at start. Handles stay valid until media_path_close();
 * events of a closed path may still be waiting in the mailbox: look paths up by id, never by pointer.
 */
#ifndef MEDIA_MEDIA_H
#define MEDIA_MEDIA_H

#include "core/addr.h"
#include "media/format.h"
#include "stun/seen.h"
#include "stun/doctor.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct media;
struct media_path;
struct mbox;
struct wire;

enum {
    MEDIA_WORKERS_MAX = 64,
    MEDIA_PATHS_MAX = 4096,
    ICE_UFRAG_MAX = 256 + 1,
    ICE_PWD_MAX = 256 + 1,
    MEDIA_CANDS_MAX = 16,
    MEDIA_REACHED_MAX = 16
};

struct media_config {
    unsigned workers;    /* 1..64 */
    struct addr bind[2]; /* where sockets bind, each on all of them; count below. any-addresses allowed */
    size_t bind_count;
    uint16_t ice_port;         /* first worker's; 0 = any free */
    uint16_t rtp_min, rtp_max; /* even/odd pairs; both 0 = any free */
    uint32_t rtp_timeout_s;    /* no packet from the trunk or browser for so long: MEDIA_TIMEOUT; 0 = off */
    uint32_t jbuf_max_ms;      /* most delay the jitter buffer may take, e.g. 200 */
    uint8_t tos;               /* of what we send: DSCP << 2, 0xb8 = EF */
    struct mbox *events;       /* of struct media_event; owner: signalling */
    struct mbox *seen; /* of struct stun_seen: what media_ask_outside() brings; NULL = it brings nothing */
    uint8_t doctor[STUN_DOCTOR_KEY_LEN]; /* whose Binding requests are answered; all 0 = nobody's */
    struct wire *wire; /* to peers inside this process; NULL = none. Must outlive the engine */
};

/* EADDRINUSE with the port in why; EINVAL; ENOMEM. Logs `listening proto=ice port=…` per worker. */
int media_start(struct media **mp, const struct media_config *cfg, char *why, size_t whysz);
void media_stop(struct media *m); /* ends all paths (no events), joins the workers */
/* Any thread. Where peers inside this process find the workers' ports from now on: public and bound addresses (ports ignored), at most
 * MEDIA_REACHED_MAX. ENOMEM, ENOBUFS: some of the workers were not told. */
int media_reached(struct media *m, const struct addr *at, size_t count);
/* Any thread. Sends a Binding request with this transaction id, whose first four bytes are 0, from the first worker's port to a STUN server.
 * What answers goes to media_config.seen, once. ENOBUFS. */
int media_ask_outside(struct media *m, const struct addr *server, const uint8_t tid[STUN_SEEN_TID]);
/* The workers' UDP ports for browsers, at most max; any thread. */
size_t media_ice_ports(const struct media *m, uint16_t *v, size_t max);
/* Whether a trunk's RTP can be sent to addresses of this family (AF_INET, AF_INET6). */
bool media_has_family(const struct media *m, int af);

/* RFC 8445 5.1.1: an address of the peer's own, its NAT's as a STUN server saw it, as we saw it, a TURN server's. */
enum media_cand_type {
    MEDIA_CAND_HOST,
    MEDIA_CAND_SRFLX,
    MEDIA_CAND_PRFLX,
    MEDIA_CAND_RELAY,
    MEDIA_CAND_TYPES
};
/* "host", "srflx", "prflx", "relay": as in SDP. */
const char *media_cand_name(enum media_cand_type t);

struct media_cand {
    struct addr addr;
    uint32_t priority;
    enum media_cand_type type;
};

/* The way that media take to the browser: nothing between but the network; our own TURN server, by how the browser reaches it; the TURN
 * server of somebody else, which looks direct unless the browser's SDP listed its address as relayed. */
enum media_via {
    MEDIA_VIA_NONE,
    MEDIA_DIRECT,
    MEDIA_RELAY_UDP,
    MEDIA_RELAY_TCP,
    MEDIA_RELAY_TLS,
    MEDIA_RELAY_OTHER
};

/* What our SDP towards the browser needs; filled by media_path_create. */
struct media_local {
    char ice_ufrag[32], ice_pwd[40];
    const uint8_t *fingerprint; /* 32 bytes, SHA-256 */
    uint16_t ice_port;          /* of this path's worker; on every address that media_config.bind means */
    uint32_t ssrc;              /* of what we send to the browser; the same for the whole call */
    char cname[24];
    uint16_t rtp_port; /* trunk side, on the same addresses, of both families if so; RTCP is rtp_port + 1 */
    uint32_t trunk_ssrc;
};

/* Takes a trunk port pair and a place on a worker. controlling: the ICE role, true when we make the offer to the browser. EMFILE,
 * EADDRNOTAVAIL (no port pair left), ENOSPC, ENOMEM. */
int media_path_create(struct media_path **pp, struct media *m, bool controlling, struct media_local *local);
/* A path without a trunk: what the browser sends comes back to it, as long as it is the codec of media_path_browser. Takes no ports; we are
 * the controlled ICE agent. local->rtp_port is 0; media_path_trunk and what else is about a trunk must not be called. */
int media_path_create_echo(struct media_path **pp, struct media *m, struct media_local *local);
uint32_t media_path_id(const struct media_path *p);

/* From the browser's SDP; may be given once, or again with new ICE credentials (ICE restart). */
struct media_browser {
    char ice_ufrag[ICE_UFRAG_MAX], ice_pwd[ICE_PWD_MAX];
    uint8_t fingerprint[32];
    bool anew;               /* another page: its DTLS association begins anew, whatever certificate it has */
    bool we_are_dtls_client; /* we answered or were answered setup:active towards a passive peer */
    struct media_cand cands[MEDIA_CANDS_MAX];
    size_t cand_count;
    enum media_codec codec;       /* what we send: MEDIA_OPUS, PCMU or PCMA, one of formats */
    struct media_formats formats; /* what may come */
    struct media_opus opus;
};
/* Also revives a path whose browser leg was dead (MEDIA_FAILED), when the credentials are new: MEDIA_ICE_UP comes again. ENOMEM, ENOBUFS. */
int media_path_browser(struct media_path *p, const struct media_browser *b);
/* New local ICE credentials into local (its other fields stay) for our SDP: when the browser's offer has other credentials than before
 * (RFC 8839 4.4.1.1.1; then media_path_browser with them), or for an offer of ours. Media flows on the old pair meanwhile. ENOBUFS. */
int media_path_ice_restart(struct media_path *p, struct media_local *local);

enum media_dir { MEDIA_INACTIVE = 0, MEDIA_SEND = 1, MEDIA_RECV = 2, MEDIA_SENDRECV = 3 };

/* From the trunk's SDP; may be given again at any time (re-INVITE): the browser never notices. */
struct media_trunk {
    struct addr rtp, rtcp;        /* where we send; rtcp with port 0 = none */
    enum media_codec codec;       /* what we send: PCMU, PCMA, G722 or OPUS, one of formats */
    struct media_formats formats; /* what may come */
    struct media_opus opus;
    uint32_t ptime_ms;      /* what we send: 10..60, default 20 */
    enum media_dir dir;     /* ours: SEND only = we don't expect packets (hold: no RTP timeout) … */
    struct addr signalling; /* the trunk's SIP address: the only other IP a symmetric source may come from */
};
int media_path_trunk(struct media_path *p, const struct media_trunk *t);

enum media_tone {
    MEDIA_TONE_NONE,
    MEDIA_TONE_RINGBACK,
    MEDIA_TONE_BEEP /* twice, as soon as the browser can hear it; what was played before goes on behind it */
};
/* Plays a tone to the browser in place of the trunk's audio. */
int media_path_tone(struct media_path *p, enum media_tone tone);

/* The browser's page is away and may come back: as long as nothing is heard from it, the trunk hears a soft beep each five seconds. */
int media_path_away(struct media_path *p, bool away);

enum media_side { MEDIA_TRUNK, MEDIA_BROWSER, MEDIA_SIDES };
/* How a digit can reach a side by what was last told of it: as an RFC 4733 event when it listed a type for them, else as the two
 * tones in its audio; not at all when it is not known yet or takes no audio from us. */
enum media_dtmf_way { MEDIA_DTMF_NONE, MEDIA_DTMF_INBAND, MEDIA_DTMF_EVENTS };
enum media_dtmf_way media_path_dtmf_way(const struct media_path *p, enum media_side to);
/* Queues digits ("0-9*#A-D", at most 32) that way, each duration_ms long (40..6000; tones 70 at least). All or nothing: ENOTSUP: there
 * is no way; ENOSPC: no room behind those that wait (counted as lost); EINVAL; ENOBUFS. */
int media_path_dtmf(struct media_path *p, enum media_side to, const char *digits, unsigned duration_ms);
/* Whether silence on this path is to be expected: stops the RTP timeout. Held from before media_path_browser on, it rings: a browser may
 * come late or not before the answer, so that no ICE or DTLS deadline runs until it is no longer held. */
int media_path_hold(struct media_path *p, bool held);
/* Ends it: sends RTCP BYE and DTLS close_notify, frees ports; one MEDIA_ENDED event with the final figures follows. */
void media_path_close(struct media_path *p);

struct media_stream_stats { /* one direction as received by us */
    enum media_codec codec;
    uint64_t packets, bytes;
    uint32_t lost, dropped; /* lost on the way to us; dropped by us (late, bad auth, unknown source) */
    double jitter_ms, mos;
};

enum media_event_type {
    MEDIA_ICE_UP,    /* a pair works; addr = the browser's address */
    MEDIA_ICE_MOVED, /* the selected pair changed; addr */
    MEDIA_DTLS_UP,
    MEDIA_FAILED,  /* reason: the browser leg is dead */
    MEDIA_TIMEOUT, /* reason: MEDIA_TRUNK_SILENT or MEDIA_BROWSER_SILENT, nothing came for rtp_timeout_s */
    MEDIA_TRUNK_LATCHED, /* addr = the trunk's real RTP source */
    MEDIA_DTMF, /* a press came as an event from one side. relayed: it goes on as one; else the other side takes none and it
                 * is signalling's to pass on, ms long */
    MEDIA_DTMF_LOST, /* the other side's queue was full; counted */
    MEDIA_ENDED,     /* stats are final; the id is free after this */
};

enum media_reason {
    MEDIA_NO_ICE,       /* no pair of addresses works */
    MEDIA_NO_DTLS,      /* the handshake failed or did not end within 12 s, or its keys cannot be used */
    MEDIA_WRONG_PEER,   /* its certificate is not the one that the SDP promised (RFC 8122) */
    MEDIA_CONSENT_LOST, /* the browser answers no more checks (RFC 7675) */
    MEDIA_NO_CODEC,     /* it could not be started */
    MEDIA_TRUNK_SILENT,
    MEDIA_BROWSER_SILENT,
    MEDIA_REASONS,
};
/* "ice", "dtls", "fingerprint", "consent", "codec", "trunk", "browser": in CDRs, logs and metrics. */
const char *media_reason_name(enum media_reason r);

struct media_event {
    enum media_event_type type;
    uint32_t path_id;
    struct addr addr;
    struct { /* MEDIA_ICE_UP, MEDIA_ICE_MOVED: the way to addr */
        enum media_via via;
        enum media_cand_type cand;
        struct addr
            from; /* the browser's address as this box sees it: addr, or that of our TURN server's client */
    } way;
    enum media_reason reason; /* MEDIA_FAILED, MEDIA_TIMEOUT */
    char digit;
    bool from_browser, relayed;               /* MEDIA_DTMF, MEDIA_DTMF_LOST */
    unsigned ms;                              /* MEDIA_DTMF, when not relayed */
    struct media_stream_stats browser, trunk; /* MEDIA_ENDED */
    struct addr stranger; /* the last source of RTP on the trunk's side that was not taken … */
    uint32_t strangers;   /* … and how many packets came from such */
    double rtt_ms;
};

/* All workers together, at most 1 s old. Any thread. */
struct media_totals {
    uint64_t bytes;          /* that went and came by all sockets */
    uint64_t expected, lost; /* audio packets on their way to us */
    unsigned heard;          /* streams that run now and are heard, of whom … */
    double mos_sum, jitter_ms_sum;
};
void media_totals(const struct media *m, struct media_totals *out);

/* Figures of running paths, a copy that is at most 1 s old. ENOENT. */
int media_path_stats(const struct media_path *p, struct media_event *out);

#endif

/*
 * media/path: one call's media, as the worker thread runs it. Private to media/.
 *
 *   path.c         life, commands, time, figures
 *   path_secure.c  towards the browser: ICE, DTLS, SRTP
 *   path_up.c      browser → trunk: [jitter buffer → decode → encode | straight through]
 *   path_down.c    trunk → browser: source lock, [decode → encode | straight through], tone
 *   path_dtmf.c    key presses: telephone events both ways, tones in the audio
 *   path_report.c  RTCP both ways, RTP timeout
 *
 * Owner: the worker thread from path_start() on; before that, and of the fields marked so, the signalling thread.
 */
#ifndef MEDIA_PATH_H
#define MEDIA_PATH_H

#include "core/snapshot.h"
#include "crypto/dtls.h"
#include "crypto/srtp.h"
#include "media/codec.h"
#include "media/dtmf.h"
#include "media/ice.h"
#include "media/jbuf.h"
#include "media/media.h"
#include "media/rtcp.h"
#include "media/rtp.h"
#include "media/srclock.h"
#include "media/tone.h"
#include "media/udp.h"

#include <stdatomic.h>

struct worker;

enum {
    PATH_FRAME = CODEC_RATE / 50, /* 20 ms: what the browser gets */
    PATH_PCM_MAX = 2 * CODEC_SAMPLES_MAX,
    PATH_SSRC_MAX = 16,   /* sources a browser may show us in one call */
    PATH_SLOW_US = 20000, /* between two rounds of the timers that need no hurry */
    PATH_FIGURES_US = 1000000,
};

struct path_in { /* what one side sends us */
    struct rtcp_recv recv;
    struct dtmf_rx events;
    enum media_codec codec; /* of the newest audio */
    uint32_t dropped;
    uint64_t alive_us; /* newest valid packet; or since when we wait for one */
    bool silent;       /* MEDIA_TIMEOUT was told */
    uint64_t press_us; /* when all presses so far would be over at PRESS_MIN_US each */
    double rtt_ms;
};

struct path_out { /* what we send to one side: one SSRC and timeline for the whole call */
    struct rtp_splice splice;
    struct rtcp_send send;
    uint8_t pt, pt_event; /* pt_event: when dtmf is MEDIA_DTMF_EVENTS */
    enum media_dtmf_way dtmf;
    struct dtmf_tx digits;
    atomic_uint digits_taken; /* of DTMF_QUEUE_MAX; signalling reserves, too */
    uint64_t event_us, report_us;
    bool event_on, reported; /* event_on: a digit takes the place of audio now */
};

struct path_up {
    struct jbuf *jbuf;
    struct codec_dec *dec[MEDIA_PCMA + 1];
    int16_t pcm[PATH_PCM_MAX]; /* decoded, not yet sent */
    size_t pcm_count;
    uint64_t next_us;              /* when the rest of a long frame may go */
    uint32_t ssrcs[PATH_SSRC_MAX]; /* verified, of RTP and RTCP */
    unsigned ssrc_count;
};

struct path_down {
    struct codec_enc *enc; /* Opus; NULL when the browser has G.711 */
    int complexity;
    int16_t pcm[PATH_PCM_MAX];
    size_t pcm_count;
    bool started;
    uint32_t in_ssrc, next_ts, head_ts; /* trunk's clock: of the next packet wanted, of pcm[0] */
    uint32_t ssrc;                      /* of the stream of 20 ms frames, before rtp_splice */
    uint16_t seq;
    struct tone tone;
    bool tone_on;
    uint64_t tone_us;
};

struct path_io { /* what epoll gives back */
    enum { IO_COMMANDS, IO_ICE, IO_RTP, IO_RTCP } kind;
    void *owner; /* struct udp of the ICE port, or the path */
};

struct media_path {
    uint32_t id;
    void *arg;           /* signalling thread */
    struct media *media; /* signalling thread */
    struct worker *worker;
    atomic_bool closing; /* set by signalling, nothing of it touches the path afterwards */
    bool closing_seen;   /* … before the commands of this round were drained */
    bool ended;          /* MEDIA_ENDED waits for room in the mailbox */
    bool failed;         /* MEDIA_FAILED was told: the browser leg is dead */
    struct {             /* what became of the path, as long as the mailbox has no room to tell it */
        bool waits;
        uint8_t type, reason;
        struct addr addr;
    } untold;
    bool held;
    enum media_dtmf_way dtmf_ways[MEDIA_SIDES]; /* signalling thread: as last told to the worker */

    struct udp rtp, rtcp;
    struct path_io rtp_io, rtcp_io;
    struct addr trunk_local; /* where the trunk reached us */
    struct srclock lock;

    struct ice *ice;
    struct dtls *dtls;
    bool dtls_started;
    uint64_t dtls_due_us;    /* when the handshake must be through; 0: there is no way for it yet */
    uint8_t fingerprint[32]; /* the browser's, of dtls */
    bool we_are_client;
    struct srtpctx *srtp_in, *srtp_out; /* NULL until DTLS is up */

    bool browser_set, trunk_set;
    struct media_browser browser; /* credentials wiped: ice has them */
    struct media_trunk trunk;
    struct path_in from_browser, from_trunk;
    struct path_out to_browser, to_trunk;
    struct path_up up;
    struct path_down down;
    char cname[24];

    uint64_t slow_us, figures_us;
    SNAPSHOT(figures, struct media_event);
};

/* ---- path.c ---- */
struct path_init {
    uint32_t id;
    struct worker *worker;
    uint32_t jbuf_max_ms;
    const struct media_path_config *cfg;
    const struct media_local *local;
};
/* Takes over rtp and rtcp (also when it fails). ENOMEM, EINVAL. */
int path_alloc(struct media_path **pp, const struct path_init *init, struct udp *rtp, struct udp *rtcp);
void path_free(struct media_path *p);
void path_set_browser(struct media_path *p, const struct media_browser *b, uint64_t now_us);
/* New ICE credentials of ours. */
void path_set_restart(struct media_path *p, const char *ufrag, const char *pwd);
void path_set_trunk(struct media_path *p, const struct media_trunk *t, uint64_t now_us);
void path_set_hold(struct media_path *p, bool held, uint64_t now_us);
void path_tick(struct media_path *p, uint64_t now_us);
/* BYE both ways, DTLS close_notify, sockets closed. path_final() fills the last event. */
void path_end(struct media_path *p, uint64_t now_us);
void path_event(struct media_path *p, struct media_event *ev);
void path_figures(const struct media_path *p, struct media_event *out);
/* The copy that any thread may take. */
void path_figures_load(const struct media_path *p, struct media_event *out);

/* ---- path_secure.c ---- */
int path_ice_alloc(struct media_path *p, const struct media_path_config *cfg,
                   const struct media_local *local);
void path_secure_set(struct media_path *p, uint64_t now_us);
void path_secure_tick(struct media_path *p, uint64_t now_us);
void path_secure_close(struct media_path *p);
void path_stun(struct media_path *p, const struct stun_view *msg, const struct udp_packet *pkt,
               uint64_t now_us);
/* DTLS, SRTP or SRTCP from a source that passed an ICE check. */
void path_from_browser(struct media_path *p, struct udp_packet *pkt, uint64_t now_us);
bool path_browser_ready(const struct media_path *p);
/* Room for a packet to the browser (its payload goes RTP_HEADER bytes in), then the sending of it. */
uint8_t *path_browser_room(struct media_path *p);
void path_browser_send(struct media_path *p, uint8_t *room, const struct rtp_hdr *h, size_t len,
                       uint64_t now_us);
void path_browser_send_rtcp(struct media_path *p, uint8_t *room, size_t n);

/* ---- path_up.c ---- */
int path_up_set(struct media_path *p);
void path_up_packet(struct media_path *p, const struct rtp_hdr *h, uint64_t now_us);
void path_up_tick(struct media_path *p, uint64_t now_us);
/* n samples in the trunk's G.711. */
void path_up_encode(const struct media_path *p, const int16_t *pcm, size_t n, uint8_t *out);
bool path_trunk_ready(const struct media_path *p);
/* buf: payload of len bytes, RTP_HEADER bytes in. */
void path_trunk_send(struct media_path *p, uint8_t *buf, const struct rtp_hdr *h, size_t len,
                     uint64_t now_us);

/* ---- path_down.c ---- */
int path_down_set(struct media_path *p);
void path_down_tone(struct media_path *p, enum media_tone tone, uint64_t now_us);
void path_trunk_rtp(struct media_path *p, const struct udp_packet *pkt, uint64_t now_us);
/* PATH_FRAME samples as the browser's payload at out; 0 when that fails. */
size_t path_down_encode(struct media_path *p, const int16_t *pcm, uint8_t *out);
void path_down_tick(struct media_path *p, uint64_t now_us);

/* ---- path_dtmf.c ---- */
enum media_dtmf_way path_dtmf_way(const struct media_formats *f, enum media_codec codec);
enum media_dtmf_way path_dtmf_way_trunk(const struct media_trunk *t);
/* How digits go out from now on. */
void path_dtmf_set(struct path_out *out, enum media_dtmf_way way, const struct media_formats *f,
                   enum media_codec codec);
/* Any thread. Room for n digits, to be queued then; false, and they are counted as lost, when there is none. */
bool path_dtmf_reserve(struct media_path *p, enum media_side to, unsigned n);
void path_dtmf_release(struct media_path *p, enum media_side to, unsigned n);
/* Digits that have their room. */
void path_dtmf_queue(struct media_path *p, enum media_side to, const char *digits, unsigned duration_ms);
/* A telephone-event packet from one side, on a clock of that rate; its digit goes to the other. */
void path_dtmf_packet(struct media_path *p, bool from_browser, const struct rtp_hdr *h, uint32_t rate,
                      uint64_t now_us);
void path_dtmf_tick(struct media_path *p, uint64_t now_us);

/* ---- path_report.c ---- */
void path_reports(struct media_path *p, bool bye, uint64_t now_us);
void path_report_from_browser(struct media_path *p, const uint8_t *buf, size_t n, uint64_t now_us);
void path_trunk_rtcp(struct media_path *p, const struct udp_packet *pkt, uint64_t now_us);
void path_timeouts(struct media_path *p, uint64_t now_us);

#endif

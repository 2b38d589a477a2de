/*
 * media/path_state: what a path remembers, for the files that a path is made of (path*.c) and tally. Owner: the worker thread, but for what
 * is marked.
 */
#ifndef MEDIA_PATH_STATE_H
#define MEDIA_PATH_STATE_H

#include "core/snapshot.h"
#include "crypto/dtls.h"
#include "crypto/srtp.h"
#include "media/codec.h"
#include "media/dtmf.h"
#include "media/ice.h"
#include "media/jbuf.h"
#include "media/path.h"
#include "media/rtcp.h"
#include "media/rtp.h"
#include "media/srclock.h"
#include "media/tone.h"
#include "net/poller.h"
#include "net/udp_set.h"

#include <stdatomic.h>

enum {
    PATH_FRAME_MAX = CODEC_WIDE / 50, /* 20 ms: what the browser gets */
    PATH_PACKET_MAX = CODEC_WIDE * 6 / 100 /* 60 ms: what the trunk may get */,
    PATH_SSRC_MAX = 16,       /* sources a browser may show us in one call */
    PATH_SLOW_US = 20000,     /* between two rounds of the timers that need no hurry, … */
    PATH_SETTLED_US = 100000, /* … and of a path that has found its browser */
    PATH_FIGURES_US = 1000000,
};

struct path_in { /* what one side sends us */
    struct rtcp_recv recv;
    struct dtmf_rx events;
    enum {
        PRESS_NONE,
        PRESS_LIVE,
        PRESS_LOST
    } press;                /* what became of the key that is down: goes on, or found no room */
    enum media_codec codec; /* of the newest audio */
    uint32_t dropped;
    uint64_t alive_us; /* newest valid packet; or since when we wait for one */
    uint64_t heard_us; /* newest audio of the browser */
    bool silent;       /* MEDIA_TIMEOUT was told */
    uint64_t press_us; /* when all presses so far would be over at PRESS_MIN_US each */
    double rtt_ms;
};

struct path_out { /* what we send to one side: one SSRC and timeline for the whole call */
    struct rtp_splice splice;
    struct rtcp_send send;
    uint8_t pt, pt_event; /* pt_event: when dtmf is MEDIA_DTMF_EVENTS */
    uint8_t pt_noise;     /* when noise */
    bool noise;           /* it takes comfort noise in place of silence */
    enum media_dtmf_way dtmf;
    struct dtmf_tx digits;
    atomic_uint digits_taken; /* of DTMF_QUEUE_MAX; signalling reserves, too */
    uint64_t event_us, report_us;
    bool event_on, reported; /* event_on: a digit takes the place of audio now */
};

struct path_pcm { /* sound between two codecs; room for two of the longest packets */
    int16_t *v;
    size_t count, room; /* samples */
    uint32_t rate;      /* CODEC_RATE or CODEC_WIDE */
};

struct path_up {
    struct jbuf *jbuf;
    struct codec_dec *dec[MEDIA_G722 + 1]; /* of what the browser may send */
    struct codec_enc *enc[MEDIA_G722 + 1]; /* Opus and G.722 of the trunk */
    int complexity;
    struct path_pcm pcm;           /* decoded, not yet sent */
    uint64_t silent_us;            /* since when there is nothing to decode; 0: there is */
    uint64_t noise_us;             /* when comfort noise was told last */
    uint64_t next_us;              /* when the rest of a long frame may go */
    uint32_t ssrcs[PATH_SSRC_MAX]; /* verified, of RTP and RTCP */
    unsigned ssrc_count;
};

struct path_down {
    struct codec_enc *enc;                 /* Opus; NULL when the browser has G.711 */
    struct codec_dec *dec[MEDIA_G722 + 1]; /* Opus and G.722 of the trunk, where the browser has another */
    int complexity;
    struct path_pcm pcm;
    bool started;
    uint32_t clock;            /* of the trunk's timestamps */
    uint32_t in_ssrc, next_ts; /* trunk's: of the next packet wanted */
    uint16_t next_seq;         /* trunk's: of the next packet, whatever it holds */
    uint32_t ssrc,
        head_ts; /* of the stream of 20 ms frames, before rtp_splice; of pcm.v[0] on the browser's clock */
    uint16_t seq;
    struct tone tone;
    bool tone_on;
    uint8_t beep_left; /* frames */
    uint64_t tone_us;
    bool noise_on; /* the trunk is silent, and told how that sounds */
    uint8_t noise_level;
    uint32_t noise_seed;
    uint64_t noise_us;
};

struct path_away { /* path_away.c */
    bool on, sounds;
    struct tone tone;
    uint64_t us; /* when the next packet of it may go */
};

struct path {
    uint32_t id;
    const struct path_host *host;
    uint64_t due_us;     /* when path_tick has something to do; 0: it has to look */
    atomic_bool closing; /* set by signalling, nothing of it touches the path afterwards */
    bool closing_seen;   /* … before the commands of this round were drained */
    bool ended;          /* MEDIA_ENDED waits for room in the mailbox */
    bool failed;         /* MEDIA_FAILED was told: the browser leg is dead */
    struct {             /* what became of the path, as long as the mailbox has no room to tell it */
        bool waits;
        struct media_event ev;
    } untold;
    bool echo; /* there is no trunk: path_echo */
    bool held;
    bool rings; /* held since before the browser was known */

    struct udp_set rtp, rtcp;
    struct path_watch {
        struct poller_watch watch;
        struct path *path;
        struct udp *udp;
        bool rtcp;
    } watches[2 * UDP_BINDS_MAX];
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
    struct addr stranger; /* the last source of RTP that was not taken for the trunk's */
    uint32_t strangers;   /* packets of such */
    struct path_out to_browser, to_trunk;
    struct path_up up;
    struct path_down down;
    struct path_away away;
    char cname[24];

    uint64_t slow_us, figures_us;
    SNAPSHOT(figures, struct media_event);
};

/* What came in may be due sooner than what path_tick saw last. */
static inline void path_touched(struct path *p)
{
    p->due_us = 0;
    p->host->agenda->due_us = 0;
}

#endif

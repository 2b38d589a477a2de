/*
 * tests/fake/mediacall: a media engine with one path, a fake browser on its one side and a plain RTP peer on its other, all on
 * loopback in one process. The test drives it: mediacall_run() until something has happened.
 */
#ifndef TESTS_FAKE_MEDIACALL_H
#define TESTS_FAKE_MEDIACALL_H

#include "fake/browser.h"
#include "media/codec.h"
#include "media/media.h"
#include "media/rtp.h"
#include "net/udp.h"

enum {
    MEDIACALL_EVENTS = 64,
    MEDIACALL_PCM = 8000 * 20,
    MEDIACALL_PT_OPUS = 111,
    MEDIACALL_PT_EVENT = 126, /* on the 8 kHz clock */
    MEDIACALL_PT_EVENT_48K = 110,
};

struct mediacall_sink {                      /* what one end heard */
    struct rtp_hdr first, last;              /* headers only */
    uint64_t packets, gaps, events, markers; /* gaps: steps of the sequence number other than 1 */
    uint32_t ssrcs;                          /* changes of SSRC, the first included */
    uint8_t event_payload[4];                /* of the last telephone-event packet */
    uint32_t event_ts;
    char digits[16];       /* one for each event that began */
    uint8_t payload[1500]; /* of the last audio packet */
    size_t payload_len;
    int16_t pcm[MEDIACALL_PCM]; /* decoded */
    size_t pcm_count;
    uint64_t max_gap_us, last_us; /* between two packets */
};

struct mediacall {
    struct media *media;
    struct mbox *events;
    struct media_path *path;
    struct media_local local;
    struct dtls_identity *identity;
    struct fbrowser *browser;
    struct udp rtp, rtcp; /* the trunk peer's */
    struct udp_reader *reader;
    struct addr trunk_addr; /* of rtp */
    struct addr path_addr;  /* where the path takes trunk RTP */
    enum media_codec browser_codec, trunk_codec;
    struct codec_enc *enc;
    struct codec_dec *dec;
    struct mediacall_sink at_browser, at_trunk;
    uint64_t trunk_rtcp;

    bool browser_talks, trunk_talks; /* a tone in 20 ms packets */
    double browser_hz, trunk_hz;
    uint64_t browser_us, trunk_us;
    uint32_t browser_n, trunk_n; /* packets of each so far */
    uint16_t trunk_seq;
    uint32_t trunk_ssrc;

    struct media_event log[MEDIACALL_EVENTS];
    size_t logged;
};

struct wire;

struct mediacall_inside { /* the browser is reached by another thread of the process, not by the network */
    struct wire *wire;
    struct addr reached; /* where the engine is found by it; port ignored */
    struct addr browser; /* what the engine knows of the browser, … */
    struct addr engine;  /* … and the browser of the engine */
};

struct mediacall_config {
    enum media_codec browser, trunk;
    bool we_offer; /* we are controlling, and DTLS server; else the browser offered and we are DTLS client */
    bool wrong_fingerprint;
    bool any_address;   /* the engine binds to 0.0.0.0 */
    bool both_families; /* … to 127.0.0.1 and ::1 */
    bool no_trunk;      /* the test tells the trunk's address itself */
    uint32_t rtp_timeout_s;
    const struct mediacall_inside *inside; /* NULL: they reach each other */
};

int mediacall_start(struct mediacall *c, const struct mediacall_config *cfg);
void mediacall_stop(struct mediacall *c);
/* What the engine is told of the browser and the trunk; for tests that tell it again with changes. */
void mediacall_browser(const struct mediacall *c, struct media_browser *b);
void mediacall_trunk(const struct mediacall *c, struct media_trunk *t);
/* Runs until cond(c) or timeout; cond NULL = until the timeout. Returns whether cond came true. */
bool mediacall_run(struct mediacall *c, bool (*cond)(struct mediacall *c), unsigned timeout_ms);
/* Conditions. */
bool mediacall_up(struct mediacall *c); /* MEDIA_DTLS_UP and the browser agrees */
bool mediacall_failed(struct mediacall *c);
bool mediacall_ended(struct mediacall *c);
const struct media_event *mediacall_event(const struct mediacall *c, enum media_event_type type);
/* One packet of the trunk peer from a socket of its own choice. */
int mediacall_trunk_send(struct mediacall *c, struct udp *from, uint8_t pt, uint32_t ts, const void *payload,
                         size_t n);
/* Share of the last n samples' energy that lies at hz (0..1), and their level in RMS. */
double mediacall_tone_share(const struct mediacall_sink *s, double hz, size_t n, double *rms);

#endif

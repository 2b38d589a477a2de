/*
 * call/sdp: session descriptions (RFC 8866) as this gateway needs them: one audio stream, towards a browser (RFC 8829: ICE, DTLS-SRTP,
 * BUNDLE) or a trunk (plain RTP/AVP, G.711). Reads outside text into a bounded value, chooses codecs, writes ours.
 * No state, no thread; the text needs no terminating 0.
 */
#ifndef CALL_SDP_H
#define CALL_SDP_H

#include "core/addr.h"
#include "core/buf.h"
#include "media/media.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SDP_TEXT_MAX = 32768, /* longer descriptions are refused */
    SDP_FMTS_MAX = 48,
    SDP_MLINES_MAX = 8,
    SDP_CANDS_OWN_MAX = 8,
    SDP_PT_NONE = 0xff
};

enum sdp_setup { SDP_SETUP_NONE, SDP_SETUP_ACTPASS, SDP_SETUP_ACTIVE, SDP_SETUP_PASSIVE };

struct sdp_fmt { /* one payload type of the audio stream */
    uint8_t pt;
    char name[24];
    uint32_t rate; /* 0 = not known: dynamic type without rtpmap */
};

struct sdp_mline { /* what an answer must mirror of each m= line (RFC 3264 6) */
    char media[16], proto[32], fmt[24], mid[32];
};

struct sdp {
    struct sdp_mline mline[SDP_MLINES_MAX];
    size_t mlines;
    int audio;    /* index of the audio stream in mline, -1 = none */
    bool refused; /* none, but one with port 0: held the old way, or not wanted */
    /* the audio stream: */
    struct addr rtp;    /* where the peer receives; port 0 = stream refused */
    struct addr rtcp;   /* a=rtcp, else the next port */
    enum media_dir dir; /* as the PEER says it; without ICE 0.0.0.0 counts as no receiving (RFC 2543 hold) */
    uint32_t ptime_ms;
    struct sdp_fmt fmt[SDP_FMTS_MAX];
    size_t fmts;
    bool rtcp_mux, bundle, savpf;
    enum sdp_setup setup;
    char ice_ufrag[ICE_UFRAG_MAX], ice_pwd[ICE_PWD_MAX];
    bool has_fingerprint; /* a SHA-256 one; others are of no use to us */
    uint8_t fingerprint[32];
    struct media_cand cands[MEDIA_CANDS_MAX];
    size_t cand_count;
};

/* EBADMSG: not an SDP; EMSGSIZE: too long. An SDP without audio is no error: audio is -1. */
int sdp_parse(struct sdp *s, const char *text, size_t len);
/* The payload type with this name (any case) and clock rate; NULL. */
const struct sdp_fmt *sdp_find(const struct sdp *s, const char *name, uint32_t rate);

/* Order of G.711 codecs; MEDIA_NONE ends it. */
struct sdp_order {
    enum media_codec v[4];
};
/* From "pcmu,pcma" (a trunk's setting; unknown words skipped; empty = both), with first moved to the front when it is in it. */
void sdp_order_decode(struct sdp_order *o, const char *codecs, enum media_codec first);

/*
 * What the media path needs of a trunk's description. answer: the peer's first codec that is ours counts; an offer: the first of
 * ours that it has. signalling is left alone. ENOTSUP: no common codec, no audio or refused: 488.
 */
int sdp_to_trunk(struct media_trunk *t, const struct sdp *s, const struct sdp_order *order, bool answer);

/*
 * What the media path needs of a browser's description; want = the codec to speak when it has it (MEDIA_OPUS, PCMU, PCMA), else the
 * first in ITS order. offer: s is its offer (we answer active), else its answer. ENOTSUP: no common codec; EPROTO: no ICE
 * credentials, no SHA-256 fingerprint, not DTLS-SRTP, no rtcp-mux.
 */
int sdp_to_browser(struct media_browser *b, const struct sdp *s, enum media_codec want, bool offer);

struct sdp_own {             /* what we say of ourselves, both sides */
    uint64_t id, version;    /* o= */
    struct addr addr;        /* trunk: RTP address and port; browser: unused */
    enum media_dir dir;      /* ours */
    const struct sdp *offer; /* non-NULL: this is the answer to it */
};

/* Towards the trunk. codecs: offered in this order (answer: only t->codec). t NULL when offering. */
int sdp_write_trunk(struct buf *out, const struct sdp_own *own, const struct sdp_order *order,
                    const struct media_trunk *t);

struct sdp_ice_own {
    const struct media_local *local;
    struct addr cands[SDP_CANDS_OWN_MAX]; /* best first; ports are local->ice_port */
    size_t cand_count;
};
/* Offer towards a browser: codecs in the order given (MEDIA_OPUS, …; MEDIA_NONE ends), setup:actpass. */
int sdp_write_browser_offer(struct buf *out, const struct sdp_own *own, const struct sdp_ice_own *ice,
                            const enum media_codec codecs[4]);
/* Answer to own->offer with what sdp_to_browser chose. */
int sdp_write_browser_answer(struct buf *out, const struct sdp_own *own, const struct sdp_ice_own *ice,
                             const struct media_browser *b);

#endif

/*
 * call/sdp: session descriptions (RFC 8866) as this gateway needs them: one audio stream, towards a browser (RFC 8829: ICE, DTLS-SRTP,
 * BUNDLE) or a trunk (plain RTP). Reads outside text into a bounded value, chooses stream and codecs, writes ours.
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
    SDP_LINE_ANY = -1,
    SDP_PT_NONE = 0xff
};

enum sdp_setup { SDP_SETUP_NONE, SDP_SETUP_ACTPASS, SDP_SETUP_ACTIVE, SDP_SETUP_PASSIVE };

struct sdp_fmt { /* one payload type of the audio stream */
    uint8_t pt;
    char name[24];
    uint32_t rate; /* 0 = not known: dynamic type without rtpmap */
};

struct sdp_mline { /* what an answer must mirror of each m= line (RFC 3264 6) */
    char media[16], proto[32], fmts[96], mid[64];
    uint16_t port;
};

enum sdp_proto { /* of the audio stream; its m= line has it as written */
                 SDP_PROTO_OTHER,
                 SDP_PROTO_AVP,
                 SDP_PROTO_AVPF,
                 SDP_PROTO_SAVP, /* keys by SDES (RFC 4568), or by DTLS when there is a fingerprint (RFC 8829 5.1.2) */
                 SDP_PROTO_SAVPF,
                 SDP_PROTO_DTLS /* UDP/TLS/RTP/SAVP[F] and its TCP names (RFC 5764) */
};

enum sdp_conn { /* what the c= line of the audio stream gives */
                SDP_CONN_NONE,
                SDP_CONN_OTHER, /* a name, or no Internet address: nothing that we can send to */
                SDP_CONN_IP
};

struct sdp {
    struct sdp_mline mline[SDP_MLINES_MAX];
    size_t mlines;
    int audio;    /* index of the audio stream in mline, -1 = none */
    bool refused; /* none, but one with port 0: held the old way, or not wanted */
    /* the audio stream: */
    enum sdp_proto proto;
    enum sdp_conn conn;
    struct addr rtp;    /* where the peer receives; 0.0.0.0 = nowhere for now */
    struct addr rtcp;   /* a=rtcp, else the next port */
    enum media_dir dir; /* as the PEER says it; without ICE 0.0.0.0 counts as no receiving (RFC 2543 hold) */
    uint32_t ptime_ms, maxptime_ms; /* 0 = not said */
    struct sdp_fmt fmt[SDP_FMTS_MAX];
    size_t fmts;
    struct media_opus opus; /* of the first that is Opus */
    bool rtcp_mux, bundle;
    enum sdp_setup setup;
    char ice_ufrag[ICE_UFRAG_MAX], ice_pwd[ICE_PWD_MAX];
    bool has_fingerprint; /* a SHA-256 one; others are of no use to us */
    uint8_t fingerprint[32];
    struct media_cand cands[MEDIA_CANDS_MAX];
    size_t cand_count;
};

/*
 * As an answer is read: its audio stream is m= line number `line`, that of our offer's; SDP_LINE_ANY: the first that is one. EBADMSG: not an SDP; EMSGSIZE: too long. One without audio is no error: audio is -1.
 */
int sdp_parse(struct sdp *s, const char *text, size_t len, int line);
/*
 * An offer: the audio stream is the first for which fit returns 0 (RFC 3264 6: we may choose); none does: what fit said of the first.
 * ENODATA: no m= line offers audio (refused says whether one has port 0). fit gets s read with one stream after the other.
 */
typedef int(sdp_fit_h)(const struct sdp *s, void *arg);
int sdp_parse_offer(struct sdp *s, const char *text, size_t len, sdp_fit_h *fit, void *arg);
/* The payload type with this name (any case) and clock rate; NULL. */
const struct sdp_fmt *sdp_find(const struct sdp *s, const char *name, uint32_t rate);

#define SDP_MID_OWN "0" /* a=mid of the audio where nobody else named it */

enum { SDP_CODECS_MAX = 4 };

/* A trunk's codecs in order of preference; MEDIA_NONE ends it. */
struct sdp_order {
    enum media_codec v[SDP_CODECS_MAX];
    uint32_t ptime_ms; /* what we ask for, and send to who says nothing; 0 = 20 */
};
/* From "pcmu,pcma,g722,opus" (a trunk's setting; unknown words skipped; empty = G.711), with first moved to the front when it is in it. */
void sdp_order_decode(struct sdp_order *o, const char *codecs, enum media_codec first);

/* The payload types of our own offers to browsers, as far as each offers their codecs. */
extern const struct media_formats sdp_formats_browser;
/* Those of an offer to a trunk: these codecs in their order, telephone-event at each of their clock rates. known: what its dialog has agreed
 * before, with or without an offer of ours: numbers keep their meaning (RFC 3264 8.3.2), and comfort noise is listed when the trunk did. */
void sdp_formats_offer(struct media_formats *f, const struct sdp_order *order,
                       const struct media_formats *known);

/*
 * Why a description cannot be served, as the errors of the functions below; sdp_warning() says it to the peer (RFC 3261 20.43):
 * ENODATA no audio · EPROTONOSUPPORT not the m= line's proto · ENOTSUP no common codec · EDESTADDRREQ no address in c= · EAFNOSUPPORT
 * an address family that we lack · EADDRNOTAVAIL multicast · ENETUNREACH an address that leads nowhere · EPROTO a browser's without
 * ICE, rtcp-mux or a SHA-256 fingerprint
 */
unsigned sdp_warning(int err, const char **text);

/*
 * What the media path needs of a trunk's description. answer: the peer's first codec that is ours counts; an offer: the first of
 * ours that it has. signalling is left alone. t->formats: what the dialog has agreed before, from which our offer was made.
 */
int sdp_to_trunk(struct media_trunk *t, const struct sdp *s, const struct sdp_order *order, bool answer);

/*
 * What the media path needs of a browser's description; want = the codec to speak when it has it (MEDIA_OPUS, PCMU, PCMA), else the
 * first in ITS order. offer: s is its offer (we answer active), else its answer.
 */
int sdp_to_browser(struct media_browser *b, const struct sdp *s, enum media_codec want, bool offer);

struct sdp_own {          /* what we say of ourselves, both sides */
    uint64_t id, version; /* o= */
    struct addr addr;     /* trunk: RTP address and port; browser: unused */
    enum media_dir dir;   /* ours */
    const struct sdp
        *offer; /* whose m= lines it has: non-NULL: this is the answer to it, or an offer after it */
    const struct media_formats *known; /* offer to a trunk: sdp_formats_offer(); may be NULL */
    enum media_codec beside;           /* what the other side speaks, and, if that is Opus, … */
    const struct media_opus *opus;     /* … what it asks for; NULL = nothing */
};

/* Towards the trunk. codecs: offered in this order (answer: only t->codec). t NULL when offering: later offers of a dialog keep the
 * m= lines that it has (RFC 3264 8). */
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

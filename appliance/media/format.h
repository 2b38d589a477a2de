/*
 * media/format: the payload types that one side and we agreed on. What the answer lists may come at any time, each type in
 * mid-stream after another and each at its own clock rate (RFC 3264 5.1, 6.1; RFC 4733 2.1). Plain values, no thread.
 */
#ifndef MEDIA_FORMAT_H
#define MEDIA_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum media_codec {
    MEDIA_NONE,
    MEDIA_OPUS,
    MEDIA_PCMU,
    MEDIA_PCMA,
    MEDIA_G722,
    MEDIA_EVENT, /* telephone-event: RFC 4733 */
    MEDIA_CN,    /* comfort noise: RFC 3389 */
};
/* As in SDP: "opus", "PCMU", "PCMA", "G722", "telephone-event", "CN"; "" for none. */
const char *media_codec_name(enum media_codec c);

struct media_format {
    uint8_t pt;
    enum media_codec codec;
    uint32_t rate; /* RTP clock: 48000 for Opus, 8000 for G.711, G.722 and comfort noise, either for events */
};

/* What the receiver of Opus asks for (RFC 7587 6.1). It binds whoever encodes, so that it is told on where Opus goes straight through. */
struct media_opus {
    uint32_t maxplaybackrate, maxaveragebitrate; /* 0 = not said */
    bool stereo, fec, dtx;
};

enum { MEDIA_FORMATS_MAX = 12 };

/* In the order of the description. Of two formats of one codec the first is what we send, both may come: where the peer's
 * answer gives a codec another number than our offer did, the peer's comes before ours. */
struct media_formats {
    struct media_format v[MEDIA_FORMATS_MAX];
    size_t count;
};

/* False when it is full or has that payload type already. */
bool media_formats_add(struct media_formats *f, uint8_t pt, enum media_codec codec, uint32_t rate);
/* What a packet with this payload type is; NULL. */
const struct media_format *media_formats_of(const struct media_formats *f, uint8_t pt);
/* What we send codec as; NULL. */
const struct media_format *media_formats_codec(const struct media_formats *f, enum media_codec codec);
/* What we send events as beside that codec: the first with its clock rate, else the first; NULL when the side takes none. */
const struct media_format *media_formats_event(const struct media_formats *f, enum media_codec beside);

#endif

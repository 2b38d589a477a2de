/* media/format: see format.h. */
#include "media/format.h"

const char *media_codec_name(enum media_codec c)
{
    static const char *const names[] = {
        [MEDIA_NONE] = "",     [MEDIA_OPUS] = "opus", [MEDIA_PCMU] = "PCMU",
        [MEDIA_PCMA] = "PCMA", [MEDIA_G722] = "G722", [MEDIA_EVENT] = "telephone-event",
        [MEDIA_CN] = "CN"};

    return c <= MEDIA_CN ? names[c] : "";
}

bool media_formats_add(struct media_formats *f, uint8_t pt, enum media_codec codec, uint32_t rate)
{
    if (f->count == MEDIA_FORMATS_MAX || media_formats_of(f, pt))
        return false;
    f->v[f->count++] = (struct media_format){pt, codec, rate};
    return true;
}

const struct media_format *media_formats_of(const struct media_formats *f, uint8_t pt)
{
    for (size_t i = 0; i < f->count; i++)
        if (f->v[i].pt == pt)
            return &f->v[i];
    return NULL;
}

const struct media_format *media_formats_codec(const struct media_formats *f, enum media_codec codec)
{
    for (size_t i = 0; i < f->count; i++)
        if (f->v[i].codec == codec)
            return &f->v[i];
    return NULL;
}

const struct media_format *media_formats_event(const struct media_formats *f, enum media_codec beside)
{
    const struct media_format *audio = media_formats_codec(f, beside);

    for (size_t i = 0; audio && i < f->count; i++)
        if (f->v[i].codec == MEDIA_EVENT && f->v[i].rate == audio->rate)
            return &f->v[i];
    return media_formats_codec(f, MEDIA_EVENT);
}

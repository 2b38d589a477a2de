/* Reads any text as an SDP; what was understood must make an answer that is understood again. */
#include "call/sdp.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void answer_browser(const struct sdp *s)
{
    static const uint8_t fp[32];
    struct media_local l = {
        .ice_ufrag = "abcd", .ice_pwd = "0123456789012345678901", .fingerprint = fp, .ice_port = 10000};
    struct sdp_ice_own ice = {.local = &l, .cand_count = 1};
    struct sdp_own own = {.offer = s};
    struct media_browser b;
    struct sdp again;
    struct buf out;

    (void)addr_parse_ip(&ice.cands[0], "192.0.2.1", 0);
    if (sdp_to_browser(&b, s, MEDIA_OPUS, true))
        return;
    if (!media_formats_codec(&b.formats, b.codec))
        abort();
    buf_init(&out, 65536);
    if (!sdp_write_browser_answer(&out, &own, &ice, &b) &&
        (sdp_parse(&again, out.data, out.len, SDP_LINE_ANY) || again.mlines != s->mlines))
        abort();
    buf_reset(&out);
}

static int fits_h(const struct sdp *s, void *arg)
{
    struct sdp_order order;

    sdp_order_decode(&order, "", MEDIA_NONE);
    return sdp_to_trunk(arg, s, &order, false);
}

static void answer_trunk(const char *text, size_t len)
{
    static struct sdp s;
    struct sdp_own own = {.offer = &s, .dir = MEDIA_SENDRECV};
    struct sdp_order order;
    struct media_trunk t;
    struct sdp again;
    struct buf out;

    memset(&t, 0, sizeof(t));
    if (sdp_parse_offer(&s, text, len, fits_h, &t))
        return;
    if (!media_formats_codec(&t.formats, t.codec))
        abort();
    sdp_order_decode(&order, "", MEDIA_NONE);
    (void)addr_parse_ip(&own.addr, "192.0.2.1", 10100);
    buf_init(&out, 65536);
    if (!sdp_write_trunk(&out, &own, &order, &t) &&
        (sdp_parse_offer(&again, out.data, out.len, fits_h, &t) || again.mlines != s.mlines ||
         again.audio != s.audio || strcmp(again.mline[s.audio].proto, s.mline[s.audio].proto)))
        abort();
    buf_reset(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct sdp s;

    if (!sdp_parse(&s, (const char *)data, size, SDP_LINE_ANY))
        answer_browser(&s);
    answer_trunk((const char *)data, size);
    return 0;
}

/* Reads any text as a body; what is found must lie within it. The first line of the input is the Content-Type. */
#include "sip/body.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *p = (const char *)data, *nl = memchr(data, '\n', size);
    size_t n = nl ? (size_t)(nl - p) : size;
    const struct body b = {.ctype = {p, n},
                           .encoding = {"", 0},
                           .disposition = {"", 0},
                           .content = {p + n + (nl ? 1 : 0), size - n - (nl ? 1 : 0)}};
    struct pl sdp;

    if (!body_find_sdp(&sdp, &b) && (sdp.p < b.content.p || sdp.p + sdp.l > p + size || !sdp.l))
        abort();
    return 0;
}

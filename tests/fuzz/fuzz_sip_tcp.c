/* Bytes of a stream, in two pieces: frames must not depend on where the pieces are cut, and each must lie within what came. */
#include "sip/validate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void stream(uint8_t *data, size_t size, size_t cut)
{
    size_t len = 0, again = 0;
    struct sip_check c;
    int err;

    sip_unfold(data, cut); /* as each piece comes */
    err = sip_stream_frame(data, cut, &len);
    if (!err && (sip_stream_frame(data, size, &again) || again != len))
        abort(); /* more bytes changed what was whole */
    while (size) {
        sip_unfold(data, size);
        err = sip_stream_frame(data, size, &len);
        if (err)
            break;
        if (!len || len > size || len > SIP_MESSAGE_MAX)
            abort();
        sip_validate(&c, data, len, SIP_STREAM);
        if (c.verdict == SIP_MSG_OK && c.len != len)
            abort(); /* the framer and the validator disagree: the next message would be another one */
        data += len;
        size -= len;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t cut = size ? data[0] * size / 256 : 0;
    uint8_t *copy;

    if (!size)
        return 0;
    copy = malloc(size);
    memcpy(copy, data + 1, size - 1);
    stream(copy, size - 1, cut < size - 1 ? cut : size - 1);
    free(copy);
    return 0;
}

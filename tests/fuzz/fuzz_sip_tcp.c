/* Bytes of a stream, in two pieces: frames must not depend on where the pieces are cut, and each must lie within what came. */
#include "sip/validate.h"

#include <errno.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t cut = size ? data[0] * size / 256 : 0, len = 0, again = 0;
    struct sip_check c;
    int err;

    if (!size)
        return 0;
    data++;
    size--;
    cut = cut < size ? cut : size;
    err = sip_stream_frame(data, cut, &len);
    if (!err && (sip_stream_frame(data, size, &again) || again != len))
        abort(); /* more bytes changed what was whole */
    while (size) {
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
    return 0;
}

/* G.722: any bytes are sound, and what is made up for a loss in between does not take the decoder out of its bounds. */
#include "media/g722.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BYTES_MAX = 480 };

static void bounds(const struct g722_band *b, int32_t nb_max)
{
    if (b->nb < 0 || b->nb > nb_max || b->det <= 0 || abs(b->a[1]) > 12288 || abs(b->a[0]) > 15360 - b->a[1])
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct g722_dec d;
    int16_t pcm[2 * BYTES_MAX];

    if (!size)
        return 0;
    g722_dec_init(&d, data[0] & 1);
    for (size_t at = 1; at < size; at += BYTES_MAX) {
        size_t n = size - at < BYTES_MAX ? size - at : BYTES_MAX;

        g722_dec(&d, pcm, data + at, n);
        if (data[at] & 1)
            g722_dec_follow(&d, pcm, n);
        d.narrow = data[at] & 2;
        bounds(&d.low, 18432);
        bounds(&d.high, 22528);
    }
    return 0;
}

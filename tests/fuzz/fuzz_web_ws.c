/* WebSocket frames from outside: the same events however the bytes are cut, nothing longer than the limit, only UTF-8 as text. */
#include "core/utf8.h"
#include "web/wsframe.h"
#include <stdlib.h>
#include <string.h>

enum { MESSAGE_MAX = 1000 };

/* Feeds in steps; returns a sum over all events. */
static uint64_t run(const uint8_t *p, size_t n, size_t step)
{
    struct ws_decoder d;
    uint64_t sum = 1469598103934665603u;
    enum ws_event ev = WS_MORE;

    ws_decoder_init(&d, MESSAGE_MAX, NULL);
    while (n && ev != WS_BAD && ev != WS_CLOSE) {
        size_t part = step < n ? step : n, used;

        ev = ws_decode(&d, p, part, &used);
        if (used > part || (!used && ev == WS_MORE))
            abort();
        p += used;
        n -= used;
        if (ev == WS_MORE)
            continue;
        sum = (sum ^ ev) * 1099511628211u;
        if (ev == WS_MESSAGE) {
            if (d.msg.len > MESSAGE_MAX || (d.text && !utf8_valid(d.msg.data, d.msg.len)))
                abort();
            for (size_t i = 0; i < d.msg.len; i++)
                sum = (sum ^ (uint8_t)d.msg.data[i]) * 1099511628211u;
        } else if (ev == WS_BAD || ev == WS_CLOSE) {
            sum = (sum ^ d.code) * 1099511628211u;
        } else if (d.ctl_len > WS_CTL_MAX) {
            abort();
        }
    }
    ws_decoder_reset(&d);
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t whole = run(data, size, size ? size : 1);

    if (run(data, size, 1) != whole || run(data, size, 3) != whole)
        abort();
    return 0;
}

/* A capture file of any JSON: no crash, and what is written is whole blocks. */
#include "core/buf.h"
#include "core/json.h"
#include "service/pcap.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct json *j = NULL;
    struct buf out;
    uint32_t len;

    if (json_parse(&j, (const char *)data, size, NULL, 0))
        return 0;
    buf_init(&out, 1 << 20);
    if (!pcap_write(&out, json_root(j)))
        for (size_t at = 0; at < out.len; at += len) {
            if (out.len - at < 12)
                abort();
            memcpy(&len, out.data + at + 4, sizeof(len));
            if (len % 4 || len < 12 || len > out.len - at ||
                memcmp(out.data + at + 4, out.data + at + len - 4, 4))
                abort();
        }
    buf_reset(&out);
    json_free(j);
    return 0;
}

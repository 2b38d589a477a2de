/* A call's trace: any bytes as a message give JSON that reads back, bounded, and facts that stay within theirs. */
#include "call/trace.h"
#include "core/json.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct trace_message m = {.leg = TRACE_TRUNK, .transport = "udp", .p = (const char *)data, .len = size};
    struct trace_facts f;
    struct json *j = NULL;
    struct trace *t;
    struct buf out;

    if (!size || trace_alloc(&t, "fuzz", 1, 32768))
        return 0;
    (void)addr_parse_ip(&m.us, "192.0.2.1", 5060);
    (void)addr_parse_ip(&m.peer, "2001:db8::1", 5060);
    m.out = data[0] & 1;
    m.leg = data[0] & 2 ? TRACE_BROWSER : TRACE_TRUNK;
    trace_sip(t, &m);
    m.out = !m.out;
    trace_sip(t, &m); /* its lines are there by now */
    buf_init(&out, TRACE_JSON_MAX);
    if (trace_json(t, true, &out) || json_parse(&j, out.data, out.len, NULL, 0))
        abort();
    trace_facts_read(&f, json_get(json_root(j), "facts"));
    if (memcmp(f.trunk_sdp, t->facts.trunk_sdp, strlen(f.trunk_sdp) + 1))
        abort();
    json_free(j);
    buf_reset(&out);
    trace_free(t);
    return 0;
}

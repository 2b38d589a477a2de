/* What a trunk asks of an agent's phone, by NOTIFY and in an INVITE: keys that are read can be pressed. */
#include "call/cti.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mbuf *mb = mbuf_alloc(size + 1);
    struct sip_msg *msg = NULL;
    unsigned after_s = 0;
    struct cti_keys k;

    (void)mbuf_write_mem(mb, data, size);
    mb->pos = 0;
    if (!sip_msg_decode(&msg, mb) && msg->req) {
        const struct pl event = cti_event(msg);

        if (event.l && (memchr(event.p, ';', event.l) || memchr(event.p, ' ', event.l)))
            abort();
        (void)cti_answers(msg, &after_s);
        if (after_s > CTI_AFTER_MAX_S)
            abort();
        if (!cti_keys_read(&k, msg) && (!k.keys[0] || !k.ms || k.keys[strspn(k.keys, "0123456789*#ABCD")]))
            abort();
    }
    mem_deref(msg);
    mem_deref(mb);
    return 0;
}

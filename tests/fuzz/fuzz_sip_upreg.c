/* An answer to a REGISTER of ours, the input being its headers: whatever it says, times stay within what a timer may be set to. */
#include "sip/stack_priv.h"
#include "sip/upregmsg.h"

#include <stdlib.h>
#include <string.h>

enum { ASKED = 3600, MOST = 30 * 86400 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mbuf *mb = mbuf_alloc(size + 256);
    struct sip_msg *msg = NULL;
    struct upreganswer a;
    struct addr self;

    (void)addr_parse_ip(&self, "192.0.2.1", 5060);
    (void)mbuf_write_str(
        mb, "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1\r\n"
            "From: <sip:5001@192.0.2.9>;tag=1\r\nTo: <sip:5001@192.0.2.9>;tag=2\r\nCall-ID: c\r\n"
            "CSeq: 1 REGISTER\r\n");
    (void)mbuf_write_mem(mb, data, size);
    (void)mbuf_write_str(mb, "\r\nContent-Length: 0\r\n\r\n");
    mb->pos = 0;
    if (!sip_msg_decode(&msg, mb)) {
        upreganswer_read(&a, msg, &self, ASKED);
        if (a.expires > MOST || a.min_expires > MOST || a.retry_after > MOST ||
            !upreganswer_words(msg->scode)[0])
            abort();
    }
    mem_deref(msg);
    mem_deref(mb);
    return 0;
}

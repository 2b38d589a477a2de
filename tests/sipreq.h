/* A request within a dialog, as libre decodes it: for unit tests of what reads one. hdrs: complete lines. NULL: it cannot be decoded. */
#ifndef TESTS_SIPREQ_H
#define TESTS_SIPREQ_H

#include <re.h>
#include <string.h>

static inline struct sip_msg *sipreq(const char *method, const char *hdrs, const char *body)
{
    struct sip_msg *msg = NULL;
    struct mbuf *mb = mbuf_alloc(2048);

    (void)mbuf_printf(mb,
                      "%s sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: sip:c@d;tag=1\r\n"
                      "To: <sip:a@b>;tag=2\r\nCall-ID: x\r\nCSeq: 2 %s\r\n%sContent-Length: %zu\r\n\r\n%s",
                      method, method, hdrs, strlen(body), body);
    mb->pos = 0;
    if (sip_msg_decode(&msg, mb))
        msg = NULL;
    mem_deref(mb);
    return msg;
}

#endif

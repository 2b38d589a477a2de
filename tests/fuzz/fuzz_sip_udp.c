/* A datagram from a trunk: what the validator lets through must be something that libre and our handlers can read. */
#include "sip/validate.h"

#include <re.h>

#include <stdlib.h>

static void read_addresses(const struct sip_msg *msg)
{
    static const enum sip_hdrid ids[] = {SIP_HDR_CONTACT, SIP_HDR_RECORD_ROUTE, SIP_HDR_ROUTE,
                                         SIP_HDR_P_ASSERTED_IDENTITY, SIP_HDR_REFER_TO};
    struct sip_addr addr;
    const struct sip_hdr *hdr;

    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        hdr = sip_msg_hdr(msg, ids[i]);
        if (hdr)
            (void)sip_addr_decode(&addr, &hdr->val);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sip_msg *msg = NULL;
    struct sip_check c;
    struct mbuf *mb;

    sip_validate(&c, data, size, SIP_DATAGRAM);
    if (c.verdict == SIP_MSG_DROP)
        return 0;
    if (c.head_len > size || c.start_len > c.head_len ||
        (c.verdict == SIP_MSG_OK && (c.len > size || c.len < c.head_len)))
        abort();
    mb = mbuf_alloc(size);
    if (!mb)
        return 0;
    (void)mbuf_write_mem(mb, data, c.verdict == SIP_MSG_OK ? c.len : c.head_len);
    mb->pos = 0;
    if (!sip_msg_decode(&msg, mb)) {
        /* what handlers rely on */
        if (msg->req != c.request || !msg->callid.l || !msg->via.branch.l || !msg->cseq.met.l ||
            !msg->from.val.l || !msg->to.val.l)
            abort();
        read_addresses(msg);
    }
    mem_deref(msg);
    mem_deref(mb);
    return 0;
}

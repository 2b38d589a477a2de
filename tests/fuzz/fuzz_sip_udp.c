/*
 * A datagram from a trunk, its folded lines joined: what the validator lets through must be something that the decoder and our
 * handlers can read, the same after a second joining, and what gets a 400 must be readable enough for one.
 */
#include "sip/validate.h"

#include "sip/remsg.h"

#include <re.h>

#include <stdlib.h>
#include <string.h>

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

/* What handlers rely on; each header is found by its own name only. */
static void read_message(const struct sip_msg *msg, bool request)
{
    if (msg->req != request || !msg->callid.l || !msg->via.branch.l || !msg->cseq.met.l || !msg->from.val.l ||
        !msg->to.val.l)
        abort();
    for (struct le *le = msg->hdrl.head; le; le = le->next) {
        const struct sip_hdr *hdr = le->data;

        if (hdr->id == SIP_HDR_TO && pl_strcasecmp(&hdr->name, "To") && pl_strcasecmp(&hdr->name, "t"))
            abort();
    }
    read_addresses(msg);
}

static void one(const uint8_t *data, size_t size)
{
    struct sip_msg *msg = NULL;
    struct sip_check c;
    struct mbuf *mb;

    sip_validate(&c, data, size, SIP_DATAGRAM);
    if (c.verdict == SIP_MSG_DROP)
        return;
    if (c.head_len > size || c.start_len > c.head_len ||
        (c.verdict == SIP_MSG_OK && (c.len > size || c.len < c.head_len)))
        abort();
    mb = mbuf_alloc(size);
    if (!mb)
        return;
    (void)mbuf_write_mem(mb, data, c.verdict == SIP_MSG_OK ? c.len : c.head_len);
    mb->pos = 0;
    if (!sip_msg_decode(&msg, mb))
        read_message(msg, c.request);
    else if (c.request && (mb->pos = 0, remsg_skim(&msg, mb)))
        abort();
    mem_deref(msg);
    mem_deref(mb);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size + 1), *again = malloc(size + 1);

    if (size) {
        memcpy(copy, data, size);
        sip_unfold(copy, size);
        memcpy(again, copy, size);
        sip_unfold(again, size);
        if (memcmp(copy, again, size))
            abort();
    }
    one(copy, size);
    free(copy);
    free(again);
    return 0;
}

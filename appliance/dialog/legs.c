/* dialog/legs: all legs, and what libre shows them of the messages that come. */
#include "dialog/legin.h"
#include "dialog/legtx.h"
#include <errno.h>
#include <string.h>

/* One that still waits for its ACK cannot wait any longer: without a BYE the peer would keep a call with nobody in it. */
static bool farewell_h(struct le *le, void *arg)
{
    struct leg *leg = le->data;

    (void)arg;
    if (leg->state == LEG_ANSWERED)
        (void)leg_bye(leg);
    return false;
}

static void legs_destructor(void *arg)
{
    struct legs *ls = arg;

    ls->closing = true;
    (void)hash_apply(ls->ht, farewell_h, NULL);
    mem_deref(ls->lsnr_cancel);
    mem_deref(ls->lsnr_req);
    mem_deref(ls->lsnr_resp);
    hash_flush(ls->ht);
    mem_deref(ls->ht);
}

int legs_alloc(struct legs **lp, struct sip_stack *st, legs_invite_h *h, void *arg)
{
    struct legs *ls = mem_zalloc(sizeof(*ls), legs_destructor);
    struct sip *sip = sip_stack_sip(st);
    int err;

    if (!ls)
        return ENOMEM;
    ls->st = st;
    ls->sip = sip;
    ls->inviteh = h;
    ls->arg = arg;
    err = hash_alloc(&ls->ht, LEG_HASH);
    if (err)
        goto out;
    err = sip_listen(&ls->lsnr_cancel, sip, true, leg_cancel_seen, ls);
    if (err)
        goto out;
    err = sip_listen(&ls->lsnr_req, sip, true, leg_request_h, ls);
    if (err)
        goto out;
    err = sip_listen(&ls->lsnr_resp, sip, false, leg_response_h, ls);
    if (err)
        goto out;
    /* libre's server transactions eat CANCEL and do not show it: look at it first, for its Reason */
    list_unlink(&ls->lsnr_cancel->le);
    list_prepend(&sip->lsnrl, &ls->lsnr_cancel->le, ls->lsnr_cancel);

out:
    if (err)
        mem_deref(ls);
    else
        *lp = ls;
    return err;
}

void legs_free(struct legs *ls)
{
    mem_deref(ls);
}

size_t legs_count(const struct legs *ls)
{
    return ls->count;
}

/* --- by name --- */

static bool named_h(struct le *le, void *arg)
{
    const struct leg *leg = le->data;
    const struct sip_msg *msg = arg;

    return leg->dlg && leg->h && sip_dialog_cmp(leg->dlg, msg);
}

struct leg *legs_named(const struct legs *ls, const char *callid, const char *local_tag,
                       const char *remote_tag)
{
    struct sip_msg msg; /* as one of the peer's would have it */

    memset(&msg, 0, sizeof(msg));
    msg.req = true;
    pl_set_str(&msg.callid, callid);
    pl_set_str(&msg.to.tag, local_tag);
    pl_set_str(&msg.from.tag, remote_tag);
    return list_ledata(hash_lookup(ls->ht, hash_joaat_str(callid), named_h, &msg));
}

/* libre shows no tags but in the headers of a request. */
static int tag(struct pl *out, const struct mbuf *mb, const char *hdr)
{
    struct pl all = {(const char *)mb->buf, mb->end}, line;
    struct sip_addr addr;
    int err;

    err = re_regex(all.p, all.l, hdr, &line);
    if (!err)
        err = sip_addr_decode(&addr, &line);
    return err ? err : msg_param_decode(&addr.params, "tag", out);
}

int leg_name(const struct leg *leg, char *buf, size_t sz)
{
    struct mbuf *mb;
    struct pl local, remote;
    int err;

    if (!leg || !leg->dlg)
        return EINVAL;
    mb = mbuf_alloc(512);
    if (!mb)
        return ENOMEM;
    err = mbuf_write_str(mb, "\r\n") | sip_dialog_encode(mb, leg->dlg, 0, "ACK"); /* counts no CSeq */
    if (!err)
        err = tag(&local, mb, "\r\nFrom: [^\r]+") | tag(&remote, mb, "\r\nTo: [^\r]+");
    if (!err &&
        re_snprintf(buf, sz, "%s;to-tag=%r;from-tag=%r", sip_dialog_callid(leg->dlg), &remote, &local) < 0)
        err = EMSGSIZE;
    mem_deref(mb);
    return err;
}

const char *leg_target(const struct leg *leg)
{
    return leg && leg->dlg ? sip_dialog_uri(leg->dlg) : NULL;
}

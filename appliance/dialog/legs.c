/* dialog/legs: all legs, and what libre shows them of the messages that come. */
#include "dialog/legin.h"
#include "dialog/legtx.h"
#include <errno.h>

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

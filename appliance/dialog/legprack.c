#include "dialog/legprack.h"
#include "core/rnd.h"
#include <errno.h>

enum { NONE_S = 32 }; /* 64 T1 */

struct leg_rel_out { /* what of ours waits for its PRACK, and has waited */
    struct leg *leg;
    struct tmr tmr_again, tmr_none;
    struct mbuf *mb; /* the response; NULL: none waits */
    struct sa dst;
    uint32_t rseq, txc;
    bool describes; /* the one that waits has SDP: no 2xx before its PRACK (RFC 3262 3) */
    bool held;      /* the 2xx does: */
    char *hdrs, *sdp;
};

static void rel_destructor(void *arg)
{
    struct leg_rel_out *r = arg;

    tmr_cancel(&r->tmr_again);
    tmr_cancel(&r->tmr_none);
    mem_deref(r->mb);
    mem_deref(r->hdrs);
    mem_deref(r->sdp);
}

static void silence(struct leg_rel_out *r)
{
    tmr_cancel(&r->tmr_again);
    tmr_cancel(&r->tmr_none);
    r->mb = mem_deref(r->mb);
}

/* --- server --- */

int leg_rel_begin(struct leg *leg, const struct sip_msg *msg)
{
    struct leg_rel_out *r;

    if (!sip_msg_hdr_has_value(msg, SIP_HDR_REQUIRE, "100rel"))
        return 0;
    r = mem_zalloc(sizeof(*r), rel_destructor);
    if (!r)
        return ENOMEM;
    r->leg = leg;
    r->rseq = 1 + rnd_u32() % 0x3fffffff; /* RFC 3262 3 */
    leg->rel = r;
    return 0;
}

bool leg_must_offer(const struct leg *leg)
{
    return leg && leg->rel && leg->offer.state == OFFER_NONE;
}

static void again_h(void *arg)
{
    struct leg_rel_out *r = arg;
    const struct leg *leg = r->leg;

    if (leg->state != LEG_INCOMING) /* it has its final response */
        return;
    (void)sip_send(leg->legs->sip, leg->msg->sock, leg->msg->tp, &r->dst, r->mb);
    r->txc++;
    tmr_start(&r->tmr_again, (uint64_t)SIP_T1 << MIN(r->txc, 7U), again_h, r);
}

static void none_h(void *arg)
{
    struct leg_rel_out *r = arg;
    struct leg *leg = mem_ref(r->leg);

    silence(r);
    if (leg->state == LEG_INCOMING) {
        (void)sip_treply(&leg->strans, leg->legs->sip, leg->msg, 504, "No PRACK");
        leg_enter(leg, LEG_DEAD);
        leg_tell_ended(leg, LEG_LOST, 504, "No PRACK", NULL);
    }
    leg_settle(leg);
    mem_deref(leg);
}

int leg_rel_progress(struct leg *leg, uint16_t code, const char *phrase, const char *hdrs, const char *sdp)
{
    struct leg_rel_out *r = leg->rel;
    const struct sip_msg *msg = leg->msg;
    struct pl rport;
    int err;

    if (r->mb)
        return EAGAIN;
    err = sip_treplyf(&leg->strans, &r->mb, leg->legs->sip, msg, !leg->route.ws_conn, code, phrase,
                      "Contact: <%s>\r\nAllow: " LEG_ALLOW
                      "\r\nRequire: 100rel\r\nRSeq: %u\r\n%s%sContent-Length: %zu\r\n\r\n%s",
                      leg->contact, ++r->rseq, hdrs, sdp ? "Content-Type: application/sdp\r\n" : "",
                      str_len(sdp), sdp);
    if (err)
        return err;
    sip_reply_addr(&r->dst, msg, !msg_param_exists(&msg->via.params, "rport", &rport));
    offer_out(&leg->offer, OFFER_RELIABLE, sdp);
    r->describes = sdp != NULL;
    r->txc = 0;
    tmr_start(&r->tmr_none, NONE_S * (uint64_t)leg_second, none_h, r);
    tmr_start(&r->tmr_again, SIP_T1, again_h, r);
    return 0;
}

bool leg_rel_answer(struct leg *leg, const char *hdrs, const char *sdp)
{
    struct leg_rel_out *r = leg->rel;

    if (!r || !r->mb)
        return false;
    if (!r->describes) {
        silence(r); /* a PRACK that comes yet is answered */
        return false;
    }
    r->held = !str_dup(&r->hdrs, hdrs) && (!sdp || !str_dup(&r->sdp, sdp));
    return r->held;
}

/* "RSEQ CSEQ METHOD" of the one that we sent last (RFC 3262 7.2) */
static bool is_acknowledged(const struct leg *leg, const struct sip_msg *msg)
{
    const struct sip_hdr *hdr = sip_msg_hdr(msg, SIP_HDR_RACK);
    struct pl rseq, cseq, met;

    return leg->rel && hdr && leg->msg &&
           !re_regex(hdr->val.p, hdr->val.l, "[0-9]+[ \t]+[0-9]+[ \t]+[^ \t]+", &rseq, NULL, &cseq, NULL,
                     &met) &&
           rseq.l < 11 && cseq.l < 11 && pl_u64(&rseq) == leg->rel->rseq &&
           pl_u64(&cseq) == leg->msg->cseq.num && !pl_strcmp(&met, "INVITE");
}

/* The answer to what the 18x offered; or an offer of its own behind our answer (RFC 3262 5), which is the owner's to answer. */
static void take_description(struct leg *leg, const struct sip_msg *msg)
{
    const bool awaited = offer_is_ours(&leg->offer);

    if (!awaited && leg_describes(msg) && !offer_crosses(&leg->offer)) {
        offer_in(&leg->offer, OFFER_REQUEST, true);
        leg->h->request(leg, msg, leg->arg);
        return;
    }
    (void)sip_treply(NULL, leg->legs->sip, msg, 200, "OK");
    if (!awaited)
        return;
    offer_in(&leg->offer, OFFER_ACK, leg_describes(msg));
    if (leg->h->reanswered)
        leg->h->reanswered(leg, msg, leg->arg);
}

void leg_rel_prack(struct leg *leg, const struct sip_msg *msg)
{
    struct leg_rel_out *r = leg->rel;

    if (!is_acknowledged(leg, msg)) {
        (void)sip_treply(NULL, leg->legs->sip, msg, 481, "Nothing To Acknowledge");
        return;
    }
    if (!r->mb) { /* once more, or behind the 2xx */
        (void)sip_treply(NULL, leg->legs->sip, msg, 200, "OK");
        return;
    }
    silence(r);
    take_description(leg, msg);
    if (!r->held || leg->state != LEG_INCOMING || !leg->h)
        return;
    r->held = false;
    if (leg_answer(leg, r->hdrs, r->sdp)) /* who answered it does not know: it is dead, and goes */
        leg_tell_ended(leg, LEG_LOST, 500, "Answer not sent", NULL);
}

/* --- client --- */

enum leg_rel leg_rel_take(struct leg *leg, const struct sip_msg *msg)
{
    const struct sip_hdr *hdr = sip_msg_hdr(msg, SIP_HDR_RSEQ);
    uint32_t rseq = hdr && hdr->val.l < 11 ? pl_u32(&hdr->val) : 0;
    char rack[64];

    if (!rseq || !sip_msg_hdr_has_value(msg, SIP_HDR_REQUIRE, "100rel"))
        return LEG_REL_NONE;
    if (leg->rseq && rseq != leg->rseq + 1)
        return LEG_REL_OLD;
    (void)re_snprintf(rack, sizeof(rack), "RAck: %u %u INVITE\r\n", rseq, msg->cseq.num);
    if (leg_request(leg, "PRACK", rack, NULL, NULL, NULL, NULL))
        return LEG_REL_OLD; /* it comes again, and may be heard then */
    leg->rseq = rseq;
    return LEG_REL_NEW;
}

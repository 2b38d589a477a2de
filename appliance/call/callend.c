/* call/callend: how calls end, and the CDR that each leaves. */
#include "call/callend.h"
#include "call/callstat.h"
#include "core/log.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { MEDIA_END_MS = 5000 }; /* for the media's last figures; then the CDR goes without */

static const char *party_name(enum cdr_party p)
{
    static const char *names[] = {"nobody", "agent", "trunk", "gateway"};

    return (unsigned)p < 4 ? names[p] : "?";
}

static void stream_copy(struct cdr_stream *dst, const struct media_stream_stats *src)
{
    (void)snprintf(dst->codec, sizeof(dst->codec), "%s", media_codec_name(src->codec));
    dst->packets = src->packets;
    dst->bytes = src->bytes;
    dst->lost = src->lost;
    dst->jitter_ms = src->jitter_ms;
    dst->mos = src->mos;
}

/* Writes the CDR and frees the call. */
static void finish(struct call *c)
{
    const struct cdr *d = &c->cdr;
    char reason[sizeof(d->reason)];

    call_move(c, CALL_OVER);
    callstat_ended(&c->cdr);
    log_info("call",
             "id=%s dn=%s direction=%s trunk=%s code=%u hangup=%s reason=\"%s\" seconds=%lld path=%s "
             "browser_packets=%llu browser_lost=%u browser_mos=%.1f trunk_packets=%llu trunk_lost=%u "
             "trunk_mos=%.1f ended",
             d->id, d->dn, d->direction == CDR_OUTBOUND ? "out" : "in", d->trunk, d->code,
             party_name(d->hangup), log_quotable(reason, sizeof(reason), d->reason),
             d->answer_ms ? (long long)(d->end_ms - d->answer_ms) / 1000 : 0,
             d->path ? cdr_path_name(d->path) : "none", (unsigned long long)d->from_browser.packets,
             d->from_browser.lost, d->from_browser.mos, (unsigned long long)d->from_trunk.packets,
             d->from_trunk.lost, d->from_trunk.mos);
    cdr_write(c->calls->cfg.store, &c->cdr);
    mem_deref(c);
}

static void media_silent_h(void *arg)
{
    struct call *c = arg;

    log_error("call", "id=%s dn=%s no last figures from media", c->cdr.id, c->cdr.dn);
    finish(c);
}

static void figures(struct call *c, const struct media_event *ev)
{
    stream_copy(&c->cdr.from_browser, &ev->browser);
    stream_copy(&c->cdr.from_trunk, &ev->trunk);
    c->cdr.rtt_ms = ev->rtt_ms;
}

void call_media_ended(struct call *c, const struct media_event *ev)
{
    if (ev)
        figures(c, ev);
    if (c->state == CALL_ENDING)
        finish(c);
}

/* caller_hdrs: for the leg of who called, which may still wait for a final answer. */
static void end(struct call *c, enum cdr_party by, uint16_t code, const char *phrase, const char *hdrs,
                const char *caller_hdrs)
{
    bool outbound = c->cdr.direction == CDR_OUTBOUND;
    struct leg *agent = c->agent, *trunk = c->trunk;
    struct media_path *path = c->path;
    struct media_event ev;

    if (c->state == CALL_ENDING || c->state == CALL_OVER)
        return;
    call_move(c, CALL_ENDING);
    c->transfer = mem_deref(c->transfer);
    c->calls->live--;
    tmr_cancel(&c->tmr);
    call_rebind_over(c);
    c->cdr.end_ms = call_wall_ms(c);
    c->cdr.hangup = by;
    c->cdr.code = c->cdr.answer_ms ? 200 : code;
    if (!c->cdr.reason[0])
        (void)snprintf(c->cdr.reason, sizeof(c->cdr.reason), "%s", phrase);
    c->agent = c->trunk = NULL;
    leg_end(agent, code, phrase, outbound ? caller_hdrs : hdrs);
    leg_end(trunk, code, phrase, outbound ? hdrs : caller_hdrs);
    call_session_drop(c); /* behind what the page was just told */
    if (!path) {
        finish(c);
        return;
    }
    memset(&ev, 0, sizeof(ev));
    if (!media_path_stats(path, &ev)) /* for an end that cannot wait for the last ones */
        figures(c, &ev);
    c->path = NULL;
    tmr_start(&c->tmr, MEDIA_END_MS, media_silent_h, c);
    media_path_close(path);
}

/* The end, whoever wants it: tells the legs that are left, closes the media, fills the CDR. Once. */
static void call_end(struct call *c, enum cdr_party by, uint16_t code, const char *phrase, const char *hdrs)
{
    end(c, by, code, phrase, hdrs, hdrs);
}

void call_abort_sdp(struct call *c, int err, const char *text)
{
    struct call_refusal r;
    struct buf reason, caller;

    call_refusal(&r, err);
    r.code = r.code == 500 ? 500 : 488; /* a body of another type came in an answer: not the caller's fault */
    buf_init(&reason, LEG_HDRS_MAX);
    buf_init(&caller, LEG_HDRS_MAX);
    (void)callhdr_reason(&reason, r.code, text);
    (void)buf_printf(&caller, "%s%s", reason.data ? reason.data : "",
                     c->cdr.answer_ms || r.code != 488 ? "" : r.hdrs);
    end(c, CDR_GATEWAY, r.code, text, reason.data ? reason.data : "", caller.data ? caller.data : "");
    buf_reset(&reason);
    buf_reset(&caller);
}

void call_refused(struct call *c, const struct call_refusal *r)
{
    call_end(c, CDR_GATEWAY, r->code, r->phrase, r->code == 503 ? "Retry-After: 5\r\n" : r->hdrs);
}

void call_abort(struct call *c, uint16_t code, const char *text)
{
    struct buf b;

    buf_init(&b, LEG_HDRS_MAX);
    (void)callhdr_reason(&b, code, text);
    call_end(c, CDR_GATEWAY, code, text, b.data ? b.data : "");
    buf_reset(&b);
}

/* Why the far end takes no such description, when it says so (RFC 3261 20.43). */
static void warning_pass(struct buf *out, const struct sip_msg *msg)
{
    const struct sip_hdr *h = msg ? sip_msg_hdr(msg, SIP_HDR_WARNING) : NULL;

    if (h && h->val.l < 256)
        (void)buf_printf(out, "Warning: %.*s\r\n", (int)h->val.l, h->val.p);
    else
        (void)buf_puts(out, "Warning: 399 dngate \"The far end does not accept it\"\r\n");
}

void call_leg_ended(struct call *c, enum cdr_party by, const struct leg_ended *end)
{
    enum callhdr_way way = by == CDR_AGENT ? CALLHDR_TO_TRUNK : CALLHDR_TO_AGENT;
    struct buf b;

    if (by == CDR_AGENT)
        c->agent = NULL;
    else
        c->trunk = NULL;
    buf_init(&b, LEG_HDRS_MAX);
    if (end->how == LEG_LOST)
        (void)callhdr_reason(&b, end->code, end->phrase);
    else
        (void)call_pass(c, &b, end->msg, way);
    if (end->how == LEG_FAILED && end->code == 488)
        warning_pass(&b, end->msg);
    if (!c->transferred)
        callhdr_reason_text(c->cdr.reason, sizeof(c->cdr.reason), end->msg);
    if (end->msg)
        call_note_uuid(c, end->msg, way);
    call_end(c, end->how == LEG_LOST ? CDR_GATEWAY : by, end->how == LEG_CANCELLED ? 487 : end->code,
             end->how == LEG_BYE ? "Hung up" : end->phrase, b.data ? b.data : "");
    buf_reset(&b);
}

void call_not_accepted(struct call *c, const struct sip_msg *msg, int err)
{
    bool bad = err == EBADMSG;
    uint16_t code = err == EACCES ? 422 : bad ? 400 : 503;

    if (err != EACCES)
        (void)sip_treply(NULL, sip_stack_sip(c->calls->cfg.stack), msg, code,
                         bad ? "Bad Request" : "Service Unavailable");
    call_end(c, CDR_GATEWAY, code, "Not accepted", "");
}

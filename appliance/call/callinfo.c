/*
 * call/callinfo: INFO within the two dialogs: digits (RFC 2976 legacy use), which must reach the other side or be refused.
 *
 *   agent → trunk: telephone-event, else INFO, else tones in the audio, else 415
 *   trunk → agent: INFO, which a page can read, else telephone-event, else tones, else 415
 *
 * and telephone-events for a side that takes none: INFO where its Allow lists it, else tones (media/path_dtmf carries the others).
 */
#include "call/callinfo.h"
#include "call/digit.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/metric.h"
#include <errno.h>
#include <string.h>

static void refuse(struct leg *leg, const struct sip_msg *msg, int err)
{
    switch (err) {

    case EBADMSG:
        (void)leg_reply(leg, msg, 400, "No Digit In It", NULL, NULL, NULL);
        break;

    case ENOTSUP:
    case EMEDIUMTYPE:
        (void)leg_reply(leg, msg, 415, "Unsupported Media Type",
                        "Accept: application/dtmf-relay, application/dtmf\r\nAccept-Encoding: identity\r\n",
                        NULL, NULL);
        break;

    default: /* no room now */
        (void)leg_reply(leg, msg, 500, "Server Internal Error", "Retry-After: 1\r\n", NULL, NULL);
        break;
    }
}

/* ENOTSUP: the other side's media cannot take it that way or better. */
static int by_media(struct call *c, enum media_side to, const struct digit *d, enum media_dtmf_way least)
{
    const char keys[2] = {d->key};

    if (d->key == DIGIT_FLASH || !c->path || media_path_dtmf_way(c->path, to) < least)
        return ENOTSUP;
    return media_path_dtmf(c->path, to, keys, d->ms);
}

static bool refused_by_trunk(const struct sip_msg *msg, void *arg)
{
    struct digit d;

    return !digit_read(&d, msg) && !by_media(arg, MEDIA_TRUNK, &d, MEDIA_DTMF_INBAND);
}

static bool refused_by_agent(const struct sip_msg *msg, void *arg)
{
    struct digit d;

    return !digit_read(&d, msg) && !by_media(arg, MEDIA_BROWSER, &d, MEDIA_DTMF_INBAND);
}

/* 0: the other side's answer will be the answer. */
static int by_info(struct call *c, bool to_trunk, const struct sip_msg *msg, const struct digit *d)
{
    struct leg *to = to_trunk ? c->trunk : c->agent;
    char body[DIGIT_BODY_MAX];
    struct buf hdrs;
    int err;

    if ((!to_trunk && !call_rebind_reached(c)) || !leg_takes_info(to) ||
        (!to_trunk && d->key == DIGIT_FLASH)) /* JsSIP would read its 16 as a 1 */
        return ENOTSUP;
    buf_init(&hdrs, LEG_HDRS_MAX);
    (void)call_pass(c, &hdrs, msg, to_trunk ? CALLHDR_TO_TRUNK : CALLHDR_TO_AGENT);
    err = leg_relay(to, msg, hdrs.data ? hdrs.data : "", DIGIT_CTYPE, digit_write(body, d),
                    to_trunk ? refused_by_trunk : refused_by_agent, c);
    buf_reset(&hdrs);
    return err == EINVAL ? ENOTSUP : err;
}

/* The first way that there is; one without room is no reason for another, or digits would overtake each other. */
static void carry(struct call *c, struct leg *leg, const struct sip_msg *msg, const struct digit *d)
{
    const bool to_trunk = leg == c->agent;
    int err = to_trunk ? by_media(c, MEDIA_TRUNK, d, MEDIA_DTMF_EVENTS) : ENOTSUP;

    if (err == ENOTSUP) {
        err = by_info(c, to_trunk, msg, d);
        if (!err)
            return;
    }
    if (err == ENOTSUP)
        err = by_media(c, to_trunk ? MEDIA_TRUNK : MEDIA_BROWSER, d, MEDIA_DTMF_INBAND);
    if (!err) {
        (void)leg_reply(leg, msg, 200, "OK", NULL, NULL, NULL);
        return;
    }
    log_warn_limited("call", "id=%s dn=%s from=%s error=\"%s\" a digit in INFO was not carried", c->cdr.id,
                     c->cdr.dn, to_trunk ? "browser" : "trunk", strerror(err));
    refuse(leg, msg, err);
}

void call_press(struct call *c, bool from_browser, char key, unsigned ms)
{
    const struct digit d = {.key = key, .ms = MIN(MAX(ms, (unsigned)DIGIT_MS_MIN), (unsigned)DIGIT_MS_MAX)};
    struct leg *to = from_browser ? c->trunk : c->agent;
    char body[DIGIT_BODY_MAX];
    int err = ENOTSUP;

    if (c->state >= CALL_ENDING)
        return;
    if (leg_lists_info(to))
        err = leg_request(to, "INFO", "", DIGIT_CTYPE, digit_write(body, &d), NULL, NULL);
    if (err)
        err = by_media(c, from_browser ? MEDIA_TRUNK : MEDIA_BROWSER, &d, MEDIA_DTMF_INBAND);
    if (err)
        log_warn_limited("call", "id=%s dn=%s from=%s error=\"%s\" a digit was not carried", c->cdr.id,
                         c->cdr.dn, from_browser ? "browser" : "trunk", strerror(err));
}

int call_keys(struct call *c, const char *keys, unsigned ms)
{
    if (c->path && media_path_dtmf_way(c->path, MEDIA_TRUNK) == MEDIA_DTMF_EVENTS)
        return media_path_dtmf(c->path, MEDIA_TRUNK, keys, ms);
    for (; *keys; keys++)
        call_press(c, true, *keys, ms);
    return 0;
}

METRIC_COUNTER(reports, "dngate_page_reports_total", "result=\"taken\"",
               "What agents' pages say of the audio of their calls");
METRIC_COUNTER(reports_bad, "dngate_page_reports_total", "result=\"refused\"",
               "What agents' pages say of the audio of their calls");

static bool is_report(const struct sip_msg *msg)
{
    return msg_ctype_cmp(&msg->ctyp, CALL_REPORT_TYPE, CALL_REPORT_SUBTYPE);
}

/* What the page hears stays here: nothing of it goes to the trunk. */
static void report_take(struct call *c, struct leg *leg, const struct sip_msg *msg)
{
    struct call_report r;

    if (call_report_decode(&r, (const char *)mbuf_buf(msg->mb), mbuf_get_left(msg->mb))) {
        metric_add(&reports_bad, 1);
        (void)leg_reply(leg, msg, 400, "No Report In It", NULL, NULL, NULL);
        return;
    }
    r.time_ms = clock_wall_ms();
    c->report = r;
    traced_report(c->traced, &r);
    metric_add(&reports, 1);
    (void)leg_reply(leg, msg, 200, "OK", NULL, NULL, NULL);
}

void call_info(struct call *c, struct leg *leg, const struct sip_msg *msg)
{
    struct digit d;
    int err;

    if (sip_msg_xhdr(msg, "Info-Package")) { /* we take none (RFC 6086 4.2.2) */
        (void)leg_reply(leg, msg, 469, "Bad Info Package", "Recv-Info: \r\n", NULL, NULL);
        return;
    }
    if (!mbuf_get_left(msg->mb) && !sip_msg_hdr(msg, SIP_HDR_CONTENT_TYPE)) { /* asks whether we are there */
        (void)leg_reply(leg, msg, 200, "OK", NULL, NULL, NULL);
        return;
    }
    if (leg == c->agent && is_report(msg)) {
        report_take(c, leg, msg);
        return;
    }
    err = digit_read(&d, msg);
    if (err)
        refuse(leg, msg, err);
    else
        carry(c, leg, msg, &d);
}

/* The last listener: answers every request that no call, registration or subscription has claimed (RFC 3261 8.2.1, 11.2, 12.2.2). */
#include "sip/hdrname.h"
#include "sip/stack_priv.h"

#include <errno.h>

#define ALLOW "Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, INFO, UPDATE, NOTIFY, REFER, PRACK"
#define EMPTY "Content-Length: 0\r\n\r\n"
#define RETRY_AFTER "30" /* seconds in which a gateway that drains may be back */

static const struct answer {
    const char *method;
    uint16_t code;
    const char *reason;
} answers[] = {
    {"BYE", 481, "Call Does Not Exist"},     {"CANCEL", 481, "Transaction Does Not Exist"},
    {"INFO", 481, "Call Does Not Exist"},    {"UPDATE", 481, "Call Does Not Exist"},
    {"PRACK", 481, "Call Does Not Exist"},   {"NOTIFY", 481, "Subscription Does Not Exist"},
    {"REFER", 481, "Call Does Not Exist"},   {"SUBSCRIBE", 489, "Bad Event"},
    {"PUBLISH", 489, "Bad Event"},           {"MESSAGE", 405, "Method Not Allowed"},
    {"REGISTER", 405, "Method Not Allowed"},
};

static const struct answer *answer_find(const struct sip_msg *msg)
{
    static const struct answer busy = {"INVITE", 503, "Service Unavailable"},
                               gone = {"INVITE", 481, "Call Does Not Exist"},
                               unknown = {"", 501, "Not Implemented"};

    if (!pl_strcmp(&msg->met, "INVITE"))
        return pl_isset(&msg->to.tag) ? &gone : &busy;
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++)
        if (!pl_strcmp(&msg->met, answers[i].method))
            return &answers[i];
    return &unknown;
}

bool sip_event_taken(const struct sip_msg *msg)
{
    const struct pl event = sip_hdr_token(sip_msg_hdr(msg, SIP_HDR_EVENT));

    return !pl_strcmp(&msg->met, "NOTIFY") && !pl_strcasecmp(&event, SIP_EVENT_KEEP_ALIVE);
}

static bool request_h(const struct sip_msg *msg, void *arg)
{
    static const struct answer taken = {"NOTIFY", 200, "OK"};
    struct sip_stack *st = arg;
    const struct answer *a;

    if (!pl_strcmp(&msg->met, "ACK"))
        return true;
    if (!pl_strcmp(&msg->met, "OPTIONS") && st->draining && !pl_isset(&msg->to.tag)) {
        (void)sip_treplyf(NULL, NULL, st->sip, msg, false, 503, "Service Unavailable",
                          "Retry-After: " RETRY_AFTER "\r\n" EMPTY);
        return true;
    }
    if (!pl_strcmp(&msg->met, "OPTIONS")) {
        (void)sip_treplyf(
            NULL, NULL, st->sip, msg, false, 200, "OK",
            ALLOW "\r\nAccept: application/sdp, application/dtmf-relay, application/dtmf, multipart/mixed, "
                  "multipart/alternative\r\n" SIP_ALLOW_EVENTS
                  "Supported: timer, replaces, 100rel\r\n" EMPTY);
        return true;
    }
    a = sip_event_taken(msg) ? &taken : answer_find(msg);
    (void)sip_treplyf(NULL, NULL, st->sip, msg, false, a->code, a->reason, ALLOW "\r\n%s" EMPTY,
                      a->code == 489 ? SIP_ALLOW_EVENTS : "");
    return true;
}

void sip_stack_drain(struct sip_stack *st, bool on)
{
    st->draining = on;
}

int sip_stack_fallback(struct sip_stack *st)
{
    return st->fallback ? EALREADY : sip_listen(&st->fallback, st->sip, true, request_h, st);
}

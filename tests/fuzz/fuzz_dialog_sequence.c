/*
 * A live leg, a peer on a WebSocket and an owner that does as told: the input is a script of what the peer sends (well formed, of its
 * dialogs, or as the bytes are), what the owner asks of its legs, and when their timers run out. No move that a state machine lacks.
 */
#include "core/buf.h"
#include "core/log.h"
#include "core/metric.h"
#include "dialog/leg.h"
#include "dialog/legclock.h"
#include "sip/stack_priv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct list *tmrl_get(void); /* as in sip/retmr.c */

enum { DLGS = 4, SENT = 8, TEXT = 4096, STEPS = 200, CONN = 7 };

static const uint8_t *in;
static size_t left;

static unsigned next(void)
{
    if (!left)
        return 0;
    left--;
    return *in++;
}

static unsigned one_of(unsigned n)
{
    return next() % n;
}

/* --- the peer: what it heard, and its dialogs --- */

static struct dlg {
    char callid[128], local[256], remote[256];
    unsigned cseq, branch;
} dlgs[DLGS];
static char sent[SENT][TEXT]; /* by us, the newest at sent_at - 1 */
static unsigned dlg_at, sent_at, branches;
static struct legs *legs;
static struct leg *owned[DLGS];
static unsigned own_at;
static struct sip_stack st;

static const char sdp[] = "v=0\r\no=- 1 1 IN IP4 192.0.2.7\r\ns=-\r\nc=IN IP4 192.0.2.7\r\nt=0 0\r\n"
                          "m=audio 4000 RTP/AVP 0\r\n";

static const char *value(const char *text, const char *name, char *buf, size_t sz)
{
    const char *p = strstr(text, name);

    buf[0] = '\0';
    if (p)
        (void)snprintf(buf, sz, "%.*s", (int)strcspn(p + strlen(name), "\r"), p + strlen(name));
    return buf;
}

static struct dlg *dlg_of(const char *callid)
{
    for (size_t i = 0; i < DLGS; i++)
        if (!strcmp(dlgs[i].callid, callid))
            return &dlgs[i];
    return NULL;
}

static struct dlg *dlg_new(const char *callid)
{
    struct dlg *d = &dlgs[dlg_at++ % DLGS];

    memset(d, 0, sizeof(*d));
    (void)snprintf(d->callid, sizeof(d->callid), "%s", callid);
    d->cseq = 10;
    return d;
}

static int frame_h(uint64_t conn, const void *p, size_t len, void *arg)
{
    char *text = sent[sent_at++ % SENT], callid[128], val[256];
    struct dlg *d;

    (void)conn;
    (void)arg;
    (void)snprintf(text, TEXT, "%.*s", (int)len, (const char *)p);
    d = dlg_of(value(text, "\r\nCall-ID: ", callid, sizeof(callid)));
    if (!strncmp(text, "SIP/2.0 ", 8) && d && strstr(value(text, "\r\nTo: ", val, sizeof(val)), "tag="))
        (void)snprintf(d->remote, sizeof(d->remote), "%s", val);
    if (!strncmp(text, "INVITE ", 7) && !d) {
        d = dlg_new(callid);
        (void)value(text, "\r\nFrom: ", d->remote, sizeof(d->remote));
        (void)snprintf(d->local, sizeof(d->local), "%.200s;tag=p", value(text, "\r\nTo: ", val, sizeof(val)));
    }
    return 0;
}

static void peer_sends(const char *text)
{
    size_t n = strlen(text);
    char *frame = malloc(n + 1);

    memcpy(frame, text, n + 1);
    transp_ws_recv(st.sip, CONN, frame, n);
    free(frame);
}

/* Of the last 18x that asked for one, with one of the numbers that it may have. */
static const char *rack(void)
{
    static char line[64];
    char rseq[32] = "", cseq[64] = "";

    for (size_t i = 0; i < SENT && !rseq[0]; i++) {
        const char *text = sent[(sent_at - 1 - i) % SENT];

        (void)value(text, "\r\nRSeq: ", rseq, sizeof(rseq));
        (void)value(text, "\r\nCSeq: ", cseq, sizeof(cseq));
    }
    (void)snprintf(line, sizeof(line), "RAck: %.20s %.30s\r\n", rseq, cseq);
    return line;
}

static const char *hdrs(void)
{
    static const char *const v[] = {"",
                                    "Session-Expires: 90;refresher=uac\r\nSupported: timer\r\n",
                                    "Session-Expires: 60\r\nSupported: timer\r\n",
                                    "Session-Expires: 4294967295;refresher=uas\r\n",
                                    "Min-SE: 9999999999\r\n",
                                    "Allow: INVITE, ACK\r\n",
                                    "Allow: UPDATE, INFO\r\nAllow: BYE\r\n",
                                    "Contact: <sip:other@192.0.2.8:1;transport=tcp>\r\n",
                                    "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth\"\r\n",
                                    "Reason: SIP;cause=200\r\n",
                                    "Retry-After: 1\r\n",
                                    "Require: 100rel\r\nRSeq: 7\r\n",
                                    "Require: 100rel\r\nRSeq: 4294967295\r\n",
                                    "Refer-To: <sip:a@b?Replaces=a%3Bto-tag%3Db>\r\nEvent: refer\r\n"};

    if (!one_of(4))
        return rack();
    return v[one_of(sizeof(v) / sizeof(v[0]))];
}

/* method NULL: any */
static void peer_requests(struct dlg *d, const char *method)
{
    static const char *const methods[] = {"INVITE", "ACK",    "BYE",   "CANCEL",  "UPDATE",
                                          "INFO",   "NOTIFY", "PRACK", "OPTIONS", "REFER"};
    const unsigned how = next();
    char text[TEXT];

    if (!d->callid[0])
        return;
    if (!method)
        method = methods[one_of(sizeof(methods) / sizeof(methods[0]))];
    if (strcmp(method, "ACK") && strcmp(method, "CANCEL")) {
        d->branch = ++branches;
        d->cseq += how % 8 ? 1 : 0;
    }
    (void)snprintf(
        text, sizeof(text),
        "%s sip:x@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/WS h.invalid;branch=z9hG4bK%u\r\nMax-Forwards: 70\r\n"
        "From: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %u %s\r\nContact: <sip:p@h.invalid>\r\n%s%s"
        "Content-Length: %zu\r\n\r\n%s",
        method, d->branch, d->local, d->remote, d->callid, d->cseq, method, hdrs(),
        how & 16 ? "Content-Type: application/sdp\r\n" : "", how & 16 ? sizeof(sdp) - 1 : 0,
        how & 16 ? sdp : "");
    peer_sends(text);
}

static void peer_calls(void)
{
    static unsigned calls;
    char id[32];
    struct dlg *d;

    (void)snprintf(id, sizeof(id), "peer-%u", ++calls);
    d = dlg_new(id);
    (void)snprintf(d->local, sizeof(d->local), "<sip:p@192.0.2.7>;tag=p");
    (void)snprintf(d->remote, sizeof(d->remote), "<sip:5001@192.0.2.1>");
    peer_requests(d, "INVITE");
}

static void peer_answers(void)
{
    static const unsigned codes[] = {100, 180, 183, 200, 202, 302, 401, 405, 407,
                                     408, 422, 481, 486, 487, 491, 500, 503};
    const char *req = sent[(sent_at - 1 - one_of(SENT)) % SENT];
    const unsigned code = codes[one_of(sizeof(codes) / sizeof(codes[0]))], how = next();
    char text[TEXT], via[256], from[256], to[256], callid[128], cseq[64];

    if (!strncmp(req, "SIP/2.0 ", 8) || !value(req, "\r\nVia: ", via, sizeof(via))[0])
        return;
    (void)value(req, "\r\nTo: ", to, sizeof(to));
    (void)snprintf(text, sizeof(text),
                   "SIP/2.0 %u So\r\nVia: %s\r\nFrom: %s\r\nTo: %s%s\r\nCall-ID: %s\r\nCSeq: %s\r\n%s%s%s"
                   "Content-Length: %zu\r\n\r\n%s",
                   code, via, value(req, "\r\nFrom: ", from, sizeof(from)), to,
                   strstr(to, "tag=") || code == 100 ? ""
                   : how & 1                         ? ";tag=p"
                                                     : ";tag=fork",
                   value(req, "\r\nCall-ID: ", callid, sizeof(callid)),
                   value(req, "\r\nCSeq: ", cseq, sizeof(cseq)),
                   how & 2 ? "" : "Contact: <sip:p@h.invalid>\r\n", hdrs(),
                   how & 4 ? "Content-Type: application/sdp\r\n" : "", how & 4 ? sizeof(sdp) - 1 : 0,
                   how & 4 ? sdp : "");
    peer_sends(text);
}

/* --- the owner --- */

static void give_up(const struct leg *leg)
{
    for (size_t i = 0; i < DLGS; i++)
        if (owned[i] == leg)
            owned[i] = NULL;
}

static void own(struct leg *leg)
{
    struct leg **slot = &owned[own_at++ % DLGS];

    leg_end(*slot, 503, "Full", "");
    *slot = leg;
}

static void told_h(struct leg *leg, const struct sip_msg *msg, void *arg)
{
    (void)msg;
    (void)arg;
    if (!one_of(8)) {
        give_up(leg);
        leg_end(leg, 488, "No", "Reason: SIP;cause=488\r\n");
    }
}

static void request_h(struct leg *leg, const struct sip_msg *msg, void *arg)
{
    const unsigned how = next();

    (void)arg;
    if (how & 1 && !leg_relay(owned[how % DLGS], msg, "", "text/plain", "x", NULL, NULL))
        return;
    (void)leg_reply(leg, msg, how & 2 ? 200 : 488, "So", "", "application/sdp", how & 4 ? sdp : NULL);
}

static char *describe_h(struct leg *leg, void *arg)
{
    char *text = NULL;

    (void)leg;
    (void)arg;
    if (one_of(8))
        (void)str_dup(&text, sdp);
    return text;
}

static bool reoffered_h(struct leg *leg, uint16_t code, void *arg)
{
    told_h(leg, NULL, arg);
    return code >= 300 && one_of(2);
}

static void ended_h(struct leg *leg, const struct leg_ended *end, void *arg)
{
    (void)end;
    (void)arg;
    give_up(leg);
}

static bool permit_h(struct leg *leg, const struct sip_msg *msg, void *arg)
{
    (void)leg;
    (void)msg;
    (void)arg;
    return one_of(16) != 15;
}

static const struct leg_handlers handlers = {.progress = told_h,
                                             .answered = told_h,
                                             .reanswered = told_h,
                                             .describe = describe_h,
                                             .reoffered = reoffered_h,
                                             .request = request_h,
                                             .ended = ended_h,
                                             .permit = permit_h};

static struct leg_config config(void)
{
    return (struct leg_config){.route = {.ws_conn = CONN},
                               .contact = "sip:5001@192.0.2.1;transport=ws",
                               .ruri = "sip:p@h.invalid",
                               .from_uri = "sip:600@192.0.2.1",
                               .username = one_of(2) ? "u" : "",
                               .password = "p",
                               .session_s = one_of(2) ? 1800 : 0};
}

static void invite_h(const struct sip_msg *msg, void *arg)
{
    const struct leg_config cfg = config();
    struct leg *leg = NULL;

    (void)arg;
    if (!leg_accept(&leg, legs, &cfg, msg, &handlers, NULL))
        own(leg);
}

static void owner_acts(void)
{
    struct leg *leg = owned[one_of(DLGS)];
    const struct leg_config cfg = config();
    struct leg *made = NULL;

    switch (one_of(8)) {
    case 0:
        if (!leg_connect(&made, legs, &cfg, "", sdp, &handlers, NULL))
            own(made);
        break;
    case 1:
        (void)leg_progress(leg, 183, "Progress", "", one_of(2) ? sdp : NULL);
        break;
    case 2:
        (void)leg_answer(leg, "", one_of(4) ? sdp : NULL);
        break;
    case 3:
        if (leg) {
            give_up(leg);
            leg_end(leg, 486, "Busy", "");
        }
        break;
    case 4:
        (void)leg_request(leg, "INFO", "", NULL, NULL, NULL, NULL);
        break;
    case 5:
        if (leg)
            leg_move(leg, one_of(2) ? CONN : CONN + 1);
        break;
    case 6:
        if (leg)
            leg_reoffer(leg);
        break;
    default:
        tmr_poll(tmrl_get());
        break;
    }
}

/* --- one input --- */

static void raw_bytes(void)
{
    const size_t most = (size_t)next() * 4, n = MIN(most, left);
    void *frame = malloc(n + 1);

    memcpy(frame, in, n);
    in += n;
    left -= n;
    transp_ws_recv(st.sip, CONN, frame, n);
    free(frame);
}

static void play(void)
{
    for (int i = 0; i < STEPS && left; i++) {
        switch (one_of(8)) {
        case 0:
            peer_calls();
            break;
        case 1:
            raw_bytes();
            break;
        case 2:
        case 3:
            peer_requests(&dlgs[one_of(DLGS)], NULL);
            break;
        case 4:
        case 5:
            peer_answers();
            break;
        default:
            owner_acts();
            break;
        }
    }
}

static void check_moves(void)
{
    struct buf b;

    buf_init(&b, 1 << 20);
    if (!metric_render(&b))
        for (const char *p = b.data; (p = strstr(p, "\ndngate_fsm_refused_total{")); p++)
            if (strtod(strstr(p, "} ") + 2, NULL) > 0)
                abort();
    buf_reset(&b);
}

static bool nobody_h(const struct addr *src, void *arg)
{
    (void)src;
    (void)arg;
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct addr a;

    (void)log_set_level(NULL, LOG_ERROR);
    leg_second = 0; /* their timers have run out whenever they are looked at */
    in = data;
    left = size;
    memset(dlgs, 0, sizeof(dlgs));
    memset(sent, 0, sizeof(sent));
    memset(owned, 0, sizeof(owned));
    dlg_at = sent_at = own_at = branches = 0;
    st.edge = (struct transp_edge){nobody_h, NULL, frame_h, &st};
    st.gone_count = 0;
    (void)addr_parse_ip(&a, "192.0.2.7", 4000);
    if (!sip_alloc(&st.sip, NULL, 8, 8, 8, "fuzz", NULL, NULL) && !transp_add_ws(st.sip, &st.edge) &&
        !legs_alloc(&legs, &st, invite_h, NULL) && !extension_start(&st) && !sip_stack_fallback(&st) &&
        !transp_ws_open(st.sip, CONN, &a, &a))
        play();
    legs_free(legs);
    legs = NULL;
    st.extension = mem_deref(st.extension);
    st.fallback = mem_deref(st.fallback);
    sip_close(st.sip, true);
    st.sip = mem_deref(st.sip);
    check_moves();
    return 0;
}

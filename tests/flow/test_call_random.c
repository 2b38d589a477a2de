/*
 * Calls in an order that nobody thought of: a trunk and a page say and do things at random, by a seed that is printed, while the media
 * report what they like. Whatever came: no move that a state machine lacks, and when both ends behave at last, nothing is left.
 */
/* TSAN */
#include "app_sip.h"
#include "core/buf.h"
#include "core/clock.h"
#include "core/mbox.h"
#include "core/metric.h"
#include "dialog/legclock.h"
#include "fake/ends.h"
#include "media/media.h"
#include "testing.h"

enum {
    SLOTS = 16,
    STEPS = 4000,
    PATHS = 8,
    QUIET_MS = 40000 /* more than 64 T1, which some transactions may take */
};

struct slot { /* a dialog as one end sees it */
    struct sippeer *p;
    struct sipdlg d;
    struct sipmsg invite; /* unanswered, when open */
    bool open, caller;
    char to[64];
};

static struct slot slots[SLOTS];
static uint64_t rnd;
static bool pages_go;
static uint32_t paths[PATHS]; /* the newest calls' media */
static size_t at;             /* the slot that is taken next: an old dialog is forgotten */

static unsigned any(unsigned n)
{
    return (unsigned)(test_random(&rnd) % n);
}

static const char *body_of(const struct sippeer *p, bool offer)
{
    static char text[2048];

    if (p == &agent.p)
        return wsagent_sdp(text, sizeof(text), offer ? "actpass" : "active",
                           any(4) ? "sendrecv" : "inactive");
    return fake_trunk_sdp(text, sizeof(text), any(8) ? 40000 : 0, any(4) ? "" : "a=sendonly\r\n");
}

static const char *terms(void)
{
    static const char *const v[] = {"",
                                    "Session-Expires: 90;refresher=uac\r\nSupported: timer\r\n",
                                    "Session-Expires: 120;refresher=uas\r\nSupported: timer\r\n",
                                    "Session-Expires: 60\r\nSupported: timer\r\n",
                                    "Session-Expires: 100\r\nAllow: INVITE, ACK, BYE\r\n",
                                    "Require: 100rel\r\nRSeq: 7\r\n",
                                    "Require: 100rel\r\nRSeq: 8\r\n",
                                    "Allow: INVITE, ACK, BYE, INFO, UPDATE, REFER\r\nMin-SE: 150\r\n"};

    return v[any(sizeof(v) / sizeof(v[0]))];
}

static struct slot *slot_new(struct sippeer *p)
{
    struct slot *s = &slots[at++ % SLOTS];

    memset(s, 0, sizeof(*s));
    s->p = p;
    return s;
}

static struct slot *slot_of(const struct sippeer *p, const struct sipmsg *msg)
{
    char id[128];

    (void)sipmsg_hdr(msg, "Call-ID", id, sizeof(id));
    for (size_t i = 0; i < SLOTS; i++)
        if (slots[i].p == p && !strcmp(slots[i].d.callid, id))
            return &slots[i];
    return NULL;
}

/* A dialog that was forgotten: our INVITE's 2xx comes again. */
static struct slot *slot_again(struct sippeer *p, const struct sipmsg *resp)
{
    struct slot *s = slot_new(p);
    char cseq[64];

    (void)sipmsg_hdr(resp, "Call-ID", s->d.callid, sizeof(s->d.callid));
    (void)sipmsg_hdr(resp, "From", s->d.local, sizeof(s->d.local));
    s->d.invite_cseq = s->d.cseq = (unsigned)strtoul(sipmsg_hdr(resp, "CSeq", cseq, sizeof(cseq)), NULL, 10);
    s->caller = true;
    return s;
}

/* --- what the ends do --- */

static const char *tag_in(const char *side)
{
    const char *p = strstr(side, "tag=");

    return p ? p + 4 : "x";
}

/* One of the dialogs, as Replaces names it; with these signs. */
static const char *replaces(const char *is, const char *semicolon, const char *equals)
{
    static char text[1024];
    const struct slot *s = &slots[any(SLOTS)];
    const char *ours = tag_in(s->d.remote), *theirs = tag_in(s->d.local);

    (void)snprintf(text, sizeof(text), "Replaces%s%s%sto-tag%s%.*s%sfrom-tag%s%.*s%s", is, s->d.callid,
                   semicolon, equals, (int)strcspn(ours, ";> "), ours, semicolon, equals,
                   (int)strcspn(theirs, ";> "), theirs, is[0] == ':' ? "\r\n" : "");
    return text;
}

static void call_new(void)
{
    const bool by_agent = any(2);
    struct slot *s = slot_new(by_agent ? &agent.p : &trunk.p);

    s->caller = true;
    (void)snprintf(s->to, sizeof(s->to), "%s", by_agent ? "sip:600@dngate" : "sip:5001@dngate");
    sippeer_invite(s->p, &s->d, s->to, !by_agent && !any(4) ? replaces(": ", ";", "=") : terms(),
                   by_agent || any(4) ? body_of(s->p, true) : NULL);
}

static const char *transfer(void)
{
    static char line[1200];

    const bool attended = !any(3);

    (void)snprintf(line, sizeof(line), "Refer-To: <sip:%u@127.0.0.1%s%s>\r\n%s", 600 + any(4),
                   attended ? "?" : "", attended ? replaces("=", "%3B", "%3D") : "",
                   any(4) ? "" : "Refer-Sub: false\r\n");
    return line;
}

static const char *became(void)
{
    return any(2) ? "Event: refer\r\nSubscription-State: active\r\n"
                  : "Event: refer;id=7\r\nSubscription-State: terminated;reason=noresource\r\n";
}

static void final_answer(struct slot *s)
{
    static const int codes[] = {302, 401, 408, 422, 480, 486, 488, 500, 503, 603};

    s->open = false;
    if (any(5))
        sippeer_reply(s->p, &s->invite, 200, "OK", terms(), any(8) ? body_of(s->p, false) : NULL);
    else
        sippeer_reply(s->p, &s->invite, codes[any(sizeof(codes) / sizeof(codes[0]))], "So",
                      any(2) ? "Retry-After: 1\r\n" : "Min-SE: 150\r\n", NULL);
}

static void answer_invite(struct slot *s)
{
    if (any(3))
        sippeer_reply(s->p, &s->invite, any(2) ? 180 : 100, "Coming", terms(), NULL);
    else if (any(4))
        final_answer(s);
    else
        sippeer_reply(s->p, &s->invite, 183, "Progress", "", body_of(s->p, false));
}

static void request_within(struct slot *s)
{
    static const char *const methods[] = {"BYE",   "INVITE", "UPDATE",  "INFO",   "NOTIFY",
                                          "REFER", "INVITE", "OPTIONS", "MESSAGE"};
    const char *method = methods[any(sizeof(methods) / sizeof(methods[0]))];
    const bool offers = any(2) && (!strcmp(method, "INVITE") || !strcmp(method, "UPDATE"));

    if (!strcmp(method, "BYE") && any(3))
        return; /* not all of them at once */
    if (!any(10))
        s->d.cseq -= 2; /* out of order */
    if (!strcmp(method, "INFO"))
        sippeer_request(s->p, &s->d, method, "", "application/dtmf-relay", any(2) ? "Signal=5\r\n" : "?");
    else if (!strcmp(method, "REFER") && any(8))
        sippeer_request(s->p, &s->d, method, transfer(), NULL, NULL);
    else if (!strcmp(method, "NOTIFY") && any(2))
        sippeer_request(s->p, &s->d, method, became(), "message/sipfrag",
                        any(3) ? "SIP/2.0 200 OK\r\n" : "SIP/2.0 183 Progress\r\n");
    else
        sippeer_request(s->p, &s->d, method, terms(), "application/sdp", offers ? body_of(s->p, true) : NULL);
}

static void answer_request(struct sippeer *p, const struct sipmsg *req)
{
    static const int codes[] = {200, 200, 200, 405, 415, 422, 481, 491, 501};
    const bool reinvite = !strncmp(req->text, "INVITE ", 7);

    if (p == &agent.p || any(12)) /* what goes by UDP comes again */
        sippeer_reply(p, req, codes[any(sizeof(codes) / sizeof(codes[0]))], "So", terms(),
                      reinvite && any(8) ? body_of(p, false) : NULL);
}

static void take(struct sippeer *p, const struct sipmsg *msg, bool polite)
{
    struct slot *s = slot_of(p, msg);
    const int code = sipmsg_code(msg);
    char to[256], cseq[64];

    (void)sipmsg_hdr(msg, "CSeq", cseq, sizeof(cseq));
    if (path_in(msg))
        paths[any(PATHS)] = path_in(msg);
    if (!s && code >= 200 && code < 300 && strstr(cseq, "INVITE"))
        s = slot_again(p, msg);
    if (code && strstr(cseq, "INVITE") && s) {
        s->d.invite_cseq = (unsigned)strtoul(cseq, NULL, 10);
        if (code > 100 && code < 300)
            sipdlg_take(&s->d, msg);
        if (code >= 200 && code < 300 && (polite || any(6)))
            sippeer_ack(p, &s->d, any(4) ? NULL : body_of(p, false));
        if (code >= 300 && (polite || any(6)))
            sippeer_ack_failure(p, &s->d, msg, s->d.target);
        return;
    }
    if (code || !strncmp(msg->text, "ACK ", 4))
        return;
    if (!strncmp(msg->text, "INVITE ", 7) && !strstr(sipmsg_hdr(msg, "To", to, sizeof(to)), ";tag=")) {
        if (!s) {
            s = slot_new(p);
            sipdlg_of_invite(&s->d, p, msg);
        }
        s->invite = *msg;
        s->open = true;
    } else if (!strncmp(msg->text, "CANCEL ", 7)) {
        sippeer_reply(p, msg, 200, "OK", "", NULL);
        if (s && s->open && (polite || any(4))) {
            s->open = false;
            sippeer_reply(p, &s->invite, 487, "Request Terminated", "", NULL);
        }
    } else if (polite) {
        sippeer_reply(p, msg, 200, "OK", "", !strncmp(msg->text, "INVITE ", 7) ? body_of(p, false) : NULL);
    } else {
        answer_request(p, msg);
    }
}

static void media_says(void)
{
    static const enum media_event_type types[] = {MEDIA_ICE_UP, MEDIA_ICE_MOVED, MEDIA_DTLS_UP,
                                                  MEDIA_FAILED, MEDIA_TIMEOUT,   MEDIA_TRUNK_LATCHED,
                                                  MEDIA_DTMF,   MEDIA_DTMF_LOST};
    struct media_event ev = {.type = types[any(sizeof(types) / sizeof(types[0]))],
                             .path_id = paths[any(PATHS)],
                             .reason = any(MEDIA_REASONS),
                             .digit = '5',
                             .from_browser = any(2)};

    (void)addr_parse_ip(&ev.addr, "127.0.0.1", 40000);
    (void)mbox_post(box.events, &ev);
}

static void page_comes_back(void)
{
    static uint64_t conn = 1;
    const struct sippeer was = agent.p;

    wsagent_close(&agent);
    if (wsagent_open(&agent, box.stack, box.out, ++conn, "5001", "secret5001"))
        return;
    (void)wsagent_register(&agent);
    agent.p.cseq = was.cseq; /* Call-IDs go on */
    agent.p.branch = was.branch;
}

static void step(void)
{
    struct slot *s = &slots[any(SLOTS)];
    struct sippeer *p = any(2) ? &agent.p : &trunk.p;
    static struct sipmsg got;

    switch (any(16)) {
    case 0:
        if (!any(4))
            call_new();
        break;
    case 1:
        media_says();
        break;
    case 2:
        if (pages_go && !any(16))
            page_comes_back();
        break;
    case 3:
        if (s->p && s->caller)
            sippeer_cancel(s->p, &s->d, s->to, "");
        break;
    case 4:
    case 5:
        if (s->p)
            request_within(s);
        break;
    case 6:
    case 7:
    case 8:
        if (s->p && s->open)
            answer_invite(s);
        break;
    default:
        if (!p->recv(p, &got, (int)any(4)))
            take(p, &got, false);
        break;
    }
}

/* --- what must be so --- */

/* The sum of all samples whose line begins so. */
static double sum(const char *name)
{
    const size_t n = strlen(name);
    double total = 0;
    struct buf b;

    buf_init(&b, 1 << 20);
    if (!metric_render(&b))
        for (const char *p = b.data; p && *p; p = strchr(p, '\n') ? strchr(p, '\n') + 1 : NULL)
            if (!strncmp(p, name, n) && strchr(p, ' '))
                total += strtod(strpbrk(p + n, "} ") + (strpbrk(p + n, "} ")[0] == '}'), NULL);
    buf_reset(&b);
    return total;
}

/* What waits for a page that is gone gives up after 64 T1: not waited for here. */
static bool nothing_left(void)
{
    return sum("dngate_limit_used{name=\"calls\"}") == 0 &&
           (pages_go || sum("dngate_limit_used{name=\"sip_dialogs\"}") == 0) &&
           sum("dngate_limit_used{name=\"media_paths\"}") == 0;
}

/* Both ends answer everything at last, and the gateway is asked to hang up what still runs. */
static bool all_ends_well(void)
{
    const uint64_t end = clock_ms() + QUIET_MS;
    static struct sipmsg got;

    for (size_t i = 0; i < SLOTS; i++)
        if (slots[i].open)
            sippeer_reply(slots[i].p, &slots[i].invite, 486, "Busy Here", "", NULL);
    app_sip_drain(box.app, 0, false);
    while (!nothing_left()) {
        if (clock_ms() > end)
            return false;
        for (int i = 0; i < 2; i++) {
            struct sippeer *p = i ? &agent.p : &trunk.p;

            while (!p->recv(p, &got, 5))
                take(p, &got, true);
        }
    }
    return true;
}

static void any_order(bool pages)
{
    const char *options[] = {"call.limit_per_dn=10", NULL};
    const double refused = sum("dngate_fsm_refused_total");

    rnd = test_seed() + pages;
    pages_go = pages;
    memset(slots, 0, sizeof(slots));
    leg_second = 5;
    BOX(options);
    for (int i = 0; i < STEPS; i++)
        step();
    if (!all_ends_well())
        testing_fail(__FILE__, __LINE__, "calls=%.0f dialogs=%.0f paths=%.0f",
                     sum("dngate_limit_used{name=\"calls\"}"), sum("dngate_limit_used{name=\"sip_dialogs\"}"),
                     sum("dngate_limit_used{name=\"media_paths\"}"));
    printf("# %.0f calls so far, %.0f of them answered\n", sum("dngate_calls_total{"),
           sum("dngate_calls_total{direction=\"in\",result=\"answered\"}") +
               sum("dngate_calls_total{direction=\"out\",result=\"answered\"}"));
    ends_close();
    if (sum("dngate_fsm_refused_total") > refused)
        testing_fail(__FILE__, __LINE__, "%.0f moves that cannot be",
                     sum("dngate_fsm_refused_total") - refused);
}

TEST(calls_in_any_order_leave_nothing_behind)
{
    any_order(false);
}

TEST(calls_of_a_page_that_comes_and_goes_leave_nothing_behind)
{
    any_order(true);
}

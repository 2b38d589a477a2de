#include "service/verdict.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    TALKED_MS = 3000, /* less silence than this means nothing */
    JITTER_BAD_MS = 40,
    LOSS_BAD_PERCENT = 3,
    RTT_HIGH_MS = 350,
    SCARCE_PERCENT = 20, /* of the packets that were to come */
    PACKET_MS = 20,
    LOST_FOR_S = 30, /* consent (RFC 7675) */
};
#define MOS_BAD 3.6

const char *verdict_level_name(enum verdict_level l)
{
    static const char *const names[] = {
        [VERDICT_GOOD] = "good", [VERDICT_WARN] = "warn", [VERDICT_BAD] = "bad"};

    return names[(unsigned)l % 3];
}

__attribute__((format(printf, 3, 4))) static void say(struct verdict *v, enum verdict_level level,
                                                      const char *fmt, ...)
{
    va_list ap;

    v->level = level;
    va_start(ap, fmt);
    vsnprintf(v->title, sizeof(v->title), fmt, ap);
    va_end(ap);
}

__attribute__((format(printf, 2, 3))) static void cause(struct verdict *v, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(v->cause, sizeof(v->cause), fmt, ap);
    va_end(ap);
}

__attribute__((format(printf, 2, 3))) static void advise(struct verdict *v, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(v->advice, sizeof(v->advice), fmt, ap);
    va_end(ap);
}

struct looking { /* what the rules look at */
    struct verdict *v;
    const struct cdr *c;
    const struct trace_facts *f; /* all 0 without a trace */
    int64_t talked_ms;
    bool outbound;
};

/* ---------------------------------------------------------------- addresses in words */

static const char *ip_of(char out[TRACE_ADDR_MAX], const char *at)
{
    const char *colon = strrchr(at, ':');

    snprintf(out, TRACE_ADDR_MAX, "%.*s", (int)(colon ? colon - at : (long)strlen(at)), at);
    return out;
}

static bool same_ip(const char *a, const char *b)
{
    char x[TRACE_ADDR_MAX], y[TRACE_ADDR_MAX];

    return !strcmp(ip_of(x, a), ip_of(y, b));
}

/* RFC 1918, RFC 6598, RFC 4193 */
static bool is_private(const char *at)
{
    unsigned long a, b;
    char *end;

    if (*at == '[')
        return at[1] == 'f' && (at[2] == 'c' || at[2] == 'd');
    a = strtoul(at, &end, 10);
    if (*end != '.')
        return false;
    b = strtoul(end + 1, NULL, 10);
    return a == 10 || (a == 172 && b >= 16 && b < 32) || (a == 192 && b == 168) ||
           (a == 100 && b >= 64 && b < 128);
}

/* ---------------------------------------------------------------- audio that never was */

static bool media_ice(const struct looking *l)
{
    say(l->v, VERDICT_BAD, "No audio: the browser and the gateway found no way to each other");
    if (l->f->cands)
        cause(l->v, "ICE tried the browser's %lld addresses and none of them worked%s.",
              (long long)l->f->cands,
              l->f->relay_cands ? ", not even by the TURN server"
                                : "; there was none by the TURN server among them");
    else
        cause(l->v, "ICE found no pair of addresses that works.");
    advise(l->v, "Open the gateway's media port (UDP) towards the agents, or let browsers reach its TURN "
                 "server; the page "
                 "Network and the agent's self-test say which port is closed.");
    return true;
}

static bool media_dtls(const struct looking *l, bool wrong_peer)
{
    if (wrong_peer) {
        say(l->v, VERDICT_BAD, "No audio: the browser showed another certificate than it had promised");
        cause(l->v,
              "The fingerprint in the browser's SDP is not that of the certificate in its DTLS handshake.");
        advise(l->v, "Something between browser and gateway changes SIP or media. Take it out of the way.");
        return true;
    }
    say(l->v, VERDICT_BAD, "No audio: the encryption with the browser did not come about");
    cause(l->v, "ICE found a way%s, but the DTLS handshake on it did not end in time.",
          l->c->remote_ice[0] ? " to the browser" : "");
    advise(l->v, "Small packets get through and large ones do not: look at the MTU of the agent's VPN, and "
                 "at firewalls "
                 "that inspect DTLS.");
    return true;
}

static bool media_consent(const struct looking *l)
{
    say(l->v, VERDICT_BAD, "The connection to the agent's browser was lost");
    cause(l->v, "The browser answered no more ICE checks for %d s and did not come back%s%s.", LOST_FOR_S,
          l->c->remote_ice[0] ? "; it was last at " : "", l->c->remote_ice);
    advise(l->v, "The agent's network went away, the computer slept, or the page was closed. See whether "
                 "other calls of "
                 "this DN ended so.");
    return true;
}

static bool media_silent(const struct looking *l, bool trunk)
{
    say(l->v, VERDICT_BAD, "The call was ended: nothing was heard from the %s any more",
        trunk ? "trunk" : "browser");
    cause(l->v, "No audio packet came from the %s for as long as media.rtp_timeout allows.",
          trunk ? "trunk" : "browser");
    if (trunk)
        advise(l->v, "Ask at the Genesys side whether the far end's media stopped without a BYE.");
    else
        advise(l->v, "The agent's network went away. See whether other calls of this DN ended so.");
    return true;
}

/* What ended the audio, by the trace or by the record's reason. */
static bool media_failed(const struct looking *l)
{
    const char *why = l->f->failed;

    if (!strncmp(l->c->reason, "Media failed: ", 14))
        why = l->c->reason + 14;
    else if (!strncmp(l->c->reason, "Media timeout: ", 15))
        why = l->c->reason + 15;
    else if (l->c->hangup != CDR_GATEWAY)
        return false; /* it had come back */
    if (!strcmp(why, "ice"))
        return media_ice(l);
    if (!strcmp(why, "dtls") || !strcmp(why, "fingerprint"))
        return media_dtls(l, *why == 'f');
    if (!strcmp(why, "consent") || !strncmp(why, "browser did not come back", 25))
        return media_consent(l);
    if (!strcmp(why, "trunk") || !strcmp(why, "browser"))
        return media_silent(l, *why == 't');
    return false;
}

/* ---------------------------------------------------------------- audio one way only */

static bool scarce(const struct looking *l, const struct cdr_stream *s)
{
    return (int64_t)s->packets * 100 < l->talked_ms / PACKET_MS * SCARCE_PERCENT && s->packets < 50;
}

/* The trunk's description and where its packets came from. */
static void trunk_mute_cause(const struct looking *l)
{
    const struct trace_facts *f = l->f;

    if (f->strangers) {
        cause(
            l->v,
            "Its SDP named %s, but %lld packets came from %s, whom the gateway does not take for the trunk.",
            f->trunk_sdp, (long long)f->strangers, f->stranger);
        advise(l->v,
               "A NAT or a media gateway that the SDP does not name stands between. Have the Genesys side "
               "put %s "
               "into its SDP, or make its SIP come from there.",
               f->stranger);
    } else if (f->trunk_sdp[0] && f->trunk_peer[0] && is_private(f->trunk_sdp) &&
               !same_ip(f->trunk_sdp, f->trunk_peer)) {
        cause(l->v,
              "Nothing came from the trunk. Its SDP named %s, a private address, while its SIP comes from "
              "%s: a NAT "
              "stands between, and the address does not lead there.",
              f->trunk_sdp, f->trunk_peer);
        advise(l->v,
               "Have the Genesys side write its public address into SDP, or join the networks so that %s is "
               "reached "
               "from here.",
               f->trunk_sdp);
    } else {
        cause(l->v, "Nothing came from the trunk after the answer.%s%s%s%s",
              f->trunk_sdp[0] ? " Its SDP named " : "", f->trunk_sdp, f->our_media[0] ? "; ours named " : "",
              f->our_media);
        advise(l->v, "Open the RTP ports (rtp.port_min to rtp.port_max, UDP) from the trunk's media address "
                     "to the gateway, "
                     "and see that the address in our SDP (public.address) is one that the trunk reaches.");
    }
}

static bool one_way(const struct looking *l)
{
    const bool trunk = scarce(l, &l->c->from_trunk), browser = scarce(l, &l->c->from_browser);

    if (l->talked_ms < TALKED_MS || l->f->held || (!trunk && !browser))
        return false;
    if (trunk && browser) {
        say(l->v, VERDICT_BAD, "No audio: neither side was heard");
        cause(l->v, "%s",
              l->c->path ? "A way to the browser was found, but hardly a packet came from either side."
                         : "No way to the browser was found, and hardly a packet came from the trunk.");
        advise(l->v, "Check the gateway's addresses and ports on the page Network: both its media port for "
                     "browsers and "
                     "its RTP ports for the trunk.");
    } else if (trunk) {
        say(l->v, VERDICT_BAD, "One-way audio: the agent heard nothing");
        trunk_mute_cause(l);
    } else {
        say(l->v, VERDICT_BAD, "One-way audio: the agent was not heard");
        cause(l->v,
              "Hardly a packet came from the agent's browser, though the trunk's audio reached the gateway.");
        advise(
            l->v,
            "See whether the microphone was muted, unplugged or forbidden to the page: the agent's self-test "
            "finds out.");
    }
    return true;
}

/* ---------------------------------------------------------------- answered, and something was not good */

static bool digits(const struct looking *l)
{
    const struct trace_facts *f = l->f;

    if (f->info_refused) {
        say(l->v, VERDICT_BAD, "Digits did not get through");
        cause(l->v,
              "%lld digits that were sent by SIP INFO were refused%s; what is left are tones in the audio.",
              (long long)f->info_refused,
              f->trunk_events ? "" : ", and the trunk's SDP lists no telephone-event (RFC 4733)");
    } else if (f->keys_lost) {
        say(l->v, VERDICT_BAD, "Digits did not get through");
        cause(l->v, "%lld digits were lost: too many waited to be sent.", (long long)f->keys_lost);
    } else if (f->keys && f->trunk_codecs[0] && !f->trunk_events) {
        say(l->v, VERDICT_WARN, "Digits may not have been understood");
        cause(l->v,
              "The trunk's SDP lists no telephone-event (RFC 4733), so %lld digits went as tones in the "
              "audio or by "
              "SIP INFO.",
              (long long)f->keys);
    } else {
        return false;
    }
    advise(l->v, "Have the Genesys side offer telephone-event (RFC 4733) for this trunk: it is the one type "
                 "of digits that "
                 "both sides can rely on.");
    return true;
}

static double loss_percent(const struct cdr_stream *s)
{
    return s->packets ? 100.0 * s->lost / ((double)s->packets + s->lost) : 0;
}

static bool stream_poor(const struct looking *l, const struct cdr_stream *s, bool browser)
{
    const double loss = loss_percent(s);
    const char *who = browser ? "The agent was heard" : "The agent heard",
               *from = browser ? "the browser" : "the trunk";

    if (!s->packets)
        return false;
    if (loss > LOSS_BAD_PERCENT) {
        say(l->v, VERDICT_BAD, "%s with gaps", who);
        cause(l->v, "%.1f %% of the packets from %s did not arrive (%u of %llu)%s%s.", loss, from, s->lost,
              (unsigned long long)s->packets + s->lost, browser && l->c->path ? "; way: " : "",
              browser ? cdr_path_name(l->c->path) : "");
    } else if (s->jitter_ms > JITTER_BAD_MS) {
        say(l->v, VERDICT_BAD, "%s choppily", who);
        cause(l->v, "The packets from %s came unevenly: jitter %.0f ms.", from, s->jitter_ms);
    } else if (s->mos > 0 && s->mos < MOS_BAD) {
        say(l->v, VERDICT_WARN, "%s poorly", who);
        cause(l->v, "MOS %.1f from %s: loss %.1f %%, jitter %.0f ms%s.", s->mos, from, loss, s->jitter_ms,
              browser && l->c->rtt_ms > RTT_HIGH_MS ? ", and a long way" : "");
    } else {
        return false;
    }
    if (browser)
        advise(l->v, "The agent's network is at fault: Wi-Fi, VPN or a full line. A cable, or another "
                     "network, shows it.");
    else
        advise(l->v, "The way between the trunk's media and the gateway is at fault: compare other calls of "
                     "this trunk at the "
                     "same time, and look at QoS.");
    return true;
}

static bool far_away(const struct looking *l)
{
    if (l->c->rtt_ms < RTT_HIGH_MS)
        return false;
    say(l->v, VERDICT_WARN, "Long delay to the agent");
    cause(l->v,
          "A packet took %.0f ms to the browser and back; people begin to talk over each other at 300 ms.",
          l->c->rtt_ms);
    advise(l->v, "Look at the agent's VPN, and at whether the call went by a relay that is far away.");
    return true;
}

static bool ended_by_us(const struct looking *l)
{
    if (l->c->hangup != CDR_GATEWAY || l->c->code == 200)
        return false;
    say(l->v, VERDICT_WARN, "The gateway ended the call");
    cause(l->v, "%s.", l->c->reason[0] ? l->c->reason : "No reason was noted");
    return true;
}

static void answered(const struct looking *l)
{
    if (media_failed(l) || one_way(l) || digits(l) || stream_poor(l, &l->c->from_browser, true) ||
        stream_poor(l, &l->c->from_trunk, false) || ended_by_us(l) || far_away(l))
        return;
    say(l->v, VERDICT_GOOD, "The call went well");
    if (l->c->hangup == CDR_AGENT || l->c->hangup == CDR_TRUNK)
        cause(l->v, "It was answered, and the %s hung up.",
              l->c->hangup == CDR_AGENT ? "agent" : (l->outbound ? "called side" : "caller"));
}

/* ---------------------------------------------------------------- never answered */

static bool trunk_silent(const struct looking *l)
{
    const struct trace_facts *f = l->f;

    if (!l->outbound || (l->c->code != 408 && l->c->code != 503) || l->c->hangup == CDR_AGENT)
        return false;
    if (f->trunk_tries && !f->trunk_heard) {
        say(l->v, VERDICT_BAD, "The trunk did not answer");
        cause(l->v, "The INVITE was sent to %s%s, again and again, and nothing came back.",
              f->trunk_peer[0] ? f->trunk_peer : "the trunk", f->trunk_tries > 1 ? " and others" : "");
        advise(l->v, "See whether that address is right and the SIP Server runs there; the trunk's test goes "
                     "through it step "
                     "by step. A firewall may let nothing out, or nothing back.");
        return true;
    }
    if (!f->trunk_tries && !l->c->trunk[0]) {
        say(l->v, VERDICT_BAD, "No trunk was up");
        cause(l->v, "No trunk answered OPTIONS at that time, so that the call was sent to none.");
        advise(l->v, "Test the trunk: the page Trunks says at which step it fails.");
        return true;
    }
    if (l->c->code == 408) {
        say(l->v, VERDICT_BAD, "The trunk took the call and never answered it");
        cause(l->v, "It rang or was queued, and no final answer came in time.");
        advise(l->v, "Ask at the Genesys side where the call waited.");
        return true;
    }
    return false;
}

static void no_codec(const struct looking *l)
{
    say(l->v, VERDICT_BAD, "No common codec");
    if (l->f->trunk_codecs[0])
        cause(l->v, "The trunk speaks %s; the gateway speaks PCMU and PCMA towards it.%s%s",
              l->f->trunk_codecs, l->f->warning[0] ? " It says: " : "", l->f->warning);
    else
        cause(l->v, "%s refused the description of the audio%s%s.",
              l->c->hangup == CDR_TRUNK ? "The trunk" : "The gateway", l->f->warning[0] ? ": " : "",
              l->f->warning);
    advise(l->v, "Allow G.711 (PCMU or PCMA) for this trunk in Genesys, and see that the trunk's codecs here "
                 "name the same.");
}

static void not_found(const struct looking *l)
{
    if (!l->outbound) {
        say(l->v, VERDICT_BAD, "DN %.40s does not exist here", l->c->dn[0] ? l->c->dn : l->c->callee);
        cause(l->v, "The trunk sent a call for a DN that the gateway does not have.");
        advise(l->v, "Add the DN, or take its route in Genesys off this gateway.");
        return;
    }
    say(l->v, VERDICT_BAD, "The number %.40s does not exist", l->c->callee);
    cause(l->v, "The trunk %s answered %u %s.", l->c->trunk, l->c->code, l->c->reason);
    advise(l->v, "See whether the number was dialled right; if it was, Genesys has no route or DN for it.");
}

static void unavailable(const struct looking *l)
{
    if (l->c->ring_ms) {
        say(l->v, VERDICT_GOOD, "Nobody answered");
        cause(l->v, "It rang for %lld s.", (long long)(l->c->end_ms - l->c->ring_ms) / 1000);
        return;
    }
    if (l->outbound) {
        say(l->v, VERDICT_WARN, "Who was called is not available");
        cause(l->v, "The trunk %s answered %u %s.", l->c->trunk, l->c->code, l->c->reason);
        advise(l->v, "The DN or phone that was called is not registered at its own switch.");
        return;
    }
    say(l->v, VERDICT_BAD, "The agent could not be reached");
    cause(l->v, "DN %.40s was not signed in, or its page did not answer%s%s.", l->c->dn,
          l->c->reason[0] ? ": " : "", l->c->reason);
    advise(l->v, "Genesys sent a call to an agent who was not there: see that the agent logs out in Genesys "
                 "when the page is "
                 "closed, and whether the page was open.");
}

/* While it rang, or while the agent waited for an answer. */
static bool agent_lost(const struct looking *l)
{
    if (l->c->hangup != CDR_GATEWAY || strcmp(l->c->reason, "Agent's connection lost") != 0 ||
        (!l->outbound && !l->c->ring_ms))
        return false;
    say(l->v, VERDICT_BAD, "The agent's connection was lost before the call was answered");
    if (l->c->ring_ms)
        cause(l->v, "It had rung for %lld s when the browser's connection to the gateway broke.",
              (long long)(l->c->end_ms - l->c->ring_ms) / 1000);
    else
        cause(l->v, "The browser's connection to the gateway broke.");
    advise(l->v, "The agent's network went away, the computer slept, or the page was closed. See whether "
                 "other calls of "
                 "this DN ended so.");
    return true;
}

static void busy(const struct looking *l)
{
    const bool ours = l->c->hangup == CDR_GATEWAY; /* the DN's limit */

    if (ours && l->outbound) {
        say(l->v, VERDICT_WARN, "The agent has as many calls as allowed");
        cause(l->v, "DN %.40s was on other calls, and its call limit allows no more.", l->c->dn);
        advise(l->v, "End the other call first, or raise the DN's call limit or call.limit_per_dn.");
        return;
    }
    say(l->v, VERDICT_GOOD, "Busy");
    if (ours)
        cause(l->v, "The agent was on as many calls as the DN's call limit allows.");
    else
        cause(l->v, "%s was on another call.", l->outbound ? "Who was called" : "The agent");
}

static void refused(const struct looking *l)
{
    const unsigned code = l->c->code;

    if (l->outbound && (code == 401 || code == 403 || code == 407)) {
        say(l->v, VERDICT_BAD, "The trunk refuses our calls");
        cause(l->v, "It answered %u %s.", code, l->c->reason);
        advise(
            l->v,
            "See that the trunk's user name and password are right, and that Genesys takes calls from this "
            "gateway's address.");
    } else if (code == 603) {
        say(l->v, VERDICT_GOOD, "The call was declined");
    } else if (code >= 500 && code < 600) {
        say(l->v, VERDICT_BAD, "The %s could not serve the call",
            l->c->hangup == CDR_TRUNK ? "trunk" : "gateway");
        cause(l->v, "%u %s.", code, l->c->reason);
        advise(l->v, "If it happens again, look at the %s's log at that time.",
               l->c->hangup == CDR_TRUNK ? "SIP Server" : "gateway");
    } else {
        say(l->v, VERDICT_WARN, "The call was refused");
        cause(l->v, "%s answered %u %s.",
              l->c->hangup == CDR_TRUNK   ? "The trunk"
              : l->c->hangup == CDR_AGENT ? "The agent's browser"
                                          : "The gateway",
              code, l->c->reason);
    }
}

static void unanswered(const struct looking *l)
{
    if (media_failed(l) || agent_lost(l) || trunk_silent(l))
        return;
    switch (l->c->code) {
    case 404:
    case 484:
    case 604:
        not_found(l);
        break;
    case 408:
    case 480:
        unavailable(l);
        break;
    case 415:
    case 488:
    case 606:
        no_codec(l);
        break;
    case 486:
    case 600:
        busy(l);
        break;
    case 487:
        say(l->v, VERDICT_GOOD, l->outbound ? "The agent hung up before the answer" : "The caller gave up");
        if (l->c->ring_ms)
            cause(l->v, "It had rung for %lld s.", (long long)(l->c->end_ms - l->c->ring_ms) / 1000);
        break;
    default:
        refused(l);
    }
}

void verdict_make(struct verdict *v, const struct cdr *c, const struct trace_facts *facts)
{
    static const struct trace_facts none;
    const struct looking l = {.v = v,
                              .c = c,
                              .f = facts ? facts : &none,
                              .talked_ms =
                                  c->answer_ms && c->end_ms > c->answer_ms ? c->end_ms - c->answer_ms : 0,
                              .outbound = c->direction == CDR_OUTBOUND};

    memset(v, 0, sizeof(*v));
    if (c->answer_ms)
        answered(&l);
    else
        unanswered(&l);
}

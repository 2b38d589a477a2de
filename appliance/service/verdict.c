#include "service/verdictwords.h"

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
};
#define MOS_BAD 3.6

const char *verdict_level_name(enum verdict_level l)
{
    static const char *const names[] = {
        [VERDICT_GOOD] = "good", [VERDICT_WARN] = "warn", [VERDICT_BAD] = "bad"};

    return names[(unsigned)l % 3];
}

struct looking { /* what the rules look at */
    struct verdict *v;
    const struct verdict_row **row; /* what was said */
    const struct cdr *c;
    const struct trace_facts *f; /* all 0 without a trace */
    int64_t talked_ms;
    bool outbound;
};

/* What the row's texts name comes after it: number(), text(). */
static bool say(const struct looking *l, enum verdict_say what)
{
    const struct verdict_row *row = verdict_row(what);

    l->v->level = row->level;
    l->v->code = row->code;
    *l->row = row;
    return true;
}

static void number(const struct looking *l, const char *name, double value, int decimals)
{
    sentence_number(&l->v->params, name, value, decimals);
}

static void text(const struct looking *l, const char *name, const char *value)
{
    sentence_text(&l->v->params, name, "%s", value);
}

/* "404 Not Found" */
static void answer(const struct looking *l)
{
    sentence_text(&l->v->params, "answer", "%u%s%s", l->c->code, l->c->reason[0] ? " " : "", l->c->reason);
}

static void rang(const struct looking *l)
{
    const int64_t seconds = (l->c->end_ms - l->c->ring_ms) / 1000;

    number(l, "n", (double)seconds, 0);
}

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
    if (!l->f->cands)
        return say(l, SAY_ICE);
    say(l, l->f->relay_cands ? SAY_ICE_RELAY : SAY_ICE_NO_RELAY);
    number(l, "n", (double)l->f->cands, 0);
    return true;
}

static bool media_consent(const struct looking *l)
{
    if (!l->c->remote_ice[0])
        return say(l, SAY_CONSENT);
    say(l, SAY_CONSENT_AT);
    text(l, "address", l->c->remote_ice);
    return true;
}

/* What ended the audio, by the trace or by the record's reason. */
static bool media_failed(const struct looking *l)
{
    const char *why = l->f->failed;

    if (l->c->hangup == CDR_GATEWAY && !strcmp(l->c->reason, "Agent's page did not come back"))
        return say(l, SAY_PAGE_AWAY);
    if (!strncmp(l->c->reason, "Media failed: ", 14))
        why = l->c->reason + 14;
    else if (!strncmp(l->c->reason, "Media timeout: ", 15))
        why = l->c->reason + 15;
    else if (l->c->hangup != CDR_GATEWAY)
        return false; /* it had come back */
    if (!strcmp(why, "ice"))
        return media_ice(l);
    if (!strcmp(why, "dtls") || !strcmp(why, "fingerprint"))
        return say(l, *why == 'f' ? SAY_FINGERPRINT : SAY_DTLS);
    if (!strcmp(why, "consent") || !strncmp(why, "browser did not come back", 25))
        return media_consent(l);
    if (!strcmp(why, "trunk") || !strcmp(why, "browser"))
        return say(l, *why == 't' ? SAY_SILENT_TRUNK : SAY_SILENT_BROWSER);
    return false;
}

/* ---------------------------------------------------------------- audio one way only */

static bool scarce(const struct looking *l, const struct cdr_stream *s)
{
    return (int64_t)s->packets * 100 < l->talked_ms / PACKET_MS * SCARCE_PERCENT && s->packets < 50;
}

/* The trunk's description and where its packets came from. */
static void trunk_mute(const struct looking *l)
{
    const struct trace_facts *f = l->f;

    if (f->strangers) {
        say(l, SAY_MUTE_TRUNK_STRANGER);
        text(l, "sdp", f->trunk_sdp);
        number(l, "n", (double)f->strangers, 0);
        text(l, "stranger", f->stranger);
    } else if (f->trunk_sdp[0] && f->trunk_peer[0] && is_private(f->trunk_sdp) &&
               !same_ip(f->trunk_sdp, f->trunk_peer)) {
        say(l, SAY_MUTE_TRUNK_NAT);
        text(l, "sdp", f->trunk_sdp);
        text(l, "peer", f->trunk_peer);
    } else if (f->trunk_sdp[0] && f->our_media[0]) {
        say(l, SAY_MUTE_TRUNK_AT);
        text(l, "sdp", f->trunk_sdp);
        text(l, "ours", f->our_media);
    } else {
        say(l, SAY_MUTE_TRUNK);
    }
}

static bool one_way(const struct looking *l)
{
    const bool trunk = scarce(l, &l->c->from_trunk), browser = scarce(l, &l->c->from_browser);

    if (l->talked_ms < TALKED_MS || l->f->held || (!trunk && !browser))
        return false;
    if (trunk && browser)
        say(l, l->c->path ? SAY_MUTE_BOTH : SAY_MUTE_BOTH_NO_WAY);
    else if (trunk)
        trunk_mute(l);
    else
        say(l, SAY_MUTE_BROWSER);
    return true;
}

/* ---------------------------------------------------------------- answered, and something was not good */

static bool digits(const struct looking *l)
{
    const struct trace_facts *f = l->f;
    int64_t n = f->keys;

    if (f->info_refused) {
        say(l, f->trunk_events ? SAY_DIGITS_REFUSED : SAY_DIGITS_REFUSED_NO_EVENTS);
        n = f->info_refused;
    } else if (f->keys_lost) {
        say(l, SAY_DIGITS_LOST);
        n = f->keys_lost;
    } else if (f->keys && f->trunk_codecs[0] && !f->trunk_events) {
        say(l, SAY_DIGITS_TONES);
    } else {
        return false;
    }
    number(l, "n", (double)n, 0);
    return true;
}

static double loss_percent(const struct cdr_stream *s)
{
    return s->packets ? 100.0 * s->lost / ((double)s->packets + s->lost) : 0;
}

static bool stream_bad(const struct looking *l, const struct cdr_stream *s, bool browser)
{
    const double loss = loss_percent(s);

    if (!s->packets)
        return false;
    if (loss > LOSS_BAD_PERCENT) {
        say(l, !browser                       ? SAY_LOSS_TRUNK
               : l->c->path > CDR_PATH_DIRECT ? SAY_LOSS_BROWSER_RELAY
                                              : SAY_LOSS_BROWSER);
        number(l, "percent", loss, 1);
        number(l, "lost", s->lost, 0);
        number(l, "total", (double)s->packets + s->lost, 0);
    } else if (s->jitter_ms > JITTER_BAD_MS) {
        say(l, browser ? SAY_JITTER_BROWSER : SAY_JITTER_TRUNK);
        number(l, "ms", s->jitter_ms, 0);
    } else {
        return false;
    }
    return true;
}

/* Neither of that, and yet. */
static bool stream_poor(const struct looking *l, const struct cdr_stream *s, bool browser)
{
    if (!s->packets || s->mos <= 0 || s->mos >= MOS_BAD)
        return false;
    say(l, !browser ? SAY_MOS_TRUNK : l->c->rtt_ms > RTT_HIGH_MS ? SAY_MOS_BROWSER_FAR : SAY_MOS_BROWSER);
    number(l, "mos", s->mos, 1);
    number(l, "percent", loss_percent(s), 1);
    number(l, "ms", s->jitter_ms, 0);
    return true;
}

static bool sounded_badly(const struct looking *l)
{
    const struct cdr_stream *browser = &l->c->from_browser, *trunk = &l->c->from_trunk;

    return stream_bad(l, browser, true) || stream_bad(l, trunk, false) || stream_poor(l, browser, true) ||
           stream_poor(l, trunk, false);
}

static bool far_away(const struct looking *l)
{
    if (l->c->rtt_ms < RTT_HIGH_MS)
        return false;
    say(l, SAY_FAR);
    number(l, "ms", l->c->rtt_ms, 0);
    return true;
}

static bool ended_by_us(const struct looking *l)
{
    if (l->c->hangup != CDR_GATEWAY || l->c->code == 200)
        return false;
    if (!l->c->reason[0])
        return say(l, SAY_ENDED);
    say(l, SAY_ENDED_WHY);
    text(l, "why", l->c->reason);
    return true;
}

static void answered(const struct looking *l)
{
    if (media_failed(l) || one_way(l) || digits(l) || sounded_badly(l) || ended_by_us(l) || far_away(l))
        return;
    say(l, l->c->hangup == CDR_AGENT   ? SAY_WELL_AGENT
           : l->c->hangup != CDR_TRUNK ? SAY_WELL
           : l->outbound               ? SAY_WELL_CALLED
                                       : SAY_WELL_CALLER);
}

/* ---------------------------------------------------------------- never answered */

static bool trunk_silent(const struct looking *l)
{
    const struct trace_facts *f = l->f;

    if (!l->outbound || (l->c->code != 408 && l->c->code != 503) || l->c->hangup == CDR_AGENT)
        return false;
    if (f->trunk_tries && !f->trunk_heard) {
        say(l, f->trunk_tries > 1 ? SAY_TRUNK_TIMEOUT_OTHERS : SAY_TRUNK_TIMEOUT);
        text(l, "peer", f->trunk_peer[0] ? f->trunk_peer : l->c->trunk);
        return true;
    }
    if (!f->trunk_tries && !l->c->trunk[0])
        return say(l, SAY_NO_TRUNK);
    return l->c->code == 408 && say(l, SAY_TRUNK_NO_FINAL);
}

static void no_codec(const struct looking *l)
{
    const struct trace_facts *f = l->f;
    const bool warned = f->warning[0], trunk = l->c->hangup == CDR_TRUNK;

    if (f->trunk_codecs[0]) {
        say(l, warned ? SAY_CODEC_WARNING : SAY_CODEC);
        text(l, "codecs", f->trunk_codecs);
    } else if (trunk) {
        say(l, warned ? SAY_CODEC_TRUNK_WARNING : SAY_CODEC_TRUNK);
    } else {
        say(l, warned ? SAY_CODEC_GATEWAY_WARNING : SAY_CODEC_GATEWAY);
    }
    if (warned)
        text(l, "warning", f->warning);
}

/* Of 128 bytes, which a title has no room for. */
static void short_text(const struct looking *l, const char *name, const char *value)
{
    sentence_text(&l->v->params, name, "%.40s", value);
}

static void not_found(const struct looking *l)
{
    if (!l->outbound) {
        say(l, SAY_NO_DN);
        short_text(l, "dn", l->c->dn[0] ? l->c->dn : l->c->callee);
        return;
    }
    say(l, SAY_NO_NUMBER);
    short_text(l, "number", l->c->callee);
    text(l, "trunk", l->c->trunk);
    answer(l);
}

static void unavailable(const struct looking *l)
{
    if (l->c->ring_ms) {
        say(l, SAY_NOBODY_ANSWERED);
        rang(l);
    } else if (l->outbound) {
        say(l, SAY_CALLED_AWAY);
        text(l, "trunk", l->c->trunk);
        answer(l);
    } else {
        say(l, l->c->reason[0] ? SAY_AGENT_AWAY_WHY : SAY_AGENT_AWAY);
        short_text(l, "dn", l->c->dn);
        if (l->c->reason[0])
            text(l, "why", l->c->reason);
    }
}

/* While it rang, or while the agent waited for an answer. */
static bool agent_lost(const struct looking *l)
{
    if (l->c->hangup != CDR_GATEWAY || strcmp(l->c->reason, "Agent's connection lost") != 0 ||
        (!l->outbound && !l->c->ring_ms))
        return false;
    if (!l->c->ring_ms)
        return say(l, SAY_AGENT_LOST);
    say(l, SAY_AGENT_LOST_RANG);
    rang(l);
    return true;
}

static void busy(const struct looking *l)
{
    const bool ours = l->c->hangup == CDR_GATEWAY; /* the DN's limit */

    if (ours && l->outbound) {
        say(l, SAY_BUSY_LIMIT_OUT);
        short_text(l, "dn", l->c->dn);
        return;
    }
    say(l, ours ? SAY_BUSY_LIMIT_IN : l->outbound ? SAY_BUSY_CALLED : SAY_BUSY_AGENT);
}

static void refused(const struct looking *l)
{
    const unsigned code = l->c->code;
    const enum cdr_party by = l->c->hangup;

    if (l->outbound && (code == 401 || code == 403 || code == 407)) {
        say(l, SAY_TRUNK_REFUSES);
    } else if (code == 603) {
        say(l, SAY_DECLINED);
        return;
    } else if (code >= 500 && code < 600) {
        say(l, by == CDR_TRUNK ? SAY_FAILED_TRUNK : SAY_FAILED_GATEWAY);
    } else {
        say(l, by == CDR_TRUNK   ? SAY_REFUSED_TRUNK
               : by == CDR_AGENT ? SAY_REFUSED_AGENT
                                 : SAY_REFUSED_GATEWAY);
    }
    answer(l);
}

static void gave_up(const struct looking *l)
{
    if (!l->c->ring_ms) {
        say(l, l->outbound ? SAY_GAVE_UP_AGENT : SAY_GAVE_UP_CALLER);
        return;
    }
    say(l, l->outbound ? SAY_GAVE_UP_AGENT_RANG : SAY_GAVE_UP_CALLER_RANG);
    rang(l);
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
        gave_up(l);
        break;
    default:
        refused(l);
    }
}

static void fill(char *out, size_t sz, const char *words, const struct sentence_params *params)
{
    sentence_fill(out, sz, words ? words : "", params);
}

void verdict_make(struct verdict *v, const struct cdr *c, const struct trace_facts *facts)
{
    static const struct trace_facts none;
    const struct verdict_row *row = NULL;
    const struct looking l = {.v = v,
                              .row = &row,
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
    fill(v->title, sizeof(v->title), row->title, &v->params);
    fill(v->cause, sizeof(v->cause), row->cause, &v->params);
    fill(v->advice, sizeof(v->advice), row->advice, &v->params);
}

void verdict_json(struct buf *out, const struct verdict *v)
{
    buf_printf(out, "{\"level\":\"%s\",\"code\":\"%s\",\"params\":", verdict_level_name(v->level), v->code);
    sentence_json(out, &v->params);
    buf_puts(out, ",\"title\":");
    buf_json_str(out, v->title);
    buf_puts(out, ",\"cause\":");
    buf_json_str(out, v->cause);
    buf_puts(out, ",\"advice\":");
    buf_json_str(out, v->advice);
    buf_puts(out, "}");
}

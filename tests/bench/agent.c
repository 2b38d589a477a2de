/* bench/agent: see agent.h. */
#include "agent.h"
#include "call/sdp.h"
#include "core/clock.h"
#include "core/rnd.h"
#include "fake/browser.h"
#include "siptext.h"
#include "wsclient.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MESSAGE_MAX = 16384,
    PT_OPUS = 111,
    PT_PCMU = 0,
    RTCP_SENDS = 250 /* packets between two reports: 5 s */
};

static void fail(struct agent *a, const char *what)
{
    fprintf(stderr, "bench: agent %u: %.*s\n", a->dn, (int)strcspn(what, "\r\n"), what);
    snprintf(a->why, sizeof(a->why), "%.*s", (int)strcspn(what, "\r\n"), what);
    a->state = AGENT_FAILED;
}

/* The call has ended other than by the answer to our own BYE. */
static void over(struct agent *a, int status, const char *what)
{
    if (!a->patient) {
        fail(a, what);
        return;
    }
    a->status = status;
    a->state = AGENT_OVER;
}

/* ---- SIP ---- */

static void begin_request(struct agent *a, struct buf *out, const char *method, const char *uri,
                          unsigned cseq)
{
    if (strcmp(method, "CANCEL") && strcmp(method, "ACK"))
        rnd_str(a->branch, sizeof(a->branch), 16);
    buf_printf(out,
               "%s %s SIP/2.0\r\nVia: SIP/2.0/WSS %s;branch=z9hG4bK%s\r\nMax-Forwards: 70\r\n"
               "From: <sip:%u@127.0.0.1>;tag=%s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %u %s\r\n"
               "Contact: <sip:%u@%s;transport=ws>\r\n",
               method, uri, a->host, a->branch, a->dn, a->tag, a->to, a->call_id, cseq, method, a->dn,
               a->host);
}

static void finish(struct agent *a, struct buf *out, const char *body)
{
    if (*body)
        buf_puts(out, "Content-Type: application/sdp\r\n");
    buf_printf(out, "Content-Length: %zu\r\n\r\n%s", strlen(body), body);
    if (out->err || wsclient_send(a->ws, out->data))
        fail(a, "cannot send");
    buf_reset(out);
}

static void new_dialog(struct agent *a, unsigned to)
{
    rnd_str(a->tag, sizeof(a->tag), 10);
    rnd_str(a->call_id, sizeof(a->call_id), 20);
    snprintf(a->to, sizeof(a->to), "<sip:%u@127.0.0.1>", to);
    a->cseq = 1;
    a->authorized = false;
    a->by_peer = false;
    a->status = 0;
}

static bool authorize(struct agent *a, struct buf *out, const struct siptext *challenge, const char *method,
                      const char *uri)
{
    char dn[16];

    if (!challenge)
        return true;
    snprintf(dn, sizeof(dn), "%u", a->dn);
    a->authorized = true;
    return siptext_authorize(out, challenge, dn, a->password, method, uri);
}

static void send_register(struct agent *a, const struct siptext *challenge)
{
    struct buf out;

    buf_init(&out, MESSAGE_MAX);
    begin_request(a, &out, "REGISTER", "sip:127.0.0.1", a->cseq++);
    buf_puts(&out, "Expires: 600\r\nSupported: path,gruu,outbound\r\n");
    if (!authorize(a, &out, challenge, "REGISTER", "sip:127.0.0.1"))
        fail(a, "no MD5 challenge");
    finish(a, &out, "");
}

/* As Chromium writes it; the trunk's codec only when it shall go straight through. mid and pt: the offer's when this answers it. */
static void write_sdp(const struct agent *a, char *sdp, size_t sz, const char *setup, const char *mid)
{
    const struct fbrowser_local *l = fbrowser_local(a->peer);
    char fp[32 * 3 + 1] = "", opus[100] = "", pts[24] = "";

    for (unsigned i = 0; i < 32; i++)
        snprintf(fp + 3 * i, 4, "%02X%s", l->fingerprint[i], i < 31 ? ":" : "");
    if (a->codec == MEDIA_OPUS) {
        snprintf(pts, sizeof(pts), "%u ", a->pt);
        snprintf(opus, sizeof(opus), "a=rtpmap:%u opus/48000/2\r\na=fmtp:%u minptime=10;useinbandfec=1\r\n",
                 a->pt, a->pt);
    }
    snprintf(sdp, sz,
             "v=0\r\no=- 4611731400430051336 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE %s\r\n"
             "m=audio %u UDP/TLS/RTP/SAVPF %s0 126\r\nc=IN IP4 127.0.0.1\r\na=rtcp:9 IN IP4 0.0.0.0\r\n"
             "a=candidate:1 1 udp 2122260223 127.0.0.1 %u typ host generation "
             "0\r\na=ice-ufrag:%s\r\na=ice-pwd:%s\r\n"
             "a=fingerprint:sha-256 %s\r\na=setup:%s\r\na=mid:%s\r\na=sendrecv\r\na=rtcp-mux\r\n%s"
             "a=rtpmap:0 PCMU/8000\r\na=rtpmap:126 telephone-event/8000\r\na=ssrc:%u cname:bench\r\n",
             mid, addr_port(&l->addr), pts, addr_port(&l->addr), l->ufrag, l->pwd, fp, setup, mid, opus,
             fbrowser_ssrc(a->peer));
}

static void send_invite(struct agent *a, const struct siptext *challenge)
{
    char uri[64], sdp[2000];
    struct buf out;

    snprintf(uri, sizeof(uri), "sip:%u@127.0.0.1", a->number);
    write_sdp(a, sdp, sizeof(sdp), "actpass", "0");
    buf_init(&out, MESSAGE_MAX);
    begin_request(a, &out, "INVITE", uri, a->cseq);
    if (!authorize(a, &out, challenge, "INVITE", uri))
        fail(a, "no MD5 challenge");
    finish(a, &out, sdp);
}

/* An ACK belongs to the INVITE's transaction unless that was answered (RFC 3261 17.1.1.3). */
static void send_ack(struct agent *a, const char *uri, bool answered)
{
    struct buf out;

    if (answered)
        rnd_str(a->branch, sizeof(a->branch), 16);
    buf_init(&out, MESSAGE_MAX);
    begin_request(a, &out, "ACK", uri, a->cseq);
    finish(a, &out, "");
}

static void on_register_response(struct agent *a, const struct siptext *m)
{
    if (m->status == 200)
        a->state = AGENT_READY;
    else if (m->status == 401 && !a->authorized)
        send_register(a, m);
    else if (m->status >= 300)
        fail(a, m->p);
}

/* Where the gateway's media is, and what it wants to hear. */
static bool take_sdp(struct agent *a, const char *body, struct sdp *sdp)
{
    struct fbrowser_remote remote = {0};

    if (sdp_parse(sdp, body, strlen(body), SDP_LINE_ANY) || sdp->audio < 0 || !sdp->cand_count ||
        !sdp->has_fingerprint)
        return false;
    snprintf(remote.ufrag, sizeof(remote.ufrag), "%s", sdp->ice_ufrag);
    snprintf(remote.pwd, sizeof(remote.pwd), "%s", sdp->ice_pwd);
    memcpy(remote.fingerprint, sdp->fingerprint, sizeof(remote.fingerprint));
    remote.addr = sdp->cands[0].addr;
    remote.we_are_dtls_client = sdp->setup != SDP_SETUP_ACTIVE;
    if (!a->sound)
        a->sound = strstr(body, "maxplaybackrate=8000")                 ? a->narrow
                   : a->middle && strstr(body, "maxplaybackrate=16000") ? a->middle
                                                                        : a->wide;
    fbrowser_remote(a->peer, &remote, clock_us());
    return true;
}

static void on_answer(struct agent *a, const struct siptext *m)
{
    struct sdp sdp;

    if (take_sdp(a, m->body, &sdp))
        a->state = AGENT_CONNECTING;
    else
        fail(a, "unusable answer");
}

static void on_invite_response(struct agent *a, const struct siptext *m)
{
    char contact[SIP_VALUE_MAX];

    if (m->status < 200)
        return;
    siptext_header(m, "To", 0, a->to, sizeof(a->to));
    if (m->status == 200) {
        if (!siptext_header(m, "Contact", 0, contact, sizeof(contact)) ||
            !siptext_bracket(contact, a->target, sizeof(a->target))) {
            fail(a, "no Contact in 200");
            return;
        }
        send_ack(a, a->target, true);
        if (a->state == AGENT_CALLING)
            on_answer(a, m);
        return;
    }
    snprintf(a->target, sizeof(a->target), "sip:%u@127.0.0.1", a->number);
    send_ack(a, a->target, false);
    if ((m->status == 401 || m->status == 407) && !a->authorized) {
        snprintf(a->to, sizeof(a->to), "<sip:%u@127.0.0.1>", a->number);
        a->cseq++;
        send_invite(a, m);
    } else {
        over(a, m->status, m->p);
    }
}

static void respond(struct agent *a, const struct siptext *m, const char *status, const char *body)
{
    char to[SIP_VALUE_MAX] = "";
    struct buf out;

    siptext_header(m, "To", 0, to, sizeof(to));
    buf_init(&out, MESSAGE_MAX);
    buf_printf(&out, "SIP/2.0 %s\r\n", status);
    siptext_copy(&out, m, "Via");
    siptext_copy(&out, m, "Record-Route");
    siptext_copy(&out, m, "From");
    buf_printf(&out, "To: %s", to);
    if (!strstr(to, "tag="))
        buf_printf(&out, ";tag=%s", a->tag);
    buf_puts(&out, "\r\n");
    siptext_copy(&out, m, "Call-ID");
    siptext_copy(&out, m, "CSeq");
    buf_printf(&out, "Contact: <sip:%u@%s;transport=ws>\r\n", a->dn, a->host);
    finish(a, &out, body);
}

static void respond_invite(struct agent *a, const char *status, const char *body)
{
    struct siptext m;

    if (a->invite && siptext_read(&m, a->invite))
        respond(a, &m, status, body);
}

/* The gateway calls. */
static void on_invite(struct agent *a, const struct siptext *m)
{
    char contact[SIP_VALUE_MAX];

    if (!a->patient || a->state != AGENT_READY || a->invite ||
        !siptext_header(m, "Contact", 0, contact, sizeof(contact)) ||
        !siptext_bracket(contact, a->target, sizeof(a->target))) {
        respond(a, m, "486 Busy Here", "");
        return;
    }
    new_dialog(a, a->dn);
    siptext_header(m, "From", 0, a->to, sizeof(a->to));
    siptext_header(m, "Call-ID", 0, a->call_id, sizeof(a->call_id));
    a->invite = strdup(m->p);
    a->state = AGENT_RINGING;
    respond_invite(a, "180 Ringing", "");
}

static void on_request(struct agent *a, const struct siptext *m)
{
    char call_id[sizeof(a->call_id)] = "";
    bool ours;

    siptext_header(m, "Call-ID", 0, call_id, sizeof(call_id));
    ours = !strcmp(call_id, a->call_id);
    if (!strcmp(m->method, "ACK"))
        return;
    if (!strcmp(m->method, "INVITE")) {
        on_invite(a, m);
        return;
    }
    respond(a, m, "200 OK", "");
    if (!strcmp(m->method, "CANCEL") && ours && a->state == AGENT_RINGING) {
        respond_invite(a, "487 Request Terminated", "");
        over(a, 487, "cancelled");
    }
    if (!strcmp(m->method, "BYE") && ours && a->state >= AGENT_CALLING && a->state <= AGENT_UP) {
        a->by_peer = true;
        over(a, 200, "the gateway hung up");
    }
}

static void on_bye_response(struct agent *a)
{
    if (a->state != AGENT_ENDING)
        return;
    if (a->patient)
        over(a, 200, "");
    else
        a->state = AGENT_READY;
}

static void ws_h(const char *text, void *arg)
{
    struct agent *a = arg;
    struct siptext m;

    if (!text) {
        if (a->state != AGENT_OFFLINE)
            fail(a, "WebSocket closed");
    } else if (siptext_read(&m, text)) {
        if (!m.status)
            on_request(a, &m);
        else if (!strcmp(m.method, "REGISTER"))
            on_register_response(a, &m);
        else if (!strcmp(m.method, "INVITE"))
            on_invite_response(a, &m);
        else if (!strcmp(m.method, "BYE") && m.status >= 200)
            on_bye_response(a);
    }
}

int agent_register(struct agent *a, uint16_t port)
{
    char name[13];
    int err;

    a->media.fd = -1;
    rnd_str(name, sizeof(name), 12);
    snprintf(a->host, sizeof(a->host), "%s.invalid", name);
    err = wsclient_open(&a->ws, port, a->from, ws_h, a);
    if (err)
        return err;
    agent_refresh(a);
    return 0;
}

void agent_refresh(struct agent *a)
{
    a->state = AGENT_REGISTERING;
    new_dialog(a, a->dn);
    send_register(a, NULL);
}

/* ---- media ---- */

static void poll_peer(struct agent *a)
{
    fbrowser_poll(a->peer, clock_us());
    if (a->state == AGENT_CONNECTING && fbrowser_up(a->peer)) {
        a->state = AGENT_UP;
        a->up_us = clock_us();
    }
}

static void media_readable(void *arg)
{
    poll_peer(arg);
}

static void rtp_h(const struct rtp_hdr *h, uint64_t now_us, void *arg)
{
    struct agent *a = arg;

    (void)now_us;
    if (h->pt == a->pt)
        hearing_packet(&a->in, h, loop_wall_us());
}

static int open_peer(struct agent *a, bool controlling)
{
    struct fbrowser_config cfg = {
        .identity = a->identity, .controlling = controlling, .rtph = rtp_h, .arg = a};
    int err = fbrowser_alloc(&a->peer, &cfg);

    if (!err)
        err = hearing_init(&a->in, a->codec);
    if (err)
        return err;
    a->media = (struct io){.fd = fbrowser_fd(a->peer), .readable = media_readable, .arg = a};
    err = loop_watch(&a->media);
    if (err)
        return err;
    rtcp_send_init(&a->rtcp, fbrowser_ssrc(a->peer), codec_clock_rate(a->codec));
    a->ts = rnd_u32();
    a->sends = a->frame = 0;
    return 0;
}

int agent_call(struct agent *a)
{
    int err = open_peer(a, true);

    if (err)
        return err;
    a->pt = a->codec == MEDIA_OPUS ? PT_OPUS : PT_PCMU;
    a->called_us = clock_us();
    a->state = AGENT_CALLING;
    new_dialog(a, a->number);
    send_invite(a, NULL);
    return 0;
}

int agent_answer(struct agent *a)
{
    const struct sdp_fmt *opus;
    struct siptext m;
    struct sdp sdp;
    char text[2000];
    int err = open_peer(a, false);

    if (err)
        return err;
    if (!siptext_read(&m, a->invite) || !take_sdp(a, m.body, &sdp)) {
        fail(a, "unusable offer");
        return 0;
    }
    opus = sdp_find(&sdp, "opus", 48000);
    if (a->codec == MEDIA_OPUS && !opus) {
        fail(a, "no Opus in the offer");
        return 0;
    }
    a->pt = a->codec == MEDIA_OPUS ? opus->pt : PT_PCMU;
    a->called_us = clock_us();
    a->state = AGENT_CONNECTING;
    write_sdp(a, text, sizeof(text), "active", sdp.mline[sdp.audio].mid);
    respond_invite(a, "200 OK", text);
    return 0;
}

void agent_reject(struct agent *a)
{
    respond_invite(a, "486 Busy Here", "");
    over(a, 486, "rejected");
}

void agent_cancel(struct agent *a)
{
    char uri[64];
    struct buf out;

    snprintf(uri, sizeof(uri), "sip:%u@127.0.0.1", a->number);
    snprintf(a->to, sizeof(a->to), "<%s>", uri);
    a->state = AGENT_ENDING;
    buf_init(&out, MESSAGE_MAX);
    begin_request(a, &out, "CANCEL", uri, a->cseq);
    finish(a, &out, "");
}

static void send_report(struct agent *a)
{
    uint8_t p[RTCP_PACKET_MAX];
    size_t n = rtcp_build(p, sizeof(p), &a->rtcp, &a->in.recv, "bench", false, loop_wall_us());

    fbrowser_send_rtcp(a->peer, p, n);
}

void agent_send(struct agent *a)
{
    bool opus = a->codec == MEDIA_OPUS;
    const uint8_t *p;
    size_t n;

    if (!a->peer)
        return;
    poll_peer(a);
    if (a->state != AGENT_UP)
        return;
    p = opus ? a->sound->opus[a->frame] : a->sound->pcmu[a->frame];
    n = opus ? a->sound->opus_len[a->frame] : SOUND_FRAME;
    if (a->out && a->frame % SOUND_CYCLE == SOUND_ONSET)
        hearing_mark(a->out, loop_wall_us(), opus ? a->sound->opus_onset : 0);
    fbrowser_send(a->peer, a->pt, a->sends == 0, a->ts, p, n);
    rtcp_send_packet(&a->rtcp, a->ts, n, loop_wall_us());
    a->ts += codec_clock_rate(a->codec) / 50;
    a->frame = (a->frame + 1) % SOUND_FRAMES;
    if (++a->sends % RTCP_SENDS == 50)
        send_report(a);
}

void agent_hangup(struct agent *a)
{
    struct buf out;

    if (a->state != AGENT_UP && a->state != AGENT_CONNECTING)
        return;
    a->state = AGENT_ENDING;
    buf_init(&out, MESSAGE_MAX);
    begin_request(a, &out, "BYE", a->target, ++a->cseq);
    finish(a, &out, "");
}

static void drop_call(struct agent *a)
{
    fbrowser_free(a->peer); /* closes the socket that loop.c watches */
    hearing_close(&a->in);
    free(a->invite);
    a->peer = NULL;
    a->invite = NULL;
    a->media.fd = -1;
    a->out = NULL;
}

void agent_release(struct agent *a)
{
    drop_call(a);
    if (a->state == AGENT_OVER)
        a->state = AGENT_READY;
}

void agent_close(struct agent *a)
{
    a->state = AGENT_OFFLINE;
    wsclient_close(a->ws);
    a->ws = NULL;
    drop_call(a);
}

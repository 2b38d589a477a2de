/* bench/farend: see farend.h. */
#include "farend.h"
#include "call/sdp.h"
#include "core/rnd.h"
#include "siptext.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { MESSAGE_MAX = 8192, PT_OPUS = 107, PT_G722 = 9 };

static uint8_t pt_of(enum media_codec c)
{
    return c == MEDIA_OPUS ? PT_OPUS : c == MEDIA_G722 ? PT_G722 : 0;
}

static void rtp_readable(void *arg)
{
    struct farend_call *c = arg;
    uint8_t p[RTP_PACKET_MAX];
    struct rtp_hdr h;
    uint64_t at;
    int n;

    while ((n = loop_recv(c->rtp.fd, p, sizeof(p), NULL, &at)) >= 0)
        if (!rtp_parse(&h, p, (size_t)n) && h.pt == pt_of(c->codec))
            hearing_packet(&c->in, &h, at);
}

/* No more sound; the dialog may go on to its end. */
static void rtp_close(struct farend_call *c)
{
    loop_unwatch(&c->rtp);
    c->up = false;
}

static void call_close(struct farend_call *c)
{
    rtp_close(c);
    hearing_close(&c->in);
    buf_reset(&c->ok);
    free(c->invite);
    c->invite = NULL;
    c->state = FAREND_IDLE; /* the Call-ID stays: a late retransmission is no new call */
}

static void over(struct farend_call *c, int status, bool by_peer)
{
    rtp_close(c);
    c->status = status;
    c->by_peer = by_peer;
    c->state = FAREND_OVER;
}

static int rtp_open(const struct farend *f, struct farend_call *c)
{
    int err;

    c->codec = f->codec;
    c->rtp = (struct io){.fd = loop_udp(&c->rtp_port), .readable = rtp_readable, .arg = c};
    if (c->rtp.fd < 0)
        return -c->rtp.fd;
    err = hearing_init(&c->in, c->codec);
    if (err)
        return err;
    c->ssrc = rnd_u32();
    c->seq = (uint16_t)(rnd_u32() & 0x7fff);
    c->ts = rnd_u32();
    c->frame = 0;
    return loop_watch(&c->rtp);
}

/* The call has the other side's description: sound begins. */
static int go_up(struct farend_call *c, const struct siptext *m)
{
    struct sdp sdp;

    if (sdp_parse(&sdp, m->body, strlen(m->body), SDP_LINE_ANY) || sdp.audio < 0 ||
        addr_af(&sdp.rtp) != AF_INET)
        return EPROTO;
    c->gateway = sdp.rtp.u.in;
    c->up = true;
    c->state = FAREND_UP;
    return 0;
}

static void begin_response(struct buf *out, const struct siptext *m, const char *status, unsigned tag)
{
    char to[SIP_VALUE_MAX] = "";

    siptext_header(m, "To", 0, to, sizeof(to));
    buf_printf(out, "SIP/2.0 %s\r\n", status);
    siptext_copy(out, m, "Via");
    siptext_copy(out, m, "Record-Route");
    siptext_copy(out, m, "From");
    buf_printf(out, "To: %s", to);
    if (!strstr(to, "tag="))
        buf_printf(out, ";tag=far%u", tag);
    buf_puts(out, "\r\n");
    siptext_copy(out, m, "Call-ID");
    siptext_copy(out, m, "CSeq");
}

static void send_to(struct farend *f, const struct buf *out, const struct sockaddr_in *to)
{
    if (!out->err)
        sendto(f->sip.fd, out->data, out->len, 0, (const struct sockaddr *)to, sizeof(*to));
}

static void respond(struct farend *f, const struct siptext *m, const char *status,
                    const struct sockaddr_in *to)
{
    struct buf out;

    buf_init(&out, MESSAGE_MAX);
    begin_response(&out, m, status, 0);
    buf_puts(&out, "Content-Length: 0\r\n\r\n");
    send_to(f, &out, to);
    buf_reset(&out);
}

static void write_contact(const struct farend *f, struct buf *out)
{
    buf_printf(out, "Contact: <sip:far@127.0.0.1:%u>\r\n", f->port);
}

static void write_sdp(const struct farend_call *c, struct buf *out)
{
    unsigned rate = codec_clock_rate(c->codec), pt = pt_of(c->codec);
    char sdp[400];
    int n = snprintf(sdp, sizeof(sdp),
                     "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio %u "
                     "RTP/AVP %u 101\r\n"
                     "a=rtpmap:%u %s/%u%s\r\na=rtpmap:101 telephone-event/%u\r\na=ptime:20\r\na=sendrecv\r\n",
                     c->rtp_port, pt, pt, media_codec_name(c->codec), rate,
                     c->codec == MEDIA_OPUS ? "/2" : "", rate);

    buf_printf(out, "Content-Type: application/sdp\r\nContent-Length: %d\r\n\r\n%s", n, sdp);
}

/* A response to the INVITE, kept for when that comes again. */
static void respond_invite(struct farend *f, struct farend_call *c, const struct siptext *m,
                           const char *status, bool sdp, const struct sockaddr_in *to)
{
    buf_reset(&c->ok);
    buf_init(&c->ok, MESSAGE_MAX);
    begin_response(&c->ok, m, status, (unsigned)(c - f->call));
    write_contact(f, &c->ok);
    if (sdp)
        write_sdp(c, &c->ok);
    else
        buf_puts(&c->ok, "Content-Length: 0\r\n\r\n");
    send_to(f, &c->ok, to);
}

/* The dialog as its called side sees it (RFC 3261 12.1.1). */
static void enter_dialog(struct farend_call *c, const struct siptext *m)
{
    char contact[SIP_VALUE_MAX] = "";

    siptext_header(m, "From", 0, c->remote, sizeof(c->remote));
    siptext_header(m, "To", 0, c->local, sizeof(c->local));
    if (siptext_header(m, "Contact", 0, contact, sizeof(contact)))
        siptext_bracket(contact, c->target, sizeof(c->target));
    c->cseq = 1;
}

static int accept_invite(struct farend *f, struct farend_call *c, const struct siptext *m,
                         const struct sockaddr_in *to)
{
    size_t used = strlen(c->local);
    int err = rtp_open(f, c);

    if (!err)
        err = go_up(c, m);
    if (err) {
        fprintf(stderr, "bench: far end: %s\n", strerror(err));
        respond_invite(f, c, m, "488 Not Acceptable Here", false, to);
        over(c, 488, false);
        return err;
    }
    snprintf(c->local + used, sizeof(c->local) - used, ";tag=far%u", (unsigned)(c - f->call));
    respond_invite(f, c, m, "200 OK", true, to);
    return 0;
}

static void on_invite(struct farend *f, const struct siptext *m, const struct sockaddr_in *from)
{
    unsigned long i = strtoul(m->uri + strcspn(m->uri, ":") + 1, NULL, 10) - FAREND_NUMBER;
    char call_id[sizeof(f->call->call_id)] = "";
    struct farend_call *c;

    siptext_header(m, "Call-ID", 0, call_id, sizeof(call_id));
    if (i >= FAREND_CALLS_MAX) {
        respond(f, m, "404 Not Found", from);
        return;
    }
    c = &f->call[i];
    if (!strcmp(c->call_id, call_id)) {
        send_to(f, &c->ok, from);
        return;
    }
    call_close(c);
    snprintf(c->call_id, sizeof(c->call_id), "%s", call_id);
    enter_dialog(c, m);
    if (c->plan == FAREND_ANSWER) {
        accept_invite(f, c, m, from);
    } else if (c->plan == FAREND_BUSY) {
        respond_invite(f, c, m, "486 Busy Here", false, from);
        over(c, 486, false);
    } else {
        c->invite = strdup(m->p);
        c->gateway = *from; /* until its SDP says more */
        c->state = FAREND_RINGING;
        respond_invite(f, c, m, "180 Ringing", false, from);
    }
}

static struct farend_call *find(struct farend *f, const struct siptext *m)
{
    char call_id[sizeof(f->call->call_id)] = "";

    siptext_header(m, "Call-ID", 0, call_id, sizeof(call_id));
    for (unsigned i = 0; i < FAREND_CALLS_MAX; i++)
        if (*call_id && !strcmp(f->call[i].call_id, call_id) && f->call[i].state != FAREND_IDLE)
            return &f->call[i];
    return NULL;
}

static void on_cancel(struct farend *f, struct farend_call *c, const struct sockaddr_in *from)
{
    struct siptext m;

    if (c->state != FAREND_RINGING || !siptext_read(&m, c->invite))
        return;
    respond_invite(f, c, &m, "487 Request Terminated", false, from);
    over(c, 487, true);
}

static void on_request(struct farend *f, const struct siptext *m, const struct sockaddr_in *from)
{
    struct farend_call *c;

    if (!strcmp(m->method, "ACK"))
        return;
    if (!strcmp(m->method, "INVITE")) {
        on_invite(f, m, from);
        return;
    }
    respond(f, m, "200 OK", from);
    c = find(f, m);
    if (c && !strcmp(m->method, "CANCEL"))
        on_cancel(f, c, from);
    else if (c && !strcmp(m->method, "BYE") && c->state != FAREND_OVER)
        over(c, 200, true);
}

/* ---- calls that we make ---- */

static void request(struct farend *f, struct farend_call *c, const char *method, const char *uri, bool sdp)
{
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(f->gateway_port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct buf out;

    buf_init(&out, MESSAGE_MAX);
    buf_printf(&out,
               "%s %s SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:%u;branch=z9hG4bK%s\r\nMax-Forwards: 70\r\n"
               "From: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %u %s\r\n",
               method, uri, f->port, c->branch, c->local, c->remote, c->call_id, c->cseq, method);
    write_contact(f, &out);
    if (sdp)
        write_sdp(c, &out);
    else
        buf_puts(&out, "Content-Length: 0\r\n\r\n");
    send_to(f, &out, &to);
    buf_reset(&out);
}

int farend_invite(struct farend *f, unsigned i, unsigned dn)
{
    struct farend_call *c = &f->call[i];
    char tag[11];
    int err;

    call_close(c);
    err = rtp_open(f, c);
    if (err)
        return err;
    rnd_str(c->call_id, 21, 20);
    rnd_str(tag, sizeof(tag), 10);
    rnd_str(c->branch, sizeof(c->branch), 16);
    snprintf(c->local, sizeof(c->local), "<sip:%u@127.0.0.1:%u>;tag=%s", FAREND_NUMBER + i, f->port, tag);
    snprintf(c->remote, sizeof(c->remote), "<sip:%u@127.0.0.1>", dn);
    snprintf(c->target, sizeof(c->target), "sip:%u@127.0.0.1:%u", dn, f->gateway_port);
    c->cseq = 1;
    c->state = FAREND_INVITING;
    request(f, c, "INVITE", c->target, true);
    return 0;
}

int farend_answer(struct farend *f, unsigned i)
{
    struct farend_call *c = &f->call[i];
    struct sockaddr_in to = c->gateway;
    struct siptext m;

    if (c->state != FAREND_RINGING || !siptext_read(&m, c->invite))
        return EINVAL;
    return accept_invite(f, c, &m, &to);
}

void farend_cancel(struct farend *f, unsigned i)
{
    struct farend_call *c = &f->call[i];

    c->state = FAREND_ENDING;
    request(f, c, "CANCEL", c->target, false);
}

void farend_hangup(struct farend *f, unsigned i)
{
    struct farend_call *c = &f->call[i];

    if (c->state != FAREND_UP)
        return;
    rtp_close(c);
    rnd_str(c->branch, sizeof(c->branch), 16);
    c->cseq++;
    c->state = FAREND_ENDING;
    request(f, c, "BYE", c->target, false);
}

void farend_release(struct farend *f, unsigned i)
{
    call_close(&f->call[i]);
    f->call[i].out = NULL;
}

static void on_answered(struct farend *f, struct farend_call *c, const struct siptext *m)
{
    char contact[SIP_VALUE_MAX] = "", invite_branch[sizeof(c->branch)];

    siptext_header(m, "To", 0, c->remote, sizeof(c->remote));
    if (siptext_header(m, "Contact", 0, contact, sizeof(contact)))
        siptext_bracket(contact, c->target, sizeof(c->target));
    memcpy(invite_branch, c->branch, sizeof(invite_branch));
    rnd_str(c->branch, sizeof(c->branch), 16);
    request(f, c, "ACK", c->target, false);
    memcpy(c->branch, invite_branch, sizeof(c->branch));
    if (c->state == FAREND_INVITING && go_up(c, m))
        farend_hangup(f, (unsigned)(c - f->call));
}

static void on_response(struct farend *f, const struct siptext *m)
{
    struct farend_call *c = find(f, m);

    if (!c || m->status < 200)
        return;
    if (!strcmp(m->method, "BYE") && c->state == FAREND_ENDING) {
        over(c, 200, false);
    } else if (!strcmp(m->method, "INVITE") && m->status < 300) {
        on_answered(f, c, m);
    } else if (!strcmp(m->method, "INVITE")) {
        siptext_header(m, "To", 0, c->remote, sizeof(c->remote));
        request(f, c, "ACK", c->target, false);
        if (c->state != FAREND_OVER)
            over(c, m->status, true);
    }
}

static void sip_readable(void *arg)
{
    struct farend *f = arg;
    static char p[MESSAGE_MAX + 1];
    struct sockaddr_in from;
    struct siptext m;
    uint64_t at;
    int n;

    while ((n = loop_recv(f->sip.fd, p, MESSAGE_MAX, &from, &at)) >= 0) {
        p[n] = 0;
        if (!siptext_read(&m, p))
            continue;
        if (m.status)
            on_response(f, &m);
        else
            on_request(f, &m, &from);
    }
}

int farend_open(struct farend *f, const struct sound *sound)
{
    memset(f, 0, sizeof(*f));
    for (unsigned i = 0; i < FAREND_CALLS_MAX; i++)
        f->call[i].rtp.fd = -1;
    f->sound = sound;
    f->codec = MEDIA_PCMU;
    f->sip = (struct io){.fd = loop_udp(&f->port), .readable = sip_readable, .arg = f};
    return f->sip.fd < 0 ? -f->sip.fd : loop_watch(&f->sip);
}

void farend_close(struct farend *f)
{
    for (unsigned i = 0; i < FAREND_CALLS_MAX; i++)
        call_close(&f->call[i]);
    loop_unwatch(&f->sip);
}

void farend_send(struct farend *f, unsigned i)
{
    struct farend_call *c = &f->call[i];
    uint8_t p[RTP_HEADER + SOUND_OPUS_MAX];
    struct rtp_hdr h = {.pt = pt_of(c->codec), .seq = c->seq, .ts = c->ts, .ssrc = c->ssrc};
    const bool opus = c->codec == MEDIA_OPUS;
    const uint8_t *payload = opus                     ? f->sound->opus[c->frame]
                             : c->codec == MEDIA_G722 ? f->sound->g722[c->frame]
                                                      : f->sound->pcmu[c->frame];
    const size_t n = opus ? f->sound->opus_len[c->frame] : SOUND_FRAME;

    if (!c->up)
        return;
    memcpy(p + rtp_build(p, &h), payload, n);
    if (c->out && c->frame % SOUND_CYCLE == SOUND_ONSET)
        hearing_mark(c->out, loop_wall_us(), opus ? f->sound->opus_onset : 0);
    sendto(c->rtp.fd, p, RTP_HEADER + n, 0, (struct sockaddr *)&c->gateway, sizeof(c->gateway));
    c->seq++;
    c->ts += codec_clock_rate(c->codec) / 50;
    c->frame = (c->frame + 1) % SOUND_FRAMES;
}

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

enum { MESSAGE_MAX = 8192 };

static void rtp_readable(void *arg)
{
    struct farend_call *c = arg;
    uint8_t p[RTP_PACKET_MAX];
    struct rtp_hdr h;
    uint64_t at;
    int n;

    while ((n = loop_recv(c->rtp.fd, p, sizeof(p), NULL, &at)) >= 0)
        if (!rtp_parse(&h, p, (size_t)n) && h.pt == 0)
            hearing_packet(&c->in, &h, at);
}

static void call_close(struct farend_call *c)
{
    loop_unwatch(&c->rtp);
    hearing_close(&c->in);
    buf_reset(&c->ok);
    c->up = false;
}

static int call_open(struct farend_call *c, const struct siptext *m)
{
    struct sdp sdp;
    int err;

    if (sdp_parse(&sdp, m->body, strlen(m->body)) || sdp.audio < 0 || addr_af(&sdp.rtp) != AF_INET)
        return EPROTO;
    c->rtp = (struct io){.fd = loop_udp(&c->rtp_port), .readable = rtp_readable, .arg = c};
    if (c->rtp.fd < 0)
        return -c->rtp.fd;
    err = hearing_init(&c->in, MEDIA_PCMU);
    if (err)
        return err;
    c->gateway = sdp.rtp.u.in;
    c->ssrc = rnd_u32();
    c->seq = (uint16_t)(rnd_u32() & 0x7fff);
    c->ts = rnd_u32();
    c->frame = 0;
    c->up = true;
    return loop_watch(&c->rtp);
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

static void respond(struct farend *f, const struct siptext *m, const char *status,
                    const struct sockaddr_in *to)
{
    struct buf out;

    buf_init(&out, MESSAGE_MAX);
    begin_response(&out, m, status, 0);
    buf_puts(&out, "Content-Length: 0\r\n\r\n");
    sendto(f->sip.fd, out.data, out.len, 0, (const struct sockaddr *)to, sizeof(*to));
    buf_reset(&out);
}

static void answer(struct farend *f, struct farend_call *c, const struct siptext *m)
{
    char sdp[400];
    int n =
        snprintf(sdp, sizeof(sdp),
                 "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio %u "
                 "RTP/AVP 0 101\r\n"
                 "a=rtpmap:0 pcmu/8000\r\na=rtpmap:101 telephone-event/8000\r\na=ptime:20\r\na=sendrecv\r\n",
                 c->rtp_port);

    buf_init(&c->ok, MESSAGE_MAX);
    begin_response(&c->ok, m, "200 OK", (unsigned)(c - f->call));
    buf_printf(
        &c->ok,
        "Contact: <sip:far@127.0.0.1:%u>\r\nContent-Type: application/sdp\r\nContent-Length: %d\r\n\r\n%s",
        f->port, n, sdp);
}

static void on_invite(struct farend *f, const struct siptext *m, const struct sockaddr_in *from)
{
    unsigned long i = strtoul(m->uri + strcspn(m->uri, ":") + 1, NULL, 10) - FAREND_NUMBER;
    struct farend_call *c;

    if (i >= FAREND_CALLS_MAX) {
        respond(f, m, "404 Not Found", from);
        return;
    }
    c = &f->call[i];
    if (!c->up) {
        int err = call_open(c, m);

        if (err) {
            fprintf(stderr, "bench: far end: %s\n", strerror(err));
            respond(f, m, "488 Not Acceptable Here", from);
            return;
        }
        answer(f, c, m);
    }
    sendto(f->sip.fd, c->ok.data, c->ok.len, 0, (const struct sockaddr *)from, sizeof(*from));
}

static void on_bye(struct farend *f, const struct siptext *m)
{
    char to[SIP_VALUE_MAX], tag[32];

    if (siptext_header(m, "To", 0, to, sizeof(to)) && siptext_param(to, "tag", tag, sizeof(tag)) &&
        !strncmp(tag, "far", 3) && strtoul(tag + 3, NULL, 10) < FAREND_CALLS_MAX)
        call_close(&f->call[strtoul(tag + 3, NULL, 10)]);
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
        if (!siptext_read(&m, p) || m.status || !strcmp(m.method, "ACK"))
            continue;
        if (!strcmp(m.method, "INVITE")) {
            on_invite(f, &m, &from);
            continue;
        }
        if (!strcmp(m.method, "BYE"))
            on_bye(f, &m);
        respond(f, &m, "200 OK", &from);
    }
}

int farend_open(struct farend *f, const struct sound *sound)
{
    memset(f, 0, sizeof(*f));
    for (unsigned i = 0; i < FAREND_CALLS_MAX; i++)
        f->call[i].rtp.fd = -1;
    f->sound = sound;
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
    uint8_t p[RTP_HEADER + SOUND_FRAME];
    struct rtp_hdr h = {.seq = c->seq, .ts = c->ts, .ssrc = c->ssrc};

    if (!c->up)
        return;
    memcpy(p + rtp_build(p, &h), f->sound->pcmu[c->frame], SOUND_FRAME);
    if (c->out && c->frame % SOUND_CYCLE == SOUND_ONSET)
        hearing_mark(c->out, loop_wall_us(), 0);
    sendto(c->rtp.fd, p, sizeof(p), 0, (struct sockaddr *)&c->gateway, sizeof(c->gateway));
    c->seq++;
    c->ts += SOUND_FRAME;
    c->frame = (c->frame + 1) % SOUND_FRAMES;
}

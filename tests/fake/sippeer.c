#include "fake/sippeer.h"
#include "core/clock.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct text {
    char s[SIPPEER_MSG_MAX];
    size_t n;
};

__attribute__((format(printf, 2, 3))) static void put(struct text *t, const char *fmt, ...)
{
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(t->s + t->n, sizeof(t->s) - t->n, fmt, ap);
    va_end(ap);
    if (n > 0 && (size_t)n < sizeof(t->s) - t->n)
        t->n += (size_t)n;
}

static void put_body(struct text *t, const char *ctype, const char *body)
{
    if (body)
        put(t, "Content-Type: %s\r\n", ctype);
    put(t, "Content-Length: %zu\r\n\r\n%s", body ? strlen(body) : 0, body ? body : "");
}

static const char *sdp_type(const struct sippeer *p)
{
    return p->ctype ? p->ctype : "application/sdp";
}

static const char *line_of(const char *from, const char *name)
{
    size_t n = strlen(name);

    for (const char *p = strstr(from, "\r\n"); p && strncmp(p, "\r\n\r\n", 4); p = strstr(p + 2, "\r\n"))
        if (!strncasecmp(p + 2, name, n) && p[2 + n] == ':')
            return p + 2;
    return NULL;
}

const char *sipmsg_hdr(const struct sipmsg *m, const char *name, char *buf, size_t sz)
{
    const char *p = line_of(m->text, name);

    buf[0] = '\0';
    if (!p)
        return buf;
    p += strlen(name) + 1;
    p += strspn(p, " ");
    (void)snprintf(buf, sz, "%.*s", (int)strcspn(p, "\r"), p);
    return buf;
}

bool sipmsg_has(const struct sipmsg *m, const char *text)
{
    return strstr(m->text, text) != NULL;
}

int sipmsg_code(const struct sipmsg *m)
{
    return strncmp(m->text, "SIP/2.0 ", 8) ? 0 : (int)strtol(m->text + 8, NULL, 10);
}

const char *sipmsg_body(const struct sipmsg *m)
{
    const char *p = strstr(m->text, "\r\n\r\n");

    return p ? p + 4 : "";
}

static bool is(const struct sipmsg *m, const char *what)
{
    const char *method = strchr(what, ' ');
    char cseq[64];

    if (what[0] < '0' || what[0] > '9')
        return !strncmp(m->text, what, strlen(what)) && m->text[strlen(what)] == ' ';
    if (sipmsg_code(m) != (int)strtol(what, NULL, 10))
        return false;
    return !method || strstr(sipmsg_hdr(m, "CSeq", cseq, sizeof(cseq)), method);
}

bool sippeer_expect(struct sippeer *p, struct sipmsg *m, const char *what, int ms)
{
    uint64_t end = clock_ms() + (uint64_t)(ms ? ms : SIPPEER_MS);

    for (;;) {
        uint64_t now = clock_ms();

        if (now >= end || p->recv(p, m, (int)(end - now)))
            return false;
        if (is(m, what))
            return true;
        if (is(m, "OPTIONS"))
            sippeer_reply(p, m, 200, "OK", "", NULL);
    }
}

bool sippeer_hears_no(struct sippeer *p, const char *what, int ms)
{
    struct sipmsg m;

    return !sippeer_expect(p, &m, what, ms);
}

void sippeer_reply(struct sippeer *p, const struct sipmsg *req, int code, const char *phrase,
                   const char *hdrs, const char *sdp)
{
    static const char *copied[] = {"From", "Call-ID", "CSeq", "Record-Route"};
    struct text t = {.n = 0};
    char val[512];

    put(&t, "SIP/2.0 %d %s\r\n", code, phrase);
    for (const char *v = line_of(req->text, "Via"); v; v = line_of(v, "Via"))
        put(&t, "%.*s\r\n", (int)strcspn(v, "\r"), v);
    (void)sipmsg_hdr(req, "To", val, sizeof(val));
    put(&t, "To: %s", val);
    if (!strstr(val, ";tag=") && code > 100)
        put(&t, ";tag=%s", p->tag);
    put(&t, "\r\n");
    for (size_t i = 0; i < sizeof(copied) / sizeof(copied[0]); i++)
        if (sipmsg_hdr(req, copied[i], val, sizeof(val))[0])
            put(&t, "%s: %s\r\n", copied[i], val);
    put(&t, "Contact: <sip:%s@%s%s>\r\n%s", p->user, p->host, p->uri_params, hdrs);
    put_body(&t, sdp_type(p), sdp);
    (void)p->send(p, t.s, t.n);
}

/* The URI between < and >, else up to a parameter. */
static void uri_of(char *dst, size_t sz, const char *val)
{
    const char *lt = strchr(val, '<');

    if (lt)
        (void)snprintf(dst, sz, "%.*s", (int)strcspn(lt + 1, ">"), lt + 1);
    else
        (void)snprintf(dst, sz, "%.*s", (int)strcspn(val, ";"), val);
}

void sipdlg_of_invite(struct sipdlg *d, const struct sippeer *p, const struct sipmsg *invite)
{
    char val[256];

    memset(d, 0, sizeof(*d));
    (void)sipmsg_hdr(invite, "Call-ID", d->callid, sizeof(d->callid));
    (void)sipmsg_hdr(invite, "From", d->remote, sizeof(d->remote));
    (void)snprintf(d->local, sizeof(d->local), "%.200s;tag=%s", sipmsg_hdr(invite, "To", val, sizeof(val)),
                   p->tag);
    uri_of(d->target, sizeof(d->target), sipmsg_hdr(invite, "Contact", val, sizeof(val)));
    d->cseq = 100;
}

static void request(struct sippeer *p, struct sipdlg *d, const char *method, unsigned cseq, const char *ruri,
                    const char *hdrs, const char *ctype, const char *body)
{
    struct text t = {.n = 0};

    put(&t,
        "%s %s SIP/2.0\r\nVia: SIP/2.0/%s %s;branch=%s\r\nMax-Forwards: 70\r\nFrom: %s\r\nTo: %s\r\nCall-ID: "
        "%s\r\n",
        method, ruri, p->via, p->host, d->branch, d->local, d->remote, d->callid);
    put(&t, "CSeq: %u %s\r\nContact: <sip:%s@%s%s>\r\n%s", cseq, method, p->user, p->host, p->uri_params,
        hdrs);
    put_body(&t, ctype, body);
    (void)p->send(p, t.s, t.n);
}

static void branch(struct sippeer *p, struct sipdlg *d)
{
    (void)snprintf(d->branch, sizeof(d->branch), "z9hG4bK-%s-%u", p->tag, ++p->branch);
}

void sippeer_invite(struct sippeer *p, struct sipdlg *d, const char *to, const char *hdrs, const char *sdp)
{
    memset(d, 0, sizeof(*d));
    (void)snprintf(d->callid, sizeof(d->callid), "call-%s-%u", p->tag, ++p->cseq);
    (void)snprintf(d->local, sizeof(d->local), "\"Peer\" <sip:%s@%.*s>;tag=%s", p->user,
                   (int)strcspn(p->host, ":"), p->host, p->tag);
    (void)snprintf(d->remote, sizeof(d->remote), "<%s>", to);
    if (p->from)
        (void)snprintf(d->local, sizeof(d->local), "%s;tag=%s", p->from, p->tag);
    if (p->to)
        (void)snprintf(d->remote, sizeof(d->remote), "%s", p->to);
    (void)snprintf(d->target, sizeof(d->target), "%s", to);
    d->cseq = 1;
    d->invite_cseq = 1;
    branch(p, d);
    request(p, d, "INVITE", d->cseq, to, hdrs, sdp_type(p), sdp);
}

void sipdlg_take(struct sipdlg *d, const struct sipmsg *resp)
{
    char val[256];

    (void)sipmsg_hdr(resp, "To", d->remote, sizeof(d->remote));
    if (sipmsg_hdr(resp, "Contact", val, sizeof(val))[0])
        uri_of(d->target, sizeof(d->target), val);
}

void sippeer_ack(struct sippeer *p, struct sipdlg *d, const char *sdp)
{
    branch(p, d);
    request(p, d, "ACK", d->invite_cseq, d->target, "", sdp_type(p), sdp);
}

void sippeer_ack_failure(struct sippeer *p, struct sipdlg *d, const struct sipmsg *resp, const char *ruri)
{
    sipdlg_take(d, resp);
    request(p, d, "ACK", d->invite_cseq, ruri, "", NULL, NULL);
}

void sippeer_cancel(struct sippeer *p, struct sipdlg *d, const char *ruri, const char *hdrs)
{
    struct sipdlg c = *d;
    char *tag = strstr(c.remote, ";tag=");

    if (tag)
        *tag = '\0';
    request(p, &c, "CANCEL", d->invite_cseq, ruri, hdrs, NULL, NULL);
}

void sippeer_request(struct sippeer *p, struct sipdlg *d, const char *method, const char *hdrs,
                     const char *ctype, const char *body)
{
    branch(p, d);
    d->cseq++;
    if (!strcmp(method, "INVITE"))
        d->invite_cseq = d->cseq;
    request(p, d, method, d->cseq, d->target, hdrs, ctype, body);
}

bool sippeer_caught_up(struct sippeer *p, struct sipdlg *d)
{
    struct sipmsg m;

    sippeer_request(p, d, "NOTIFY", "Event: x-nobodys\r\nSubscription-State: active\r\n", NULL, NULL);
    return sippeer_expect(p, &m, "489 NOTIFY", 0);
}

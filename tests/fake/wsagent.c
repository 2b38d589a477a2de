#include "fake/wsagent.h"
#include "core/clock.h"
#include "mboxwait.h"
#include "crypto/hash.h"
#include "sip/wsedge.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int agent_send(struct sippeer *p, const char *text, size_t len)
{
    struct wsagent *a = (void *)p;

    return sip_ws_recv(a->st, a->conn, text, len);
}

static void out_h(void *msg, void *arg)
{
    struct sip_ws_out *o = msg;
    struct wsagent *a = arg;

    if (o->conn != a->conn && a->other)
        a = a->other;
    if (o->type == SIP_WS_CLOSE && o->conn == a->conn && !a->closed) {
        a->closed = true;
        a->close_code = o->code;
    }
    if (o->type == SIP_WS_SEND && o->conn == a->conn && a->count < WSAGENT_QUEUE) {
        char *s = malloc(o->len + 1);

        memcpy(s, o->data, o->len);
        s[o->len] = '\0';
        a->queue[(a->head + a->count++) % WSAGENT_QUEUE] = s;
    }
    free(o->data);
}

static int agent_recv(struct sippeer *p, struct sipmsg *m, int ms)
{
    struct wsagent *a = (void *)p;
    uint64_t end = clock_ms() + (uint64_t)ms;

    while (!a->count) {
        uint64_t now = clock_ms();

        if (now >= end || mbox_wait(a->out, (int)(end - now)))
            return ETIMEDOUT;
        (void)mbox_drain(a->out, out_h, a);
    }
    (void)snprintf(m->text, sizeof(m->text), "%s", a->queue[a->head]);
    m->len = strlen(m->text);
    free(a->queue[a->head]);
    a->head = (a->head + 1) % WSAGENT_QUEUE;
    a->count--;
    return 0;
}

int wsagent_open(struct wsagent *a, struct sip_stack *st, struct mbox *out, uint64_t conn, const char *dn,
                 const char *password)
{
    struct addr peer, local;

    memset(a, 0, sizeof(*a));
    a->st = st;
    a->out = out;
    a->conn = conn;
    a->instance = (unsigned)conn;
    a->p.send = agent_send;
    a->p.recv = agent_recv;
    a->p.via = "WS";
    (void)snprintf(a->dn, sizeof(a->dn), "%s", dn);
    (void)snprintf(a->password, sizeof(a->password), "%s", password);
    (void)snprintf(a->p.user, sizeof(a->p.user), "%s", dn);
    (void)snprintf(a->p.host, sizeof(a->p.host), "x%u.invalid", (unsigned)conn);
    (void)snprintf(a->p.tag, sizeof(a->p.tag), "agent%u", (unsigned)conn);
    (void)snprintf(a->p.uri_params, sizeof(a->p.uri_params), ";transport=ws");
    (void)addr_parse_ip(&peer, "127.0.0.1", (uint16_t)(40000 + conn));
    (void)addr_parse_ip(&local, "127.0.0.1", 8443);
    return sip_ws_open(st, conn, &peer, &local);
}

void wsagent_close(struct wsagent *a)
{
    struct sipmsg m;

    if (a->st)
        (void)sip_ws_closed(a->st, a->conn);
    while (a->count)
        (void)agent_recv(&a->p, &m, 0);
    a->st = NULL;
}

static void quoted(const char *challenge, const char *name, char *dst, size_t sz)
{
    char key[32];
    const char *p;

    dst[0] = '\0';
    (void)snprintf(key, sizeof(key), "%s=\"", name);
    p = strstr(challenge, key);
    if (p)
        (void)snprintf(dst, sz, "%.*s", (int)strcspn(p + strlen(key), "\""), p + strlen(key));
}

static void send_register(struct wsagent *a, unsigned cseq, const char *auth)
{
    char text[2048];

    (void)snprintf(
        text, sizeof(text),
        "REGISTER sip:dngate SIP/2.0\r\nVia: SIP/2.0/WS %s;branch=z9hG4bKreg%u-%u\r\nMax-Forwards: 70\r\n"
        "From: <sip:%s@dngate>;tag=r%u\r\nTo: <sip:%s@dngate>\r\nCall-ID: reg-%u\r\nCSeq: %u REGISTER\r\n"
        "Contact: <sip:%s@%s;transport=ws>;reg-id=1;+sip.instance=\"<urn:uuid:%u>\";expires=%s\r\n"
        "Supported: path,gruu,outbound\r\n%s%sContent-Length: 0\r\n\r\n",
        a->p.host, (unsigned)a->conn, cseq, a->dn, (unsigned)a->conn, a->dn, (unsigned)a->conn, cseq, a->dn,
        a->p.host, a->instance, a->expires ? a->expires : "600", a->hdrs ? a->hdrs : "", auth);
    (void)a->p.send(&a->p, text, strlen(text));
}

const char *wsagent_credentials(const struct wsagent *a, const struct sipmsg *m, const char *method,
                                const char *uri, char *buf, size_t sz)
{
    char challenge[512] = "", nonce[128], realm[64], ha1[MD5_HEXLEN], ha2[MD5_HEXLEN], response[MD5_HEXLEN];
    const char *for_ha2[] = {method, uri};

    for (const char *p = strstr(m->text, "WWW-Authenticate:"); p; p = strstr(p + 1, "WWW-Authenticate:")) {
        (void)snprintf(challenge, sizeof(challenge), "%.*s", (int)strcspn(p, "\r"), p);
        if (strstr(challenge, "MD5"))
            break;
    }
    quoted(challenge, "nonce", nonce, sizeof(nonce));
    quoted(challenge, "realm", realm, sizeof(realm));
    hash_ha1_md5(ha1, a->dn, realm, a->password);
    hash_joined_md5(ha2, for_ha2, 2);
    hash_joined_md5(response, (const char *[]){ha1, nonce, "00000001", "abcdef", "auth", ha2}, 6);
    (void)snprintf(buf, sz,
                   "Authorization: Digest username=\"%s\", realm=\"%s\", nonce=\"%s\", uri=\"%s\", "
                   "response=\"%s\", algorithm=MD5, "
                   "cnonce=\"abcdef\", qop=auth, nc=00000001\r\n",
                   a->dn, realm, nonce, uri, response);
    return buf;
}

int wsagent_register(struct wsagent *a)
{
    struct sipmsg m, *final = &a->registered;
    char auth[1024];

    send_register(a, 1, "");
    if (!sippeer_expect(&a->p, &m, "401 REGISTER", 0))
        return sipmsg_code(&m);
    send_register(a, 2, wsagent_credentials(a, &m, "REGISTER", "sip:dngate", auth, sizeof(auth)));
    while (!a->p.recv(&a->p, final, SIPPEER_MS)) {
        if (sipmsg_code(final) >= 200 && sipmsg_has(final, "CSeq: 2 REGISTER"))
            return sipmsg_code(final);
    }
    return 0;
}

uint16_t wsagent_wait_closed(struct wsagent *a, int ms)
{
    uint64_t end = clock_ms() + (uint64_t)ms, now;

    while (!a->closed && (now = clock_ms()) < end && !mbox_wait(a->out, (int)(end - now)))
        (void)mbox_drain(a->out, out_h, a);
    return a->close_code;
}

const char *wsagent_sdp(char *buf, size_t sz, const char *setup, const char *dir)
{
    (void)snprintf(
        buf, sz,
        "v=0\r\no=- 5021 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n"
        "m=audio 49203 UDP/TLS/RTP/SAVPF 111 0 8 110 126\r\nc=IN IP4 127.0.0.1\r\n"
        "a=candidate:1 1 udp 2122260223 127.0.0.1 49203 typ host\r\na=ice-ufrag:EsAw\r\n"
        "a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\na=fingerprint:sha-256 "
        "D1:2C:BE:AD:C4:F6:64:5C:25:16:11:9C:AF:E7:0F:73:79:36:4E:9C:1E:15:54:39:0C:06:8B:ED:96:86:00:39\r\n"
        "a=setup:%s\r\na=mid:0\r\na=%s\r\na=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\na=rtpmap:0 PCMU/8000\r\n"
        "a=rtpmap:8 PCMA/8000\r\na=rtpmap:110 telephone-event/48000\r\na=rtpmap:126 telephone-event/8000\r\n",
        setup, dir);
    return buf;
}

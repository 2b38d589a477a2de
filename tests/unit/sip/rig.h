/*
 * tests/unit/sip/rig: a stack with registrar, trunks and fall-through on loopback port 0, and fake peers that speak raw bytes: a
 * browser (through sip_ws_* and web's mailbox) and a trunk (UDP and TCP sockets). Everything waits for events, never for time.
 */
#ifndef TESTS_SIP_RIG_H
#define TESTS_SIP_RIG_H

#define TESTING_NO_OOM "threads and sockets: what they wait for would not come"
#include "testing.h"

#include "core/addr.h"
#include "core/guard.h"
#include "mboxwait.h"
#include "crypto/hash.h"
#include "sip/registrar.h"
#include "sip/stack.h"
#include "sip/trunks.h"
#include "sip/validate.h"
#include "sip/wsedge.h"

#include <errno.h>
#include <poll.h>
#include <re.h>
#include <semaphore.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { RIG_WAIT_MS = 10000, RIG_TEXT_MAX = 8192 };

struct rig_job {
    void (*h)(void *arg);
    void *arg;
    sem_t *done;
};

struct rig_frame {
    struct sip_ws_out out;
    struct rig_frame *next;
};

struct rig {
    struct sip_stack *stack;
    struct registrar *registrar;
    struct trunks *trunks;
    struct guard *guard;
    struct mbox *out, *jobs;
    struct rig_frame *frames, **tail;
    uint32_t expires_min, stranger_ms, guest_ms, message_ms;
    struct guard_config guard_cfg;
    bool disabled;                                         /* DN 5001 */
    const char *password;                                  /* of DN 5001 */
    int (*extra_h)(struct sip_stack *st, struct rig *rig); /* more listeners, before the fall-through */
    void (*over_h)(struct rig *rig);                       /* they end, before those that they listen to */
    struct addr addr;                                      /* where the stack listens */
    char text[RIG_TEXT_MAX];                               /* the last thing received */
    enum registrar_event events[64];
    _Atomic int event_count;
};

__attribute__((unused)) static int rig_lookup_h(const char *dn, struct registrar_dn *out, void *arg)
{
    struct rig *rig = arg;
    bool second = !strcmp(dn, "5002"), guest = !strcmp(dn, "~guest");

    if (strcmp(dn, "5001") && !second && !guest)
        return ENOENT;
    hash_ha1_md5(out->ha1_md5, dn, "dngate", second ? "second" : rig->password);
    hash_ha1_sha256(out->ha1_sha256, dn, "dngate", second ? "second" : rig->password);
    out->enabled = second || !rig->disabled;
    out->guest = guest;
    return 0;
}

__attribute__((unused)) static void rig_event_h(enum registrar_event ev, const struct binding *b, void *arg)
{
    struct rig *rig = arg;
    (void)b;

    if (rig->event_count < 64) {
        rig->events[rig->event_count] = ev;
        rig->event_count++; /* last: the test waits for it */
    }
}

static void rig_job_h(void *msg, void *arg)
{
    struct rig_job *j = msg;
    (void)arg;

    j->h(j->arg);
    sem_post(j->done);
}

/* Runs h on the signalling thread and waits for it. */
__attribute__((unused)) static void rig_run(struct rig *rig, void (*h)(void *arg), void *arg)
{
    sem_t done;
    struct rig_job j = {h, arg, &done};

    sem_init(&done, 0, 0);
    if (!mbox_post(rig->jobs, &j))
        sem_wait(&done);
    sem_destroy(&done);
}

static int rig_start_h(struct sip_stack *st, void *arg)
{
    struct rig *rig = arg;
    const struct registrar_config cfg = {.realm = "dngate",
                                         .expires_min = rig->expires_min ? rig->expires_min : 60,
                                         .expires_max = 3600,
                                         .expires_default = 600,
                                         .stranger_ms = rig->stranger_ms,
                                         .guest_ms = rig->guest_ms,
                                         .guard = rig->guard,
                                         .lookup = rig_lookup_h,
                                         .arg = rig};
    int err;

    err = registrar_alloc(&rig->registrar, st, &cfg);
    if (!err)
        err = registrar_listen(rig->registrar, rig_event_h, rig);
    if (!err)
        err = trunks_alloc(&rig->trunks, st);
    if (!err)
        err = sip_stack_watch(st, rig->jobs, rig_job_h, rig);
    if (!err && rig->extra_h)
        err = rig->extra_h(st, rig);
    if (!err)
        err = sip_stack_fallback(st);
    return err;
}

static int rig_stop_h(struct sip_stack *st, void *arg)
{
    struct rig *rig = arg;
    (void)st;

    if (rig->over_h)
        rig->over_h(rig);
    trunks_free(rig->trunks);
    registrar_free(rig->registrar);
    return 0;
}

static bool rig_start(struct rig *rig)
{
    struct sip_stack_config cfg = {.bind_count = 1, .software = "dngate/test", .message_ms = rig->message_ms};
    char why[256] = "";
    uint16_t port = 0;
    int err;

    rig->tail = &rig->frames;
    if (!rig->password)
        rig->password = "lab5001";
    addr_parse_ip(&cfg.bind[0], "127.0.0.1", 0);
    err = guard_alloc(&rig->guard, &rig->guard_cfg);
    err |= mbox_alloc(&rig->out, "test_out", sizeof(struct sip_ws_out), 1024);
    err |= mbox_alloc(&rig->jobs, "test_jobs", sizeof(struct rig_job), 16);
    err |= sip_stack_alloc(&rig->stack, &cfg, why, sizeof(why));
    CHECK_OR(!err, return false);
    sip_ws_attach(rig->stack, rig->out);
    CHECK_OR(!sip_stack_start(rig->stack, rig_start_h, rig_stop_h, rig), return false);
    CHECK_OR(!sip_stack_udp_port(rig->stack, &port) && port, return false);
    addr_parse_ip(&rig->addr, "127.0.0.1", port);
    return true;
}

static void rig_drop_h(void *msg, void *arg)
{
    (void)arg;
    free(((struct sip_ws_out *)msg)->data);
}

static void rig_stop(struct rig *rig)
{
    sip_stack_free(rig->stack);
    while (rig->frames) {
        struct rig_frame *f = rig->frames;

        rig->frames = f->next;
        free(f->out.data);
        free(f);
    }
    mbox_free(rig->out, rig_drop_h, NULL);
    mbox_free(rig->jobs, NULL, NULL);
    guard_free(rig->guard);
}

/* ------------------------------------------------------------------ the browser */

static void rig_frame_h(void *msg, void *arg)
{
    struct rig *rig = arg;
    struct rig_frame *f;

    if (((struct sip_ws_out *)msg)->type == SIP_WS_KNOWN)
        return; /* nothing goes to the browser */
    f = calloc(1, sizeof(*f));
    f->out = *(struct sip_ws_out *)msg;
    *rig->tail = f;
    rig->tail = &f->next;
}

/* The next thing for this connection; false when nothing comes. Text goes to rig->text, a close to *code. */
__attribute__((unused)) static bool ws_next(struct rig *rig, uint64_t conn, uint16_t *code, int wait_ms)
{
    for (;;) {
        for (struct rig_frame **fp = &rig->frames; *fp; fp = &(*fp)->next) {
            struct rig_frame *f = *fp;

            if (f->out.conn != conn)
                continue;
            *fp = f->next;
            if (!f->next)
                rig->tail = fp;
            rig->text[0] = 0;
            if (f->out.type == SIP_WS_SEND)
                snprintf(rig->text, sizeof(rig->text), "%.*s", (int)f->out.len, (char *)f->out.data);
            if (code)
                *code = f->out.type == SIP_WS_CLOSE ? f->out.code : 0;
            free(f->out.data);
            free(f);
            return true;
        }
        if (mbox_wait(rig->out, wait_ms))
            return false;
        mbox_drain(rig->out, rig_frame_h, rig);
    }
}

__attribute__((unused)) static bool ws_open_from(struct rig *rig, uint64_t conn, const char *ip)
{
    struct addr peer, local;

    addr_parse_ip(&peer, ip, (uint16_t)(40000 + conn % 1000));
    addr_parse_ip(&local, "192.0.2.1", 8443);
    return !sip_ws_open(rig->stack, conn, &peer, &local);
}

__attribute__((unused)) static bool ws_open(struct rig *rig, uint64_t conn)
{
    return ws_open_from(rig, conn, "198.51.100.7");
}

__attribute__((unused, format(printf, 3, 4))) static void ws_send(struct rig *rig, uint64_t conn,
                                                                  const char *fmt, ...)
{
    char buf[RIG_TEXT_MAX];
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(buf, sizeof(buf), fmt, ap);
    va_end(ap);
    CHECK_OR(n < (int)sizeof(buf), return );
    CHECK_OR(!sip_ws_recv(rig->stack, conn, buf, (size_t)n), return );
}

/* Waits for a response of this status. */
__attribute__((unused)) static bool ws_expect(struct rig *rig, uint64_t conn, int status)
{
    char want[32];
    uint16_t code = 0;

    snprintf(want, sizeof(want), "SIP/2.0 %d ", status);
    CHECK_OR(ws_next(rig, conn, &code, RIG_WAIT_MS), return false);
    if (strncmp(rig->text, want, strlen(want)))
        testing_fail(__FILE__, __LINE__, "want %d, got %.60s (close %u)", status, rig->text, code);
    return !strncmp(rig->text, want, strlen(want));
}

/* Waits until everything sent before has been served: conn must be open and quiet. Doubles as the keep-alive test. */
__attribute__((unused)) static void ws_sync(struct rig *rig, uint64_t conn)
{
    ws_send(rig, conn, "\r\n\r\n");
    CHECK_OR(ws_next(rig, conn, NULL, RIG_WAIT_MS) && !strcmp(rig->text, "\r\n"), return );
}

struct creds { /* what a client puts into Authorization */
    const char *user, *password, *algorithm;
    char nonce[128];
    unsigned nc;
};

/* The nonce of the challenge in rig->text. */
__attribute__((unused)) static bool creds_challenge(struct creds *c, const struct rig *rig)
{
    const char *p = strstr(rig->text, "nonce=\"");

    return p && sscanf(p, "nonce=\"%127[^\"]", c->nonce) == 1;
}

__attribute__((unused)) static const char *creds_header(const struct creds *c, const char *method, char *buf,
                                                        size_t sz)
{
    char ha1[65], ha2[65], response[65], nc[9], text[512];
    bool md5 = !strcmp(c->algorithm, "MD5");

    snprintf(nc, sizeof(nc), "%08x", c->nc);
    if (md5)
        hash_ha1_md5(ha1, c->user, "dngate", c->password);
    else
        hash_ha1_sha256(ha1, c->user, "dngate", c->password);
    snprintf(text, sizeof(text), "%s:sip:dngate.test", method);
    md5 ? hash_joined_md5(ha2, (const char *const[]){text}, 1)
        : hash_joined_sha256(ha2, (const char *const[]){text}, 1);
    snprintf(text, sizeof(text), "%s:%s:%s:0a4f113b:auth:%s", ha1, c->nonce, nc, ha2);
    md5 ? hash_joined_md5(response, (const char *const[]){text}, 1)
        : hash_joined_sha256(response, (const char *const[]){text}, 1);
    snprintf(buf, sz,
             "Authorization: Digest algorithm=%s, username=\"%s\", realm=\"dngate\", nonce=\"%s\", "
             "uri=\"sip:dngate.test\", response=\"%s\", qop=auth, cnonce=\"0a4f113b\", nc=%s\r\n",
             c->algorithm, c->user, c->nonce, response, nc);
    return buf;
}

/* A REGISTER as JsSIP writes it; extra are further header lines (Authorization). */
__attribute__((unused)) static void ws_register(struct rig *rig, uint64_t conn, const char *dn,
                                                const char *instance, unsigned expires, const char *extra)
{
    static unsigned cseq;

    cseq++;
    ws_send(rig, conn,
            "REGISTER sip:dngate.test SIP/2.0\r\n"
            "Via: SIP/2.0/WSS r4k2.invalid;branch=z9hG4bK%u\r\n"
            "Max-Forwards: 69\r\n"
            "To: <sip:%s@dngate.test>\r\n"
            "From: <sip:%s@dngate.test>;tag=t%u\r\n"
            "Call-ID: reg-%llu\r\n"
            "CSeq: %u REGISTER\r\n"
            "Contact: "
            "<sip:abc%llu@r4k2.invalid;transport=ws>;+sip.ice;reg-id=1;+sip.instance=\"<urn:uuid:%s>\";"
            "expires=%u\r\n"
            "Expires: %u\r\n"
            "Allow: INVITE,ACK,CANCEL,BYE,UPDATE,MESSAGE,OPTIONS,REFER,INFO,NOTIFY\r\n"
            "Supported: path,gruu,outbound\r\n"
            "User-Agent: JsSIP 3.13.8\r\n"
            "%sContent-Length: 0\r\n\r\n",
            cseq, dn, dn, cseq, (unsigned long long)conn, cseq, (unsigned long long)conn, instance, expires,
            expires, extra);
}

/* REGISTER, 401, REGISTER with credentials; the answer must have this status. */
__attribute__((unused)) static bool ws_sign_in(struct rig *rig, uint64_t conn, const char *dn,
                                               const char *password, const char *algorithm,
                                               const char *instance, unsigned expires, int status)
{
    struct creds c = {.user = dn, .password = password, .algorithm = algorithm, .nc = 1};
    char auth[1024];

    ws_register(rig, conn, dn, instance, expires, "");
    if (!ws_expect(rig, conn, 401) || !creds_challenge(&c, rig))
        return false;
    ws_register(rig, conn, dn, instance, expires, creds_header(&c, "REGISTER", auth, sizeof(auth)));
    return ws_expect(rig, conn, status);
}

/* ------------------------------------------------------------------ the trunk */

/* A socket on loopback; *a is its address. */
__attribute__((unused)) static int sock_open(int type, const char *ip, struct addr *a)
{
    int fd = socket(AF_INET, type, 0);
    struct sockaddr_storage ss;
    socklen_t len = sizeof(ss);

    addr_parse_ip(a, ip, 0);
    if (fd < 0 || bind(fd, &a->u.sa, addr_len(a)) || getsockname(fd, (struct sockaddr *)&ss, &len))
        return -1;
    addr_set_sockaddr(a, (struct sockaddr *)&ss);
    return fd;
}

__attribute__((unused)) static void rig_udp_send(const struct rig *rig, int fd, const void *p, size_t n)
{
    CHECK_OR(sendto(fd, p, n, 0, &rig->addr.u.sa, addr_len(&rig->addr)) == (ssize_t)n, return );
}

/* Reads what comes within the time into rig->text (0-terminated). Also for TCP. Returns bytes, 0 = nothing or end. */
__attribute__((unused)) static size_t sock_recv(struct rig *rig, int fd, int wait_ms)
{
    struct pollfd pfd = {.fd = fd, .events = POLLIN};
    ssize_t n;

    rig->text[0] = 0;
    if (poll(&pfd, 1, wait_ms) <= 0)
        return 0;
    n = recv(fd, rig->text, sizeof(rig->text) - 1, 0);
    if (n < 0)
        n = 0;
    rig->text[n] = 0;
    return (size_t)n;
}

struct rig_trunks {
    struct rig *rig;
    const struct trunk_config *v;
    size_t n;
    int err;
};

static void rig_trunks_h(void *arg)
{
    struct rig_trunks *t = arg;

    t->err = trunks_set(t->rig->trunks, t->v, t->n);
}

__attribute__((unused)) static bool rig_trunks(struct rig *rig, const struct trunk_config *v, size_t n)
{
    struct rig_trunks t = {rig, v, n, -1};

    rig_run(rig, rig_trunks_h, &t);
    return !t.err;
}

__attribute__((unused)) static struct trunk_config trunk_at(const char *name, const struct addr *a,
                                                            int priority, uint32_t ping)
{
    struct trunk_config c = {.port = addr_port(a), .priority = priority, .ping_seconds = ping};

    snprintf(c.name, sizeof(c.name), "%s", name);
    addr_ip(a, c.host, sizeof(c.host));
    return c;
}

/* What came of an INVITE's credentials is said in its answer: extra_h, and at the end. */
__attribute__((unused)) static struct {
    struct sip_lsnr *lsnr;
    struct rig *rig;
} rig_invites;

__attribute__((unused)) static bool rig_invited_h(const struct sip_msg *msg, void *arg)
{
    char dn[64], reason[128];
    (void)arg;

    if (pl_strcmp(&msg->met, "INVITE"))
        return false;
    if (!registrar_authorize(rig_invites.rig->registrar, msg, dn, sizeof(dn))) {
        snprintf(reason, sizeof(reason), "Busy %s", dn);
        (void)sip_treply(NULL, sip_stack_sip(rig_invites.rig->stack), msg, 486, reason);
    }
    return true;
}

__attribute__((unused)) static int rig_invites_h(struct sip_stack *st, struct rig *rig)
{
    rig_invites.rig = rig;
    return sip_listen(&rig_invites.lsnr, sip_stack_sip(st), true, rig_invited_h, NULL);
}

__attribute__((unused)) static void rig_invites_end_h(void *arg)
{
    (void)arg;
    rig_invites.lsnr = mem_deref(rig_invites.lsnr);
}

#endif

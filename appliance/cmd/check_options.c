/* The doctor asks a trunk by an OPTIONS of our own (RFC 3261 11), at each address that its name has. */
#include "cmd/check.h"
#include "conf/conf.h"
#include "core/buf.h"
#include "core/clock.h"
#include "core/rnd.h"
#include "service/certificate.h"
#include "service/trunkwords.h"
#include "store/trunk.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { ANSWER_MS = 2000, RESEND_MS = 500, ANSWER_MAX = 4096, REQUEST_MAX = 2048, CODE_MAX = 699 };

static int options_print(struct buf *b, const struct trunk *t, const struct addr *local)
{
    char token[17], ip[ADDR_STRLEN], sent_by[ADDR_STRLEN];
    const char *transport = t->transport == TRUNK_UDP ? "UDP" : "TCP";

    rnd_str(token, sizeof(token), 16);
    addr_ip(local, ip, sizeof(ip));
    addr_str(local, sent_by, sizeof(sent_by));
    return buf_printf(b,
                      "OPTIONS sip:%s%s%s:%u SIP/2.0\r\n"
                      "Via: SIP/2.0/%s %s;branch=z9hG4bK%s;rport\r\n"
                      "Max-Forwards: 70\r\n"
                      "From: <sip:dngate@%s>;tag=%s\r\n"
                      "To: <sip:%s%s%s:%u>\r\n"
                      "Call-ID: check-%s\r\n"
                      "CSeq: 1 OPTIONS\r\n"
                      "Contact: <sip:dngate@%s>\r\n"
                      "Accept: application/sdp\r\n"
                      "Content-Length: 0\r\n\r\n",
                      strchr(t->host, ':') ? "[" : "", t->host, strchr(t->host, ':') ? "]" : "", t->port,
                      transport, sent_by, token, sent_by, token, strchr(t->host, ':') ? "[" : "", t->host,
                      strchr(t->host, ':') ? "]" : "", t->port, token, sent_by);
}

static int connect_wait(int fd, const struct addr *peer)
{
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    socklen_t len = sizeof(int);
    int err = 0;

    if (!connect(fd, &peer->u.sa, addr_len(peer)))
        return 0;
    if (errno != EINPROGRESS)
        return errno;
    if (poll(&p, 1, ANSWER_MS) <= 0)
        return ETIMEDOUT;
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) ? errno : err;
}

/* A trunk knows us by address and, often, port: over UDP the request comes from sip.port. */
static int socket_open(int *fdp, const struct check *ck, const struct trunk *t, const struct addr *peer,
                       struct addr *local)
{
    bool udp = t->transport == TRUNK_UDP;
    int fd = socket(addr_af(peer), (udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct sockaddr_storage ss;
    socklen_t len = sizeof(ss);
    struct addr any;
    int err = 0;

    if (fd < 0)
        return errno;
    addr_parse_ip(&any, addr_af(peer) == AF_INET6 ? "::" : "0.0.0.0",
                  (uint16_t)conf_int(ck->conf, "sip.port"));
    if (udp && bind(fd, &any.u.sa, addr_len(&any)))
        err = errno;
    if (!err)
        err = connect_wait(fd, peer);
    if (!err && getsockname(fd, (struct sockaddr *)&ss, &len))
        err = errno;
    if (err) {
        close(fd);
        return err;
    }
    addr_set_sockaddr(local, (struct sockaddr *)&ss);
    *fdp = fd;
    return 0;
}

/* The code of the first line of a response; 0 when it is none. */
static int response_code(const char *p, size_t n)
{
    static const char start[] = "SIP/2.0 ";
    long code;

    if (n < sizeof(start) + 3 || memcmp(p, start, sizeof(start) - 1))
        return 0;
    code = strtol(p + sizeof(start) - 1, NULL, 10);
    return code >= 100 && code <= CODE_MAX ? (int)code : 0;
}

static int answer_wait(int fd, const struct buf *request, bool udp, int *code)
{
    uint64_t end_ms = clock_ms() + ANSWER_MS, resend_ms = 0;
    char answer[ANSWER_MAX];
    ssize_t n;

    for (uint64_t now; (now = clock_ms()) < end_ms;) {
        struct pollfd p = {.fd = fd, .events = POLLIN};

        if (!resend_ms || (udp && now >= resend_ms)) {
            if (send(fd, request->data, request->len, MSG_NOSIGNAL) < 0)
                return errno;
            resend_ms = now + RESEND_MS;
        }
        if (poll(&p, 1, RESEND_MS / 2) <= 0)
            continue;
        n = recv(fd, answer, sizeof(answer) - 1, 0);
        if (n <= 0)
            return n ? errno : ECONNRESET;
        answer[n] = '\0';
        *code = response_code(answer, (size_t)n);
        if (*code)
            return 0;
    }
    return ETIMEDOUT;
}

static int options_ask(const struct check *ck, const struct trunk *t, const struct addr *peer, int *code)
{
    struct addr local;
    struct buf request;
    int fd = -1, err = socket_open(&fd, ck, t, peer, &local);

    if (err)
        return err;
    buf_init(&request, REQUEST_MAX);
    err = options_print(&request, t, &local);
    if (!err)
        err = answer_wait(fd, &request, t->transport == TRUNK_UDP, code);
    buf_reset(&request);
    close(fd);
    return err;
}

/* missing: what it means that an address does not answer. */
static void answer_say(struct check *ck, const char *topic, const struct addr *peer, int err, int code,
                       enum check_level missing)
{
    char text[ADDR_STRLEN];

    addr_str(peer, text, sizeof(text));
    if (!err)
        check_say(ck, CHECK_OK, topic, "", "%s answers OPTIONS with %d", text, code);
    else if (err == ECANCELED)
        check_say(ck, CHECK_INFO, topic, "", "%s: not asked: the others took too long", text);
    else if (err == ECONNREFUSED)
        check_say(ck, missing, topic,
                  "is SIP Server started, and are address and transport those of its sip-port?",
                  "%s: nothing listens there", text);
    else if (err == ETIMEDOUT || err == EAGAIN || err == ECONNRESET)
        check_say(ck, missing, topic, CHECK_TRUNK_ADVICE, "%s does not answer OPTIONS", text);
    else
        check_say(ck, missing, topic, err == EADDRINUSE ? "another program has sip.port, see above" : "",
                  "%s: cannot be asked: %s", text, strerror(err));
}

/* By TLS the server alone has what OPTIONS need; but whose certificate is shown there, everybody may see. */
static void certificate_look(struct check *ck, const char *topic, const struct trunk *t, uint64_t end_ms)
{
    struct service sv = {.store = ck->store, .conf = ck->conf};
    char cert[SERVICE_CERT_FILE_MAX], key[SERVICE_CERT_FILE_MAX];
    struct trunktest_step s = {.result = TRUNKTEST_FAILED};
    struct trunkreach *r;
    int err;

    (void)service_certificate_files(&sv, cert, key);
    err = trunkreach_begin(&r, &(struct trunkreach_order){t, cert, key});
    if (err) {
        check_say(ck, CHECK_WARN, topic, "", "cannot be tried: %s", strerror(err));
        return;
    }
    while (atomic_load(&r->phase) < 3 && clock_ms() < end_ms)
        nanosleep(&(struct timespec){.tv_nsec = 20 * 1000000L}, NULL);
    if (atomic_load(&r->phase) == 3) {
        trunkwords_reach(&s, r);
        if (s.result == TRUNKTEST_OK) {
            s = (struct trunktest_step){.result = TRUNKTEST_FAILED};
            trunkwords_certificate(&s, r);
        }
    } else {
        snprintf(s.detail, sizeof(s.detail), "it does not answer");
    }
    check_say(ck, s.result == TRUNKTEST_OK ? CHECK_OK : CHECK_FAIL, topic, s.advice, "%s", s.detail);
    trunkreach_drop(r);
}

/* One address that answers carries the trunk; those that do not are worth a look. */
void check_options(struct check *ck, const struct trunk *t, const struct addr *v, size_t n, uint64_t end_ms)
{
    int err[CHECK_ADDRS_MAX], code[CHECK_ADDRS_MAX] = {0};
    char topic[TRUNK_NAME_MAX + 8];
    bool up = false;

    snprintf(topic, sizeof(topic), "trunk %s", t->name);
    if (t->transport == TRUNK_TLS) {
        certificate_look(ck, topic, t, end_ms);
        return;
    }
    for (size_t i = 0; i < n && i < CHECK_ADDRS_MAX; i++) {
        err[i] = i && clock_ms() >= end_ms ? ECANCELED : options_ask(ck, t, &v[i], &code[i]);
        up = up || !err[i];
    }
    for (size_t i = 0; i < n && i < CHECK_ADDRS_MAX; i++)
        answer_say(ck, topic, &v[i], err[i], code[i], up ? CHECK_WARN : CHECK_FAIL);
}

/* The doctor asks the trunks: the running server knows; without one, an OPTIONS of our own (RFC 3261 11). */
#include "cmd/check.h"
#include "conf/conf.h"
#include "core/addr.h"
#include "core/buf.h"
#include "core/clock.h"
#include "core/json.h"
#include "core/rnd.h"
#include "store/trunk.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    ANSWER_MS = 2000,
    RESEND_MS = 500,
    TOTAL_MS = 20000,
    ANSWER_MAX = 4096,
    REQUEST_MAX = 2048,
    CODE_MAX = 699
};

static const char trunk_advice[] =
    "look for a firewall between, and on SIP Server for a trunk DN whose contact is this machine's address";

struct asking {
    struct check *ck;
    uint64_t end_ms; /* of all trunks together */
    bool any;        /* is enabled */
};

/* ---------------------------------------------------------------- OPTIONS */

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

static void ask_trunk(struct check *ck, const struct trunk *t, const struct addr *peer)
{
    char topic[TRUNK_NAME_MAX + 8], text[ADDR_STRLEN];
    int code = 0, err;

    snprintf(topic, sizeof(topic), "trunk %s", t->name);
    addr_str(peer, text, sizeof(text));
    if (t->transport == TRUNK_TLS) {
        check_say(ck, CHECK_WARN, topic, "use udp or tcp", "TLS towards trunks is not in this version");
        return;
    }
    err = options_ask(ck, t, peer, &code);
    if (!err)
        check_say(ck, CHECK_OK, topic, "", "%s answers OPTIONS with %d", text, code);
    else if (err == ECONNREFUSED)
        check_say(ck, CHECK_FAIL, topic,
                  "is SIP Server started, and are address and transport those of its sip-port?",
                  "%s: nothing listens there", text);
    else if (err == ETIMEDOUT || err == EAGAIN || err == ECONNRESET)
        check_say(ck, CHECK_FAIL, topic, trunk_advice, "%s does not answer OPTIONS", text);
    else
        check_say(ck, CHECK_FAIL, topic, err == EADDRINUSE ? "another program has sip.port, see above" : "",
                  "%s: cannot be asked: %s", text, strerror(err));
}

/* ---------------------------------------------------------------- what the server knows */

static void server_trunk(struct check *ck, const struct trunk *t, const struct addr *peer)
{
    char topic[TRUNK_NAME_MAX + 8], name[TRUNK_NAME_MAX + 64], text[ADDR_STRLEN];
    double up, code = 0, rtt = 0;

    snprintf(topic, sizeof(topic), "trunk %s", t->name);
    addr_str(peer, text, sizeof(text));
    snprintf(name, sizeof(name), "dngate_trunk_up{trunk=\"%s\"}", t->name);
    if (!check_metric(ck, name, &up)) {
        check_say(ck, CHECK_WARN, topic, "look in the server's log", "%s: the server does not know it yet",
                  text);
        return;
    }
    snprintf(name, sizeof(name), "dngate_trunk_last_code{trunk=\"%s\"}", t->name);
    (void)check_metric(ck, name, &code);
    snprintf(name, sizeof(name), "dngate_trunk_rtt_seconds{trunk=\"%s\"}", t->name);
    (void)check_metric(ck, name, &rtt);
    if (up > 0 && !t->ping_seconds)
        check_say(ck, CHECK_OK, topic, "", "%s is taken as up (--ping 0)", text);
    else if (up > 0)
        check_say(ck, CHECK_OK, topic, "", "%s answers the server's OPTIONS with %.0f in %.1f ms", text, code,
                  rtt * 1000);
    else
        check_say(ck, CHECK_FAIL, topic, trunk_advice, "%s does not answer the server's OPTIONS", text);
}

/* What there is to say of no trunk has been said; but the lab has one of its own. */
static void server_trunks(struct check *ck, bool any)
{
    const struct json_val *p;
    const char *state, *reason;
    struct json *j;

    if (json_parse(&j, ck->status, strlen(ck->status), NULL, 0))
        return;
    p = json_get(json_get(json_get(json_root(j), "health"), "parts"), "trunk");
    state = json_get_str(p, "state");
    reason = json_get_str(p, "reason");
    if (state && !strcmp(state, "up"))
        check_say(ck, CHECK_OK, "trunk", "", "the server says: up");
    else if (state && (any || !strcmp(state, "down")))
        check_say(ck, !strcmp(state, "down") ? CHECK_FAIL : CHECK_WARN, "trunk", trunk_advice,
                  "the server says: %s, %s", state, reason ? reason : "");
    json_free(j);
}

/* ---------------------------------------------------------------- */

static bool trunk_look_h(const struct trunk *t, void *arg)
{
    struct asking *a = arg;
    char topic[TRUNK_NAME_MAX + 8];
    struct addr peer;

    snprintf(topic, sizeof(topic), "trunk %s", t->name);
    if (!t->enabled) {
        check_say(a->ck, CHECK_INFO, topic, "", "disabled");
        return false;
    }
    a->any = true;
    if (clock_ms() >= a->end_ms) {
        check_say(a->ck, CHECK_INFO, topic, "", "not asked: the others took too long");
    } else if (addr_resolve(&peer, t->host, t->port)) {
        check_say(a->ck, CHECK_FAIL, topic, "correct the name, or the DNS servers of this machine",
                  "%s cannot be resolved", t->host);
    } else if (a->ck->running) {
        server_trunk(a->ck, t, &peer);
    } else {
        ask_trunk(a->ck, t, &peer);
    }
    return false;
}

void check_trunks(struct check *ck)
{
    struct asking a = {ck, clock_ms() + TOTAL_MS, false};
    struct store_reader *r;

    if (ck->store && !store_reader_alloc(&r, ck->store)) {
        (void)trunk_each(r, false, trunk_look_h, &a);
        store_reader_free(r);
    }
    if (ck->running)
        server_trunks(ck, a.any);
}

#include "sip/hep.h"

#include "conf/conf.h"
#include "core/buf.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/mbox.h"
#include "core/metric.h"
#include "core/thread.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    TARGET_MAX = 301,
    CAPTURE_ID = 2001, /* Homer's name for an agent that was given none */
    PROTO_SIP = 1,
    TEXT_MAX = 57344,
    AGAIN_MS = 30000, /* a server that was not found is looked for again */
    PORT_DEFAULT = 9060,
};

METRIC_COUNTER(sent, "dngate_hep_sent_total", NULL, "SIP messages sent to the Homer server (trace.hep)");
METRIC_COUNTER(lost, "dngate_hep_lost_total", NULL,
               "SIP messages that the Homer server was not sent: it is not found, or too many waited");

struct item { /* packet NULL: another target; both NULL: the end */
    char *packet, *target;
    size_t len;
};

struct hep {
    struct mbox *queue; /* the thread's, once it runs */
    bool running;
    char target[TARGET_MAX];
};

/* ---------------------------------------------------------------- HEP3: chunks of vendor 0 */

static void chunk(struct buf *out, unsigned type, const void *p, size_t n)
{
    const uint16_t head[3] = {0, htons((uint16_t)type), htons((uint16_t)(n + 6))};

    buf_write(out, head, sizeof(head));
    buf_write(out, p, n);
}

static void chunk8(struct buf *out, unsigned type, uint8_t v)
{
    chunk(out, type, &v, 1);
}

static void chunk16(struct buf *out, unsigned type, uint16_t v)
{
    v = htons(v);
    chunk(out, type, &v, sizeof(v));
}

static void chunk32(struct buf *out, unsigned type, uint32_t v)
{
    v = htonl(v);
    chunk(out, type, &v, sizeof(v));
}

static void chunk_ip(struct buf *out, const struct addr *a, bool six, unsigned type4, unsigned type6)
{
    char text[ADDR_STRLEN];
    uint8_t ip[16] = {0};

    (void)addr_ip(a, text, sizeof(text));
    (void)inet_pton(six ? AF_INET6 : AF_INET, text, ip);
    chunk(out, six ? type6 : type4, ip, six ? 16 : 4);
}

int hep_encode(struct buf *out, const struct siplog_seen *m, const char *text, size_t len, int64_t wall_ms,
               const char *correlation)
{
    const struct addr *src = m->out ? &m->us : &m->peer, *dst = m->out ? &m->peer : &m->us;
    const bool six = addr_af(src) == AF_INET6;
    uint16_t total;

    if (len > TEXT_MAX)
        return EMSGSIZE;
    buf_write(out, "HEP3\0\0", 6);
    chunk8(out, 1, six ? AF_INET6 : AF_INET);
    chunk8(out, 2, strcasecmp(m->transport, "udp") ? IPPROTO_TCP : IPPROTO_UDP);
    chunk_ip(out, src, six, 3, 5);
    chunk_ip(out, dst, six, 4, 6);
    chunk16(out, 7, addr_port(src));
    chunk16(out, 8, addr_port(dst));
    chunk32(out, 9, (uint32_t)(wall_ms / 1000));
    chunk32(out, 10, (uint32_t)(wall_ms % 1000) * 1000);
    chunk8(out, 11, PROTO_SIP);
    chunk32(out, 12, CAPTURE_ID);
    if (*correlation)
        chunk(out, 17, correlation, strlen(correlation));
    chunk(out, 15, text, len);
    if (out->err)
        return out->err;
    total = htons((uint16_t)out->len);
    memcpy(out->data + 4, &total, sizeof(total));
    return 0;
}

/* ---------------------------------------------------------------- the thread */

struct sender {
    struct mbox *queue;
    char host[TARGET_MAX], port[8];
    int fd; /* -1: there is no server */
    uint64_t again_ms;
    bool over;
};

static void split(struct sender *s, const char *target)
{
    const char *colon = strrchr(target, ':');
    const bool port = colon && !strchr(colon, ']') && (strchr(target, ':') == colon || colon[-1] == ']');
    size_t n = port ? (size_t)(colon - target) : strlen(target);

    if (*target == '[' && n > 2) {
        target++;
        n -= 2;
    }
    snprintf(s->host, sizeof(s->host), "%.*s", (int)n, target);
    if (port)
        snprintf(s->port, sizeof(s->port), "%s", colon + 1);
    else
        snprintf(s->port, sizeof(s->port), "%d", PORT_DEFAULT);
}

static void look_up(struct sender *s)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_DGRAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    int err;

    if (s->fd >= 0)
        close(s->fd);
    s->fd = -1;
    s->again_ms = clock_ms() + AGAIN_MS;
    if (!s->host[0])
        return;
    err = getaddrinfo(s->host, s->port, &hints, &found);
    if (!err) {
        s->fd = socket(found->ai_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (s->fd >= 0 && connect(s->fd, found->ai_addr, found->ai_addrlen)) {
            close(s->fd);
            s->fd = -1;
        }
    }
    freeaddrinfo(found);
    if (s->fd < 0)
        log_warn_limited("sip", "server=%s port=%s error=\"%s\" the Homer server (trace.hep) is not reached",
                         s->host, s->port, err ? gai_strerror(err) : strerror(errno));
}

static void item_h(void *msg, void *arg)
{
    const struct item *it = msg;
    struct sender *s = arg;

    if (it->packet) {
        if (s->fd < 0 && s->host[0] && clock_ms() >= s->again_ms)
            look_up(s);
        metric_add(s->fd >= 0 && send(s->fd, it->packet, it->len, MSG_NOSIGNAL) >= 0 ? &sent : &lost, 1);
        free(it->packet);
    } else if (it->target) {
        split(s, it->target);
        look_up(s);
        free(it->target);
    } else {
        s->over = true;
    }
}

static void drop_h(void *msg, void *arg)
{
    struct item *it = msg;

    (void)arg;
    free(it->packet);
    free(it->target);
}

static void *sender_main(void *arg)
{
    struct sender s = {.queue = arg, .fd = -1};

    while (!s.over) {
        struct pollfd fd = {.fd = mbox_fd(s.queue), .events = POLLIN};

        (void)poll(&fd, 1, -1);
        (void)mbox_drain(s.queue, item_h, &s);
    }
    if (s.fd >= 0)
        close(s.fd);
    mbox_free(s.queue, drop_h, NULL);
    return NULL;
}

/* ---------------------------------------------------------------- signalling */

int hep_alloc(struct hep **hp)
{
    struct hep *h = calloc(1, sizeof(*h));
    int err = h ? mbox_alloc(&h->queue, "hep", sizeof(struct item), HEP_QUEUE) : ENOMEM;

    if (err)
        free(h);
    else
        *hp = h;
    return err;
}

void hep_free(struct hep *h)
{
    const struct item end = {NULL, NULL, 0};

    if (!h)
        return;
    if (h->running)
        (void)mbox_post_sure(h->queue, &end); /* the queue is the thread's */
    else
        mbox_free(h->queue, drop_h, NULL);
    free(h);
}

void hep_retarget(struct hep *h, const struct conf *conf)
{
    struct item it = {NULL, NULL, 0};
    char target[TARGET_MAX];

    conf_str(conf, "trace.hep", target, sizeof(target));
    if (!strcmp(target, h->target))
        return;
    if (!h->running) {
        mbox_reserve(h->queue, 1); /* for the end */
        if (thread_detached("hep", sender_main, h->queue))
            return;
        h->running = true;
    }
    it.target = strdup(target);
    if (it.target && !mbox_post(h->queue, &it))
        memcpy(h->target, target, sizeof(h->target));
    else
        free(it.target);
}

static void line_h(const char *line, void *arg)
{
    struct buf *text = arg;

    buf_puts(text, line);
    buf_puts(text, "\r\n");
}

void hep_send(struct hep *h, const struct siplog_seen *m, const char *correlation)
{
    struct item it = {NULL, NULL, 0};
    struct buf text, packet;

    if (!h->target[0])
        return;
    buf_init(&text, TEXT_MAX);
    buf_init(&packet, HEP_PACKET_MAX);
    siplog_message(m->p, m->len, line_h, &text);
    if (!text.err && text.len && !hep_encode(&packet, m, text.data, text.len, clock_wall_ms(), correlation))
        it.packet = buf_take(&packet, &it.len);
    if (!it.packet || mbox_post(h->queue, &it)) {
        metric_add(&lost, 1);
        free(it.packet);
    }
    buf_reset(&text);
    buf_reset(&packet);
}

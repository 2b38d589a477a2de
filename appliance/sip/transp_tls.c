/*
 * SIP over TLS: what lies between a stream (transp_tcp.c) and its socket. crypto/tls has the records; who the peer must be, and what we show
 * it, is asked of the edge (transp_tls of transp.h). A peer that is not who it must be gets an alert, and no message is read or written.
 *
 * A handshake waits for its peer as everything here does, without keeping anybody waiting: it goes on when bytes come, and is over after
 * TRANSP_TLS_SHAKE_MS. From addresses that are no trunk's it is begun only while some trunk is known by its certificate, by few at a time and
 * few in a second.
 */
#include "sip/transp.h"

#include "core/clock.h"
#include "core/log.h"
#include "core/metric.h"
#include "crypto/tls.h"
#include "crypto/tlspeer.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define HANDSHAKES(name, result)                                                                             \
    METRIC_COUNTER(name, "dngate_sip_tls_handshakes_total", "result=\"" result "\"",                         \
                   "TLS handshakes with trunks, and who tried to be one")
HANDSHAKES(shakes_ok, "ok");
HANDSHAKES(shakes_refused, "certificate");
HANDSHAKES(shakes_failed, "failed");
HANDSHAKES(shakes_timeout, "timeout");

static ssize_t socket_h(const void *p, size_t n, void *arg)
{
    const struct sip_conn *c = arg;
    ssize_t sent = send(c->fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL);

    if (sent < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -1;
    return sent;
}

/* No connection comes about: counts it, and says so once. */
static void failed(struct sip_conn *c, struct metric *result, const char *why)
{
    struct addr a;
    char str[ADDR_STRLEN];

    if (c->failed)
        return;
    c->failed = true;
    metric_add(result, 1);
    transp_addr(&a, &c->paddr);
    log_warn_limited("sip", "transport=TLS peer=%s direction=%s no connection: %s",
                     addr_str(&a, str, sizeof(str)), c->out ? "out" : "in", why);
    if (c->edge && c->edge->tls.openh)
        c->edge->tls.failedh(&a, c->out, why, c->edge->tls.arg);
}

int transp_tls_begin(struct sip_conn *c)
{
    char name[TRANSP_TLS_NAME_MAX] = "", why[TLS_PEER_WHY_MAX] = "nobody is spoken to by TLS";
    struct tls_server *s = NULL;
    struct addr a;
    int err = EACCES;

    transp_addr(&a, &c->paddr);
    if (c->edge && c->edge->tls.openh)
        err = c->edge->tls.openh(&a, c->out, &s, name, why, sizeof(why), c->edge->tls.arg);
    if (!err)
        err = tls_session_alloc(&c->tls, s, socket_h, c);
    if (!err && c->out)
        err = tls_ask_for(c->tls, name);
    if (err)
        failed(c, &shakes_failed, err == ENOMEM ? strerror(err) : why);
    return err;
}

int transp_tls_shake(struct sip_conn *c)
{
    const struct transp_tls *h = &c->edge->tls;
    char why[TLS_PEER_WHY_MAX] = "";
    struct addr a;
    int err = tls_shake(c->tls);

    if (err == EAGAIN)
        return err;
    if (err) {
        failed(c, &shakes_failed, tls_why(c->tls));
        return err;
    }
    transp_addr(&a, &c->paddr);
    err = h->judgeh(&a, c->out, c->tls, &c->trunk, why, sizeof(why), h->arg);
    if (err) {
        tls_peer_refuse(c->tls);
        failed(c, &shakes_refused, why);
        return err;
    }
    c->stranger = false;
    metric_add(&shakes_ok, 1);
    return 0;
}

ssize_t transp_tls_send(struct sip_conn *c, const void *p, size_t n)
{
    size_t taken;
    int err = tls_write(c->tls, p, n, &taken);

    return taken ? (ssize_t)taken : -err;
}

int transp_tls_flush(struct sip_conn *c)
{
    return tls_flush(c->tls);
}

bool transp_tls_pending(const struct sip_conn *c)
{
    return c->tls && tls_pending(c->tls);
}

/* By TLS 1.3 a server looks at our certificate when the handshake is over for us. */
static void unwelcome(struct sip_conn *c)
{
    failed(c, &shakes_failed,
           tls_state(c->tls) == TLS_FAILED
               ? tls_why(c->tls)
               : "it closed the connection after the handshake: perhaps it does not take our certificate");
}

static void lost(const struct sip_conn *c)
{
    struct addr a;

    transp_addr(&a, &c->paddr);
    if (c->edge->tls.openh)
        c->edge->tls.losth(&a, c->edge->tls.arg);
}

void transp_tls_gone(struct sip_conn *c, int err)
{
    if (!c->tls)
        return;
    if (!c->established && err == ETIMEDOUT)
        failed(c, &shakes_timeout, "it does not end the handshake");
    else if (!c->established && err)
        failed(c, &shakes_failed, "it closed the connection in the handshake");
    else if (err == ECONNRESET && c->out && !c->heard)
        unwelcome(c);
    else if (err && c->out)
        lost(c);
    if (c->established && c->fd >= 0)
        tls_close(c->tls);
    tls_free(c->tls);
    c->tls = NULL;
}

/* ------------------------------------------------------------------ strangers */

static bool stranger_h(struct le *le, void *arg)
{
    const struct sip_conn *c = le->data;

    *(unsigned *)arg += c->tp == SIP_TRANSP_TLS && c->stranger;
    return false;
}

bool transp_tls_stranger(const struct sip_transport *t)
{
    static _Thread_local uint64_t second;
    static _Thread_local unsigned began;
    const uint64_t now = clock_ms() / 1000;
    unsigned n = 0;

    if (t->tp != SIP_TRANSP_TLS || !t->edge || !t->edge->tls.openh ||
        !t->edge->tls.strangersh(t->edge->tls.arg))
        return false;
    if (now != second) {
        second = now;
        began = 0;
    }
    (void)hash_apply(t->sip->ht_conn, stranger_h, &n);
    if (n >= TRANSP_TLS_STRANGERS_MAX || began >= TRANSP_TLS_STRANGERS_PER_S)
        return false;
    began++;
    return true;
}

/* ------------------------------------------------------------------ of trunks */

struct alias {
    const struct sa *dst;
    struct sip_conn *found;
};

static bool alias_h(struct le *le, void *arg)
{
    struct sip_conn *c = le->data;
    struct alias *a = arg;

    if (c->tp == SIP_TRANSP_TLS && c->established && c->trunk && c->alias && c->alias == sa_port(a->dst) &&
        sa_cmp(&c->paddr, a->dst, SA_ADDR))
        a->found = c;
    return a->found != NULL;
}

struct sip_conn *transp_tls_alias(const struct sip *sip, const struct sa *dst)
{
    struct alias a = {dst, NULL};

    (void)hash_apply(sip->ht_conn, alias_h, &a);
    return a.found;
}

struct dropped {
    uint32_t trunk;
    struct sip_conn *v[TRANSP_TCP_CONNS_MAX];
    size_t n;
};

static bool dropped_h(struct le *le, void *arg)
{
    struct sip_conn *c = le->data;
    struct dropped *d = arg;

    if (c->tp == SIP_TRANSP_TLS && c->trunk == d->trunk && d->n < TRANSP_TCP_CONNS_MAX)
        d->v[d->n++] = mem_ref(c);
    return false;
}

void transp_tls_drop(struct sip *sip, uint32_t trunk)
{
    struct dropped d = {.trunk = trunk};

    if (!trunk)
        return;
    (void)hash_apply(sip->ht_conn, dropped_h, &d);
    for (size_t i = 0; i < d.n; i++) {
        transp_conn_close(d.v[i], ECONNRESET);
        mem_deref(d.v[i]);
    }
}

/*
 * SIP over WebSocket (RFC 7118). The web thread owns the sockets; here a browser is a number and two addresses.
 *
 * libre routes by address, a browser's Contact is an invalid name: so each connection gets an address of the discard-only block
 * 100::/64 (RFC 6666) made of its number. As an edge proxy would, we put it into a Record-Route of each message from the browser:
 * requests within the dialog then carry that route, and libre asks us to send to that address.
 */
#include "sip/transp.h"
#include "sip/wsedge.h"

#include "core/clock.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

enum { WS_ROUTE_PORT = 9, WS_ROUTE_HEADER_LEN = 128 };

void transp_ws_key(struct sa *sa, uint64_t id)
{
    uint8_t ip[16] = {0x01, 0x00};

    for (int i = 0; i < 8; i++)
        ip[15 - i] = (uint8_t)(id >> (8 * i));
    sa_set_in6(sa, ip, WS_ROUTE_PORT);
}

const char *sip_ws_route(char buf[SIP_WS_ROUTE_LEN], uint64_t conn)
{
    struct sa sa;

    transp_ws_key(&sa, conn);
    (void)re_snprintf(buf, SIP_WS_ROUTE_LEN, "sip:%J;transport=ws", &sa);
    return buf;
}

struct sip_conn *transp_ws_find(const struct sip *sip, uint64_t id)
{
    struct sa key;

    transp_ws_key(&key, id);
    return transp_conn_find(sip, SIP_TRANSP_WS, &key);
}

int transp_ws_open(struct sip *sip, uint64_t id, const struct addr *peer, const struct addr *local)
{
    const struct sip_transport *t = transp_find(sip, SIP_TRANSP_WS, AF_UNSPEC);
    struct sip_conn *c;
    struct sa key;

    if (!t)
        return EPROTONOSUPPORT;
    if (transp_ws_find(sip, id))
        return EEXIST;
    transp_ws_key(&key, id);
    c = transp_conn_alloc(t, &key);
    if (!c)
        return ENOMEM;
    c->id = id;
    c->stranger_ms = clock_ms();
    transp_sa(&c->paddr, peer);
    transp_sa(&c->laddr, local);
    return 0;
}

void transp_ws_closed(struct sip *sip, uint64_t id)
{
    struct sip_conn *c = transp_ws_find(sip, id);

    if (c)
        transp_conn_close(c, ECONNRESET);
}

int transp_ws_send(struct sip_conn *c, const struct mbuf *mb)
{
    if (c->closed)
        return ENOTCONN;
    return c->edge->frameh(c->id, mbuf_buf(mb), mbuf_get_left(mb), c->edge->arg);
}

/* A double CRLF asks for a single one (RFC 5626 3.5.1, RFC 7118 6); a single one answers ours. */
static bool keepalive(struct sip_conn *c, const char *p, size_t len)
{
    if (len == 4 && !memcmp(p, "\r\n\r\n", 4)) {
        (void)c->edge->frameh(c->id, "\r\n", 2, c->edge->arg);
        return true;
    }
    return len == 2 && !memcmp(p, "\r\n", 2);
}

void transp_ws_recv(struct sip *sip, uint64_t id, const void *p, size_t len)
{
    const struct sip_transport *t = transp_find(sip, SIP_TRANSP_WS, AF_UNSPEC);
    struct sip_conn *c = transp_ws_find(sip, id);

    if (!t || !c || keepalive(c, p, len))
        return;
    mem_ref(c); /* its own message may close it */
    transp_input(t, c, &c->paddr, &c->laddr, p, len, SIP_WEBSOCKET);
    mem_deref(c);
}

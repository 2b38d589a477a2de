/*
 * SIP over WebSocket (RFC 7118). The web thread owns the sockets; here a browser is a number and two addresses.
 *
 * libre routes by address, a browser's Contact is an invalid name: so each connection gets an address of the discard-only block
 * 100::/64 (RFC 6666) made of its number. As an edge proxy would, we put it into a Record-Route of each message from the browser:
 * requests within the dialog then carry that route, and libre asks us to send to that address.
 *
 * libre tells requests apart by branch and sent-by (RFC 3261 17.2.3), merged ones by their URI (8.2.2.2), and responses by branch
 * alone; a browser makes up its half of that. So that no agent can touch another's transaction, the browser's own name stands in for
 * sent-by and raw URI of what it asks (the Via that goes back is copied as it came), and the branch of what we ask names the browser
 * that may answer. A browser that comes back on a new connection keeps its name.
 */
#include "sip/transp.h"
#include "sip/wsedge.h"

#include "core/rnd.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

enum { WS_ROUTE_PORT = 9, BRANCH_MARK = '-' };

static void transp_ws_key(struct sa *sa, uint64_t id)
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

static void browser_set(struct sip_conn *c, uint64_t browser)
{
    c->browser = browser;
    (void)snprintf(c->name, sizeof(c->name), "%016llx", (unsigned long long)browser); /* changes in place */
}

int transp_ws_open(struct sip *sip, uint64_t id, const struct addr *peer, const struct addr *local)
{
    const struct sip_transport *t;
    struct sip_conn *c;
    struct sa key;

    transp_ws_key(&key, id);
    t = transp_find(sip, SIP_TRANSP_WS, &key);
    if (!t)
        return EPROTONOSUPPORT;
    if (transp_ws_find(sip, id))
        return EEXIST;
    c = transp_conn_alloc(t, &key);
    if (!c)
        return ENOMEM;
    c->id = id;
    browser_set(c, id);
    transp_sa(&c->paddr, peer);
    transp_sa(&c->laddr, local);
    return 0;
}

void transp_ws_inherit(struct sip *sip, uint64_t id, uint64_t from)
{
    const struct sip_conn *old = transp_ws_find(sip, from);
    struct sip_conn *c = transp_ws_find(sip, id);

    if (old && c)
        browser_set(c, old->browser);
}

const char *sip_ws_branch(char buf[SIP_WS_BRANCH_LEN], const struct sip *sip, uint64_t conn)
{
    const struct sip_conn *c = transp_ws_find(sip, conn);

    (void)re_snprintf(buf, SIP_WS_BRANCH_LEN, "z9hG4bK%016llx%c%016llx", rnd_u64(), BRANCH_MARK,
                      c ? c->browser : 0);
    return buf;
}

bool transp_ws_own(const struct sip_conn *conn, struct sip_msg *msg)
{
    const struct pl *branch = &msg->via.branch;
    const char *mark;
    struct pl number;

    if (msg->req) {
        pl_set_str(&msg->via.sentby, conn->name);
        pl_set_str(&msg->ruri, conn->name);
        return true;
    }
    mark = memchr(branch->p, BRANCH_MARK, branch->l);
    if (!mark) /* of a request that nobody's call hangs on */
        return true;
    number = (struct pl){mark + 1, (size_t)(branch->p + branch->l - mark) - 1};
    return !pl_strcmp(&number, conn->name);
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

void transp_ws_recv(struct sip *sip, uint64_t id, void *p, size_t len)
{
    struct sip_conn *c = transp_ws_find(sip, id);
    const struct sip_transport *t = c ? transp_find(sip, SIP_TRANSP_WS, &c->key) : NULL;

    if (!t || keepalive(c, p, len))
        return;
    mem_ref(c); /* its own message may close it */
    transp_input(t, c, &c->paddr, &c->laddr, p, len, SIP_WEBSOCKET);
    mem_deref(c);
}

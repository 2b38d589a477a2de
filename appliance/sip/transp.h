/*
 * sip/transp: our transports beneath libre's transactions; these files replace libre's sip/transp.c (the functions that <re_sip.h>
 * and its private header promise). Private to sip/.
 *
 *   transp.c       which transport or connection a message takes   transp_in.c    what every message passes on its way in
 *   transp_udp.c   datagrams, in batches          transp_tcp.c   streams          transp_ws.c   frames of the web thread
 *
 * Several `struct sip` may exist, each on its own thread. One made by plain sip_alloc() and sip_transp_add() behaves as with libre;
 * one that was given an edge has its sources admitted, its messages validated, its own address chosen and its browsers routed by it.
 * Owner: the thread of the `struct sip`.
 */
#ifndef SIP_TRANSP_H
#define SIP_TRANSP_H

#include "core/addr.h"
#include "sip/validate.h"

#include <re.h>
#include <re-private/sip.h>

enum {
    TRANSP_PER_KIND_MAX = 4,      /* sockets of one kind */
    TRANSP_TCP_CONNS_MAX = 256,   /* of one stack */
    TRANSP_TCP_PER_PEER_MAX = 16, /* from one address */
    TRANSP_TCP_QUEUE_MAX = 262144,
    TRANSP_KEPT_MAX = 262144,        /* bytes of messages of a browser on which nobody has signed in */
    TRANSP_KEPT_AGENT_MAX = 4 << 20, /* of one on which somebody has */
    TRANSP_KEPT_BESIDES = 2048, /* about what a message costs beside its bytes: transaction, answer; … */
    TRANSP_KEPT_VALUE = 160,    /* … and each header and value of one */
};

struct transp_edge {
    /* May this address speak to us? Asked before a byte of its message is read. */
    bool (*admith)(const struct addr *src, void *arg);
    /* Our address as dst must use it. */
    int (*laddrh)(struct addr *laddr, const struct addr *dst, void *arg);
    /* Sends a frame to a browser. */
    int (*frameh)(uint64_t conn, const void *p, size_t len, void *arg);
    void *arg;
    uint32_t message_ms; /* TCP: for one message; 0 = 32 s */
};

struct sip_transport {
    struct le le;
    struct sip *sip;
    enum sip_transp tp;
    struct sa laddr;
    int fd;           /* -1: WS */
    void *batch;      /* UDP: receive buffers */
    struct tmr pause; /* TCP: no file descriptors left */
    const struct transp_edge *edge;
};

/* A TCP connection, or a browser's WebSocket. Lives in sip->ht_conn, hashed by `key`, until it is closed. */
struct sip_conn {
    struct le he;
    struct sip *sip;
    const struct transp_edge *edge;
    enum sip_transp tp;
    struct sa key;   /* TCP: the peer; WS: the route address made of the connection's number */
    struct sa paddr; /* the peer */
    struct sa laddr; /* ours as the peer sees it */
    uint64_t id;     /* WS */
    uint64_t
        browser; /* WS: the id of the first connection of those on which one browser has come back, see transp_ws.c */
    char name[17]; /* WS: that id, in place of the sent-by that the browser makes up */
    bool closed;
    bool close_asked; /* WS: web was told to close it */
    bool known;       /* WS: who sends here has signed in once */
    size_t held;      /* bytes: TCP: of rx and tx; WS: of messages that somebody holds */

    int fd; /* TCP, from here on */
    bool established;
    bool partial;   /* a message has begun, and its time runs */
    struct list ql; /* of sip_connqent: waiting for the connection */
    struct tmr tmr;
    struct mbuf *rx, *tx;
};

struct sip_connqent {
    struct le le;
    struct mbuf *mb;
    struct sip_connqent **qentp;
    sip_transp_h *transph;
    void *arg;
};

/* Takes over a bound (TCP: listening) non-blocking socket; closes it also on error. */
int transp_adopt(struct sip *sip, enum sip_transp tp, int fd, const struct transp_edge *edge);
/* Lets requests be sent to browsers. */
int transp_add_ws(struct sip *sip, const struct transp_edge *edge);

int transp_ws_open(struct sip *sip, uint64_t id, const struct addr *peer, const struct addr *local);
void transp_ws_recv(struct sip *sip, uint64_t id, void *p, size_t len); /* joins folded lines in p */
void transp_ws_closed(struct sip *sip, uint64_t id);
struct sip_conn *transp_ws_find(const struct sip *sip, uint64_t id);
/* The browser of connection `from` has come back on `id`: its transactions are known there. */
void transp_ws_inherit(struct sip *sip, uint64_t id, uint64_t from);

void transp_sa(struct sa *sa, const struct addr *a);
void transp_addr(struct addr *a, const struct sa *sa);

/* --- between the files of this module --- */
void transp_input(const struct sip_transport *t, struct sip_conn *conn, const struct sa *src,
                  const struct sa *dst, void *p, size_t len, enum sip_carrier carrier);
void transp_refuse(enum sip_reason r, enum sip_transp tp, const struct sa *src);
/* The transport of this kind whose socket can send to dst. */
struct sip_transport *transp_find(const struct sip *sip, enum sip_transp tp, const struct sa *dst);
struct sip_conn *transp_conn_find(const struct sip *sip, enum sip_transp tp, const struct sa *key);
struct sip_conn *transp_conn_alloc(const struct sip_transport *t, const struct sa *key);
void transp_conn_close(struct sip_conn *conn, int err); /* and gives up the table's reference */
void transp_laddr(const struct sip_transport *t, struct sa *laddr, const struct sa *dst);
bool transp_admits(const struct sip_transport *t, const struct sa *src);

int transp_udp_listen(struct sip_transport *t);
int transp_udp_send(const struct sip_transport *t, const struct sa *dst, const struct mbuf *mb);
int transp_tcp_listen(struct sip_transport *t);
int transp_tcp_write(struct sip_conn *conn, const struct mbuf *mb);
int transp_tcp_send(struct sip_connqent **qentp, const struct sip_transport *t, const struct sa *dst,
                    struct mbuf *mb, sip_transp_h *transph, void *arg);
int transp_ws_send(struct sip_conn *conn, const struct mbuf *mb);
/* Makes the transaction of a browser's message its own, see transp_ws.c. false: a response to another's request. */
bool transp_ws_own(const struct sip_conn *conn, struct sip_msg *msg);

#endif

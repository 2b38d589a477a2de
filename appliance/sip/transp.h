/*
 * sip/transp: our transports beneath libre's transactions; these files replace libre's sip/transp.c (the functions that <re_sip.h>
 * and its private header promise). Private to sip/.
 *
 *   transp.c       which transport or connection a message takes   transp_in.c    what every message passes on its way in
 *   transp_udp.c   datagrams, in batches          transp_tcp.c   streams          transp_ws.c   frames of the web thread
 *   transp_tls.c   what lies between a stream and its socket, by TLS
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
    TRANSP_PER_KIND_MAX = 4,         /* sockets of one kind */
    TRANSP_TCP_CONNS_MAX = 256,      /* of one stack, TLS among them */
    TRANSP_TCP_PER_PEER_MAX = 16,    /* from one address */
    TRANSP_TLS_STRANGERS_MAX = 16,   /* that shake hands, so that their certificate may tell who they are */
    TRANSP_TLS_STRANGERS_PER_S = 10, /* a handshake is 2-4 ms of this thread */
    TRANSP_TLS_SHAKE_MS = 5000,
    TRANSP_TLS_NAME_MAX = 256,
    TRANSP_TCP_QUEUE_MAX = 262144,
    TRANSP_KEPT_MAX = 262144,        /* bytes of messages of a browser on which nobody has signed in */
    TRANSP_KEPT_AGENT_MAX = 4 << 20, /* of one on which somebody has */
    TRANSP_KEPT_BESIDES = 2048, /* about what a message costs beside its bytes: transaction, answer; … */
    TRANSP_KEPT_VALUE = 160,    /* … and each header and value of one */
};

struct tls;
struct tls_server;

/* What TLS asks of who knows the trunks (sip/trunktls). why: a clause with the peer as "it". */
struct transp_tls {
    /* May somebody from anywhere shake hands, as a trunk is known by its certificate? */
    bool (*strangersh)(void *arg);
    /* What we show to peer, and by which name it is asked for (out). EACCES: no trunk is there. */
    int (*openh)(const struct addr *peer, bool out, struct tls_server **s, char name[TRANSP_TLS_NAME_MAX],
                 char *why, size_t whysz, void *arg);
    /* The handshake is done: who is it? *trunk: its number when its certificate proves that; 0: known by its address alone. */
    int (*judgeh)(const struct addr *peer, bool out, const struct tls *tls, uint32_t *trunk, char *why,
                  size_t whysz, void *arg);
    /* No connection came about, the socket's own errors aside. */
    void (*failedh)(const struct addr *peer, bool out, const char *why, void *arg);
    /* A connection that we made has come to its end: by it the peer sent what it asks of us, too. */
    void (*losth)(const struct addr *peer, void *arg);
    void *arg;
};

struct transp_edge {
    /* May this address speak to us? Asked before a byte of its message is read. */
    bool (*admith)(const struct addr *src, void *arg);
    /* Our address as dst must use it by this transport. */
    int (*laddrh)(struct addr *laddr, const struct addr *dst, enum sip_transp tp, void *arg);
    /* Sends a frame to a browser. */
    int (*frameh)(uint64_t conn, const void *p, size_t len, void *arg);
    void *arg;
    uint32_t message_ms;   /* streams: for one message; 0 = 32 s */
    struct transp_tls tls; /* openh NULL: nobody is spoken to by TLS */
};

struct sip_transport {
    struct le le;
    struct sip *sip;
    enum sip_transp tp;
    struct sa laddr;
    int fd;           /* -1: WS; TLS: we connect only */
    void *batch;      /* UDP: receive buffers */
    struct tmr pause; /* TCP, TLS: no file descriptors left */
    const struct transp_edge *edge;
};

/* A TCP or TLS connection, or a browser's WebSocket. Lives in sip->ht_conn, hashed by `key`, until it is closed. */
struct sip_conn {
    struct le he;
    struct sip *sip;
    const struct transp_edge *edge;
    enum sip_transp tp;
    struct sa key;   /* streams: the peer; WS: the route address made of the connection's number */
    struct sa paddr; /* the peer */
    struct sa laddr; /* ours as the peer sees it */
    uint64_t id;     /* WS */
    uint64_t
        browser; /* WS: the id of the first connection of those on which one browser has come back, see transp_ws.c */
    char name[17]; /* WS: that id, in place of the sent-by that the browser makes up */
    bool closed;
    bool close_asked; /* WS: web was told to close it */
    bool known;       /* WS: who sends here has signed in once */
    size_t held;      /* bytes: streams: of rx and tx; WS: of messages that somebody holds */

    int fd;           /* streams, from here on */
    bool out;         /* we connected */
    bool connected;   /* the socket is; TLS may still shake hands */
    bool established; /* messages may come and go */
    bool partial;     /* a message has begun, and its time runs */
    bool ponged;      /* it has answered a keep-alive once: from then on it must */
    bool asked;       /* a keep-alive of ours waits for its answer */
    struct list ql;   /* of sip_connqent: waiting for the connection */
    struct tmr tmr, ping;
    struct mbuf *rx, *tx;

    struct tls *tls; /* TLS, from here on */
    bool stranger;   /* its address is no trunk's */
    bool heard;      /* something came after the handshake */
    bool failed;     /* why it did not come about has been said */
    uint32_t trunk;  /* number of the trunk that its certificate is of; 0: none */
    uint16_t alias;  /* requests to this port of its address may go here (RFC 5923); 0 */
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
/* Lets requests be sent by TLS where nothing listens for it. */
int transp_add_tls(struct sip *sip, const struct transp_edge *edge);
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
/* Keep-alives of streams: idle for so long, and so long for the answer. Tests make it shorter, before the thread starts. */
extern uint32_t transp_ping_ms, transp_pong_ms;
/* Is it a connection of bytes, TCP or TLS? */
bool transp_is_stream(enum sip_transp tp);

/* --- TLS: a layer of transp_tcp.c --- */
/* Makes the session of a connected stream; EACCES, ENOMEM: the failure is said. */
int transp_tls_begin(struct sip_conn *conn);
/* Drives the handshake; when it is done, judges who it is. 0: go on. EAGAIN. Else: over, and said. */
int transp_tls_shake(struct sip_conn *conn);
/* Sends n bytes as far as the socket takes them: how many are ours no more. EAGAIN as -EAGAIN when none were. */
ssize_t transp_tls_send(struct sip_conn *conn, const void *p, size_t n);
/* What waits for the socket: 0, EAGAIN, EPIPE. */
int transp_tls_flush(struct sip_conn *conn);
bool transp_tls_pending(const struct sip_conn *conn);
/* The connection closes with err before it came about, or after: counts, tells, says good-bye, frees. */
void transp_tls_gone(struct sip_conn *conn, int err);
/* May this address, which is no trunk's, begin a handshake? */
bool transp_tls_stranger(const struct sip_transport *t);
/* A connection that the peer made, and by which requests to dst may go back (RFC 5923). */
struct sip_conn *transp_tls_alias(const struct sip *sip, const struct sa *dst);
/* Ends the connections of this trunk: they were judged by terms that are no more. */
void transp_tls_drop(struct sip *sip, uint32_t trunk);

int transp_ws_send(struct sip_conn *conn, const struct mbuf *mb);
/* Makes the transaction of a browser's message its own, see transp_ws.c. false: a response to another's request. */
bool transp_ws_own(const struct sip_conn *conn, struct sip_msg *msg);

#endif

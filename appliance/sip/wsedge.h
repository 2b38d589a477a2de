/*
 * sip/wsedge: the seam between the WEB thread (libwebsockets) and the signalling thread: SIP over WebSocket (RFC 7118).
 * sip_ws_* are for the WEB thread; what goes out is posted to the mailbox that web gives.
 */
#ifndef SIP_WSEDGE_H
#define SIP_WSEDGE_H

#include "core/addr.h"
#include <stddef.h>
#include <stdint.h>

struct sip_stack;
struct mbox;

enum { SIP_WS_FRAME_MAX = 65535, SIP_WS_CONNS_MAX = 8192 };

enum sip_ws_out_type { SIP_WS_SEND, SIP_WS_CLOSE, SIP_WS_KNOWN /* is no stranger: what it holds is ours */ };
struct sip_ws_out { /* SIGNALLING → WEB, by value; data is malloc'd and owned by the receiver */
    enum sip_ws_out_type type;
    uint64_t conn;
    uint8_t *data;
    size_t len;
    uint16_t code; /* SIP_WS_CLOSE: 1000.. */
    char reason[48];
};

/* The mailbox of struct sip_ws_out, owned by WEB, with SIP_WS_CONNS_MAX slots in reserve for SIP_WS_CLOSE. Before the threads start. */
void sip_ws_attach(struct sip_stack *st, struct mbox *out);

/* A connection's upgrade was accepted. conn is unique for the life of the process. local = the address it reached us at. */
int sip_ws_open(struct sip_stack *st, uint64_t conn, const struct addr *peer, const struct addr *local);
/* A whole text message (one SIP message or a CRLF keep-alive); copied. ENOBUFS when signalling is behind: close with 1013. */
int sip_ws_recv(struct sip_stack *st, uint64_t conn, const void *p, size_t len);
/* Never waits, and is never lost, however far signalling is behind. */
void sip_ws_closed(struct sip_stack *st, uint64_t conn);

/* --- signalling thread --- */
/* The address through which this browser reached us (for ICE candidates), and its own. ENOENT. */
int sip_ws_addrs(const struct sip_stack *st, uint64_t conn, struct addr *peer, struct addr *local);
/*
 * The route URI that leads to this connection: "sip:[100::c]:9;transport=ws", an address of the discard-only block (RFC 6666) that
 * only our transport knows. Every message from a browser gets it as Record-Route (as an edge proxy would, RFC 7118), so that requests
 * within a dialog find the connection whatever the Contact says. ws_conn 0 is never a connection.
 */
enum { SIP_WS_ROUTE_LEN = 64 };
const char *sip_ws_route(char buf[SIP_WS_ROUTE_LEN], uint64_t conn);
/* A new branch for a request to this connection's browser: no other can answer it. */
enum { SIP_WS_BRANCH_LEN = 48 };
struct sip;
const char *sip_ws_branch(char buf[SIP_WS_BRANCH_LEN], const struct sip *sip, uint64_t conn);
/* libre's address of a connection: where a request to that browser is sent (with *tp, whatever host its Contact names).
 * ENOENT. For call/, which sends by connection. (msg->src of its messages is the browser's own address.) */
struct sa;
int sip_ws_dst(const struct sip_stack *st, uint64_t conn, struct sa *dst, int *tp);
/* Asks WEB to close it after what was sent. */
void sip_ws_close(struct sip_stack *st, uint64_t conn, uint16_t code, const char *reason);
/* Who sends there has proved who he is. */
void sip_ws_known(struct sip_stack *st, uint64_t conn);
/* Told on the signalling thread when a connection has gone. */
typedef void(sip_ws_gone_h)(uint64_t conn, void *arg);
int sip_ws_on_gone(struct sip_stack *st, sip_ws_gone_h *h, void *arg);
/* Told when one has come. One listener: EALREADY. */
int sip_ws_on_open(struct sip_stack *st, sip_ws_gone_h *h, void *arg);

#endif

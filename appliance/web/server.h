/* web/server: what the files of web/ share and nobody else sees. Owner: WEB thread. */
#ifndef WEB_SERVER_H
#define WEB_SERVER_H

#include "core/metric.h"
#include "crypto/tls.h"
#include "web/web.h"
#include <pthread.h>
#include <stdatomic.h>

struct certfile;
struct conn;
struct lws;
struct lws_context;
struct lws_vhost;
struct mbox;
struct sources;
struct table;

enum listener_kind { LISTEN_HTTP, LISTEN_HTTPS, LISTEN_WSS, LISTEN_TURNS, LISTEN_KINDS };

enum { LISTENERS_MAX = 2 * LISTEN_KINDS, WEB_CONNS_DEFAULT = 10000, WEB_CONNS_PER_IP_DEFAULT = 1000 };

struct listener {
    struct web *w;
    enum listener_kind kind;
    int fd;
    struct addr addr; /* with the real port */
    struct lws *wsi;
};

struct web {
    struct web_config cfg;
    struct listener listeners[LISTENERS_MAX];
    size_t listener_count;
    uint16_t ports[LISTEN_KINDS];
    struct lws_context *ctx;
    struct lws_vhost *host; /* of all that the loop watches */
    struct lws *inbox;      /* watches the mailbox; its timer is our tick */
    struct certfile *cert;
    struct conn *conns; /* all, in a list */
    size_t conn_count, banned_count;
    size_t moved_count;     /* with TURN now, see web/handoff */
    struct mbox *moved;     /* of struct addr: whose are over */
    int nowhere;            /* a socket that leads nowhere */
    struct table *ws_conns; /* by id */
    struct sources *sources;
    struct mbox *out;    /* of struct sip_ws_out */
    struct ask_box *box; /* answers of other threads to requests */
    uint64_t next_id;
    uint64_t paused_until_ms; /* no file descriptors left: listeners wait */
    uint64_t swept_ms;
    bool paused;
    uint8_t plain[TLS_PLAIN_MAX]; /* what a TLS session has read, on its way to conn.c */
    pthread_t thread;
    bool stopping;
    uint64_t stop_ms;
    _Atomic bool stop, reload;
    _Atomic bool require_origin;
};

extern struct metric web_conns, web_ws_conns, web_rx_bytes, web_tx_bytes;
extern struct metric web_drop_banned, web_drop_conns, web_drop_source, web_drop_timeout, web_drop_tls,
    web_drop_rate, web_drop_backlog, web_drop_memory, web_drop_malformed, web_drop_origin, web_drop_not_turn;

#endif

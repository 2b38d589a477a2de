/*
 * sip/stack: the signalling thread: libre's loop, our transports (UDP, TCP, TLS towards trunks; WS from the web thread), the validation
 * layer before libre, session socket. Everything in sip/ and call/ runs on this thread unless its header says otherwise.
 *
 *   datagram/stream/frame → sip_validate → trunk source check | ws connection → libre transactions → sipsess / listeners
 */
#ifndef SIP_STACK_H
#define SIP_STACK_H

#include "conf/public.h"
#include "core/addr.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sip;          /* libre */
struct sip_msg;      /* libre */
struct sipsess_sock; /* libre */
struct sip_stack;
struct mbox;

/* How the world outside is asked what it sees of the browsers' port (public.address=stun:HOST): who has that port sends a Binding request
 * with this transaction id, and posts what answers. */
struct sip_outside {
    int (*askh)(const struct addr *server, const uint8_t tid[12], void *arg); /* NULL: it cannot be asked */
    void *arg;
    struct mbox *answers; /* of struct stun_seen */
};

struct sip_stack_config {
    struct addr bind[2]; /* port = sip.port; 0 = any free */
    size_t bind_count;
    char public_address[PUBLIC_TEXT_MAX + 1]; /* conf/public; "" = found per destination */
    struct sip_outside outside;
    const char *software; /* User-Agent/Server value */
    uint32_t message_ms;  /* streams: time for one message, however it trickles; 0 = 32 s */
    uint16_t tls_port;    /* sips.port; 0 = any free */
    bool tls_optional;    /* what has the port already may keep it: we then call by TLS, and are not called */
    char tls_cert[512], tls_key[512]; /* PEM files that TLS shows; "" = none, and nothing listens for it */
};

/*
 * Makes the stack and its listening sockets (call from the main thread before the thread starts; the libre objects belong to
 * the signalling thread afterwards). EADDRINUSE with the port in why. Logs `listening proto=sip-udp port=…`, `proto=sip-tcp`, `proto=sips`.
 */
int sip_stack_alloc(struct sip_stack **sp, const struct sip_stack_config *cfg, char *why, size_t whysz);
/* Starts the signalling thread: runs start_h on it first (register listeners, timers), then libre's loop; when told to stop,
 * stop_h, then closes. stop_h also runs when start_h failed (its error is returned): it frees what is there. */
typedef int(sip_thread_h)(struct sip_stack *st, void *arg);
int sip_stack_start(struct sip_stack *st, sip_thread_h *start_h, sip_thread_h *stop_h, void *arg);
void sip_stack_stop(struct sip_stack *st); /* main thread; joins */
void sip_stack_free(struct sip_stack *st);

/* Watches a mailbox in the signalling loop: handler per message. Call on the signalling thread (e.g. in start_h). */
typedef void(sip_mbox_h)(void *msg, void *arg);
int sip_stack_watch(struct sip_stack *st, struct mbox *mb, sip_mbox_h *h, void *arg);

/* Goes with each 489 (RFC 6665 8.2.2). The first four only in calls: call/callevent. keep-alive: a NOTIFY by which servers hold a NAT's binding open; it asks for nothing but a 200. */
#define SIP_EVENT_KEEP_ALIVE "keep-alive"
#define SIP_ALLOW_EVENTS "Allow-Events: talk, hold, dtmf, beep, " SIP_EVENT_KEEP_ALIVE "\r\n"
/* A NOTIFY of a package that we take. */
bool sip_event_taken(const struct sip_msg *msg);

/* NULL before start_h and after stop_h. */
struct sip *sip_stack_sip(struct sip_stack *st);
/* The port that UDP and TCP really listen on. */
int sip_stack_udp_port(const struct sip_stack *st, uint16_t *port);
/* The one for TLS; 0: nothing listens for it. */
uint16_t sip_stack_tls_port(const struct sip_stack *st);
/*
 * Answers what nobody else took: OPTIONS 200, SUBSCRIBE 489, requests without their dialog 481, the rest 405/501 with Allow.
 * Call it last in start_h, after everybody has registered his listeners.
 */
int sip_stack_fallback(struct sip_stack *st);
/* While on, OPTIONS outside of dialogs get 503: who pings us sends its calls elsewhere. */
void sip_stack_drain(struct sip_stack *st, bool on);
/*
 * Our own address as the peer must use it (sip/addresses.c says which), with our sip port. ENETUNREACH: we listen on none of its family,
 * or no route leads there.
 */
int sip_stack_laddr(const struct sip_stack *st, struct addr *a, const struct addr *dst);
/* The same with the port of this transport: 0 udp, 1 tcp, 2 tls. */
int sip_stack_laddr_by(const struct sip_stack *st, struct addr *a, const struct addr *dst, int transport);
/* Do we listen on this address of the machine? Media bind where signalling does. */
bool sip_stack_listens(const struct sip_stack *st, const struct addr *a);
/* The addresses that public.address means just now, of the families that we listen on; returns how many, at most max. */
size_t sip_stack_public(const struct sip_stack *st, struct addr *v, size_t max);
/* The same for any thread. */
enum { SIP_PUBLIC_MAX = 8 };
struct sip_public {
    struct addr v[SIP_PUBLIC_MAX];
    char name[SIP_PUBLIC_MAX]
             [PUBLIC_HOST_LEN]; /* of which it is an address; "" = it was given as one, or seen */
    size_t count;
};
void sip_stack_public_copy(const struct sip_stack *st, struct sip_public *out);
/*
 * An address that a dialog of ours speaks with stays admitted, whatever becomes of its trunk, until it is released as often as it
 * was held. Only its dialogs: what it sends outside of them comes without a trunk's name. ENOMEM, ENOSPC.
 */
int sip_stack_hold(struct sip_stack *st, const struct addr *a);
void sip_stack_release(struct sip_stack *st, const struct addr *a);

/* Where a request came from; fill it for each request handler. */
enum sip_source { SIP_FROM_TRUNK, SIP_FROM_AGENT };
struct sip_origin {
    enum sip_source source;
    struct addr peer;
    uint64_t ws_conn; /* SIP_FROM_AGENT: the WebSocket connection */
    char trunk
        [64]; /* SIP_FROM_TRUNK: the trunk's name; "" = of none that is still configured: only its dialogs may go on */
};
/* ENOENT when it belongs to neither (cannot happen behind the filters). */
int sip_stack_origin(const struct sip_stack *st, const struct sip_msg *msg, struct sip_origin *o);

#endif

/* sip/stack, the inside: what the files of sip/ share. Owner: signalling thread, but for what wsedge.c says. */
#ifndef SIP_STACK_PRIV_H
#define SIP_STACK_PRIV_H

#include "core/snapshot.h"
#include "sip/stack.h"
#include "sip/transp.h"
#include "sip/wsedge.h"

#include <pthread.h>
#include <semaphore.h>

enum { SIP_BINDS_MAX = 2, SIP_GONE_HANDLERS_MAX = 4, SIP_HELD_MAX = 1024 };

/* Is this address a configured trunk's, and which? name may be NULL. */
typedef bool(sip_trunk_match_h)(const struct addr *src, char *name, size_t sz, void *arg);
/* The trunk of this number, while it is configured. */
typedef bool(sip_trunk_name_h)(uint32_t trunk, char *name, size_t sz, void *arg);

struct sip_stack {
    struct sip_stack_config cfg;
    struct public *public;                    /* of public.address; NULL: it is empty */
    SNAPSHOT(public_copy, struct sip_public); /* of what it means, for other threads */
    int udp[SIP_BINDS_MAX], tcp[SIP_BINDS_MAX];
    size_t bound; /* pairs of sockets, until the thread takes them over */
    int tls[SIP_BINDS_MAX];
    size_t tls_bound; /* … and those for TLS */
    uint16_t tls_port;
    struct addr laddr[SIP_BINDS_MAX];
    size_t laddr_count;
    uint16_t port;

    pthread_t thread;
    bool running;
    sem_t started;
    int start_err;
    sip_thread_h *start_h, *stop_h;
    void *arg;

    struct sip *sip;
    struct dnsc *dnsc;
    struct transp_edge edge;
    struct mbox *control; /* of struct control_msg */
    struct list watches;
    struct sip_lsnr *extension, *fallback;
    bool draining;
    sip_trunk_match_h *matchh;
    sip_trunk_name_h *nameh;
    void *match_arg;
    struct table *held; /* of struct held, by IP: addresses of running dialogs */

    struct mbox *ws_in; /* of struct ws_in */
    /* Bytes that each connection has in there, by the end of its number; WEB takes, SIGNALLING gives back. */
    _Atomic uint32_t ws_waiting[SIP_WS_CONNS_MAX];
    struct mbox *ws_out; /* of struct sip_ws_out; web's */
    size_t ws_count;
    struct {
        sip_ws_gone_h *h;
        void *arg;
    } gone[SIP_GONE_HANDLERS_MAX];
    size_t gone_count;
    struct {
        sip_ws_gone_h *h;
        void *arg;
    } opened;
};

/* h NULL: nobody is a trunk. */
void sip_stack_match(struct sip_stack *st, sip_trunk_match_h *h, sip_trunk_name_h *nameh, void *arg);
/* NULL: nobody is spoken to by TLS. */
void sip_stack_tls(struct sip_stack *st, const struct transp_tls *tls);

/* As sip_stack_watch; mem_deref ends it before the stack does. */
struct sip_watch;
int sip_stack_watch_alloc(struct sip_watch **wp, struct sip_stack *st, struct mbox *mb, sip_mbox_h *h,
                          void *arg);

/* Do we listen on addresses of its family? */
bool sip_stack_has_family(const struct sip_stack *st, const struct addr *a);

int admit_init(struct sip_stack *st);   /* main thread */
void admit_close(struct sip_stack *st); /* main thread, after the signalling thread has ended */
/* transp_edge's question; arg is the stack. */
bool admit_h(const struct addr *src, void *arg);

/* Listens for requests that require what we lack; before anybody else does. */
int extension_start(struct sip_stack *st);

int wsedge_init(struct sip_stack *st);   /* main thread */
void wsedge_close(struct sip_stack *st); /* main thread, after the signalling thread has ended */
int wsedge_start(struct sip_stack *st);  /* signalling thread */
/* transp_edge's frame handler; arg is the stack. */
int wsedge_frame_h(uint64_t conn, const void *p, size_t len, void *arg);

#endif

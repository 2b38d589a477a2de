#include "sip/resolver.h"

#include "sip/stack_priv.h"

#include "core/mbox.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { RESOLVER_SLOTS = 128 };

resolver_lookup_h *resolver_lookup = addr_resolve_all;
uint32_t resolver_again_ms = 60000, resolver_retry_ms = 5000;

struct lookup {
    bool stop;
    char key[RESOLVER_KEY_LEN], host[RESOLVER_HOST_LEN];
    uint16_t port;
    int err;
    struct addr v[RESOLVER_ADDRS_MAX];
    size_t n;
};

/* What the thread shares with its owner; the last of the two frees it. */
struct shared {
    struct mbox *questions, *answers; /* of struct lookup */
    _Atomic int refs;
};

struct resolver {
    struct shared *shared;
    struct sip_watch *watch;
    resolver_h *h;
    void *arg;
};

static void shared_release(struct shared *s)
{
    if (--s->refs)
        return;
    mbox_free(s->questions, NULL, NULL);
    mbox_free(s->answers, NULL, NULL);
    free(s);
}

struct turn { /* one round of the thread */
    struct shared *s;
    bool stop;
};

static void question_h(void *msg, void *arg)
{
    struct turn *t = arg;
    struct lookup *l = msg;

    t->stop |= l->stop;
    if (t->stop)
        return;
    l->err = resolver_lookup(l->v, RESOLVER_ADDRS_MAX, &l->n, l->host, l->port);
    (void)mbox_post(t->s->answers, l); /* as many slots as questions; a lost one is asked again */
}

static void *thread_main(void *arg)
{
    struct turn t = {.s = arg};

    while (!t.stop) {
        (void)mbox_wait(t.s->questions, -1);
        (void)mbox_drain(t.s->questions, question_h, &t);
    }
    shared_release(t.s);
    return NULL;
}

static int thread_start(struct shared *s)
{
    pthread_attr_t attr;
    pthread_t thread;
    int err;

    (void)pthread_attr_init(&attr);
    (void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    s->refs++;
    err = pthread_create(&thread, &attr, thread_main, s);
    if (err)
        s->refs--;
    else
        (void)pthread_setname_np(thread, "resolver");
    (void)pthread_attr_destroy(&attr);
    return err;
}

static void answer_h(void *msg, void *arg)
{
    const struct lookup *l = msg;
    struct resolver *r = arg;

    r->h(l->key, l->host, l->err, l->v, l->n, r->arg);
}

int resolver_alloc(struct resolver **rp, struct sip_stack *st, const char *name, resolver_h *h, void *arg)
{
    struct resolver *r = calloc(1, sizeof(*r));
    char in[32], out[32];
    int err;

    if (!r)
        return ENOMEM;
    r->h = h;
    r->arg = arg;
    r->shared = calloc(1, sizeof(*r->shared));
    if (!r->shared) {
        free(r);
        return ENOMEM;
    }
    r->shared->refs = 1;
    (void)snprintf(in, sizeof(in), "%s_in", name);
    (void)snprintf(out, sizeof(out), "%s_out", name);
    err = mbox_alloc(&r->shared->questions, in, sizeof(struct lookup), RESOLVER_SLOTS);
    if (!err)
        err = mbox_alloc(&r->shared->answers, out, sizeof(struct lookup), RESOLVER_SLOTS);
    if (!err)
        err = sip_stack_watch_alloc(&r->watch, st, r->shared->answers, answer_h, r);
    if (!err)
        err = thread_start(r->shared);
    if (err) {
        mem_deref(r->watch);
        shared_release(r->shared);
        free(r);
        return err;
    }
    *rp = r;
    return 0;
}

void resolver_free(struct resolver *r)
{
    const struct lookup stop = {.stop = true};

    if (!r)
        return;
    mem_deref(r->watch);
    (void)mbox_post(r->shared->questions, &stop);
    shared_release(r->shared);
    free(r);
}

int resolver_ask(struct resolver *r, const char *key, const char *host, uint16_t port)
{
    struct lookup l = {.port = port};

    if ((size_t)snprintf(l.key, sizeof(l.key), "%s", key) >= sizeof(l.key) ||
        (size_t)snprintf(l.host, sizeof(l.host), "%s", host) >= sizeof(l.host))
        return EINVAL;
    return mbox_post(r->shared->questions, &l);
}

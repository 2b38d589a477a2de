#include "sip/resolver.h"

#include "sip/stack_priv.h"

#include "core/mbox.h"
#include "core/thread.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

resolver_lookup_h *resolver_lookup = addr_resolve_all;
uint32_t resolver_again_ms = 60000, resolver_retry_ms = 5000;

/* What a thread shares with its owner; the last of all frees it. */
struct shared {
    struct mbox *answers; /* of struct lookup; as many slots as threads */
    _Atomic int refs;
};

struct lookup { /* by value: the thread has one, the answer is another */
    struct shared *shared;
    char key[RESOLVER_KEY_LEN], host[RESOLVER_HOST_LEN];
    uint16_t port;
    int err;
    struct addr v[RESOLVER_ADDRS_MAX];
    size_t n;
};

struct resolver {
    struct shared *shared;
    struct sip_watch *watch;
    resolver_h *h;
    void *arg;
    struct {
        char key[RESOLVER_KEY_LEN], host[RESOLVER_HOST_LEN];
    } asked[RESOLVER_ASKED_MAX]; /* under way; key "" and host "": nothing */
};

static void shared_release(struct shared *s)
{
    if (--s->refs)
        return;
    mbox_free(s->answers, NULL, NULL);
    free(s);
}

static void *thread_main(void *arg)
{
    struct lookup *l = arg;

    l->err = resolver_lookup(l->v, RESOLVER_ADDRS_MAX, &l->n, l->host, l->port);
    (void)mbox_post(l->shared->answers, l);
    shared_release(l->shared);
    free(l);
    return NULL;
}

static int thread_start(struct lookup *l)
{
    int err;

    l->shared->refs++;
    err = thread_detached("resolver", thread_main, l);
    if (err)
        l->shared->refs--;
    return err;
}

/* The place of a look-up that is under way; with "", a free one; -1: there is none. */
static int place_of(const struct resolver *r, const char *key, const char *host)
{
    for (int i = 0; i < RESOLVER_ASKED_MAX; i++)
        if (!strcmp(r->asked[i].key, key) && !strcmp(r->asked[i].host, host))
            return i;
    return -1;
}

static void answer_h(void *msg, void *arg)
{
    const struct lookup *l = msg;
    struct resolver *r = arg;
    const int i = place_of(r, l->key, l->host);

    if (i >= 0)
        r->asked[i].key[0] = r->asked[i].host[0] = '\0';
    r->h(l->key, l->host, l->err, l->v, l->n, r->arg);
}

int resolver_alloc(struct resolver **rp, struct sip_stack *st, const char *name, resolver_h *h, void *arg)
{
    struct resolver *r = calloc(1, sizeof(*r));
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
    err = mbox_alloc(&r->shared->answers, name, sizeof(struct lookup), RESOLVER_ASKED_MAX);
    if (!err)
        err = sip_stack_watch_alloc(&r->watch, st, r->shared->answers, answer_h, r);
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
    if (!r)
        return;
    mem_deref(r->watch);
    shared_release(r->shared);
    free(r);
}

int resolver_ask(struct resolver *r, const char *key, const char *host, uint16_t port)
{
    const int i = place_of(r, "", "");
    struct lookup *l;
    int err;

    if (!host[0] || strlen(key) >= sizeof(l->key) || strlen(host) >= sizeof(l->host))
        return EINVAL;
    if (place_of(r, key, host) >= 0)
        return EALREADY;
    if (i < 0)
        return ENOBUFS;
    l = calloc(1, sizeof(*l));
    if (!l)
        return ENOMEM;
    l->shared = r->shared;
    l->port = port;
    memcpy(l->key, key, strlen(key));
    memcpy(l->host, host, strlen(host));
    err = thread_start(l);
    if (err) {
        free(l);
        return err;
    }
    memcpy(r->asked[i].key, key, strlen(key) + 1);
    memcpy(r->asked[i].host, host, strlen(host) + 1);
    return 0;
}

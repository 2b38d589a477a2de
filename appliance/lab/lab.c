#include "lab/lab.h"
#include "core/log.h"
#include "lab/labcall.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct lab {
    struct labua ua;
    struct lab_config cfg;
    pthread_t thread;
    bool running;
    int stop_fd;
    int ready_fd;
    int err;
    uint16_t port;
};

/* OPTIONS pings get an answer, SUBSCRIBE the refusal that SIP Server's peers know; nothing else is served. */
static bool request_h(const struct sip_msg *msg, void *arg)
{
    struct labua *ua = arg;

    if (!pl_strcmp(&msg->met, "OPTIONS"))
        (void)sip_treply(NULL, ua->sip, msg, 200, "OK");
    else if (!pl_strcmp(&msg->met, "SUBSCRIBE"))
        (void)sip_treply(NULL, ua->sip, msg, 489, "Bad Event");
    else if (pl_strcmp(&msg->met, "ACK"))
        (void)sip_treply(NULL, ua->sip, msg, 501, "Not Implemented");

    return true;
}

static int sa_from_addr(struct sa *sa, const struct addr *a)
{
    return sa_set_sa(sa, &a->u.sa);
}

static int ua_open(struct lab *l)
{
    struct labua *ua = &l->ua;
    int err;

    err = sa_from_addr(&ua->laddr, &l->cfg.listen);
    err |= sa_from_addr(&ua->gateway, &l->cfg.gateway);
    if (err)
        return EINVAL;

    err = sip_alloc(&ua->sip, NULL, 64, 64, 16, "dngate lab SIP Server", NULL, NULL);
    if (err)
        return err;

    err = sip_transp_add(ua->sip, SIP_TRANSP_UDP, &ua->laddr);
    if (err)
        return err;

    err = sip_transp_laddr(ua->sip, &ua->laddr, SIP_TRANSP_UDP, &ua->gateway);
    if (err)
        return err;

    err = sipsess_listen(&ua->sock, ua->sip, 64, labcall_invite_h, ua);
    if (err)
        return err;

    return sip_listen(&ua->lsnr, ua->sip, true, request_h, ua);
}

static void ua_close(struct labua *ua)
{
    ua->closing = true;
    labcall_flush(ua);
    if (ua->sock)
        sipsess_close_all(ua->sock);
    ua->lsnr = mem_deref(ua->lsnr);
    ua->sock = mem_deref(ua->sock);
    if (ua->sip)
        sip_close(ua->sip, true);
    ua->sip = mem_deref(ua->sip);
}

static void stop_h(int flags, void *arg)
{
    (void)flags;
    (void)arg;
    re_cancel();
}

static void *lab_thread(void *arg)
{
    struct lab *l = arg;
    const uint64_t one = 1;

    l->err = re_thread_init();
    if (!l->err) {
        l->err = ua_open(l);
        l->port = sa_port(&l->ua.laddr);
    }
    if (!l->err)
        l->err = fd_listen(l->stop_fd, FD_READ, stop_h, l);

    const int err = l->err;
    if (write(l->ready_fd, &one, sizeof(one)) < 0)
        return NULL;

    if (!err)
        (void)re_main(NULL);

    fd_close(l->stop_fd);
    ua_close(&l->ua);
    re_thread_close();

    return NULL;
}

int lab_start(struct lab **lp, const struct lab_config *cfg, char *why, size_t whysz)
{
    struct lab *l;
    uint64_t n;
    int err;

    l = calloc(1, sizeof(*l));
    if (!l)
        return ENOMEM;

    l->cfg = *cfg;
    l->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    l->ready_fd = eventfd(0, EFD_CLOEXEC);
    if (l->stop_fd < 0 || l->ready_fd < 0) {
        err = errno;
        goto out;
    }

    err = pthread_create(&l->thread, NULL, lab_thread, l);
    if (err)
        goto out;

    l->running = true;
    if (read(l->ready_fd, &n, sizeof(n)) != sizeof(n))
        err = EIO;
    else
        err = l->err;

out:
    if (err) {
        (void)snprintf(why, whysz, "the lab SIP Server cannot start: %s", strerror(err));
        lab_stop(l);
    } else {
        log_info("lab", "listening proto=lab-sip port=%u", l->port);
        *lp = l;
    }
    return err;
}

uint16_t lab_port(const struct lab *l)
{
    return l->port;
}

void lab_stop(struct lab *l)
{
    const uint64_t one = 1;

    if (!l)
        return;

    if (l->running) {
        if (write(l->stop_fd, &one, sizeof(one)) == sizeof(one))
            (void)pthread_join(l->thread, NULL);
    }
    if (l->stop_fd >= 0)
        (void)close(l->stop_fd);
    if (l->ready_fd >= 0)
        (void)close(l->ready_fd);
    free(l);
}

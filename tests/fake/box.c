#include "fake/box.h"
#include "app_sip.h"
#include "conf/conf.h"
#include "core/clock.h"
#include "core/guard.h"
#include "core/log.h"
#include "core/mbox.h"
#include "media/media.h"
#include "sip/stack.h"
#include "sip/wsedge.h"
#include "store/dn.h"
#include "store/trunk.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

static char why[256];

static int provision(struct box *b, struct fake_trunk *trunks, size_t n)
{
    int err;

    err = dn_add(b->store, "5001", "secret5001", "Agent \"One\"", DN_CODEC_AUTO, true, why, sizeof(why));
    err = err ? err
              : dn_add(b->store, "5002", "secret5002", "Agent Two", DN_CODEC_PCMU, true, why, sizeof(why));
    err = err ? err : dn_add(b->store, "5003", "secret5003", "Gone", DN_CODEC_AUTO, false, why, sizeof(why));
    for (size_t i = 0; i < n && !err; i++) {
        struct trunk t = {.port = trunks[i].port,
                          .enabled = true,
                          .priority = (int)i + 1,
                          .ping_seconds = trunks[i].never_pinged ? 0 : 30,
                          .codecs = "pcmu,pcma"};

        (void)snprintf(t.name, sizeof(t.name), "trunk%zu", i + 1);
        (void)snprintf(t.host, sizeof(t.host), "%s", trunks[i].host ? trunks[i].host : "127.0.0.1");
        if (trunks[i].username) {
            (void)snprintf(t.username, sizeof(t.username), "%s", trunks[i].username);
            (void)snprintf(t.password, sizeof(t.password), "%s", trunks[i].password);
        }
        err = trunk_add(b->store, &t, why, sizeof(why));
        trunks[i].gateway_port = b->sip_port;
    }
    return err;
}

static int settings(struct box *b, const char *const options[])
{
    int err = conf_alloc(&b->conf);

    for (size_t i = 0; options && options[i] && !err; i++)
        err = conf_set_option(b->conf, options[i], why, sizeof(why));
    return err;
}

static int parts(struct box *b)
{
    struct sip_stack_config sc = {.bind_count = 1, .software = "dngate/test"};
    struct media_config mc = {.workers = 1, .bind_count = 1};
    int err;

    (void)addr_parse_ip(&sc.bind[0], "127.0.0.1", 0);
    (void)addr_parse_ip(&mc.bind[0], "127.0.0.1", 0);
    (void)conf_str(b->conf, "public.address", sc.public_address, sizeof(sc.public_address));
    err = guard_alloc(&b->guard, &(struct guard_config){0});
    err = err ? err : mbox_alloc(&b->events, "media_events", sizeof(struct media_event), 1024);
    err = err ? err : mbox_alloc(&b->out, "ws_out", sizeof(struct sip_ws_out), 1024);
    mc.events = b->events;
    mc.rtp_timeout_s = (uint32_t)conf_int(b->conf, "media.rtp_timeout");
    err = err ? err : media_start(&b->media, &mc, why, sizeof(why));
    err = err ? err : sip_stack_alloc(&b->stack, &sc, why, sizeof(why));
    if (!err)
        sip_ws_attach(b->stack, b->out);
    return err ? err : sip_stack_udp_port(b->stack, &b->sip_port);
}

int box_open(struct box *b, const char *const options[], struct fake_trunk *trunks, size_t trunk_count)
{
    const char *tmp = getenv("TMPDIR");
    struct app_sip_config cfg;
    int err;

    memset(b, 0, sizeof(*b));
    why[0] = '\0';
    (void)snprintf(b->dir, sizeof(b->dir), "%s/dngate-box-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    if (!mkdtemp(b->dir))
        return errno;
    if (!getenv("BOX_LOG"))
        (void)log_set_level(NULL, LOG_ERROR);
    err = store_open(&b->store, b->dir, why, sizeof(why));
    err = err ? err : store_reader_alloc(&b->reader, b->store);
    err = err ? err : settings(b, options);
    err = err ? err : parts(b);
    b->drained_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    err = err ? err : provision(b, trunks, trunk_count);
    if (!err) {
        cfg = (struct app_sip_config){.stack = b->stack,
                                      .store = b->store,
                                      .conf = b->conf,
                                      .guard = b->guard,
                                      .media = b->media,
                                      .media_events = b->events,
                                      .drained_fd = b->drained_fd};
        err = app_sip_start(&b->app, &cfg, why, sizeof(why));
    }
    if (err)
        printf("box: error=%d %s\n", err, why);
    return err;
}

static void drop_h(void *msg, void *arg)
{
    (void)arg;
    free(((struct sip_ws_out *)msg)->data);
}

void box_close(struct box *b)
{
    char cmd[128];

    app_sip_stop(b->app);
    sip_stack_free(b->stack);
    media_stop(b->media);
    mbox_free(b->out, drop_h, NULL);
    mbox_free(b->events, NULL, NULL);
    guard_free(b->guard);
    (void)close(b->drained_fd);
    conf_free(b->conf);
    store_reader_free(b->reader);
    store_close(b->store);
    (void)snprintf(cmd, sizeof(cmd), "rm -rf '%s'", b->dir);
    if (b->dir[0] && system(cmd))
        printf("box: %s is left behind\n", b->dir);
    memset(b, 0, sizeof(*b));
}

struct newest {
    struct cdr *out;
    size_t n;
};

static bool newest_h(const struct cdr *c, void *arg)
{
    struct newest *nw = arg;

    if (!nw->n++)
        *nw->out = *c;
    return false;
}

bool box_cdr(struct box *b, size_t n, struct cdr *out)
{
    uint64_t end = clock_ms() + 8000;

    do {
        struct newest nw = {.out = out};

        (void)cdr_flush(b->store);
        (void)cdr_each(b->reader, &(struct cdr_filter){.limit = 1000}, newest_h, &nw);
        if (nw.n >= n)
            return nw.n == n;
        (void)nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    } while (clock_ms() < end);
    return false;
}

/*
 * Start order (stop is the reverse):
 *
 *   settings → lock on DIR → store → settings of the store → control.sock → certificate → media workers → SIP sockets → TURN → lab → signalling → web
 *
 * The main thread then waits for signals and for the command line on control.sock. SIGTERM drains (call/drain.h), a second one or
 * SIGINT stops at once, SIGHUP reloads settings and certificate.
 */
#include "app.h"
#include "app_api.h"
#include "app_conf.h"
#include "app_dir.h"
#include "app_lab.h"
#include "app_live.h"
#include "app_media.h"
#include "app_password.h"
#include "app_reach.h"
#include "app_restart.h"
#include "app_sip.h"
#include "app_tls.h"
#include "app_turn.h"
#include "app_web.h"
#include "cmd/control.h"
#include "conf/conf.h"
#include "core/addr.h"
#include "core/clock.h"
#include "core/guard.h"
#include "core/health.h"
#include "core/heap.h"
#include "core/log.h"
#include "core/privilege.h"
#include "core/process.h"
#include "lab/lab.h"
#include "media/media.h"
#include "service/codeguess.h"
#include "service/setting.h"
#include "service/trunktest.h"
#include "service/trail.h"
#include "service/upkeep.h"
#include "sip/stack.h"
#include "sip/trunks.h"
#include "store/store.h"
#include "version.h"
#include "web/web.h"
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    WHY_MAX = 512,
    STOP_MAX_MS = 3000,
};

struct app {
    const struct app_options *opt;
    struct app_conf *settings;
    struct conf *conf; /* of settings */
    struct store *store;
    struct guard *guard;
    struct addr bind[2];
    size_t bind_count;
    struct app_media media;
    struct sip_stack *stack;
    struct app_turn *turn;
    struct lab *lab;
    struct trunk_config lab_trunk;
    struct app_sip *sip;
    struct app_web web;
    struct app_reach *reach;
    struct app_live *live;
    struct service service; /* for the command line; filled in as the parts start */
    struct service_restart restart;
    struct trail *trail;
    struct upkeep *upkeep;
    struct control *control;
    char cert[512], key[512];
    int lock_fd; /* of the data directory */
    int signal_fd;
    int drained_fd;   /* eventfd: the last call has ended */
    bool draining;    /* SIGTERM came */
    uint64_t stop_ms; /* when to stop whatever runs; 0 = not yet told */
    uint64_t tidy_ms; /* when the heap gives back next */
    uint64_t look_ms; /* when to look whether to start again */
    bool again;       /* starts again when all is stopped */
    char why[WHY_MAX];
};

/* --- parts, in start order --- */

static int settings_start(struct app *a)
{
    const int err =
        app_conf_alloc(&a->settings, a->opt->options, a->opt->option_count, a->why, sizeof(a->why));

    if (!err)
        a->conf = app_conf_get(a->settings);

    return err;
}

static int directory_lock(struct app *a)
{
    return app_dir_lock(&a->lock_fd, a->opt->data, a->why, sizeof(a->why));
}

static int store_start(struct app *a)
{
    return store_open(&a->store, a->opt->data, a->why, sizeof(a->why));
}

static int addresses_find(struct app *a)
{
    return app_conf_bind(a->conf, a->bind, &a->bind_count, a->why, sizeof(a->why));
}

static int settings_from_store(struct app *a)
{
    const int err = app_conf_add_store(a->settings, a->store, a->why, sizeof(a->why));

    return err ? err : trail_start(&a->trail, a->store, a->conf, a->opt->data);
}

static int guard_start(struct app *a)
{
    const struct guard_config cfg = {
        .slow_after = (uint32_t)conf_int(a->conf, "guard.slow_after"),
        .ban_after = (uint32_t)conf_int(a->conf, "guard.ban_after"),
        .ban_seconds = (uint32_t)conf_int(a->conf, "guard.ban_seconds"),
    };

    const int err = guard_alloc(&a->guard, &cfg);
    a->service.guard = a->guard;
    return err;
}

static int media_part_start(struct app *a)
{
    const struct app_media_config cfg = {
        .conf = a->conf, .store = a->store, .bind = a->bind, .bind_count = a->bind_count};

    return app_media_start(&a->media, &cfg, a->why, sizeof(a->why));
}

/* Signalling thread. */
static int ask_outside_h(const struct addr *server, const uint8_t tid[12], void *arg)
{
    return media_ask_outside(arg, server, tid);
}

static int stack_start(struct app *a)
{
    struct sip_stack_config cfg = {.bind_count = a->bind_count,
                                   .software = "dngate/" DNGATE_VERSION,
                                   .outside = {ask_outside_h, a->media.workers, a->media.seen}};
    const uint16_t port = (uint16_t)conf_int(a->conf, "sip.port");

    for (size_t i = 0; i < a->bind_count; i++) {
        cfg.bind[i] = a->bind[i];
        addr_set_port(&cfg.bind[i], port);
    }
    (void)conf_str(a->conf, "public.address", cfg.public_address, sizeof(cfg.public_address));
    cfg.tls_port = (uint16_t)conf_int(a->conf, "sips.port");
    cfg.tls_optional = conf_source(a->conf, "sips.port") == CONF_DEFAULT;
    (void)snprintf(cfg.tls_cert, sizeof(cfg.tls_cert), "%s", a->cert);
    (void)snprintf(cfg.tls_key, sizeof(cfg.tls_key), "%s", a->key);

    return sip_stack_alloc(&a->stack, &cfg, a->why, sizeof(a->why));
}

static int turn_part_start(struct app *a)
{
    const struct app_turn_config cfg = {
        .conf = a->conf,
        .store = a->store,
        .media = a->media.workers,
        .stack = a->stack,
        .wire = a->media.wire,
        .bind = a->bind,
        .bind_count = a->bind_count,
    };

    return app_turn_start(&a->turn, &cfg, a->why, sizeof(a->why));
}

static int lab_part_start(struct app *a)
{
    return a->opt->lab ? app_lab_start(&a->lab, &a->lab_trunk, a->stack, a->store, a->why, sizeof(a->why))
                       : 0;
}

static int signalling_start(struct app *a)
{
    const struct app_sip_config cfg = {
        .stack = a->stack,
        .store = a->store,
        .conf = a->conf,
        .guard = a->guard,
        .media = a->media.workers,
        .media_events = a->media.events,
        .turn = app_turn_server(a->turn),
        .drained_fd = a->drained_fd,
        .extra_trunk = a->lab ? &a->lab_trunk : NULL,
    };
    int err;

    err = app_sip_start(&a->sip, &cfg, a->why, sizeof(a->why));
    if (err)
        return err;
    a->service.signalling = app_sip_questions(a->sip);
    err = trunktests_alloc(&a->service.trunktests);
    if (!err)
        err = codeguess_alloc(&a->service.codes);
    health_set("sip", HEALTH_UP, "listening");

    return err;
}

static int web_part_start(struct app *a)
{
    const struct app_web_config cfg = {
        .conf = a->conf,
        .store = a->store,
        .guard = a->guard,
        .service = &a->service,
        .stack = a->stack,
        .signalling = app_sip_questions(a->sip),
        .turn = a->turn,
        .push = app_live_push(a->live),
        .bind = a->bind,
        .bind_count = a->bind_count,
        .cert = a->cert,
        .key = a->key,
        .lab = a->opt->lab,
    };

    return app_web_start(&a->web, &cfg, a->why, sizeof(a->why));
}

static int upkeep_part_start(struct app *a)
{
    return upkeep_start(&a->upkeep, a->store, a->conf);
}

static int reach_part_start(struct app *a)
{
    const struct app_reach_config cfg = {a->conf,       a->store, a->media.workers,
                                         a->web.server, a->turn,  a->stack};

    return app_reach_alloc(&a->reach, &cfg);
}

static int live_part_start(struct app *a)
{
    const struct app_live_config cfg = {&a->service, a->media.workers, app_turn_server(a->turn),
                                        a->cert,     a->key,           a->opt->lab};

    return app_live_start(&a->live, &cfg);
}

static int admin_password_set(struct app *a)
{
    return app_password_set(a->conf, a->store, a->why, sizeof(a->why));
}

static int tls_start(struct app *a)
{
    app_tls_watch(&a->service, &a->web.server);
    return app_tls_files(&a->service, a->cert, a->key, sizeof(a->cert), a->why, sizeof(a->why));
}

/* Served once the main loop runs. */
static int control_start(struct app *a)
{
    int err;

    a->service =
        (struct service){.store = a->store, .conf = a->conf, .start_ms = clock_ms(), .restart = &a->restart};
    err = service_setting_freeze(&a->service);
    if (err)
        return err;
    err = control_listen(&a->control, a->opt->data, &a->service);

    if (err)
        (void)snprintf(a->why, sizeof(a->why), "%s/control.sock: %s", a->opt->data, strerror(err));

    return err;
}

static int calls_left_close(struct app *a)
{
    app_sip_close_left(a->store);
    return 0; /* new calls matter more */
}

static int parts_start(struct app *a)
{
    static int (*const parts[])(struct app *) = {
        settings_start,   directory_lock, store_start,        settings_from_store, control_start,
        calls_left_close, addresses_find, admin_password_set, tls_start,           guard_start,
        media_part_start, stack_start,    turn_part_start,    lab_part_start,      signalling_start,
        live_part_start,  web_part_start, reach_part_start,   upkeep_part_start,
    };

    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        const int err = parts[i](a);
        if (err)
            return err;
    }
    return 0;
}

static void parts_stop(struct app *a)
{
    control_free(a->control);
    app_reach_free(a->reach);
    web_stop(a->web.server);
    store_questions_end(a->store);
    app_api_free(a->web.api);
    app_sip_stop(a->sip); /* tells TURN whose credentials are over */
    app_turn_stop(a->turn);
    web_free(a->web.server); /* signalling and TURN posted to it until now */
    app_live_free(a->live);
    lab_stop(a->lab);
    sip_stack_free(a->stack);
    app_media_stop(&a->media);
    trunktests_free(a->service.trunktests);
    codeguess_free(a->service.codes);
    guard_free(a->guard);
    upkeep_stop(a->upkeep);
    trail_stop(a->trail);
    conf_free(a->service.at_start);
    app_conf_free(a->settings);
    store_close(a->store);
    if (a->lock_fd >= 0)
        (void)close(a->lock_fd);
    if (a->drained_fd >= 0)
        (void)close(a->drained_fd);
    if (a->signal_fd >= 0)
        (void)close(a->signal_fd);
}

/* --- main loop --- */

/* Blocks the signals in all threads; they are read from a descriptor by the main thread alone. (So they also reach process 1 of a
 * container, which the kernel spares signals that have no handler.) */
static int signals_open(struct app *a)
{
    sigset_t set;

    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGHUP);
    (void)signal(SIGPIPE, SIG_IGN);

    const int err = pthread_sigmask(SIG_BLOCK, &set, NULL);
    if (err)
        return err;

    a->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (a->signal_fd < 0)
        return errno;

    a->drained_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return a->drained_fd < 0 ? errno : 0;
}

static void reload(struct app *a)
{
    log_info("app", "SIGHUP: settings and certificate are read again");
    app_conf_reload(a->settings);
    web_reload(a->web.server);
}

/* SIGTERM drains; a second one, or Ctrl-C, hangs up and stops. The calls' last words are waited for, but not for ever. */
static void stop(struct app *a, uint32_t signo)
{
    const bool now = a->draining || signo == SIGINT;
    const uint32_t seconds = now ? 0 : (uint32_t)conf_int(a->conf, "drain.seconds");

    log_info("app", "signal=%u seconds=%u stopping", signo, seconds);
    if (now)
        a->stop_ms = clock_ms() + STOP_MAX_MS;
    a->again = false; /* whoever sends a signal wants an end of it */
    a->restart.under_way = true;
    a->draining = true;
    app_sip_drain(a->sip, seconds, !now);
}

static void restart(struct app *a)
{
    uint32_t seconds;

    if (a->draining || !app_restart_due(&a->service, &seconds, &a->look_ms))
        return;
    log_info("app", "when=%s seconds=%u stopping, to start again", restart_when_name(a->restart.asked),
             seconds);
    a->again = a->draining = a->restart.under_way = true;
    if (!seconds)
        a->stop_ms = clock_ms() + STOP_MAX_MS;
    app_sip_drain(a->sip, seconds, false);
}

static void signal_read(struct app *a)
{
    struct signalfd_siginfo si;

    while (read(a->signal_fd, &si, sizeof(si)) == (ssize_t)sizeof(si)) {
        if (si.ssi_signo == SIGHUP)
            reload(a);
        else
            stop(a, si.ssi_signo);
    }
}

/* Milliseconds for poll(2), until it is time to stop or to tidy. */
static int patience(const struct app *a)
{
    const uint64_t now = clock_ms();
    uint64_t until = a->stop_ms && a->stop_ms < a->tidy_ms ? a->stop_ms : a->tidy_ms;

    if (a->look_ms < until)
        until = a->look_ms;
    if (app_live_due_ms(a->live) < until)
        until = app_live_due_ms(a->live);
    return until > now ? (int)(until - now) : 0;
}

static void tidy(struct app *a)
{
    if (clock_ms() < a->tidy_ms)
        return;
    heap_tidy();
    app_turn_tidy(a->turn);
    app_reach_tidy(a->reach);
    app_tls_tidy(&a->service);
    a->tidy_ms = clock_ms() + HEAP_TIDY_MS;
}

/* Until it is time to stop. */
static void main_loop(struct app *a)
{
    struct pollfd fds[] = {
        {.fd = a->signal_fd, .events = POLLIN},           {.fd = app_conf_fd(a->settings), .events = POLLIN},
        {.fd = control_fd(a->control), .events = POLLIN}, {.fd = a->drained_fd, .events = POLLIN},
        {.fd = app_api_fd(a->web.api), .events = POLLIN}, {.fd = app_live_fd(a->live), .events = POLLIN},
    };

    for (;;) {
        const int n = poll(fds, sizeof(fds) / sizeof(fds[0]), patience(a));

        if (n < 0 && errno != EINTR) {
            log_error("app", "error=\"%s\" poll", strerror(errno));
            return;
        }
        if (n < 0)
            continue;
        if ((fds[3].revents & POLLIN) || (a->stop_ms && clock_ms() >= a->stop_ms))
            return;
        tidy(a);
        app_live_tick(a->live);
        if (fds[0].revents & POLLIN)
            signal_read(a);
        if (fds[1].revents & POLLIN)
            app_conf_reload(a->settings);
        if (fds[2].revents & POLLIN)
            control_serve(a->control);
        if (fds[4].revents & POLLIN)
            app_api_serve(a->web.api);
        if (fds[5].revents & POLLIN)
            app_live_serve(a->live);
        restart(a);
    }
}

int app_serve(const struct app_options *opt)
{
    struct app a = {.opt = opt, .lock_fd = -1, .signal_fd = -1, .drained_fd = -1, .look_ms = UINT64_MAX};
    const uint64_t begin_ms = clock_ms();
    int err;

    err = signals_open(&a);
    if (!err) {
        (void)log_start();
        if (process_files_raise())
            log_warn("app", "the limit of open files cannot be raised");
        (void)privilege_take_low_ports(); /* a port that cannot be had says so itself */
        err = parts_start(&a);
    }
    if (err) {
        (void)fprintf(stderr, "dngate: %s\n", a.why[0] ? a.why : strerror(err));
    } else {
        log_info("app", "version=%s data=%s lab=%s https=%u ms=%llu ready", DNGATE_VERSION, opt->data,
                 opt->lab ? "yes" : "no", web_port(a.web.server, "https"),
                 (unsigned long long)(clock_ms() - begin_ms));
        if (opt->lab)
            app_lab_greet(&a.bind[0], web_port(a.web.server, "https"));
        app_password_greet(&a.service);
        main_loop(&a);
    }

    parts_stop(&a);
    if (!err)
        log_info("app", "stopped");
    log_stop();

    if (!err && a.again) {
        err = app_restart_exec(opt->argv);
        log_error("app", "error=\"%s\" cannot start again: whoever watches over the process has to",
                  strerror(err));
    }
    return err ? 1 : 0;
}

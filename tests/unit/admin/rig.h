/* The resources of admin/ without a web server: their handlers are called as it would, signalling is this thread, the store has its own. */
#ifndef TESTS_UNIT_ADMIN_RIG_H
#define TESTS_UNIT_ADMIN_RIG_H

#include "testing.h"
#include "admin/agent.h"
#include "admin/selftest.h"
#include "admin/iceservers.h"
#include "admin/signin.h"
#include "admin/status.h"
#include "call/directory.h"
#include "core/guard.h"
#include "core/health.h"
#include "core/json.h"
#include "core/mbox.h"
#include "locked.h"
#include "net/wire.h"
#include "service/live.h"
#include "store/dn.h"
#include "turn/turn.h"
#include "web/route.h"
#include <poll.h>
#include <unistd.h>

static struct {
    char dir[64];
    struct store *store;
    struct guard *guard;
    struct service_live live;
    struct mbox *questions; /* to signalling, which is this thread, too */
    struct ask_box *box;
    struct wire *wire;
    struct turn *turn;
    struct signin signin;
    struct iceservers ice;
    struct admin_agent *agent;
    struct admin_selftest *selftest;
    struct addr peer;
    struct web_resp resp; /* the last answer */
} t;

static void changed_h(const char *key, void *arg)
{
    (void)key;
    (void)arg;
}

static void trunks_h(const struct trunk *v, size_t n, void *arg)
{
    (void)v;
    (void)n;
    (void)arg;
}

static bool directory_read(void)
{
    struct directory_config cfg = {t.store, changed_h, trunks_h, NULL, NULL};

    return !directory_alloc(&t.live.directory, &cfg);
}

static bool turn_set_up(void)
{
    static const uint8_t secret[32] = "the secret of credentials";
    struct addr loopback;
    struct turn_setup setup = {.server = {.realm = DN_REALM, .secret = secret, .secret_len = sizeof(secret)},
                               .bind = &loopback,
                               .bind_count = 1,
                               .relay_min = 50000,
                               .relay_max = 50009};
    char why[256];

    addr_parse_ip(&loopback, "127.0.0.1", 0);
    if (wire_alloc(&t.wire))
        return false;
    setup.wire = t.wire;
    if (turn_start(&t.turn, &setup, why, sizeof(why)))
        return false;
    t.ice.turn = t.turn;
    t.ice.port = turn_port(t.turn);
    memcpy(t.ice.secret, secret, sizeof(secret));
    t.signin = (struct signin){.signalling = t.questions, .guard = t.guard, .renews = true};
    memcpy(t.signin.secret, secret, sizeof(secret));
    return !admin_agent_alloc(&t.agent, &t.signin, &t.ice) &&
           !admin_selftest_alloc(&t.selftest, &t.signin, &t.ice, t.store);
}

__attribute__((unused)) static bool set_up(void)
{
    char why[256];

    memset(&t, 0, sizeof(t));
    test_temp(t.dir, sizeof(t.dir));
    web_routes_clear();
    addr_parse_ip(&t.peer, "192.0.2.7", 4711);
    web_resp_init(&t.resp, NULL);
    if (!mkdtemp(t.dir) || store_open(&t.store, t.dir, why, sizeof(why)))
        return false;
    return !dn_add(t.store, "5001", "secret1", "Ada \"Q\"", DN_CODEC_AUTO, true, why, sizeof(why)) &&
           !dn_add(t.store, "5002", "secret2", "", DN_CODEC_PCMU, false, why, sizeof(why)) &&
           directory_read() && !ask_mbox_alloc(&t.questions, "test_questions", 4) &&
           !ask_box_alloc(&t.box, "test", 4) && !guard_alloc(&t.guard, &(struct guard_config){0}) &&
           turn_set_up() && !admin_status_register(NULL, NULL);
}

__attribute__((unused)) static void tear_down(void)
{
    char cmd[100];

    web_resp_reset(&t.resp);
    ask_mbox_free(t.questions);
    store_questions_end(t.store);
    ask_box_free(t.box);
    admin_agent_free(t.agent);
    admin_selftest_free(t.selftest);
    turn_stop(t.turn);
    wire_free(t.wire);
    directory_free(t.live.directory);
    store_close(t.store);
    guard_free(t.guard);
    snprintf(cmd, sizeof(cmd), "rm -rf %s", t.dir);
    if (system(cmd))
        abort();
}

static void answered_h(struct exchange *x, void *owner)
{
    (void)x;
    (void)owner;
}

/* What the handler's question brings, too. */
__attribute__((unused)) static int ask_for(const char *method, const char *path, const char *type,
                                           const char *body)
{
    struct pollfd pfd = {.fd = ask_box_fd(t.box), .events = POLLIN};
    struct exchange *x;
    char allow[100];

    web_resp_reset(&t.resp);
    if (exchange_alloc(&x, t.box, 65536, NULL, answered_h, &t) ||
        route_find(x, method, path, allow, sizeof(allow)))
        return -1;
    x->req = (struct web_req){.method = method,
                              .path = path,
                              .query = "",
                              .peer = &t.peer,
                              .content_type = type,
                              .authorization = "",
                              .cookie = "",
                              .csrf = "",
                              .host = "gw.example:8443",
                              .body = (const uint8_t *)body,
                              .body_len = strlen(body)};
    x->route->h(&x->req, &x->resp, x->arg);
    mbox_drain(t.questions, ask_answer_h, &t.live);
    while (x->question && poll(&pfd, 1, 20000) == 1)
        ask_box_drain(t.box);
    t.resp = x->resp;
    web_resp_init(&x->resp, NULL);
    exchange_leave(x);
    return t.resp.status;
}

#endif

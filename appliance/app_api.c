#include "app_api.h"
#include "admin/agent.h"
#include "admin/apihost.h"
#include "admin/apikeys.h"
#include "admin/audit.h"
#include "admin/backups.h"
#include "admin/dns.h"
#include "admin/cdr.h"
#include "admin/certificate.h"
#include "admin/iceservers.h"
#include "admin/live.h"
#include "admin/network.h"
#include "admin/restart.h"
#include "admin/selftest.h"
#include "admin/selftests.h"
#include "admin/session.h"
#include "admin/settings.h"
#include "admin/signin.h"
#include "admin/status.h"
#include "admin/trunks.h"
#include "admin/users.h"
#include "app_turn.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct app_api {
    struct signin signin;
    struct iceservers ice;
    struct admin_agent *agent;
    struct admin_selftest *selftest;
    struct api *rest; /* /api/admin/v1, with these nouns: */
    struct admin_session *session;
    struct admin_dns *dns;
};

/* One line a noun; what needs more than a table is made in rest_start. */
/* clang-format off */
static int (*const nouns[])(void) = {
    admin_apikeys_routes,
    admin_audit_routes,
    admin_backups_routes,
    admin_cdr_routes,
    admin_certificate_routes,
    admin_live_routes,
    admin_network_routes,
    admin_restart_routes,
    admin_selftests_routes,
    admin_settings_routes,
    admin_trunks_routes,
    admin_users_routes,
};
/* clang-format on */

static int rest_start(struct app_api *a, const struct app_api_config *cfg)
{
    int err = api_alloc(&a->rest, cfg->service);

    if (!err)
        err = admin_session_alloc(&a->session, cfg->lab);
    for (size_t i = 0; i < sizeof(nouns) / sizeof(nouns[0]) && !err; i++)
        err = nouns[i]();
    if (!err)
        err = admin_dns_alloc(&a->dns, cfg->service->store);
    return err ? err : api_open(a->rest);
}

int app_api_start(struct app_api **ap, const struct app_api_config *cfg)
{
    struct app_api *a = calloc(1, sizeof(*a));
    int err;

    if (!a)
        return ENOMEM;
    app_turn_access(cfg->turn, &a->ice);
    a->signin.signalling = cfg->signalling;
    a->signin.guard = cfg->guard;
    a->signin.store = cfg->store;
    a->signin.renews = a->ice.turn;
    memcpy(a->signin.secret, a->ice.secret, sizeof(a->signin.secret));
    err = admin_agent_alloc(&a->agent, &a->signin, &a->ice);
    if (!err)
        err = admin_selftest_alloc(&a->selftest, &a->signin, &a->ice, cfg->store);
    if (!err)
        err = rest_start(a, cfg);
    if (!err)
        err = admin_status_register(a->rest, cfg->service->conf);
    if (err)
        app_api_free(a);
    else
        *ap = a;
    return err;
}

void app_api_turns(struct app_api *a, uint16_t port)
{
    a->ice.turns_port = port;
}

int app_api_fd(const struct app_api *a)
{
    return api_fd(a->rest);
}

bool app_api_known(const char *cookie, void *app_api)
{
    const struct app_api *a = app_api;

    return api_known(a->rest, cookie);
}

void app_api_serve(struct app_api *a)
{
    api_serve(a->rest);
}

void app_api_free(struct app_api *a)
{
    if (!a)
        return;
    api_free(a->rest);
    admin_session_free(a->session);
    admin_dns_free(a->dns);
    admin_agent_free(a->agent);
    admin_selftest_free(a->selftest);
    explicit_bzero(a, sizeof(*a));
    free(a);
}

#include "admin/agent.h"
#include "admin/iceservers.h"
#include "admin/signin.h"
#include "core/clock.h"
#include "core/json.h"
#include "turn/auth.h"
#include "web/web.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BODY_MAX = 4096, RENEW_SECONDS = 30 * 24 * 3600 };

struct admin_agent {
    const struct signin *signin;
    const struct iceservers *ice;
};

static void access_write(const struct admin_agent *a, struct buf *b, const char *host, const struct dn *dn)
{
    char renew[SIGNIN_RENEW_MAX];

    iceservers_write(a->ice, b, host, dn->dn, TURN_REST_SECONDS);
    buf_printf(b, ",\"iceServersTtl\":%d", TURN_REST_SECONDS);
    if (!a->signin->renews)
        return;
    signin_renew_word(a->signin, renew, clock_wall_ms() / 1000 + RENEW_SECONDS, dn);
    buf_printf(b, ",\"renew\":\"%s\"", renew);
    explicit_bzero(renew, sizeof(renew));
}

/* A signin_h. */
static void config_write(struct web_resp *resp, const char *host, const struct dn *dn, void *arg)
{
    const struct admin_agent *a = arg;
    struct buf *b = &resp->body;
    char uri[512], ws[512];

    snprintf(uri, sizeof(uri), "sip:%s@%.*s", dn->dn, iceservers_name_len(host), host);
    snprintf(ws, sizeof(ws), "wss://%s/ws", host);
    buf_puts(b, "{\"dn\":");
    buf_json_str(b, dn->dn);
    buf_puts(b, ",\"displayName\":");
    buf_json_str(b, *dn->name ? dn->name : dn->dn);
    buf_puts(b, ",");
    access_write(a, b, host, dn);
    buf_puts(b, ",\"sip\":{\"uri\":");
    buf_json_str(b, uri);
    buf_puts(b, ",\"ws\":");
    buf_json_str(b, ws);
    buf_puts(b, ",\"realm\":");
    buf_json_str(b, DN_REALM);
    buf_printf(b, "},\"features\":{\"codec\":\"%s\",\"autoAnswer\":%s,\"callLimit\":%u,\"dtmf\":true}}",
               dn_codec_name(dn->codec), dn->auto_answer ? "true" : "false", dn->call_limit);
}

static void config_h(const struct web_req *req, struct web_resp *resp, void *arg)
{
    struct admin_agent *a = arg;
    struct json *doc;

    if (!signin_gate(a->signin, req, resp) || !signin_body(req, resp, BODY_MAX, &doc))
        return;
    signin_ask(a->signin, req, resp, json_root(doc), config_write, a);
    json_free(doc);
}

int admin_agent_alloc(struct admin_agent **ap, const struct signin *signin, const struct iceservers *ice)
{
    static const struct web_route routes[] = {
        {.method = "POST", .path = "/api/agent/v1/config", .h = config_h},
    };
    struct admin_agent *a = calloc(1, sizeof(*a));
    int err;

    if (!a)
        return ENOMEM;
    a->signin = signin;
    a->ice = ice;
    err = web_routes(routes, sizeof(routes) / sizeof(routes[0]), a);
    if (err)
        free(a);
    else
        *ap = a;
    return err;
}

void admin_agent_free(struct admin_agent *a)
{
    free(a);
}

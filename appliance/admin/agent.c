#include "admin/agent.h"
#include "call/directory.h"
#include "core/guard.h"
#include "core/json.h"
#include "core/log.h"
#include "core/metric.h"
#include "crypto/hash.h"
#include "service/live.h"
#include "web/web.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { BODY_MAX = 4096, PASSWORD_MAX = 256 };

struct admin_agent {
    struct mbox *signalling; /* for questions to it */
    struct guard *guard;
};

METRIC_COUNTER(signin_ok, "dngate_agent_signins_total", "result=\"ok\"", "Sign-ins of the agent's page");
METRIC_COUNTER(signin_wrong, "dngate_agent_signins_total", "result=\"wrong\"",
               "Sign-ins of the agent's page");
METRIC_COUNTER(signin_banned, "dngate_agent_signins_total", "result=\"banned\"",
               "Sign-ins of the agent's page");

struct credentials {
    char dn[DN_MAX];
    char password[PASSWORD_MAX];
};

static bool copy_str(char *out, size_t sz, const struct json_val *obj, const char *key)
{
    const char *s = json_get_str(obj, key);

    return s && *s && (size_t)snprintf(out, sz, "%s", s) < sz;
}

static bool is_json(const char *content_type)
{
    size_t n = strcspn(content_type, "; ");

    return n == strlen("application/json") && !strncasecmp(content_type, "application/json", n);
}

/* 0 or the status of the problem that was written. */
static int credentials_decode(struct credentials *cr, const struct web_req *req, struct web_resp *resp)
{
    struct json *doc = NULL;
    char why[128] = "";

    if (!is_json(req->content_type)) {
        web_problem(resp, 415, "Unsupported Media Type", "Send Content-Type: application/json.");
        return 415;
    }
    if (req->body_len > BODY_MAX) {
        web_problem(resp, 413, "Content Too Large", "A sign-in takes at most %d bytes.", BODY_MAX);
        return 413;
    }
    if (json_parse(&doc, (const char *)req->body, req->body_len, why, sizeof(why))) {
        web_problem(resp, 400, "Bad Request", "The body is not JSON: %s.", why);
        return 400;
    }
    if (!copy_str(cr->dn, sizeof(cr->dn), json_root(doc), "dn") ||
        !copy_str(cr->password, sizeof(cr->password), json_root(doc), "password") || !dn_valid(cr->dn)) {
        web_problem(resp, 422, "Unprocessable Content", "Give \"dn\" (a directory number) and \"password\".");
        json_free(doc);
        return 422;
    }
    json_free(doc);
    return 0;
}

/* The question to signalling, and what of the request is needed with the answer. */
struct lookup {
    char dn[DN_MAX];
    char ha1[SHA256_HEXLEN]; /* of the password that was sent */
    char host[264];
    struct addr peer;
    struct dn row;
    int err; /* ENOENT: there is none */
};

/* Signalling thread. */
static void lookup_answer(void *value, void *owner)
{
    const struct service_live *live = owner;
    struct lookup *l = value;

    l->err = directory_get(live->directory, l->dn, &l->row);
}

/* The same work whether or not there is such a DN. */
static bool verify(struct lookup *l)
{
    bool right;

    if (l->err)
        memset(l->row.ha1_sha256, 'x', SHA256_HEXLEN - 1); /* no password leads to it */
    right = hash_equal(l->ha1, l->row.ha1_sha256, SHA256_HEXLEN - 1);
    return right && l->row.enabled;
}

/* "host:port" without the port. */
static int name_len(const char *host)
{
    const char *end = *host == '[' ? strchr(host, ']') : NULL;

    return end ? (int)(end - host) + 1 : (int)strcspn(host, ":");
}

static void config_write(struct web_resp *resp, const char *host, const struct dn *dn)
{
    struct buf *b = &resp->body;
    char uri[512], ws[512];

    snprintf(uri, sizeof(uri), "sip:%s@%.*s", dn->dn, name_len(host), host);
    snprintf(ws, sizeof(ws), "wss://%s/ws", host);
    buf_puts(b, "{\"dn\":");
    buf_json_str(b, dn->dn);
    buf_puts(b, ",\"displayName\":");
    buf_json_str(b, *dn->name ? dn->name : dn->dn);
    buf_puts(b, ",\"iceServers\":[],\"sip\":{\"uri\":"); /* browsers reach the media port directly */
    buf_json_str(b, uri);
    buf_puts(b, ",\"ws\":");
    buf_json_str(b, ws);
    buf_puts(b, ",\"realm\":");
    buf_json_str(b, DN_REALM);
    buf_printf(b, "},\"features\":{\"codec\":\"%s\",\"autoAnswer\":true,\"dtmf\":true}}",
               dn_codec_name(dn->codec));
}

static void refuse(struct admin_agent *a, const struct lookup *l, struct web_resp *resp)
{
    char peer[ADDR_STRLEN];

    (void)addr_ip(&l->peer, peer, sizeof(peer));
    metric_add(&signin_wrong, 1);
    if (guard_fail(a->guard, &l->peer) == GUARD_BAN)
        log_warn("http", "peer=%s banned after repeated wrong passwords", peer);
    log_warn_limited("http", "peer=%s dn=%s agent sign-in refused", peer, l->dn);
    web_problem(resp, 401, "Unauthorized",
                "The directory number or its password is wrong, or the number is disabled. Check both; an "
                "administrator can set a new password.");
}

/* WEB thread: the row is here. */
static void lookup_later(void *value, struct web_resp *resp, void *arg)
{
    struct admin_agent *a = arg;
    struct lookup *l = value;

    if (verify(l)) {
        guard_ok(a->guard, &l->peer);
        metric_add(&signin_ok, 1);
        config_write(resp, l->host, &l->row);
    } else {
        refuse(a, l, resp);
    }
    explicit_bzero(l, sizeof(*l));
}

WEB_QUESTION(lookup, struct lookup, lookup_answer, lookup_later);

static void config_h(const struct web_req *req, struct web_resp *resp, void *arg)
{
    struct admin_agent *a = arg;
    struct credentials cr = {0};
    struct lookup l = {.peer = *req->peer};
    uint32_t delay_ms = 0;

    switch (guard_check(a->guard, req->peer, &delay_ms)) {
    case GUARD_BAN:
        metric_add(&signin_banned, 1);
        web_banned(resp, delay_ms);
        return;
    case GUARD_DELAY:
        resp->delay_ms = delay_ms;
        break;
    case GUARD_PASS:
        break;
    }
    if (!credentials_decode(&cr, req, resp)) {
        snprintf(l.dn, sizeof(l.dn), "%s", cr.dn);
        snprintf(l.host, sizeof(l.host), "%s", req->host);
        hash_ha1_sha256(l.ha1, cr.dn, DN_REALM, cr.password);
        web_ask(resp, a->signalling, &lookup, &l, a);
    }
    explicit_bzero(&cr, sizeof(cr));
    explicit_bzero(&l, sizeof(l));
}

int admin_agent_alloc(struct admin_agent **ap, struct mbox *signalling, struct guard *g)
{
    static const struct web_route routes[] = {
        {.method = "POST", .path = "/api/agent/v1/config", .h = config_h},
    };
    struct admin_agent *a = calloc(1, sizeof(*a));
    int err;

    if (!a)
        return ENOMEM;
    a->signalling = signalling;
    a->guard = g;
    err = web_routes(routes, sizeof(routes) / sizeof(routes[0]), a);
    if (err) {
        free(a);
        return err;
    }
    *ap = a;
    return 0;
}

void admin_agent_free(struct admin_agent *a)
{
    free(a);
}

#include "admin/agent.h"
#include "call/directory.h"
#include "core/clock.h"
#include "core/guard.h"
#include "core/json.h"
#include "core/log.h"
#include "core/metric.h"
#include "crypto/hash.h"
#include "service/live.h"
#include "turn/auth.h"
#include "turn/turn.h"
#include "web/web.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { BODY_MAX = 4096, PASSWORD_MAX = 256, TURN_SECONDS = 12 * 3600, RENEW_SECONDS = 30 * 24 * 3600 };

/* "expiry:" and an HMAC in hex */
enum { RENEW_MAX = 24 + SHA256_HEXLEN };

struct admin_agent {
    struct mbox *signalling; /* for questions to it */
    struct guard *guard;
    struct admin_agent_turn turn;
    _Atomic uint16_t turns_port;
};

METRIC_COUNTER(signin_ok, "dngate_agent_signins_total", "result=\"ok\"", "Sign-ins of the agent's page");
METRIC_COUNTER(signin_wrong, "dngate_agent_signins_total", "result=\"wrong\"",
               "Sign-ins of the agent's page");
METRIC_COUNTER(signin_banned, "dngate_agent_signins_total", "result=\"banned\"",
               "Sign-ins of the agent's page");

struct credentials { /* a password or a word to renew by; the other is "" */
    char dn[DN_MAX];
    char password[PASSWORD_MAX];
    char renew[RENEW_MAX];
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
    if (!copy_str(cr->dn, sizeof(cr->dn), json_root(doc), "dn") || !dn_valid(cr->dn) ||
        copy_str(cr->password, sizeof(cr->password), json_root(doc), "password") ==
            copy_str(cr->renew, sizeof(cr->renew), json_root(doc), "renew")) {
        web_problem(resp, 422, "Unprocessable Content",
                    "Give \"dn\" (a directory number) and \"password\", or \"renew\" of an earlier answer.");
        json_free(doc);
        return 422;
    }
    json_free(doc);
    return 0;
}

/* The question to signalling, and what of the request is needed with the answer. */
struct lookup {
    char dn[DN_MAX];
    char ha1[SHA256_HEXLEN]; /* of the password that was sent … */
    char renew[RENEW_MAX];   /* … or, when not "", this */
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

/*
 * What a page that does not keep the password shows instead, later: until when it is good, and our MAC over that, the DN and the hash of its
 * password, so that another password ends it. Nothing is kept for it.
 */
static void renew_word(const struct admin_agent *a, char out[RENEW_MAX], int64_t until_s, const struct dn *dn)
{
    uint8_t mac[SHA256_LEN];
    char text[64 + DN_MAX + SHA256_HEXLEN], hex[SHA256_HEXLEN];
    int n = snprintf(text, sizeof(text), "renew:%lld:%s:%s", (long long)until_s, dn->dn, dn->ha1_sha256);

    hash_hmac_sha256(mac, a->turn.secret, sizeof(a->turn.secret), text, (size_t)n);
    hash_hex(hex, mac, sizeof(mac));
    snprintf(out, RENEW_MAX, "%lld:%s", (long long)until_s, hex);
    explicit_bzero(text, sizeof(text));
}

/* No words are good (there is no secret either), or this one says that it is not any more. Pages that slept for long come back with such
 * ones all at once: they guess nothing. */
static bool renew_over(const struct admin_agent *a, const char *word)
{
    return !a->turn.turn || strtoll(word, NULL, 10) <= clock_wall_ms() / 1000;
}

static bool renew_right(const struct admin_agent *a, const struct lookup *l)
{
    const long long until = strtoll(l->renew, NULL, 10);
    char right[RENEW_MAX];

    renew_word(a, right, until, &l->row);
    return strlen(l->renew) == strlen(right) && hash_equal(l->renew, right, strlen(right)) &&
           !renew_over(a, l->renew);
}

/* The same work whether or not there is such a DN. */
static bool verify(const struct admin_agent *a, struct lookup *l)
{
    bool right;

    if (l->err)
        memset(l->row.ha1_sha256, 'x', SHA256_HEXLEN - 1); /* no password leads to it */
    right =
        *l->renew ? renew_right(a, l) && !l->err : hash_equal(l->ha1, l->row.ha1_sha256, SHA256_HEXLEN - 1);
    return right && l->row.enabled;
}

/* "host:port" without the port. */
static int name_len(const char *host)
{
    const char *end = *host == '[' ? strchr(host, ']') : NULL;

    return end ? (int)(end - host) + 1 : (int)strcspn(host, ":");
}

/* Within a list (RFC 7064, RFC 7065). */
static void url_write(struct buf *b, const char *scheme, const char *host, unsigned port,
                      const char *transport)
{
    char url[400];

    snprintf(url, sizeof(url), "%s:%.*s:%u%s%s", scheme, name_len(host), host, port,
             *transport ? "?transport=" : "", transport);
    if (b->len && b->data[b->len - 1] != '[')
        buf_puts(b, ",");
    buf_json_str(b, url);
}

/* The port by which the browser reached us over TLS. */
static unsigned host_port(const char *host)
{
    const char *port = host + name_len(host);

    return *port == ':' ? (unsigned)strtoul(port + 1, NULL, 10) : 443;
}

static void credentials_write(struct admin_agent *a, struct buf *b, const char *dn)
{
    char name[TURN_NAME_MAX + 1], password[TURN_REST_PASSWORD_LEN];

    if (turn_rest_name(name, sizeof(name), clock_wall_ms() / 1000 + TURN_SECONDS, dn))
        name[0] = '\0';
    turn_rest_password(password, a->turn.secret, sizeof(a->turn.secret), name);
    (void)turn_learn(a->turn.turn, name); /* without it USERHASH does not work for this one, a name does */
    buf_puts(b, "],\"username\":");
    buf_json_str(b, name);
    buf_puts(b, ",\"credential\":");
    buf_json_str(b, password);
    explicit_bzero(password, sizeof(password));
}

static void ice_write(struct admin_agent *a, struct buf *b, const char *host, const struct dn *dn)
{
    char renew[RENEW_MAX];
    const unsigned tls = host_port(host), turns = a->turns_port;

    buf_puts(b, ",\"iceServers\":[");
    if (a->turn.turn) {
        buf_puts(b, "{\"urls\":[");
        url_write(b, "stun", host, a->turn.port, "");
        buf_puts(b, "]},{\"urls\":[");
        url_write(b, "turn", host, a->turn.port, "udp");
        url_write(b, "turn", host, a->turn.port, "tcp");
        url_write(b, "turns", host, tls, "tcp");
        if (turns && turns != tls)
            url_write(b, "turns", host, turns, "tcp");
        credentials_write(a, b, dn->dn);
        buf_puts(b, "}");
    }
    buf_printf(b, "],\"iceServersTtl\":%d", TURN_SECONDS);
    if (a->turn.turn) {
        renew_word(a, renew, clock_wall_ms() / 1000 + RENEW_SECONDS, dn);
        buf_printf(b, ",\"renew\":\"%s\"", renew);
        explicit_bzero(renew, sizeof(renew));
    }
}

static void config_write(struct admin_agent *a, struct web_resp *resp, const char *host, const struct dn *dn)
{
    struct buf *b = &resp->body;
    char uri[512], ws[512];

    snprintf(uri, sizeof(uri), "sip:%s@%.*s", dn->dn, name_len(host), host);
    snprintf(ws, sizeof(ws), "wss://%s/ws", host);
    buf_puts(b, "{\"dn\":");
    buf_json_str(b, dn->dn);
    buf_puts(b, ",\"displayName\":");
    buf_json_str(b, *dn->name ? dn->name : dn->dn);
    ice_write(a, b, host, dn);
    buf_puts(b, ",\"sip\":{\"uri\":");
    buf_json_str(b, uri);
    buf_puts(b, ",\"ws\":");
    buf_json_str(b, ws);
    buf_puts(b, ",\"realm\":");
    buf_json_str(b, DN_REALM);
    buf_printf(b, "},\"features\":{\"codec\":\"%s\",\"autoAnswer\":true,\"dtmf\":true}}",
               dn_codec_name(dn->codec));
}

static void refusal_write(struct web_resp *resp)
{
    metric_add(&signin_wrong, 1);
    web_problem(resp, 401, "Unauthorized",
                "The directory number or its password is wrong, or the number is disabled. Check both; an "
                "administrator can set a new password.");
}

static void refuse(struct admin_agent *a, const struct lookup *l, struct web_resp *resp)
{
    char peer[ADDR_STRLEN];

    (void)addr_ip(&l->peer, peer, sizeof(peer));
    if (guard_fail(a->guard, &l->peer) == GUARD_BAN)
        log_warn("http", "peer=%s banned after repeated wrong passwords", peer);
    log_warn_limited("http", "peer=%s dn=%s agent sign-in refused", peer, l->dn);
    refusal_write(resp);
}

/* WEB thread: the row is here. */
static void lookup_later(void *value, struct web_resp *resp, void *arg)
{
    struct admin_agent *a = arg;
    struct lookup *l = value;

    if (verify(a, l)) {
        guard_ok(a->guard, &l->peer);
        metric_add(&signin_ok, 1);
        config_write(a, resp, l->host, &l->row);
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
    if (credentials_decode(&cr, req, resp)) {
        /* it is written */
    } else if (*cr.renew && renew_over(a, cr.renew)) {
        refusal_write(resp);
    } else {
        snprintf(l.dn, sizeof(l.dn), "%s", cr.dn);
        snprintf(l.host, sizeof(l.host), "%s", req->host);
        snprintf(l.renew, sizeof(l.renew), "%s", cr.renew);
        hash_ha1_sha256(l.ha1, cr.dn, DN_REALM, cr.password);
        web_ask(resp, a->signalling, &lookup, &l, a);
    }
    explicit_bzero(&cr, sizeof(cr));
    explicit_bzero(&l, sizeof(l));
}

int admin_agent_alloc(struct admin_agent **ap, struct mbox *signalling, struct guard *g,
                      const struct admin_agent_turn *turn)
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
    a->turn = *turn;
    err = web_routes(routes, sizeof(routes) / sizeof(routes[0]), a);
    if (err) {
        free(a);
        return err;
    }
    *ap = a;
    return 0;
}

void admin_agent_turns(struct admin_agent *a, uint16_t port)
{
    a->turns_port = port;
}

void admin_agent_free(struct admin_agent *a)
{
    if (a)
        explicit_bzero(a, sizeof(*a));
    free(a);
}

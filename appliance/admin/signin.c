#include "admin/signin.h"
#include "call/directory.h"
#include "core/clock.h"
#include "core/guard.h"
#include "core/json.h"
#include "core/log.h"
#include "core/metric.h"
#include "crypto/hash.h"
#include "service/live.h"
#include "store/history.h"
#include "web/web.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { PASSWORD_MAX = 256 };

METRIC_COUNTER(signin_ok, "dngate_agent_signins_total", "result=\"ok\"",
               "Sign-ins of the agent's page and of the self-test");
METRIC_COUNTER(signin_wrong, "dngate_agent_signins_total", "result=\"wrong\"",
               "Sign-ins of the agent's page and of the self-test");
METRIC_COUNTER(signin_banned, "dngate_agent_signins_total", "result=\"banned\"",
               "Sign-ins of the agent's page and of the self-test");

struct credentials { /* a password or a word to renew by; the other is "" */
    char dn[DN_MAX];
    char password[PASSWORD_MAX];
    char renew[SIGNIN_RENEW_MAX];
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

bool signin_body(const struct web_req *req, struct web_resp *resp, size_t max, struct json **doc)
{
    char why[128] = "";

    if (!is_json(req->content_type))
        web_problem(resp, 415, "Unsupported Media Type", "Send Content-Type: application/json.");
    else if (req->body_len > max)
        web_problem(resp, 413, "Content Too Large", "This takes at most %zu bytes.", max);
    else if (json_parse(doc, (const char *)req->body, req->body_len, why, sizeof(why)))
        web_problem(resp, 400, "Bad Request", "The body is not JSON: %s.", why);
    else
        return true;
    return false;
}

static bool credentials_decode(struct credentials *cr, const struct json_val *body, struct web_resp *resp)
{
    if (copy_str(cr->dn, sizeof(cr->dn), body, "dn") && dn_valid(cr->dn) &&
        copy_str(cr->password, sizeof(cr->password), body, "password") !=
            copy_str(cr->renew, sizeof(cr->renew), body, "renew"))
        return true;
    web_problem(resp, 422, "Unprocessable Content",
                "Give \"dn\" (a directory number) and \"password\", or \"renew\" of an earlier answer.");
    return false;
}

/* The question to signalling, and what of the request is needed with the answer. */
struct lookup {
    const struct signin *signin;
    signin_h *h;
    void *arg;
    char dn[DN_MAX];
    char ha1[SHA256_HEXLEN];      /* of the password that was sent … */
    char renew[SIGNIN_RENEW_MAX]; /* … or, when not "", this */
    char host[SIGNIN_HOST_MAX];
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

/* Until when it is good, and our MAC over that, the DN and the hash of its password, so that another password ends it. Nothing is kept
 * for it. */
void signin_renew_word(const struct signin *s, char out[SIGNIN_RENEW_MAX], int64_t until_s,
                       const struct dn *dn)
{
    uint8_t mac[SHA256_LEN];
    char text[64 + DN_MAX + SHA256_HEXLEN], hex[SHA256_HEXLEN];
    int n = snprintf(text, sizeof(text), "renew:%lld:%s:%s", (long long)until_s, dn->dn, dn->ha1_sha256);

    hash_hmac_sha256(mac, s->secret, sizeof(s->secret), text, (size_t)n);
    hash_hex(hex, mac, sizeof(mac));
    snprintf(out, SIGNIN_RENEW_MAX, "%lld:%s", (long long)until_s, hex);
    explicit_bzero(text, sizeof(text));
}

/* No words are good (there is no secret either), or this one says that it is not any more. Pages that slept for long come back with such
 * ones all at once: they guess nothing. */
static bool renew_over(const struct signin *s, const char *word)
{
    return !s->renews || strtoll(word, NULL, 10) <= clock_wall_ms() / 1000;
}

static bool renew_right(const struct lookup *l)
{
    const long long until = strtoll(l->renew, NULL, 10);
    char right[SIGNIN_RENEW_MAX];

    signin_renew_word(l->signin, right, until, &l->row);
    return strlen(l->renew) == strlen(right) && hash_equal(l->renew, right, strlen(right)) &&
           !renew_over(l->signin, l->renew);
}

/* The same work whether or not there is such a DN. */
static bool verify(struct lookup *l)
{
    bool right;

    if (l->err)
        memset(l->row.ha1_sha256, 'x', SHA256_HEXLEN - 1); /* no password leads to it */
    right = *l->renew ? renew_right(l) && !l->err : hash_equal(l->ha1, l->row.ha1_sha256, SHA256_HEXLEN - 1);
    return right && l->row.enabled;
}

static void refusal_write(struct web_resp *resp)
{
    metric_add(&signin_wrong, 1);
    web_problem(resp, 401, "Unauthorized",
                "The directory number or its password is wrong, or the number is disabled. Check both; an "
                "administrator can set a new password.");
}

/* Of DNs that there are: what anybody makes up is no history. */
static void refusal_note(const struct lookup *l)
{
    struct happening h = {.noun = "dn", .event = "refused", .time_ms = clock_wall_ms()};

    if (l->err || !l->signin->store)
        return;
    snprintf(h.name, sizeof(h.name), "%s", l->dn);
    snprintf(h.detail, sizeof(h.detail), "%s", l->row.enabled ? "wrong password" : "the DN is disabled");
    (void)addr_ip(&l->peer, h.address, sizeof(h.address));
    history_happened(l->signin->store, &h);
}

static void refuse(const struct lookup *l, struct web_resp *resp)
{
    char peer[ADDR_STRLEN];

    (void)addr_ip(&l->peer, peer, sizeof(peer));
    if (guard_fail(l->signin->guard, &l->peer) == GUARD_BAN)
        log_warn("http", "peer=%s banned after repeated wrong passwords", peer);
    log_warn_limited("http", "peer=%s dn=%s agent sign-in refused", peer, l->dn);
    refusal_note(l);
    refusal_write(resp);
}

/* WEB thread: the row is here. */
static void lookup_later(void *value, struct web_resp *resp, void *arg)
{
    struct lookup *l = value;

    (void)arg;
    if (verify(l)) {
        guard_ok(l->signin->guard, &l->peer);
        metric_add(&signin_ok, 1);
        l->h(resp, l->host, &l->row, l->arg);
    } else {
        refuse(l, resp);
    }
    explicit_bzero(l, sizeof(*l));
}

WEB_QUESTION(lookup, struct lookup, lookup_answer, lookup_later);

bool signin_gate(const struct signin *s, const struct web_req *req, struct web_resp *resp)
{
    uint32_t delay_ms = 0;

    switch (guard_check(s->guard, req->peer, &delay_ms)) {
    case GUARD_BAN:
        metric_add(&signin_banned, 1);
        web_banned(resp, delay_ms);
        return false;
    case GUARD_DELAY:
        resp->delay_ms = delay_ms;
        break;
    case GUARD_PASS:
        break;
    }
    return true;
}

void signin_ask(const struct signin *s, const struct web_req *req, struct web_resp *resp,
                const struct json_val *body, signin_h *h, void *arg)
{
    struct lookup l = {.signin = s, .h = h, .arg = arg, .peer = *req->peer};
    struct credentials cr = {0};

    if (!credentials_decode(&cr, body, resp)) {
        /* it is written */
    } else if (*cr.renew && renew_over(s, cr.renew)) {
        refusal_write(resp);
    } else {
        snprintf(l.dn, sizeof(l.dn), "%s", cr.dn);
        snprintf(l.host, sizeof(l.host), "%s", req->host);
        snprintf(l.renew, sizeof(l.renew), "%s", cr.renew);
        hash_ha1_sha256(l.ha1, cr.dn, DN_REALM, cr.password);
        web_ask(resp, s->signalling, &lookup, &l, NULL);
    }
    explicit_bzero(&cr, sizeof(cr));
    explicit_bzero(&l, sizeof(l));
}

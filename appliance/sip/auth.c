#include "sip/auth.h"
#include "sip/stack_priv.h"

#include "core/guard.h"
#include "core/log.h"
#include "core/metric.h"
#include "core/rnd.h"
#include "crypto/digest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define RESULT(var, result)                                                                                  \
    METRIC_COUNTER(var, "dngate_sip_auth_total", "result=\"" result "\"",                                    \
                   "Agents' SIP sign-ins and calls checked, by result: all but ok and challenged failed")
RESULT(auth_ok, "ok");
RESULT(auth_challenged, "challenged");
RESULT(auth_wrong, "wrong_password");
RESULT(auth_unknown, "unknown_dn");
RESULT(auth_disabled, "disabled_dn");
RESULT(auth_stale, "stale_nonce");
RESULT(auth_banned, "banned");

enum { AUTH_HA1_LEN = 64, AUTH_HA1_MD5_LEN = 32 };

struct auth {
    struct sip_stack *st;
    const struct sessions *sessions;
    struct registrar_config cfg;
    struct digest *digest;
    char nobody[AUTH_HA1_LEN + 1]; /* an HA1 that no password has; its second half for MD5 */
    struct list waiting;
};

struct waiting {
    struct le le;
    struct tmr tmr;
    struct sip_msg *msg;
    auth_due_h *due;
    void *arg;
};

/* The parameters of an Authorization header; "" where one is missing. */
struct credentials {
    char username[64], realm[128], nonce[128], uri[512], response[72], qop[16], cnonce[128], nc[16],
        algorithm[16];
};

#define FIELD(name)                                                                                          \
    {                                                                                                        \
#name, offsetof(struct credentials, name), sizeof(((struct credentials *)0)->name)                   \
    }
static const struct {
    const char *name;
    size_t offset, size;
} fields[] = {FIELD(username), FIELD(realm),  FIELD(nonce), FIELD(uri),      FIELD(response),
              FIELD(qop),      FIELD(cnonce), FIELD(nc),    FIELD(algorithm)};

int auth_alloc(struct auth **ap, struct sip_stack *st, const struct registrar_config *cfg,
               const struct sessions *sessions)
{
    struct auth *a = calloc(1, sizeof(*a));
    int err;

    if (!a)
        return ENOMEM;
    a->st = st;
    a->sessions = sessions;
    a->cfg = *cfg;
    rnd_str(a->nobody, sizeof(a->nobody), AUTH_HA1_LEN);
    err = digest_alloc(&a->digest, cfg->realm, 0);
    if (err)
        auth_free(a);
    else
        *ap = a;
    return err;
}

void auth_free(struct auth *a)
{
    if (!a)
        return;
    list_flush(&a->waiting);
    digest_free(a->digest);
    free(a);
}

bool auth_same_password(const struct registrar_dn *a, const struct registrar_dn *b)
{
    return !strcmp(a->ha1_md5, b->ha1_md5) && !strcmp(a->ha1_sha256, b->ha1_sha256);
}

static void source_of(const struct auth *a, const struct sip_msg *msg, struct addr *src)
{
    struct sip_origin o;

    (void)sip_stack_origin(a->st, msg, &o);
    *src = o.peer;
}

static void shut(struct auth *a, const struct sip_msg *msg)
{
    struct sip_origin o;

    metric_add(&auth_banned, 1);
    sip_reason_count(SIP_REASON_BANNED);
    (void)sip_stack_origin(a->st, msg, &o);
    if (o.source == SIP_FROM_AGENT)
        sip_ws_close(a->st, o.ws_conn, 1008, "");
}

/* ------------------------------------------------------------------ the guard */

static void waiting_destructor(void *arg)
{
    struct waiting *w = arg;

    tmr_cancel(&w->tmr);
    list_unlink(&w->le);
    mem_deref(w->msg);
}

static void due_h(void *arg)
{
    struct waiting *w = arg;

    list_unlink(&w->le);
    w->due(w->msg, w->arg);
    mem_deref(w);
}

static void wait_for(struct auth *a, const struct sip_msg *msg, uint32_t delay_ms, auth_due_h *due, void *arg)
{
    struct waiting *w;

    if (list_count(&a->waiting) >= AUTH_WAITING_MAX)
        return;
    w = mem_zalloc(sizeof(*w), waiting_destructor);
    if (!w)
        return;
    w->msg = mem_ref((void *)msg);
    w->due = due;
    w->arg = arg;
    list_append(&a->waiting, &w->le, w);
    tmr_start(&w->tmr, delay_ms, due_h, w);
}

/* Has somebody signed in on this connection? A ban is for who shares his address, and must not end his shift. */
static bool knows_password(const struct auth *a, const struct sip_msg *msg)
{
    const struct session *s = msg->tp == SIP_TRANSP_WS
                                  ? session_by_conn(a->sessions, ((const struct sip_conn *)msg->sock)->id)
                                  : NULL;

    return s && session_is_known(s);
}

enum auth_gate auth_gate(struct auth *a, const struct sip_msg *msg, auth_due_h *due, void *arg)
{
    uint32_t delay_ms = 0;
    struct addr src;

    source_of(a, msg, &src);
    switch (guard_check(a->cfg.guard, &src, &delay_ms)) {

    case GUARD_BAN:
        if (!knows_password(a, msg)) {
            shut(a, msg);
            return AUTH_SHUT;
        }
        delay_ms = AUTH_BANNED_MS;
        /* fall through */

    case GUARD_DELAY:
        if (!sip_msg_hdr(msg, SIP_HDR_AUTHORIZATION))
            return AUTH_NOW;
        wait_for(a, msg, delay_ms, due, arg);
        return AUTH_WAITS;

    default:
        return AUTH_NOW;
    }
}

/* ------------------------------------------------------------------ credentials */

static void skip(struct pl *pl, const char *chars)
{
    while (pl->l && strchr(chars, *pl->p) && *pl->p)
        pl_advance(pl, 1);
}

/* A quoted string without its quotes, or a token; what follows stays in pl. */
static struct pl value_next(struct pl *pl)
{
    struct pl val;

    if (pl->l && *pl->p == '"') {
        pl_advance(pl, 1);
        val = (struct pl){pl->p, 0};
        while (val.l < pl->l && val.p[val.l] != '"')
            val.l += val.p[val.l] == '\\' && val.l + 1 < pl->l ? 2 : 1;
        pl_advance(pl, (ssize_t)val.l);
        if (pl->l)
            pl_advance(pl, 1);
        return val;
    }
    val = (struct pl){pl->p, 0};
    while (val.l < pl->l && !strchr(", \t", val.p[val.l]))
        val.l++;
    pl_advance(pl, (ssize_t)val.l);
    return val;
}

static int field_set(struct credentials *c, const struct pl *name, const struct pl *val)
{
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        if (pl_strcasecmp(name, fields[i].name))
            continue;
        if (val->l >= fields[i].size)
            return EBADMSG;
        return pl_strcpy(val, (char *)c + fields[i].offset, fields[i].size);
    }
    return 0;
}

static int credentials_decode(struct credentials *c, const struct pl *hdr)
{
    static const char scheme[] = "Digest";
    struct pl pl = *hdr, name, val;
    int err = 0;

    memset(c, 0, sizeof(*c));
    if (pl.l <= sizeof(scheme) || strncasecmp(pl.p, scheme, sizeof(scheme) - 1))
        return EBADMSG;
    pl_advance(&pl, sizeof(scheme) - 1);
    for (;;) {
        skip(&pl, ", \t");
        if (!pl.l || err)
            return err;
        name = (struct pl){pl.p, 0};
        while (name.l < pl.l && !strchr("=, \t", name.p[name.l]))
            name.l++;
        pl_advance(&pl, (ssize_t)name.l);
        skip(&pl, " \t");
        if (!pl.l || *pl.p != '=')
            return EBADMSG;
        pl_advance(&pl, 1);
        skip(&pl, " \t");
        val = value_next(&pl);
        err = field_set(c, &name, &val);
    }
}

struct find_arg {
    const char *realm;
    struct credentials *c;
};

static bool find_h(const struct sip_hdr *hdr, const struct sip_msg *msg, void *arg)
{
    struct find_arg *f = arg;
    (void)msg;

    return !credentials_decode(f->c, &hdr->val) && !strcmp(f->c->realm, f->realm);
}

/*
 * The strongest first, as RFC 8760 section 2.4 asks. JsSIP, which knows MD5 only, keeps the last WWW-Authenticate it reads: MD5 must
 * stay last.
 */
static void challenge(struct auth *a, const struct sip_msg *msg, bool stale)
{
    const char *st = stale ? ", stale=true" : "";
    char nonce[64];

    (void)digest_nonce(a->digest, nonce, sizeof(nonce));
    (void)sip_treplyf(
        NULL, NULL, a->st->sip, msg, false, 401, "Unauthorized",
        "WWW-Authenticate: Digest realm=\"%s\", nonce=\"%s\", qop=\"auth\", algorithm=SHA-256%s\r\n"
        "WWW-Authenticate: Digest realm=\"%s\", nonce=\"%s\", qop=\"auth\", algorithm=MD5%s\r\n"
        "Content-Length: 0\r\n\r\n",
        a->cfg.realm, nonce, st, a->cfg.realm, nonce, st);
}

static const char *ha1_of(const struct registrar_dn *dn, enum digest_alg alg)
{
    return alg == DIGEST_MD5 ? dn->ha1_md5 : dn->ha1_sha256;
}

static int verify(struct auth *a, const struct sip_msg *msg, const struct credentials *c, const char *user,
                  const struct registrar_dn *former, struct registrar_dn *dn)
{
    char method[33];
    struct digest_response r = {
        .alg = strcasecmp(c->algorithm, "SHA-256") ? DIGEST_MD5 : DIGEST_SHA256,
        .user = c->username,
        .realm = c->realm,
        .nonce = c->nonce,
        .uri = c->uri,
        .response = c->response,
        .qop = c->qop,
        .cnonce = c->cnonce,
        .nc = c->nc,
        .method = method,
    };
    const char *nobody = r.alg == DIGEST_MD5 ? a->nobody + AUTH_HA1_LEN - AUTH_HA1_MD5_LEN : a->nobody,
               *ha1 = nobody;
    struct metric *why = &auth_wrong;
    int err;

    memset(dn, 0, sizeof(*dn));
    (void)pl_strcpy(&msg->met, method, sizeof(method));
    err = a->cfg.lookup(user, dn, a->cfg.arg);
    if (err)
        why = &auth_unknown;
    else if (!dn->enabled && !dn->guest)
        why = &auth_disabled;
    else if (!strcmp(user, c->username))
        ha1 = ha1_of(dn, r.alg);
    err = digest_verify(a->digest, &r, ha1);
    if (!err && ha1 == nobody)
        err = EACCES;
    if (err == EACCES && former && !strcmp(user, c->username)) {
        err = digest_verify(a->digest, &r, ha1_of(former, r.alg));
        *dn = *former;
        dn->enabled = false;
    }
    metric_add(!err ? &auth_ok : err == EACCES ? why : &auth_stale, 1);
    return err;
}

static void failed(struct auth *a, const struct sip_msg *msg, const char *user)
{
    char str[ADDR_STRLEN], said[64];
    struct addr src;

    source_of(a, msg, &src);
    (void)addr_ip(&src, str, sizeof(str));
    log_warn_limited("sip", "dn=\"%s\" source=%s wrong password or unknown DN",
                     log_quotable(said, sizeof(said), user), str);
    if (a->cfg.refused)
        a->cfg.refused(user, &src, NULL, "wrong password, or disabled", a->cfg.arg);
    if (guard_fail(a->cfg.guard, &src) == GUARD_BAN)
        log_warn("sip", "source=%s banned after repeated failures", str);
    if (guard_check(a->cfg.guard, &src, NULL) == GUARD_BAN)
        shut(a, msg);
    else
        challenge(a, msg, false);
}

int auth_check(struct auth *a, const struct sip_msg *msg, const char *user, const struct registrar_dn *former,
               struct registrar_dn *dn)
{
    struct credentials c;
    struct find_arg f = {a->cfg.realm, &c};
    struct addr src;

    if (!sip_msg_hdr_apply(msg, true, SIP_HDR_AUTHORIZATION, find_h, &f)) {
        metric_add(&auth_challenged, 1);
        challenge(a, msg, false);
        return EACCES;
    }
    switch (verify(a, msg, &c, user, former, dn)) {

    case 0:
        source_of(a, msg, &src);
        if (dn->enabled)
            guard_ok(a->cfg.guard, &src);
        return 0;

    case EACCES:
        failed(a, msg, user);
        return EACCES;

    default: /* too old, used before, or of an earlier start of ours: nothing was guessed by it */
        challenge(a, msg, c.qop[0] != 0);
        return EACCES;
    }
}

#include "sip/registrar.h"
#include "sip/auth.h"
#include "sip/regmsg.h"
#include "sip/stack_priv.h"

#include "core/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REGISTRAR_STRANGER_MS = 30000, REGISTRAR_GUEST_MS = 1800000 };

struct registrar {
    struct sip_stack *st;
    struct registrar_config cfg;
    struct auth *auth;
    struct sessions *sessions;
    struct sip_lsnr *lsnr;
};

/* ------------------------------------------------------------------ serving it */

/* The binding as it is now (NULL: none); JsSIP finds itself by +sip.instance and reg-id. */
static void reply_ok(struct registrar *r, const struct sip_msg *msg, const struct session *s,
                     const struct regmsg *w)
{
    const struct binding *b = s ? session_binding(s) : NULL;

    if (!b) {
        (void)sip_treply(NULL, r->st->sip, msg, 200, "OK");
        return;
    }
    (void)sip_treplyf(NULL, NULL, r->st->sip, msg, false, 200, "OK",
                      "Contact: <%s>;expires=%u%s%s%s%r\r\nContent-Length: 0\r\n\r\n", b->contact,
                      session_seconds(s), b->instance[0] ? ";+sip.instance=" : "", b->instance,
                      w->reg_id.l ? ";reg-id=" : "", w->reg_id.l ? &w->reg_id : NULL);
}

static void unbind(struct registrar *r, const struct sip_msg *msg, const struct regmsg *w, uint64_t conn)
{
    struct session *s = session_by_dn(r->sessions, w->dn);
    const struct binding *b = s ? session_binding(s) : NULL;

    /* An old page that closes must not sign out the new one. */
    if (b && (w->all || b->ws_conn == conn || !strcmp(b->contact, w->contact)))
        session_sign_out(s, REG_REMOVED);
    reply_ok(r, msg, NULL, w);
}

enum take_over { TAKE_IDLE, TAKE_ANY, TAKE_CALLS, TAKE_NONE };

static enum take_over takes_over(const struct sip_msg *msg)
{
    const struct sip_hdr *hdr = sip_msg_xhdr(msg, "X-Dngate-Take-Over");

    if (!hdr)
        return TAKE_IDLE;
    return !pl_strcasecmp(&hdr->val, "yes")     ? TAKE_ANY
           : !pl_strcasecmp(&hdr->val, "calls") ? TAKE_CALLS
           : !pl_strcasecmp(&hdr->val, "no")    ? TAKE_NONE
                                                : TAKE_IDLE;
}

static bool has_no_calls(const struct sip_msg *msg)
{
    const struct sip_hdr *hdr = sip_msg_xhdr(msg, "X-Dngate-Calls");

    return hdr && !pl_strcasecmp(&hdr->val, "none");
}

/* Why a password that signed in no longer does; NULL: it does. */
static const char *dropped(const struct registrar *r, const char *dn, const struct registrar_dn *was)
{
    const char *why = NULL;
    struct registrar_dn now;
    int err;

    memset(&now, 0, sizeof(now));
    err = r->cfg.lookup(dn, &now, r->cfg.arg);
    if (err == ENOENT)
        why = "DN removed";
    else if (!err && !now.enabled)
        why = "DN disabled";
    else if (!err && !auth_same_password(&now, was))
        why = "password changed";
    explicit_bzero(&now, sizeof(now));
    return why;
}

/* What a browser that does not get the DN is told: one of them. */
struct refusal {
    const char *elsewhere, *leaving;
};

/* own: its session, when it has a call there and is not signed in; dn: whom its credentials prove. False: it gets the DN. */
static bool refused(const struct registrar *r, struct refusal *no, const struct regmsg *w,
                    const struct sip_msg *msg, uint64_t conn, const struct session *own,
                    const struct registrar_dn *dn)
{
    const struct session *s = session_by_dn(r->sessions, w->dn), *here = session_by_conn(r->sessions, conn);
    const enum take_over how = takes_over(msg);
    const char *why;

    *no = (struct refusal){NULL, NULL};
    if (!dn->enabled)
        no->leaving = (why = dropped(r, w->dn, dn)) ? why : "password changed";
    else if (how == TAKE_ANY || how == TAKE_CALLS)
        return false;
    else if (own && session_leaving(own) == SESSION_CLOSE_TAKEN)
        no->elsewhere = "signed-in"; /* by the agent's own doing, and for good: also when nobody has it now */
    else if (s && s != here && !session_same_browser(s, w->dn, w->instance)) {
        if (!own && session_in_call(s))
            no->elsewhere = "in-call";
        else if (own || how == TAKE_NONE || (here && session_state(here) == SESSION_LEAVING))
            no->elsewhere = "signed-in";
    } else if (own && session_leaving(own) && how == TAKE_NONE)
        no->leaving = session_leaving_reason(own);
    return no->elsewhere || no->leaving;
}

static void agent_of(char *buf, size_t sz, const struct sip_msg *msg)
{
    const struct sip_hdr *ua = sip_msg_hdr(msg, SIP_HDR_USER_AGENT);
    struct pl pl = {ua ? ua->val.p : "", ua ? ua->val.l : 0};

    if (pl.l >= sz)
        pl.l = sz - 1;
    (void)pl_strcpy(&pl, buf, sz);
}

static void refusal_tell(const struct registrar *r, const struct sip_msg *msg, const char *dn,
                         const char *why)
{
    char ua[sizeof(((struct binding *)0)->user_agent)];
    struct sip_origin o;

    if (!r->cfg.refused || sip_stack_origin(r->st, msg, &o))
        return;
    agent_of(ua, sizeof(ua), msg);
    r->cfg.refused(dn, &o.peer, ua, why, r->cfg.arg);
}

static void refuse(struct registrar *r, const struct sip_msg *msg, const struct regmsg *w,
                   const struct refusal *no)
{
    const char *val = no->leaving ? no->leaving : no->elsewhere;
    char words[128];

    if (no->leaving)
        (void)snprintf(words, sizeof(words), "DN %s is not signed in any more: %s", w->dn, val);
    else
        (void)snprintf(words, sizeof(words), "DN %s is %s elsewhere", w->dn,
                       strcmp(val, "in-call") ? "signed in" : "in a call");
    log_info("sip", "dn=%s why=\"%s\" not registered", w->dn, val);
    refusal_tell(r, msg, w->dn, words);
    (void)sip_treplyf(NULL, NULL, r->st->sip, msg, false, 403, words,
                      "X-Dngate-%s: %s\r\nWarning: 399 dngate \"%s\"\r\nContent-Length: 0\r\n\r\n",
                      no->leaving ? "Leaving" : "Elsewhere", val, words);
}

static void binding_of(struct binding *b, const struct regmsg *w, const struct sip_msg *msg,
                       const struct sip_origin *o)
{
    *b = (struct binding){.ws_conn = o->ws_conn, .peer = o->peer};
    memcpy(b->dn, w->dn, sizeof(b->dn));
    memcpy(b->contact, w->contact, sizeof(b->contact));
    memcpy(b->instance, w->instance, sizeof(b->instance));
    agent_of(b->user_agent, sizeof(b->user_agent), msg);
    b->no_calls = has_no_calls(msg);
    b->takes_calls = takes_over(msg) == TAKE_CALLS;
}

/* It asks for the DN, for so many seconds. own: see refused(). */
static void bind_dn(struct registrar *r, const struct sip_msg *msg, const struct regmsg *w,
                    const struct sip_origin *o, struct session *own, const struct registrar_dn *dn)
{
    struct session *s = NULL;
    enum registrar_event ev;
    struct refusal no;
    struct binding b;
    int err;

    binding_of(&b, w, msg, o);
    if (refused(r, &no, w, msg, o->ws_conn, own, dn)) {
        err = !own         ? 0
              : no.leaving ? session_return(own, &b, SESSION_CLOSE_DROPPED, no.leaving)
                           : session_return(own, &b, SESSION_CLOSE_TAKEN, "signed in elsewhere");
        if (!err)
            refuse(r, msg, w, &no);
    } else {
        err = session_sign_in(&s, r->sessions, &b, dn, w->expires, &ev);
        if (!err) {
            reply_ok(r, msg, s, w);
            session_told(s, ev);
        }
    }
    if (err)
        (void)sip_treply(NULL, r->st->sip, msg, 503, "Service Unavailable");
}

static void guest_over(const struct registrar *r, const struct sip_msg *msg)
{
    (void)sip_treply(NULL, r->st->sip, msg, 403, "This Self-Test Is Over");
}

/* Its page's stack wants to register before it calls. */
static void serve_guest(const struct registrar *r, const struct sip_msg *msg, const struct regmsg *w)
{
    if (w->expires && w->present)
        (void)sip_treplyf(NULL, NULL, r->st->sip, msg, false, 200, "OK",
                          "Contact: <%s>;expires=%u\r\nContent-Length: 0\r\n\r\n", w->contact,
                          w->expires < r->cfg.expires_max ? w->expires : r->cfg.expires_max);
    else
        (void)sip_treply(NULL, r->st->sip, msg, 200, "OK");
}

static void serve(struct registrar *r, const struct sip_msg *msg, const struct regmsg *w, struct session *own,
                  const struct registrar_dn *dn)
{
    struct regmsg granted = *w;
    struct sip_origin o;

    (void)sip_stack_origin(r->st, msg, &o);
    if (!dn->enabled) {
        bind_dn(r, msg, w, &o, own, dn);
    } else if (!w->present) {
        reply_ok(r, msg, session_by_dn(r->sessions, w->dn), w);
    } else if (!w->expires) {
        unbind(r, msg, w, o.ws_conn);
    } else if (w->expires < r->cfg.expires_min) {
        (void)sip_treplyf(NULL, NULL, r->st->sip, msg, false, 423, "Interval Too Brief",
                          "Min-Expires: %u\r\nContent-Length: 0\r\n\r\n", r->cfg.expires_min);
    } else {
        if (granted.expires > r->cfg.expires_max)
            granted.expires = r->cfg.expires_max;
        bind_dn(r, msg, &granted, &o, own, dn);
    }
}

/* Its sender has proved who he is. */
static void no_stranger(const struct registrar *r, const struct sip_msg *msg, const struct registrar_dn *dn)
{
    struct session *s = session_of(r->sessions, ((const struct sip_conn *)msg->sock)->id);

    if (s && dn->guest && dn->enabled)
        session_guest(s, r->cfg.guest_ms);
    else if (s && !dn->guest)
        session_known(s);
}

/* A user part that no DN can have is asked for like any other, and found unknown. */
static void user_copy(char *buf, size_t sz, const struct pl *user)
{
    if (re_snprintf(buf, sz, "%H", uri_user_unescape, user) < 0)
        buf[0] = 0;
}

static void register_now(const struct sip_msg *msg, void *arg)
{
    struct registrar *r = arg;
    const struct sip_conn *conn = msg->sock;
    struct regmsg w = {.expires = 0};
    struct session *own = NULL;
    struct registrar_dn dn;
    int err;

    if (msg->tp == SIP_TRANSP_WS && conn->closed)
        return; /* while it waited */
    user_copy(w.dn, sizeof(w.dn), &msg->to.uri.user);
    err = regmsg_decode(&w, msg, r->cfg.expires_default);
    if (!err)
        own = session_of_browser(r->sessions, conn->id, w.dn, w.instance);
    if (own && (!session_in_call(own) || session_state(own) == SESSION_SIGNED_IN))
        own = NULL;
    if (!auth_check(r->auth, msg, w.dn, own ? session_dn(own) : NULL, &dn)) {
        no_stranger(r, msg, &dn);
        if (err)
            (void)sip_treply(NULL, r->st->sip, msg, 400, "Bad Contact Or Expires");
        else if (dn.guest && !dn.enabled)
            guest_over(r, msg);
        else if (dn.guest)
            serve_guest(r, msg, &w);
        else
            serve(r, msg, &w, own, &dn);
    }
    explicit_bzero(&dn, sizeof(dn));
}

static bool request_h(const struct sip_msg *msg, void *arg)
{
    struct registrar *r = arg;

    if (pl_strcmp(&msg->met, "REGISTER") || msg->tp != SIP_TRANSP_WS)
        return false;
    if (auth_gate(r->auth, msg, register_now, r) == AUTH_NOW)
        register_now(msg, r);
    return true;
}

/* ------------------------------------------------------------------ what others ask */

int registrar_alloc(struct registrar **rp, struct sip_stack *st, const struct registrar_config *cfg)
{
    struct registrar *r;
    int err;

    if (!rp || !st || !cfg || !cfg->lookup || !cfg->guard || !cfg->realm)
        return EINVAL;
    r = calloc(1, sizeof(*r));
    if (!r)
        return ENOMEM;
    r->st = st;
    r->cfg = *cfg;
    r->cfg.expires_min = cfg->expires_min ? cfg->expires_min : 60;
    r->cfg.expires_max = cfg->expires_max ? cfg->expires_max : 3600;
    r->cfg.expires_default = cfg->expires_default ? cfg->expires_default : 600;
    r->cfg.stranger_ms = cfg->stranger_ms ? cfg->stranger_ms : REGISTRAR_STRANGER_MS;
    r->cfg.guest_ms = cfg->guest_ms ? cfg->guest_ms : REGISTRAR_GUEST_MS;
    err = sessions_alloc(&r->sessions, st, r->cfg.stranger_ms);
    if (!err)
        err = auth_alloc(&r->auth, st, &r->cfg, r->sessions);
    if (!err)
        err = sip_listen(&r->lsnr, st->sip, true, request_h, r);
    if (err) {
        registrar_free(r);
        return err;
    }
    *rp = r;
    return 0;
}

void registrar_free(struct registrar *r)
{
    if (!r)
        return;
    mem_deref(r->lsnr);
    auth_free(r->auth);
    sessions_free(r->sessions);
    free(r);
}

int registrar_listen(struct registrar *r, registrar_h *h, void *arg)
{
    return sessions_listen(r->sessions, h, arg);
}

struct session *registrar_session(const struct registrar *r, uint64_t conn)
{
    return session_by_conn(r->sessions, conn);
}

const struct binding *registrar_find(const struct registrar *r, const char *dn)
{
    const struct session *s = dn ? session_by_dn(r->sessions, dn) : NULL;

    return s ? session_binding(s) : NULL;
}

uint64_t registrar_changes(const struct registrar *r)
{
    return sessions_changes(r->sessions);
}

size_t registrar_count(const struct registrar *r)
{
    return sessions_count(r->sessions);
}

void registrar_each(const struct registrar *r, registrar_each_h *h, void *arg)
{
    sessions_each(r->sessions, h, arg);
}

void registrar_drop(struct registrar *r, const char *dn, const char *reason)
{
    struct session *s = session_by_dn(r->sessions, dn);

    if (s)
        session_leave(s, SESSION_CLOSE_DROPPED, reason);
}

static bool recheck_h(const struct binding *b, void *arg)
{
    struct registrar *r = arg;
    struct session *s = session_by_dn(r->sessions, b->dn);
    const char *why = dropped(r, b->dn, session_dn(s));

    if (why)
        session_leave(s, SESSION_CLOSE_DROPPED, why);
    return false;
}

void registrar_recheck(struct registrar *r, const char *dn)
{
    const struct session *s;

    if (!dn || !*dn) {
        sessions_each(r->sessions, recheck_h, r);
        return;
    }
    s = session_by_dn(r->sessions, dn);
    if (s)
        (void)recheck_h(session_binding(s), r);
}

/* Only registrations wait for the guard; another request that would have to is told to come back. */
static void busy_h(const struct sip_msg *msg, void *arg)
{
    struct registrar *r = arg;

    (void)sip_treply(NULL, r->st->sip, msg, 403, "Forbidden");
}

/*
 * Whom a request names as its sender: From, or, where that says nothing (RFC 3323 4.1.1.3), P-Preferred-Identity (RFC 3325 9.2). false:
 * nobody.
 */
static bool sender(char *user, size_t sz, const struct sip_msg *msg)
{
    const struct sip_hdr *preferred = sip_msg_hdr(msg, SIP_HDR_P_PREFERRED_IDENTITY);
    struct sip_addr a;

    if (pl_strcasecmp(&msg->from.uri.host, "anonymous.invalid")) {
        user_copy(user, sz, &msg->from.uri.user);
        return true;
    }
    if (!preferred || sip_addr_decode(&a, &preferred->val))
        return false;
    user_copy(user, sz, &a.uri.user);
    return true;
}

int registrar_authorize(struct registrar *r, const struct sip_msg *msg, char *dn, size_t dnsz)
{
    struct registrar_dn row;
    struct session *s;
    struct sip_origin o;
    char user[64] = "";
    bool over;
    int err;

    if (sip_stack_origin(r->st, msg, &o) || o.source != SIP_FROM_AGENT)
        return EACCES;
    s = session_by_conn(r->sessions, o.ws_conn);
    if (s && session_state(s) == SESSION_LEAVING) {
        (void)sip_treply(NULL, r->st->sip, msg, 403, "DN Is No Longer Signed In Here");
        return EACCES;
    }
    if (s && session_state(s) != SESSION_SIGNED_IN)
        s = NULL;
    if (!sender(user, sizeof(user), msg) && s)
        memcpy(user, session_binding(s)->dn, sizeof(user));
    if (s && strcmp(session_binding(s)->dn, user)) {
        (void)sip_treply(NULL, r->st->sip, msg, 403, "From Is Not The Registered DN");
        return EACCES;
    }
    if (!s) {
        if (auth_gate(r->auth, msg, busy_h, r) != AUTH_NOW)
            return EACCES;
        err = auth_check(r->auth, msg, user, NULL, &row);
        if (!err)
            no_stranger(r, msg, &row);
        over = !err && !row.enabled;
        explicit_bzero(&row, sizeof(row));
        if (over)
            guest_over(r, msg);
        if (err || over)
            return EACCES;
    }
    if (strlen(user) >= dnsz)
        return EOVERFLOW;
    memcpy(dn, user, strlen(user) + 1);
    return 0;
}

#include "admin/session.h"
#include "admin/apipriv.h"
#include "core/json.h"
#include "core/log.h"
#include "core/metric.h"
#include "service/session.h"
#include "service/setup.h"
#include "version.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

METRIC_COUNTER(signin_ok, "dngate_admin_signins_total", "result=\"ok\"", "Sign-ins to the console");
METRIC_COUNTER(signin_wrong, "dngate_admin_signins_total", "result=\"wrong\"", "Sign-ins to the console");
METRIC_COUNTER(signin_code, "dngate_admin_signins_total", "result=\"code_wanted\"",
               "Sign-ins to the console");

struct admin_session {
    bool lab;
};

static const char *text(const struct api_call *c, const char *name)
{
    const char *s = json_get_str(c->body, name);

    return s ? s : "";
}

/* ---------------------------------------------------------------- signing in and out */

static void signed_in(struct api_call *c, const struct session *s, const char *token)
{
    char csrf[SHA256_HEXLEN];

    api_csrf(c, csrf, token);
    api_cookie(c, token);
    buf_puts(c->out, "{");
    api_put_str(c->out, "name", s->user);
    api_put_str(c->out, "role", user_role_name(s->role));
    api_put_str(c->out, "csrf", csrf);
    api_put_int(c->out, "expires_ms", service_session_until(c->sv, s));
    buf_puts(c->out, "}");
}

static int refuse(struct api_call *c, int err, const struct service_signin *in, const char *peer)
{
    struct service sv = *c->sv;
    bool open = false;

    if (err != EACCES)
        return err;
    if (!service_setup_is_open(&sv, &open) && open)
        return service_fail(c->sv, err, "%s", API_NO_ADMIN);
    if (in->totp_wanted && !*in->code) { /* no guess: nothing was guessed yet */
        metric_add(&signin_code, 1);
        snprintf(c->problem, sizeof(c->problem), ",\"totp\":true");
        return err;
    }
    if (in->totp_wanted)
        snprintf(c->problem, sizeof(c->problem), ",\"totp\":true");
    metric_add(&signin_wrong, 1);
    if (in->waits) /* nothing was guessed */
        return err;
    log_warn_limited("admin", "peer=%s sign-in to the console refused", peer);
    api_guess(c, false);
    return err;
}

static int login_h(struct api_call *c)
{
    char peer[ADDR_STRLEN], token[TOKEN_MAX];
    struct service_signin in = {.name = text(c, "name"),
                                .password = text(c, "password"),
                                .code = text(c, "code"),
                                .address = addr_ip(c->peer, peer, sizeof(peer)),
                                .user_agent = c->user_agent};
    struct session s;
    const int err = service_signin(c->sv, &in, &s, token);

    if (err)
        return refuse(c, err, &in, peer);
    api_guess(c, true);
    metric_add(&signin_ok, 1);
    log_info("admin", "user=%s peer=%s signed in", s.user, peer);
    signed_in(c, &s, token);
    explicit_bzero(token, sizeof(token));
    return 0;
}

static int no_session(struct api_call *c)
{
    return service_fail(c->sv, EPERM, "This is for who is signed in by the console; a key has no session.");
}

static int logout_h(struct api_call *c)
{
    const int err = c->who->by_key ? no_session(c) : service_session_end(c->sv, c->who->id, c->who->name);

    if (err && err != ENOENT)
        return err;
    log_info("admin", "user=%s peer=%s signed out", c->who->name, c->who->address);
    api_cookie(c, NULL);
    return 0;
}

static int session_h_(struct api_call *c)
{
    const struct admin_session *a = c->arg;

    buf_puts(c->out, "{");
    api_put_str(c->out, "name", c->who->name);
    api_put_str(c->out, "role", user_role_name(c->who->role));
    api_put_str(c->out, "csrf", c->csrf);
    api_put_int(c->out, "expires_ms", c->who->expires_ms);
    api_put_bool(c->out, "totp", c->who->totp);
    api_put_bool(c->out, "lab", a->lab);
    api_put_str(c->out, "version", DNGATE_VERSION);
    api_put_str(c->out, "host", c->host);
    buf_puts(c->out, "}");
    return 0;
}

static int password_h(struct api_call *c)
{
    int err;

    if (c->who->by_key)
        return no_session(c);
    err = service_session_password(c->sv, c->who->name, c->who->id, text(c, "old"), text(c, "new"));
    if (err == EACCES) {
        api_guess(c, false);
        return EINVAL;
    }
    return err;
}

/* ---------------------------------------------------------------- the second factor */

static int totp_offer_h(struct api_call *c)
{
    char secret[TOTP_TEXT_MAX], uri[SERVICE_TOTP_URI_MAX];
    int err;

    if (c->who->by_key)
        return no_session(c);
    err = service_totp_offer(c->sv, c->who->name, c->who->id, secret, uri);
    if (err)
        return err;
    buf_puts(c->out, "{");
    api_put_str(c->out, "secret", secret);
    api_put_str(c->out, "uri", uri);
    buf_puts(c->out, "}");
    explicit_bzero(secret, sizeof(secret));
    explicit_bzero(uri, sizeof(uri));
    return 0;
}

static int totp_accept_h(struct api_call *c)
{
    char recovery[RECOVERY_CODES][RECOVERY_MAX];
    int err;

    if (c->who->by_key)
        return no_session(c);
    err = service_totp_accept(c->sv, c->who->name, c->who->id, text(c, "code"), recovery);
    if (err)
        return err;
    buf_puts(c->out, "{");
    api_put_name(c->out, "recovery");
    buf_puts(c->out, "[");
    for (size_t i = 0; i < RECOVERY_CODES; i++) {
        buf_puts(c->out, i ? "," : "");
        buf_json_str(c->out, recovery[i]);
    }
    buf_puts(c->out, "]}");
    explicit_bzero(recovery, sizeof(recovery));
    return 0;
}

static int totp_off_h(struct api_call *c)
{
    int err;

    if (c->who->by_key)
        return no_session(c);
    err = service_totp_off(c->sv, c->who->name, c->who->id, text(c, "password"));
    if (err == EACCES) {
        api_guess(c, false);
        return EINVAL;
    }
    return err;
}

/* ---------------------------------------------------------------- the first administrator */

static int setup_get_h(struct api_call *c)
{
    const struct admin_session *a = c->arg;
    bool open;
    const int err = service_setup_is_open(c->sv, &open);

    if (err)
        return err;
    buf_puts(c->out, "{");
    api_put_bool(c->out, "open", open);
    api_put_bool(c->out, "lab", a->lab);
    api_put_str(c->out, "version", DNGATE_VERSION);
    buf_puts(c->out, "}");
    return 0;
}

static int setup_h(struct api_call *c)
{
    char peer[ADDR_STRLEN], token[TOKEN_MAX];
    const struct service_signin in = {.name = text(c, "name"),
                                      .address = addr_ip(c->peer, peer, sizeof(peer)),
                                      .user_agent = c->user_agent};
    struct session s;
    int err = service_setup(c->sv, text(c, "token"), in.name, text(c, "password"), peer);

    if (err == EACCES)
        api_guess(c, false);
    if (!err)
        err = service_session_open(c->sv, &in, &s, token);
    if (err)
        return err;
    log_info("admin", "user=%s peer=%s is the first administrator", s.user, peer);
    signed_in(c, &s, token);
    explicit_bzero(token, sizeof(token));
    return 0;
}

/* ---------------------------------------------------------------- all of them */

struct listing {
    const struct api_call *c;
    int64_t n;
};

static bool list_each_h(const struct session *s, void *arg)
{
    struct listing *l = arg;
    struct buf *out = l->c->out;

    api_item(out);
    api_put_str(out, "id", s->id);
    api_put_str(out, "name", s->user);
    api_put_str(out, "role", user_role_name(s->role));
    api_put_str(out, "address", s->address);
    api_put_str(out, "user_agent", s->user_agent);
    api_put_int(out, "created_ms", s->created_ms);
    api_put_int(out, "seen_ms", s->seen_ms);
    api_put_int(out, "expires_ms", s->expires_ms);
    api_put_bool(out, "current", !l->c->who->by_key && !strcmp(s->id, l->c->who->id));
    buf_puts(out, "}");
    l->n++;
    return false;
}

/* An administrator sees all, others their own; not a key, whose name may be that of a user. */
static bool may_look(const struct api_call *c)
{
    return c->who->role == USER_ADMIN || !c->who->by_key;
}

static const char *whose(const struct api_call *c)
{
    return c->who->role == USER_ADMIN ? NULL : c->who->name;
}

static int list_h(struct api_call *c)
{
    struct listing l = {.c = c};
    int err;

    if (!may_look(c))
        return no_session(c);
    api_list_begin(c->out);
    err = service_session_each(c->sv, whose(c), list_each_h, &l);
    api_list_end(c->out, l.n, "");
    return err;
}

static int end_h(struct api_call *c)
{
    return may_look(c) ? service_session_end(c->sv, c->params[0], whose(c)) : no_session(c);
}

/* ---------------------------------------------------------------- tables */

#define ROLES "admin|supervisor|readonly"

static const struct api_value login_body[] = {
    {.name = "name", .type = API_TEXT, .needed = true, .min = 1, .max = 63},
    {.name = "password", .type = API_SECRET, .needed = true, .min = 1, .max = 1024},
    {.name = "code",
     .type = API_SECRET,
     .min = 0,
     .max = 32,
     .help = "Of the second factor, or one of the codes of recovery; wanted when a 401 says \"totp\":true."},
};
static const struct api_value login_answer[] = {
    {.name = "name", .type = API_TEXT, .needed = true},
    {.name = "role", .type = API_TEXT, .needed = true, .choices = ROLES},
    {.name = "csrf",
     .type = API_TEXT,
     .needed = true,
     .help = "Send it as X-CSRF-Token with everything but GET."},
    {.name = "expires_ms", .type = API_TIME, .needed = true, .help = "When nothing more is done."},
};
static const struct api_value session_answer[] = {
    {.name = "name", .type = API_TEXT, .needed = true},
    {.name = "role", .type = API_TEXT, .needed = true, .choices = ROLES},
    {.name = "csrf", .type = API_TEXT, .needed = true, .help = "\"\" for a key."},
    {.name = "expires_ms", .type = API_TIME, .needed = true, .help = "0: never."},
    {.name = "totp", .type = API_BOOL, .needed = true},
    {.name = "lab", .type = API_BOOL, .needed = true, .help = "The box runs in lab mode."},
    {.name = "version", .type = API_TEXT, .needed = true},
    {.name = "host", .type = API_TEXT, .needed = true, .help = "As the browser names this box."},
};
static const struct api_value password_body[] = {
    {.name = "old", .type = API_SECRET, .needed = true, .min = 1, .max = 1024},
    {.name = "new", .type = API_SECRET, .needed = true, .min = 8, .max = 1024},
};
static const struct api_value totp_answer[] = {
    {.name = "secret", .type = API_TEXT, .needed = true, .help = "To type into an authenticator app."},
    {.name = "uri", .type = API_TEXT, .needed = true, .help = "The same for a QR code."},
};
static const struct api_value totp_body[] = {
    {.name = "code", .type = API_SECRET, .needed = true, .min = 6, .max = 6},
};
static const struct api_value recovery_answer[] = {
    {.name = "recovery",
     .type = API_LIST,
     .needed = true,
     .help = "Codes for who has lost the device, each good once. They are told this once only."},
};
static const struct api_value totp_off_body[] = {
    {.name = "password", .type = API_SECRET, .needed = true, .min = 1, .max = 1024},
};
static const struct api_value setup_answer[] = {
    {.name = "open", .type = API_BOOL, .needed = true, .help = "There is no administrator yet."},
    {.name = "lab", .type = API_BOOL, .needed = true},
    {.name = "version", .type = API_TEXT, .needed = true},
};
static const struct api_value setup_body[] = {
    {.name = "token",
     .type = API_SECRET,
     .needed = true,
     .min = 1,
     .max = 64,
     .help = "Of the set-up link; dngate setup-link makes one."},
    {.name = "name", .type = API_TEXT, .needed = true, .min = 1, .max = 63},
    {.name = "password", .type = API_SECRET, .needed = true, .min = 8, .max = 1024},
};
static const struct api_value sessions_answer[] = {
    {.name = "id", .type = API_TEXT, .needed = true},
    {.name = "name", .type = API_TEXT, .needed = true, .help = "Of the user."},
    {.name = "role", .type = API_TEXT, .needed = true, .choices = ROLES},
    {.name = "address", .type = API_TEXT, .needed = true},
    {.name = "user_agent", .type = API_TEXT, .needed = true},
    {.name = "created_ms", .type = API_TIME, .needed = true},
    {.name = "seen_ms", .type = API_TIME, .needed = true, .help = "To a minute."},
    {.name = "expires_ms", .type = API_TIME, .needed = true, .help = "Whatever is done until then."},
    {.name = "current", .type = API_BOOL, .needed = true, .help = "It is the one that asks."},
};

static const struct api_route routes[] = {
    {.method = "POST",
     .path = "/login",
     .access = API_OPEN,
     .summary = "Signs in: sets the cookie of a session.",
     .h = login_h,
     .slow = true,
     .guarded = true,
     API_BODY(login_body),
     API_ANSWER(login_answer)},
    {.method = "POST",
     .path = "/logout",
     .access = API_READONLY,
     .summary = "Ends the session.",
     .h = logout_h},
    {.method = "GET",
     .path = "/session",
     .access = API_READONLY,
     .summary = "Who is signed in, and what a page needs to know of the box.",
     .h = session_h_,
     API_ANSWER(session_answer)},
    {.method = "POST",
     .path = "/session/password",
     .access = API_READONLY,
     .summary = "Changes one's own password; one's other sessions end.",
     .h = password_h,
     .slow = true,
     .guarded = true,
     API_BODY(password_body)},
    {.method = "POST",
     .path = "/session/totp",
     .access = API_READONLY,
     .summary = "Offers a second factor (RFC 6238); a code of it turns it on.",
     .h = totp_offer_h,
     API_ANSWER(totp_answer)},
    {.method = "PUT",
     .path = "/session/totp",
     .access = API_READONLY,
     .summary = "Turns the offered second factor on.",
     .h = totp_accept_h,
     API_BODY(totp_body),
     API_ANSWER(recovery_answer)},
    {.method = "DELETE",
     .path = "/session/totp",
     .access = API_READONLY,
     .summary = "Turns one's second factor off.",
     .h = totp_off_h,
     .slow = true,
     .guarded = true,
     API_BODY(totp_off_body)},
    {.method = "GET",
     .path = "/setup",
     .access = API_OPEN,
     .summary = "Whether this box waits for its first administrator.",
     .h = setup_get_h,
     API_ANSWER(setup_answer)},
    {.method = "POST",
     .path = "/setup",
     .access = API_OPEN,
     .summary = "Makes the first administrator, by the one-time link, and signs in.",
     .h = setup_h,
     .slow = true,
     .guarded = true,
     API_BODY(setup_body),
     API_ANSWER(login_answer)},
    {.method = "GET",
     .path = "/sessions",
     .access = API_READONLY,
     .summary = "Who is signed in where; who is no administrator sees his own.",
     .h = list_h,
     .list = true,
     API_ANSWER(sessions_answer)},
    {.method = "DELETE",
     .path = "/sessions/{id}",
     .access = API_READONLY,
     .summary = "Ends a session; who is no administrator, one of his own.",
     .h = end_h},
};

int admin_session_alloc(struct admin_session **ap, bool lab)
{
    struct admin_session *a = calloc(1, sizeof(*a));
    int err;

    if (!a)
        return ENOMEM;
    a->lab = lab;
    err = api_routes(routes, sizeof(routes) / sizeof(routes[0]), a);
    if (err)
        free(a);
    else
        *ap = a;
    return err;
}

void admin_session_free(struct admin_session *a)
{
    free(a);
}

#include "admin/restart.h"
#include "admin/api.h"
#include "core/json.h"
#include "service/restart.h"

#include <errno.h>

static int get_h(struct api_call *c)
{
    struct service_restart_state st;
    const int err = service_restart_get(c->sv, &st);

    if (err)
        return err;
    buf_puts(c->out, "{");
    api_put_name(c->out, "pending");
    buf_puts(c->out, "[");
    for (size_t i = 0; i < st.pending_count; i++) {
        buf_puts(c->out, i ? "," : "");
        buf_json_str(c->out, st.pending[i]);
    }
    buf_puts(c->out, "]");
    api_put_bool(c->out, "waiting", st.asked == RESTART_IDLE);
    api_put_str(c->out, "when", restart_when_name(st.asked));
    api_put_bool(c->out, "under_way", st.under_way);
    api_put_int(c->out, "calls", (int64_t)st.calls);
    buf_puts(c->out, "}");
    return 0;
}

static int ask_h(struct api_call *c)
{
    enum restart_when when = RESTART_NONE;
    int err;

    (void)restart_when_decode(&when, json_get_str(c->body, "when")); /* it is one of the choices */
    err = service_restart(c->sv, when);
    if (err)
        return err;
    c->status = 202;
    return get_h(c);
}

static int cancel_h(struct api_call *c)
{
    return service_restart_cancel(c->sv);
}

static const struct api_value body[] = {
    {.name = "when",
     .type = API_TEXT,
     .needed = true,
     .choices = "now|drain|idle",
     .help = "now: calls that run are ended; drain: no new calls, those that run have drain.seconds; idle: "
             "calls are taken "
             "until a moment comes in which none runs."},
    {.name = "reason", .type = API_TEXT, .max = 255},
};
static const struct api_value answer[] = {
    {.name = "pending",
     .type = API_LIST,
     .needed = true,
     .help = "Keys of settings whose change waits for it."},
    {.name = "waiting", .type = API_BOOL, .needed = true, .help = "For a moment without calls."},
    {.name = "when", .type = API_TEXT, .needed = true, .help = "As asked; empty: no restart was asked for."},
    {.name = "under_way", .type = API_BOOL, .needed = true},
    {.name = "calls", .type = API_INT, .needed = true, .help = "That run now."},
};

static const struct api_route routes[] = {
    {.method = "GET",
     .path = "/restart",
     .access = API_READONLY,
     .summary = "Whether a restart waits, and for what.",
     .h = get_h,
     API_ANSWER(answer)},
    {.method = "POST",
     .path = "/restart",
     .access = API_ADMIN,
     .summary = "Starts the server again, in the same process.",
     .h = ask_h,
     API_BODY(body),
     API_ANSWER(answer)},
    {.method = "DELETE",
     .path = "/restart",
     .access = API_ADMIN,
     .summary = "Takes back a restart that waits for a moment without calls.",
     .h = cancel_h},
};

int admin_restart_routes(void)
{
    return api_routes(routes, sizeof(routes) / sizeof(routes[0]), NULL);
}

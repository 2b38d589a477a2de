#include "admin/trunks.h"
#include "admin/api.h"
#include "core/json.h"
#include "service/trunk.h"
#include "service/trunktest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PRIORITY_MAX = 1000, PING_MAX = 3600, CODECS_MAX = 4, PTIME_MIN = 10, PTIME_MAX = 60 };

/* ------------------------------------------------------------------ values */

static void codecs_put(struct buf *out, const char *codecs)
{
    char list[64], *save = NULL;
    bool first = true;

    snprintf(list, sizeof(list), "%s", codecs);
    api_put_name(out, "codecs");
    buf_puts(out, "[");
    for (char *p = strtok_r(list, ",", &save); p; p = strtok_r(NULL, ",", &save), first = false) {
        buf_puts(out, first ? "" : ",");
        buf_json_str(out, p);
    }
    buf_puts(out, "]");
}

static void trunk_put(struct buf *out, const struct trunk *t)
{
    api_put_str(out, "name", t->name);
    api_put_str(out, "host", t->host);
    api_put_int(out, "port", t->port);
    api_put_str(out, "transport", trunk_transport_name(t->transport));
    api_put_str(out, "username", t->username);
    api_put_bool(out, "password_set", t->password_set);
    api_put_bool(out, "registers", t->registers);
    api_put_bool(out, "enabled", t->enabled);
    api_put_int(out, "priority", t->priority);
    api_put_int(out, "ping_seconds", t->ping_seconds);
    codecs_put(out, t->codecs);
    api_put_int(out, "ptime", t->ptime);
    api_put_str(out, "tls_ca", t->tls_ca);
    api_put_str(out, "tls_name", t->tls_name);
    api_put_str(out, "tls_cert", t->tls_cert);
}

static int trunk_write(struct api_call *c, const char *name)
{
    struct trunk t;
    const int err = service_trunk_get(c->sv, name, &t);

    if (err)
        return err;
    buf_puts(c->out, "{");
    trunk_put(c->out, &t);
    buf_puts(c->out, "}");
    return 0;
}

static void text_take(char *to, size_t sz, const struct json_val *body, const char *name)
{
    const char *s = json_get_str(body, name);

    if (s)
        snprintf(to, sz, "%s", s); /* the table bounds it */
}

static void codecs_take(struct trunk *t, const struct json_val *list)
{
    size_t used = 0;

    if (!list)
        return;
    t->codecs[0] = '\0';
    for (size_t i = 0; i < json_arr_size(list) && used < sizeof(t->codecs); i++)
        used += (size_t)snprintf(t->codecs + used, sizeof(t->codecs) - used, "%s%s", i ? "," : "",
                                 json_str(json_arr_at(list, i)));
}

/* What the body names; the rest stays. */
static void trunk_take(struct trunk *t, const struct json_val *body)
{
    const char *transport = json_get_str(body, "transport");
    int64_t n;

    text_take(t->host, sizeof(t->host), body, "host");
    text_take(t->username, sizeof(t->username), body, "username");
    text_take(t->password, sizeof(t->password), body, "password");
    text_take(t->tls_ca, sizeof(t->tls_ca), body, "tls_ca");
    text_take(t->tls_name, sizeof(t->tls_name), body, "tls_name");
    text_take(t->tls_cert, sizeof(t->tls_cert), body, "tls_cert");
    if (transport)
        (void)trunk_transport_decode(&t->transport, transport); /* it is one of the choices */
    if (json_get_int(body, "port", &n))
        t->port = (uint16_t)n;
    if (json_get_int(body, "priority", &n))
        t->priority = (int)n;
    if (json_get_int(body, "ping_seconds", &n))
        t->ping_seconds = (uint32_t)n;
    if (json_get_int(body, "ptime", &n))
        t->ptime = (uint32_t)n;
    (void)json_get_bool(body, "enabled", &t->enabled);
    (void)json_get_bool(body, "registers", &t->registers);
    codecs_take(t, json_get(body, "codecs"));
}

/* ------------------------------------------------------------------ handlers */

struct listing {
    struct buf *out;
    int64_t n;
};

static bool list_each_h(const struct trunk *t, void *arg)
{
    struct listing *l = arg;

    api_item(l->out);
    trunk_put(l->out, t);
    buf_puts(l->out, "}");
    l->n++;
    return false;
}

static int list_h(struct api_call *c)
{
    struct listing l = {.out = c->out};
    int err;

    api_list_begin(c->out);
    err = service_trunk_each(c->sv, list_each_h, &l);
    api_list_end(c->out, l.n, "");
    return err;
}

static int get_h(struct api_call *c)
{
    return trunk_write(c, c->params[0]);
}

static int add_h(struct api_call *c)
{
    struct trunk t;
    int err;

    service_trunk_init(&t);
    text_take(t.name, sizeof(t.name), c->body, "name");
    trunk_take(&t, c->body);
    if (!t.port)
        t.port = t.transport == TRUNK_TLS ? 5061 : 5060;
    err = service_trunk_add(c->sv, &t);
    explicit_bzero(t.password, sizeof(t.password));
    if (err)
        return err;
    c->status = 201;
    return trunk_write(c, t.name);
}

static int change_h(struct api_call *c)
{
    struct trunk t;
    int err = service_trunk_get(c->sv, c->params[0], &t);

    if (err)
        return err;
    trunk_take(&t, c->body);
    err = service_trunk_set(c->sv, &t, json_get(c->body, "password") != NULL);
    explicit_bzero(t.password, sizeof(t.password));
    return err ? err : trunk_write(c, t.name);
}

static int remove_h(struct api_call *c)
{
    return service_trunk_remove(c->sv, c->params[0]);
}

static int order_h(struct api_call *c)
{
    const struct json_val *list = json_get(c->body, "names");
    const char *names[TRUNKS_MAX];
    const size_t n = json_arr_size(list);
    int err;

    for (size_t i = 0; i < n && i < TRUNKS_MAX; i++)
        names[i] = json_str(json_arr_at(list, i));
    err = service_trunk_order(c->sv, names, n);
    return err ? err : list_h(c);
}

static int test_h(struct api_call *c)
{
    uint32_t id;
    const int err = service_trunktest_begin(c->sv, c->params[0], &id);

    if (err)
        return err;
    c->status = 202;
    buf_puts(c->out, "{");
    api_put_int(c->out, "id", id);
    buf_puts(c->out, "}");
    return 0;
}

static void steps_put(struct buf *out, const struct service_trunktest *t)
{
    api_put_name(out, "steps");
    buf_puts(out, "[");
    for (unsigned i = 0; i < TRUNKTEST_STEPS; i++) {
        if (!trunktest_has(t, (enum trunktest_name)i))
            continue;
        api_item(out);
        api_put_str(out, "name", trunktest_name((enum trunktest_name)i));
        api_put_str(out, "result", trunktest_result(t->steps[i].result));
        api_put_int(out, "ms", t->steps[i].ms);
        api_put_str(out, "detail", t->steps[i].detail);
        api_put_str(out, "advice", t->steps[i].advice);
        buf_puts(out, "}");
    }
    buf_puts(out, "]");
}

static int tested_h(struct api_call *c)
{
    struct service_trunktest t;
    int err = service_trunktest_look(c->sv, c->params[0], &t);

    if (err)
        return err;
    buf_puts(c->out, "{");
    api_put_int(c->out, "id", t.id);
    api_put_bool(c->out, "running", t.running);
    api_put_int(c->out, "started_ms", t.started_ms);
    steps_put(c->out, &t);
    buf_puts(c->out, "}");
    return 0;
}

/* ------------------------------------------------------------------ routes */

#define TRANSPORTS "udp|tcp|tls"
static const struct api_value answer[] = {
    {.name = "name", .type = API_TEXT, .needed = true},
    {.name = "host", .type = API_TEXT, .needed = true},
    {.name = "port", .type = API_INT, .needed = true},
    {.name = "transport", .type = API_TEXT, .needed = true, .choices = TRANSPORTS},
    {.name = "username", .type = API_TEXT, .needed = true},
    {.name = "password_set", .type = API_BOOL, .needed = true},
    {.name = "registers", .type = API_BOOL, .needed = true},
    {.name = "enabled", .type = API_BOOL, .needed = true},
    {.name = "priority", .type = API_INT, .needed = true, .help = "Lower is tried first."},
    {.name = "ping_seconds", .type = API_INT, .needed = true},
    {.name = "codecs", .type = API_LIST, .needed = true, .help = "In order of preference."},
    {.name = "ptime", .type = API_INT, .needed = true, .help = "Milliseconds of audio in a packet."},
    {.name = "tls_ca",
     .type = API_TEXT,
     .needed = true,
     .help = "PEM text or a path; empty: a CA that the machine trusts."},
    {.name = "tls_name",
     .type = API_TEXT,
     .needed = true,
     .help = "Whose certificate it must show; empty: host's."},
    {.name = "tls_cert",
     .type = API_TEXT,
     .needed = true,
     .help = "A path; empty: the certificate of the pages is shown."},
};
#define TRUNK_BODY_VALUES                                                                                    \
    {.name = "port", .type = API_INT, .min = 1, .max = 65535, .help = "When absent 5060, by TLS 5061."},     \
        {.name = "transport", .type = API_TEXT, .choices = TRANSPORTS},                                      \
        {.name = "tls_ca",                                                                                   \
         .type = API_TEXT,                                                                                   \
         .max = TRUNK_CA_TEXT_MAX - 1,                                                                       \
         .help = "Who must have signed its certificate: PEM text, or a file's path on the gateway."},        \
        {.name = "tls_name", .type = API_TEXT, .max = TRUNK_HOST_MAX - 1},                                   \
        {.name = "tls_cert",                                                                                 \
         .type = API_TEXT,                                                                                   \
         .max = TRUNK_FILE_MAX - 1,                                                                          \
         .help = "PEM file on the gateway: the certificate that it shows, and its key."},                    \
        {.name = "username",                                                                                 \
         .type = API_TEXT,                                                                                   \
         .max = TRUNK_SECRET_MAX - 1,                                                                        \
         .help = "For when the peer challenges us."},                                                        \
        {.name = "password", .type = API_SECRET, .max = TRUNK_SECRET_MAX - 1, .help = "Empty: none."},       \
        {.name = "registers",                                                                                \
         .type = API_BOOL,                                                                                   \
         .help = "DNs are registered there while their agents are signed in here."},                         \
        {.name = "enabled", .type = API_BOOL}, {.name = "priority", .type = API_INT, .max = PRIORITY_MAX},   \
        {.name = "ptime",                                                                                    \
         .type = API_INT,                                                                                    \
         .min = PTIME_MIN,                                                                                   \
         .max = PTIME_MAX,                                                                                   \
         .help = "Milliseconds of audio in a packet that we ask for, and send to who asks for nothing: 10, " \
                 "20, 30, 40, 50 or 60; 20 when absent."},                                                   \
        {.name = "ping_seconds",                                                                             \
         .type = API_INT,                                                                                    \
         .max = PING_MAX,                                                                                    \
         .help = "Between OPTIONS; 0: none, it counts as up."},                                              \
    {                                                                                                        \
        .name = "codecs", .type = API_LIST, .min = 1, .max = CODECS_MAX, .choices = "pcmu|pcma|g722|opus"    \
    }
static const struct api_value add_body[] = {
    {.name = "name", .type = API_TEXT, .needed = true, .min = 1, .max = TRUNK_NAME_MAX - 1},
    {.name = "host",
     .type = API_TEXT,
     .needed = true,
     .min = 1,
     .max = TRUNK_HOST_MAX - 1,
     .help = "An IP address or a name."},
    TRUNK_BODY_VALUES,
};
static const struct api_value change_body[] = {
    {.name = "host", .type = API_TEXT, .min = 1, .max = TRUNK_HOST_MAX - 1},
    TRUNK_BODY_VALUES,
};
static const struct api_value order_body[] = {
    {.name = "names",
     .type = API_LIST,
     .needed = true,
     .min = 1,
     .max = TRUNKS_MAX,
     .help = "All there are; the first is tried first."},
};
static const struct api_value test_answer[] = {{.name = "id", .type = API_INT, .needed = true}};
static const struct api_value step_values[] = {
    {.name = "name", .type = API_TEXT, .needed = true, .choices = "dns|reach|certificate|options|invite"},
    {.name = "result", .type = API_TEXT, .needed = true, .choices = "waits|running|ok|failed|skipped"},
    {.name = "ms", .type = API_INT, .needed = true},
    {.name = "detail", .type = API_TEXT, .needed = true},
    {.name = "advice", .type = API_TEXT, .needed = true},
};
static const struct api_value tested_answer[] = {
    {.name = "id", .type = API_INT, .needed = true},
    {.name = "running", .type = API_BOOL, .needed = true},
    {.name = "started_ms", .type = API_TIME, .needed = true},
    {.name = "steps", .type = API_LIST, .needed = true, API_VALUES(step_values)},
};

static const struct api_route routes[] = {
    {.method = "GET",
     .path = "/trunks",
     .access = API_READONLY,
     .summary = "The SIP Servers, in the order in which they are tried.",
     .h = list_h,
     .list = true,
     API_ANSWER(answer)},
    {.method = "POST",
     .path = "/trunks",
     .access = API_ADMIN,
     .summary = "Adds a SIP Server that calls go to and come from.",
     .h = add_h,
     API_BODY(add_body),
     API_ANSWER(answer)},
    {.method = "PUT",
     .path = "/trunks/order",
     .access = API_ADMIN,
     .summary = "In which order they are tried; answers like GET /trunks.",
     .h = order_h,
     API_BODY(order_body)},
    {.method = "GET",
     .path = "/trunks/{name}",
     .access = API_READONLY,
     .summary = "One trunk.",
     .h = get_h,
     API_ANSWER(answer)},
    {.method = "PATCH",
     .path = "/trunks/{name}",
     .access = API_ADMIN,
     .summary = "Changes what is given of a trunk and leaves the rest; calls that it carries go on.",
     .h = change_h,
     API_BODY(change_body),
     API_ANSWER(answer)},
    {.method = "DELETE",
     .path = "/trunks/{name}",
     .access = API_ADMIN,
     .summary = "Removes a trunk; calls that it carries go on.",
     .h = remove_h},
    {.method = "POST",
     .path = "/trunks/{name}/test",
     .access = API_ADMIN,
     .summary = "Begins a test: its name, the way there, by TLS its certificate, OPTIONS, a call to a number "
                "that nobody has.",
     .h = test_h,
     API_ANSWER(test_answer)},
    {.method = "GET",
     .path = "/trunks/{name}/test",
     .access = API_READONLY,
     .summary = "How far its last test is: ask until it runs no more.",
     .h = tested_h,
     API_ANSWER(tested_answer)},
};

int admin_trunks_routes(void)
{
    return api_routes(routes, sizeof(routes) / sizeof(routes[0]), NULL);
}

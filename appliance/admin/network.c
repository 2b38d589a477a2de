#include "admin/network.h"
#include "admin/api.h"
#include "service/network.h"

static void port_put(struct buf *out, const struct network_port *p)
{
    api_item(out);
    api_put_str(out, "way", p->way);
    api_put_str(out, "setting", p->setting);
    api_put_str(out, "protocol", p->protocol);
    api_put_int(out, "port", p->port);
    api_put_int(out, "port_to", p->port_to);
    api_put_str(out, "who", p->who);
    api_put_bool(out, "needed", p->needed);
    api_put_bool(out, "listening", p->listening);
    api_put_str(out, "state", network_state_name(p->state));
    api_put_str(out, "detail", p->detail);
    api_put_str(out, "advice", p->advice);
    buf_puts(out, "}");
}

static int get_h(struct api_call *c)
{
    struct service_network n;
    const int err = service_network_get(c->sv, &n);

    if (err)
        return err;
    buf_puts(c->out, "{");
    api_put_name(c->out, "addresses");
    buf_puts(c->out, "[");
    for (size_t i = 0; i < n.address_count; i++) {
        api_item(c->out);
        api_put_str(c->out, "address", n.addresses[i].address);
        api_put_str(c->out, "family", n.addresses[i].ipv6 ? "ipv6" : "ipv4");
        api_put_str(c->out, "why", n.addresses[i].why);
        buf_puts(c->out, "}");
    }
    buf_puts(c->out, "]");
    api_put_name(c->out, "ports");
    buf_puts(c->out, "[");
    for (size_t i = 0; i < n.count; i++)
        port_put(c->out, &n.ports[i]);
    buf_puts(c->out, "]");
    api_put_int(c->out, "checked_ms", n.checked_ms);
    buf_puts(c->out, "}");
    return 0;
}

static int test_h(struct api_call *c)
{
    const int err = service_network_test(c->sv);

    if (err)
        return err;
    c->status = 202;
    buf_puts(c->out, "{}");
    return 0;
}

static const struct api_value address_values[] = {
    {.name = "address", .type = API_TEXT, .needed = true},
    {.name = "family", .type = API_TEXT, .needed = true, .choices = "ipv4|ipv6"},
    {.name = "why", .type = API_TEXT, .needed = true},
};
static const struct api_value port_values[] = {
    {.name = "way", .type = API_TEXT, .needed = true},
    {.name = "setting", .type = API_TEXT, .needed = true},
    {.name = "protocol", .type = API_TEXT, .needed = true, .choices = "tcp|udp"},
    {.name = "port", .type = API_INT, .needed = true},
    {.name = "port_to", .type = API_INT, .needed = true, .help = "The last one; as port where there is one."},
    {.name = "who", .type = API_TEXT, .needed = true, .help = "Must reach it."},
    {.name = "needed", .type = API_BOOL, .needed = true, .help = "Nobody can work without it."},
    {.name = "listening", .type = API_BOOL, .needed = true},
    {.name = "state",
     .type = API_TEXT,
     .needed = true,
     .choices = "open|closed|unknown|untried",
     .help = "As the last look from outside in found."},
    {.name = "detail", .type = API_TEXT, .needed = true},
    {.name = "advice", .type = API_TEXT, .needed = true},
};
static const struct api_value answer[] = {
    {.name = "addresses", .type = API_LIST, .needed = true, API_VALUES(address_values)},
    {.name = "ports", .type = API_LIST, .needed = true, API_VALUES(port_values)},
    {.name = "checked_ms", .type = API_TIME, .needed = true, .help = "0: nobody has looked yet."},
};

static const struct api_route routes[] = {
    {.method = "GET",
     .path = "/network",
     .access = API_READONLY,
     .summary = "Which ports must be reached, by whom, and whether they are.",
     .h = get_h,
     API_ANSWER(answer)},
    {.method = "POST",
     .path = "/network/test",
     .access = API_SUPERVISOR,
     .summary = "Looks now; GET /network has another checked_ms when it is done.",
     .h = test_h},
};

int admin_network_routes(void)
{
    return api_routes(routes, sizeof(routes) / sizeof(routes[0]), NULL);
}

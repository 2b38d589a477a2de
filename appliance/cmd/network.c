/* dngate network: the ports of this configuration, who must reach them, and whether they do. */
#include "service/network.h"
#include "cmd/grid.h"
#include "cmd/verb.h"

#include <stdio.h>
#include <string.h>

static const char *range(char *buf, size_t sz, const struct network_port *p)
{
    snprintf(buf, sz, p->port_to > p->port ? "%s %u-%u" : "%s %u", p->protocol, p->port, p->port_to);
    return buf;
}

static void network_json(struct buf *out, const struct service_network *n)
{
    char checked[32];

    buf_puts(out, "{\"addresses\":[");
    for (size_t i = 0; i < n->address_count; i++) {
        buf_puts(out, i ? ",{" : "{");
        cmd_json_member(out, "address", n->addresses[i].address, true);
        cmd_json_member(out, "why", n->addresses[i].why, false);
        buf_puts(out, "}");
    }
    buf_puts(out, "],\n\"ports\":[");
    for (size_t i = 0; i < n->count; i++) {
        const struct network_port *p = &n->ports[i];

        buf_puts(out, i ? ",\n{" : "{");
        cmd_json_member(out, "way", p->way, true);
        cmd_json_member(out, "setting", p->setting, true);
        cmd_json_member(out, "protocol", p->protocol, true);
        buf_printf(out, "\"port\":%u,\"port_to\":%u,\"needed\":%s,\"listening\":%s,", p->port, p->port_to,
                   cmd_json_bool(p->needed), cmd_json_bool(p->listening));
        cmd_json_member(out, "who", p->who, true);
        cmd_json_member(out, "state", network_state_name(p->state), true);
        cmd_json_member(out, "detail", p->detail, true);
        cmd_json_member(out, "advice", p->advice, false);
        buf_puts(out, "}");
    }
    buf_puts(out, "],\n");
    cmd_json_member(out, "checked", cmd_time(checked, sizeof(checked), n->checked_ms), false);
    buf_puts(out, "}\n");
}

static int cmd_network_show(struct cmd *c, const struct args *a)
{
    static const char *const heads[] = {"WAY", "PORT", "SETTING", "FROM", "NEEDED", "STATE"};
    struct service_network n;
    char text[64];
    struct grid g;

    (void)a;
    if (service_network_get(&c->sv, &n))
        return cmd_refuse(c, "%s", c->sv.why);
    if (c->json) {
        network_json(c->out, &n);
        return CMD_OK;
    }
    grid_init(&g, 6);
    for (size_t i = 0; i < 6; i++)
        grid_add(&g, heads[i]);
    for (size_t i = 0; i < n.count; i++) {
        grid_add(&g, n.ports[i].way);
        grid_add(&g, range(text, sizeof(text), &n.ports[i]));
        grid_add(&g, n.ports[i].setting);
        grid_add(&g, n.ports[i].who);
        grid_add(&g, cmd_yes(n.ports[i].needed));
        grid_add(&g, n.ports[i].listening ? network_state_name(n.ports[i].state) : "not listening");
    }
    if (grid_print(&g, c->out))
        return cmd_refuse(c, "too much to print");
    for (size_t i = 0; i < n.count; i++)
        if (n.ports[i].advice[0])
            buf_printf(c->out, "%s %s: %s. %s\n", n.ports[i].way, range(text, sizeof(text), &n.ports[i]),
                       n.ports[i].detail, n.ports[i].advice);
    return CMD_OK;
}

static int cmd_network_test(struct cmd *c, const struct args *a)
{
    (void)a;
    return service_network_test(&c->sv) ? cmd_refuse(c, "%s", c->sv.why)
                                        : cmd_done(c, "looking; dngate network shows it in some seconds");
}

static const struct verb verbs[] = {
    {.name = "",
     .words = "",
     .help = "Shows each port of this configuration, who must reach it, and whether the last look from "
             "outside in came through:\n"
             "a plan for the firewall.",
     .example = "dngate network",
     .run = cmd_network_show},
    {.name = "test",
     .words = "",
     .help = "Looks now.",
     .example = "dngate network test",
     .run = cmd_network_test},
};

const struct noun noun_network = {.name = "network",
                                  .help = "the ports that must be reached, and whether they are",
                                  NOUN_VERBS(verbs),
                                  .live = true};

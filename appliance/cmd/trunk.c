#include "store/trunk.h"
#include "cmd/grid.h"
#include "cmd/opt.h"
#include "cmd/verb.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { WHY_MAX = 256, PORT_UDP_TCP = 5060, PORT_TLS = 5061, PRIORITY_DEFAULT = 10, PING_DEFAULT = 30 };

/* ---------------------------------------------------------------- showing */

/* "host:port"; an IPv6 literal in brackets. */
static const char *address(const struct trunk *t, char *buf, size_t sz)
{
    snprintf(buf, sz, strchr(t->host, ':') ? "[%s]:%u" : "%s:%u", t->host, t->port);
    return buf;
}

static void trunk_json(struct buf *out, const struct trunk *t)
{
    buf_puts(out, "{");
    cmd_json_member(out, "name", t->name, true);
    cmd_json_member(out, "host", t->host, true);
    buf_printf(out, "\"port\":%u,", t->port);
    cmd_json_member(out, "transport", trunk_transport_name(t->transport), true);
    cmd_json_member(out, "username", t->username, true);
    buf_printf(out, "\"register\":%s,\"enabled\":%s,\"priority\":%d,\"ping\":%u,",
               cmd_json_bool(t->registers), cmd_json_bool(t->enabled), t->priority, t->ping_seconds);
    cmd_json_member(out, "codecs", t->codecs, false);
    buf_puts(out, "}");
}

struct trunk_list {
    struct cmd *cmd;
    struct grid grid;
    size_t count;
};

static bool list_h(const struct trunk *t, void *arg)
{
    struct trunk_list *l = arg;
    char text[TRUNK_HOST_MAX + 16];

    l->count++;
    if (l->cmd->json) {
        buf_puts(l->cmd->out, l->count > 1 ? ",\n" : "");
        trunk_json(l->cmd->out, t);
        return false;
    }
    grid_add(&l->grid, t->name);
    grid_add(&l->grid, address(t, text, sizeof(text)));
    grid_add(&l->grid, trunk_transport_name(t->transport));
    grid_add(&l->grid, cmd_yes(t->enabled));
    snprintf(text, sizeof(text), "%d", t->priority);
    grid_add(&l->grid, text);
    snprintf(text, sizeof(text), t->ping_seconds ? "%u s" : "off", t->ping_seconds);
    grid_add(&l->grid, text);
    grid_add(&l->grid, t->codecs);
    grid_add(&l->grid, t->username);
    return false;
}

static int cmd_trunk_list(struct cmd *c, int argc, char *const *argv)
{
    static const char *const heads[] = {"NAME",     "ADDRESS", "TRANSPORT", "ENABLED",
                                        "PRIORITY", "PING",    "CODECS",    "USERNAME"};
    struct trunk_list l = {.cmd = c};
    struct store_reader *r;
    size_t count;
    int err;

    if (opt_parse(c->err, NULL, 0, argc, argv, NULL, 0, 0, &count))
        return CMD_USAGE;
    grid_init(&l.grid, sizeof(heads) / sizeof(heads[0]));
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
        grid_add(&l.grid, heads[i]);
    if (c->json)
        buf_puts(c->out, "[");
    err = store_reader_alloc(&r, c->store);
    if (!err) {
        err = trunk_each(r, false, list_h, &l);
        store_reader_free(r);
    }
    if (c->json) {
        buf_puts(c->out, "]\n");
        buf_reset(&l.grid.cells);
    } else if (l.count) {
        grid_print(&l.grid, c->out);
    } else {
        buf_reset(&l.grid.cells);
        buf_puts(c->out, "There is no trunk yet. Add one: dngate trunk add genesys --address HOST:PORT\n");
    }
    return err ? cmd_refuse(c, "cannot read the trunks: %s", store_strerror(err)) : CMD_OK;
}

static int show(struct cmd *c, const char *name)
{
    char text[TRUNK_HOST_MAX + 16];
    struct store_reader *r;
    struct trunk t;
    int err = store_reader_alloc(&r, c->store);

    if (!err) {
        err = trunk_get(r, name, &t);
        store_reader_free(r);
    }
    if (err == ENOENT)
        return cmd_refuse(c, "there is no trunk %s", name);
    if (err)
        return cmd_refuse(c, "trunk %s: %s", name, store_strerror(err));
    if (c->json) {
        trunk_json(c->out, &t);
        buf_puts(c->out, "\n");
        return CMD_OK;
    }
    buf_printf(c->out,
               "trunk      %s\naddress    %s\ntransport  %s\nusername   %s\nregister   %s\nenabled    "
               "%s\npriority   %d\n",
               t.name, address(&t, text, sizeof(text)), trunk_transport_name(t.transport), t.username,
               cmd_yes(t.registers), cmd_yes(t.enabled), t.priority);
    snprintf(text, sizeof(text), t.ping_seconds ? "every %u s" : "off", t.ping_seconds);
    buf_printf(c->out, "ping       %s\ncodecs     %s\n", text, t.codecs);
    return CMD_OK;
}

static int cmd_trunk_show(struct cmd *c, int argc, char *const *argv)
{
    const char *name;
    size_t count;

    if (opt_parse(c->err, NULL, 0, argc, argv, &name, 1, 1, &count))
        return CMD_USAGE;
    return show(c, name);
}

/* ---------------------------------------------------------------- changing */

/* Splits HOST, HOST:PORT, [IPV6], [IPV6]:PORT or IPV6. port stays when the text has none. */
static int address_parse(const char *text, char *host, size_t hostsz, uint16_t *port)
{
    const char *colon = strchr(text, ':'), *tail = "";
    size_t len = strlen(text);
    long n;

    if (text[0] == '[') {
        const char *end = strchr(text, ']');

        if (!end)
            return EINVAL;
        tail = end + 1;
        len = (size_t)(end - ++text);
    } else if (colon && !strchr(colon + 1, ':')) { /* more than one colon: IPv6 without port */
        tail = colon;
        len = (size_t)(colon - text);
    }
    if (!len || len >= hostsz)
        return EINVAL;
    memcpy(host, text, len);
    host[len] = '\0';
    if (!*tail)
        return 0;
    if (*tail != ':' || opt_number(tail + 1, 1, 65535, &n))
        return EINVAL;
    *port = (uint16_t)n;
    return 0;
}

struct trunk_words { /* as typed */
    const char *name, *address, *transport, *username, *password, *priority, *ping, *codecs;
    bool registers;
};

static int usage(struct cmd *c, const char *what)
{
    buf_printf(c->err, "%s\n", what);
    return CMD_USAGE;
}

static int fill_numbers(struct cmd *c, const struct trunk_words *w, struct trunk *t)
{
    long n;

    if (w->priority) {
        if (opt_number(w->priority, 0, 1000, &n))
            return usage(c, "--priority is a number from 0 (tried first) to 1000");
        t->priority = (int)n;
    }
    if (w->ping) {
        if (opt_number(w->ping, 0, 3600, &n))
            return usage(c, "--ping is a number of seconds from 0 (off) to 3600");
        t->ping_seconds = (uint32_t)n;
    }
    return CMD_OK;
}

/* Puts what was typed over what t is. */
static int trunk_fill(struct cmd *c, const struct trunk_words *w, struct trunk *t)
{
    if (w->transport && trunk_transport_decode(&t->transport, w->transport))
        return usage(c, "--transport is udp, tcp or tls");
    if (w->address) {
        t->port = t->transport == TRUNK_TLS ? PORT_TLS : PORT_UDP_TCP;
        if (address_parse(w->address, t->host, sizeof(t->host), &t->port))
            return usage(c, "--address is HOST, HOST:PORT, [IPV6] or [IPV6]:PORT");
    }
    if ((w->username && strlen(w->username) >= sizeof(t->username)) ||
        (w->codecs && strlen(w->codecs) >= sizeof(t->codecs)) || strlen(w->name) >= sizeof(t->name))
        return usage(c, "a value is too long");
    snprintf(t->name, sizeof(t->name), "%s", w->name);
    if (w->username)
        snprintf(t->username, sizeof(t->username), "%s", w->username);
    if (w->codecs)
        snprintf(t->codecs, sizeof(t->codecs), "%s", w->codecs);
    t->registers = t->registers || w->registers;
    return fill_numbers(c, w, t);
}

static int trunk_take_password(struct cmd *c, const char *option, struct trunk *t)
{
    const char *password = option ? cmd_password(c, option) : "";

    if (!password)
        return CMD_USAGE;
    if (strlen(password) >= sizeof(t->password))
        return usage(c, "the password is too long");
    snprintf(t->password, sizeof(t->password), "%s", password);
    return CMD_OK;
}

static int trunk_words_parse(struct cmd *c, int argc, char *const *argv, struct trunk_words *w)
{
    const struct opt opts[] = {
        {"address", &w->address, NULL},   {"transport", &w->transport, NULL},
        {"username", &w->username, NULL}, {"password", &w->password, NULL},
        {"priority", &w->priority, NULL}, {"ping", &w->ping, NULL},
        {"codecs", &w->codecs, NULL},     {"register", NULL, &w->registers},
    };
    size_t count;

    memset(w, 0, sizeof(*w));
    return opt_parse(c->err, opts, sizeof(opts) / sizeof(opts[0]), argc, argv, &w->name, 1, 1, &count)
               ? CMD_USAGE
               : CMD_OK;
}

static int cmd_trunk_add(struct cmd *c, int argc, char *const *argv)
{
    struct trunk t = {
        .enabled = true, .priority = PRIORITY_DEFAULT, .ping_seconds = PING_DEFAULT, .codecs = "pcmu,pcma"};
    struct trunk_words w;
    char why[WHY_MAX];
    int status = trunk_words_parse(c, argc, argv, &w);

    if (!status && !w.address)
        status = usage(c, "--address is needed: HOST:PORT");
    if (!status)
        status = trunk_fill(c, &w, &t);
    if (!status)
        status = trunk_take_password(c, w.password, &t);
    if (!status && trunk_add(c->store, &t, why, sizeof(why)))
        status = cmd_refuse(c, "%s", why);
    explicit_bzero(t.password, sizeof(t.password));
    if (status)
        return status;
    return c->json ? show(c, t.name) : cmd_done(c, "trunk %s added", t.name);
}

static int trunk_load(struct cmd *c, const char *name, struct trunk *t)
{
    struct store_reader *r;
    int err = store_reader_alloc(&r, c->store);

    if (!err) {
        err = trunk_get(r, name, t);
        store_reader_free(r);
    }
    if (err == ENOENT)
        return cmd_refuse(c, "there is no trunk %s", name);
    return err ? cmd_refuse(c, "trunk %s: %s", name, store_strerror(err)) : CMD_OK;
}

static int cmd_trunk_set(struct cmd *c, int argc, char *const *argv)
{
    struct trunk_words w;
    struct trunk t = {0};
    char why[WHY_MAX];
    int status = trunk_words_parse(c, argc, argv, &w);

    if (!status && argc == 1)
        status = usage(c, "there is nothing to change");
    if (!status)
        status = trunk_load(c, w.name, &t);
    if (status)
        return status;
    status = trunk_fill(c, &w, &t);
    if (!status)
        status = trunk_take_password(c, w.password, &t);
    if (!status && trunk_set(c->store, &t, w.password != NULL, why, sizeof(why)))
        status = cmd_refuse(c, "%s", why);
    explicit_bzero(t.password, sizeof(t.password));
    if (status)
        return status;
    return c->json ? show(c, t.name) : cmd_done(c, "trunk %s changed", t.name);
}

static int trunk_switch(struct cmd *c, int argc, char *const *argv, bool on)
{
    const char *name;
    char why[WHY_MAX];
    struct trunk t;
    size_t count;
    int status;

    if (opt_parse(c->err, NULL, 0, argc, argv, &name, 1, 1, &count))
        return CMD_USAGE;
    status = trunk_load(c, name, &t);
    if (status)
        return status;
    t.enabled = on;
    if (trunk_set(c->store, &t, false, why, sizeof(why)))
        return cmd_refuse(c, "%s", why);
    return c->json ? show(c, t.name) : cmd_done(c, "trunk %s %s", t.name, on ? "enabled" : "disabled");
}

static int cmd_trunk_enable(struct cmd *c, int argc, char *const *argv)
{
    return trunk_switch(c, argc, argv, true);
}

static int cmd_trunk_disable(struct cmd *c, int argc, char *const *argv)
{
    return trunk_switch(c, argc, argv, false);
}

static int cmd_trunk_remove(struct cmd *c, int argc, char *const *argv)
{
    const char *name;
    size_t count;
    int err;

    if (opt_parse(c->err, NULL, 0, argc, argv, &name, 1, 1, &count))
        return CMD_USAGE;
    err = trunk_remove(c->store, name);
    if (err == ENOENT)
        return cmd_refuse(c, "there is no trunk %s", name);
    if (err)
        return cmd_refuse(c, "trunk %s: %s", name, store_strerror(err));
    return cmd_done(c, "trunk %s removed", name);
}

static const struct verb verbs[] = {
    {"add",
     "NAME --address HOST[:PORT] [--transport udp|tcp|tls] [--username U --password P] [--register] "
     "[--priority N] [--ping SECONDS] "
     "[--codecs pcmu,pcma]",
     "Adds a SIP Server that calls go to and come from. Only trunks' addresses may send us requests.\n"
     "  --address HOST[:PORT]   IP address or name; IPv6 as [2001:db8::1]:5060; port 5060, with tls 5061\n"
     "  --username U --password P   answer to its challenges; --password - reads it from a prompt or "
     "standard input\n"
     "  --register       register the DNs there\n"
     "  --priority N     lower is tried first (default 10)\n"
     "  --ping SECONDS   OPTIONS interval that tells up from down (default 30); 0 = off, taken as up\n"
     "  --codecs LIST    in order of preference (default pcmu,pcma)",
     VERB_ASKED, cmd_trunk_add},
    {"list", "", "Lists all trunks in the order in which they are tried.", VERB_NO_INPUT, cmd_trunk_list},
    {"show", "NAME", "Shows one trunk.", VERB_NO_INPUT, cmd_trunk_show},
    {"set", "NAME [OPTIONS of trunk add]",
     "Changes what is given, leaves the rest; see dngate trunk add --help. Calls that the trunk carries go "
     "on.",
     VERB_ASKED, cmd_trunk_set},
    {"disable", "NAME", "Takes a trunk out of use; calls that it carries go on.", VERB_NO_INPUT,
     cmd_trunk_disable},
    {"enable", "NAME", "Takes it into use again.", VERB_NO_INPUT, cmd_trunk_enable},
    {"remove", "NAME", "Removes a trunk. Calls that it carries go on.", VERB_NO_INPUT, cmd_trunk_remove},
};

const struct noun noun_trunk = {"trunk", "Trunks: the SIP Servers that calls go to and come from.", verbs,
                                sizeof(verbs) / sizeof(verbs[0]), false};

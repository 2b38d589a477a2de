#include "service/trunk.h"
#include "cmd/listing.h"
#include "cmd/verb.h"
#include "service/status.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    WHY_MAX = 256,
    PORT_UDP_TCP = 5060,
    PORT_TLS = 5061,
    PRIORITY_DEFAULT = 10,
    PRIORITY_MAX = 1000,
    PING_DEFAULT = 30,
    PING_MAX = 3600,
    PTIME_MAX = 60
};

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
    cmd_json_member(out, "codecs", t->codecs, true);
    buf_printf(out, "\"ptime\":%u,", t->ptime);
    cmd_json_member(out, "tls_ca", t->tls_ca, true);
    cmd_json_member(out, "tls_name", t->tls_name, true);
    cmd_json_member(out, "tls_cert", t->tls_cert, false);
    buf_puts(out, "}");
}

static bool list_h(const struct trunk *t, void *arg)
{
    struct listing *l = arg;
    char text[TRUNK_HOST_MAX + 16];

    if (listing_json(l)) {
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

static int cmd_trunk_list(struct cmd *c, const struct args *a)
{
    static const char *const heads[] = {"NAME",     "ADDRESS", "TRANSPORT", "ENABLED",
                                        "PRIORITY", "PING",    "CODECS",    "USERNAME"};
    struct listing l;

    (void)a;
    listing_begin(&l, c, heads, sizeof(heads) / sizeof(heads[0]));
    return listing_end(&l, service_trunk_each(&c->sv, list_h, &l),
                       "There is no trunk yet. Add one: dngate trunk add genesys --address HOST:PORT");
}

static const char *ca_words(const char *ca)
{
    if (!ca[0])
        return "those that this machine trusts";
    return strstr(ca, "-----BEGIN") ? "its own, in PEM form" : ca;
}

static int show(struct cmd *c, const struct trunk *t)
{
    char text[TRUNK_HOST_MAX + 16];

    if (c->json) {
        trunk_json(c->out, t);
        buf_puts(c->out, "\n");
        return CMD_OK;
    }
    buf_printf(c->out,
               "trunk      %s\naddress    %s\ntransport  %s\nusername   %s\nregister   %s\nenabled    "
               "%s\npriority   %d\n",
               t->name, address(t, text, sizeof(text)), trunk_transport_name(t->transport), t->username,
               cmd_yes(t->registers), cmd_yes(t->enabled), t->priority);
    snprintf(text, sizeof(text), t->ping_seconds ? "every %u s" : "off", t->ping_seconds);
    buf_printf(c->out, "ping       %s\ncodecs     %s\nptime      %u ms\n", text, t->codecs, t->ptime);
    if (t->transport == TRUNK_TLS)
        buf_printf(c->out, "tls-ca     %s\ntls-name   %s\ntls-cert   %s\n", ca_words(t->tls_ca),
                   t->tls_name[0] ? t->tls_name : t->host,
                   t->tls_cert[0] ? t->tls_cert : "the certificate of the pages (https.cert)");
    return CMD_OK;
}

static int cmd_trunk_show(struct cmd *c, const struct args *a)
{
    struct trunk t;

    return service_trunk_get(&c->sv, a->word[0], &t) ? cmd_refuse(c, "%s", c->sv.why) : show(c, &t);
}

/* ---------------------------------------------------------------- changing */

static int fill_number(struct cmd *c, const struct args *a, const char *option, long max, long *n)
{
    const char *text = args_get(a, option);

    return text && args_number(text, 0, max, n)
               ? cmd_misused(c, "--%s is a number from 0 to %ld", option, max)
               : CMD_OK;
}

static int fill_text(struct cmd *c, const struct args *a, const char *option, char *text, size_t sz)
{
    const char *value = args_get(a, option);

    if (value && strlen(value) >= sz)
        return cmd_misused(c, "--%s: at most %zu bytes", option, sz - 1);
    if (value)
        snprintf(text, sz, "%s", value);
    return CMD_OK;
}

/* Puts what was typed over what t is. */
static int trunk_fill(struct cmd *c, const struct args *a, struct trunk *t)
{
    const char *transport = args_get(a, "transport"), *where = args_get(a, "address");
    long priority = t->priority, ping = t->ping_seconds, ptime = t->ptime;

    if (transport && trunk_transport_decode(&t->transport, transport))
        return cmd_misused(c, "--transport %s: udp, tcp or tls", transport);
    if (where && service_trunk_address(t, where))
        return cmd_misused(c, "--address %s: HOST, HOST:PORT, [IPV6] or [IPV6]:PORT", where);
    if (strlen(a->word[0]) >= sizeof(t->name))
        return cmd_misused(c, "a trunk's name has at most %zu bytes", sizeof(t->name) - 1);
    snprintf(t->name, sizeof(t->name), "%s", a->word[0]);
    if (args_flag(a, "register") && args_flag(a, "no-register"))
        return cmd_misused(c, "--register or --no-register, not both");
    t->registers = (t->registers || args_flag(a, "register")) && !args_flag(a, "no-register");
    if (fill_text(c, a, "username", t->username, sizeof(t->username)) ||
        fill_text(c, a, "codecs", t->codecs, sizeof(t->codecs)) ||
        fill_text(c, a, "tls-ca", t->tls_ca, sizeof(t->tls_ca)) ||
        fill_text(c, a, "tls-name", t->tls_name, sizeof(t->tls_name)) ||
        fill_text(c, a, "tls-cert", t->tls_cert, sizeof(t->tls_cert)) ||
        fill_number(c, a, "priority", PRIORITY_MAX, &priority) ||
        fill_number(c, a, "ping", PING_MAX, &ping) || fill_number(c, a, "ptime", PTIME_MAX, &ptime))
        return CMD_USAGE;
    t->priority = (int)priority;
    t->ping_seconds = (uint32_t)ping;
    t->ptime = (uint32_t)ptime;
    return CMD_OK;
}

static int trunk_take_password(struct cmd *c, const char *option, struct trunk *t)
{
    const char *password = option ? cmd_password(c, option) : "";

    if (!password)
        return CMD_USAGE;
    if (strlen(password) >= sizeof(t->password))
        return cmd_misused(c, "the password is too long");
    snprintf(t->password, sizeof(t->password), "%s", password);
    return CMD_OK;
}

/* What a change prints: the new state for programs, a sentence for people. */
static int told(struct cmd *c, int err, const struct trunk *t, const char *what)
{
    if (err)
        return cmd_refuse(c, "%s", c->sv.why);
    return c->json ? show(c, t) : cmd_done(c, "trunk %s %s", t->name, what);
}

static int cmd_trunk_add(struct cmd *c, const struct args *a)
{
    struct trunk t;
    int status;

    service_trunk_init(&t);
    status = trunk_fill(c, a, &t);
    if (!status)
        status = trunk_take_password(c, args_get(a, "password"), &t);
    if (!status)
        status = told(c, service_trunk_add(&c->sv, &t), &t, "added");
    explicit_bzero(t.password, sizeof(t.password));
    return status;
}

static bool anything_given(const struct args *a)
{
    for (size_t i = 0; i < a->verb->option_count; i++)
        if (a->value[i])
            return true;
    return false;
}

static int cmd_trunk_set(struct cmd *c, const struct args *a)
{
    struct trunk t;
    int status;

    if (!anything_given(a))
        return cmd_misused(c, "there is nothing to change");
    if (service_trunk_get(&c->sv, a->word[0], &t))
        return cmd_refuse(c, "%s", c->sv.why);
    status = trunk_fill(c, a, &t);
    if (!status)
        status = trunk_take_password(c, args_get(a, "password"), &t);
    if (!status)
        status = told(c, service_trunk_set(&c->sv, &t, args_get(a, "password") != NULL), &t, "changed");
    explicit_bzero(t.password, sizeof(t.password));
    return status;
}

static int cmd_trunk_enable(struct cmd *c, const struct args *a)
{
    struct trunk t;

    return told(c, service_trunk_enable(&c->sv, a->word[0], true, &t), &t, "enabled");
}

static int cmd_trunk_disable(struct cmd *c, const struct args *a)
{
    struct trunk t;

    return told(c, service_trunk_enable(&c->sv, a->word[0], false, &t), &t, "disabled");
}

static int cmd_trunk_order(struct cmd *c, const struct args *a)
{
    const char *names[TRUNKS_MAX];
    char *list = strdup(a->word[0]), *save = NULL;
    size_t n = 0;
    int err;

    if (!list)
        return cmd_refuse(c, "no memory");
    for (char *p = strtok_r(list, ", ", &save); p && n < TRUNKS_MAX; p = strtok_r(NULL, ", ", &save))
        names[n++] = p;
    err = service_trunk_order(&c->sv, names, n);
    free(list);
    return err ? cmd_refuse(c, "%s", c->sv.why)
               : cmd_done(c, "trunks are tried in this order: %s", a->word[0]);
}

static bool came_h(const struct happening *h, void *arg)
{
    struct listing *l = arg;
    char text[32];

    if (listing_happening(l, h))
        return false;
    grid_add(&l->grid, cmd_time(text, sizeof(text), h->time_ms));
    grid_add(&l->grid, h->event);
    grid_add(&l->grid, h->detail);
    return false;
}

static int cmd_trunk_history(struct cmd *c, const struct args *a)
{
    static const char *const heads[] = {"TIME", "STATE", "DETAIL"};
    struct listing l;

    listing_begin(&l, c, heads, 3);
    return listing_end(&l, service_happenings(&c->sv, "trunk", a->word[0], came_h, &l),
                       "Nothing is known of this trunk yet");
}

static int cmd_trunk_remove(struct cmd *c, const struct args *a)
{
    return service_trunk_remove(&c->sv, a->word[0]) ? cmd_refuse(c, "%s", c->sv.why)
                                                    : cmd_done(c, "trunk %s removed", a->word[0]);
}

#define OPTIONS_BUT_ADDRESS                                                                                  \
    {"transport", "udp|tcp|tls", "UDP by default", false},                                                   \
        {"username", "U", "answers the trunk's challenges, with --password", false},                         \
        {"password", "PW", "-: from a prompt or standard input", false},                                     \
        {"register", NULL, "DNs are registered there while their agents are signed in here", false},         \
        {"no-register", NULL, "they are not (default): SIP Server knows each DN's contact", false},          \
        {"priority", "N", "0 to 1000, lower is tried first (default 10)", false},                            \
        {"ping", "SECONDS", "OPTIONS interval that tells up from down (default 30); 0 = off, taken as up",   \
         false},                                                                                             \
        {"codecs", "LIST", "of pcmu,pcma,g722,opus, in order of preference (default pcmu,pcma)", false},     \
        {"ptime", "MS", "audio in a packet, 10 to 60 (default 20), where the trunk asks for nothing else",   \
         false},                                                                                             \
        {"tls-ca", "FILE|PEM",                                                                               \
         "who must have signed its certificate: a file's path, or the text as in \"$(cat ca.pem)\"; unset: " \
         "a CA "                                                                                             \
         "that this machine trusts; with it the trunk is known by its certificate, from whatever address "   \
         "it comes",                                                                                         \
         false},                                                                                             \
        {"tls-name", "NAME", "whose certificate it must show (default: its address)", false},                \
        {"tls-cert", "FILE",                                                                                 \
         "PEM file with the certificate that dngate shows it, and its key (default: the one of the pages)",  \
         false},
#define ADDRESS_HELP "IP address or name; IPv6 as [2001:db8::1]:5060; port 5060, by TLS 5061, unless given"
static const struct verb_option add_options[] = {{"address", "HOST[:PORT]", ADDRESS_HELP, true},
                                                 OPTIONS_BUT_ADDRESS};
static const struct verb_option set_options[] = {{"address", "HOST[:PORT]", ADDRESS_HELP, false},
                                                 OPTIONS_BUT_ADDRESS};

static const struct verb verbs[] = {
    {.name = "add",
     .words = "NAME",
     .words_min = 1,
     .words_max = 1,
     .help = "Adds a SIP Server that calls go to and come from. Only trunks' addresses may send us requests.",
     VERB_OPTIONS(add_options),
     .example =
         "dngate trunk add genesys --address 10.0.0.81:5061 --transport tls --tls-ca /data/tls/site-ca.pem",
     .input = VERB_ASKED,
     .run = cmd_trunk_add},
    {.name = "set",
     .words = "NAME",
     .words_min = 1,
     .words_max = 1,
     .help = "Changes what is given of a trunk and leaves the rest. Calls that it carries go on.",
     VERB_OPTIONS(set_options),
     .example = "dngate trunk set genesys --priority 20 --ping 10",
     .input = VERB_ASKED,
     .run = cmd_trunk_set},
    {.name = "list",
     .words = "",
     .help = "Lists all trunks in the order in which they are tried.",
     .example = "dngate trunk list",
     .run = cmd_trunk_list},
    {.name = "show",
     .words = "NAME",
     .words_min = 1,
     .words_max = 1,
     .help = "Shows one trunk.",
     .example = "dngate trunk show genesys --json",
     .run = cmd_trunk_show},
    {.name = "disable",
     .words = "NAME",
     .words_min = 1,
     .words_max = 1,
     .help = "Takes a trunk out of use; calls that it carries go on.",
     .example = "dngate trunk disable genesys",
     .run = cmd_trunk_disable},
    {.name = "enable",
     .words = "NAME",
     .words_min = 1,
     .words_max = 1,
     .help = "Takes it into use again.",
     .example = "dngate trunk enable genesys",
     .run = cmd_trunk_enable},
    {.name = "order",
     .words = "NAME,NAME,...",
     .words_min = 1,
     .words_max = 1,
     .help = "Says which is tried first: all trunks there are, each once.",
     .example = "dngate trunk order genesys,backup",
     .run = cmd_trunk_order},
    {.name = "test",
     .words = "NAME",
     .words_min = 1,
     .words_max = 1,
     .help =
         "Tests a trunk step by step, from the running server's own port: its name, the way there, by TLS "
         "its certificate, OPTIONS, and a call to a\n"
         "number that nobody has, which is over before anything could ring. Exit status 1 when a step "
         "failed.",
     .example = "dngate trunk test genesys",
     .run = cmd_trunk_test,
     .here = true},
    {.name = "test-begin",
     .words = "NAME",
     .words_min = 1,
     .words_max = 1,
     .help = "Begins a test.",
     .example = "dngate trunk test genesys",
     .run = cmd_trunk_test_begin,
     .hidden = true},
    {.name = "test-look",
     .words = "NAME",
     .words_min = 1,
     .words_max = 1,
     .help = "How far it is.",
     .example = "dngate trunk test genesys",
     .run = cmd_trunk_test_look,
     .hidden = true},
    {.name = "history",
     .words = "NAME",
     .words_min = 1,
     .words_max = 1,
     .help = "Lists when a trunk came up and went down, and why; the last 50, the newest first.",
     .example = "dngate trunk history genesys",
     .run = cmd_trunk_history},
    {.name = "remove",
     .words = "NAME",
     .words_min = 1,
     .words_max = 1,
     .help = "Removes a trunk. Calls that it carries go on.",
     .example = "dngate trunk remove genesys",
     .run = cmd_trunk_remove},
};

const struct noun noun_trunk = {
    .name = "trunk", .help = "the SIP Servers that calls go to and come from", NOUN_VERBS(verbs)};

#include "conf/value.h"
#include "conf/public.h"
#include "core/addr.h"
#include "core/loglevel.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

int value_bool(bool *b, const char *s)
{
    static const char *const yes[] = {"yes", "true", "on", "1"}, *const no[] = {"no", "false", "off", "0"};

    for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
        if (!strcasecmp(s, yes[i]) || !strcasecmp(s, no[i])) {
            *b = !strcasecmp(s, yes[i]);
            return 0;
        }
    }
    return EINVAL;
}

int value_int(int64_t *n, const char *s)
{
    const char *digits = s[0] == '-' ? s + 1 : s;
    size_t len = strspn(digits, "0123456789");

    if (!len || digits[len] || len > 18) /* 18 digits always fit */
        return EINVAL;
    *n = strtoll(s, NULL, 10);
    return 0;
}

void value_plain(char *out, size_t sz, const struct conf_def *def, const char *value)
{
    int64_t n;
    bool b;

    if (def->type == CONF_INT && !value_int(&n, value))
        snprintf(out, sz, "%" PRId64, n);
    else if (def->type == CONF_BOOL && !value_bool(&b, value))
        snprintf(out, sz, "%s", b ? "yes" : "no");
    else
        snprintf(out, sz, "%s", value);
}

static bool is_choice(const char *choices, const char *value)
{
    size_t len = strlen(value);

    for (const char *s = choices; *s;) {
        size_t n = strcspn(s, "|");

        if (n == len && !memcmp(s, value, n))
            return true;
        s += n + (s[n] == '|');
    }
    return false;
}

static bool is_host(const char *s)
{
    struct addr a;
    size_t label = 0;

    if (!addr_parse_ip(&a, s, 0))
        return true;
    if (!s[strspn(s, "0123456789.")])
        return false; /* meant as IPv4, but wrong */
    for (; *s; s++) {
        bool alnum = (*s >= '0' && *s <= '9') || ((*s | 0x20) >= 'a' && (*s | 0x20) <= 'z');

        if (*s == '.') {
            if (!label || s[-1] == '-')
                return false;
            label = 0;
        } else if (++label > 63 || (!alnum && (*s != '-' || label == 1))) {
            return false;
        }
    }
    return label && s[-1] != '-';
}

int value_host(const char *s)
{
    return is_host(s) ? 0 : EINVAL;
}

static bool is_public(const char *word)
{
    struct public_item it;

    return !public_item_parse(&it, word);
}

static bool is_bind(const char *ip)
{
    struct addr a;

    return !addr_parse_ip(&a, ip, 0);
}

/* host, host:port, [2001:db8::1]:port */
static bool is_server(const char *s)
{
    char host[256];
    const char *port = strrchr(s, ':');
    int64_t n;

    if (!port || strchr(port, ']')) /* the colon is inside [::1] */
        port = s + strlen(s);
    else if (value_int(&n, port + 1) || n < 1 || n > 65535)
        return false;
    if ((size_t)(port - s) >= sizeof(host))
        return false;
    memcpy(host, s, (size_t)(port - s));
    host[port - s] = '\0';
    return is_host(host);
}

static bool is_origin(const char *s)
{
    return !strncmp(s, "https://", 8) && is_server(s + 8);
}

static bool is_http(const char *s)
{
    char server[300];
    const size_t scheme = !strncmp(s, "https://", 8) ? 8 : !strncmp(s, "http://", 7) ? 7 : 0;
    const size_t n = strcspn(s + scheme, "/?");

    if (!scheme || n >= sizeof(server))
        return false;
    for (const char *p = s; *p; p++)
        if (*p <= ' ' || *p > '~' || *p == '#')
            return false;
    memcpy(server, s + scheme, n);
    server[n] = '\0';
    return is_server(server);
}

/* As service/attention calls them. */
static bool is_alert(const char *s)
{
    static const char *const kinds[] = {"trunk", "certificate", "disk",  "quality",
                                        "bans",  "part",        "reach", "upstream"};

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (!strcmp(kinds[i], s))
            return true;
    return false;
}

/* A token (RFC 3261 25.1), or two characters of one and more with a * behind: X-* is meant, * never. */
static bool is_header(const char *s)
{
    size_t n = strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-.!%_+`'~");

    return (n && !s[n]) || (n >= 2 && !strcmp(s + n, "*"));
}

static bool is_network(const char *s)
{
    struct addr base;
    unsigned bits;

    return !addr_parse_net(&base, &bits, s);
}

/* As long as TURN takes them (turn/auth). */
static bool is_user(const char *s)
{
    const size_t name = strcspn(s, ":"), password = s[name] ? strlen(s + name + 1) : 0;

    return name && name <= 128 && password && password <= 128;
}

static bool is_dn(const char *s)
{
    const size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+*#-");

    return n && !s[n] && n < 64;
}

/* Each item of a list separated by commas or spaces, at most max of them. */
static bool each_is(const char *list, size_t max, bool (*is)(const char *))
{
    char item[512];
    size_t count = 0;

    while (*(list += strspn(list, ", "))) {
        size_t n = strcspn(list, ", ");

        if (n >= sizeof(item) || ++count > max)
            return false;
        memcpy(item, list, n);
        item[n] = '\0';
        if (!is(item))
            return false;
        list += n;
    }
    return true;
}

/* NULL when the form is right, else what it must be. */
static const char *form_error(enum conf_form form, const char *value)
{
    switch (form) {
    case CONF_FORM_BIND:
        return each_is(value, 2, is_bind) ? NULL : "must be one or two IP addresses";
    case CONF_FORM_PUBLIC:
        return each_is(value, PUBLIC_ITEMS_MAX, is_public)
                   ? NULL
                   : "must be at most 8 IP addresses, host names, or stun:HOST[:PORT]";
    case CONF_FORM_ORIGINS:
        return each_is(value, 64, is_origin) ? NULL : "must be a list of https://host[:port]";
    case CONF_FORM_LEVELS:
        return loglevel_check(value)
                   ? "must be error, warn, info, debug or trace, then MODULE=LEVEL for those that differ"
                   : NULL;
    case CONF_FORM_NETWORKS:
        return each_is(value, 64, is_network)
                   ? NULL
                   : "must be a list of networks, as in 10.1.0.0/16, 2001:db8::/32";
    case CONF_FORM_USERS:
        return each_is(value, 64, is_user) ? NULL : "must be name:password, or a list of such";
    case CONF_FORM_HEADERS:
        return each_is(value, 64, is_header) ? NULL
                                             : "must be a list of header names, as in X-Order, X-Acme-*";
    case CONF_FORM_SERVER:
        return is_server(value) ? NULL : "must be HOST or HOST:PORT";
    case CONF_FORM_HTTP:
        return is_http(value) ? NULL : "must be https://HOST[:PORT]/PATH, or http://…";
    case CONF_FORM_ALERTS:
        return each_is(value, 16, is_alert)
                   ? NULL
                   : "must be a list of trunk, upstream, certificate, disk, quality, bans, part and reach";
    case CONF_FORM_DNS:
        return each_is(value, 256, is_dn) ? NULL : "must be a list of DNs";
    case CONF_FORM_ANY:
        break;
    }
    return NULL;
}

static bool has_control(const char *s)
{
    for (; *s; s++)
        if ((unsigned char)*s < 0x20 || *s == 0x7f)
            return true;
    return false;
}

__attribute__((format(printf, 5, 6))) static int refuse(const struct conf_def *def, const char *value,
                                                        char *why, size_t whysz, const char *fmt, ...)
{
    char must[200];
    va_list ap;

    if (!why)
        return EINVAL;
    va_start(ap, fmt);
    vsnprintf(must, sizeof(must), fmt, ap);
    va_end(ap);
    if (def->type == CONF_SECRET)
        snprintf(why, whysz, "%s: %s", def->key, must);
    else
        snprintf(why, whysz, "%s=%.80s: %s", def->key, value, must);
    return EINVAL;
}

static int validate_text(const struct conf_def *def, const char *value, char *why, size_t whysz)
{
    size_t n = strlen(value);
    const char *must;

    if (!n && def->form != CONF_FORM_LEVELS)
        return 0; /* none */
    if (n < (size_t)def->min || n > (size_t)def->max)
        return refuse(def, value, why, whysz, "must have %" PRId64 "..%" PRId64 " characters", def->min,
                      def->max);
    if (has_control(value))
        return refuse(def, value, why, whysz, "must not have control characters");
    must = form_error(def->form, value);
    return must ? refuse(def, value, why, whysz, "%s", must) : 0;
}

int conf_validate(const struct conf_def *def, const char *value, char *why, size_t whysz)
{
    int64_t n;
    bool b;

    switch (def->type) {
    case CONF_INT:
        if (value_int(&n, value) || n < def->min || n > def->max)
            return refuse(def, value, why, whysz, "must be %" PRId64 "..%" PRId64 "%s%s", def->min, def->max,
                          *def->unit ? " " : "", def->unit);
        return 0;
    case CONF_BOOL:
        return value_bool(&b, value) ? refuse(def, value, why, whysz, "must be yes or no") : 0;
    case CONF_ENUM:
        return is_choice(def->choices, value) ? 0
                                              : refuse(def, value, why, whysz, "must be %s", def->choices);
    case CONF_STR:
    case CONF_SECRET:
        return validate_text(def, value, why, whysz);
    }
    return EINVAL;
}

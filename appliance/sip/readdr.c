/*
 * libre's readers of addresses (sip_addr_decode) and of Via (sip_via_decode), replaced at link time: its own keep the last word of a
 * display name without quotes, take no tel: URI, and of Via's transports only names in capitals (RFC 3261 25.1, RFC 3966).
 */
#include "sip/blanks.h"
#include "sip/remsg.h"

#include <errno.h>
#include <string.h>

/* ------------------------------------------------------------------ URIs */

/* global-number-digits or local-number-digits of RFC 3966, with their visual separators */
static bool is_phone(const struct pl *pl)
{
    static const char digits[] = "0123456789abcdefABCDEF*#-.()";
    bool any = false;

    for (size_t i = 0; i < pl->l; i++) {
        if (pl->p[i] == '+' && !i)
            continue;
        if (!pl->p[i] || !strchr(digits, pl->p[i]))
            return false;
        any = true;
    }
    return any;
}

int remsg_uri(struct uri *uri, const struct pl *pl)
{
    struct pl scheme, number, params;
    int err;

    if (!re_regex(pl->p, pl->l, "[^:]+:[^;]+[^]*", &scheme, &number, &params) && scheme.p == pl->p &&
        !pl_strcasecmp(&scheme, "tel")) {
        memset(uri, 0, sizeof(*uri));
        uri->scheme = scheme;
        uri->user = number;
        uri->params = params;
        return is_phone(&number) ? 0 : EBADMSG;
    }
    err = uri_decode(uri, pl);
    if (!err && ((uri->user.p && !uri->user.l) || (uri->host.l && memchr(uri->host.p, '@', uri->host.l))))
        err = EBADMSG; /* without a host the user is taken for one */
    return err;
}

/* ------------------------------------------------------------------ name-addr, addr-spec */

/* Behind the quote that closes what pl begins with; NULL when none does. */
static const char *quote_end(const struct pl *pl)
{
    for (size_t i = 1; i < pl->l; i++) {
        if (pl->p[i] == '\\')
            i++;
        else if (pl->p[i] == '"')
            return pl->p + i + 1;
    }
    return NULL;
}

/* A display name before <: quoted (its escapes are left in it), or any number of words. */
static int dname_read(struct pl *dname, struct pl *rest)
{
    const char *end;

    if (*rest->p == '"') {
        end = quote_end(rest);
        if (!end)
            return EBADMSG;
        *dname = (struct pl){rest->p + 1, (size_t)(end - rest->p) - 2};
        pl_advance(rest, end - rest->p);
        blanks_skip(rest);
        return rest->l && *rest->p == '<' ? 0 : EBADMSG;
    }
    end = memchr(rest->p, '<', rest->l);
    if (!end)
        return ENOENT;
    *dname = (struct pl){rest->p, (size_t)(end - rest->p)};
    blanks_trim(dname);
    pl_advance(rest, end - rest->p);
    return 0;
}

int sip_addr_decode(struct sip_addr *addr, const struct pl *pl)
{
    struct pl rest;
    const char *end;
    int err;

    if (!addr || !pl)
        return EINVAL;
    memset(addr, 0, sizeof(*addr));
    rest = *pl;
    blanks_trim(&rest);
    err = rest.l ? dname_read(&addr->dname, &rest) : EBADMSG;
    if (!err) {
        pl_advance(&rest, 1);
        end = memchr(rest.p, '>', rest.l);
        err = end ? 0 : EBADMSG;
    } else if (err == ENOENT) { /* without brackets: parameters are the header's (RFC 3261 20) */
        end = memchr(rest.p, ';', rest.l);
        err = 0;
        if (!end)
            end = rest.p + rest.l;
    }
    if (!err) {
        addr->auri = (struct pl){rest.p, (size_t)(end - rest.p)};
        pl_advance(&rest, end - rest.p);
        if (rest.l && *rest.p == '>')
            pl_advance(&rest, 1);
        if (rest.l)
            addr->params = rest;
        if (!addr->dname.l)
            addr->dname.p = NULL;
        blanks_trim(&addr->auri);
        err = remsg_uri(&addr->uri, &addr->auri);
    }
    if (err)
        memset(addr, 0, sizeof(*addr));
    return err;
}

/* ------------------------------------------------------------------ Via */

static struct pl word_next(struct pl *rest, const char *stops)
{
    struct pl word = {rest->p, 0};

    while (word.l < rest->l && !is_blank(word.p[word.l]) && !strchr(stops, word.p[word.l]))
        word.l++;
    pl_advance(rest, (ssize_t)word.l);
    blanks_skip(rest);
    return word;
}

static bool mark_next(struct pl *rest, char mark)
{
    if (!rest->l || *rest->p != mark)
        return false;
    pl_advance(rest, 1);
    blanks_skip(rest);
    return true;
}

/* "SIP / 2.0 / token", in any case, with blanks around the slashes */
static int protocol_read(enum sip_transp *tp, struct pl *rest)
{
    struct pl name, version, transport;

    name = word_next(rest, "/");
    if (pl_strcasecmp(&name, "SIP") || !mark_next(rest, '/'))
        return EBADMSG;
    version = word_next(rest, "/");
    if (pl_strcmp(&version, "2.0") || !mark_next(rest, '/'))
        return EBADMSG;
    transport = word_next(rest, "/;,");
    *tp = sip_transp_decode(&transport);
    return transport.l && rest->p > transport.p + transport.l ? 0 : EBADMSG;
}

/* host [ ":" port ], with blanks around the colon; an IPv6 address in brackets */
static int sentby_read(struct sip_via *via, struct pl *rest)
{
    struct pl host, port = PL_INIT;
    const char *const begin = rest->p;

    if (mark_next(rest, '[')) {
        host = word_next(rest, "];");
        if (!mark_next(rest, ']'))
            return EBADMSG;
    } else {
        host = word_next(rest, ":;,");
    }
    if (mark_next(rest, ':')) {
        port = word_next(rest, ";,");
        if (!port.l || port.l > 5 || pl_u32(&port) > 65535)
            return EBADMSG;
    }
    via->sentby = (struct pl){begin, (size_t)(rest->p - begin)};
    blanks_trim(&via->sentby);
    sa_init(&via->addr, AF_INET);
    (void)sa_set(&via->addr, &host, 0);
    if (port.l)
        sa_set_port(&via->addr, (uint16_t)pl_u32(&port));
    return host.l && (!rest->l || *rest->p == ';') ? 0 : EBADMSG;
}

/* Where ;name[=value] that begins at p ends: at the next semicolon that no quotes hold. */
static char *param_end(char *p, const char *end)
{
    bool quoted = false;

    for (p++; p < end && (quoted || *p != ';'); p++) {
        if (*p == '"')
            quoted = !quoted;
        else if (quoted && *p == '\\' && p + 1 < end)
            p++;
    }
    return p;
}

void remsg_via_disown(struct sip_via *via)
{
    char *p = (char *)via->params.p, *end, *next;

    if (!via->params.l)
        return;
    for (end = p + via->params.l; p < end; p = next) {
        struct pl name, rest;

        next = param_end(p, end);
        rest = (struct pl){p + 1, (size_t)(next - p) - 1};
        blanks_skip(&rest);
        name = word_next(&rest, "=");
        if (!pl_strcasecmp(&name, "received"))
            memset(p, ' ', (size_t)(next - p));
        else if (!pl_strcasecmp(&name, "rport"))
            memset((char *)rest.p, ' ', rest.l);
    }
}

int sip_via_decode(struct sip_via *via, const struct pl *pl)
{
    struct pl rest;
    int err;

    if (!via || !pl)
        return EINVAL;
    rest = *pl;
    blanks_skip(&rest);
    err = rest.l ? protocol_read(&via->tp, &rest) : EBADMSG;
    if (!err)
        err = sentby_read(via, &rest);
    if (err)
        return err;
    via->params = rest;
    via->val = *pl;
    return msg_param_decode(&via->params, "branch", &via->branch);
}

#include "call/party.h"
#include "core/utf8.h"
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* --- text --- */

void party_text(char *dst, size_t sz, const struct pl *src, bool escapes)
{
    size_t n = 0, step, seq;

    for (size_t i = 0; i < src->l; i += step) {
        if (escapes && src->p[i] == '\\' && i + 1 < src->l)
            i++;
        seq = utf8_shown(src->p + i, src->l - i, &step);
        if (n + step >= sz)
            break;
        if (src->p[i] == '\t' || src->p[i] == ' ') {
            if (n && dst[n - 1] != ' ')
                dst[n++] = ' ';
        } else {
            memcpy(dst + n, src->p + i, seq);
            n += seq;
        }
    }
    while (n && dst[n - 1] == ' ')
        n--;
    dst[n] = '\0';
}

void party_quote(char *dst, size_t sz, const char *text)
{
    size_t n = 0;

    for (; *text && n + 2 < sz; text++) {
        if (*text == '"' || *text == '\\')
            dst[n++] = '\\';
        dst[n++] = *text;
    }
    dst[n] = '\0';
}

/* --- numbers --- */

static int hex(char c)
{
    const char lower = (char)(c | 0x20);

    if (c >= '0' && c <= '9')
        return c - '0';
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

static size_t unescape(char *dst, size_t sz, const struct pl *src)
{
    size_t n = 0;

    for (size_t i = 0; i < src->l && n < sz; i++) {
        const char *p = src->p + i;
        const bool escaped = *p == '%' && i + 2 < src->l && hex(p[1]) >= 0 && hex(p[2]) >= 0;

        dst[n++] = escaped ? (char)(hex(p[1]) * 16 + hex(p[2])) : *p;
        i += escaped ? 2 : 0;
    }
    return n;
}

static bool is_phone_uri(const struct uri *uri)
{
    struct pl user;

    return !pl_strcasecmp(&uri->scheme, "tel") ||
           (!msg_param_decode(&uri->params, "user", &user) && !pl_strcasecmp(&user, "phone"));
}

/* RFC 3966 5.1.1: they mean nothing, and are nowhere else in a number */
static size_t separators_drop(char *s, size_t n)
{
    size_t kept = 0;

    for (size_t i = 0; i < n; i++)
        if (!strchr("-.()", s[i]) || !s[i])
            s[kept++] = s[i];
    return kept;
}

void party_number(char *dst, size_t sz, const struct uri *uri)
{
    const char *semi = uri->user.l ? memchr(uri->user.p, ';', uri->user.l) : NULL;
    struct pl user = {uri->user.p, semi ? (size_t)(semi - uri->user.p) : uri->user.l};
    char plain[2 * PARTY_MAX] = "";
    size_t n = unescape(plain, sizeof(plain), &user);

    if (is_phone_uri(uri))
        n = separators_drop(plain, n);
    if (n < sz)
        party_text(dst, sz, &(struct pl){plain, n}, false);
    else
        dst[0] = '\0';
}

/* RFC 3261 25.1: user = 1*( unreserved / escaped / user-unreserved ); not the semicolon, before a telephone number's parameters */
static bool user_char(char c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
           (c && strchr("-_.!~*'()&=+$,?/", c));
}

void party_uri(char *dst, size_t sz, const char *number, const struct pl *host, int af)
{
    char user[3 * PARTY_MAX];
    size_t n = 0;

    for (; *number && n + 4 < sizeof(user); number++) {
        if (user_char(*number))
            user[n++] = *number;
        else
            n += (size_t)snprintf(user + n, sizeof(user) - n, "%%%02X", (unsigned char)*number);
    }
    user[n] = '\0';
    (void)re_snprintf(dst, sz, af == AF_INET6 ? "sip:%s%s[%r]" : "sip:%s%s%r", user, n ? "@" : "", host);
}

void party_contact(char *dst, size_t sz, const char *number, const char *self, const char *params)
{
    char uri[PARTY_URI_MAX];
    struct pl host;

    pl_set_str(&host, self);
    party_uri(uri, sizeof(uri), number, &host, AF_UNSPEC);
    (void)re_snprintf(dst, sz, "%s%s", uri, params);
}

/* --- parties --- */

static bool privacy_h(const struct sip_hdr *hdr, const struct sip_msg *msg, void *arg)
{
    struct pl rest = hdr->val, one;

    (void)msg;
    while (rest.l && !re_regex(rest.p, rest.l, "[^;, \t]+", &one)) {
        if (!pl_strcasecmp(&one, arg))
            return true;
        rest.l -= (size_t)(one.p + one.l - rest.p);
        rest.p = one.p + one.l;
    }
    return false;
}

/* Each proxy on the way may have put a line of its own. */
bool party_privacy(const struct sip_msg *msg, const char *value)
{
    return sip_msg_hdr_apply(msg, true, SIP_HDR_PRIVACY, privacy_h, (void *)value);
}

static bool is_anonymous(const struct uri *uri)
{
    return !pl_strcasecmp(&uri->host, "anonymous.invalid") || !pl_strcasecmp(&uri->user, "anonymous");
}

bool party_private(const struct sip_msg *msg)
{
    if (party_privacy(msg, "none"))
        return false;
    return party_privacy(msg, "id") || party_privacy(msg, "user") || party_privacy(msg, "header") ||
           party_privacy(msg, "critical") ||
           (is_anonymous(&msg->from.uri) && !sip_msg_hdr(msg, SIP_HDR_P_ASSERTED_IDENTITY));
}

static bool alnum(char c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

/* RFC 3261 25.1: an address, or labels of which the last begins with a letter. */
static bool is_host(const struct pl *host)
{
    const char *label = host->p, *end;
    struct sa sa;

    if (!host->l || !sa_set(&sa, host, 0))
        return host->l > 0;
    end = host->p + host->l;
    for (const char *p = label; p <= end; p++) {
        if (p < end && *p != '.' && !alnum(*p) && *p != '-' && *p != '_')
            return false;
        if (p < end && *p != '.')
            continue;
        if (p == label || !alnum(*label) || !alnum(p[-1]))
            return false;
        label = p < end ? p + 1 : label;
    }
    return *label > '9';
}

/* One that is no host is nobody's: a browser could not read a URI with it, and would not ring. */
static void host_take(struct party *p, const struct uri *uri)
{
    if (!is_host(&uri->host))
        return;
    p->host = uri->host;
    p->host_af = uri->af;
}

static void party_of(struct party *p, const struct sip_addr *a)
{
    if (!is_anonymous(&a->uri))
        party_number(p->number, sizeof(p->number), &a->uri);
    host_take(p, &a->uri);
}

/* Digits, and what keypads have besides: something to call back. */
static bool is_dialable(const char *number)
{
    return number[0] && !number[strspn(number, "+0123456789*#")];
}

static bool asserted_h(const struct sip_hdr *hdr, const struct sip_msg *msg, void *arg)
{
    struct party *p = arg, one = {.number = ""};
    struct sip_addr a;

    (void)msg;
    if (sip_addr_decode(&a, &hdr->val))
        return false;
    party_of(&one, &a);
    if (!p->name[0])
        party_text(p->name, sizeof(p->name), &a.dname, true);
    if (one.number[0] && (!p->number[0] || (is_dialable(one.number) && !is_dialable(p->number)))) {
        memcpy(p->number, one.number, sizeof(p->number));
        p->host = one.host;
        p->host_af = one.host_af;
    }
    return false;
}

void party_caller(struct party *p, const struct sip_msg *msg)
{
    memset(p, 0, sizeof(*p));
    p->withheld = party_private(msg);
    (void)sip_msg_hdr_apply(msg, true, SIP_HDR_P_ASSERTED_IDENTITY, asserted_h, p);
    if (!p->number[0])
        party_of(p, (const struct sip_addr *)&msg->from);
    if (!is_anonymous(&msg->from.uri))
        host_take(p, &msg->from.uri);
    if (!p->name[0] && !is_anonymous(&msg->from.uri))
        party_text(p->name, sizeof(p->name), &msg->from.dname, true);
}

void party_called(struct party *p, const struct sip_msg *msg)
{
    const struct sip_hdr *hdr = sip_msg_hdr(msg, SIP_HDR_P_CALLED_PARTY_ID);
    struct sip_addr a;

    memset(p, 0, sizeof(*p));
    if (hdr && !sip_addr_decode(&a, &hdr->val))
        party_of(p, &a);
    if (!p->number[0])
        party_of(p, (const struct sip_addr *)&msg->to);
    if (!p->number[0]) {
        party_number(p->number, sizeof(p->number), &msg->uri);
        host_take(p, &msg->uri);
    }
}

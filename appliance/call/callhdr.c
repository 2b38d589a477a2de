#include "call/callhdr.h"
#include "call/party.h"
#include "core/utf8.h"
#include "sip/blanks.h"
#include <errno.h>
#include <string.h>
#include <strings.h>

/* Genesys' own prefix, and what else a page is shown of the trunk's. */
static const char to_agent[] =
    "X-Genesys-*, User-to-User, Reason, Diversion, History-Info, Call-Info, Alert-Info, "
    "P-Asserted-Identity";

/* What the gateway writes itself, what SIP goes by and what says who calls. */
static const char ours[] =
    "Via, From, To, Call-ID, CSeq, Contact, Max-Forwards, Route, Record-Route, Path, Service-Route, "
    "Content-*, "
    "MIME-Version, Accept, Accept-*, Allow, Allow-Events, Supported, Require, Proxy-Require, Unsupported, "
    "Session-Expires, Min-SE, Expires, Min-Expires, Authorization, Proxy-*, WWW-Authenticate, "
    "Authentication-Info, Identity, Identity-Info, P-Asserted-Identity, P-Preferred-Identity, "
    "Remote-Party-ID, Privacy, RAck, RSeq, Replaces, Join, Target-Dialog, Refer-To, Refer-Sub, Referred-By, "
    "Event, Subscription-State, SIP-ETag, SIP-If-Match, Retry-After, Warning, User-Agent, Server, "
    "Info-Package, Recv-Info";

static bool listed(const struct pl *name, const char *list)
{
    while (*(list += strspn(list, ", "))) {
        const size_t n = strcspn(list, ", ");
        const bool all = list[n - 1] == '*';
        const size_t cmp = all ? n - 1 : n;

        if ((all ? name->l >= cmp : name->l == cmp) && !strncasecmp(name->p, list, cmp))
            return true;
        list += n;
    }
    return false;
}

bool callhdr_allowed(const struct pl *name, const char *allowed)
{
    return name->l > 1 && listed(name, allowed) && !listed(name, ours); /* of one letter are compact forms */
}

static bool passes(const struct pl *name, enum callhdr_way way, const char *allowed)
{
    if (way != CALLHDR_TO_TRUNK)
        return listed(name, to_agent);
    return !pl_strcasecmp(name, "Reason") || callhdr_allowed(name, allowed);
}

/* A line in which something says of itself that it is private: `;privacy=full` (RFC 5806 4), `?Privacy=history` (RFC 7044 10.1.2). */
static bool says_private(const struct pl *val)
{
    static const char word[] = "privacy"; /* in any case: RFC 3261 7.3.1 */
    struct pl rest = *val, what;

    while (rest.l > strlen(word)) {
        if (strncasecmp(rest.p, word, strlen(word))) {
            pl_advance(&rest, 1);
            continue;
        }
        pl_advance(&rest, (ssize_t)strlen(word));
        blanks_skip(&rest);
        if (!rest.l || *rest.p != '=')
            continue;
        pl_advance(&rest, 1);
        if (re_regex(rest.p, rest.l, "[a-z]+", &what) ||
            (pl_strcasecmp(&what, "off") && pl_strcasecmp(&what, "none")))
            return true;
    }
    return false;
}

/* What the agent must not learn (RFC 3323 4.1, RFC 3325 9.1, RFC 7044 10.1). */
static bool is_private(const struct sip_hdr *hdr, const struct sip_msg *msg, enum callhdr_way way)
{
    const struct pl *name = &hdr->name;
    const bool withheld = way == CALLHDR_TO_AGENT_WITHHELD || party_private(msg);

    if (way == CALLHDR_TO_TRUNK)
        return false;
    if (!pl_strcasecmp(name, "P-Asserted-Identity") || !pl_strcasecmp(name, "Call-Info"))
        return withheld;
    if (!pl_strcasecmp(name, "History-Info"))
        return party_privacy(msg, "history") || party_privacy(msg, "header") || says_private(&hdr->val);
    return !pl_strcasecmp(name, "Diversion") && says_private(&hdr->val);
}

/* As it came, but for what a WebSocket cannot carry (RFC 6455 8.1) and a person cannot see. */
static void write_value(struct buf *out, const struct pl *val)
{
    size_t step;

    for (size_t i = 0; i < val->l; i += step) {
        const size_t n = utf8_shown(val->p + i, val->l - i, &step);

        if (n || val->p[i] == '\t')
            (void)buf_write(out, n ? val->p + i : " ", n ? n : 1);
    }
}

int callhdr_pass(struct buf *out, const struct sip_msg *msg, enum callhdr_way way, const char *allowed)
{
    size_t n = 0;
    struct le *le;

    if (!msg)
        return 0;
    LIST_FOREACH(&msg->hdrl, le)
    {
        const struct sip_hdr *hdr = le->data;
        size_t before = out->len;

        if (!passes(&hdr->name, way, allowed) || n == CALLHDR_FIELDS_MAX || is_private(hdr, msg, way))
            continue;
        n++;
        (void)buf_write(out, hdr->name.p, hdr->name.l);
        (void)buf_puts(out, ": ");
        write_value(out, &hdr->val);
        (void)buf_puts(out, "\r\n");
        if (out->err) { /* too long: without this field and those after it */
            out->err = 0;
            out->len = before;
            if (out->data)
                out->data[before] = '\0';
            return EMSGSIZE;
        }
    }
    return 0;
}

void callhdr_clean(char *dst, size_t sz, const struct pl *src)
{
    size_t n = 0, step;

    for (size_t i = 0; i < src->l; i += step) {
        const size_t seq = utf8_shown(src->p + i, src->l - i, &step);

        if (n + seq >= sz)
            break;
        if (!seq || strchr("\"\\<>", src->p[i]))
            continue;
        memcpy(dst + n, src->p + i, seq);
        n += seq;
    }
    dst[n] = '\0';
}

int callhdr_reason(struct buf *out, unsigned cause, const char *text)
{
    char clean[96];
    struct pl pl;

    pl_set_str(&pl, text);
    callhdr_clean(clean, sizeof(clean), &pl);
    return buf_printf(out, "Reason: SIP;cause=%u;text=\"%s\"\r\n", cause, clean);
}

void callhdr_reason_text(char *dst, size_t sz, const struct sip_msg *msg)
{
    const struct sip_hdr *hdr = msg ? sip_msg_hdr(msg, SIP_HDR_REASON) : NULL;
    struct pl text;

    dst[0] = '\0';
    if (!hdr)
        return;
    if (re_regex(hdr->val.p, hdr->val.l, "text=\"[^\"]+\"", &text) &&
        msg_param_decode(&hdr->val, "text", &text))
        text = hdr->val;
    callhdr_clean(dst, sz, &text);
}

void callhdr_call_uuid(char *dst, size_t sz, const struct sip_msg *msg)
{
    const struct sip_hdr *hdr = sip_msg_xhdr(msg, "X-Genesys-CallUUID");

    if (hdr)
        callhdr_clean(dst, sz, &hdr->val);
}

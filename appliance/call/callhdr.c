#include "call/callhdr.h"
#include <errno.h>
#include <string.h>
#include <strings.h>

static const struct {
    const char *name;
    bool to_trunk;
} passed[] = {
    {"User-to-User", true},         {"Reason", true},     {"Diversion", true},
    {"History-Info", true},         {"Call-Info", false}, {"Alert-Info", false},
    {"P-Asserted-Identity", false},
};

static bool passes(const struct pl *name, enum callhdr_way way)
{
    static const char genesys[] = "X-Genesys-";

    if (name->l > sizeof(genesys) - 1 && !strncasecmp(name->p, genesys, sizeof(genesys) - 1))
        return true;
    for (size_t i = 0; i < sizeof(passed) / sizeof(passed[0]); i++)
        if (!pl_strcasecmp(name, passed[i].name))
            return passed[i].to_trunk || way == CALLHDR_TO_AGENT;
    return false;
}

/* One line: a folded value is joined (RFC 3261 7.3.1). */
static int write_value(struct buf *out, const struct pl *val)
{
    for (size_t i = 0; i < val->l; i++) {
        unsigned char c = (unsigned char)val->p[i];
        char one = (char)(c < 0x20 || c == 0x7f ? ' ' : c);

        (void)buf_write(out, &one, 1);
    }
    return out->err;
}

int callhdr_pass(struct buf *out, const struct sip_msg *msg, enum callhdr_way way)
{
    size_t n = 0;
    struct le *le;

    if (!msg)
        return 0;
    LIST_FOREACH(&msg->hdrl, le)
    {
        const struct sip_hdr *hdr = le->data;
        size_t before = out->len;

        if (!passes(&hdr->name, way) || n == CALLHDR_FIELDS_MAX)
            continue;
        n++;
        (void)buf_write(out, hdr->name.p, hdr->name.l);
        (void)buf_puts(out, ": ");
        (void)write_value(out, &hdr->val);
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
    size_t n = 0;

    for (size_t i = 0; i < src->l && n + 1 < sz; i++) {
        unsigned char c = (unsigned char)src->p[i];

        if (c >= 0x20 && c != 0x7f && c != '"' && c != '\\' && c != '<' && c != '>')
            dst[n++] = (char)c;
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

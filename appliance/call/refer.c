#include "call/refer.h"
#include "core/utf8.h"
#include "sip/hdrname.h"
#include <errno.h>
#include <string.h>
#include <strings.h>

/* Printable and without blanks: what may stand in a URI or a tag of ours. */
static bool is_word(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (s[i] <= ' ' || s[i] >= 0x7f || strchr("<>\"\\", s[i]))
            return false;
    return n > 0;
}

static bool is_line(const char *s)
{
    for (; *s; s++)
        if ((unsigned char)*s < ' ' || *s == 0x7f)
            return false;
    return true;
}

/* --- Replaces --- */

static int word(char *dst, size_t sz, const struct pl *src)
{
    if (src->l >= sz || !is_word(src->p, src->l))
        return EBADMSG;
    return pl_strcpy(src, dst, sz);
}

static int replaces_param(struct replaces *r, const struct pl *param)
{
    struct pl name = *param, val = PL_INIT;
    const char *eq = pl_strchr(param, '=');

    if (eq) {
        name.l = (size_t)(eq - param->p);
        val.p = eq + 1;
        val.l = param->l - name.l - 1;
    }
    if (!pl_strcasecmp(&name, "early-only"))
        r->early_only = true;
    if (!pl_strcasecmp(&name, "to-tag"))
        return r->local_tag[0] ? EBADMSG : word(r->local_tag, sizeof(r->local_tag), &val);
    if (!pl_strcasecmp(&name, "from-tag"))
        return r->remote_tag[0] ? EBADMSG : word(r->remote_tag, sizeof(r->remote_tag), &val);
    return 0;
}

/* The next of what semicolons part, without the blanks around it. */
static bool next_part(struct pl *part, struct pl *rest)
{
    const char *semi;

    if (!rest->p || !rest->l)
        return false;
    semi = memchr(rest->p, ';', rest->l);
    part->p = rest->p;
    part->l = semi ? (size_t)(semi - rest->p) : rest->l;
    pl_advance(rest, (ssize_t)(part->l + (semi ? 1 : 0)));
    while (part->l && strchr(" \t", part->p[0]))
        pl_advance(part, 1);
    while (part->l && strchr(" \t", part->p[part->l - 1]))
        part->l--;
    return true;
}

int replaces_read(struct replaces *r, const struct pl *val)
{
    struct pl rest = *val, part = PL_INIT;
    int err;

    memset(r, 0, sizeof(*r));
    err = next_part(&part, &rest) ? word(r->callid, sizeof(r->callid), &part) : EBADMSG;
    while (!err && next_part(&part, &rest))
        err = replaces_param(r, &part);
    return err ? err : r->local_tag[0] && r->remote_tag[0] ? 0 : EBADMSG;
}

/* --- REFER --- */

struct reading {
    struct refer *r;
    struct buf *out;
    int err;
};

static bool passes(const struct pl *name)
{
    return (name->l > 10 && !strncasecmp(name->p, "X-Genesys-", 10)) || !pl_strcasecmp(name, "User-to-User");
}

/* Headers of the URI: only those that we know to be harmless (RFC 3261 19.1.5). */
static int uri_header_h(const struct pl *name, const struct pl *val, void *arg)
{
    struct reading *rd = arg;
    const bool replaces = !pl_strcasecmp(name, "Replaces");
    char text[REPLACES_MAX];

    if (!replaces && !passes(name))
        return 0;
    if (re_snprintf(text, sizeof(text), "%H", uri_header_unescape, val) < 0)
        return rd->err = EMSGSIZE;
    if (!is_line(text) || !is_word(name->p, name->l) || (replaces && rd->r->attended))
        return rd->err = EBADMSG;
    if (replaces) {
        rd->r->attended = true;
        memcpy(rd->r->replaces, text, sizeof(text));
    }
    return rd->err = buf_printf(rd->out, "%.*s: %s\r\n", (int)name->l, name->p, text);
}

/* As it came, but for line ends of a folded one and what else cannot stand in a line. */
static int line_of(struct buf *out, const struct sip_hdr *hdr)
{
    (void)buf_printf(out, "%.*s: ", (int)hdr->name.l, hdr->name.p);
    for (size_t i = 0; i < hdr->val.l; i++) {
        const char c = hdr->val.p[i];

        (void)buf_write(out, (unsigned char)c < ' ' || c == 0x7f ? " " : &c, 1);
    }
    return buf_puts(out, "\r\n");
}

static int msg_headers(struct buf *out, const struct sip_msg *msg)
{
    struct le *le;
    int err = 0;

    for (le = msg->hdrl.head; le && !err; le = le->next) {
        const struct sip_hdr *hdr = le->data;

        if ((hdr->id == SIP_HDR_REFERRED_BY || passes(&hdr->name)) && is_word(hdr->name.p, hdr->name.l))
            err = line_of(out, hdr);
    }
    return err;
}

/* The URI without method= (RFC 3261 19.1.1) and what stands behind ? */
static int target(struct refer *r)
{
    struct pl rest = r->uri.params, part = PL_INIT;
    struct uri bare = r->uri;
    struct buf b;
    int err, n;

    bare.params = bare.headers = (struct pl)PL_INIT;
    n = re_snprintf(r->target, sizeof(r->target), "%H", uri_encode, &bare);
    if (n < 0)
        return EMSGSIZE;
    buf_init(&b, sizeof(r->target) - (size_t)n - 1);
    err = 0;
    while (!err && next_part(&part, &rest))
        if (part.l && (part.l < 7 || strncasecmp(part.p, "method=", 7)))
            err = buf_printf(&b, ";%.*s", (int)part.l, part.p);
    if (!err && b.data)
        memcpy(r->target + n, b.data, b.len + 1);
    buf_reset(&b);
    return err ? EMSGSIZE : is_word(r->target, strlen(r->target)) ? 0 : EBADMSG;
}

static int refer_to(struct refer *r, const struct sip_msg *msg)
{
    const struct sip_hdr *hdr = sip_msg_hdr(msg, SIP_HDR_REFER_TO);
    struct sip_addr addr;
    struct pl method;

    if (!hdr || sip_msg_hdr_count(msg, SIP_HDR_REFER_TO) != 1 || sip_addr_decode(&addr, &hdr->val))
        return EBADMSG;
    r->uri = addr.uri;
    if (pl_strcasecmp(&addr.uri.scheme, "sip") && pl_strcasecmp(&addr.uri.scheme, "sips"))
        return EPROTONOSUPPORT;
    if (!msg_param_decode(&addr.uri.params, "method", &method) && pl_strcasecmp(&method, "INVITE"))
        return ENOTSUP;
    return target(r);
}

int refer_read(struct refer *r, const struct sip_msg *msg)
{
    const struct sip_hdr *sub = sip_msg_hdr(msg, SIP_HDR_REFER_SUB);
    struct buf out;
    struct reading rd = {.r = r, .out = &out};
    int err;

    memset(r, 0, sizeof(*r));
    err = refer_to(r, msg);
    if (err)
        return err;
    r->silent = sub && !pl_strcasecmp(&sub->val, "false");
    buf_init(&out, REFER_HDRS_MAX - 1);
    (void)uri_headers_apply(&r->uri.headers, uri_header_h, &rd);
    err = rd.err ? rd.err : msg_headers(&out, msg);
    if (!err && out.data)
        memcpy(r->hdrs, out.data, out.len + 1);
    buf_reset(&out);
    return err == EBADMSG || err == 0 ? err : EMSGSIZE;
}

/* --- NOTIFY --- */

unsigned refer_frag(char phrase[REFER_PHRASE_MAX], const struct sip_msg *msg)
{
    char raw[REFER_PHRASE_MAX];
    struct pl code, text;

    phrase[0] = '\0';
    if (!msg_ctype_cmp(&msg->ctyp, "message", "sipfrag") ||
        re_regex((const char *)mbuf_buf(msg->mb), mbuf_get_left(msg->mb), "SIP/2.0 [0-9]+[^\r\n]*", &code,
                 &text))
        return 0;
    if (code.l != 3 || code.p - (const char *)mbuf_buf(msg->mb) != 8)
        return 0;
    text.l = MIN(text.l, sizeof(raw) - 1);
    (void)pl_strcpy(&text, raw, sizeof(raw));
    utf8_text(phrase, REFER_PHRASE_MAX, raw + strspn(raw, " "));
    return pl_u32(&code);
}

bool refer_is_notify(const struct sip_msg *msg)
{
    const struct pl event = sip_hdr_token(sip_msg_hdr(msg, SIP_HDR_EVENT));

    return !pl_strcmp(&msg->met, "NOTIFY") && !pl_strcasecmp(&event, "refer");
}

bool refer_is_over(const struct sip_msg *msg)
{
    const struct pl state = sip_hdr_token(sip_msg_hdr(msg, SIP_HDR_SUBSCRIPTION_STATE));

    return !pl_strcasecmp(&state, "terminated");
}

/*
 * libre's decoder of messages (re_sip.h: sip_msg_…), replaced at link time: its own takes every header for To whose name has To's
 * hash, in whatever message it decodes. Ours knows headers by name (sip/hdrname), reads tel: as request URI, and a comma within a
 * quoted string or <> parts nothing. What is in a message stays where it is: every pl points into the mbuf.
 */
#include "sip/blanks.h"
#include "sip/hdrname.h"
#include "sip/remsg.h"

#include <errno.h>
#include <string.h>

enum { HDR_HASH_SIZE = 32 };

enum where { IN_LINES = 1, BY_ID = 2 };

static void hdr_destructor(void *arg)
{
    struct sip_hdr *hdr = arg;

    list_unlink(&hdr->le);
    hash_unlink(&hdr->he);
}

static void msg_destructor(void *arg)
{
    struct sip_msg *msg = arg;

    list_flush(&msg->hdrl);
    hash_flush(msg->hdrht);
    mem_deref(msg->hdrht);
    mem_deref(msg->sock);
    mem_deref(msg->mb);
}

/* ------------------------------------------------------------------ one header */

static int taddr_read(struct sip_taddr *a, const struct pl *val, bool strict)
{
    int err = sip_addr_decode((struct sip_addr *)a, val);

    a->val = *val;
    (void)msg_param_decode(err ? val : &a->params, "tag", &a->tag);
    return strict ? err : 0;
}

/* The headers that a message has at hand. */
static int common_read(struct sip_msg *msg, const struct sip_hdr *hdr, bool strict)
{
    int err;

    switch (hdr->id) {

    case SIP_HDR_VIA:
        return pl_isset(&msg->via.sentby) ? 0 : sip_via_decode(&msg->via, &hdr->val);

    case SIP_HDR_TO:
        return taddr_read(&msg->to, &hdr->val, strict);

    case SIP_HDR_FROM:
        return taddr_read(&msg->from, &hdr->val, strict);

    case SIP_HDR_CSEQ:
        return sip_cseq_decode(&msg->cseq, &hdr->val);

    case SIP_HDR_CONTENT_TYPE:
        err = msg_ctype_decode(&msg->ctyp, &hdr->val);
        return strict ? err : 0;

    case SIP_HDR_CALL_ID:
        msg->callid = hdr->val;
        return 0;

    case SIP_HDR_MAX_FORWARDS:
        msg->maxfwd = hdr->val;
        return 0;

    case SIP_HDR_CONTENT_LENGTH:
        msg->clen = hdr->val;
        return 0;

    case SIP_HDR_EXPIRES:
        msg->expires = hdr->val;
        return 0;

    default:
        return 0;
    }
}

static int hdr_add(struct sip_msg *msg, const struct sip_hdr *like, const struct pl *val, int where,
                   bool strict)
{
    struct sip_hdr *hdr = mem_zalloc(sizeof(*hdr), hdr_destructor);
    int err = 0;

    if (!hdr)
        return ENOMEM;
    hdr->name = like->name;
    hdr->id = like->id;
    hdr->val = *val;
    if (where & BY_ID) {
        hash_append(msg->hdrht, (uint32_t)hdr->id, &hdr->he, mem_ref(hdr));
        err = common_read(msg, hdr, strict);
    }
    if (where & IN_LINES)
        list_append(&msg->hdrl, &hdr->le, mem_ref(hdr));
    mem_deref(hdr);
    return err;
}

static struct pl trimmed(const char *p, const char *end)
{
    struct pl pl = {p, (size_t)(end - p)};

    blanks_trim(&pl);
    return pl;
}

struct pl remsg_value_next(struct pl *rest)
{
    const char *p = rest->p, *const begin = p, *const end = p + rest->l, *close;
    bool quoted = false;

    for (; p < end && (quoted || *p != ','); p++) {
        if (quoted && *p == '\\' && p + 1 < end)
            p++;
        else if (*p == '"')
            quoted = !quoted;
        else if (!quoted && *p == '<' && (close = memchr(p, '>', (size_t)(end - p))))
            p = close;
    }
    *rest = p < end ? (struct pl){p + 1, (size_t)(end - p - 1)} : (struct pl){end, 0};
    return trimmed(begin, p);
}

/*
 * Each of several values is found by its id; of Via and Route each is a line of its own, too (so does libre, whose replies copy
 * lines).
 */
static int line_add(struct sip_msg *msg, const struct sip_hdr *line, bool list, unsigned *values, bool strict)
{
    const bool each = line->id == SIP_HDR_VIA || line->id == SIP_HDR_ROUTE;
    struct pl rest = line->val, one;
    int err = 0;

    if (!list || (!each && !memchr(line->val.p, ',', line->val.l)))
        return hdr_add(msg, line, &line->val, IN_LINES | BY_ID, strict);
    while (rest.l && !err) {
        one = remsg_value_next(&rest);
        if (!one.l)
            continue;
        if (++*values > REMSG_VALUES_MAX)
            return strict ? E2BIG : 0;
        err = hdr_add(msg, line, &one, each ? IN_LINES | BY_ID : BY_ID, strict);
    }
    return err || each ? err : hdr_add(msg, line, &line->val, IN_LINES, strict);
}

/* ------------------------------------------------------------------ the head */

/* Of the line that begins at p: empty, so that the body follows? */
static bool is_empty(const char *p, const char *lf)
{
    return lf == p || (lf == p + 1 && *p == '\r');
}

/* The LF that ends the line which begins at p: one that no blank follows, which would continue it. */
static const char *line_end(const char *p, const char *end)
{
    const char *lf = memchr(p, '\n', (size_t)(end - p));

    if (lf && is_empty(p, lf))
        return lf;
    while (lf && lf + 1 < end && (lf[1] == ' ' || lf[1] == '\t'))
        lf = memchr(lf + 1, '\n', (size_t)(end - lf - 1));
    return lf;
}

/* A request URI of a scheme that is neither sip: nor tel: is read no further: 416 is for its scheme (RFC 3261 8.2.2.1). */
static bool foreign_uri(struct uri *uri, const struct pl *pl)
{
    const struct pl scheme = {pl->p, strcspn(pl->p, ": \r\n")};

    memset(uri, 0, sizeof(*uri));
    if (!scheme.l || scheme.l >= pl->l || pl->p[scheme.l] != ':' || !pl_strcasecmp(&scheme, "sip") ||
        !pl_strcasecmp(&scheme, "sips") || !pl_strcasecmp(&scheme, "tel"))
        return false;
    uri->scheme = scheme;
    return true;
}

static int start_read(struct sip_msg *msg, const char *p, const char *end, bool strict)
{
    static const char version[] = "SIP/2.0";
    const struct pl line = trimmed(p, end);
    const char *a = memchr(line.p, ' ', line.l), *b;
    struct pl first, second, third;

    if (!a || line.p != p)
        return EBADMSG;
    end = line.p + line.l;
    b = memchr(a + 1, ' ', (size_t)(end - a - 1));
    first = (struct pl){p, (size_t)(a - p)};
    second = (struct pl){a + 1, (size_t)((b ? b : end) - a - 1)};
    third = b ? (struct pl){b + 1, (size_t)(end - b - 1)} : (struct pl){end, 0};
    msg->req = pl_strcasecmp(&first, version);
    if (!msg->req) {
        msg->ver = first;
        msg->scode = (uint16_t)pl_u32(&second);
        msg->reason = third;
        return msg->scode ? 0 : EBADMSG;
    }
    msg->met = first;
    msg->ruri = second;
    msg->ver = third;
    if (strict && pl_strcasecmp(&third, version))
        return EBADMSG;
    return remsg_uri(&msg->uri, &second) && !foreign_uri(&msg->uri, &second) && strict ? EBADMSG : 0;
}

/* *pp: behind the empty line, when there was one. ENODATA without. */
static int lines_read(struct sip_msg *msg, const char **pp, const char *end, bool strict)
{
    const char *p = *pp, *lf, *colon;
    unsigned values = 0;
    int err = 0;

    while (!err) {
        struct sip_hdr line = {.id = SIP_HDR_NONE};
        bool list;

        lf = p < end ? line_end(p, end) : NULL;
        if (!lf)
            return ENODATA;
        *pp = lf + 1;
        if (is_empty(p, lf))
            return 0;
        colon = memchr(p, ':', (size_t)(lf - p));
        if (!strict && (*p == ' ' || *p == '\t')) { /* the start line's */
            p = *pp;
            continue;
        }
        if (!colon || *p == ' ' || *p == '\t')
            return EBADMSG;
        line.name = trimmed(p, colon);
        line.val = trimmed(colon + 1, lf);
        line.id = sip_hdrname_id(&line.name, &list);
        err = line.name.l ? line_add(msg, &line, list, &values, strict) : EBADMSG;
        p = *pp;
    }
    return err;
}

static int decode(struct sip_msg **msgp, struct mbuf *mb, bool strict)
{
    const char *p = (const char *)mbuf_buf(mb), *const end = p + mbuf_get_left(mb), *lf;
    struct sip_msg *msg;
    int err;

    lf = p < end ? memchr(p, '\n', (size_t)(end - p)) : NULL;
    if (!lf)
        return ENODATA;
    msg = mem_zalloc(sizeof(*msg), msg_destructor);
    if (!msg)
        return ENOMEM;
    msg->tag = rand_u64();
    msg->mb = mem_ref(mb);
    err = hash_alloc(&msg->hdrht, HDR_HASH_SIZE);
    if (!err)
        err = start_read(msg, p, lf, strict);
    p = lf + 1;
    if (!err)
        err = lines_read(msg, &p, end, strict);
    if (!err && msg->req)
        remsg_via_disown(&msg->via);
    if (err) {
        mem_deref(msg);
        return err;
    }
    mb->pos = mb->end - (size_t)(end - p);
    *msgp = msg;
    return 0;
}

int sip_msg_decode(struct sip_msg **msgp, struct mbuf *mb)
{
    return msgp && mb ? decode(msgp, mb, true) : EINVAL;
}

int remsg_skim(struct sip_msg **msgp, struct mbuf *mb)
{
    return decode(msgp, mb, false);
}

/* ------------------------------------------------------------------ finding headers */

const struct sip_hdr *sip_msg_hdr_apply(const struct sip_msg *msg, bool fwd, enum sip_hdrid id, sip_hdr_h *h,
                                        void *arg)
{
    struct list *list = msg ? hash_list(msg->hdrht, (uint32_t)id) : NULL;
    struct le *le = fwd ? list_head(list) : list_tail(list);

    while (le) {
        const struct sip_hdr *hdr = le->data;

        le = fwd ? le->next : le->prev;
        if (hdr->id == id && (!h || h(hdr, msg, arg)))
            return hdr;
    }
    return NULL;
}

const struct sip_hdr *sip_msg_hdr(const struct sip_msg *msg, enum sip_hdrid id)
{
    return sip_msg_hdr_apply(msg, true, id, NULL, NULL);
}

static bool count_h(const struct sip_hdr *hdr, const struct sip_msg *msg, void *arg)
{
    (void)hdr;
    (void)msg;
    ++*(uint32_t *)arg;
    return false;
}

uint32_t sip_msg_hdr_count(const struct sip_msg *msg, enum sip_hdrid id)
{
    uint32_t n = 0;

    (void)sip_msg_hdr_apply(msg, true, id, count_h, &n);
    return n;
}

static bool value_h(const struct sip_hdr *hdr, const struct sip_msg *msg, void *arg)
{
    (void)msg;
    return !pl_strcasecmp(&hdr->val, arg);
}

bool sip_msg_hdr_has_value(const struct sip_msg *msg, enum sip_hdrid id, const char *value)
{
    return sip_msg_hdr_apply(msg, true, id, value_h, (void *)value) != NULL;
}

struct named {
    const char *name;
    sip_hdr_h *h;
    void *arg;
};

static bool named_h(const struct sip_hdr *hdr, const struct sip_msg *msg, void *arg)
{
    const struct named *n = arg;

    return (hdr->id != SIP_HDR_NONE || !pl_strcasecmp(&hdr->name, n->name)) &&
           (!n->h || n->h(hdr, msg, n->arg));
}

const struct sip_hdr *sip_msg_xhdr_apply(const struct sip_msg *msg, bool fwd, const char *name, sip_hdr_h *h,
                                         void *arg)
{
    struct named n = {name, h, arg};
    struct pl pl;

    pl_set_str(&pl, name);
    return sip_msg_hdr_apply(msg, fwd, sip_hdrname_id(&pl, NULL), named_h, &n);
}

const struct sip_hdr *sip_msg_xhdr(const struct sip_msg *msg, const char *name)
{
    return sip_msg_xhdr_apply(msg, true, name, NULL, NULL);
}

/* sip/body: see body.h. Lines end with CRLF or LF; a header goes on in lines that begin with a blank. */
#include "sip/body.h"
#include "sip/blanks.h"
#include <errno.h>
#include <string.h>

enum { BOUNDARY_MAX = 70 };

struct search {
    unsigned parts, depth;
};

static int entity(struct pl *sdp, const struct body *b, struct search *s);

/* --- text --- */

static const struct pl none = {"", 0};

static struct pl trim(struct pl t)
{
    blanks_trim(&t);
    return t;
}

/* Takes what is before sep off the front, and sep; sep within a quoted string is none. */
static struct pl cut(struct pl *t, char sep)
{
    struct pl head = {t->p, 0};
    bool quoted = false;

    if (!t->l)
        return none;
    for (; head.l < t->l && (quoted || t->p[head.l] != sep); head.l++) {
        if (t->p[head.l] == '"')
            quoted = !quoted;
        else if (quoted && t->p[head.l] == '\\' && head.l + 1 < t->l)
            head.l++;
    }
    pl_advance(t, (ssize_t)MIN(head.l + 1, t->l));
    return trim(head);
}

/* The value of ;name=value without its quotes; empty when there is none. */
static struct pl param(struct pl val, const char *name)
{
    (void)cut(&val, ';');
    while (val.l) {
        struct pl v = cut(&val, ';'), n = cut(&v, '=');

        v = trim(v);
        if (pl_strcasecmp(&n, name))
            continue;
        if (v.l >= 2 && v.p[0] == '"' && v.p[v.l - 1] == '"')
            v = (struct pl){v.p + 1, v.l - 2};
        return v;
    }
    return none;
}

/* The first line of *t, taken off it, without its end. */
static struct pl line(struct pl *t)
{
    const char *nl = memchr(t->p, '\n', t->l);
    struct pl head = {t->p, nl ? (size_t)(nl - t->p) : t->l};

    pl_advance(t, (ssize_t)(head.l + (nl ? 1 : 0)));
    if (head.l && head.p[head.l - 1] == '\r')
        head.l--;
    return head;
}

/* --- a part --- */

/* A transfer encoding that changes the text: SIP carries binary (RFC 5621 3.2). */
static bool transfers(const struct pl *name, const struct pl *val)
{
    return !pl_strcasecmp(name, "Content-Transfer-Encoding") && pl_strcasecmp(val, "binary") &&
           pl_strcasecmp(val, "8bit") && pl_strcasecmp(val, "7bit");
}

static void part_header(struct body *b, struct pl h)
{
    struct pl name = cut(&h, ':'), val = trim(h);

    if (!pl_strcasecmp(&name, "Content-Type") || !pl_strcasecmp(&name, "c"))
        b->ctype = val;
    else if (!pl_strcasecmp(&name, "Content-Disposition"))
        b->disposition = val;
    else if (!pl_strcasecmp(&name, "Content-Encoding") || !pl_strcasecmp(&name, "e") ||
             transfers(&name, &val))
        b->encoding = val;
}

/* Headers, an empty line, content. */
static void part_read(struct body *b, struct pl text)
{
    *b = (struct body){none, none, none, none};
    while (text.l) {
        struct pl h = line(&text);

        if (!h.l) {
            b->content = text;
            return;
        }
        while (text.l && (*text.p == ' ' || *text.p == '\t')) {
            struct pl more = line(&text);

            h.l = (size_t)(more.p + more.l - h.p);
        }
        part_header(b, h);
    }
}

/* --- multipart --- */

/* A line that is --boundary, or --boundary--; both may have blanks behind. */
static bool delimits(struct pl l, struct pl boundary, bool *last)
{
    if (l.l < boundary.l + 2 || memcmp(l.p, "--", 2) || memcmp(l.p + 2, boundary.p, boundary.l))
        return false;
    pl_advance(&l, (ssize_t)boundary.l + 2);
    *last = l.l >= 2 && !memcmp(l.p, "--", 2);
    if (*last)
        pl_advance(&l, 2);
    return !trim(l).l;
}

/* Takes the text up to the next delimiter off *t; the line break before it is the delimiter's. False: there is none, part is the rest. */
static bool part_next(struct pl *t, struct pl boundary, struct pl *part, bool *last)
{
    const char *begin = t->p;

    *part = *t;
    while (t->l) {
        struct pl l = line(t);
        size_t n = (size_t)(l.p - begin);

        if (!delimits(l, boundary, last))
            continue;
        if (n && begin[n - 1] == '\n')
            n--;
        if (n && begin[n - 1] == '\r')
            n--;
        *part = (struct pl){begin, n};
        return true;
    }
    return false;
}

/* What one more part means for the whole: alternative: the last that is understood; else all that must be, and the first SDP. */
static int combine(int so_far, int err, struct pl *sdp, const struct pl *found, bool alternative)
{
    if (err == EILSEQ || so_far == EILSEQ)
        return EILSEQ;
    if (alternative) {
        if (!err)
            *sdp = *found;
        return err ? so_far : 0;
    }
    if (!err && so_far == ENOENT)
        *sdp = *found;
    if (err == EMEDIUMTYPE || so_far == EMEDIUMTYPE)
        return EMEDIUMTYPE;
    return err ? so_far : 0;
}

static int multipart(struct pl *sdp, const struct body *b, bool alternative, struct search *s)
{
    struct pl boundary = param(b->ctype, "boundary"), text = b->content, part, found;
    bool last = false;
    int res = ENOENT;

    if (!boundary.l || boundary.l > BOUNDARY_MAX || s->depth == BODY_DEPTH_MAX ||
        !part_next(&text, boundary, &part, &last)) /* the preamble is for nobody */
        return EILSEQ;
    s->depth++;
    while (!last) {
        struct body one;

        if (!part_next(&text, boundary, &part, &last))
            last = true; /* its end was forgotten */
        if (s->parts++ == BODY_PARTS_MAX)
            return EILSEQ;
        part_read(&one, part);
        res = combine(res, entity(&found, &one, s), sdp, &found, alternative);
    }
    s->depth--;
    return alternative && res == ENOENT ? EMEDIUMTYPE : res;
}

/* --- what is it --- */

static bool must_be_understood(const struct body *b, bool whole)
{
    struct pl handling = param(b->disposition, "handling");

    if (!b->disposition.l)
        return whole;
    return pl_strcasecmp(&handling, "optional");
}

static bool is_session(const struct body *b)
{
    struct pl disp = b->disposition, type = cut(&disp, ';');

    return !type.l || !pl_strcasecmp(&type, "session");
}

static int entity(struct pl *sdp, const struct body *b, struct search *s)
{
    struct pl params = b->ctype, sub = cut(&params, ';'), type = cut(&sub, '/');
    bool whole = s->depth == 0, must;
    int err = EMEDIUMTYPE;

    sub = trim(sub);
    must = must_be_understood(b, whole);
    if (b->encoding.l && pl_strcasecmp(&b->encoding, "identity")) {
        err = EMEDIUMTYPE;
    } else if (!pl_strcasecmp(&type, "application") && !pl_strcasecmp(&sub, "sdp") && is_session(b)) {
        *sdp = b->content;
        return b->content.l ? 0 : ENOENT;
    } else if (!pl_strcasecmp(&type, "multipart")) {
        bool alternative = !pl_strcasecmp(&sub, "alternative");

        err = multipart(sdp, b, alternative, s);
        must = must || (!b->disposition.l &&
                        !alternative); /* what one of its parts requires, it requires: RFC 5621 8.3 */
    }
    return err == EMEDIUMTYPE && !must ? ENOENT : err;
}

int body_find_sdp(struct pl *sdp, const struct body *b)
{
    struct search s = {0};

    return b->content.l ? entity(sdp, b, &s) : ENOENT;
}

static struct pl header(const struct sip_msg *msg, enum sip_hdrid id)
{
    const struct sip_hdr *h = sip_msg_hdr(msg, id);

    return h ? trim(h->val) : none;
}

int body_sdp(struct pl *sdp, const struct sip_msg *msg)
{
    const struct body b = {.ctype = header(msg, SIP_HDR_CONTENT_TYPE),
                           .encoding = header(msg, SIP_HDR_CONTENT_ENCODING),
                           .disposition = header(msg, SIP_HDR_CONTENT_DISPOSITION),
                           .content = {(const char *)mbuf_buf(msg->mb), mbuf_get_left(msg->mb)}};

    return body_find_sdp(sdp, &b);
}

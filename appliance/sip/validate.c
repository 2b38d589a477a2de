/* One pass over the bytes: start line, then each header line; what a header means is looked up in the table `known`. */
#include "sip/validate.h"

#include "core/metric.h"
#include "sip/hdrname.h"
#include "sip/remsg.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include <re.h>

#define REASON_METRIC(id, label, words)                                                                      \
    METRIC_COUNTER(metric_##id, "dngate_sip_dropped_total", "reason=\"" label "\"",                          \
                   "SIP messages refused or dropped");
SIP_REASONS(REASON_METRIC)

static const struct {
    struct metric *metric;
    const char *label, *words;
} reasons[SIP_REASON_COUNT] = {
#define REASON_ROW(id, label, words) [SIP_REASON_##id] = {&metric_##id, label, words},
    SIP_REASONS(REASON_ROW)};

enum known { VIA, FROM, TO, CALL_ID, CSEQ, CONTENT_LENGTH, MAX_FORWARDS, CONTENT_TYPE, RECORD_ROUTE, KNOWN };

static const struct {
    enum sip_hdrid id;
    enum sip_reason repeated; /* SIP_REASON_NONE: may be repeated */
} known[KNOWN] = {
    [VIA] = {SIP_HDR_VIA, SIP_REASON_NONE},
    [FROM] = {SIP_HDR_FROM, SIP_REASON_DUPLICATE},
    [TO] = {SIP_HDR_TO, SIP_REASON_DUPLICATE},
    [CALL_ID] = {SIP_HDR_CALL_ID, SIP_REASON_DUPLICATE},
    [CSEQ] = {SIP_HDR_CSEQ, SIP_REASON_DUPLICATE},
    [CONTENT_LENGTH] = {SIP_HDR_CONTENT_LENGTH, SIP_REASON_DUPLICATE_OTHER},
    [MAX_FORWARDS] = {SIP_HDR_MAX_FORWARDS, SIP_REASON_DUPLICATE_OTHER},
    [CONTENT_TYPE] = {SIP_HDR_CONTENT_TYPE, SIP_REASON_DUPLICATE_OTHER},
    [RECORD_ROUTE] = {SIP_HDR_RECORD_ROUTE, SIP_REASON_NONE},
};

struct scan {
    struct sip_check *c;
    struct pl method;       /* of a request */
    struct pl value[KNOWN]; /* first one of each */
    bool seen[KNOWN];
    enum sip_reason drop, reject; /* the first defect of each kind */
};

const char *sip_reason_label(enum sip_reason r)
{
    return reasons[r].label ? reasons[r].label : "";
}

const char *sip_reason_words(enum sip_reason r)
{
    return reasons[r].words;
}

void sip_reason_count(enum sip_reason r)
{
    if (reasons[r].metric)
        metric_add(reasons[r].metric, 1);
}

static void defect(struct scan *s, enum sip_reason r)
{
    enum sip_reason *first = reasons[r].words ? &s->reject : &s->drop;

    if (*first == SIP_REASON_NONE)
        *first = r;
}

static bool is_token(const char *p, size_t n)
{
    static const char marks[] = "-.!%*_+`'~";

    if (!n)
        return false;
    for (size_t i = 0; i < n; i++) {
        unsigned char ch = (unsigned char)p[i];

        if (!(ch >= '0' && ch <= '9') && !((ch | 0x20) >= 'a' && (ch | 0x20) <= 'z') &&
            !(ch && strchr(marks, ch)))
            return false;
    }
    return true;
}

static bool is_digits(const struct pl *pl)
{
    for (size_t i = 0; i < pl->l; i++)
        if (pl->p[i] < '0' || pl->p[i] > '9')
            return false;
    return pl->l > 0;
}

static void trim(struct pl *pl)
{
    while (pl->l && (*pl->p == ' ' || *pl->p == '\t'))
        pl_advance(pl, 1);
    while (pl->l && (pl->p[pl->l - 1] == ' ' || pl->p[pl->l - 1] == '\t'))
        pl->l--;
}

static const char *blank_find(const struct pl *pl)
{
    for (size_t i = 0; i < pl->l; i++)
        if (pl->p[i] == ' ' || pl->p[i] == '\t')
            return pl->p + i;
    return NULL;
}

/* A number of at most `max`; false also when it overflows. */
static bool number(const struct pl *pl, uint64_t max, uint64_t *out)
{
    uint64_t v = 0;

    if (!is_digits(pl))
        return false;
    for (size_t i = 0; i < pl->l; i++) {
        v = v * 10 + (uint64_t)(pl->p[i] - '0');
        if (v > max)
            return false;
    }
    *out = v;
    return true;
}

/*
 * The next line in [p, end): its length without CRLF. Control characters and a CR or LF of its own end the matter: two parsers
 * would see two different messages.
 */
static enum sip_reason line_next(const char *p, const char *end, size_t *len)
{
    for (const char *q = p; q < end; q++) {
        unsigned char ch = (unsigned char)*q;

        if ((size_t)(q - p) > SIP_LINE_MAX)
            return SIP_REASON_LINE_LENGTH;
        if (ch == '\r') {
            if (q + 1 == end || q[1] != '\n')
                return SIP_REASON_LINE_END;
            *len = (size_t)(q - p);
            return SIP_REASON_NONE;
        }
        if (ch == '\n')
            return SIP_REASON_LINE_END;
        if ((ch < 0x20 && ch != '\t') || ch == 0x7f)
            return SIP_REASON_CONTROL;
    }
    return SIP_REASON_LINE_END;
}

/* "SIP/" 1*DIGIT "." 1*DIGIT */
static bool other_version(const char *p, const char *end)
{
    struct pl major = {p + 4, 0}, minor;
    const char *dot = end - p > 4 && !strncasecmp(p, "SIP/", 4) ? memchr(p, '.', (size_t)(end - p)) : NULL;

    if (!dot)
        return false;
    major.l = (size_t)(dot - major.p);
    minor = (struct pl){dot + 1, (size_t)(end - dot - 1)};
    return is_digits(&major) && is_digits(&minor);
}

static bool start_line(struct scan *s, const char *p, size_t n)
{
    static const char version[] = "SIP/2.0";
    const size_t vlen = sizeof(version) - 1;
    const char *sp = memchr(p, ' ', n), *last;

    if (!sp)
        return false;
    if ((size_t)(sp - p) == vlen && !strncasecmp(p, version, vlen)) { /* SIP/2.0 200 OK */
        const char *code = sp + 1;

        s->c->request = false;
        return n >= vlen + 4 && code[0] >= '1' && code[0] <= '6' && code[1] >= '0' && code[1] <= '9' &&
               code[2] >= '0' && code[2] <= '9' && (n == vlen + 4 || code[3] == ' ');
    }
    s->c->request = true;
    s->method.p = p;
    s->method.l = (size_t)(sp - p);
    last = memchr(sp + 1, ' ', n - (size_t)(sp + 1 - p));
    if (!last || last == sp + 1 || memchr(sp + 1, '\t', (size_t)(last - sp - 1)))
        return false;
    if (!is_token(s->method.p, s->method.l) || s->method.l > 32)
        return false;
    if ((size_t)(p + n - (last + 1)) == vlen && !strncasecmp(last + 1, version, vlen)) /* RFC 3261 7.1 */
        return true;
    defect(s, SIP_REASON_VERSION);
    return other_version(last + 1, p + n);
}

static enum known header_find(const struct pl *name)
{
    const enum sip_hdrid id = sip_hdrname_id(name, NULL);
    int k = 0;

    while (k < KNOWN && known[k].id != id)
        k++;
    return (enum known)k;
}

static void header_line(struct scan *s, const char *p, size_t n)
{
    const char *colon = memchr(p, ':', n);
    struct pl name, value;
    enum known k;

    if (*p == ' ' || *p == '\t') {
        defect(s, SIP_REASON_FOLDED);
        return;
    }
    if (!colon) {
        defect(s, SIP_REASON_HEADER_SYNTAX);
        return;
    }
    name = (struct pl){p, (size_t)(colon - p)};
    value = (struct pl){colon + 1, n - name.l - 1};
    trim(&name);
    trim(&value);
    if (!is_token(name.p, name.l)) {
        defect(s, SIP_REASON_HEADER_SYNTAX);
        return;
    }
    k = header_find(&name);
    if (k == KNOWN)
        return;
    if (s->seen[k]) {
        if (known[k].repeated != SIP_REASON_NONE)
            defect(s, known[k].repeated);
        return;
    }
    s->seen[k] = true;
    s->value[k] = value;
}

/* The topmost Via: responses go by it, transactions are told apart by its branch. */
static bool via_ok(const struct pl *val)
{
    struct pl rest = *val, first = remsg_value_next(&rest);
    struct sip_via via;

    memset(&via, 0, sizeof(via));
    return !sip_via_decode(&via, &first) && via.branch.l > 0;
}

static void check_cseq(struct scan *s)
{
    struct pl num = s->value[CSEQ], met;
    const char *sp = blank_find(&num);
    uint64_t n;

    if (!sp) {
        defect(s, SIP_REASON_BAD_CSEQ);
        return;
    }
    met = (struct pl){sp, num.l - (size_t)(sp - num.p)};
    num.l = (size_t)(sp - num.p);
    trim(&met);
    if (!number(&num, INT32_MAX, &n) || !is_token(met.p, met.l)) /* below 2^31: RFC 3261 8.1.1.5 */
        defect(s, SIP_REASON_BAD_CSEQ);
    else if (s->c->request && pl_cmp(&met, &s->method))
        defect(s, SIP_REASON_CSEQ_METHOD);
}

/* The parameters of a From or To: after '>' when there are angle brackets, else after the first ';'. */
static struct pl addr_params(const struct pl *val)
{
    const char *p = NULL;

    for (size_t i = val->l; i > 0 && !p; i--)
        if (val->p[i - 1] == '>')
            p = val->p + i;
    if (!p)
        p = memchr(val->p, ';', val->l);
    if (!p)
        p = val->p + val->l;
    return (struct pl){p, val->l - (size_t)(p - val->p)};
}

static void check_tags(struct scan *s)
{
    struct pl from = addr_params(&s->value[FROM]), to = addr_params(&s->value[TO]), tag;

    if (msg_param_decode(&from, "tag", &tag) || !tag.l)
        defect(s, SIP_REASON_FROM_TAG);
    if (!msg_param_exists(&to, "tag", &tag) && (msg_param_decode(&to, "tag", &tag) || !tag.l))
        defect(s, SIP_REASON_TO_TAG);
}

static void check_mandatory(struct scan *s)
{
    static const enum sip_reason missing[] = {
        [VIA] = SIP_REASON_NO_VIA,         [FROM] = SIP_REASON_NO_FROM, [TO] = SIP_REASON_NO_TO,
        [CALL_ID] = SIP_REASON_NO_CALL_ID, [CSEQ] = SIP_REASON_NO_CSEQ,
    };
    uint64_t n;

    for (int k = VIA; k <= CSEQ; k++)
        if (!s->value[k].l)
            defect(s, missing[k]);
    if (s->drop != SIP_REASON_NONE)
        return;
    if (!via_ok(&s->value[VIA]))
        defect(s, SIP_REASON_BAD_VIA);
    if (blank_find(&s->value[CALL_ID]) || s->value[CALL_ID].l > 256)
        defect(s, SIP_REASON_BAD_CALL_ID);
    check_cseq(s);
    check_tags(s);
    if (s->seen[MAX_FORWARDS] && !number(&s->value[MAX_FORWARDS], 255, &n))
        defect(s, SIP_REASON_MAX_FORWARDS);
}

/* RFC 3261 18.3: a datagram may carry more than Content-Length says (the rest is dropped), never less. */
static void check_length(struct scan *s, size_t len, enum sip_carrier carrier)
{
    uint64_t n;

    s->c->len = len;
    if (!s->seen[CONTENT_LENGTH]) {
        if (carrier == SIP_STREAM)
            defect(s, SIP_REASON_CONTENT_LENGTH);
        return;
    }
    if (!number(&s->value[CONTENT_LENGTH], SIP_MESSAGE_MAX, &n))
        defect(s, SIP_REASON_CONTENT_LENGTH);
    else if (s->c->head_len + n > len)
        defect(s, SIP_REASON_CONTENT_MISSING);
    else
        s->c->len = s->c->head_len + n;
}

static enum sip_reason scan_head(struct scan *s, const char *p, size_t len)
{
    const char *const begin = p, *const end = p + len;
    enum sip_reason r;
    size_t n;

    r = line_next(p, end, &n);
    if (r != SIP_REASON_NONE)
        return r;
    if (!start_line(s, p, n))
        return SIP_REASON_START_LINE;
    p += n + 2;
    s->c->start_len = (size_t)(p - begin);
    for (int count = 0;; count++) {
        r = line_next(p, end, &n);
        if (r != SIP_REASON_NONE)
            return r;
        if (!n)
            break;
        if (count == SIP_HEADERS_MAX)
            return SIP_REASON_HEADER_COUNT;
        header_line(s, p, n);
        p += n + 2;
    }
    s->c->head_len = (size_t)(p + 2 - begin);
    return SIP_REASON_NONE;
}

void sip_unfold(void *buf, size_t len)
{
    char *p = buf, *const end = p + len, *lf = memchr(p, '\n', len);

    while (lf && lf + 1 < end) {
        p = lf + 1;
        if (*p == '\r' || *p == '\n') /* the empty line */
            break;
        lf = memchr(p, '\n', (size_t)(end - p));
        if (lf && lf + 1 < end && lf[-1] == '\r' && (lf[1] == ' ' || lf[1] == '\t'))
            lf[-1] = lf[0] = ' ';
    }
}

void sip_validate(struct sip_check *c, const void *p, size_t len, enum sip_carrier carrier)
{
    struct scan s = {.c = c};
    enum sip_reason ends;

    memset(c, 0, sizeof(*c));
    ends = len > SIP_MESSAGE_MAX ? SIP_REASON_TOO_LARGE : scan_head(&s, p, len);
    if (ends != SIP_REASON_NONE)
        s.drop = ends;
    if (s.drop == SIP_REASON_NONE) {
        check_mandatory(&s);
        check_length(&s, len, carrier);
        if (carrier == SIP_WEBSOCKET && s.seen[RECORD_ROUTE])
            defect(&s, SIP_REASON_RECORD_ROUTE);
    }
    if (s.drop != SIP_REASON_NONE)
        c->reason = s.drop;
    else
        c->reason = s.reject;
    if (c->reason == SIP_REASON_NONE)
        c->verdict = SIP_MSG_OK;
    else if (s.drop != SIP_REASON_NONE || !c->request || !pl_strcmp(&s.method, "ACK"))
        c->verdict = SIP_MSG_DROP;
    else
        c->verdict = SIP_MSG_REJECT;
}

/* Finds Content-Length in a complete head; the validator judges the rest later. */
static int head_length(const char *p, const char *end, uint64_t *body)
{
    bool seen = false;

    while (p < end) {
        const char *eol = memchr(p, '\n', (size_t)(end - p));
        const char *colon = eol ? memchr(p, ':', (size_t)(eol - p)) : NULL;
        struct pl name, value;

        if (!eol)
            break;
        if (colon) {
            name = (struct pl){p, (size_t)(colon - p)};
            value = (struct pl){colon + 1, (size_t)(eol - colon - 1)};
            if (value.l && value.p[value.l - 1] == '\r')
                value.l--;
            trim(&name);
            trim(&value);
            if (header_find(&name) == CONTENT_LENGTH) {
                if (seen || !number(&value, SIP_MESSAGE_MAX, body))
                    return EBADMSG;
                seen = true;
            }
        }
        p = eol + 1;
    }
    return seen ? 0 : EBADMSG;
}

int sip_stream_frame(const void *buf, size_t n, size_t *len)
{
    const char *p = buf, *eoh = memmem(buf, n, "\r\n\r\n", 4);
    uint64_t body = 0;
    int err;

    if (!eoh)
        return n > SIP_MESSAGE_MAX ? EMSGSIZE : EAGAIN;
    err = head_length(p, eoh + 2, &body);
    if (err)
        return err;
    *len = (size_t)(eoh + 4 - p) + body;
    if (*len > SIP_MESSAGE_MAX)
        return EMSGSIZE;
    return *len > n ? EAGAIN : 0;
}

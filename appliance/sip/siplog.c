#include "sip/siplog.h"
#include "core/addr.h"
#include "core/log.h"
#include "sip/transp.h"

#include <re.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char blank[] = "(not shown)";

/* ---------------------------------------------------------------- what may be shown */

struct reading {
    siplog_line_h *h;
    void *arg;
    bool hidden;    /* the header field that a folded line goes on with */
    char type[128]; /* of the body */
};

static bool starts(const char *line, const char *word)
{
    return !strncasecmp(line, word, strlen(word));
}

static bool name_is(const char *line, size_t len, const char *name)
{
    return len == strlen(name) && !strncasecmp(line, name, len);
}

/* RFC 3261 20.7, 20.28, RFC 7615: what proves a password, in both directions. */
static bool header_secret(const char *line, size_t len)
{
    static const char *const names[] = {"Authorization", "Proxy-Authorization", "Authentication-Info",
                                        "Proxy-Authentication-Info"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (name_is(line, len, names[i]))
            return true;
    return false;
}

/* sip:user:password@host (RFC 3261 19.1.1) */
static void uris_blank(char *line)
{
    for (char *p = line; (p = strcasestr(p, "sip")); p++) {
        char *user = p + 3 + (p[3] == 's' || p[3] == 'S'), *end, *colon;

        if (*user != ':')
            continue;
        end = user + strcspn(user, "@<> \"");
        colon = *end == '@' ? memchr(user + 1, ':', (size_t)(end - user - 1)) : NULL;
        for (; colon && ++colon < end;)
            *colon = '*';
    }
}

/* RFC 8839 5.4, RFC 4568, RFC 4567, RFC 4566 5.12 */
static void keys_blank(char *line)
{
    static const char *const names[] = {"a=ice-pwd:", "a=crypto:", "a=key-mgmt:", "k="};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (starts(line, names[i]))
            snprintf(line + strlen(names[i]), SIPLOG_LINE_MAX - strlen(names[i]), "%s", blank);
}

/* Of the head and of the body alike: what is which, a wrong message leaves open. */
static void line_show(struct reading *r, char *line)
{
    const char *colon = strchr(line, ':');
    const bool folded = *line == ' ' || *line == '\t';
    size_t len = colon ? (size_t)(colon - line) : 0;

    while (len && (line[len - 1] == ' ' || line[len - 1] == '\t'))
        len--;
    if (!folded)
        r->hidden = header_secret(line, len);
    if (!folded && (name_is(line, len, "Content-Type") || name_is(line, len, "c")))
        snprintf(r->type, sizeof(r->type), "%s", colon + 1 + strspn(colon + 1, " \t"));
    if (r->hidden && !folded)
        snprintf(line + (colon - line) + 1, SIPLOG_LINE_MAX - (size_t)(colon - line) - 1, " %s", blank);
    else if (r->hidden ||
             strcasestr(line, "response=")) /* also where its name is spelt as no stack reads it */
        snprintf(line, SIPLOG_LINE_MAX, "%s", blank);
    keys_blank(line);
    uris_blank(line);
    r->h(line, r->arg);
}

/* The next line without its end; NUL and what no line ends in is kept for the log to escape. NULL: there is none. */
static const char *line_next(const char **p, const char *end, char *line, size_t sz)
{
    const char *eol = *p;
    size_t n;

    if (*p >= end)
        return NULL;
    while (eol < end && *eol != '\r' && *eol != '\n')
        eol++;
    n = (size_t)(eol - *p) < sz ? (size_t)(eol - *p) : sz - 1;
    for (size_t i = 0; i < n; i++)
        line[i] = (*p)[i] ? (*p)[i] : '?';
    line[n] = '\0';
    *p = eol + (end - eol >= 2 && eol[0] == '\r' && eol[1] == '\n' ? 2 : 1);
    return line;
}

static void message_lines(const char *p, size_t len, bool whole, siplog_line_h *h, void *arg)
{
    struct reading r = {.h = h, .arg = arg};
    const char *const end = p + len;
    char line[SIPLOG_LINE_MAX];

    while (line_next(&p, end, line, sizeof(line)) && line[0])
        line_show(&r, line);
    if (whole)
        h("", arg);
    if (p >= end)
        return;
    if (!starts(r.type, "application/sdp")) {
        snprintf(line, sizeof(line), "%zu bytes of %s %s", (size_t)(end - p), r.type[0] ? r.type : "no type",
                 blank);
        h(line, arg);
        return;
    }
    r.hidden = false;
    while (line_next(&p, end, line, sizeof(line)))
        line_show(&r, line);
}

void siplog_lines(const char *p, size_t len, siplog_line_h *h, void *arg)
{
    message_lines(p, len, false, h, arg);
}

void siplog_message(const char *p, size_t len, siplog_line_h *h, void *arg)
{
    message_lines(p, len, true, h, arg);
}

/* ---------------------------------------------------------------- into the log */

struct summary {
    char start[256], call_id[128], cseq[64];
};

static void summary_h(const char *line, void *arg)
{
    struct summary *s = arg;
    const char *value = strchr(line, ':');

    if (!s->start[0])
        (void)log_quotable(s->start, sizeof(s->start), line);
    else if (value && (starts(line, "Call-ID:") || starts(line, "i:")))
        (void)log_quotable(s->call_id, sizeof(s->call_id), value + 1 + strspn(value + 1, " "));
    else if (value && starts(line, "CSeq:"))
        (void)log_quotable(s->cseq, sizeof(s->cseq), value + 1 + strspn(value + 1, " "));
}

static void line_h(const char *line, void *arg)
{
    log_write(LOG_TRACE, "sip", "message=%u | %s", *(const unsigned *)arg, line);
}

/* ---------------------------------------------------------------- to who listens besides */

static _Thread_local struct {
    siplog_tap_h *h;
    void *arg;
} tap;

void siplog_tap(siplog_tap_h *h, void *arg)
{
    tap.h = h;
    tap.arg = arg;
}

static void tap_message(bool tx, enum sip_transp tp, const struct sa *src, const struct sa *dst,
                        const uint8_t *pkt, size_t len)
{
    struct siplog_seen m = {.out = tx, .transport = sip_transp_name(tp), .p = (const char *)pkt, .len = len};

    transp_addr(&m.us, tx ? src : dst);
    transp_addr(&m.peer, tx ? dst : src);
    tap.h(&m, tap.arg);
}

static void message_h(bool tx, enum sip_transp tp, const struct sa *src, const struct sa *dst,
                      const uint8_t *pkt, size_t len, void *arg)
{
    static unsigned count; /* of this thread; ties the lines of a message together */
    struct summary s = {.start = ""};
    char peer[ADDR_STRLEN];
    struct addr a;

    (void)arg;
    if (!len || *pkt == '\r' || *pkt == '\n') /* a keep-alive (RFC 5626 4.4.1) */
        return;
    if (tap.h)
        tap_message(tx, tp, src, dst, pkt, len);
    if (!log_enabled("sip", LOG_DEBUG))
        return;
    count++;
    siplog_lines((const char *)pkt, len, summary_h, &s);
    transp_addr(&a, tx ? dst : src);
    log_write(
        LOG_DEBUG, "sip",
        "message=%u direction=%s transport=%s peer=%s bytes=%zu call_id=\"%s\" cseq=\"%s\" start=\"%s\" %s",
        count, tx ? "out" : "in", sip_transp_name(tp), addr_str(&a, peer, sizeof(peer)), len, s.call_id,
        s.cseq, s.start, tx ? "sent" : "received");
    if (log_enabled("sip", LOG_TRACE))
        siplog_lines((const char *)pkt, len, line_h, &count);
}

void siplog_start(struct sip *sip)
{
    sip_set_trace_handler(sip, message_h);
}

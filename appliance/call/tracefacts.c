#include "call/tracefacts.h"

#include "core/buf.h"
#include "core/json.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* ---------------------------------------------------------------- as JSON */

enum type { TEXT, INT, BOOL };

static const struct field {
    const char *name;
    enum type type;
    size_t offset, size;
} fields[] = {
#define FIELD(type_, member)                                                                                 \
    {                                                                                                        \
#member, type_, offsetof(struct trace_facts, member), sizeof(((struct trace_facts *)0)->member)      \
    }
    FIELD(TEXT, trunk_peer),
    FIELD(TEXT, trunk_sdp),
    FIELD(TEXT, trunk_source),
    FIELD(TEXT, stranger),
    FIELD(TEXT, our_media),
    FIELD(TEXT, trunk_codecs),
    FIELD(TEXT, browser_codecs),
    FIELD(TEXT, failed),
    FIELD(TEXT, warning),
    FIELD(INT, strangers),
    FIELD(INT, trunk_heard),
    FIELD(INT, browser_heard),
    FIELD(INT, trunk_tries),
    FIELD(INT, ice_ms),
    FIELD(INT, dtls_ms),
    FIELD(INT, failed_ms),
    FIELD(INT, cands),
    FIELD(INT, relay_cands),
    FIELD(INT, keys),
    FIELD(INT, keys_lost),
    FIELD(INT, info_refused),
    FIELD(BOOL, trunk_events),
    FIELD(BOOL, held),
};
enum { FIELDS = sizeof(fields) / sizeof(fields[0]) };

int trace_facts_write(const struct trace_facts *f, struct buf *out)
{
    for (int i = 0; i < FIELDS; i++) {
        const char *at = (const char *)f + fields[i].offset;
        int64_t n;

        buf_printf(out, "%c\"%s\":", i ? ',' : '{', fields[i].name);
        if (fields[i].type == TEXT) {
            buf_json_str(out, at);
        } else if (fields[i].type == BOOL) {
            buf_puts(out, *(const bool *)at ? "true" : "false");
        } else {
            memcpy(&n, at, sizeof(n));
            buf_printf(out, "%lld", (long long)n);
        }
    }
    return buf_puts(out, "}");
}

void trace_facts_read(struct trace_facts *f, const struct json_val *obj)
{
    memset(f, 0, sizeof(*f));
    for (int i = 0; obj && i < FIELDS; i++) {
        char *at = (char *)f + fields[i].offset;
        const char *text;
        int64_t n;

        if (fields[i].type == TEXT) {
            text = json_get_str(obj, fields[i].name);
            snprintf(at, fields[i].size, "%s", text ? text : "");
        } else if (fields[i].type == BOOL) {
            (void)json_get_bool(obj, fields[i].name, (bool *)at);
        } else if (json_get_int(obj, fields[i].name, &n)) {
            memcpy(at, &n, sizeof(n));
        }
    }
}

/* ---------------------------------------------------------------- descriptions (RFC 8866), as far as people want to know */

struct reading {
    struct trace_sdp *s;
    char session[48], media[48]; /* addresses of the c= lines */
    char port[8];
    bool audio, done; /* within the first m=audio; behind it */
};

static bool starts(const char *line, size_t len, const char *word)
{
    return len >= strlen(word) && !strncmp(line, word, strlen(word));
}

/* A word of the line, as it may stand in a sentence. */
static void word_copy(char *out, size_t sz, const char *p, size_t len)
{
    size_t n = 0;

    while (n < len && n + 1 < sz && p[n] > ' ' && p[n] < 0x7f && p[n] != '"' && p[n] != '<' && p[n] != '/') {
        out[n] = p[n];
        n++;
    }
    out[n] = '\0';
}

static void codec_add(struct trace_sdp *s, const char *name)
{
    const size_t used = strlen(s->codecs);
    const char *had = strstr(s->codecs, name);

    if (!*name || (had && (!had[strlen(name)] || had[strlen(name)] == ' ')))
        return;
    if (used + strlen(name) + 2 < sizeof(s->codecs))
        snprintf(s->codecs + used, sizeof(s->codecs) - used, "%s%s", used ? " " : "", name);
}

/* RFC 3551: types that need no rtpmap. */
static void static_types(struct trace_sdp *s, const char *p, const char *end)
{
    static const struct {
        int pt;
        const char *name;
    } known[] = {{0, "PCMU"}, {3, "GSM"}, {4, "G723"}, {8, "PCMA"}, {9, "G722"}, {15, "G728"}, {18, "G729"}};
    int pt;

    while (p < end) {
        while (p < end && *p == ' ')
            p++;
        for (pt = 0; p < end && *p >= '0' && *p <= '9' && pt < 1000; p++)
            pt = pt * 10 + (*p - '0');
        for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
            if (known[i].pt == pt)
                codec_add(s, known[i].name);
        while (p < end && *p != ' ')
            p++;
    }
}

static void media_line(struct reading *r, const char *p, size_t len)
{
    const char *end = p + len, *at = p;

    r->done = r->done || r->audio;
    r->audio = !r->done && starts(p, len, "m=audio ");
    if (!r->audio)
        return;
    at += 8;
    word_copy(r->port, sizeof(r->port), at, (size_t)(end - at));
    for (int i = 0; i < 2 && at < end; i++) { /* behind port and proto */
        at = memchr(at, ' ', (size_t)(end - at));
        at = at ? at + 1 : end;
    }
    static_types(r->s, at, end);
}

static void candidate(struct trace_sdp *s, const char *p, size_t len)
{
    s->cands++;
    for (size_t i = 0; i + 9 <= len; i++)
        if (!strncmp(p + i, "typ relay", 9)) {
            s->relay_cands++;
            return;
        }
}

static void line_take(struct reading *r, const char *p, size_t len)
{
    char name[24];
    const char *sp;

    if (starts(p, len, "m=")) {
        media_line(r, p, len);
    } else if (starts(p, len, "c=IN IP") && len > 9) {
        if (r->audio)
            word_copy(r->media, sizeof(r->media), p + 9, len - 9);
        else if (!r->done && !r->port[0])
            word_copy(r->session, sizeof(r->session), p + 9, len - 9);
    } else if (r->audio && starts(p, len, "a=rtpmap:")) {
        sp = memchr(p, ' ', len);
        if (!sp)
            return;
        word_copy(name, sizeof(name), sp + 1, (size_t)(p + len - sp - 1));
        codec_add(r->s, name);
    } else if (r->audio && starts(p, len, "a=candidate:")) {
        candidate(r->s, p, len);
    }
}

void trace_sdp_read(struct trace_sdp *s, const char *text, size_t len)
{
    struct reading r = {.s = s};
    const char *const end = text + len;
    const char *ip;

    memset(s, 0, sizeof(*s));
    for (const char *p = text; p < end;) {
        const char *eol = memchr(p, '\n', (size_t)(end - p));
        size_t n = (size_t)((eol ? eol : end) - p);

        line_take(&r, p, n && p[n - 1] == '\r' ? n - 1 : n);
        p += n + 1;
    }
    ip = r.media[0] ? r.media : r.session;
    if (ip[0] && r.port[0])
        snprintf(s->addr, sizeof(s->addr), strchr(ip, ':') ? "[%s]:%s" : "%s:%s", ip, r.port);
}

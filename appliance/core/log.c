#include "core/log.h"
#include "core/clock.h"
#include "core/logsink.h"
#include "core/logtail.h"
#include "core/metric.h"
#include "core/utf8.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LOG_MODULES_MAX = 32, LOG_MODULE_LEN = 24, LOG_WINDOW_MS = 10000, LOG_BURST = 5, LOG_LEVELS = 5 };

METRIC_COUNTER(suppressed_count, "dngate_log_suppressed_total", NULL,
               "Log lines left out because too many of their kind came within 10 s");

/* Modules are only ever added, under the lock; readers see those below module_count. */
struct log_module {
    char name[LOG_MODULE_LEN];
    _Atomic int level;
};

static struct log_module modules[LOG_MODULES_MAX];
static _Atomic size_t module_count;
static pthread_mutex_t module_lock = PTHREAD_MUTEX_INITIALIZER;
static _Atomic int default_level = LOG_INFO;
static _Atomic bool format_json;

static const char *const level_names[LOG_LEVELS] = {"error", "warn", "info", "debug", "trace"};

/* Lines written, for /metrics: a module's row is made by its first line, under the lock; the last row is of all that came later. */
struct log_count {
    const char *_Atomic module; /* as its first line named it: a literal */
    _Atomic uint64_t lines[LOG_LEVELS];
};

static struct log_count counts[LOG_MODULES_MAX];

/* A line under construction. Whatever does not fit is cut; `room` keeps space for the line's end. */
struct line {
    char text[LOG_LINE_MAX];
    size_t len;
    size_t room;
    bool cut;
    bool open; /* JSON: a string that has begun and not ended */
};

static const char no_text[] = /* behind a number */ ",\"text\":\"";
static const char ellipsis[] = "\xe2\x80\xa6";
enum { ELLIPSIS_LEN = sizeof(ellipsis) - 1 };

void log_set_format(bool json)
{
    format_json = json;
}

int log_level_decode(enum log_level *lvl, const char *str)
{
    for (size_t i = 0; str && i < sizeof(level_names) / sizeof(level_names[0]); i++) {
        if (!strcmp(str, level_names[i])) {
            *lvl = (enum log_level)i;
            return 0;
        }
    }
    return EINVAL;
}

static struct log_module *module_find(const char *name)
{
    size_t n = module_count;

    for (size_t i = 0; i < n; i++)
        if (!strcmp(modules[i].name, name))
            return &modules[i];
    return NULL;
}

int log_set_level(const char *module, enum log_level level)
{
    struct log_module *m;
    size_t n;
    int err = 0;

    pthread_mutex_lock(&module_lock);
    n = module_count;
    if (!module) {
        default_level = level;
        for (size_t i = 0; i < n; i++)
            modules[i].level = level;
    } else if ((m = module_find(module))) {
        m->level = level;
    } else if (n == LOG_MODULES_MAX || strlen(module) >= LOG_MODULE_LEN) {
        err = EINVAL;
    } else {
        memcpy(modules[n].name, module, strlen(module) + 1);
        modules[n].level = level;
        module_count = n + 1;
    }
    pthread_mutex_unlock(&module_lock);
    return err;
}

bool log_enabled(const char *module, enum log_level level)
{
    const struct log_module *m = module_count ? module_find(module) : NULL;

    return (int)level <= (m ? m->level : default_level);
}

static void line_put(struct line *l, const char *p, size_t n)
{
    if (l->cut)
        return;
    if (l->len + n > LOG_LINE_MAX - l->room) {
        l->cut = true;
        return;
    }
    memcpy(l->text + l->len, p, n);
    l->len += n;
}

static void line_puts(struct line *l, const char *s)
{
    line_put(l, s, strlen(s));
}

/* C1 controls (U+0080..U+009F) steer terminals, too. */
static bool is_control(const char *s, size_t seq)
{
    unsigned char c = (unsigned char)s[0];

    return c < 0x20 || c == 0x7f || (seq == 2 && c == 0xc2 && (unsigned char)s[1] < 0xa0);
}

static void line_text(struct line *l, const char *s, size_t n)
{
    char esc[8];

    while (n) {
        size_t seq = utf8_seq(s, n);

        if (seq && !is_control(s, seq)) {
            line_put(l, s, seq);
        } else {
            seq = 1;
            snprintf(esc, sizeof(esc), "\\x%02x", (unsigned char)*s);
            line_puts(l, esc);
        }
        s += seq;
        n -= seq;
    }
}

/* Each escape goes in by one line_put(), so that a cut never leaves half of one. */
static void line_json(struct line *l, const char *s, size_t n)
{
    char esc[8];

    while (n) {
        size_t seq = utf8_seq(s, n);

        if (!seq) {
            seq = 1;
            line_puts(l, "\xef\xbf\xbd"); /* U+FFFD */
        } else if (is_control(s, seq)) {
            snprintf(esc, sizeof(esc), "\\u%04x", (unsigned char)s[seq - 1]);
            line_puts(l, esc);
        } else if (*s == '"' || *s == '\\') {
            line_put(l, (const char[]){'\\', *s}, 2);
        } else {
            line_put(l, s, seq);
        }
        s += seq;
        n -= seq;
    }
}

const char *log_quotable(char *out, size_t sz, const char *words)
{
    size_t n = 0;

    for (; words[n] && n + 1 < sz; n++)
        out[n] = words[n] == '"' || words[n] == '\\' ? '?' : words[n];
    out[n] = '\0';
    return out;
}

static bool is_key_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == '-';
}

/* In front of the fields, of a line that stands for others, too. */
#define SUPPRESSED "suppressed=%u "

struct field {
    const char *key, *val;
    size_t klen, vlen;
};

/* Reads a leading `key=value ` or `key="value" `; returns what follows it, or NULL when s does not begin so. */
static const char *field_next(struct field *f, const char *s)
{
    const char *end;

    f->key = s;
    while (is_key_char(*s))
        s++;
    f->klen = (size_t)(s - f->key);
    if (!f->klen || *s++ != '=')
        return NULL;
    if (*s == '"' && (end = strchr(s + 1, '"')) && (!end[1] || end[1] == ' ')) {
        f->val = s + 1;
        f->vlen = (size_t)(end - f->val);
        s = end + 1;
    } else {
        f->val = s;
        f->vlen = strcspn(s, " ");
        s += f->vlen;
    }
    return s + strspn(s, " ");
}

/* What a line brings itself. */
static bool field_is_ours(const struct field *f)
{
    static const char *const ours[] = {"time", "level", "module", "text"};

    for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
        if (strlen(ours[i]) == f->klen && !memcmp(ours[i], f->key, f->klen))
            return true;
    return false;
}

/* What printf made of %d, %llu, %.1f: "-?(0|[1-9][0-9]*)(.[0-9]+)?" is a number of JSON, too. */
static bool is_number(const char *s, size_t n)
{
    const char *const end = s + n;
    const char *digits = s + (n && *s == '-');

    for (s = digits; s < end && *s >= '0' && *s <= '9'; s++)
        continue;
    if (s == digits || (*digits == '0' && s > digits + 1))
        return false;
    for (digits = s + 1; s < end && (s < digits ? *s == '.' : *s >= '0' && *s <= '9'); s++)
        continue;
    return s == end && s != digits;
}

/* Is the field's value a number for whoever wrote the line? Then fmt has KEY=%d or the like: the type of a key is always the same. */
static bool field_is_number(const struct field *f, const char *fmt)
{
    for (const char *p = fmt; *p; p += strcspn(p, " "), p += strspn(p, " ")) {
        if (strncmp(p, f->key, f->klen) || p[f->klen] != '=' || p[f->klen + 1] != '%')
            continue;
        p += f->klen + 2;
        p += strspn(p, "-+#0123456789.hlzjt");
        return *p && strchr("diufg", *p) && is_number(f->val, f->vlen);
    }
    return f->klen == strlen("suppressed") && !strncmp(SUPPRESSED, f->key, f->klen);
}

static void line_field(struct line *l, const struct field *f, bool number)
{
    const struct line before = {.len = l->len, .open = l->open};

    line_puts(l, l->open ? "\",\"" : ",\"");
    line_put(l, f->key, f->klen);
    line_puts(l, field_is_ours(f) ? "_\":" : "\":"); /* a key of ours must not appear twice */
    if (number)
        line_put(l, f->val, f->vlen);
    else
        line_puts(l, "\"");
    l->open = !number;
    if (l->cut) { /* no half keys or numbers */
        l->len = before.len;
        l->open = before.open;
    } else if (!number) {
        line_json(l, f->val, f->vlen);
    }
}

static void format_as_json(struct line *l, enum log_level level, const char *module, const char *fmt,
                           const char *msg)
{
    const char *text = msg, *next;
    struct field f;
    char now[32];

    while ((next = field_next(&f, text)))
        text = next;
    l->room = sizeof(no_text) + ELLIPSIS_LEN + 3; /* an empty text, the cut mark and "}\n */
    line_puts(l, "{\"time\":\"");
    line_puts(l, clock_iso8601(now, sizeof(now), clock_wall_ms()));
    line_puts(l, "\",\"level\":\"");
    line_puts(l, level_names[level]);
    line_puts(l, "\",\"module\":\"");
    line_json(l, module, strlen(module));
    l->open = true;
    for (const char *s = msg; s != text; s = next) {
        next = field_next(&f, s);
        line_field(l, &f, field_is_number(&f, fmt));
    }
    line_puts(l, l->open ? "\",\"text\":\"" : no_text);
    l->open = l->open || !l->cut;
    line_json(l, text, strlen(text));
}

static void format_as_text(struct line *l, enum log_level level, const char *module, const char *msg)
{
    char head[64];

    l->room = ELLIPSIS_LEN + 1;
    clock_iso8601(head, sizeof(head), clock_wall_ms());
    line_puts(l, head);
    snprintf(head, sizeof(head), " %-5s ", level_names[level]);
    line_puts(l, head);
    line_text(l, module, strlen(module));
    line_puts(l, " ");
    line_text(l, msg, strlen(msg));
}

/* ---- counting ---- */

static struct log_count *count_find(const char *module)
{
    size_t i = 0;

    for (; i < LOG_MODULES_MAX - 1 && counts[i].module; i++)
        if (!strcmp(counts[i].module, module))
            break;
    return &counts[i];
}

static void count_line(enum log_level level, const char *module)
{
    struct log_count *c = count_find(module);

    if (!c->module) {
        pthread_mutex_lock(&module_lock);
        c = count_find(module);
        if (!c->module)
            c->module = c == &counts[LOG_MODULES_MAX - 1] ? "other" : module;
        pthread_mutex_unlock(&module_lock);
    }
    atomic_fetch_add_explicit(&c->lines[level], 1, memory_order_relaxed);
}

uint64_t log_lines(enum log_level level)
{
    uint64_t n = 0;

    for (size_t i = 0; i < LOG_MODULES_MAX; i++)
        n += atomic_load_explicit(&counts[i].lines[level], memory_order_relaxed);
    return n;
}

static void counts_collect(struct buf *out, void *arg)
{
    char labels[64];

    (void)arg;
    for (size_t i = 0; i < LOG_MODULES_MAX && counts[i].module; i++) {
        for (size_t lvl = 0; lvl < LOG_LEVELS; lvl++) {
            snprintf(labels, sizeof(labels), "module=\"%.24s\",level=\"%s\"", counts[i].module,
                     level_names[lvl]);
            metric_sample(out, METRIC_TYPE_COUNTER, "dngate_log_lines_total", labels,
                          (double)counts[i].lines[lvl], "Log lines written, by module and level");
        }
    }
}

__attribute__((constructor)) static void counts_register(void)
{
    (void)metric_collector(counts_collect, NULL);
}

static void emit(enum log_level level, const char *module, uint32_t suppressed, const char *fmt, va_list ap)
{
    struct line l = {.len = 0};
    char msg[LOG_LINE_MAX] = "";
    const int head = suppressed ? snprintf(msg, sizeof(msg), SUPPRESSED, suppressed) : 0;
    const int n = vsnprintf(msg + head, sizeof(msg) - (size_t)head, fmt, ap);
    bool json = format_json, cut;

    if (n < 0)
        return;
    count_line(level, module);
    if (json)
        format_as_json(&l, level, module, fmt, msg);
    else
        format_as_text(&l, level, module, msg);
    cut = l.cut || head + n >= (int)sizeof(msg);
    l.cut = false;
    l.room = 0;
    if (json && !l.open) /* cut behind a number */
        line_puts(&l, no_text);
    if (cut)
        line_puts(&l, ellipsis);
    line_puts(&l, json ? "\"}\n" : "\n");
    logtail_put(l.text, l.len);
    logsink_put(l.text, l.len);
}

void log_write(enum log_level level, const char *module, const char *fmt, ...)
{
    va_list ap;

    if (!log_enabled(module, level))
        return;
    va_start(ap, fmt);
    emit(level, module, 0, fmt, ap);
    va_end(ap);
}

static void lost_h(uint64_t lines)
{
    log_warn("log", "lines=%llu lost: nobody read the log fast enough", (unsigned long long)lines);
}

int log_start(void)
{
    return logsink_start(lost_h);
}

void log_stop(void)
{
    logsink_stop();
}

void log_fatal(const char *module, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    emit(LOG_ERROR, module, 0, fmt, ap);
    va_end(ap);
    (void)logsink_flush(LOGSINK_LAST_MS);
    abort();
}

bool log_limit_pass(struct log_limit *lim, uint32_t burst, uint32_t *suppressed)
{
    uint64_t now = clock_ms(), start = lim->window_ms;

    *suppressed = 0;
    if ((!start || now - start >= LOG_WINDOW_MS) &&
        atomic_compare_exchange_strong(&lim->window_ms, &start, now))
        lim->count = 0;
    if (atomic_fetch_add(&lim->count, 1) >= burst) {
        atomic_fetch_add(&lim->suppressed, 1);
        metric_add(&suppressed_count, 1);
        return false;
    }
    *suppressed = atomic_exchange(&lim->suppressed, 0);
    return true;
}

void log_write_limited(struct log_limit *lim, const char *module, const char *fmt, ...)
{
    uint32_t suppressed;
    va_list ap;

    if (!log_enabled(module, LOG_WARN) || !log_limit_pass(lim, LOG_BURST, &suppressed))
        return;
    va_start(ap, fmt);
    emit(LOG_WARN, module, suppressed, fmt, ap);
    va_end(ap);
}

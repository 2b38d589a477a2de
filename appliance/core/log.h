/*
 * core/log: one event a line, as `level module key=value… text` or as JSON.
 *
 * Any thread may log; lines are written whole. Never pass a password, HA1, token,
 * key or a whole SIP message. The media threads log only on state changes, never per packet.
 *
 *   log_info("sip", "dn=%s source=%s registered", dn, src);
 *
 * The format holds the key=value fields first and the words last. Values with spaces are quoted by the
 * caller as key="…"; control characters in the result are escaped here, so that a line stays one line.
 * A line is at most LOG_LINE_MAX bytes long; a longer one is cut and ends in "…".
 *
 *   2026-11-21T09:35:00.123Z info  sip dn=5001 source=10.1.2.3:51000 registered
 *   {"time":"2026-11-21T09:35:00.123Z","level":"info","module":"sip","dn":"5001",…,"text":"registered"}
 *
 * In JSON a value is a number when its format says so (key=%u), and text otherwise (dn=%s), so that a key keeps its type.
 */
#ifndef CORE_LOG_H
#define CORE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LOG_LINE_MAX = 2048 };

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG, LOG_TRACE };

/* From here on a thread of its own writes (core/logsink), and nobody waits for whoever reads the log. Until then, and after
 * log_stop(), lines are written by whoever logs. EAGAIN: no thread; all stays as it is. */
int log_start(void);
void log_stop(void);

/* Sets the format: JSON lines when json is true. Default: text. */
void log_set_format(bool json);

/* Sets the level of all modules, or of one when module is not NULL. Returns EINVAL when too many modules. */
int log_set_level(const char *module, enum log_level level);

/* Parses "error|warn|info|debug|trace". Returns EINVAL otherwise. */
int log_level_decode(enum log_level *lvl, const char *str);

bool log_enabled(const char *module, enum log_level level);

void log_write(enum log_level level, const char *module, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The last line of a process that must not go on: written, then abort(). */
void log_fatal(const char *module, const char *fmt, ...) __attribute__((format(printf, 2, 3), noreturn));

/* A limiter for lines that bad input can cause: at most `burst` lines per 10 s and call site; the next line
 * that passes carries suppressed=N. Thread safe. */
struct log_limit {
    _Atomic uint64_t window_ms;
    _Atomic uint32_t count;
    _Atomic uint32_t suppressed;
};
bool log_limit_pass(struct log_limit *lim, uint32_t burst, uint32_t *suppressed);

#define log_error(mod, ...) log_write(LOG_ERROR, mod, __VA_ARGS__)
#define log_warn(mod, ...) log_write(LOG_WARN, mod, __VA_ARGS__)
#define log_info(mod, ...) log_write(LOG_INFO, mod, __VA_ARGS__)
#define log_debug(mod, ...)                                                                                  \
    do {                                                                                                     \
        if (log_enabled(mod, LOG_DEBUG))                                                                     \
            log_write(LOG_DEBUG, mod, __VA_ARGS__);                                                          \
    } while (0)

/* An outsider's words as they may stand between the quotes of a line's key="value", cut to fit; returns out. */
const char *log_quotable(char *out, size_t sz, const char *words);

/* log_warn for lines that outsiders can trigger: 5 per 10 s and call site. */
void log_write_limited(struct log_limit *lim, const char *module, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
#define log_warn_limited(mod, ...)                                                                           \
    do {                                                                                                     \
        static struct log_limit log_lim_;                                                                    \
        log_write_limited(&log_lim_, mod, __VA_ARGS__);                                                      \
    } while (0)

/* Lines of this level since the start, of all modules. Any thread. */
uint64_t log_lines(enum log_level level);

#endif

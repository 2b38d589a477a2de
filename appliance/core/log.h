/*
 * core/log: one event a line, as `level module key=value… text` or as JSON.
 *
 * Any thread may log; lines are written whole (one write(2) a line). Never pass a password, HA1, token,
 * key or a whole SIP message. The media threads log only on state changes, never per packet.
 *
 *   log_info("sip", "dn=%s source=%s registered", dn, src);
 *
 * The format holds the key=value fields first and the words last. Values with spaces are quoted by the
 * caller as key="…"; control characters in the result are escaped here, so that a line stays one line.
 */
#ifndef CORE_LOG_H
#define CORE_LOG_H

#include <stdbool.h>
#include <stdint.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG, LOG_TRACE };

/* Sets the format: JSON lines when json is true. Default: text. */
void log_set_format(bool json);

/* Sets the level of all modules, or of one when module is not NULL. Returns EINVAL when too many modules. */
int log_set_level(const char *module, enum log_level level);

/* Parses "error|warn|info|debug|trace". Returns EINVAL otherwise. */
int log_level_decode(enum log_level *lvl, const char *str);

bool log_enabled(const char *module, enum log_level level);

void log_write(enum log_level level, const char *module, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

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

/* log_warn for lines that outsiders can trigger: 5 per 10 s and call site. */
#define log_warn_limited(mod, fmt, ...)                                                                      \
    do {                                                                                                     \
        static struct log_limit log_lim_;                                                                    \
        uint32_t log_sup_ = 0;                                                                               \
        if (log_limit_pass(&log_lim_, 5, &log_sup_))                                                         \
            log_write(LOG_WARN, mod, "suppressed=%u " fmt, log_sup_, ##__VA_ARGS__);                         \
    } while (0)

#endif

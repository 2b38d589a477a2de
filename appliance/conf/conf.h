/*
 * conf/conf: every setting, declared once in conf/table.c (key, type, default, range, meaning, live or restart).
 *
 * Precedence: -o > environment (DNGATE_KEY_WITH_UNDERSCORES) > database > default. Values from -o and the
 * environment are locked. Thread safe: readers get a copy; changes are announced to listeners on the thread
 * that made them.
 */
#ifndef CONF_CONF_H
#define CONF_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum conf_type { CONF_INT, CONF_BOOL, CONF_STR, CONF_ENUM, CONF_SECRET };
enum conf_form { /* what a CONF_STR must look like besides its length */
                 CONF_FORM_ANY,
                 CONF_FORM_BIND,     /* one or two IP addresses, comma or space between them */
                 CONF_FORM_PUBLIC,   /* addresses, names, STUN servers: conf/public */
                 CONF_FORM_ORIGINS,  /* https://host[:port], comma or space between them */
                 CONF_FORM_LEVELS,   /* a log level, then module=level */
                 CONF_FORM_NETWORKS, /* addresses and prefixes, comma or space between them */
                 CONF_FORM_USERS,    /* name:password, comma or space between them */
                 CONF_FORM_DNS,      /* DNs, comma or space between them */
                 CONF_FORM_HEADERS,  /* names of header fields, comma or space between them; X-Some-* */
                 CONF_FORM_SERVER,   /* host or host:port */
                 CONF_FORM_HTTP,     /* http or https URL, without a user */
                 CONF_FORM_ALERTS,   /* kinds of alerts, comma or space between them */
};
enum conf_source { CONF_DEFAULT, CONF_DATABASE, CONF_ENVIRONMENT, CONF_OPTION };

enum { CONF_VALUE_MAX = 2048, CONF_WORKERS_MAX = 64 }; /* longest value with its 0; most media threads */

struct conf_def {
    const char *key;
    enum conf_type type;
    const char *def;     /* default as text; "" = none */
    int64_t min, max;    /* CONF_INT range, CONF_STR length range */
    const char *choices; /* CONF_ENUM: "a|b|c"; CONF_STR: what it begins with */
    const char *unit;    /* "s", "ms", … or "" */
    bool live;           /* takes effect without restart */
    const char *meaning; /* one sentence for people */
    enum conf_form form;
};

struct conf;

int conf_alloc(struct conf **cp);
void conf_free(struct conf *c);

/* The table itself, in the order that people see. */
size_t conf_count(void);
const struct conf_def *conf_at(size_t i);
const struct conf_def *conf_find(const char *key);

/* Checks a value against a definition; on EINVAL why says "key=value: must be 0..65535" (a secret's value is not
 * shown). why may be NULL. */
int conf_validate(const struct conf_def *def, const char *value, char *why, size_t whysz);
/* Sets a value from a source. ENOENT unknown key, EINVAL bad value, EPERM locked by a higher source (the value is
 * remembered below it). why is one clear line. NULL value = forget that source's value. Secrets are not accepted from
 * the database (EINVAL), where they would lie in the clear. Numbers and booleans are kept in their plain form: 08080
 * reads back as 8080, "on" as "yes". */
int conf_set(struct conf *c, enum conf_source src, const char *key, const char *value, char *why,
             size_t whysz);
/* Parses "KEY=VALUE" of -o. */
int conf_set_option(struct conf *c, const char *kv, char *why, size_t whysz);
/* Reads all DNGATE_* variables; an unknown DNGATE_ name is an error that names it (except those of our own build, as
 * DNGATE_CACHE, and those that Kubernetes makes for a service of that name). An empty one counts as not set, so that
 * compose files can pass variables through. A value below an option's is remembered: no error. */
int conf_set_environment(struct conf *c, char *const *envp, char *why, size_t whysz);
/* Relations between settings: port ranges that overlap (ice, rtp, relay, listeners), min > max. EINVAL with one clear
 * line that names both keys. Port 0 (the system chooses, or off) conflicts with nothing. */
int conf_check(const struct conf *c, char *why, size_t whysz);

int64_t conf_int(const struct conf *c, const char *key); /* aborts on an unknown key: a bug */
bool conf_bool(const struct conf *c, const char *key);
/* media.workers with 0 resolved to the number of CPUs: 1..CONF_WORKERS_MAX. */
unsigned conf_workers(const struct conf *c);
/* Copies the value; returns buf. */
const char *conf_str(const struct conf *c, const char *key, char *buf, size_t sz);
enum conf_source conf_source(const struct conf *c, const char *key);
bool conf_locked(const struct conf *c, const char *key);

/* "default", "database", "environment", "option". */
const char *conf_source_name(enum conf_source src);
/* The environment's name of a key: "DNGATE_SIP_PORT". Returns buf. */
const char *conf_env_name(const struct conf_def *def, char *buf, size_t sz);

/* Calls h after every change of a value in effect, without any lock held. ENOSPC: more than 16 listeners. */
typedef void(conf_change_h)(const char *key, void *arg);
int conf_listen(struct conf *c, conf_change_h *h, void *arg);

#endif

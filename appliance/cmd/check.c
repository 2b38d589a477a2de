#include "cmd/check.h"
#include "cmd/control.h"
#include "cmd/verb.h"
#include "conf/conf.h"
#include "core/json.h"
#include "store/peek.h"
#include "store/setting.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum { WHY_MAX = 512, TEXT_MAX = 1024, TOPIC_WIDTH = 16 };

extern char **environ;

/* ---------------------------------------------------------------- findings */

static char *text_put(char *p, const char **field, const char *text)
{
    const size_t n = strlen(text) + 1;

    *field = memcpy(p, text, n);
    return p + n;
}

static struct check_finding *found_grow(struct check *ck)
{
    const size_t size = ck->size ? 2 * ck->size : 64;
    struct check_finding *more = ck->count < ck->size ? ck->found : realloc(ck->found, size * sizeof(*more));

    if (more && more != ck->found)
        ck->found = more;
    if (more && ck->count == ck->size)
        ck->size = size;
    return more ? &more[ck->count] : NULL;
}

void check_say(struct check *ck, enum check_level level, const char *topic, const char *advice,
               const char *fmt, ...)
{
    struct check_finding *f = found_grow(ck);
    char text[TEXT_MAX], *p;
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    ck->warnings += level == CHECK_WARN;
    ck->failures += level == CHECK_FAIL;
    p = f ? malloc(strlen(topic) + strlen(text) + strlen(advice) + 3) : NULL;
    if (!p)
        return; /* counted, at least */
    f->level = level;
    (void)text_put(text_put(text_put(p, &f->topic, topic), &f->text, text), &f->advice, advice);
    ck->count++;
}

static void found_free(struct check *ck)
{
    for (size_t i = 0; i < ck->count; i++)
        free((char *)ck->found[i].topic);
    free(ck->found);
}

/* ---------------------------------------------------------------- the running server */

/* One word to the server; its answer is the caller's. NULL: none runs, or it does not answer. */
static char *server_ask(struct check *ck, char *word, int *rc)
{
    char *out = NULL, *err = NULL;
    int status;

    *rc = control_call(ck->dir, 1, &word, NULL, 0, true, &status, &out, &err);
    if (*rc)
        return NULL;
    free(err);
    return out;
}

/* "name 123" on a line of its own. */
bool check_metric(const struct check *ck, const char *name, double *v)
{
    const char *text, *p;
    char line[256];
    struct json *j;

    if (!ck->status || json_parse(&j, ck->status, strlen(ck->status), NULL, 0))
        return false;
    text = json_get_str(json_root(j), "metrics");
    snprintf(line, sizeof(line), "\n%s ", name);
    p = text ? strstr(text, line) : NULL;
    if (p)
        *v = strtod(p + strlen(line), NULL);
    json_free(j);
    return p != NULL;
}

bool check_health(const struct check *ck, const char *part, char *reason, size_t sz)
{
    const struct json_val *v;
    const char *text;
    struct json *j;

    if (!ck->status || json_parse(&j, ck->status, strlen(ck->status), NULL, 0))
        return false;
    v = json_get(json_get(json_get(json_root(j), "health"), "parts"), part);
    text = v ? json_get_str(v, "reason") : NULL;
    snprintf(reason, sz, "%s", text ? text : "");
    json_free(j);
    return text != NULL;
}

/* A value as dngate settings --json has it; NULL: it has none. */
static const char *setting_text(const struct json_val *v, const char *member, char *buf, size_t sz)
{
    int64_t n;
    bool on;

    if (json_get_int(v, member, &n))
        snprintf(buf, sz, "%lld", (long long)n);
    else if (json_get_bool(v, member, &on))
        snprintf(buf, sz, "%s", cmd_yes(on));
    else
        return json_get_str(v, member);
    return buf;
}

/* What the server goes by: what it was started with, when that has changed since and needs a restart. */
static void server_setting(struct check *ck, const struct json_val *v)
{
    char number[32], why[WHY_MAX];
    const char *key = json_get_str(v, "key"), *value = setting_text(v, "running", number, sizeof(number));
    const struct conf_def *def = key ? conf_find(key) : NULL;

    if (def && value)
        check_say(ck, CHECK_WARN, "settings", "start the server again when calls allow it",
                  "%s was changed: the server still goes by \"%s\"", key, value);
    else
        value = setting_text(v, "value", number, sizeof(number));
    if (def && value && def->type != CONF_SECRET)
        (void)conf_set(ck->conf, CONF_OPTION, key, value, why, sizeof(why));
}

static void server_settings(struct check *ck, const char *text)
{
    const struct json_val *list;
    struct json *j;

    if (!text || json_parse(&j, text, strlen(text), NULL, 0))
        return;
    list = json_root(j);
    for (size_t i = 0; i < json_arr_size(list); i++)
        server_setting(ck, json_arr_at(list, i));
    json_free(j);
}

static void server_look(struct check *ck)
{
    struct json *j;
    int64_t pid = 0;
    char *settings;
    int rc;

    ck->status = server_ask(ck, "figures", &rc);
    if (rc == ECONNREFUSED || rc == ENOENT || rc == ENOTDIR) {
        check_say(ck, CHECK_INFO, "server", "", "does not run; what only it knows is left out");
        return;
    }
    if (rc) {
        check_say(ck, CHECK_FAIL, "server", "look in its log; if it is stuck, stop it and start it again",
                  "does not answer: %s", strerror(rc));
        return;
    }
    ck->running = true;
    if (!json_parse(&j, ck->status, strlen(ck->status), NULL, 0)) {
        json_get_int(json_root(j), "pid", &pid);
        json_free(j);
    }
    ck->pid = (pid_t)pid;
    settings = server_ask(ck, "settings", &rc);
    server_settings(ck, settings);
    free(settings);
    check_say(ck, CHECK_OK, "server", "", "runs, process %d", (int)ck->pid);
}

/* ---------------------------------------------------------------- settings */

static void setting_load_h(const char *key, const char *value, void *arg)
{
    struct check *ck = arg;
    char why[WHY_MAX];
    const int err = conf_set(ck->conf, CONF_DATABASE, key, value, why, sizeof(why));

    if (err == ENOENT)
        check_say(ck, CHECK_WARN, "settings",
                  "take it out with dngate settings KEY --reset, or run the version that knows it",
                  "%s is in the database but not known to this version", key);
    else if (err == EINVAL)
        check_say(ck, CHECK_FAIL, "settings", "set it right with dngate settings KEY VALUE, or KEY --reset",
                  "%s (in the database)", why);
}

static void check_settings(struct check *ck)
{
    struct store_reader *r;
    char why[WHY_MAX];
    size_t failures = ck->failures;

    if (ck->store && !store_reader_alloc(&r, ck->store)) { /* below what a running server said */
        (void)setting_each(r, setting_load_h, ck);
        store_reader_free(r);
    }
    if (!ck->running && conf_set_environment(ck->conf, environ, why, sizeof(why)))
        check_say(ck, CHECK_FAIL, "settings", "change or remove the variable", "%s (in the environment)",
                  why);
    if (conf_check(ck->conf, why, sizeof(why)))
        check_say(ck, CHECK_FAIL, "settings", "change one of them: dngate settings KEY VALUE", "%s", why);
    else if (ck->failures == failures)
        check_say(ck, CHECK_OK, "settings", "",
                  ck->running ? "of the running server: valid" : "of database and environment: valid");
}

/* ---------------------------------------------------------------- */

static void look(struct check *ck)
{
    char why[WHY_MAX];
    int err = peek_open(&ck->store, ck->dir, why, sizeof(why));

    if (err == ENOENT)
        check_say(ck, CHECK_INFO, "database", "",
                  "none yet in %s; the first start or the first command makes it", ck->dir);
    else if (err)
        check_say(ck, CHECK_FAIL, "database",
                  err == ENOTSUP ? "use the newer program, or dngate restore FILE"
                                 : "dngate restore FILE brings back a backup",
                  "%s", why);
    server_look(ck);
    check_settings(ck);
    check_store(ck);
    check_directory(ck);
    check_machine(ck);
    check_certificate(ck);
    check_ports(ck);
    check_address(ck);
    check_reach(ck);
    check_trunks(ck);
}

/* ---------------------------------------------------------------- printing */

static bool terminal_has_symbols(void)
{
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};

    if (!isatty(STDOUT_FILENO))
        return false;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *v = getenv(names[i]);

        if (v && *v)
            return strcasestr(v, "utf-8") || strcasestr(v, "utf8");
    }
    return false;
}

static void print_text(const struct check *ck, struct buf *out)
{
    static const char *const words[] = {
        [CHECK_OK] = "ok", [CHECK_INFO] = "note", [CHECK_WARN] = "warn", [CHECK_FAIL] = "FAIL"};
    static const char *const symbols[] = {
        [CHECK_OK] = "\u2714", [CHECK_INFO] = "\u00b7", [CHECK_WARN] = "!", [CHECK_FAIL] = "\u2718"};
    const bool drawn = terminal_has_symbols();

    for (size_t i = 0; i < ck->count; i++) {
        const struct check_finding *f = &ck->found[i];

        buf_printf(out, drawn ? "%s %-*s %s\n" : "%-5s %-*s %s\n", (drawn ? symbols : words)[f->level],
                   TOPIC_WIDTH, f->topic, f->text);
        if (*f->advice)
            buf_printf(out, "%*s%-*s   %s\n", drawn ? 2 : 6, "", TOPIC_WIDTH, "", f->advice);
    }
    buf_printf(out, "\n%zu failures, %zu warnings\n", ck->failures, ck->warnings);
}

static void print_json(const struct check *ck, struct buf *out)
{
    static const char *const words[] = {
        [CHECK_OK] = "ok", [CHECK_INFO] = "note", [CHECK_WARN] = "warning", [CHECK_FAIL] = "failure"};

    buf_printf(out, "{\"running\":%s,\"warnings\":%zu,\"failures\":%zu,\"findings\":[\n",
               cmd_json_bool(ck->running), ck->warnings, ck->failures);
    for (size_t i = 0; i < ck->count; i++) {
        buf_puts(out, i ? ",\n{" : "{");
        cmd_json_member(out, "level", words[ck->found[i].level], true);
        cmd_json_member(out, "topic", ck->found[i].topic, true);
        cmd_json_member(out, "finding", ck->found[i].text, true);
        cmd_json_member(out, "advice", ck->found[i].advice, false);
        buf_puts(out, "}");
    }
    buf_puts(out, "]}\n");
}

static int cmd_check(struct cmd *c, const struct args *a)
{
    struct check ck = {.dir = c->dir};

    (void)a;
    if (conf_alloc(&ck.conf))
        return cmd_refuse(c, "%s", strerror(ENOMEM));
    look(&ck);
    (c->json ? print_json : print_text)(&ck, c->out);
    found_free(&ck);
    store_close(ck.store);
    conf_free(ck.conf);
    free(ck.status);
    return ck.failures ? CMD_REFUSED : CMD_OK;
}

static const struct verb verbs[] = {
    {.name = "",
     .words = "",
     .help = "Looks for what keeps calls from working: settings, ports, public address, clock, certificate, "
             "disk, trunks,\n"
             "names, limits, database; with the server running or not. Says what to do about each. Exit "
             "status 1 when\n"
             "something fails.",
     .example = "dngate check",
     .run = cmd_check},
};
const struct noun noun_check = {.name = "check",
                                .help = "looks for what keeps calls from working, and says what to do",
                                NOUN_VERBS(verbs),
                                .here = true};

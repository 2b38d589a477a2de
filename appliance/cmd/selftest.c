/* dngate selftest: links for people without a DN, and what self-tests found. */
#include "service/selftest.h"
#include "cmd/listing.h"
#include "cmd/verb.h"
#include "core/json.h"
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIGURES_TEXT_MAX = 512 };

/* ---------------------------------------------------------------- link */

static int cmd_selftest_link(struct cmd *c, const struct args *a)
{
    const char *note = args_get(a, "note"), *hours_text = args_get(a, "hours");
    long hours = SERVICE_LINK_HOURS;
    char url[SERVICE_URL_MAX], until[32];
    struct selftest_link l;

    if (hours_text && args_number(hours_text, 1, SELFTEST_HOURS_MAX, &hours))
        return cmd_misused(c, "--hours %s: 1 to %d", hours_text, SELFTEST_HOURS_MAX);
    if (service_selftest_link(&c->sv, note ? note : "", (unsigned)hours, &l, url))
        return cmd_refuse(c, "%s", c->sv.why);
    cmd_time(until, sizeof(until), l.expires_ms);
    if (c->json) {
        buf_puts(c->out, "{");
        cmd_json_member(c->out, "url", url, true);
        cmd_json_member(c->out, "note", l.note, true);
        cmd_json_member(c->out, "expires", until, false);
        buf_puts(c->out, "}\n");
    } else {
        buf_printf(c->out, "%s\n", url);
    }
    explicit_bzero(url, sizeof(url));
    return CMD_OK;
}

static bool link_h(const struct selftest_link *t, void *arg)
{
    struct listing *l = arg;
    char id[24], created[32], expires[32];

    snprintf(id, sizeof(id), "%lld", (long long)t->id);
    cmd_time(created, sizeof(created), t->created_ms);
    cmd_time(expires, sizeof(expires), t->expires_ms);
    if (listing_json(l)) {
        buf_printf(l->cmd->out, "{\"id\":%s,", id);
        cmd_json_member(l->cmd->out, "note", t->note, true);
        cmd_json_member(l->cmd->out, "created", created, true);
        cmd_json_member(l->cmd->out, "expires", expires, false);
        buf_puts(l->cmd->out, "}");
        return false;
    }
    grid_add(&l->grid, id);
    grid_add(&l->grid, created);
    grid_add(&l->grid, expires);
    grid_add(&l->grid, t->note);
    return false;
}

static int cmd_selftest_links(struct cmd *c, const struct args *a)
{
    static const char *const heads[] = {"ID", "MADE", "GOOD UNTIL", "NOTE"};
    struct listing l;

    (void)a;
    listing_begin(&l, c, heads, 4);
    return listing_end(&l, service_selftest_links(&c->sv, link_h, &l), "No link is open");
}

static int cmd_selftest_unlink(struct cmd *c, const struct args *a)
{
    long id;

    if (args_number(a->word[0], 1, LONG_MAX, &id))
        return cmd_misused(c, "ID %s: a number, as dngate selftest links shows it", a->word[0]);
    return service_selftest_link_remove(&c->sv, id) ? cmd_refuse(c, "%s", c->sv.why)
                                                    : cmd_done(c, "link %ld is good no more", id);
}

/* ---------------------------------------------------------------- list */

static void result_json(struct buf *out, const struct selftest *t)
{
    char time[32];

    buf_puts(out, "{");
    cmd_json_member(out, "id", t->id, true);
    cmd_json_member(out, "dn", t->dn, true);
    cmd_json_member(out, "note", t->note, true);
    cmd_json_member(out, "time", cmd_time(time, sizeof(time), t->time_ms), true);
    cmd_json_member(out, "verdict", t->verdict, true);
    cmd_json_member(out, "browser", t->browser, true);
    cmd_json_member(out, "system", t->system, true);
    cmd_json_member(out, "source", t->source, true);
    buf_printf(out, "\"tests\":%s}", t->tests);
}

/* A test's name, and what came of it, for a person. */
static const char *word_of(const struct json_val *test, const char *key)
{
    const char *s = json_get_str(test, key);

    return s ? s : "";
}

/* The names of tests that are bad, else of those that are fair; what a person looks for in a list. */
static void troubles(char *out, size_t sz, const char *tests)
{
    const char *result = strstr(tests, "\"result\":\"bad\"") ? "bad" : "fair";
    struct json *doc;
    size_t n = 0;

    *out = '\0';
    if (json_parse(&doc, tests, strlen(tests), NULL, 0))
        return;
    for (size_t i = 0; i < json_arr_size(json_root(doc)) && n < sz; i++) {
        const struct json_val *test = json_arr_at(json_root(doc), i);

        if (!strcmp(word_of(test, "result"), result))
            n += (size_t)snprintf(out + n, sz - n, "%s%s", n ? ", " : "", word_of(test, "name"));
    }
    json_free(doc);
}

static bool list_h(const struct selftest *t, void *arg)
{
    struct listing *l = arg;
    char text[160];

    if (listing_json(l)) {
        result_json(l->cmd->out, t);
        return false;
    }
    grid_add(&l->grid, t->id);
    grid_add(&l->grid, cmd_time(text, sizeof(text), t->time_ms));
    grid_add(&l->grid, *t->dn ? t->dn : "link");
    grid_add(&l->grid, t->note);
    grid_add(&l->grid, t->verdict);
    troubles(text, sizeof(text), t->tests);
    grid_add(&l->grid, text);
    grid_add(&l->grid, t->browser);
    grid_add(&l->grid, t->system);
    return false;
}

static int cmd_selftest_list(struct cmd *c, const struct args *a)
{
    static const char *const heads[] = {"ID", "TIME", "DN", "FOR", "VERDICT", "TROUBLE", "BROWSER", "SYSTEM"};
    struct listing l;

    listing_begin(&l, c, heads, sizeof(heads) / sizeof(heads[0]));
    return listing_end(&l, service_selftest_each(&c->sv, a->word[0], list_h, &l),
                       "There is no self-test yet. The page is /selftest.html; for somebody without a DN: "
                       "dngate selftest link");
}

/* ---------------------------------------------------------------- show */

struct figures {
    char text[FIGURES_TEXT_MAX];
    size_t n;
};

static bool figure_h(const char *key, const struct json_val *v, void *arg)
{
    struct figures *f = arg;
    const char *word = json_str(v);
    double number = 0;

    if (f->n >= sizeof(f->text))
        return true;
    if (word)
        f->n +=
            (size_t)snprintf(f->text + f->n, sizeof(f->text) - f->n, "%s%s=%s", f->n ? " " : "", key, word);
    else if (json_num(v, &number))
        f->n += (size_t)snprintf(f->text + f->n, sizeof(f->text) - f->n, "%s%s=%.10g", f->n ? " " : "", key,
                                 number);
    return false;
}

static void tests_show(struct cmd *c, const struct json_val *tests)
{
    struct grid g;

    grid_init(&g, 4);
    for (size_t i = 0; i < json_arr_size(tests); i++) {
        const struct json_val *test = json_arr_at(tests, i);
        struct figures f = {.n = 0};

        (void)json_each(json_get(test, "figures"), figure_h, &f);
        grid_add(&g, word_of(test, "name"));
        grid_add(&g, word_of(test, "result"));
        grid_add(&g, f.text);
        grid_add(&g, word_of(test, "detail"));
    }
    (void)grid_print(&g, c->out);
}

static int cmd_selftest_show(struct cmd *c, const struct args *a)
{
    struct selftest t;
    struct json *doc;
    char time[32];

    if (service_selftest_get(&c->sv, a->word[0], &t))
        return cmd_refuse(c, "%s", c->sv.why);
    if (c->json) {
        result_json(c->out, &t);
        buf_puts(c->out, "\n");
        return CMD_OK;
    }
    buf_printf(c->out, "%s  %s  %s  %s\n%s on %s, from %s\n\n", t.verdict, *t.dn ? t.dn : "by a link", t.note,
               cmd_time(time, sizeof(time), t.time_ms), t.browser, t.system, t.source);
    if (!json_parse(&doc, t.tests, strlen(t.tests), NULL, 0)) {
        tests_show(c, json_root(doc));
        json_free(doc);
    }
    return CMD_OK;
}

/* ---------------------------------------------------------------- */

static const struct verb_option link_options[] = {
    {"note", "TEXT", "whom it is for; stands beside the result", false},
    {"hours", "N", "how long it is good for: 24, at most 720", false},
};

static const struct verb verbs[] = {
    {.name = "link",
     .words = "",
     .help = "Prints a URL that lets somebody without a DN make one self-test: microphone, speaker, network, "
             "a test call; once,\nwithin 24 hours. "
             "It leads to public.address, or to this machine's first address.",
     VERB_OPTIONS(link_options),
     .example = "dngate selftest link --note \"Ada, at home\" --hours 48",
     .run = cmd_selftest_link},
    {.name = "links",
     .words = "",
     .help = "Lists the links that are good yet; not what leads to them.",
     .example = "dngate selftest links",
     .run = cmd_selftest_links},
    {.name = "unlink",
     .words = "ID",
     .words_min = 1,
     .words_max = 1,
     .help = "Takes a link back that was not used yet. ID as dngate selftest links shows it.",
     .example = "dngate selftest unlink 3",
     .run = cmd_selftest_unlink},
    {.name = "list",
     .words = "[DN]",
     .words_max = 1,
     .help = "Lists what self-tests found, the newest first: the last 10 of each DN, the last 100 by links.",
     .example = "dngate selftest list 5001",
     .run = cmd_selftest_list},
    {.name = "show",
     .words = "ID",
     .words_min = 1,
     .words_max = 1,
     .help = "Shows one with all its tests. ID as dngate selftest list shows it.",
     .example = "dngate selftest show 1795833699306-EjGUZq",
     .run = cmd_selftest_show},
};

const struct noun noun_selftest = {
    .name = "selftest", .help = "what agents' browsers and networks can do", NOUN_VERBS(verbs)};

/* dngate dn range, bulk and compare: many DNs at a time. */
#include "cmd/grid.h"
#include "cmd/verb.h"
#include "service/dn.h"
#include "service/dncompare.h"

#include <stdlib.h>
#include <string.h>

enum { COMPARED_MAX = 4 << 20 };

/* ---------------------------------------------------------------- passwords that were made */

static int passwords_print(struct cmd *c, const struct dn_password *v, size_t n)
{
    static const char *const heads[] = {"DN", "NAME", "PASSWORD"};
    struct grid g;

    if (c->json)
        buf_puts(c->out, "{\"items\":[");
    else
        grid_init(&g, 3);
    for (size_t i = 0; !c->json && i < 3; i++)
        grid_add(&g, heads[i]);
    for (size_t i = 0; i < n; i++) {
        if (!c->json) {
            grid_add(&g, v[i].dn);
            grid_add(&g, v[i].name);
            grid_add(&g, v[i].password);
            continue;
        }
        buf_puts(c->out, i ? ",\n{" : "{");
        cmd_json_member(c->out, "dn", v[i].dn, true);
        cmd_json_member(c->out, "name", v[i].name, true);
        cmd_json_member(c->out, "password", v[i].password, false);
        buf_puts(c->out, "}");
    }
    if (c->json)
        buf_puts(c->out, "]}\n");
    else if (grid_print(&g, c->out))
        return cmd_refuse(
            c, "done, but too much to print: the passwords are lost; give new ones by dngate dn bulk reset");
    return CMD_OK;
}

int cmd_dn_range(struct cmd *c, const struct args *a)
{
    struct dn_new like = {.enabled = !args_flag(a, "disabled")};
    struct dn_password *v;
    size_t n;
    int status;

    status = cmd_dn_options(c, a, &like.codec, &like.auto_answer, &like.call_limit);
    if (status)
        return status;
    like.name = args_get(a, "name");
    if (service_dn_range(&c->sv, a->word[0], a->word[1], &like, &v, &n))
        return cmd_refuse(c, "%s; nothing was added", c->sv.why);
    status = passwords_print(c, v, n);
    service_dn_passwords_free(v, n);
    return status;
}

/* ---------------------------------------------------------------- a selection */

static int action_decode(const char *word, enum dn_action *action)
{
    static const char *const words[] = {
        [DN_ENABLE] = "enable", [DN_DISABLE] = "disable", [DN_RESET] = "reset", [DN_REMOVE] = "remove"};

    for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(word, words[i]))
            continue;
        *action = (enum dn_action)i;
        return 0;
    }
    return CMD_USAGE;
}

static int bulk(struct cmd *c, enum dn_action action, char *list)
{
    static const char *const done_words[] = {
        [DN_ENABLE] = "enabled", [DN_DISABLE] = "disabled", [DN_REMOVE] = "removed"};
    const size_t most = strlen(list) / 2 + 1;
    const char **dns = calloc(most, sizeof(*dns));
    struct dn_password *made = NULL;
    size_t n = 0, done;
    char *save;
    int status;

    if (!dns)
        return cmd_refuse(c, "no memory");
    for (char *p = strtok_r(list, ", \t\r\n", &save); p; p = strtok_r(NULL, ", \t\r\n", &save))
        dns[n++] = p;
    if (service_dn_bulk(&c->sv, action, dns, n, &made, &done))
        status = cmd_refuse(c, "%s; nothing was changed", c->sv.why);
    else if (action == DN_RESET)
        status = passwords_print(c, made, done);
    else
        status = cmd_done(c, "%zu DNs %s", done, done_words[action]);
    service_dn_passwords_free(made, made ? done : 0);
    free(dns);
    return status;
}

int cmd_dn_bulk(struct cmd *c, const struct args *a)
{
    enum dn_action action;
    char *list;
    int status;

    if (action_decode(a->word[0], &action))
        return cmd_misused(c, "%s: enable, disable, reset or remove", a->word[0]);
    if (!strcmp(a->word[1], "-"))
        list = strdup(c->input ? c->input : "");
    else
        list = strdup(a->word[1]);
    if (!list)
        return cmd_refuse(c, "no memory");
    status = bulk(c, action, list);
    free(list);
    return status;
}

/* ---------------------------------------------------------------- comparing */

enum { LISTS = 3 };
struct compared {
    struct cmd *cmd;
    struct buf lists[LISTS]; /* missing, extra, different, as they are printed */
    size_t same, counts[LISTS];
};

static void compared_json(struct compared *k, struct buf *b, size_t list, const struct dn_comparison *d)
{
    buf_puts(b, k->counts[list] ? ",\n{" : "{");
    cmd_json_member(b, "dn", d->dn, true);
    if (d->what == DN_DIFFERENT) {
        cmd_json_member(b, "field", d->field, true);
        cmd_json_member(b, "here", d->here, true);
        cmd_json_member(b, "there", d->there, false);
    } else {
        cmd_json_member(b, "name", d->name, false);
    }
    buf_puts(b, "}");
}

static void compared_h(const struct dn_comparison *d, void *arg)
{
    static const char *const words[] = {"missing here", "only here", "different"};
    struct compared *k = arg;
    const size_t list = (size_t)d->what - DN_MISSING;
    struct buf *b = &k->lists[list % LISTS];

    if (d->what == DN_SAME) {
        k->same++;
        return;
    }
    if (k->cmd->json)
        compared_json(k, b, list, d);
    else if (d->what == DN_DIFFERENT)
        buf_printf(b, "%s: DN %s: %s is \"%s\" here, \"%s\" there\n", words[list], d->dn, d->field, d->here,
                   d->there);
    else
        buf_printf(b, "%s: DN %s%s%s\n", words[list], d->dn, d->name[0] ? " " : "", d->name);
    k->counts[list]++;
}

static const char *text_of(const struct buf *b)
{
    return b->data ? b->data : "";
}

int cmd_dn_compare(struct cmd *c, const struct args *a)
{
    struct compared k = {.cmd = c};
    int status = CMD_OK;

    for (size_t i = 0; i < LISTS; i++)
        buf_init(&k.lists[i], COMPARED_MAX);
    if (service_dn_compare(&c->sv, c->input ? c->input : "", c->input_len, compared_h, &k))
        status = cmd_refuse(c, "%s: %s", a->word[0], c->sv.why);
    else if (c->json)
        buf_printf(c->out, "{\"same\":%zu,\n\"missing\":[%s],\n\"extra\":[%s],\n\"different\":[%s]}\n",
                   k.same, text_of(&k.lists[0]), text_of(&k.lists[1]), text_of(&k.lists[2]));
    else
        buf_printf(c->out, "%s%s%s%zu the same, %zu missing here, %zu only here, %zu differences\n",
                   text_of(&k.lists[0]), text_of(&k.lists[1]), text_of(&k.lists[2]), k.same, k.counts[0],
                   k.counts[1], k.counts[2]);
    for (size_t i = 0; i < LISTS; i++)
        buf_reset(&k.lists[i]);
    return status;
}

/* dngate trunk test: begins a test in the running server, and waits for its end here. */
#include "service/trunktest.h"
#include "cmd/pass.h"
#include "cmd/verb.h"
#include "core/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LOOK_MS = 150, LOOKS_MAX = 400 };

int cmd_trunk_test_begin(struct cmd *c, const struct args *a)
{
    uint32_t id;

    return service_trunktest_begin(&c->sv, a->word[0], &id)
               ? cmd_refuse(c, "%s", c->sv.why)
               : cmd_done(c, "trunk %s is being tested", a->word[0]);
}

int cmd_trunk_test_look(struct cmd *c, const struct args *a)
{
    struct service_trunktest t;
    char started[32];

    if (service_trunktest_look(&c->sv, a->word[0], &t))
        return cmd_refuse(c, "%s", c->sv.why);
    buf_puts(c->out, "{");
    cmd_json_member(c->out, "trunk", a->word[0], true);
    buf_printf(c->out, "\"running\":%s,", cmd_json_bool(t.running));
    cmd_json_member(c->out, "started", cmd_time(started, sizeof(started), t.started_ms), true);
    buf_puts(c->out, "\"steps\":[");
    for (unsigned i = 0; i < TRUNKTEST_STEPS; i++) {
        if (!trunktest_has(&t, (enum trunktest_name)i))
            continue;
        buf_puts(c->out, i ? ",\n{" : "{");
        cmd_json_member(c->out, "name", trunktest_name((enum trunktest_name)i), true);
        cmd_json_member(c->out, "result", trunktest_result(t.steps[i].result), true);
        buf_printf(c->out, "\"ms\":%u,", t.steps[i].ms);
        cmd_json_member(c->out, "detail", t.steps[i].detail, true);
        cmd_json_member(c->out, "advice", t.steps[i].advice, false);
        buf_puts(c->out, "}");
    }
    buf_puts(c->out, "]}\n");
    return CMD_OK;
}

/* Prints the steps; true when none failed. */
static bool steps_tell(struct cmd *c, const struct json_val *steps)
{
    bool good = true;

    for (size_t i = 0; i < json_arr_size(steps); i++) {
        const struct json_val *s = json_arr_at(steps, i);
        const char *name = json_get_str(s, "name"), *result = json_get_str(s, "result");
        const char *detail = json_get_str(s, "detail"), *advice = json_get_str(s, "advice");

        if (!name || !result || !detail || !advice)
            continue;
        good = good && strcmp(result, "failed") != 0;
        if (c->json)
            continue;
        buf_printf(c->out, "%-11s %-8s %s\n", name, result, detail);
        if (advice[0])
            buf_printf(c->out, "%21s%s\n", "", advice);
    }
    return good;
}

int cmd_trunk_test(struct cmd *c, const struct args *a)
{
    char name[TRUNK_NAME_MAX], *begin[] = {"trunk", "test-begin", name},
                               *look[] = {"trunk", "test-look", name};
    char *text = NULL;
    int status;
    bool running = true, good = false;

    if (strlen(a->word[0]) >= sizeof(name))
        return cmd_refuse(c, "there is no trunk %s", a->word[0]);
    snprintf(name, sizeof(name), "%s", a->word[0]);
    status = cmd_pass(c, 3, begin, NULL, 0, false, &text);
    for (int i = 0; !status && running && i < LOOKS_MAX; i++) {
        struct json *j;

        free(text);
        text = NULL;
        nanosleep(&(struct timespec){.tv_nsec = LOOK_MS * 1000000L}, NULL);
        status = cmd_pass(c, 3, look, NULL, 0, true, &text);
        if (status || json_parse(&j, text, strlen(text), NULL, 0))
            break;
        (void)json_get_bool(json_root(j), "running", &running);
        if (!running)
            good = steps_tell(c, json_get(json_root(j), "steps"));
        json_free(j);
    }
    if (!status && running)
        status = cmd_refuse(c, "the test of trunk %s does not end", name);
    else if (!status && c->json)
        buf_puts(c->out, text);
    free(text);
    return status ? status : good ? CMD_OK : CMD_REFUSED;
}

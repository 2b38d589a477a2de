#include "cmd/pass.h"
#include "cmd/control.h"
#include "cmd/verb.h"
#include "store/store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WHY_MAX = 512, OUT_MAX = 64 * 1024 * 1024 };

/* For verbs that need no settings. */
static int pass_here(struct cmd *c, int argc, char *const *argv, const char *input, size_t len, bool json,
                     char **out)
{
    struct cmd inner = {.dir = c->dir, .input = input, .input_len = len, .json = json, .err = c->err};
    char why[WHY_MAX], who[32];
    struct buf text;
    int status;
    size_t n;

    snprintf(who, sizeof(who), "cli:uid=%u", (unsigned)getuid());
    store_actor(who);
    store_actor_reason(c->reason);
    if (store_open(&inner.sv.store, c->dir, why, sizeof(why)))
        return cmd_refuse(c, "%s", why);
    buf_init(&text, OUT_MAX);
    inner.out = &text;
    status = cmd_run(&inner, argc, argv);
    store_close(inner.sv.store);
    buf_puts(&text, "");
    if (!status)
        *out = buf_take(&text, &n);
    buf_reset(&text);
    return status || *out ? status : cmd_refuse(c, "%s", strerror(ENOMEM));
}

int cmd_pass(struct cmd *c, int argc, char *const *argv, const char *input, size_t len, bool json, char **out)
{
    char *text, *err;
    int status, rc = control_call(c->dir, argc, argv, input, len, json, &status, &text, &err);

    *out = NULL;
    if (rc == ECONNREFUSED || rc == ENOENT || rc == ENOTDIR)
        return pass_here(c, argc, argv, input, len, json, out);
    if (rc)
        return cmd_refuse(c, "the running server does not answer: %s", strerror(rc));
    if (status) {
        buf_puts(c->err, err);
        free(text);
    } else {
        *out = text;
    }
    free(err);
    return status;
}

/* dngate setup-link: the way to the first administrator. */
#include "service/setup.h"
#include "cmd/verb.h"
#include <string.h>

static int cmd_setup_link(struct cmd *c, const struct args *a)
{
    char url[SERVICE_URL_MAX], until[32];
    int64_t expires_ms;

    (void)a;
    if (service_setup_link(&c->sv, url, &expires_ms))
        return cmd_refuse(c, "%s", c->sv.why);
    if (c->json) {
        buf_puts(c->out, "{");
        cmd_json_member(c->out, "url", url, true);
        cmd_json_member(c->out, "expires", cmd_time(until, sizeof(until), expires_ms), false);
        buf_puts(c->out, "}\n");
    } else {
        buf_printf(c->out, "%s\n", url);
    }
    explicit_bzero(url, sizeof(url));
    return CMD_OK;
}

static const struct verb verbs[] = {
    {.name = "",
     .words = "",
     .help = "Prints a link by which a browser makes the first administrator. It is good once, and for 30 "
             "minutes; a "
             "new one takes\nthe place of an older one. Refused once there is an administrator.",
     .example = "dngate setup-link",
     .run = cmd_setup_link},
};

const struct noun noun_setup_link = {.name = "setup-link",
                                     .help = "the one-time link by which the first administrator is made",
                                     NOUN_VERBS(verbs)};

#include "call/callconf.h"
#include "conf/conf.h"

#include <string.h>

const char *callconf_agent_headers(const struct conf *c, char buf[CALLCONF_MAX])
{
    return conf_str(c, "sip.agent_headers", buf, CALLCONF_MAX);
}

bool callconf_hold_trunk(const struct conf *c)
{
    char value[16];

    return !c || strcmp(conf_str(c, "call.hold", value, sizeof(value)), "local");
}

uint32_t callconf_rebind_seconds(const struct conf *c)
{
    return c ? (uint32_t)conf_int(c, "call.rebind_seconds") : 0;
}

bool callconf_refer(const struct conf *c)
{
    char value[16];

    return !c || strcmp(conf_str(c, "call.refer", value, sizeof(value)), "off");
}

bool callconf_beep(const struct conf *c)
{
    return !c || conf_bool(c, "call.beep");
}

struct callconf_trace callconf_trace(const struct conf *c)
{
    enum { MB = 1024 * 1024 };
    const int64_t day_ms = 86400000;

    if (!c)
        return (struct callconf_trace){0};
    return (struct callconf_trace){.call_bytes = conf_int(c, "trace.call_bytes"),
                                   .total_bytes = conf_int(c, "trace.total") * MB,
                                   .age_ms = conf_int(c, "trace.days") * day_ms,
                                   .sample = conf_int(c, "trace.sample")};
}

bool callconf_watched(const struct conf *c, const char *dn)
{
    char list[CALLCONF_MAX], *save = NULL;

    conf_str(c, "trace.watch", list, sizeof(list));
    for (char *word = strtok_r(list, ", ", &save); word; word = strtok_r(NULL, ", ", &save))
        if (!strcmp(word, dn))
            return true;
    return false;
}

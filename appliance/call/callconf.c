#include "call/callconf.h"
#include "conf/conf.h"

const char *callconf_agent_headers(const struct conf *c, char buf[CALLCONF_MAX])
{
    return conf_str(c, "sip.agent_headers", buf, CALLCONF_MAX);
}

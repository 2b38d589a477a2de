/* Levels as people write them. */
#include "core/log.h"
#include "core/loglevel.h"
#include "testing.h"

#include <errno.h>

TEST(one_level_then_those_that_differ)
{
    CHECK_EQ_INT(loglevel_apply("warn sip=debug, media=error"), 0);
    CHECK(!log_enabled("call", LOG_INFO));
    CHECK(log_enabled("sip", LOG_DEBUG) && !log_enabled("sip", LOG_TRACE));
    CHECK(!log_enabled("media", LOG_WARN));
    CHECK_EQ_INT(loglevel_apply("info"), 0);
    CHECK(log_enabled("call", LOG_INFO));
    CHECK(!log_enabled("sip", LOG_DEBUG));
    CHECK(log_enabled("media", LOG_INFO));
}

TEST(what_is_not_of_that_form_changes_nothing)
{
    static const char *const bad[] = {"",
                                      " ",
                                      "loud",
                                      "sip=debug",
                                      "info debug",
                                      "info =debug",
                                      "info sip=",
                                      "info sip=loud",
                                      "info SIP=debug",
                                      "info|debug",
                                      "info sip=debug=trace"};

    CHECK_EQ_INT(loglevel_apply("error"), 0);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        CHECK_EQ_INT(loglevel_check(bad[i]), EINVAL);
        CHECK_EQ_INT(loglevel_apply(bad[i]), EINVAL);
        CHECK(!log_enabled("sip", LOG_WARN));
    }
    CHECK_EQ_INT(loglevel_apply("info"), 0);
}

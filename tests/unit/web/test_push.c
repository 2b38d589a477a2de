/* The live push towards a WEB thread that is far behind: nothing goes amiss unnoticed. */
#include "testing.h"
#include "core/addr.h"
#include "core/buf.h"
#include "core/metric.h"
#include "web/push.h"
#include "web/route.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int64_t dropped(void)
{
    static const char name[] = "dngate_mbox_dropped_total{name=\"push_out\"} ";
    const char *at;
    struct buf out;
    int64_t n = -1;

    buf_init(&out, 1 << 20);
    if (!metric_render(&out) && (at = strstr(out.data, name)))
        n = strtoll(at + strlen(name), NULL, 10);
    buf_reset(&out);
    return n;
}

TEST(who_is_welcome_or_has_to_go_is_told_so_whatever_waits)
{
    static const struct web_push_config cfg = {"/events", "test", "cookie"};
    struct web_push *p;
    int err = 0;

    web_routes_clear();
    CHECK(!web_push_alloc(&p, &cfg));
    for (int i = 0; i < 5000 && !err; i++)
        err = web_push_send(p, 0, strdup("{}"), 2);
    CHECK_EQ_INT(err, ENOBUFS);
    CHECK_EQ_INT(dropped(), 1);
    for (uint64_t conn = 1; conn <= PUSH_CONNS_MAX; conn++) {
        web_push_welcome(p, conn);
        web_push_close(p, conn, 4401, "over");
    }
    CHECK_EQ_INT(dropped(), 1);
    web_push_out(p);
    CHECK_EQ_INT(web_push_send(p, 0, strdup("{}"), 2), 0);
    web_push_free(p);
}

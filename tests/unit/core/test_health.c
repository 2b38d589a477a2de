/* What /readyz says: ready only when something has spoken and nothing is down, with a reason for each part. */
#include "testing.h"

#include "core/buf.h"
#include "core/health.h"
#include "core/json.h"

static struct json *report(void)
{
    struct json *j = NULL;
    struct buf b;

    buf_init(&b, 65536);
    CHECK_OR(!health_json(&b), );
    CHECK_OR(!json_parse(&j, b.data, b.len, NULL, 0), );
    buf_reset(&b);
    return j;
}

TEST(silence_is_not_readiness)
{
    bool ready = true;
    struct json *j;

    health_reset();
    CHECK(!health_ready());
    j = report();
    CHECK(json_get_bool(json_root(j), "ready", &ready) && !ready);
    json_free(j);
}

TEST(one_down_part_is_enough)
{
    const struct json_val *trunk;
    struct json *j;

    health_reset();
    health_set("store", HEALTH_UP, "open");
    health_set("trunk", HEALTH_DEGRADED, "1 of 2 up");
    CHECK(health_ready());
    health_set("trunk", HEALTH_DOWN, "no answer from \"%s\"", "genesys");
    CHECK(!health_ready());
    j = report();
    trunk = json_get(json_get(json_root(j), "parts"), "trunk");
    CHECK_STR(json_get_str(trunk, "state"), "down");
    CHECK_STR(json_get_str(trunk, "reason"), "no answer from \"genesys\"");
    CHECK_STR(json_get_str(json_get(json_get(json_root(j), "parts"), "store"), "state"), "up");
    json_free(j);
    health_set("trunk", HEALTH_UP, "back");
    CHECK(health_ready());
}

TEST(more_parts_than_there_is_room_do_no_harm)
{
    char name[16];

    health_reset();
    for (int i = 0; i < 40; i++) {
        snprintf(name, sizeof(name), "p%d", i);
        health_set(name, HEALTH_UP, "%0500d", i);
    }
    CHECK(health_ready());
    json_free(report());
    health_reset();
}

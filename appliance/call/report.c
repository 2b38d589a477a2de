#include "call/report.h"
#include "core/json.h"

#include <errno.h>
#include <string.h>

static const struct {
    const char *name;
    double max;
    size_t at;
} figures[] = {
    {"mos", 5, offsetof(struct call_report, mos)},
    {"loss", 100, offsetof(struct call_report, loss_percent)},
    {"jitter", 60000, offsetof(struct call_report, jitter_ms)},
    {"rtt", 60000, offsetof(struct call_report, rtt_ms)},
    {"far", 100, offsetof(struct call_report, far_loss_percent)},
};

static int figure_read(struct call_report *r, const struct json_val *root, size_t i)
{
    const struct json_val *v = json_get(root, figures[i].name);
    double n;

    if (!v)
        return 0;
    if (!json_num(v, &n) || n < 0 || n > figures[i].max)
        return EBADMSG;
    memcpy((char *)r + figures[i].at, &n, sizeof(n));
    return 0;
}

int call_report_decode(struct call_report *r, const char *text, size_t len)
{
    struct json *j;
    int err = len > CALL_REPORT_MAX ? EMSGSIZE : json_parse(&j, text, len, NULL, 0);

    memset(r, 0, sizeof(*r));
    if (err)
        return err;
    if (!json_is_obj(json_root(j)))
        err = EBADMSG;
    for (size_t i = 0; !err && i < sizeof(figures) / sizeof(figures[0]); i++)
        err = figure_read(r, json_root(j), i);
    json_free(j);
    return err;
}

bool call_report_fresh(const struct call_report *r, int64_t now_ms)
{
    return r->time_ms && now_ms - r->time_ms < CALL_REPORT_GOOD_MS;
}

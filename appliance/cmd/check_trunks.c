/* The doctor looks at the trunks: the running server knows how they are; without one they are asked (check_options.c). */
#include "cmd/check.h"
#include "core/addr.h"
#include "core/clock.h"
#include "core/json.h"
#include "store/trunk.h"

#include <stdio.h>
#include <string.h>

enum { TOTAL_MS = 20000 };

struct asking {
    struct check *ck;
    uint64_t end_ms; /* of all trunks together */
    bool any;        /* is enabled */
};

/* ---------------------------------------------------------------- what the server knows */

/* "192.0.2.1:5060 or 192.0.2.2:5060": the server has them all, and one that answers is enough. */
static void addrs_str(char *buf, size_t sz, const struct addr *v, size_t n)
{
    char one[ADDR_STRLEN];
    size_t used = 0;

    buf[0] = '\0';
    for (size_t i = 0; i < n && used < sz; i++)
        used += (size_t)snprintf(buf + used, sz - used, "%s%s", i ? " or " : "",
                                 addr_str(&v[i], one, sizeof(one)));
}

static void server_trunk(struct check *ck, const struct trunk *t, const struct addr *v, size_t n,
                         uint64_t end_ms)
{
    char topic[TRUNK_NAME_MAX + 8], name[TRUNK_NAME_MAX + 64], text[CHECK_ADDRS_MAX * (ADDR_STRLEN + 4)];
    double up, code = 0, rtt = 0;

    snprintf(topic, sizeof(topic), "trunk %s", t->name);
    addrs_str(text, sizeof(text), v, n);
    snprintf(name, sizeof(name), "dngate_trunk_up{trunk=\"%s\"}", t->name);
    if (!check_metric(ck, name, &up)) {
        check_say(ck, CHECK_WARN, topic, "look in the server's log", "%s: the server does not know it yet",
                  text);
        return;
    }
    snprintf(name, sizeof(name), "dngate_trunk_last_code{trunk=\"%s\"}", t->name);
    (void)check_metric(ck, name, &code);
    snprintf(name, sizeof(name), "dngate_trunk_rtt_seconds{trunk=\"%s\"}", t->name);
    (void)check_metric(ck, name, &rtt);
    if (up > 0 && !t->ping_seconds)
        check_say(ck, CHECK_OK, topic, "", "%s is taken as up (--ping 0)", text);
    else if (up > 0)
        check_say(ck, CHECK_OK, topic, "", "%s answers the server's OPTIONS with %.0f in %.1f ms", text, code,
                  rtt * 1000);
    else if (t->transport == TRUNK_TLS)
        check_options(ck, t, v, n, end_ms); /* most often it is the certificate */
    else
        check_say(ck, CHECK_FAIL, topic, CHECK_TRUNK_ADVICE, "%s does not answer the server's OPTIONS", text);
}

/* What there is to say of no trunk has been said; but the lab has one of its own. */
static void server_trunks(struct check *ck, bool any)
{
    const struct json_val *p;
    const char *state, *reason;
    struct json *j;

    if (json_parse(&j, ck->status, strlen(ck->status), NULL, 0))
        return;
    p = json_get(json_get(json_get(json_root(j), "health"), "parts"), "trunk");
    state = json_get_str(p, "state");
    reason = json_get_str(p, "reason");
    if (state && !strcmp(state, "up"))
        check_say(ck, CHECK_OK, "trunk", "", "the server says: up");
    else if (state && (any || !strcmp(state, "down")))
        check_say(ck, !strcmp(state, "down") ? CHECK_FAIL : CHECK_WARN, "trunk", CHECK_TRUNK_ADVICE,
                  "the server says: %s, %s", state, reason ? reason : "");
    json_free(j);
}

/* ---------------------------------------------------------------- */

static bool trunk_look_h(const struct trunk *t, void *arg)
{
    struct asking *a = arg;
    char topic[TRUNK_NAME_MAX + 8];
    struct addr v[CHECK_ADDRS_MAX];
    size_t n = 0;

    snprintf(topic, sizeof(topic), "trunk %s", t->name);
    if (!t->enabled) {
        check_say(a->ck, CHECK_INFO, topic, "", "disabled");
        return false;
    }
    a->any = true;
    if (clock_ms() >= a->end_ms) {
        check_say(a->ck, CHECK_INFO, topic, "", "not asked: the others took too long");
    } else if (addr_resolve_all(v, CHECK_ADDRS_MAX, &n, t->host, t->port)) {
        check_say(a->ck, CHECK_FAIL, topic, "correct the name, or the DNS servers of this machine",
                  "%s cannot be resolved", t->host);
    } else if (a->ck->running) {
        server_trunk(a->ck, t, v, n, a->end_ms);
    } else {
        check_options(a->ck, t, v, n, a->end_ms);
    }
    return false;
}

void check_trunks(struct check *ck)
{
    struct asking a = {ck, clock_ms() + TOTAL_MS, false};
    struct store_reader *r;

    if (ck->store && !store_reader_alloc(&r, ck->store)) {
        (void)trunk_each(r, false, trunk_look_h, &a);
        store_reader_free(r);
    }
    if (ck->running)
        server_trunks(ck, a.any);
}

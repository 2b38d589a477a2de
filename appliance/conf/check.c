/*
 * What one setting says about another. Port ranges are spans by transport; two spans that share a transport and a
 * port are a mistake, but for HTTPS and TURN over TLS, which can live on one port.
 */
#include "conf/conf.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { UDP = 1, TCP = 2 };

struct span {
    const char *key; /* as people should read it */
    unsigned transports;
    int64_t first, last; /* first 0: the system chooses, or off */
};

enum { SPANS = 10 };

static void spans_fill(struct span v[SPANS], const struct conf *c)
{
    static const struct {
        const char *key;
        unsigned transports;
    } listeners[] = {{"http.port", TCP},      {"https.port", TCP}, {"wss.port", TCP},
                     {"sip.port", UDP | TCP}, {"sips.port", TCP},  {"turn.port", UDP | TCP},
                     {"turns.port", TCP}};
    int64_t ice = conf_int(c, "ice.port");
    bool turn = conf_bool(c, "turn.enabled");
    size_t n = 0;

    v[n++] = (struct span){"ice.port", UDP, ice, ice + conf_workers(c) - 1};
    v[n++] = (struct span){"rtp.port_min..rtp.port_max", UDP, conf_int(c, "rtp.port_min"),
                           conf_int(c, "rtp.port_max")};
    v[n++] = (struct span){"turn.relay_min..turn.relay_max", UDP, turn ? conf_int(c, "turn.relay_min") : 0,
                           conf_int(c, "turn.relay_max")};
    for (size_t i = 0; i < sizeof(listeners) / sizeof(listeners[0]); i++) {
        bool off = !turn && !strncmp(listeners[i].key, "turn", 4);
        int64_t port = off ? 0 : conf_int(c, listeners[i].key);

        v[n++] = (struct span){listeners[i].key, listeners[i].transports, port, port};
    }
}

static bool may_share(const struct span *a, const struct span *b)
{
    return !strcmp(a->key, "https.port") && !strcmp(b->key, "turns.port");
}

static bool collide(const struct span *a, const struct span *b)
{
    return a->first && b->first && a->transports & b->transports && a->first <= b->last &&
           b->first <= a->last && !may_share(a, b);
}

static void span_str(char *buf, size_t sz, const struct span *s)
{
    if (s->first == s->last)
        snprintf(buf, sz, "%s=%" PRId64, s->key, s->first);
    else
        snprintf(buf, sz, "%s=%" PRId64 "..%" PRId64, s->key, s->first, s->last);
}

static int check_spans(const struct conf *c, char *why, size_t whysz)
{
    struct span v[SPANS];
    char a[96], b[96];

    spans_fill(v, c);
    if (v[0].last > UINT16_MAX) {
        snprintf(why, whysz, "ice.port=%" PRId64 " with media.workers=%u: the ports would end beyond 65535",
                 v[0].first, conf_workers(c));
        return EINVAL;
    }
    for (size_t i = 0; i < SPANS; i++) {
        for (size_t j = i + 1; j < SPANS; j++) {
            if (!collide(&v[i], &v[j]))
                continue;
            span_str(a, sizeof(a), &v[i]);
            span_str(b, sizeof(b), &v[j]);
            snprintf(why, whysz, "%s and %s share %s ports: must not overlap", a, b,
                     v[i].transports & v[j].transports & UDP ? "UDP" : "TCP");
            return EINVAL;
        }
    }
    return 0;
}

static int check_order(const struct conf *c, char *why, size_t whysz)
{
    static const char *const pairs[][2] = {{"rtp.port_min", "rtp.port_max"},
                                           {"turn.relay_min", "turn.relay_max"},
                                           {"register.expires_min", "register.expires_default"},
                                           {"register.expires_default", "register.expires_max"},
                                           {"guard.slow_after", "guard.ban_after"}};

    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        int64_t lo = conf_int(c, pairs[i][0]), hi = conf_int(c, pairs[i][1]);

        if (lo <= hi)
            continue;
        snprintf(why, whysz, "%s=%" PRId64 " and %s=%" PRId64 ": the first must not be above the second",
                 pairs[i][0], lo, pairs[i][1], hi);
        return EINVAL;
    }
    return 0;
}

static int check_rtp(const struct conf *c, char *why, size_t whysz)
{
    int64_t min = conf_int(c, "rtp.port_min"), max = conf_int(c, "rtp.port_max");

    if (!min || max > min)
        return 0;
    snprintf(why, whysz, "rtp.port_min=%" PRId64 " and rtp.port_max=%" PRId64 ": a call needs two ports", min,
             max);
    return EINVAL;
}

static int check_certificate(const struct conf *c, char *why, size_t whysz)
{
    char cert[CONF_VALUE_MAX], key[CONF_VALUE_MAX];

    conf_str(c, "https.cert", cert, sizeof(cert));
    conf_str(c, "https.key", key, sizeof(key));
    if (!*cert == !*key)
        return 0;
    snprintf(why, whysz, "https.cert and https.key: only %s is set; they go together",
             *cert ? "https.cert" : "https.key");
    return EINVAL;
}

int conf_check(const struct conf *c, char *why, size_t whysz)
{
    int err = check_order(c, why, whysz);

    if (!err)
        err = check_rtp(c, why, whysz);
    if (!err)
        err = check_spans(c, why, whysz);
    if (!err)
        err = check_certificate(c, why, whysz);
    return err;
}

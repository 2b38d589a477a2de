/*
 * The doctor goes the way that browsers go: to the address that they are told, over each transport, for a STUN answer and a relayed address.
 * What a firewall or a NAT in front does can be seen only as far as this machine's own packets take that way.
 */
#include "cmd/check.h"
#include "conf/conf.h"
#include "core/addr.h"
#include "core/clock.h"
#include "crypto/secret.h"
#include "turn/auth.h"
#include "turn/probe.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { SECONDS = 60, SECRET_LEN = 32, INTERFACES_MAX = 1, PATH_LEN = 512 };

struct way {
    const char *key; /* the setting of its port */
    const char *topic, *what;
    enum turn_probe_way way;
};

/* As an agent would get them; "" when DIR/secret.key cannot be read from here. */
struct credentials {
    char name[TURN_NAME_MAX + 1], password[TURN_REST_PASSWORD_LEN];
};

static void credentials_make(const struct check *ck, struct credentials *c)
{
    char path[PATH_LEN];
    uint8_t secret[SECRET_LEN];
    struct secret *s;

    memset(c, 0, sizeof(*c));
    snprintf(path, sizeof(path), "%s/secret.key", ck->dir);
    if (secret_alloc(&s, path))
        return;
    secret_derive(s, secret, TURN_SECRET_LABEL);
    secret_free(s);
    if (!turn_rest_name(c->name, sizeof(c->name), clock_wall_ms() / 1000 + SECONDS, "check"))
        turn_rest_password(c->password, secret, sizeof(secret), c->name);
    explicit_bzero(secret, sizeof(secret));
}

/* Where browsers are sent: public.address, else the first address that we have. */
static int server_address(const struct check *ck, struct addr *a)
{
    char host[CONF_VALUE_MAX];

    conf_str(ck->conf, "public.address", host, sizeof(host));
    if (host[0])
        return addr_resolve(a, host, 0);
    conf_str(ck->conf, "bind.address", host, sizeof(host));
    host[strcspn(host, ", ")] = '\0';
    if (host[0] && !addr_parse_ip(a, host, 0) && !addr_is_any(a))
        return 0;
    return addr_interfaces(a, INTERFACES_MAX) ? 0 : addr_parse_ip(a, "127.0.0.1", 0);
}

static void way_works(struct check *ck, const struct way *w, const struct addr *to,
                      const struct turn_probe_found *f)
{
    char at[ADDR_STRLEN], seen[ADDR_STRLEN], relayed[ADDR_STRLEN];

    if (addr_isset(&f->relayed, true))
        check_say(ck, CHECK_OK, w->topic, "", "%s: seen as %s, relayed at %s", addr_str(to, at, sizeof(at)),
                  addr_str(&f->mapped, seen, sizeof(seen)), addr_str(&f->relayed, relayed, sizeof(relayed)));
    else
        check_say(ck, CHECK_OK, w->topic, "run this as the server's user to try an allocation, too",
                  "%s: seen as %s", addr_str(to, at, sizeof(at)), addr_str(&f->mapped, seen, sizeof(seen)));
}

static void way_fails(struct check *ck, const struct way *w, const struct addr *to,
                      const struct turn_probe_found *f, int err)
{
    char at[ADDR_STRLEN], advice[200];

    addr_str(to, at, sizeof(at));
    snprintf(advice, sizeof(advice),
             "open %s %u towards this machine, and forward it under its own number where NAT is in front "
             "(docs/operations.md)",
             w->way == TURN_PROBE_UDP ? "UDP" : "TCP", addr_port(to));
    if (err == EACCES)
        check_say(ck, CHECK_FAIL, w->topic, "look in its log and at dngate_turn_refused_total",
                  "%s answers, but refuses a relayed address: %u", at, f->code);
    else if (err == EPROTO)
        check_say(ck, CHECK_FAIL, w->topic, "something else listens there, or is in between",
                  "%s: no %s answers", at, w->what);
    else /* from inside, a router that does not turn packets round looks the same */
        check_say(ck, CHECK_WARN, w->topic, advice, "%s: %s", at, strerror(err));
}

static void check_way(struct check *ck, const struct way *w, const struct addr *server,
                      const struct credentials *c)
{
    struct turn_probe p = {
        .way = w->way, .server = *server, .name = c->name[0] ? c->name : NULL, .password = c->password};
    struct turn_probe_found found;
    int err;

    if (!conf_int(ck->conf, w->key)) /* chosen by the system: only its log knows */
        return;
    addr_set_port(&p.server, (uint16_t)conf_int(ck->conf, w->key));
    err = turn_probe(&p, &found);
    if (err)
        way_fails(ck, w, &p.server, &found, err);
    else
        way_works(ck, w, &p.server, &found);
}

void check_turn(struct check *ck)
{
    static const struct way ways[] = {
        {"turn.port", "TURN, UDP", "STUN", TURN_PROBE_UDP},
        {"turn.port", "TURN, TCP", "STUN", TURN_PROBE_TCP},
        {"https.port", "TURN, HTTPS", "TLS with STUN", TURN_PROBE_TLS},
        {"turns.port", "TURN, TLS", "TLS with STUN", TURN_PROBE_TLS},
    };
    struct credentials c;
    struct addr server;

    if (!conf_bool(ck->conf, "turn.enabled")) {
        check_say(ck, CHECK_INFO, "STUN and TURN", "",
                  "off: browsers must reach the UDP ports from ice.port (%lld) upwards",
                  (long long)conf_int(ck->conf, "ice.port"));
        return;
    }
    if (!ck->running) {
        check_say(ck, CHECK_INFO, "STUN and TURN", "", "not tried: the server does not run");
        return;
    }
    if (server_address(ck, &server))
        return; /* check_address has said so */
    credentials_make(ck, &c);
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
        check_way(ck, &ways[i], &server, &c);
    explicit_bzero(&c, sizeof(c));
}

/* The doctor looks at the network side of the box: ports and addresses. */
#include "cmd/check.h"
#include "cmd/sockets.h"
#include "conf/conf.h"
#include "conf/public.h"
#include "core/addr.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BINDS_MAX = 2, INTERFACES_MAX = 16, LIST_MAX = 512, HEALTH_LEN = 256 };

/* ---------------------------------------------------------------- ports */

static size_t bind_addresses(const struct check *ck, struct addr v[BINDS_MAX])
{
    char text[CONF_VALUE_MAX], *save = NULL;
    size_t n = 0;

    conf_str(ck->conf, "bind.address", text, sizeof(text));
    for (char *p = strtok_r(text, ", ", &save); p && n < BINDS_MAX; p = strtok_r(NULL, ", ", &save))
        if (!addr_parse_ip(&v[n], p, 0))
            n++;
    if (!n && !addr_parse_ip(&v[0], "0.0.0.0", 0))
        n = 1;
    return n;
}

/* What binding there would say; 0 = it can be had. */
static int try_bind(const struct addr *a, bool udp, uint16_t port)
{
    struct addr local = *a;
    int one = 1, err = 0, fd = socket(addr_af(a), (udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return errno;
    addr_set_port(&local, port);
    if (!udp) /* as servers do: connections that linger do not count */
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(fd, &local.u.sa, addr_len(&local)))
        err = errno;
    close(fd);
    return err;
}

static const char *owner_text(const struct socket_owner *o, char *buf, size_t sz)
{
    if (o->pid)
        snprintf(buf, sz, "%s (process %d)", o->name, (int)o->pid);
    else
        snprintf(buf, sz, "a process that cannot be seen from here");
    return buf;
}

static void port_taken(struct check *ck, const char *topic, const char *key, const struct socket_owner *o)
{
    char who[96], advice[160];

    owner_text(o, who, sizeof(who));
    if (ck->running && (!o->pid || o->pid == ck->pid || !strcmp(o->name, "dngate"))) {
        check_say(ck, CHECK_OK, topic, "", "%s: taken by %s", key, o->pid ? who : "the server, it seems");
        return;
    }
    snprintf(advice, sizeof(advice), "stop it, or choose another port: dngate settings %s PORT", key);
    check_say(ck, CHECK_FAIL, topic, advice, "%s: taken by %s", key, who);
}

static void port_free(struct check *ck, const char *topic, const char *key, bool udp, uint16_t port)
{
    struct addr v[BINDS_MAX];
    size_t n = bind_addresses(ck, v);
    int err = 0;

    if (ck->running) {
        check_say(ck, CHECK_WARN, topic,
                  "settings of ports take effect at a start: restart it, or look in its log",
                  "%s: the running server does not use it", key);
        return;
    }
    for (size_t i = 0; i < n && !err; i++)
        err = try_bind(&v[i], udp, port);
    if (!err)
        check_say(ck, CHECK_OK, topic, "", "%s: free", key);
    else if (err == EACCES)
        check_say(ck, CHECK_FAIL, topic,
                  "run as root, give the program CAP_NET_BIND_SERVICE, or choose a port above 1023",
                  "%s: not allowed for this user", key);
    else if (err == EADDRNOTAVAIL)
        check_say(ck, CHECK_FAIL, topic, "set bind.address to addresses of this machine",
                  "%s: bind.address is not ours", key);
    else
        check_say(ck, CHECK_FAIL, topic, "", "%s: %s", key, strerror(err));
}

static void check_port(struct check *ck, const struct sockets *s, const char *key, bool udp, int64_t port)
{
    struct socket_owner owner;
    char topic[32];

    if (!port) /* off, or chosen by the system */
        return;
    snprintf(topic, sizeof(topic), "port %lld/%s", (long long)port, udp ? "udp" : "tcp");
    if (sockets_taken(s, udp, (uint16_t)port, &owner))
        port_taken(ck, topic, key, &owner);
    else
        port_free(ck, topic, key, udp, (uint16_t)port);
}

static void check_rtp(struct check *ck, const struct sockets *s)
{
    int64_t min = conf_int(ck->conf, "rtp.port_min"), max = conf_int(ck->conf, "rtp.port_max");
    int64_t calls = conf_int(ck->conf, "call.limit_total");
    struct socket_owner o, other = {0};
    size_t taken = 0;
    char who[96];

    if (!min)
        return;
    for (int64_t port = min; port <= max && !ck->running; port++) { /* a running server's calls have theirs */
        if (!sockets_taken(s, true, (uint16_t)port, &o))
            continue;
        taken++;
        other = o;
    }
    if (taken)
        check_say(ck, CHECK_WARN, "RTP ports", "calls go around them; better keep the range to dngate alone",
                  "%zu of %lld..%lld are taken, one by %s", taken, (long long)min, (long long)max,
                  owner_text(&other, who, sizeof(who)));
    else if ((max - min + 1) / 2 < calls)
        check_say(ck, CHECK_WARN, "RTP ports",
                  "widen rtp.port_min..rtp.port_max, two ports a call, or lower call.limit_total",
                  "room for %lld calls, call.limit_total is %lld", (long long)(max - min + 1) / 2,
                  (long long)calls);
    else
        check_say(ck, CHECK_OK, "RTP ports", "", "%lld..%lld: room for %lld calls", (long long)min,
                  (long long)max, (long long)(max - min + 1) / 2);
}

void check_ports(struct check *ck)
{
    static const struct {
        const char *key;
        bool udp;
    } listeners[] = {{"http.port", false}, {"https.port", false}, {"wss.port", false},
                     {"sip.port", true},   {"sip.port", false},   {"sips.port", false},
                     {"turn.port", true},  {"turn.port", false},  {"turns.port", false}};
    int64_t ice = conf_int(ck->conf, "ice.port");
    struct sockets *s;
    int err = sockets_alloc(&s);

    if (err) {
        check_say(ck, CHECK_INFO, "ports", "", "cannot be seen from here: %s", strerror(err));
        return;
    }
    for (size_t i = 0; i < sizeof(listeners) / sizeof(listeners[0]); i++)
        if (strncmp(listeners[i].key, "turn", 4) || conf_bool(ck->conf, "turn.enabled"))
            check_port(ck, s, listeners[i].key, listeners[i].udp, conf_int(ck->conf, listeners[i].key));
    for (unsigned i = 0; ice && i < conf_workers(ck->conf); i++)
        check_port(ck, s, "ice.port", true, ice + i);
    check_rtp(ck, s);
    sockets_free(s);
}

/* ---------------------------------------------------------------- addresses */

static void interfaces_text(const struct addr *v, size_t n, char *buf, size_t sz)
{
    char ip[ADDR_STRLEN];
    size_t len = 0;

    snprintf(buf, sz, "none");
    for (size_t i = 0; i < n && len < sz; i++)
        len += (size_t)snprintf(buf + len, sz - len, "%s%s", i ? ", " : "", addr_ip(&v[i], ip, sizeof(ip)));
}

static bool addr_listed(const struct addr *v, size_t n, const struct addr *a)
{
    for (size_t i = 0; i < n; i++)
        if (addr_eq_ip(&v[i], a))
            return true;
    return false;
}

static void address_found(struct check *ck, const struct addr *v, size_t n)
{
    char list[LIST_MAX];
    bool global = false;

    interfaces_text(v, n, list, sizeof(list));
    for (size_t i = 0; i < n; i++)
        global = global || !addr_is_private(&v[i]);
    if (!access("/.dockerenv", F_OK) && n && !global)
        check_say(ck, CHECK_INFO, "public.address",
                  "in a container on a bridge network set it to the host's address, or there is no audio",
                  "found by itself: %s", list);
    else
        check_say(ck, CHECK_OK, "public.address",
                  global || !n ? "" : "behind NAT set it to the address that browsers reach",
                  "empty: the address that was reached answers (%s)", list);
}

static void address_ours(struct check *ck, const char *host, const struct addr *a, const struct addr *v,
                         size_t n)
{
    char ip[ADDR_STRLEN], list[LIST_MAX];
    const bool ours = addr_is_loopback(a) || addr_listed(v, n, a);

    interfaces_text(v, n, list, sizeof(list));
    if (ours)
        check_say(ck, CHECK_OK, "public.address", "", "%s is this machine", host);
    else
        check_say(ck, CHECK_WARN, "public.address",
                  "right behind NAT, if the router forwards the ports under their own numbers "
                  "(docs/operations.md); else "
                  "correct it",
                  "%s (%s) is no address of this machine (%s)", host, addr_ip(a, ip, sizeof(ip)), list);
}

/* What a STUN server sees now of a socket of this process; the server's own questions go from the browsers' port. */
static void outside_say(struct check *ck, const struct public_item *it, int af, const struct addr *v,
                        size_t n)
{
    char word[LIST_MAX], ip[ADDR_STRLEN];
    struct addr seen = {0};
    int err = check_outside(it, af, &seen);

    public_item_str(it, word, sizeof(word));
    if (err == EAFNOSUPPORT || (err == ENETUNREACH && af == AF_INET6))
        return;
    if (err == EHOSTUNREACH && af == AF_INET6)
        return; /* said for the other family */
    if (err == EHOSTUNREACH)
        check_say(ck, CHECK_FAIL, "public.address", "is there a name server, and is the name right?",
                  "%s: cannot be resolved", word);
    else if (err)
        check_say(ck, CHECK_FAIL, "public.address",
                  "let UDP out towards it, or set another server or the address itself", "%s: no answer: %s",
                  word, strerror(err));
    else if (addr_is_private(&seen))
        check_say(ck, CHECK_WARN, "public.address",
                  "that is a private network: agents in the Internet need a server out there",
                  "%s sees this machine as %s", word, addr_ip(&seen, ip, sizeof(ip)));
    else
        check_say(ck, CHECK_OK, "public.address", "", "%s sees this machine as %s%s", word,
                  addr_ip(&seen, ip, sizeof(ip)), addr_listed(v, n, &seen) ? ", its own" : ", by NAT");
}

static void item_look(struct check *ck, const struct public_item *it, const struct addr *v, size_t n)
{
    struct addr found[CHECK_ADDRS_MAX];
    size_t count = 0;

    if (it->stun) {
        outside_say(ck, it, AF_INET, v, n);
        outside_say(ck, it, AF_INET6, v, n);
    } else if (addr_resolve_all(found, CHECK_ADDRS_MAX, &count, it->host, 0)) {
        check_say(
            ck, CHECK_FAIL, "public.address", "set an address, or a name that this machine can look up",
            "%s cannot be resolved; until it can, browsers and trunk are told the machine's own addresses",
            it->host);
    } else {
        for (size_t i = 0; i < count; i++)
            address_ours(ck, it->host, &found[i], v, n);
    }
}

/* What the server's browsers' port has been told; only the server can ask from there. */
static void outside_of_server(struct check *ck)
{
    char reason[HEALTH_LEN];
    double moved = 0;

    if (!check_health(ck, "address", reason, sizeof(reason)) || !strstr(reason, " by stun:"))
        return;
    (void)check_metric(ck, "dngate_public_port_moved", &moved);
    if (moved > 0)
        check_say(ck, CHECK_WARN, "public.address",
                  "right where the router forwards the UDP ports from ice.port on under their own numbers in "
                  "spite of it; else browsers reach audio by TURN only",
                  "the server's audio is seen at another port than its own: %s", reason);
    else
        check_say(ck, CHECK_OK, "public.address", "", "the server's audio is seen as %s", reason);
}

void check_address(struct check *ck)
{
    struct public_item items[PUBLIC_ITEMS_MAX];
    char text[CONF_VALUE_MAX];
    struct addr v[INTERFACES_MAX];
    size_t n = addr_interfaces(v, INTERFACES_MAX), count;

    count = public_items(items, conf_str(ck->conf, "public.address", text, sizeof(text)));
    if (!count)
        address_found(ck, v, n);
    for (size_t i = 0; i < count; i++)
        item_look(ck, &items[i], v, n);
    outside_of_server(ck);
}

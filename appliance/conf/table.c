/*
 * Every setting there is. From this table come `dngate settings`, the console's page, the environment's names and
 * the manual. To add one, add a line here; conf/check.c knows how settings relate.
 */
#include "conf/conf.h"
#include "conf/public.h"

#include <string.h>

#define PORT(key_, def_, meaning_)                                                                           \
    {                                                                                                        \
        .key = key_, .type = CONF_INT, .def = def_, .min = 0, .max = 65535, .unit = "", .meaning = meaning_  \
    }
#define INT(key_, def_, min_, max_, unit_, meaning_)                                                         \
    {                                                                                                        \
        .key = key_, .type = CONF_INT, .def = def_, .min = min_, .max = max_, .unit = unit_,                 \
        .meaning = meaning_                                                                                  \
    }
#define BOOL(key_, def_, meaning_)                                                                           \
    {                                                                                                        \
        .key = key_, .type = CONF_BOOL, .def = def_, .unit = "", .meaning = meaning_                         \
    }
#define STR(key_, form_, max_, meaning_)                                                                     \
    {                                                                                                        \
        .key = key_, .type = CONF_STR, .def = "", .min = 0, .max = max_, .unit = "", .meaning = meaning_,    \
        .form = form_                                                                                        \
    }
#define LIVE_INT(key_, def_, min_, max_, unit_, meaning_)                                                    \
    {                                                                                                        \
        .key = key_, .type = CONF_INT, .def = def_, .min = min_, .max = max_, .unit = unit_, .live = true,   \
        .meaning = meaning_                                                                                  \
    }
#define LIVE_BOOL(key_, def_, meaning_)                                                                      \
    {                                                                                                        \
        .key = key_, .type = CONF_BOOL, .def = def_, .unit = "", .live = true, .meaning = meaning_           \
    }
#define LIVE_ENUM(key_, def_, choices_, meaning_)                                                            \
    {                                                                                                        \
        .key = key_, .type = CONF_ENUM, .def = def_, .choices = choices_, .unit = "", .live = true,          \
        .meaning = meaning_                                                                                  \
    }

#define LIVE_STR(key_, form_, max_, meaning_)                                                                \
    {                                                                                                        \
        .key = key_, .type = CONF_STR, .def = "", .min = 0, .max = max_, .unit = "", .live = true,           \
        .meaning = meaning_, .form = form_                                                                   \
    }

static const struct conf_def table[] = {
    STR("bind.address", CONF_FORM_BIND, 100,
        "Where every listener binds: one or two IP addresses; empty means all, 0.0.0.0 and ::."),
    STR("public.address", CONF_FORM_PUBLIC, PUBLIC_TEXT_MAX,
        "Addresses or names at which browsers and the trunk reach this machine, separated by commas: each "
        "peer is told the one that fits; stun:HOST[:PORT] is asked which it sees. Empty means found by "
        "itself. They stand in ICE candidates, SDP, Contact and the certificate."),

    PORT("http.port", "80", "HTTP: redirects to HTTPS."),
    PORT("https.port", "443", "HTTPS, WSS, and TURN over TLS on one port."),
    PORT("wss.port", "8089",
         "A second HTTPS and WSS listener for clients that were set up for Asterisk; 0 turns it off."),
    STR("https.cert", CONF_FORM_ANY, 500,
        "PEM file with the certificate and its chain; empty means one that the appliance makes itself."),
    STR("https.key", CONF_FORM_ANY, 500, "PEM file with the private key of https.cert."),
    INT("http.rate", "100", 1, 100000, "1/s",
        "Requests a second that one address may send before it gets 429."),
    INT("http.body_max", "65536", 1024, 16777216, "bytes", "Longest request body."),
    INT("http.conns_max", "4096", 16, 65536, "",
        "Most connections of browsers at a time, WebSockets included; the last quarter is for addresses that "
        "have fewer than 8."),
    INT("http.conns_per_ip", "1024", 1, 65536, "", "Most connections of one address at a time."),
    STR("ws.origins", CONF_FORM_ORIGINS, 1000,
        "Web sites besides this one whose pages may open a WebSocket here: https://host[:port], separated by "
        "commas."),

    {.key = "ws.require_origin",
     .type = CONF_BOOL,
     .def = "no",
     .unit = "",
     .live = true,
     .meaning = "Refuses a WebSocket that names no Origin, that is, every agent that is not a browser. A "
                "wrong Origin is always "
                "refused."},

    PORT("sip.port", "5060", "SIP towards the trunk, UDP and TCP."),
    PORT("sips.port", "5061",
         "SIP towards the trunk, TLS. Where 5061 is taken and nobody has set another, trunks can only be "
         "called by TLS."),
    {.key = "sip.agent_headers",
     .type = CONF_STR,
     .def = "User-to-User",
     .min = 0,
     .max = 1000,
     .unit = "",
     .live = true,
     .form = CONF_FORM_HEADERS,
     .meaning =
         "Header fields that an agent's browser may send on to the trunk, besides Reason: names separated by "
         "commas; X-Acme-* means all that begin so. Those that dngate writes itself are never taken from "
         "it."},
    INT("register.expires_min", "60", 10, 86400, "s", "Shortest registration; shorter wishes get 423."),
    INT("register.expires_max", "3600", 10, 86400, "s", "Longest registration; longer wishes are cut."),
    INT("register.expires_default", "600", 10, 86400, "s", "Length of a registration that names none."),

    LIVE_INT("sip.register_rate", "50", 1, 10000, "1/s",
             "Most REGISTERs that go to SIP Server in a second, for the DNs of trunks that register."),
    LIVE_INT("sip.unregister_seconds", "30", 0, 3600, "s",
             "How long a DN stays registered at SIP Server when its browser is gone: a page that is loaded "
             "anew, or comes by another network, is back by then."),

    PORT("ice.port", "10000",
         "UDP port of the browsers' media: one port for each media worker, counted up from here."),
    INT("rtp.port_min", "10100", 0, 65535, "", "First UDP port of RTP and RTCP towards the trunk."),
    INT("rtp.port_max", "20000", 0, 65535, "", "Last UDP port of RTP and RTCP towards the trunk."),
    INT("media.workers", "0", 0, CONF_WORKERS_MAX, "", "Media threads; 0 means one for each CPU."),
    INT("media.rtp_timeout", "60", 0, 3600, "s",
        "A call without any RTP for so long is ended; 0 means never."),
    INT("media.jitter_max", "200", 40, 1000, "ms", "Most delay that the jitter buffer may add."),
    INT("media.tos", "184", 0, 255, "", "TOS byte of media packets; 184 is DSCP EF (RFC 3246)."),

    BOOL("turn.enabled", "yes",
         "The STUN and TURN server, by which agents are heard through networks that let nothing out but "
         "HTTPS."),
    PORT("turn.port", "3478", "STUN and TURN, UDP and TCP."),
    PORT("turns.port", "5349", "STUN and TURN over TLS, as on https.port."),
    INT("turn.relay_min", "49152", 1024, 65535, "",
        "First UDP port of relayed addresses. Nothing comes to them from outside while TURN leads to our own "
        "media only."),
    INT("turn.relay_max", "65535", 1024, 65535, "", "Last UDP port of relayed addresses."),
    {.key = "turn.allow_peers",
     .type = CONF_STR,
     .def = "",
     .min = 0,
     .max = 1000,
     .unit = "",
     .live = true,
     .form = CONF_FORM_NETWORKS,
     .meaning = "Networks besides our own media to which TURN may relay: 192.0.2.0/24, 2001:db8::/32, "
                "separated by commas; empty "
                "means none. Private networks must be named as such: 0.0.0.0/0 is the Internet."},
    {.key = "turn.allow_loopback_peers",
     .type = CONF_BOOL,
     .def = "no",
     .unit = "",
     .live = true,
     .meaning = "Lets TURN relay to loopback addresses, for tests only."},
    {.key = "turn.realm",
     .type = CONF_STR,
     .def = "dngate",
     .min = 1,
     .max = 64,
     .unit = "",
     .meaning = "Realm of TURN credentials (RFC 8489 9.2)."},
    {.key = "turn.user",
     .type = CONF_SECRET,
     .def = "",
     .min = 3,
     .max = CONF_VALUE_MAX - 1,
     .unit = "",
     .form = CONF_FORM_USERS,
     .meaning =
         "name:password, comma or space between several, of users whose TURN credentials do not expire, "
         "for devices that cannot fetch those that do; at most 64."},
    LIVE_INT("turn.allocations", "10000", 1, 100000, "", "Most relayed addresses at a time."),
    LIVE_INT("turn.user_allocations", "64", 1, 10000, "",
             "Most relayed addresses of one DN at a time; a browser takes one for each way it tries."),
    LIVE_INT(
        "turn.source_allocations", "4000", 1, 100000, "",
        "Most relayed addresses of one client address (IPv6: a /64) at a time: all agents behind one NAT."),
    LIVE_INT("turn.user_kbps", "4000", 0, 1000000, "kbit/s",
             "Relayed for one DN, both ways together; 0 means no limit. A call takes about 100."),
    LIVE_INT("turn.source_requests", "200", 1, 100000, "1/s",
             "Requests without credentials that one client address may send before it hears nothing more."),

    LIVE_ENUM("call.hold", "trunk", "trunk|local",
              "Who is told that an agent holds a call: the trunk, by re-INVITE, so that SIP Server plays its "
              "music; or nobody (local), and the far end hears silence."),
    INT("call.limit_per_dn", "2", 1, 10, "", "Most calls of one DN at a time."),
    INT("call.limit_total", "1000", 1, 10000, "", "Most calls of the whole appliance at a time."),
    LIVE_INT(
        "call.rebind_seconds", "60", 0, 600, "s",
        "How long a call waits for its agent's page, which reloads, crashed or lost its network, before it "
        "is "
        "ended: the far end hears a soft beep meanwhile. 0: a page that comes back without its call has lost "
        "it."),
    LIVE_ENUM(
        "call.refer", "on", "on|off",
        "Transfers by REFER: followed when the trunk asks for one, passed on to it when a page does; off: "
        "405 for both."),
    INT("call.ring_seconds", "180", 5, 600, "s", "A call that nobody answers for so long is given up."),
    LIVE_BOOL("call.beep", "yes",
              "An agent whose page answers by itself, as its DN or the call wants it, hears two short beeps "
              "before the "
              "caller."),
    INT("call.trunk_seconds", "0", 0, 30, "s",
        "Time that each address of a trunk has for a first answer to an INVITE before the next one is tried. "
        "0 shares 3.6 s among all of them: the agent hears within 4 s that none answers."),

    INT("guard.slow_after", "5", 1, 1000, "",
        "Failed logins of one address after which answers are delayed."),
    INT("guard.ban_after", "20", 2, 10000, "", "Failed logins of one address within 10 minutes that ban it."),
    INT("guard.ban_seconds", "600", 10, 86400, "s",
        "Length of a first ban; it doubles each time, up to a day."),

    {.key = "admin.password",
     .type = CONF_SECRET,
     .def = "",
     .min = 8,
     .max = 1024,
     .unit = "",
     .meaning =
         "Password of the first administrator (user admin), set when there is no user of that name yet."},
    STR("admin.password_file", CONF_FORM_ANY, 500,
        "File whose first line is the password for admin.password."),
    LIVE_INT("admin.session_idle", "3600", 60, 2592000, "s",
             "Time without any request after which a session of the console ends."),
    LIVE_INT(
        "admin.session_max", "43200", 300, 2592000, "s",
        "Time after which a session of the console ends, whatever is done; for who signs in from then on."),

    {.key = "log.level",
     .type = CONF_STR,
     .def = "info",
     .min = 1,
     .max = 400,
     .choices = "error|warn|info|debug|trace",
     .unit = "",
     .live = true,
     .form = CONF_FORM_LEVELS,
     .meaning =
         "How much is logged: error, warn, info, debug or trace; then, for modules that differ, as in \"info "
         "sip=debug media=warn\"."},
    LIVE_ENUM("log.format", "text", "text|json", "Form of the log: text for people, json for machines."),
    {.key = "drain.seconds",
     .type = CONF_INT,
     .def = "300",
     .min = 0,
     .max = 86400,
     .unit = "s",
     .live = true,
     .meaning =
         "Time that calls are given to end by themselves when the appliance is asked to stop (SIGTERM)."},

    LIVE_INT("backup.every", "24", 0, 8760, "h",
             "A copy of all that this gateway is is made in DIR/backups so often; 0 means never."),
    LIVE_INT("backup.keep", "7", 1, 100, "",
             "So many copies of backup.every stay, and so many that were made by hand in the console; the "
             "oldest go."),
    LIVE_STR(
        "backup.passphrase_file", CONF_FORM_ANY, 500,
        "File whose first line is the passphrase that the copies of backup.every are encrypted with; empty "
        "means that they are not."),
    LIVE_INT("cdr.keep_days", "0", 0, 36500, "d",
             "Call records that are older are removed; 0 means that all stay."),
    LIVE_INT("cdr.keep_records", "0", 0, 1000000000, "",
             "Most call records; the oldest are removed. 0 means no limit."),
    LIVE_INT("selftest.keep_days", "0", 0, 36500, "d",
             "Results of self-tests that are older are removed; 0 means that all stay. Of each DN the last "
             "ten are "
             "kept at most."),
    LIVE_STR("metrics.allow", CONF_FORM_NETWORKS, 1000,
             "Networks from which /metrics and the reasons in /readyz may be read without a key of the API: "
             "192.0.2.0/24, 2001:db8::/32, separated by commas; empty means all."),
    LIVE_INT(
        "trace.call_bytes", "65536", 0, 1048576, "bytes",
        "Most that the trace of one call holds: SIP of both legs, with secrets and digits masked, events "
        "and figures; 0 traces no call."),
    LIVE_INT("trace.total", "256", 1, 102400, "MB",
             "Most that all kept traces take; the oldest are removed."),
    LIVE_INT("trace.days", "30", 1, 3650, "d", "Traces that are older are removed."),
    LIVE_INT("trace.sample", "1", 0, 100, "%",
             "Share of the good calls whose traces are kept; those of failed and bad calls always are."),
    LIVE_STR("trace.watch", CONF_FORM_DNS, 2000,
             "DNs under watch, separated by commas: the traces of all their calls are kept."),
    LIVE_STR("trace.hep", CONF_FORM_SERVER, 300,
             "Homer server that is sent all SIP messages, masked, by HEP3 over UDP: HOST or HOST:PORT, 9060 "
             "without; empty means none."),
    LIVE_STR("audit.syslog", CONF_FORM_SERVER, 300,
             "Syslog server that is sent each entry of the audit, over TLS (RFC 5424, RFC 5425): HOST or "
             "HOST:PORT, 6514 without; empty means none."),
    LIVE_STR(
        "audit.syslog_ca", CONF_FORM_ANY, 500,
        "PEM file with the CAs of which one must have signed the certificate of audit.syslog; empty means "
        "those that the machine trusts."),
    LIVE_INT("audit.keep_days", "0", 0, 36500, "d",
             "Entries of the audit that are older are removed; 0 means that all stay."),
    LIVE_INT("audit.keep_entries", "1000000", 0, 1000000000, "",
             "Most entries of the audit; the oldest are removed. 0 means no limit."),
    LIVE_STR("alerts.webhook", CONF_FORM_HTTP, 999,
             "URL that is sent a POST with JSON when something needs attention, and when it is over: "
             "https://HOST[:PORT]/PATH, or http://…; empty means none."),
    {.key = "alerts.events",
     .type = CONF_STR,
     .def = "trunk, upstream, certificate, disk, quality, bans",
     .min = 0,
     .max = 200,
     .unit = "",
     .live = true,
     .form = CONF_FORM_ALERTS,
     .meaning =
         "What alerts.webhook is told of: trunk, upstream (DNs that SIP Server does not take), certificate, "
         "disk, quality (MOS below 3.5 for five minutes), bans, part (any "
         "other part of the appliance), reach (ways of browsers that are closed from outside)."},
    LIVE_STR("alerts.ca", CONF_FORM_ANY, 500,
             "PEM file with the CAs of which one must have signed the certificate of alerts.webhook; empty "
             "means those that the "
             "machine trusts."),
};

size_t conf_count(void)
{
    return sizeof(table) / sizeof(table[0]);
}

const struct conf_def *conf_at(size_t i)
{
    return i < conf_count() ? &table[i] : NULL;
}

const struct conf_def *conf_find(const char *key)
{
    for (size_t i = 0; key && i < conf_count(); i++)
        if (!strcmp(table[i].key, key))
            return &table[i];
    return NULL;
}

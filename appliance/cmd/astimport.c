#include "cmd/astimport.h"
#include "cmd/asterisk.h"
#include "cmd/verb.h"
#include "cmd/wire.h"
#include "core/utf8.h"
#include "store/csv.h"
#include "store/dn.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum {
    CSV_MAX = 8 * 1024 * 1024,
    REPORT_MAX = 16 * 1024 * 1024,
    PASSWORD_MIN = 6,
    PASSWORD_MAX = 127,
    LIST_MAX = 256
};

/* ---------------------------------------------------------------- the report */

static void row_start(const struct astimport *im, struct buf *out, size_t *count)
{
    if (im->json)
        buf_puts(out, *count ? ",\n{" : "{");
    (*count)++;
}

static void row_end(const struct astimport *im, struct buf *out, const char *file, unsigned line)
{
    if (im->json) {
        cmd_json_member(out, "file", file, true);
        buf_printf(out, "\"line\":%u}", line);
    } else {
        buf_puts(out, "\n");
    }
}

__attribute__((format(printf, 4, 5))) static void unused(struct astimport *im, const char *file,
                                                         unsigned line, const char *fmt, ...)
{
    char text[512];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    row_start(im, &im->unused, &im->unused_count);
    if (im->json)
        cmd_json_member(&im->unused, "what", text, true);
    else
        buf_printf(&im->unused, "  %s:%u: %s", file, line, text);
    row_end(im, &im->unused, file, line);
}

/* ---------------------------------------------------------------- options nobody needs to hear of */

/* What dngate does by itself, or what a page of its own makes pointless. */
static const char *const needless[] = {
    "type",
    "webrtc",
    "transport",
    "auth",
    "aors",
    "callerid",
    "allow",
    "disallow",
    "auth_type",
    "username",
    "password",
    "use_avpf",
    "media_encryption",
    "ice_support",
    "rtcp_mux",
    "bundle",
    "media_use_received_transport",
    "dtls_auto_generate_cert",
    "dtls_verify",
    "dtls_setup",
    "dtls_cert_file",
    "dtls_private_key",
    "dtls_ca_file",
    "dtls_ca_path",
    "dtls_fingerprint",
    "dtls_rekey",
    "dtls_cipher",
    "media_encryption_optimistic",
    "force_rport",
    "rewrite_contact",
    "rtp_symmetric",
    "direct_media",
    "trust_id_inbound",
    "trust_id_outbound",
    "send_pai",
    "send_rpid",
    "remove_existing",
    "remove_unavailable",
    "qualify_frequency",
    "qualify_timeout",
    "default_expiration",
    "minimum_expiration",
    "maximum_expiration",
    "support_path",
    "identify_by",
    "from_user",
    "from_domain",
    "language",
    "allow_subscribe",
    "sub_min_expiry",
    "tos_audio",
    "cos_audio",
    "tos_video",
    "cos_video",
    "max_audio_streams",
    "max_video_streams",
    "media_address",
    "bind_rtp_to_media_address",
    "rtp_keepalive",
    "rtp_timeout",
    "rtp_timeout_hold",
    "authenticate_qualify",
    "realm",
    "device_state_busy_at",
    "connected_line_method",
    "inband_progress",
};

static const struct {
    const char *key, *why;
} reasons[] = {
    {"context", "there is no dial plan: what an agent dials goes to the trunk"},
    {"mailboxes", "there is no voice mail"},
    {"call_group", "there are no pickup groups"},
    {"pickup_group", "there are no pickup groups"},
    {"named_call_group", "there are no pickup groups"},
    {"named_pickup_group", "there are no pickup groups"},
    {"set_var", "there are no channel variables"},
    {"moh_suggest", "music on hold comes from the trunk"},
    {"max_contacts", "a DN has one page at a time that rings"},
    {"timers", "session timers are always allowed"},
    {"deny", "there are no lists of addresses for agents"},
    {"permit", "there are no lists of addresses for agents"},
    {"acl", "there are no lists of addresses for agents"},
};

static bool is_needless(const struct ast_option *o)
{
    for (size_t i = 0; i < sizeof(needless) / sizeof(needless[0]); i++)
        if (!strcasecmp(needless[i], o->key))
            return true;
    if (!strcasecmp(o->key, "dtmf_mode"))
        return !strcasecmp(o->value, "rfc4733") || !strcasecmp(o->value, "auto") ||
               !strcasecmp(o->value, "auto_info") || !strcasecmp(o->value, "info");
    return !strcasecmp(o->key, "max_contacts") && !strcmp(o->value, "1");
}

/* A line of a template is told of once, not for each heir. */
static void tell_options(struct astimport *im, const struct ast_section *s)
{
    for (size_t i = 0; s && i < s->count; i++) {
        struct ast_option *o = s->options[i];
        const char *why = NULL;

        if (o->told || is_needless(o) || !strcasecmp(o->key, "md5_cred"))
            continue;
        o->told = true;
        for (size_t k = 0; k < sizeof(reasons) / sizeof(reasons[0]); k++)
            if (!strcasecmp(reasons[k].key, o->key))
                why = reasons[k].why;
        unused(im, o->file, o->line, "%s=%s%s%s", o->key, o->value, why ? ": " : "", why ? why : "");
    }
}

/* ---------------------------------------------------------------- what an endpoint is */

static bool is_yes(const char *v)
{
    return v && (!strcasecmp(v, "yes") || !strcasecmp(v, "true") || !strcasecmp(v, "on") || !strcmp(v, "1"));
}

/* udp, tcp, tls, ws, wss; a transport that is not in the files says it by its name. */
static const char *protocol(const struct ast *a, const struct ast_section *endpoint)
{
    static const char *const names[] = {"wss", "ws", "tls", "tcp", "udp"};
    const char *transport = ast_get(endpoint, "transport");
    const struct ast_section *s = transport ? ast_find(a, "transport", transport) : NULL;
    const char *p = s ? ast_get(s, "protocol") : NULL;

    for (size_t i = 0; transport && !p && i < sizeof(names) / sizeof(names[0]); i++)
        if (strcasestr(transport, names[i]))
            p = names[i];
    return p ? p : "udp";
}

static bool is_webrtc(const struct ast *a, const struct ast_section *e)
{
    return is_yes(ast_get(e, "webrtc")) || !strncasecmp(protocol(a, e), "ws", 2);
}

/* The first of a list "a,b". */
static const struct ast_section *named(const struct ast *a, const struct ast_section *e, const char *key,
                                       const char *type)
{
    const char *list = ast_get(e, key);
    char name[LIST_MAX];

    if (!list)
        return NULL;
    snprintf(name, sizeof(name), "%.*s", (int)strcspn(list, ", \t"), list);
    return ast_find(a, type, name);
}

/* ---------------------------------------------------------------- DNs */

/* "Ada" <5001>, Ada <5001> or 5001 */
static void caller_name(const char *callerid, char *name, size_t sz)
{
    size_t n;

    name[0] = '\0';
    if (!callerid || !strchr(callerid, '<'))
        return;
    n = strcspn(callerid, "<");
    while (n && (isspace((unsigned char)callerid[n - 1]) || callerid[n - 1] == '"'))
        n--;
    while (n && (isspace((unsigned char)*callerid) || *callerid == '"')) {
        callerid++;
        n--;
    }
    snprintf(name, sz, "%.*s", (int)n, callerid);
}

/* Asterisk's allow and disallow lines, in their order, end in a list; what of it dngate speaks. */
static void codecs_read(const struct ast_section *e, char *list, size_t sz)
{
    list[0] = '\0';
    for (size_t i = 0; i < e->count; i++) {
        const struct ast_option *o = e->options[i];
        size_t len = strlen(list);

        if (!strcasecmp(o->key, "disallow") && strcasestr(o->value, "all"))
            list[0] = '\0';
        else if (!strcasecmp(o->key, "allow") && !strncasecmp(o->value, "!all", 4))
            snprintf(list, sz, ",%s", o->value + 4);
        else if (!strcasecmp(o->key, "allow"))
            snprintf(list + len, sz - len, ",%s", o->value);
    }
}

static const char *codec(struct astimport *im, const struct ast_section *e)
{
    char list[LIST_MAX], *save = NULL;
    const char *first = NULL;
    bool opus = false, g711 = false;

    codecs_read(e, list, sizeof(list));
    for (char *w = strtok_r(list, ", \t", &save); w; w = strtok_r(NULL, ", \t", &save)) {
        const char *ours = !strcasecmp(w, "opus")                            ? "opus"
                           : !strcasecmp(w, "ulaw")                          ? "pcmu"
                           : !strcasecmp(w, "alaw")                          ? "pcma"
                           : !strcasecmp(w, "all") || !strcasecmp(w, "!all") ? "auto"
                                                                             : NULL;

        if (!ours) {
            unused(im, e->file, e->line, "[%s] allow=%s: browsers get Opus and G.711", e->name, w);
            continue;
        }
        opus = opus || ours[0] == 'o' || !strcmp(ours, "auto");
        g711 = g711 || ours[0] == 'p';
        first = first ? first : ours;
    }
    if (!first || (opus && g711))
        return "auto";
    return first;
}

static bool text_ok(const char *s, size_t max)
{
    size_t len = strlen(s), n;

    for (size_t i = 0; i < len; i += n) {
        n = utf8_seq(s + i, len - i);
        if (!n || (unsigned char)s[i] < 0x20 || s[i] == 0x7f)
            return false;
    }
    return len <= max;
}

/* Why the endpoint's auth gives no password; NULL when it does. */
static const char *password_wrong(const struct ast_section *auth)
{
    const char *type, *password;

    if (!auth)
        return "it has no auth section with a password";
    type = ast_get(auth, "auth_type");
    if (ast_get(auth, "md5_cred") || (type && !strcasecmp(type, "md5")))
        return "its password is only there as md5_cred, a hash for Asterisk's realm, and cannot be used";
    if (type && strcasecmp(type, "userpass") && strcasecmp(type, "digest"))
        return "only auth_type=userpass has a password";
    password = ast_get(auth, "password");
    if (!password || !*password)
        return "its auth section has no password";
    if (strlen(password) < PASSWORD_MIN)
        return "its password is shorter than 6 characters";
    return text_ok(password, PASSWORD_MAX) ? NULL : "its password is too long or no UTF-8 text";
}

static void dn_report(struct astimport *im, const struct ast_section *e, const char *name,
                      const char *codec_name)
{
    row_start(im, &im->dns, &im->dn_count);
    if (im->json) {
        cmd_json_member(&im->dns, "dn", e->name, true);
        cmd_json_member(&im->dns, "name", name, true);
        cmd_json_member(&im->dns, "codec", codec_name, true);
    } else {
        buf_printf(&im->dns, "  %s:%u: DN %s, codec %s%s%s", e->file, e->line, e->name, codec_name,
                   *name ? ", " : "", name);
    }
    row_end(im, &im->dns, e->file, e->line);
}

static void import_dn(struct astimport *im, const struct ast *a, const struct ast_section *e)
{
    const struct ast_section *auth = named(a, e, "auth", "auth"), *aor = named(a, e, "aors", "aor");
    const char *wrong = dn_valid(e->name) ? password_wrong(auth) : "the name cannot be a DN", *user,
               *codec_name;
    char name[DN_NAME_MAX];

    if (!wrong && ast_find(a, "endpoint", e->name) != e)
        wrong = "there is an endpoint of that name already";
    if (wrong) {
        unused(im, e->file, e->line, "[%s]: %s; dngate dn add %s --password PASSWORD makes it by hand",
               e->name, wrong, e->name);
        return;
    }
    caller_name(ast_get(e, "callerid"), name, sizeof(name));
    if (!text_ok(name, sizeof(name) - 1)) {
        unused(im, e->file, e->line, "[%s] callerid: no UTF-8 text", e->name);
        name[0] = '\0';
    }
    codec_name = codec(im, e);
    csv_put(&im->csv, e->name);
    buf_puts(&im->csv, ",");
    csv_put(&im->csv, name);
    buf_puts(&im->csv, ",");
    csv_put(&im->csv, ast_get(auth, "password"));
    buf_printf(&im->csv, ",%s\r\n", codec_name);
    dn_report(im, e, name, codec_name);
    user = ast_get(auth, "username");
    if (user && *user && strcmp(user, e->name))
        unused(im, auth->file, auth->line,
               "[%s] username=%s: the agent signs in as DN %s, with the same password", auth->name, user,
               e->name);
    tell_options(im, e);
    tell_options(im, auth);
    tell_options(im, aor);
}

/* ---------------------------------------------------------------- trunks */

/* sip:user@host:port;transport=tcp → host:port and the transport. */
static void contact_split(const char *uri, char *address, size_t sz, const char **transport)
{
    const char *at, *p = uri;

    if (!strncasecmp(p, "sip:", 4) || !strncasecmp(p, "sips:", 5))
        p = strchr(p, ':') + 1;
    at = strchr(p, '@');
    if (at && at < p + strcspn(p, ";?"))
        p = at + 1;
    snprintf(address, sz, "%.*s", (int)strcspn(p, ";?>, \t"), p);
    if (strcasestr(uri, "transport=tcp"))
        *transport = "tcp";
    else if (strcasestr(uri, "transport=tls") || !strncasecmp(uri, "sips:", 5))
        *transport = "tls";
}

static const struct ast_section *identify_of(const struct ast *a, const char *endpoint)
{
    for (size_t i = 0; i < a->section_count; i++) {
        const struct ast_section *s = &a->sections[i];
        const char *type = s->is_template ? NULL : ast_get(s, "type"),
                   *to = type ? ast_get(s, "endpoint") : NULL;

        if (to && !strcasecmp(type, "identify") && !strcasecmp(to, endpoint))
            return s;
    }
    return NULL;
}

/* Words for a shell: nothing but what needs no quotes. */
static bool plain(const char *s)
{
    return *s &&
           strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:[]-") == strlen(s);
}

static const char *trunk_codecs(const struct ast_section *e)
{
    char list[LIST_MAX];
    const char *u, *al;

    codecs_read(e, list, sizeof(list));
    u = strcasestr(list, "ulaw");
    al = strcasestr(list, "alaw");
    if (u && al)
        return u < al ? "" : " --codecs pcma,pcmu";
    return al ? " --codecs pcma" : u ? " --codecs pcmu" : "";
}

static bool import_trunk(struct astimport *im, const struct ast *a, const struct ast_section *e)
{
    const struct ast_section *aor = named(a, e, "aors", "aor"), *identify = identify_of(a, e->name);
    const struct ast_section *auth = named(a, e, "outbound_auth", "auth");
    const char *contact = aor ? ast_get(aor, "contact") : NULL,
               *match = identify ? ast_get(identify, "match") : NULL;
    const char *transport = protocol(a, e), *user = auth ? ast_get(auth, "username") : NULL;
    char address[LIST_MAX], command[1024];

    if (!contact && !match)
        return false;
    contact_split(contact ? contact : match, address, sizeof(address), &transport);
    if (!contact)
        address[strcspn(address, "/")] = '\0';
    if (!plain(address) || !plain(e->name) || (user && !plain(user))) {
        unused(im, e->file, e->line,
               "[%s]: a trunk to %s that cannot be made of it; dngate trunk add makes it", e->name, address);
        return true;
    }
    snprintf(command, sizeof(command), "dngate trunk add %s --address %s%s%s%s%s%s%s", e->name, address,
             strcasecmp(transport, "udp") ? " --transport " : "",
             strcasecmp(transport, "udp") ? transport : "", user ? " --username " : "", user ? user : "",
             user ? " --password -" : "", trunk_codecs(e));
    row_start(im, &im->trunks, &im->trunk_count);
    if (im->json)
        cmd_json_member(&im->trunks, "command", command, true);
    else
        buf_printf(&im->trunks, "  %s:%u: %s", e->file, e->line, command);
    row_end(im, &im->trunks, e->file, e->line);
    return true;
}

/* ---------------------------------------------------------------- all of it */

static void import_section(struct astimport *im, const struct ast *a, const struct ast_section *s)
{
    static const char *const quiet[] = {"auth", "aor", "identify"}; /* looked at with their endpoint */
    const char *type = ast_get(s, "type");

    for (size_t i = 0; type && i < sizeof(quiet) / sizeof(quiet[0]); i++)
        if (!strcasecmp(type, quiet[i]))
            return;
    if (!type)
        unused(im, s->file, s->line, "[%s]: has no type", s->name);
    else if (!strcasecmp(type, "transport"))
        unused(im, s->file, s->line,
               "[%s] type=transport: ports are settings here (https.port, wss.port, sip.port)", s->name);
    else if (strcasecmp(type, "endpoint"))
        unused(im, s->file, s->line, "[%s] type=%s", s->name, type);
    else if (is_webrtc(a, s))
        import_dn(im, a, s);
    else if (!import_trunk(im, a, s))
        unused(im, s->file, s->line,
               "[%s]: a telephone over %s, not a browser (no webrtc=yes, no transport ws or wss)", s->name,
               protocol(a, s));
}

int astimport_run(struct astimport *im, struct ast *a, bool json)
{
    memset(im, 0, sizeof(*im));
    im->json = json;
    buf_init(&im->csv, CSV_MAX);
    buf_init(&im->dns, REPORT_MAX);
    buf_init(&im->trunks, REPORT_MAX);
    buf_init(&im->unused, REPORT_MAX);
    buf_puts(&im->csv, "dn,name,password,codec\r\n");
    for (size_t i = 0; i < a->section_count; i++)
        if (!a->sections[i].is_template)
            import_section(im, a, &a->sections[i]);
    for (size_t i = 0; i < a->note_count; i++)
        unused(im, a->notes[i].file, a->notes[i].line, "%s", a->notes[i].text);
    return im->csv.err || im->dns.err || im->trunks.err || im->unused.err ? EMSGSIZE : 0;
}

void astimport_reset(struct astimport *im)
{
    wire_wipe(&im->csv);
    buf_reset(&im->dns);
    buf_reset(&im->trunks);
    buf_reset(&im->unused);
}

/* The doctor looks at the box: data directory, database, clock, limits, certificate. */
#include "cmd/check.h"
#include "conf/conf.h"
#include "conf/public.h"
#include "core/addr.h"
#include "core/clock.h"
#include "core/json.h"
#include "crypto/cert.h"
#include "store/dn.h"
#include "store/peek.h"
#include "store/trunk.h"
#include "store/user.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

enum {
    WHY_MAX = 512,
    DISK_WARN_MB = 500,
    DISK_FAIL_MB = 50,
    FILES_WARN = 4096,
    DAYS_WARN = 21,
    YEAR_MIN = 2026,
    YEAR_MAX = 2099
};

/* ---------------------------------------------------------------- database */

static bool count_dn_h(const struct dn *d, void *arg)
{
    *(size_t *)arg += d->enabled;
    return false;
}

static bool count_trunk_h(const struct trunk *t, void *arg)
{
    *(size_t *)arg += t->enabled;
    return false;
}

static bool count_admin_h(const struct user *u, void *arg)
{
    *(size_t *)arg += u->role == USER_ADMIN;
    return false;
}

static void check_inventory(struct check *ck)
{
    size_t dns = 0, trunks = 0, admins = 0;
    struct store_reader *r;

    if (store_reader_alloc(&r, ck->store))
        return;
    (void)dn_each(r, count_dn_h, &dns);
    (void)trunk_each(r, false, count_trunk_h, &trunks);
    (void)user_each(r, count_admin_h, &admins);
    store_reader_free(r);
    check_say(ck, dns ? CHECK_OK : CHECK_WARN, "DNs", dns ? "" : "dngate dn add 5001 --password PASSWORD",
              "%zu enabled", dns);
    check_say(ck, trunks ? CHECK_OK : CHECK_WARN, "trunks",
              trunks ? "" : "dngate trunk add genesys --address HOST:PORT (lab mode brings its own)",
              "%zu enabled", trunks);
    check_say(ck, admins ? CHECK_OK : CHECK_WARN, "administrators",
              admins ? "" : "dngate user add NAME --role admin, or set admin.password", "%zu", admins);
}

void check_store(struct check *ck)
{
    int64_t version = 0, ours = 0;
    char why[WHY_MAX];

    if (!ck->store)
        return;
    if (peek_verify(ck->store, &version, &ours, why, sizeof(why))) {
        check_say(ck, CHECK_FAIL, "database", "dngate restore FILE brings back a backup", "damaged: %s", why);
        return;
    }
    if (version < ours)
        check_say(ck, CHECK_INFO, "database", "",
                  "sound, version %lld; the next start brings it to version %lld", (long long)version,
                  (long long)ours);
    else
        check_say(ck, CHECK_OK, "database", "", "sound, version %lld", (long long)version);
    if (version == ours)
        check_inventory(ck);
}

/* ---------------------------------------------------------------- directory */

static void check_disk(struct check *ck)
{
    struct statvfs fs;
    uint64_t mb;

    if (statvfs(ck->dir, &fs))
        return;
    mb = (uint64_t)fs.f_bavail * fs.f_frsize >> 20;
    check_say(ck,
              mb < DISK_FAIL_MB   ? CHECK_FAIL
              : mb < DISK_WARN_MB ? CHECK_WARN
                                  : CHECK_OK,
              "disk", mb < DISK_WARN_MB ? "make room: call records need it" : "", "%llu MB free in %s",
              (unsigned long long)mb, ck->dir);
}

static void check_private(struct check *ck, const char *name)
{
    char path[PATH_MAX], advice[PATH_MAX + 32];
    struct stat st;

    snprintf(path, sizeof(path), "%s/%s", ck->dir, name);
    if (stat(path, &st) || !(st.st_mode & 077))
        return;
    snprintf(advice, sizeof(advice), "chmod go= %s", path);
    check_say(ck, CHECK_WARN, "directory", advice, "%s can be read by other users (mode %04o)", path,
              (unsigned)st.st_mode & 07777u);
}

void check_directory(struct check *ck)
{
    struct stat st;

    if (stat(ck->dir, &st)) {
        check_say(ck, errno == ENOENT ? CHECK_INFO : CHECK_FAIL, "directory",
                  errno == ENOENT ? "" : "give the right directory with --data", "%s: %s", ck->dir,
                  strerror(errno));
        return;
    }
    if (!S_ISDIR(st.st_mode) || access(ck->dir, R_OK | W_OK | X_OK))
        check_say(ck, CHECK_FAIL, "directory", "make it belong to the user that dngate runs as",
                  "%s cannot be written by user %u", ck->dir, (unsigned)getuid());
    else
        check_say(ck, CHECK_OK, "directory", "", "%s can be written", ck->dir);
    check_private(ck, "dngate.db");
    check_private(ck, "secret.key");
    check_private(ck, "tls/key.pem");
    check_disk(ck);
}

/* ---------------------------------------------------------------- clock, limits */

static void check_clock(struct check *ck)
{
    struct timex tx = {.modes = 0};
    time_t now = time(NULL);
    struct tm tm;
    int state;

    gmtime_r(&now, &tm);
    if (tm.tm_year + 1900 < YEAR_MIN || tm.tm_year + 1900 > YEAR_MAX) {
        check_say(ck, CHECK_FAIL, "clock", "set it: certificates and call records depend on it",
                  "says it is year %d", tm.tm_year + 1900);
        return;
    }
    state = adjtimex(&tx);
    if (state < 0)
        check_say(ck, CHECK_INFO, "clock", "", "whether it is synchronised cannot be seen from here");
    else if (state == TIME_ERROR || tx.status & STA_UNSYNC)
        check_say(ck, CHECK_WARN, "clock", "run chrony or systemd-timesyncd (on the host, for a container)",
                  "nothing keeps it synchronised");
    else
        check_say(ck, CHECK_OK, "clock", "", "synchronised");
}

static void check_files(struct check *ck)
{
    struct rlimit rl;
    double most;

    if (!check_metric(ck, "process_max_fds", &most)) {
        if (getrlimit(RLIMIT_NOFILE, &rl))
            return;
        most = (double)rl.rlim_max; /* the server raises itself to it */
    }
    check_say(ck, most < FILES_WARN ? CHECK_WARN : CHECK_OK, "open files",
              most < FILES_WARN ? "raise it: ulimit -n, LimitNOFILE= of systemd, --ulimit nofile= of docker"
                                : "",
              "limit %.0f", most);
}

void check_machine(struct check *ck)
{
    check_clock(ck);
    check_files(ck);
}

/* ---------------------------------------------------------------- certificate */

/* Is one name of "DNS:a,IP:1.2.3.4" the host that browsers type? A leading *. stands for one label (RFC 6125 6.4.3). */
static bool name_matches(const char *name, const char *host)
{
    struct addr a, b;
    const char *dot;

    if (!strncmp(name, "IP:", 3))
        return !addr_parse_ip(&a, name + 3, 0) && !addr_parse_ip(&b, host, 0) && addr_eq_ip(&a, &b);
    if (strncmp(name, "DNS:", 4))
        return false;
    name += 4;
    if (strncmp(name, "*.", 2))
        return !strcasecmp(name, host);
    dot = strchr(host, '.');
    return dot && !strcasecmp(name + 1, dot);
}

static bool names_match(const char *names, const char *host)
{
    char copy[1024], *save = NULL;

    snprintf(copy, sizeof(copy), "%s", names);
    for (char *p = strtok_r(copy, ", ", &save); p; p = strtok_r(NULL, ", ", &save))
        if (name_matches(p, host))
            return true;
    return false;
}

static void check_name(struct check *ck, const struct cert_info *info, bool own, const char *host)
{
    if (names_match(info->names, host))
        check_say(ck, CHECK_OK, "certificate", "", "is for %s (public.address)", host);
    else
        check_say(ck, CHECK_FAIL, "certificate",
                  own ? "remove tls/cert.pem and tls/key.pem and start again: a new one will have the name"
                      : "get one for that name, or set public.address to a name that it has",
                  "is not for %s (public.address) but for %s: browsers refuse it", host,
                  info->names[0] ? info->names : info->subject);
}

static bool is_ip(const char *host)
{
    struct addr a;

    return !addr_parse_ip(&a, host, 0);
}

/* An address beside a name that it has is for media: nobody types it. */
static void check_names(struct check *ck, const struct cert_info *info, bool own)
{
    struct public_item v[PUBLIC_ITEMS_MAX];
    char text[CONF_VALUE_MAX];
    size_t n = public_items(v, conf_str(ck->conf, "public.address", text, sizeof(text)));
    bool named = false;

    for (size_t i = 0; i < n; i++)
        named |= !v[i].stun && !is_ip(v[i].host) && names_match(info->names, v[i].host);
    for (size_t i = 0; i < n; i++)
        if (!v[i].stun && !(named && is_ip(v[i].host)))
            check_name(ck, info, own, v[i].host);
}

static void check_days(struct check *ck, const struct cert_info *info, bool own)
{
    int64_t left_ms = info->not_after_ms - clock_wall_ms(), days = left_ms / 86400000;
    const char *advice = own ? "remove tls/cert.pem and tls/key.pem and start again: a new one is made"
                             : "replace the files; they are taken within seconds, without a restart";

    if (left_ms < 0)
        check_say(ck, CHECK_FAIL, "certificate", advice, "expired %lld days ago: browsers refuse it",
                  (long long)-days);
    else if (info->not_before_ms > clock_wall_ms())
        check_say(ck, CHECK_FAIL, "certificate", "look at the clock", "is not valid yet");
    else
        check_say(ck, days < DAYS_WARN ? CHECK_WARN : CHECK_OK, "certificate", days < DAYS_WARN ? advice : "",
                  "valid for %lld more days%s", (long long)days,
                  own ? "; of its own making unless you put one there" : "");
}

static void check_issuer(struct check *ck, const struct cert_info *info)
{
    if (info->self_signed)
        check_say(ck, CHECK_WARN, "certificate",
                  "set https.cert and https.key to one of a CA that the agents' browsers trust",
                  "is signed by itself: browsers warn of it, and never use TURN over TLS with it: no audio "
                  "for agents whose network lets out nothing but 443/tcp");
}

void check_certificate(struct check *ck)
{
    char cert[PATH_MAX], key[PATH_MAX], why[WHY_MAX];
    struct cert_info info;
    bool own;
    int err;

    conf_str(ck->conf, "https.cert", cert, sizeof(cert));
    conf_str(ck->conf, "https.key", key, sizeof(key));
    own = !cert[0] || !key[0];
    if (own) {
        snprintf(cert, sizeof(cert), "%s/tls/cert.pem", ck->dir);
        snprintf(key, sizeof(key), "%s/tls/key.pem", ck->dir);
        if (access(cert, F_OK) && access(key, F_OK)) {
            check_say(ck, CHECK_INFO, "certificate", "", "none yet; the first start makes one");
            return;
        }
    }
    err = cert_check(cert, key, &info, why, sizeof(why));
    if (err && err != ETIME) {
        check_say(ck, CHECK_FAIL, "certificate",
                  err == EKEYREJECTED ? "put the certificate and the key that belong together in place"
                                      : "put PEM files there that the server's user may read",
                  "%s", why);
        return;
    }
    check_days(ck, &info, own);
    check_names(ck, &info, own);
    check_issuer(ck, &info);
}

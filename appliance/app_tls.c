#include "app_tls.h"
#include "conf/conf.h"
#include "conf/public.h"
#include "core/addr.h"
#include "core/buf.h"
#include "core/clock.h"
#include "core/health.h"
#include "core/log.h"
#include "crypto/cert.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ADDRS_MAX = 8, NAMES_MAX = 4000, WARN_DAYS = 21 };

/* Every name a browser may type for this box. */
static int names_collect(const struct conf *conf, struct buf *b)
{
    struct addr v[ADDRS_MAX];
    struct public_item items[PUBLIC_ITEMS_MAX];
    char text[CONF_VALUE_MAX], host[256] = "", ip[ADDR_STRLEN];
    size_t n;

    (void)buf_puts(b, "localhost,127.0.0.1,::1");

    n = public_items(items, conf_str(conf, "public.address", text, sizeof(text)));
    for (size_t i = 0; i < n; i++)
        if (!items[i].stun) /* has not been asked yet */
            (void)buf_printf(b, ",%s", items[i].host);

    if (!gethostname(host, sizeof(host) - 1) && host[0])
        (void)buf_printf(b, ",%s", host);

    n = addr_interfaces(v, ADDRS_MAX);
    for (size_t i = 0; i < n; i++)
        (void)buf_printf(b, ",%s", addr_ip(&v[i], ip, sizeof(ip)));

    return b->err;
}

static int certificate_make(const struct conf *conf, const char *cert, const char *key, char *why,
                            size_t whysz)
{
    struct buf names;
    int err;

    buf_init(&names, NAMES_MAX);
    err = names_collect(conf, &names);
    if (!err)
        err = cert_make(cert, key, names.data);
    if (err)
        (void)snprintf(why, whysz, "%s: cannot make a certificate: %s", cert, strerror(err));
    else
        log_info("tls", "file=%s names=%s self-signed certificate made", cert, names.data);
    buf_reset(&names);

    return err;
}

static void expiry_report(const struct cert_info *info)
{
    const int64_t days = (info->not_after_ms - clock_wall_ms()) / 86400000;

    if (days < 0)
        health_set("certificate", HEALTH_DEGRADED, "expired %lld days ago", (long long)-days);
    else if (days < WARN_DAYS)
        health_set("certificate", HEALTH_DEGRADED, "expires in %lld days", (long long)days);
    else
        health_set("certificate", HEALTH_UP, "valid for %lld days", (long long)days);
}

int app_tls_files(const struct conf *conf, const char *dir, char *cert, char *key, size_t sz, char *why,
                  size_t whysz)
{
    struct cert_info info;
    char path[512], reason[512];
    bool made;
    int err;

    (void)conf_str(conf, "https.cert", cert, sz);
    (void)conf_str(conf, "https.key", key, sz);
    made = !cert[0];

    if (made != !key[0]) {
        (void)snprintf(why, whysz, "https.cert and https.key: set both or none");
        return EINVAL;
    }

    if (made) {
        (void)snprintf(path, sizeof(path), "%s/tls", dir);
        if (mkdir(path, 0700) && errno != EEXIST) {
            err = errno;
            (void)snprintf(why, whysz, "%s: %s", path, strerror(err));
            return err;
        }
        (void)snprintf(cert, sz, "%s/tls/cert.pem", dir);
        (void)snprintf(key, sz, "%s/tls/key.pem", dir);

        const bool no_cert = access(cert, F_OK) != 0, no_key = access(key, F_OK) != 0;

        if (no_cert != no_key) { /* half of somebody's pair is not ours to replace */
            (void)snprintf(why, whysz,
                           "%s is there but %s is not: put it there, or remove both for a new pair",
                           no_cert ? key : cert, no_cert ? cert : key);
            return ENOENT;
        }
        if (no_cert) {
            err = certificate_make(conf, cert, key, why, whysz);
            if (err)
                return err;
        }
    }

    err = cert_check(cert, key, &info, reason, sizeof(reason));
    if (err && err != ETIME) { /* calls are worth more than a refusal: an expired one is shown as a fault */
        (void)snprintf(why, whysz, "%s%s", made ? "" : "https.cert and https.key: ", reason);
        return err;
    }

    expiry_report(&info);
    return 0;
}

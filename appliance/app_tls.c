#include "app_tls.h"
#include "conf/conf.h"
#include "core/clock.h"
#include "core/health.h"
#include "core/log.h"
#include "crypto/cert.h"
#include "service/certificate.h"
#include "web/web.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { AGAIN_MS = 3600 * 1000 };

static void expiry_report(const struct cert_info *info)
{
    const int64_t days = (info->not_after_ms - clock_wall_ms()) / 86400000;

    if (days < 0)
        health_set("certificate", HEALTH_DEGRADED, "expired %lld days ago", (long long)-days);
    else if (days < SERVICE_CERT_WARN_DAYS)
        health_set("certificate", HEALTH_DEGRADED, "expires in %lld days", (long long)days);
    else
        health_set("certificate", HEALTH_UP, "valid for %lld days", (long long)days);
}

/* A pair of ours that is there, or is made now; one that needs it is made anew. */
static int own_prepare(struct service *sv, const char *cert, const char *key)
{
    const bool no_cert = access(cert, F_OK) != 0, no_key = access(key, F_OK) != 0;
    bool made;

    if (no_cert != no_key) /* half of somebody's pair is not ours to replace */
        return service_fail(sv, ENOENT,
                            "%s is there but %s is not: put it there, or remove both for a new pair",
                            no_cert ? key : cert, no_cert ? cert : key);
    if (no_cert)
        return service_certificate_own(sv);
    if (service_certificate_tidy(sv, &made)) /* what is wrong with it is said below */
        log_warn("tls", "error=\"%s\" the certificate stays as it is", sv->why);
    return 0;
}

int app_tls_files(struct service *sv, char *cert, char *key, size_t sz, char *why, size_t whysz)
{
    char certfile[SERVICE_CERT_FILE_MAX], keyfile[SERVICE_CERT_FILE_MAX], reason[512];
    const bool named = service_certificate_files(sv, certfile, keyfile);
    struct cert_info info;
    int err = 0;

    if (named != !!conf_str(sv->conf, "https.key", reason, sizeof(reason))[0]) {
        (void)snprintf(why, whysz, "https.cert and https.key: set both or none");
        return EINVAL;
    }
    if (!named)
        err = own_prepare(sv, certfile, keyfile);
    if (err) {
        (void)snprintf(why, whysz, "%s", sv->why);
        return err;
    }
    (void)snprintf(cert, sz, "%s", certfile);
    (void)snprintf(key, sz, "%s", keyfile);
    err = cert_check(cert, key, &info, reason, sizeof(reason));
    if (err && err != ETIME) { /* calls are worth more than a refusal: an expired one is shown as a fault */
        (void)snprintf(why, whysz, "%s%s", named ? "https.cert and https.key: " : "", reason);
        return err;
    }
    expiry_report(&info);
    return 0;
}

static void changed_h(void *arg)
{
    struct web **web = arg;

    if (*web)
        web_reload(*web);
}

void app_tls_watch(struct service *sv, struct web **web)
{
    sv->certificate_changed = changed_h;
    sv->certificate_arg = web;
}

void app_tls_tidy(struct service *sv)
{
    static uint64_t due_ms; /* main thread */
    struct service_certificate c;
    bool made;

    if (clock_ms() < due_ms)
        return;
    if (due_ms && service_certificate_tidy(sv, &made))
        log_warn("tls", "error=\"%s\" the certificate stays as it is", sv->why);
    due_ms = clock_ms() + AGAIN_MS;
    if (!service_certificate_get(sv, &c))
        expiry_report(&c.view.info);
}

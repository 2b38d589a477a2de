#include "web/certfile.h"
#include "core/clock.h"
#include "core/file.h"
#include "core/health.h"
#include "core/log.h"
#include "crypto/cert.h"
#include "crypto/tls.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { PEM_MAX = 256 * 1024, TELL_MS = 60000, WARN_DAYS = 14 };

struct certfile {
    const char *cert, *key; /* paths */
    struct tls_server *server;
    struct file_stamp seen[2]; /* of both */
    bool settling;             /* changed at the last look */
    uint64_t told_ms;
    int64_t not_after_ms; /* of the certificate in use */
    char names[1024];     /* of it, as in struct cert_info */
    char refused[256];    /* why newer files were not taken; "" */
};

METRIC_COUNTER(reloads_ok, "dngate_certificate_reloads_total", "result=\"ok\"",
               "New certificate files looked at");
METRIC_COUNTER(reloads_refused, "dngate_certificate_reloads_total", "result=\"refused\"",
               "New certificate files looked at");
METRIC_GAUGE(not_after, "dngate_certificate_expiry_timestamp_seconds", NULL,
             "When the certificate expires, Unix time");

/* Looks at both files. True when one is another than at the last look. */
static bool look(struct certfile *f)
{
    struct file_stamp now[2];
    const bool cert = file_changed(&now[0], f->cert, &f->seen[0]);
    const bool key = file_changed(&now[1], f->key, &f->seen[1]);

    memcpy(f->seen, now, sizeof(now));
    return cert || key;
}

static void health_tell(struct certfile *f)
{
    int64_t left_ms = f->not_after_ms - clock_wall_ms();
    int days = (int)(left_ms / 86400000);

    f->told_ms = clock_ms();
    metric_set(&not_after, f->not_after_ms / 1000);
    if (left_ms <= 0)
        health_set("certificate", HEALTH_DEGRADED, "expired; browsers refuse it");
    else if (*f->refused)
        health_set("certificate", HEALTH_DEGRADED, "new files refused: %s", f->refused);
    else if (days < WARN_DAYS)
        health_set("certificate", HEALTH_DEGRADED, "expires in %d days", days);
    else
        health_set("certificate", HEALTH_UP, "%s", "");
}

/* The server that these files make; the key's text does not stay. */
static int server_make(const struct certfile *f, struct tls_server **sp)
{
    char *cert = NULL, *key = NULL;
    size_t n, key_len = 0;
    int err = file_read(f->cert, PEM_MAX, &cert, &n);

    if (!err)
        err = file_read(f->key, PEM_MAX, &key, &key_len);
    if (!err)
        err = tls_server_alloc(sp, cert, key);
    if (key)
        explicit_bzero(key, key_len);
    free(key);
    free(cert);
    return err;
}

/* Checks the files and takes them. An expired certificate is still better than none: it is used and said. */
static int files_take(struct certfile *f, char *why, size_t whysz)
{
    struct cert_info info = {0};
    struct tls_server *server;
    int err = cert_check(f->cert, f->key, &info, why, whysz);

    if (err == ETIME)
        log_warn("web", "file=%s %s", f->cert, why);
    else if (err)
        return err;
    err = server_make(f, &server);
    if (err) {
        snprintf(why, whysz, "%s: %s", f->cert,
                 err == EBADMSG ? "the TLS library does not take this certificate" : strerror(err));
        return err;
    }
    tls_server_unref(f->server);
    f->server = server;
    f->not_after_ms = info.not_after_ms;
    memcpy(f->names, info.names, sizeof(f->names));
    return 0;
}

int certfile_open(struct certfile **cp, struct web *w, char *why, size_t whysz)
{
    struct certfile *f = calloc(1, sizeof(*f));
    int err;

    if (!f)
        return ENOMEM;
    f->cert = w->cfg.cert;
    f->key = w->cfg.key;
    (void)look(f);
    err = files_take(f, why, whysz);
    if (err) {
        certfile_close(f);
        return err;
    }
    health_tell(f);
    *cp = f;
    return 0;
}

void certfile_close(struct certfile *f)
{
    if (!f)
        return;
    tls_server_unref(f->server);
    free(f);
}

struct tls_server *certfile_server(const struct certfile *f)
{
    return f->server;
}

/* "*.example.org" stands for one label (RFC 6125 6.4.3). */
static bool name_matches(const char *pattern, size_t n, const char *name)
{
    const char *dot = strchr(name, '.');

    if (n > 2 && pattern[0] == '*' && pattern[1] == '.' && dot && dot != name) {
        pattern++;
        n--;
        name = dot;
    }
    return strlen(name) == n && !strncasecmp(pattern, name, n);
}

bool certfile_has_name(const struct certfile *f, const char *name)
{
    for (const char *p = f ? f->names : ""; *p; p += *p == ',') {
        size_t n = strcspn(p, ",");
        const char *colon = memchr(p, ':', n);

        if (colon && name_matches(colon + 1, n - (size_t)(colon + 1 - p), name))
            return true;
        p += n;
    }
    return false;
}

/* New files: take them or say why not. */
static void files_changed(struct certfile *f)
{
    char why[256];
    int err = files_take(f, why, sizeof(why));

    f->settling = false;
    snprintf(f->refused, sizeof(f->refused), "%s", err ? why : "");
    health_tell(f);
    metric_add(err ? &reloads_refused : &reloads_ok, 1);
    if (err)
        log_error("web", "file=%s new certificate refused, the old one stays: %s", f->cert, why);
    else
        log_info("web", "file=%s new certificate in use", f->cert);
}

void certfile_tick(struct certfile *f, uint64_t now_ms)
{
    if (now_ms - f->told_ms >= TELL_MS)
        health_tell(f); /* it ages */
    if (look(f)) {
        f->settling = true; /* perhaps only one of two files yet: one more tick without a change */
    } else if (f->settling) {
        files_changed(f);
    }
}

void certfile_reload(struct certfile *f)
{
    if (!f)
        return;
    (void)look(f);
    files_changed(f);
}

#include "web/tls.h"
#include "core/clock.h"
#include "core/file.h"
#include "core/health.h"
#include "core/log.h"
#include "crypto/cert.h"
#include "web/conn.h"
#include "web/edge.h"
#include <errno.h>
#include <libwebsockets.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

enum { PEM_MAX = 256 * 1024, DRAIN_MS = 1000, TELL_MS = 60000, WARN_DAYS = 14 };

/* Of libwebsockets' mbedtls wrapper, which has OpenSSL's names; its headers are not installed. Both take PEM with a chain when
 * the text does not begin like DER; lws's own file loader takes only the first certificate of a file. */
int SSL_CTX_use_certificate_ASN1(void *ctx, int len, const unsigned char *d);
int SSL_CTX_use_PrivateKey_ASN1(int type, void *ctx, const unsigned char *d, long len);

enum tls_state { TLS_STEADY, TLS_SETTLING, TLS_DRAINING };

struct stamp { /* tells a file that was replaced or rewritten */
    struct timespec mtime[2];
    ino_t ino[2];
    off_t size[2];
};

struct tls {
    struct web *w;
    struct lws_vhost *vhost;
    void *ctx;
    enum tls_state state;
    struct stamp seen;
    uint64_t drain_until_ms, told_ms;
    int64_t not_after_ms; /* of the certificate in use */
    char names[1024];     /* of it, as in struct cert_info */
    char refused[256];    /* why newer files were not taken; "" */
    char *cert, *key;     /* PEM about to be loaded, each behind a line end */
    size_t cert_len, key_len;
};

METRIC_COUNTER(reloads_ok, "dngate_certificate_reloads_total", "result=\"ok\"",
               "New certificate files looked at");
METRIC_COUNTER(reloads_refused, "dngate_certificate_reloads_total", "result=\"refused\"",
               "New certificate files looked at");
METRIC_GAUGE(not_after, "dngate_certificate_expiry_timestamp_seconds", NULL,
             "When the certificate expires, Unix time");

static void stamp_take(const struct tls *t, struct stamp *s)
{
    const char *files[2] = {t->w->cfg.cert, t->w->cfg.key};

    memset(s, 0, sizeof(*s));
    for (int i = 0; i < 2; i++) {
        struct stat st;

        if (stat(files[i], &st))
            continue;
        s->mtime[i] = st.st_mtim;
        s->ino[i] = st.st_ino;
        s->size[i] = st.st_size;
    }
}

static void pem_drop(struct tls *t)
{
    if (t->key)
        explicit_bzero(t->key, t->key_len);
    free(t->key);
    free(t->cert);
    t->key = t->cert = NULL;
}

/* The text with a line end before it, so that nothing takes it for DER. */
static int pem_read(const char *file, char **text, size_t *len)
{
    char *raw = NULL, *copy;
    size_t n;
    int err = file_read(file, PEM_MAX, &raw, &n);

    if (err)
        return err;
    copy = malloc(n + 2);
    if (copy) {
        copy[0] = '\n';
        memcpy(copy + 1, raw, n);
        copy[n + 1] = '\0';
    }
    explicit_bzero(raw, n);
    free(raw);
    *text = copy;
    *len = n + 1;
    return copy ? 0 : ENOMEM;
}

static void health_tell(struct tls *t)
{
    int64_t left_ms = t->not_after_ms - clock_wall_ms();
    int days = (int)(left_ms / 86400000);

    t->told_ms = clock_ms();
    metric_set(&not_after, t->not_after_ms / 1000);
    if (left_ms <= 0)
        health_set("certificate", HEALTH_DEGRADED, "expired; browsers refuse it");
    else if (*t->refused)
        health_set("certificate", HEALTH_DEGRADED, "new files refused: %s", t->refused);
    else if (days < WARN_DAYS)
        health_set("certificate", HEALTH_DEGRADED, "expires in %d days", days);
    else
        health_set("certificate", HEALTH_UP, "%s", "");
}

/* Checks the files and reads them. An expired certificate is still better than none: it is used and said. */
static int files_read(struct tls *t, char *why, size_t whysz)
{
    struct cert_info info = {0};
    int err = cert_check(t->w->cfg.cert, t->w->cfg.key, &info, why, whysz);

    if (err == ETIME)
        log_warn("web", "file=%s %s", t->w->cfg.cert, why);
    else if (err)
        return err;
    err = pem_read(t->w->cfg.cert, &t->cert, &t->cert_len);
    if (!err)
        err = pem_read(t->w->cfg.key, &t->key, &t->key_len);
    if (err) {
        snprintf(why, whysz, "%s: %s", t->w->cfg.cert, strerror(err));
        pem_drop(t);
        return err;
    }
    t->not_after_ms = info.not_after_ms;
    memcpy(t->names, info.names, sizeof(t->names));
    return 0;
}

static int context_load(struct tls *t)
{
    bool ok =
        SSL_CTX_use_certificate_ASN1(t->ctx, (int)t->cert_len, (const unsigned char *)t->cert) == 1 &&
        SSL_CTX_use_PrivateKey_ASN1(0, t->ctx, (const unsigned char *)t->key, (long)t->key_len + 1) == 1;

    pem_drop(t);
    return ok ? 0 : EBADMSG;
}

int tls_context_h(struct web *w, void *ssl_ctx)
{
    w->tls->ctx = ssl_ctx;
    return context_load(w->tls);
}

int tls_open(struct tls **tp, struct web *w, char *why, size_t whysz)
{
    struct tls *t = calloc(1, sizeof(*t));
    struct lws_context_creation_info info;
    int err;

    if (!t)
        return ENOMEM;
    t->w = w;
    stamp_take(t, &t->seen);
    err = files_read(t, why, whysz);
    if (err)
        goto out;
    health_tell(t);
    *tp = t; /* tls_context_h is called from inside lws_create_vhost */
    memset(&info, 0, sizeof(info));
    info.port = CONTEXT_PORT_NO_LISTEN_SERVER;
    info.vhost_name = "tls";
    info.protocols = edge_protocols();
    info.options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT | LWS_SERVER_OPTION_CREATE_VHOST_SSL_CTX;
    t->vhost = lws_create_vhost(w->ctx, &info);
    if (!t->vhost || !t->ctx) {
        snprintf(why, whysz, "%s: the TLS library does not take this certificate", w->cfg.cert);
        *tp = NULL;
        err = EBADMSG;
    }
out:
    if (err) {
        pem_drop(t);
        free(t);
    }
    return err;
}

void tls_close(struct tls *t)
{
    if (!t)
        return;
    pem_drop(t);
    free(t);
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

bool tls_has_name(const struct tls *t, const char *name)
{
    for (const char *p = t ? t->names : ""; *p; p += *p == ',') {
        size_t n = strcspn(p, ",");
        const char *colon = memchr(p, ':', n);

        if (colon && name_matches(colon + 1, n - (size_t)(colon + 1 - p), name))
            return true;
        p += n;
    }
    return false;
}

struct lws_vhost *tls_vhost(const struct tls *t)
{
    return t->vhost;
}

bool tls_busy(const struct tls *t)
{
    return t && t->state == TLS_DRAINING;
}

/* New files: take them or say why not. */
static void files_changed(struct tls *t)
{
    char why[256];
    int err = files_read(t, why, sizeof(why));

    t->state = TLS_STEADY;
    snprintf(t->refused, sizeof(t->refused), "%s", err ? why : "");
    health_tell(t);
    if (err) {
        metric_add(&reloads_refused, 1);
        log_error("web", "file=%s new certificate refused, the old one stays: %s", t->w->cfg.cert, why);
        return;
    }
    t->state = TLS_DRAINING;
    t->drain_until_ms = clock_ms() + DRAIN_MS;
    edge_pause(t->w, true);
}

/* Counts handshakes under way. Asking to write finds out those that are done but have nothing to say yet. */
static size_t handshakes(struct tls *t, bool kill)
{
    size_t n = 0;

    for (struct conn *c = t->w->conns; c; c = c->next) {
        if (c->tls_up)
            continue;
        n++;
        if (kill)
            edge_kill(c);
        else
            edge_want_write(c);
    }
    return n;
}

static void drain(struct tls *t, uint64_t now_ms)
{
    if (handshakes(t, now_ms >= t->drain_until_ms))
        return;
    if (context_load(t)) {
        metric_add(&reloads_refused, 1);
        log_error("web", "file=%s the TLS library does not take the new certificate", t->w->cfg.cert);
    } else {
        metric_add(&reloads_ok, 1);
        log_info("web", "file=%s new certificate in use", t->w->cfg.cert);
    }
    t->state = TLS_STEADY;
    edge_pause(t->w, false);
}

void tls_tick(struct tls *t, uint64_t now_ms)
{
    struct stamp now;

    if (t->state == TLS_DRAINING) {
        drain(t, now_ms);
        return;
    }
    if (now_ms - t->told_ms >= TELL_MS)
        health_tell(t); /* it ages */
    handshakes(t, false);
    stamp_take(t, &now);
    if (memcmp(&now, &t->seen, sizeof(now))) {
        t->seen = now; /* perhaps only one of two files yet: one more tick without a change */
        t->state = TLS_SETTLING;
    } else if (t->state == TLS_SETTLING) {
        files_changed(t);
    }
}

void tls_reload(struct tls *t)
{
    if (!t || t->state == TLS_DRAINING)
        return;
    stamp_take(t, &t->seen);
    files_changed(t);
}

#include "service/certificate.h"
#include "conf/conf.h"
#include "conf/public.h"
#include "core/addr.h"
#include "core/buf.h"
#include "core/clock.h"
#include "core/file.h"
#include "core/log.h"
#include "store/store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ADDRS_MAX = 8, NAMES_MAX = 4000, DAY_MS = 86400000, SUFFIX_MAX = 8 };

bool service_certificate_files(const struct service *sv, char cert[SERVICE_CERT_FILE_MAX],
                               char key[SERVICE_CERT_FILE_MAX])
{
    (void)conf_str(sv->conf, "https.cert", cert, SERVICE_CERT_FILE_MAX);
    (void)conf_str(sv->conf, "https.key", key, SERVICE_CERT_FILE_MAX);
    if (cert[0])
        return true;
    (void)snprintf(cert, SERVICE_CERT_FILE_MAX, "%s/tls/cert.pem", store_dir(sv->store));
    (void)snprintf(key, SERVICE_CERT_FILE_MAX, "%s/tls/key.pem", store_dir(sv->store));
    return false;
}

enum { REQUEST_NEW = -1 };

/* The key of a request: 0 is the last one, 1 the one before …; REQUEST_NEW one that is being made. */
static void request_file(const struct service *sv, int n, char file[SERVICE_CERT_FILE_MAX])
{
    char suffix[SUFFIX_MAX] = "";

    if (n == REQUEST_NEW)
        (void)snprintf(suffix, sizeof(suffix), "-new");
    else if (n)
        (void)snprintf(suffix, sizeof(suffix), "-%d", n);
    (void)snprintf(file, SERVICE_CERT_FILE_MAX, "%s/tls/request-key%s.pem", store_dir(sv->store), suffix);
}

static int requests(const struct service *sv)
{
    char file[SERVICE_CERT_FILE_MAX];
    int n = 0;

    for (int i = 0; i < SERVICE_REQUESTS_MAX; i++) {
        request_file(sv, i, file);
        n += !access(file, F_OK);
    }
    return n;
}

/* A certificate is here: none of them waits any more. */
static void requests_forget(const struct service *sv)
{
    char file[SERVICE_CERT_FILE_MAX];

    for (int i = 0; i < SERVICE_REQUESTS_MAX; i++) {
        request_file(sv, i, file);
        (void)unlink(file);
    }
}

/* The new one becomes the last: whoever asked twice may be sent either certificate. The oldest goes. */
static void requests_move(const struct service *sv)
{
    char from[SERVICE_CERT_FILE_MAX], to[SERVICE_CERT_FILE_MAX];

    for (int i = SERVICE_REQUESTS_MAX - 1; i >= 0; i--) {
        request_file(sv, i ? i - 1 : REQUEST_NEW, from);
        request_file(sv, i, to);
        (void)rename(from, to);
    }
}

/* For who may not be there in time: the files are looked at each second anyway. */
static void changed(struct service *sv)
{
    if (sv->certificate_changed)
        sv->certificate_changed(sv->certificate_arg);
}

/* ---------------------------------------------------------------- reading */

/* The first host of public.address that the certificate is not for; NULL: it is for all. */
static const char *unnamed(const struct service *sv, const struct cert_info *info, char host[256])
{
    char text[CONF_VALUE_MAX];
    struct public_item items[PUBLIC_ITEMS_MAX];
    const size_t n = public_items(items, conf_str(sv->conf, "public.address", text, sizeof(text)));

    for (size_t i = 0; i < n; i++) {
        if (items[i].stun || cert_names_it(info, items[i].host))
            continue;
        (void)snprintf(host, 256, "%s", items[i].host);
        return host;
    }
    return NULL;
}

static void warn(const struct service *sv, struct service_certificate *c)
{
    char host[256];

    if (c->days < 0)
        snprintf(c->warning, sizeof(c->warning), "It has ended: browsers refuse the pages.");
    else if (c->days < SERVICE_CERT_WARN_DAYS)
        snprintf(c->warning, sizeof(c->warning), "It ends in %d days; browsers refuse the pages then.",
                 c->days);
    else if (unnamed(sv, &c->view.info, host))
        snprintf(c->warning, sizeof(c->warning),
                 "It is not for %.128s, by which browsers reach this box (public.address).", host);
    else if (c->view.info.self_signed)
        snprintf(c->warning, sizeof(c->warning),
                 "It is signed by itself: browsers warn of it, give no microphone without a click, and use "
                 "no TURN over TLS.");
}

static int text_read(struct service *sv, const char *file, char **text)
{
    size_t n;
    const int err = file_read(file, CERT_PEM_MAX, text, &n);

    return err ? service_fail(sv, err, "%s: %s", file, strerror(err)) : 0;
}

static int read_into(struct service *sv, const char *file, struct service_certificate *out)
{
    char *pem, why[256];
    int err = text_read(sv, file, &pem);

    if (err)
        return err;
    err = cert_view(pem, &out->view, why, sizeof(why));
    free(pem);
    return err ? service_fail(sv, err, "%s: %s", file, why) : 0;
}

int service_certificate_get(struct service *sv, struct service_certificate *out)
{
    char cert[SERVICE_CERT_FILE_MAX], key[SERVICE_CERT_FILE_MAX];
    int err;

    memset(out, 0, sizeof(*out));
    out->elsewhere = service_certificate_files(sv, cert, key);
    err = read_into(sv, cert, out);
    if (err)
        return err;
    out->days = (int)((out->view.info.not_after_ms - clock_wall_ms()) / DAY_MS);
    if (out->view.info.not_after_ms < clock_wall_ms())
        out->days = out->days ? out->days : -1;
    out->own = !out->elsewhere && out->view.by_us;
    out->requested = requests(sv) > 0;
    warn(sv, out);
    return 0;
}

/* ---------------------------------------------------------------- writing */

static int may_change(struct service *sv, char cert[SERVICE_CERT_FILE_MAX], char key[SERVICE_CERT_FILE_MAX])
{
    char dir[SERVICE_CERT_FILE_MAX];

    if (service_certificate_files(sv, cert, key))
        return service_fail(sv, EPERM,
                            "https.cert names %.200s: put the new certificate there, which takes effect at "
                            "once, or take that "
                            "setting away",
                            cert);
    (void)snprintf(dir, sizeof(dir), "%s/tls", store_dir(sv->store));
    if (mkdir(dir, 0700) && errno != EEXIST)
        return service_fail(sv, errno, "%s: %s", dir, strerror(errno));
    return 0;
}

static bool key_fits(const char *pem, const char *file, char **key)
{
    size_t n;

    *key = NULL;
    if (file_read(file, CERT_PEM_MAX, key, &n))
        return false;
    if (cert_fits(pem, *key))
        return true;
    explicit_bzero(*key, n);
    free(*key);
    *key = NULL;
    return false;
}

/* The key that fits, of those that are here: of a request, else the present one. */
static int key_find(struct service *sv, const char *pem, const char *keyfile, char **key, bool *of_request)
{
    char request[SERVICE_CERT_FILE_MAX];

    for (int i = 0; i < SERVICE_REQUESTS_MAX; i++) {
        request_file(sv, i, request);
        *of_request = key_fits(pem, request, key);
        if (*of_request)
            return 0;
    }
    if (key_fits(pem, keyfile, key))
        return 0;
    return service_fail_at(sv, EINVAL, "key", "no key here fits this certificate: give its private key, too");
}

/* The key first: a server that starts between the two says that they do not fit, and is started again. When there is no room for the
 * certificate the old key comes back: nothing that fits the old certificate would be left. */
static int pair_write(struct service *sv, const char *cert, const char *pem, const char *keyfile,
                      const char *key)
{
    char old[SERVICE_CERT_FILE_MAX + 8];
    bool kept;
    int err;

    (void)snprintf(old, sizeof(old), "%s.old", keyfile);
    (void)unlink(old);
    kept = !link(keyfile, old);
    err = file_replace(keyfile, key, strlen(key), 0600);
    if (!err)
        err = file_replace(cert, pem, strlen(pem), 0644);
    if (kept && err)
        (void)rename(old, keyfile);
    if (kept)
        (void)unlink(old);
    return err ? service_fail(sv, err, "the certificate cannot be written: %s", strerror(err)) : 0;
}

int service_certificate_put(struct service *sv, const char *pem, const char *key)
{
    char cert[SERVICE_CERT_FILE_MAX], keyfile[SERVICE_CERT_FILE_MAX], why[256];
    bool of_request = false, of_key;
    struct cert_view view;
    char *found = NULL;
    int err = may_change(sv, cert, keyfile);

    if (!err && cert_view(pem, &view, why, sizeof(why)))
        err = service_fail_at(sv, EINVAL, "certificate", "%s", why);
    if (!err && !key)
        err = key_find(sv, pem, keyfile, &found, &of_request);
    if (!key)
        key = found ? found : "";
    if (!err && cert_accept(pem, key, &of_key, why, sizeof(why)))
        err = service_fail_at(sv, EINVAL, of_key ? "key" : "certificate", "%s", why);
    if (!err)
        err = pair_write(sv, cert, pem, keyfile, key);
    if (found)
        explicit_bzero(found, strlen(found));
    free(found);
    if (err)
        return err;
    if (of_request)
        requests_forget(sv);
    changed(sv);
    service_noted(sv, "certificate set: %s", view.info.subject);
    return 0;
}

/* Every name a browser may type for this box. */
static int names_collect(const struct service *sv, struct buf *b)
{
    struct addr v[ADDRS_MAX];
    struct public_item items[PUBLIC_ITEMS_MAX];
    char text[CONF_VALUE_MAX], host[256] = "", ip[ADDR_STRLEN];
    size_t n;

    (void)buf_puts(b, "localhost,127.0.0.1,::1");
    n = public_items(items, conf_str(sv->conf, "public.address", text, sizeof(text)));
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

static int own_make(struct service *sv, const char *cert, const char *key)
{
    struct buf names;
    int err;

    buf_init(&names, NAMES_MAX);
    err = names_collect(sv, &names);
    if (!err)
        err = cert_make(cert, key, names.data);
    if (err)
        err = service_fail(sv, err, "%s: cannot make a certificate: %s", cert, strerror(err));
    else
        log_info("tls", "file=%s names=%s self-signed certificate made", cert, names.data);
    buf_reset(&names);
    return err;
}

int service_certificate_own(struct service *sv)
{
    char cert[SERVICE_CERT_FILE_MAX], key[SERVICE_CERT_FILE_MAX];
    int err = may_change(sv, cert, key);

    if (!err)
        err = own_make(sv, cert, key);
    if (err)
        return err;
    changed(sv);
    service_noted(sv, "certificate of its own made");
    return 0;
}

int service_certificate_tidy(struct service *sv, bool *made)
{
    char cert[SERVICE_CERT_FILE_MAX], key[SERVICE_CERT_FILE_MAX], host[256];
    struct service_certificate c = {.days = 0};
    int err;

    *made = false;
    if (service_certificate_files(sv, cert, key))
        return 0;
    err = read_into(sv, cert, &c);
    if (err || !c.view.by_us)
        return err;
    if ((c.view.info.not_after_ms - clock_wall_ms()) / DAY_MS >= SERVICE_CERT_WARN_DAYS &&
        !unnamed(sv, &c.view.info, host))
        return 0;
    err = own_make(sv, cert, key);
    *made = !err;
    if (!err)
        changed(sv);
    return err;
}

int service_certificate_request(struct service *sv, const char *names, const char *organization,
                                char csr[SERVICE_CSR_MAX])
{
    char cert[SERVICE_CERT_FILE_MAX], key[SERVICE_CERT_FILE_MAX], request[SERVICE_CERT_FILE_MAX];
    int err = may_change(sv, cert, key);

    if (err)
        return err;
    request_file(sv, REQUEST_NEW, request);
    err = cert_request(request, names, organization, csr, SERVICE_CSR_MAX);
    if (err == EINVAL)
        return service_fail_at(sv, err, "names",
                               "host names and IP addresses, the first of at most 64 characters; an "
                               "organization without , + \" \\ < > ; = #");
    if (err)
        return service_fail(sv, err, "the request cannot be made: %s", strerror(err));
    requests_move(sv);
    service_noted(sv, "certificate requested for %.128s", names);
    return 0;
}

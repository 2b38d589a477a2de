#include "admin/certificate.h"
#include "admin/api.h"
#include "core/json.h"
#include "service/certificate.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { BODY_MAX = 3 * CERT_PEM_MAX, NAMES_MAX = 32, NAMES_TEXT_MAX = 4096 };

/* "DNS:a,IP:192.0.2.1" */
static void names_put(struct buf *out, const char *names)
{
    char name[300];

    api_put_name(out, "names");
    buf_puts(out, "[");
    for (const char *p = names; *p;) {
        const size_t n = strcspn(p, ","), skip = strcspn(p, ":") + 1;

        snprintf(name, sizeof(name), "%.*s", (int)(n > skip ? n - skip : 0), p + (n > skip ? skip : n));
        buf_puts(out, p == names ? "" : ",");
        buf_json_str(out, name);
        p += n + (p[n] == ',');
    }
    buf_puts(out, "]");
}

static void fingerprint_put(struct buf *out, const uint8_t sum[32])
{
    char text[32 * 3 + 1];

    for (size_t i = 0; i < 32; i++)
        snprintf(text + 3 * i, 4, "%02X%s", sum[i], i < 31 ? ":" : "");
    api_put_str(out, "fingerprint", text);
}

static int get_h(struct api_call *c)
{
    struct service_certificate cert;
    const int err = service_certificate_get(c->sv, &cert);

    if (err)
        return err;
    buf_puts(c->out, "{");
    api_put_str(c->out, "subject", cert.view.info.subject);
    names_put(c->out, cert.view.info.names);
    api_put_str(c->out, "issuer", cert.view.issuer);
    api_put_int(c->out, "not_before_ms", cert.view.info.not_before_ms);
    api_put_int(c->out, "not_after_ms", cert.view.info.not_after_ms);
    api_put_int(c->out, "days", cert.days);
    api_put_bool(c->out, "own", cert.own);
    api_put_bool(c->out, "locked", cert.elsewhere);
    api_put_bool(c->out, "requested", cert.requested);
    api_put_str(c->out, "warning", cert.warning);
    fingerprint_put(c->out, cert.view.info.sha256);
    api_put_name(c->out, "chain");
    buf_puts(c->out, "[");
    for (size_t i = 0; i < cert.view.chain_count; i++) {
        buf_puts(c->out, i ? "," : "");
        buf_json_str(c->out, cert.view.chain[i]);
    }
    buf_puts(c->out, "]}");
    return 0;
}

static int put_h(struct api_call *c)
{
    const char *key = json_get_str(c->body, "key");
    const int err =
        service_certificate_put(c->sv, json_get_str(c->body, "certificate"), key && *key ? key : NULL);

    return err ? err : get_h(c);
}

static int own_h(struct api_call *c)
{
    const int err = service_certificate_own(c->sv);

    return err ? err : get_h(c);
}

static int csr_h(struct api_call *c)
{
    const struct json_val *list = json_get(c->body, "names");
    const char *organization = json_get_str(c->body, "organization");
    char names[NAMES_TEXT_MAX] = "", csr[SERVICE_CSR_MAX];
    size_t used = 0;
    int err;

    for (size_t i = 0; i < json_arr_size(list) && used < sizeof(names); i++) {
        if (strpbrk(json_str(json_arr_at(list, i)), ", "))
            return service_fail_at(c->sv, EINVAL, "names", "each is one host name or IP address");
        used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s", i ? "," : "",
                                 json_str(json_arr_at(list, i)));
    }
    if (used >= sizeof(names))
        return service_fail_at(c->sv, EINVAL, "names", "these are too many names");
    err = service_certificate_request(c->sv, names, organization ? organization : "", csr);
    if (err)
        return err;
    buf_puts(c->out, "{");
    api_put_str(c->out, "csr", csr);
    buf_puts(c->out, "}");
    return 0;
}

static const struct api_value answer[] = {
    {.name = "subject", .type = API_TEXT, .needed = true},
    {.name = "names", .type = API_LIST, .needed = true, .help = "Host names and addresses that it is for."},
    {.name = "issuer", .type = API_TEXT, .needed = true},
    {.name = "not_before_ms", .type = API_TIME, .needed = true},
    {.name = "not_after_ms", .type = API_TIME, .needed = true},
    {.name = "days", .type = API_INT, .needed = true, .help = "Left; negative: it has ended."},
    {.name = "own", .type = API_BOOL, .needed = true, .help = "Made by this box, and made anew in time."},
    {.name = "locked",
     .type = API_BOOL,
     .needed = true,
     .help = "https.cert names its file: it cannot be changed here."},
    {.name = "requested",
     .type = API_BOOL,
     .needed = true,
     .help = "A request was made whose certificate has not come yet."},
    {.name = "warning", .type = API_TEXT, .needed = true, .help = "What browsers will not like about it."},
    {.name = "fingerprint", .type = API_TEXT, .needed = true, .help = "SHA-256."},
    {.name = "chain", .type = API_LIST, .needed = true, .help = "Subjects of the certificates behind it."},
};
static const struct api_value put_body[] = {
    {.name = "certificate",
     .type = API_TEXT,
     .needed = true,
     .min = 1,
     .max = CERT_PEM_MAX - 1,
     .help = "PEM: the server's, then the one that signed it, and so on."},
    {.name = "key",
     .type = API_TEXT,
     .max = CERT_PEM_MAX - 1,
     .help = "PEM. Not needed when it was asked for here. Never shown again."},
};
static const struct api_value csr_body[] = {
    {.name = "names", .type = API_LIST, .needed = true, .min = 1, .max = NAMES_MAX},
    {.name = "organization", .type = API_TEXT, .max = 64},
};
static const struct api_value csr_answer[] = {
    {.name = "csr", .type = API_TEXT, .needed = true, .help = "PEM."}};

static const struct api_route routes[] = {
    {.method = "GET",
     .path = "/certificate",
     .access = API_READONLY,
     .summary = "The certificate that the pages show.",
     .h = get_h,
     API_ANSWER(answer)},
    {.method = "PUT",
     .path = "/certificate",
     .access = API_ADMIN,
     .summary = "Puts another certificate in its place; takes effect at once for new connections.",
     .h = put_h,
     .body_max = BODY_MAX,
     API_BODY(put_body),
     API_ANSWER(answer)},
    {.method = "DELETE",
     .path = "/certificate",
     .access = API_ADMIN,
     .summary = "Back to one that the box makes itself, for all names that it has.",
     .h = own_h,
     API_ANSWER(answer)},
    {.method = "POST",
     .path = "/certificate/csr",
     .access = API_ADMIN,
     .summary = "Makes a key, which stays here, and a request for a certificate of it.",
     .h = csr_h,
     API_BODY(csr_body),
     API_ANSWER(csr_answer)},
};

int admin_certificate_routes(void)
{
    return api_routes(routes, sizeof(routes) / sizeof(routes[0]), NULL);
}

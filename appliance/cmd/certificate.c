/* dngate certificate: what the pages show, what is asked for, what is handed in. */
#include "service/certificate.h"
#include "cmd/verb.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int show(struct cmd *c)
{
    struct service_certificate cert;
    char from[32], to[32], sum[65];

    if (service_certificate_get(&c->sv, &cert))
        return cmd_refuse(c, "%s", c->sv.why);
    cmd_time(from, sizeof(from), cert.view.info.not_before_ms);
    cmd_time(to, sizeof(to), cert.view.info.not_after_ms);
    for (size_t i = 0; i < 32; i++)
        snprintf(sum + 2 * i, 3, "%02x", cert.view.info.sha256[i]);
    if (!c->json) {
        buf_printf(c->out,
                   "subject      %s\nnames        %s\nissuer       %s\nfrom         %s\nto           %s (%d "
                   "days)\nSHA-256      %s\nmade         %s\n",
                   cert.view.info.subject, cert.view.info.names, cert.view.issuer, from, to, cert.days, sum,
                   cert.elsewhere ? "elsewhere, named by https.cert"
                   : cert.own     ? "by dngate"
                                  : "elsewhere");
        for (size_t i = 0; i < cert.view.chain_count; i++)
            buf_printf(c->out, "signed by    %s\n", cert.view.chain[i]);
        if (cert.warning[0])
            buf_printf(c->out, "WARNING      %s\n", cert.warning);
        return CMD_OK;
    }
    buf_puts(c->out, "{");
    cmd_json_member(c->out, "subject", cert.view.info.subject, true);
    cmd_json_member(c->out, "names", cert.view.info.names, true);
    cmd_json_member(c->out, "issuer", cert.view.issuer, true);
    cmd_json_member(c->out, "from", from, true);
    cmd_json_member(c->out, "to", to, true);
    buf_printf(c->out, "\"days\":%d,\"own\":%s,\"locked\":%s,\"requested\":%s,", cert.days,
               cmd_json_bool(cert.own), cmd_json_bool(cert.elsewhere), cmd_json_bool(cert.requested));
    cmd_json_member(c->out, "fingerprint", sum, true);
    cmd_json_member(c->out, "warning", cert.warning, true);
    buf_puts(c->out, "\"chain\":[");
    for (size_t i = 0; i < cert.view.chain_count; i++) {
        buf_puts(c->out, i ? "," : "");
        buf_json_str(c->out, cert.view.chain[i]);
    }
    buf_puts(c->out, "]}\n");
    return CMD_OK;
}

static int cmd_certificate_show(struct cmd *c, const struct args *a)
{
    (void)a;
    return show(c);
}

static int cmd_certificate_csr(struct cmd *c, const struct args *a)
{
    const char *organization = args_get(a, "organization");
    char csr[SERVICE_CSR_MAX];

    if (service_certificate_request(&c->sv, a->word[0], organization ? organization : "", csr))
        return cmd_refuse(c, "%s", c->sv.why);
    if (!c->json) {
        buf_puts(c->out, csr);
        return CMD_OK;
    }
    buf_puts(c->out, "{");
    cmd_json_member(c->out, "csr", csr, false);
    buf_puts(c->out, "}\n");
    return CMD_OK;
}

/* From one PEM text with both: the key may stand anywhere in it. */
static int cmd_certificate_set(struct cmd *c, const struct args *a)
{
    const char *text = c->input ? c->input : "", *begin = NULL, *end = NULL;
    char *pem, *key = NULL;
    int status;

    (void)a;
    for (const char *p = strstr(text, "-----BEGIN "); p && !begin; p = strstr(p + 1, "-----BEGIN "))
        if (strstr(p, "PRIVATE KEY-----") && strstr(p, "PRIVATE KEY-----") < p + 40)
            begin = p;
    if (begin && (end = strstr(begin, "-----END ")) && (end = strstr(end, "KEY-----"))) {
        end += strlen("KEY-----");
        key = strndup(begin, (size_t)(end - begin));
    }
    pem = calloc(1, strlen(text) + 1);
    if (!pem || (end && !key)) {
        free(pem);
        free(key);
        return cmd_refuse(c, "no memory");
    }
    memcpy(pem, text, key ? (size_t)(begin - text) : strlen(text));
    if (key)
        memcpy(pem + (begin - text), end, strlen(end));
    status = service_certificate_put(&c->sv, pem, key) ? cmd_refuse(c, "%s", c->sv.why) : show(c);
    if (key)
        explicit_bzero(key, strlen(key));
    free(key);
    free(pem);
    return status;
}

static int cmd_certificate_reset(struct cmd *c, const struct args *a)
{
    (void)a;
    return service_certificate_own(&c->sv) ? cmd_refuse(c, "%s", c->sv.why) : show(c);
}

static const struct verb_option csr_options[] = {
    {"organization", "TEXT", "who it is for; many who sign put their own there", false},
};

static const struct verb verbs[] = {
    {.name = "show",
     .words = "",
     .help = "Shows the certificate that browsers see, and what they will not like about it.",
     .example = "dngate certificate show",
     .run = cmd_certificate_show},
    {.name = "csr",
     .words = "NAME[,NAME...]",
     .words_min = 1,
     .words_max = 1,
     .help = "Makes a key, which stays here, and prints the request for a certificate (PKCS #10) to send to "
             "who signs it. The present\n"
             "certificate stays until the new one is set.",
     VERB_OPTIONS(csr_options),
     .example = "dngate certificate csr calls.example.com,10.0.0.5 >request.pem",
     .run = cmd_certificate_csr},
    {.name = "set",
     .words = "FILE.pem",
     .words_min = 1,
     .words_max = 1,
     .help = "Puts another certificate in place of the present one, for connections that begin from now on. "
             "FILE (- = standard input)\n"
             "holds it, then the one that signed it, and so on; and the private key, unless csr made that.",
     .example = "dngate certificate set all.pem\ncat cert.pem chain.pem key.pem | dngate certificate set -",
     .input = VERB_FILE,
     .run = cmd_certificate_set},
    {.name = "reset",
     .words = "",
     .help = "Makes one of its own again, signed by itself, for all names and addresses of this machine.",
     .example = "dngate certificate reset",
     .run = cmd_certificate_reset},
};

const struct noun noun_certificate = {
    .name = "certificate", .help = "the certificate that browsers see", NOUN_VERBS(verbs)};

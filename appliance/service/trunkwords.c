#include "service/trunkwords.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

__attribute__((format(printf, 2, 3))) static void detail_add(struct trunktest_step *s, const char *fmt, ...)
{
    const size_t len = strlen(s->detail);
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(s->detail + len, sizeof(s->detail) - len, fmt, ap);
    va_end(ap);
}

__attribute__((format(printf, 2, 3))) static void advise(struct trunktest_step *s, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(s->advice, sizeof(s->advice), fmt, ap);
    va_end(ap);
}

/* ---------------------------------------------------------------- name, way */

void trunkwords_dns(struct trunktest_step *s, const struct trunkreach *r)
{
    char ip[ADDR_STRLEN];

    s->ms = r->dns_ms;
    s->result = r->dns_err ? TRUNKTEST_FAILED : TRUNKTEST_OK;
    if (r->literal) {
        detail_add(s, "%s is an address: there is no name to look up.", r->host);
    } else if (r->dns_err) {
        detail_add(s, "%s cannot be resolved.", r->host);
        advise(s, "Correct the name, or the DNS servers of this machine.");
    } else {
        detail_add(s, "%s is ", r->host);
        for (size_t i = 0; i < r->count; i++)
            detail_add(s, "%s%s", i ? ", " : "", addr_ip(&r->v[i], ip, sizeof(ip)));
        detail_add(s, ".");
    }
}

static void unreached(struct trunktest_step *s, const char *at, int err, bool tcp)
{
    if (err == ECONNREFUSED)
        detail_add(s, "Nothing listens at %s. ", at);
    else if (err == ETIMEDOUT)
        detail_add(s, "%s does not answer. ", at);
    else if (err == ENETUNREACH || err == EHOSTUNREACH)
        detail_add(s, "No route leads to %s. ", at);
    else
        detail_add(s, "%s: %s. ", at, strerror(err));
    if (s->advice[0])
        return;
    if (err == ECONNREFUSED)
        advise(s, "Is SIP Server started, and are address, port and transport those of its sip-port?");
    else if (err == ETIMEDOUT)
        advise(s, "Open %s from this machine to it, and see whether it is up.", tcp ? "TCP" : "UDP");
    else
        advise(s, "Look at this machine's routes, and at its firewall.");
}

void trunkwords_reach(struct trunktest_step *s, const struct trunkreach *r)
{
    char at[ADDR_STRLEN];
    size_t good = 0;

    s->ms = r->reach_ms;
    for (size_t i = 0; i < r->count; i++) {
        addr_str(&r->v[i], at, sizeof(at));
        if (r->err[i])
            unreached(s, at, r->err[i], r->tcp);
        else if (r->tcp)
            detail_add(s, "%s takes connections. ", at);
        else
            detail_add(s, "A way leads to %s; more cannot be told of UDP. ", at);
        good += !r->err[i];
    }
    s->result = good ? TRUNKTEST_OK : TRUNKTEST_FAILED;
    if (s->detail[0])
        s->detail[strlen(s->detail) - 1] = '\0';
}

/* ---------------------------------------------------------------- certificate */

static void uncertain(struct trunktest_step *s, const struct trunkreach *r, int err, const char *why)
{
    if (s->advice[0])
        return;
    if (err == EINVAL)
        advise(s, "Correct tls_ca or tls_cert of the trunk.");
    else if (err != EKEYREJECTED)
        advise(s,
               "Is this the port of sip-tls, and does SIP Server take our certificate and TLS 1.2 or 1.3?");
    else if (strstr(why, "signed by nobody"))
        advise(s, "Give the trunk, as tls_ca, the certificate of the CA that signed SIP Server's.");
    else if (strstr(why, "certificate is for"))
        advise(s,
               "If that is the SIP Server meant, set tls_name of the trunk to the name in its certificate, "
               "which is not %s.",
               r->name);
    else if (strstr(why, "ended on"))
        advise(s, "SIP Server needs a new certificate. If it has one, look at the clocks of both.");
    else
        advise(s, "SIP Server needs another certificate; see Genesys side in docs/operations.md.");
}

void trunkwords_certificate(struct trunktest_step *s, const struct trunkreach *r)
{
    char at[ADDR_STRLEN];
    size_t good = 0;

    s->ms = r->tls_ms;
    for (size_t i = 0; i < r->count; i++) {
        if (r->err[i])
            continue;
        detail_add(s, "%s: %s. ", addr_str(&r->v[i], at, sizeof(at)), r->tls_text[i]);
        good += !r->tls_err[i];
        if (r->tls_err[i])
            uncertain(s, r, r->tls_err[i], r->tls_text[i]);
    }
    s->result = good ? TRUNKTEST_OK : TRUNKTEST_FAILED;
    if (s->detail[0])
        s->detail[strlen(s->detail) - 1] = '\0';
}

/* ---------------------------------------------------------------- OPTIONS */

static const char *called(char *buf, size_t sz, const struct trunkprobe_found *f)
{
    snprintf(buf, sz, f->server[0] ? " (%s)" : "%s", f->server);
    return buf;
}

void trunkwords_options(struct trunktest_step *s, const struct trunk *t, const struct addr *v,
                        const struct trunkprobe_found *found, size_t n)
{
    char at[ADDR_STRLEN], self[ADDR_STRLEN], who[80];
    size_t good = 0;

    for (size_t i = 0; i < n; i++) {
        const struct trunkprobe_found *f = &found[i];

        addr_str(&v[i], at, sizeof(at));
        if (f->err == ETIMEDOUT) {
            detail_add(s, "%s says nothing to OPTIONS. ", at);
            if (!s->advice[0])
                advise(s,
                       "Look for a firewall between, and on SIP Server for a Trunk DN whose contact is %s. "
                       "If it takes calls all the "
                       "same, turn the ping off (ping_seconds 0).",
                       addr_str(&f->from, self, sizeof(self)));
        } else if (f->err) {
            detail_add(s, "%s cannot be asked: %s. ", at, strerror(f->err));
        } else if (f->code == 503 || f->code == 408) {
            detail_add(s, "%s answers OPTIONS with %u %s%s: it takes no calls now. ", at, f->code, f->phrase,
                       called(who, sizeof(who), f));
            advise(s, "SIP Server is starting, shutting down, or the standby of a pair: ask who runs it.");
        } else {
            detail_add(s, "%s answers OPTIONS with %u after %.1f ms%s. ", at, f->code, f->us / 1000.0,
                       called(who, sizeof(who), f));
            s->ms = good && s->ms < f->us / 1000 ? s->ms : f->us / 1000;
            good++;
        }
    }
    (void)t;
    s->result = good ? TRUNKTEST_OK : TRUNKTEST_FAILED;
    if (s->detail[0])
        s->detail[strlen(s->detail) - 1] = '\0';
}

/* ---------------------------------------------------------------- INVITE */

/* What a SIP server says of a number that it does not have, and to whom it may say it. */
static bool expected(unsigned code)
{
    static const unsigned codes[] = {404, 410, 480, 484, 485, 486, 487, 600, 603, 604};

    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
        if (code == codes[i])
            return true;
    return false;
}

static void silent(struct trunktest_step *s, const char *at, const struct trunkprobe_found *f)
{
    char self[ADDR_STRLEN];

    if (f->err != ETIMEDOUT) {
        detail_add(s, "The call could not be sent to %s: %s.", at, strerror(f->err));
        return;
    }
    if (f->progress)
        detail_add(s, "%s took the call (%u), but said nothing more in %d s.", at, f->progress,
                   PROBE_INVITE_MS / 1000);
    else
        detail_add(s, "%s says nothing to a call.", at);
    advise(s, "SIP Server drops calls of whom it does not know: it needs a Trunk DN whose contact is %s.",
           addr_str(&f->from, self, sizeof(self)));
}

static void refused(struct trunktest_step *s, const struct trunk *t, const char *at,
                    const struct trunkprobe_found *f)
{
    char self[ADDR_STRLEN];

    detail_add(s, "%s refuses the call with %u %s", at, f->code, f->phrase);
    if ((f->code == 401 || f->code == 407) && !t->username[0]) {
        detail_add(s, ": it asks for a user name and a password.");
        advise(s, "Give the trunk those that SIP Server expects (password of its DN, option "
                  "authenticate-requests).");
    } else if (f->code == 401 || f->code == 407) {
        detail_add(s, ": it does not take this user name and password.");
        advise(s, "Correct the user name and the password of the trunk.");
    } else if (f->code == 403) {
        detail_add(s, ": it does not know this trunk.");
        advise(s, "Make a Trunk DN on SIP Server whose contact is %s, and see that it is enabled.",
               addr_str(&f->from, self, sizeof(self)));
    } else if (f->code == 488 || f->code == 415 || f->code == 606) {
        detail_add(s, ": it knows us, but not these codecs.");
        advise(s, "Allow G.711 (PCMU or PCMA) on its side.");
    } else if (f->code >= 300 && f->code < 400) {
        detail_add(s, ": it sends calls elsewhere.");
        advise(s, "This is no SIP Server that takes calls, or one that is shutting down: use the address "
                  "that it names.");
    } else if (f->code == 503) {
        detail_add(s, ": it takes no calls now.");
        advise(s, "SIP Server is starting, shutting down, or the standby of a pair: ask who runs it.");
    } else {
        detail_add(s, ".");
        advise(s, "Look into SIP Server's log for this call to " PROBE_NUMBER ".");
    }
}

void trunkwords_invite(struct trunktest_step *s, const struct trunk *t, const struct addr *a,
                       const struct trunkprobe_found *f)
{
    char at[ADDR_STRLEN];

    addr_str(a, at, sizeof(at));
    s->ms = f->us / 1000;
    s->result = TRUNKTEST_OK;
    if (f->err) {
        s->result = TRUNKTEST_FAILED;
        silent(s, at, f);
    } else if (!f->code) {
        detail_add(s, "%s takes the call and rings (%u), though nobody has this number; it was cancelled.",
                   at, f->progress);
    } else if (f->code < 300) {
        detail_add(s, "%s answered the call, though nobody has this number; it was hung up.", at);
    } else if (expected(f->code)) {
        detail_add(s, "%s says %u %s to a number that nobody has, as expected: it knows us and takes calls.",
                   at, f->code, f->phrase);
    } else {
        s->result = TRUNKTEST_FAILED;
        refused(s, t, at, f);
    }
}

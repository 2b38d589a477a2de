#include "sip/trunktls.h"

#include "core/file.h"
#include "core/log.h"
#include "crypto/tls.h"
#include "crypto/tlspeer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PEM_MAX = 256 * 1024 };

struct trunktls_pair {      /* a certificate and its key, for both roles */
    const char *cert, *key; /* paths, the trunk's or the stack's; "" = none */
    struct file_stamp seen[2];
    struct tls_server *in, *out;
};

struct trunktls {
    struct trunktls_pair pair; /* of tls_cert */
    struct tls_trust *trust;
    struct file_stamp seen; /* of tls_ca, when it is a path */
};

static bool is_pem(const char *ca)
{
    return strstr(ca, "-----BEGIN") != NULL;
}

/* Whose certificate it must show. */
static const char *name_of(const struct trunk_config *cfg)
{
    return cfg->tls_name[0] ? cfg->tls_name : cfg->host;
}

/* ------------------------------------------------------------------ files */

static void pair_free(struct trunktls_pair *p)
{
    tls_server_unref(p->in);
    tls_server_unref(p->out);
    p->in = p->out = NULL;
}

static int pair_make(struct trunktls_pair *p, const char *cert, const char *key)
{
    struct tls_server *in = NULL, *out = NULL;
    int err = cert ? tls_mutual_alloc(&in, false, cert, key) : 0;

    if (!err)
        err = tls_mutual_alloc(&out, true, cert, key);
    if (err) {
        tls_server_unref(in);
        return err;
    }
    pair_free(p);
    p->in = in;
    p->out = out;
    return 0;
}

static int pair_read(struct trunktls_pair *p)
{
    char *cert = NULL, *key = NULL;
    size_t n, key_len = 0;
    int err = file_read(p->cert, PEM_MAX, &cert, &n);

    if (!err)
        err = file_read(p->key, PEM_MAX, &key, &key_len);
    if (!err)
        err = pair_make(p, cert, key);
    if (key)
        explicit_bzero(key, key_len);
    if (cert)
        explicit_bzero(cert, n);
    free(key);
    free(cert);
    return err;
}

/* Reads it when it is new, or has changed. */
static int pair_look(struct trunktls_pair *p, char *why, size_t whysz)
{
    struct file_stamp now[2];
    int err;

    if (!p->cert[0])
        return p->out ? 0 : pair_make(p, NULL, NULL);
    if (!(file_changed(&now[0], p->cert, &p->seen[0]) | file_changed(&now[1], p->key, &p->seen[1])) && p->out)
        return 0;
    err = pair_read(p);
    if (!err) {
        if (p->seen[0].size)
            log_info("trunk", "file=%s new certificate towards trunks in use", p->cert);
        memcpy(p->seen, now, sizeof(now));
        return 0;
    }
    (void)snprintf(why, whysz, "our certificate %s: %s", p->cert,
                   err == EBADMSG ? "no certificate and key that belong together" : strerror(err));
    if (!p->out)
        return err;
    log_warn_limited("trunk", "error=\"%s\" the old one stays in use", why);
    return 0;
}

/* ------------------------------------------------------------------ a trunk's terms */

static struct trunktls *terms(struct peer *pr)
{
    if (!pr->tls) {
        pr->tls = calloc(1, sizeof(*pr->tls));
        if (pr->tls)
            pr->tls->pair.cert = pr->tls->pair.key = pr->p.cfg.tls_cert;
    }
    return pr->tls;
}

static struct trunktls_pair *own_pair(struct trunks *t)
{
    if (!t->own) {
        t->own = calloc(1, sizeof(*t->own));
        if (t->own) {
            t->own->cert = t->st->cfg.tls_cert;
            t->own->key = t->st->cfg.tls_key;
        }
    }
    return t->own;
}

static int pair_of(struct trunktls_pair **pp, struct trunks *t, struct peer *pr, char *why, size_t whysz)
{
    struct trunktls *tls = pr && pr->p.cfg.tls_cert[0] ? terms(pr) : NULL;

    *pp = tls ? &tls->pair : own_pair(t);
    if (!*pp) {
        (void)snprintf(why, whysz, "%s", strerror(ENOMEM));
        return ENOMEM;
    }
    return pair_look(*pp, why, whysz);
}

static int system_trust(struct trunks *t, const struct tls_trust **trust, char *why, size_t whysz)
{
    int err = t->system ? 0 : tls_trust_file(&t->system, NULL, why, whysz);

    *trust = t->system;
    return err;
}

/* The CAs of a trunk that has its own. */
static int own_trust(struct peer *pr, struct trunktls *tls, char *why, size_t whysz)
{
    const char *ca = pr->p.cfg.tls_ca;
    const bool pem = is_pem(ca);
    struct tls_trust *fresh = NULL;
    struct file_stamp now;
    int err;

    if (pem && tls->trust)
        return 0;
    if (!pem && !file_changed(&now, ca, &tls->seen) && tls->trust)
        return 0;
    err = pem ? tls_trust_alloc(&fresh, ca, why, whysz) : tls_trust_file(&fresh, ca, why, whysz);
    if (err && tls->trust) {
        log_warn_limited("trunk", "trunk=%s error=\"%s\" its CAs stay as they were", pr->p.cfg.name, why);
        return 0;
    }
    if (err)
        return err;
    if (!pem)
        tls->seen = now;
    tls_trust_free(tls->trust);
    tls->trust = fresh;
    return 0;
}

static int check(struct peer *pr, const struct tls *session, char *why, size_t whysz)
{
    struct trunktls *tls = terms(pr);
    const struct tls_trust *trust = NULL;
    int err = tls ? 0 : ENOMEM;

    if (!err && pr->p.cfg.tls_ca[0])
        err = own_trust(pr, tls, why, whysz);
    else if (!err)
        err = system_trust(pr->trunks, &trust, why, whysz);
    if (!err)
        err = tls_peer_check(session, trust ? trust : tls->trust, name_of(&pr->p.cfg), why, whysz);
    return err;
}

void trunktls_forget(struct peer *pr)
{
    if (!pr->tls)
        return;
    pair_free(&pr->tls->pair);
    tls_trust_free(pr->tls->trust);
    free(pr->tls);
    pr->tls = NULL;
}

/* ------------------------------------------------------------------ whose address it is */

enum nearness { FAR, SAME_IP, SAME_ADDRESS };

static enum nearness nearness(const struct peer *pr, const struct addr *a)
{
    enum nearness n = FAR;

    for (size_t i = 0; pr->p.cfg.transport == TRANSPORT_TLS && i < pr->target_count; i++) {
        if (addr_eq(&pr->targets[i]->addr, a))
            return SAME_ADDRESS;
        if (addr_eq_ip(&pr->targets[i]->addr, a))
            n = SAME_IP;
    }
    return n;
}

static bool by_certificate(const struct peer *pr)
{
    return pr->p.cfg.transport == TRANSPORT_TLS && pr->p.cfg.tls_ca[0];
}

/* The nearest of all trunks; FAR: the address is none's. */
static enum nearness nearest(const struct trunks *t, const struct addr *a, struct peer **best)
{
    enum nearness most = FAR;

    *best = NULL;
    for (size_t i = 0; i < t->n; i++) {
        const enum nearness n = nearness(t->peers[i], a);

        if (n <= most)
            continue;
        most = n;
        *best = t->peers[i];
    }
    return most;
}

/* ------------------------------------------------------------------ what TLS asks */

static bool strangers_h(void *arg)
{
    const struct trunks *t = arg;

    for (size_t i = 0; i < t->n; i++)
        if (by_certificate(t->peers[i]))
            return true;
    return false;
}

static bool name_is_asked_for(const char *name)
{
    struct addr a;

    return name[0] != '*' && addr_parse_ip(&a, name, 0);
}

static int open_h(const struct addr *peer, bool out, struct tls_server **s, char name[TRANSP_TLS_NAME_MAX],
                  char *why, size_t whysz, void *arg)
{
    struct trunks *t = arg;
    struct trunktls_pair *pair;
    struct peer *pr;
    int err;

    if (nearest(t, peer, &pr) == FAR && out && !strangers_h(t)) {
        (void)snprintf(why, whysz, "its address is no trunk's that speaks TLS");
        return EACCES;
    }
    err = pair_of(&pair, t, pr, why, whysz);
    if (err)
        return err;
    *s = out ? pair->out : pair->in;
    if (!*s) {
        (void)snprintf(why, whysz, "there is no certificate to show it");
        return EACCES;
    }
    if (out && pr && name_is_asked_for(name_of(&pr->p.cfg)))
        (void)snprintf(name, TRANSP_TLS_NAME_MAX, "%s", name_of(&pr->p.cfg));
    else if (out && pr && name_is_asked_for(pr->p.cfg.host))
        (void)snprintf(name, TRANSP_TLS_NAME_MAX, "%s", pr->p.cfg.host);
    return 0;
}

static int judge_h(const struct addr *peer, bool out, const struct tls *session, uint32_t *trunk, char *why,
                   size_t whysz, void *arg)
{
    struct trunks *t = arg;
    char reason[TLS_PEER_WHY_MAX];
    struct peer *first;
    const enum nearness near = nearest(t, peer, &first);
    bool said = false;
    int err = EKEYREJECTED;

    if (!out && (near != FAR || admit_h(peer, t->st)) && (!tls_peer_shown(session) || near == FAR))
        return 0; /* known by its address; it asks us only for what it may ask by TCP, too */
    (void)snprintf(why, whysz, "its address is no trunk's that speaks TLS");
    for (size_t i = 0; i < t->n; i++) {
        struct peer *pr = t->peers[i];

        if (near == FAR ? !by_certificate(pr) : nearness(pr, peer) < near)
            continue;
        err = check(pr, session, reason, sizeof(reason));
        if (!err) {
            *trunk = pr->p.id;
            return 0;
        }
        if (!said)
            (void)snprintf(why, whysz, "%s", reason);
        said = true;
    }
    return err;
}

static void failed_h(const struct addr *peer, bool out, const char *why, void *arg)
{
    const struct trunks *t = arg;

    for (size_t i = 0; out && i < t->n; i++) {
        struct peer *pr = t->peers[i];

        for (size_t k = 0; pr->p.cfg.transport == TRANSPORT_TLS && k < pr->target_count; k++) {
            struct target *tg = pr->targets[k];

            if (!addr_eq(&tg->addr, peer))
                continue;
            (void)snprintf(tg->tls_why, sizeof(tg->tls_why), "%s", why);
            if (tg->tls_fails < TRUNK_BACKOFF_MAX)
                tg->tls_fails++;
        }
    }
}

/* SIP Server sends its calls by our connection: it is made anew soon, not only when the next OPTIONS are due. */
static void lost_h(const struct addr *peer, void *arg)
{
    const struct trunks *t = arg;

    for (size_t i = 0; i < t->n; i++)
        if (nearness(t->peers[i], peer) == SAME_ADDRESS)
            trunkstate_ping_soon(t->peers[i]);
}

void trunktls_start(struct trunks *t)
{
    const struct transp_tls tls = {strangers_h, open_h, judge_h, failed_h, lost_h, t};

    sip_stack_tls(t->st, &tls);
}

void trunktls_stop(struct trunks *t)
{
    sip_stack_tls(t->st, NULL);
    if (t->own)
        pair_free(t->own);
    free(t->own);
    tls_trust_free(t->system);
}

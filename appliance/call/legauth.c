/* call/leg: credentials for a peer that challenges: digest of RFC 7616 and 8760, MD5 and SHA-256. (libre's client knows MD5 only, and
 * gives up on a challenge that offers both.) */
#include "call/legpriv.h"
#include "core/rnd.h"
#include "crypto/hash.h"
#include <errno.h>
#include <string.h>

enum { AUTH_PARTS_MAX = 6, CNONCE_LEN = 17, NC_LEN = 9 };

struct leg_auth {
    char *user, *password;
    bool ready; /* the rest is of a challenge */
    bool proxy, sha256, qop;
    char *realm, *nonce, *opaque;
    uint32_t nc;
};

static void forget(struct leg_auth *a)
{
    a->ready = false;
    a->realm = mem_deref(a->realm);
    a->nonce = mem_deref(a->nonce);
    a->opaque = mem_deref(a->opaque);
    a->nc = 0;
}

static void auth_destructor(void *arg)
{
    struct leg_auth *a = arg;

    forget(a);
    if (a->password)
        explicit_bzero(a->password, strlen(a->password));
    mem_deref(a->password);
    mem_deref(a->user);
}

int leg_auth_alloc(struct leg_auth **ap, const char *user, const char *password)
{
    struct leg_auth *a = mem_zalloc(sizeof(*a), auth_destructor);
    int err;

    if (!a)
        return ENOMEM;
    err = str_dup(&a->user, user) | str_dup(&a->password, password);
    if (err)
        mem_deref(a);
    else
        *ap = a;
    return err;
}

/* Is "auth" one of the comma-separated words? */
static bool offers_auth(const struct pl *qop)
{
    struct pl rest = *qop, one;

    while (rest.l && !re_regex(rest.p, rest.l, "[^, \t]+", &one)) {
        if (!pl_strcasecmp(&one, "auth"))
            return true;
        rest.l -= (size_t)(one.p + one.l - rest.p);
        rest.p = one.p + one.l;
    }
    return false;
}

/* Takes the first challenge that we can answer: the peer lists them in its order of preference (RFC 8760 2.4). */
static bool challenge_h(const struct sip_hdr *hdr, const struct sip_msg *msg, void *arg)
{
    struct httpauth_digest_chall ch;
    struct leg_auth *a = arg;
    int err;

    (void)msg;
    if (httpauth_digest_challenge_decode(&ch, &hdr->val))
        return false;
    a->sha256 = pl_isset(&ch.algorithm) && !pl_strcasecmp(&ch.algorithm, "SHA-256");
    a->qop = pl_isset(&ch.qop);
    a->proxy = hdr->id == SIP_HDR_PROXY_AUTHENTICATE;
    if ((pl_isset(&ch.algorithm) && !a->sha256 && pl_strcasecmp(&ch.algorithm, "MD5")) ||
        (a->qop && !offers_auth(&ch.qop)))
        return false;
    err = pl_strdup(&a->realm, &ch.realm) | pl_strdup(&a->nonce, &ch.nonce);
    if (pl_isset(&ch.opaque))
        err |= pl_strdup(&a->opaque, &ch.opaque);
    a->ready = !err;
    return true;
}

int leg_auth_take(struct leg_auth *a, const struct sip_msg *msg)
{
    forget(a);
    (void)sip_msg_hdr_apply(
        msg, true, msg->scode == 407 ? SIP_HDR_PROXY_AUTHENTICATE : SIP_HDR_WWW_AUTHENTICATE, challenge_h, a);
    return a->ready ? 0 : ENOTSUP;
}

static void joined(const struct leg_auth *a, char out[SHA256_HEXLEN], const char *const *parts, size_t n)
{
    if (a->sha256)
        hash_joined_sha256(out, parts, n);
    else
        hash_joined_md5(out, parts, n);
}

int leg_auth_encode(struct mbuf *mb, struct leg_auth *a, const char *met, const char *uri)
{
    char ha1[SHA256_HEXLEN], ha2[SHA256_HEXLEN], response[SHA256_HEXLEN], cnonce[CNONCE_LEN], nc[NC_LEN];
    int err;

    if (!a->ready)
        return 0;
    rnd_str(cnonce, sizeof(cnonce), CNONCE_LEN - 1);
    (void)re_snprintf(nc, sizeof(nc), "%08x", ++a->nc);
    joined(a, ha1, (const char *const[]){a->user, a->realm, a->password}, 3);
    joined(a, ha2, (const char *const[]){met, uri}, 2);
    if (a->qop)
        joined(a, response, (const char *const[AUTH_PARTS_MAX]){ha1, a->nonce, nc, cnonce, "auth", ha2}, 6);
    else
        joined(a, response, (const char *const[]){ha1, a->nonce, ha2}, 3);
    err = mbuf_printf(mb,
                      "%s: Digest username=\"%s\", realm=\"%s\", nonce=\"%s\", uri=\"%s\", response=\"%s\", "
                      "algorithm=%s",
                      a->proxy ? "Proxy-Authorization" : "Authorization", a->user, a->realm, a->nonce, uri,
                      response, a->sha256 ? "SHA-256" : "MD5");
    if (a->opaque)
        err |= mbuf_printf(mb, ", opaque=\"%s\"", a->opaque);
    if (a->qop)
        err |= mbuf_printf(mb, ", cnonce=\"%s\", qop=auth, nc=%s", cnonce, nc);
    explicit_bzero(ha1, sizeof(ha1));
    return err | mbuf_write_str(mb, "\r\n");
}

#include "sip/authclient.h"
#include "core/rnd.h"
#include "crypto/hash.h"
#include <errno.h>
#include <string.h>

enum { AUTH_PARTS_MAX = 6, CNONCE_LEN = 17, NC_LEN = 9 };

struct challenge {
    bool ready, sha256, qop;
    char *realm, *nonce, *opaque;
    uint32_t nc;
};

struct authclient {
    char *user, *password;
    struct challenge
        ch[2]; /* of the peer itself (401), of a proxy before it (407): a request may need both */
};

static void forget(struct challenge *ch)
{
    mem_deref(ch->realm);
    mem_deref(ch->nonce);
    mem_deref(ch->opaque);
    memset(ch, 0, sizeof(*ch));
}

static void auth_destructor(void *arg)
{
    struct authclient *a = arg;

    forget(&a->ch[0]);
    forget(&a->ch[1]);
    if (a->password)
        explicit_bzero(a->password, strlen(a->password));
    mem_deref(a->password);
    mem_deref(a->user);
}

int authclient_alloc(struct authclient **ap, const char *user, const char *password)
{
    struct authclient *a = mem_zalloc(sizeof(*a), auth_destructor);
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
    struct httpauth_digest_chall got;
    struct challenge *ch = arg;
    int err;

    (void)msg;
    if (httpauth_digest_challenge_decode(&got, &hdr->val))
        return false;
    ch->sha256 = pl_isset(&got.algorithm) && !pl_strcasecmp(&got.algorithm, "SHA-256");
    ch->qop = pl_isset(&got.qop);
    if ((pl_isset(&got.algorithm) && !ch->sha256 && pl_strcasecmp(&got.algorithm, "MD5")) ||
        (ch->qop && !offers_auth(&got.qop)))
        return false;
    err = pl_strdup(&ch->realm, &got.realm) | pl_strdup(&ch->nonce, &got.nonce);
    if (pl_isset(&got.opaque))
        err |= pl_strdup(&ch->opaque, &got.opaque);
    ch->ready = !err;
    return true;
}

int authclient_take(struct authclient *a, const struct sip_msg *msg)
{
    bool proxy = msg->scode == 407;
    struct challenge *ch = &a->ch[proxy];

    forget(ch);
    (void)sip_msg_hdr_apply(msg, true, proxy ? SIP_HDR_PROXY_AUTHENTICATE : SIP_HDR_WWW_AUTHENTICATE,
                            challenge_h, ch);
    return ch->ready ? 0 : ENOTSUP;
}

static void joined(const struct challenge *ch, char out[SHA256_HEXLEN], const char *const *parts, size_t n)
{
    if (ch->sha256)
        hash_joined_sha256(out, parts, n);
    else
        hash_joined_md5(out, parts, n);
}

static int encode(struct mbuf *mb, const struct authclient *a, struct challenge *ch, const char *name,
                  const char *met, const char *uri)
{
    char ha1[SHA256_HEXLEN], ha2[SHA256_HEXLEN], response[SHA256_HEXLEN], cnonce[CNONCE_LEN], nc[NC_LEN];
    int err;

    rnd_str(cnonce, sizeof(cnonce), CNONCE_LEN - 1);
    (void)re_snprintf(nc, sizeof(nc), "%08x", ++ch->nc);
    joined(ch, ha1, (const char *const[]){a->user, ch->realm, a->password}, 3);
    joined(ch, ha2, (const char *const[]){met, uri}, 2);
    if (ch->qop)
        joined(ch, response, (const char *const[AUTH_PARTS_MAX]){ha1, ch->nonce, nc, cnonce, "auth", ha2}, 6);
    else
        joined(ch, response, (const char *const[]){ha1, ch->nonce, ha2}, 3);
    err = mbuf_printf(mb,
                      "%s: Digest username=\"%s\", realm=\"%s\", nonce=\"%s\", uri=\"%s\", response=\"%s\", "
                      "algorithm=%s",
                      name, a->user, ch->realm, ch->nonce, uri, response, ch->sha256 ? "SHA-256" : "MD5");
    if (ch->opaque)
        err |= mbuf_printf(mb, ", opaque=\"%s\"", ch->opaque);
    if (ch->qop)
        err |= mbuf_printf(mb, ", cnonce=\"%s\", qop=auth, nc=%s", cnonce, nc);
    explicit_bzero(ha1, sizeof(ha1));
    return err | mbuf_write_str(mb, "\r\n");
}

int authclient_encode(struct mbuf *mb, struct authclient *a, const char *met, const char *uri)
{
    static const char *const names[] = {"Authorization", "Proxy-Authorization"};
    int err = 0;

    for (size_t i = 0; i < 2 && !err; i++)
        if (a->ch[i].ready)
            err = encode(mb, a, &a->ch[i], names[i], met, uri);
    return err;
}

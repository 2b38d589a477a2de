/* bench/siptext: see siptext.h. */
#include "siptext.h"
#include "core/rnd.h"
#include "crypto/hash.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static void copy(char *dst, size_t sz, const char *src, size_t n)
{
    n = n < sz ? n : sz - 1;
    memcpy(dst, src, n);
    dst[n] = 0;
}

bool siptext_read(struct siptext *m, const char *p)
{
    char cseq[64];
    const char *end = strstr(p, "\r\n\r\n"), *space = strchr(p, ' ');

    memset(m, 0, sizeof(*m));
    m->p = p;
    if (!end || !space)
        return false;
    m->body = end + 4;
    if (!strncmp(p, "SIP/2.0 ", 8)) {
        m->status = (int)strtol(p + 8, NULL, 10);
        if (!siptext_header(m, "CSeq", 0, cseq, sizeof(cseq)) || !strchr(cseq, ' '))
            return false;
        snprintf(m->method, sizeof(m->method), "%s", strchr(cseq, ' ') + 1);
        return true;
    }
    copy(m->method, sizeof(m->method), p, (size_t)(space - p));
    copy(m->uri, sizeof(m->uri), space + 1, strcspn(space + 1, " \r\n"));
    return true;
}

/* The value of the n-th header of this name, or NULL; *len without the line's end. */
static const char *find(const struct siptext *m, const char *name, unsigned n, size_t *len)
{
    size_t name_len = strlen(name);

    for (const char *p = strstr(m->p, "\r\n"); p && p + 4 < m->body; p = strstr(p, "\r\n")) {
        p += 2;
        if (strncasecmp(p, name, name_len) || strspn(p + name_len, " \t:") == 0 || n--)
            continue;
        p += name_len;
        p += strspn(p, " \t:");
        *len = strcspn(p, "\r\n");
        return p;
    }
    return NULL;
}

bool siptext_header(const struct siptext *m, const char *name, unsigned n, char *value, size_t sz)
{
    size_t len;
    const char *p = find(m, name, n, &len);

    if (p)
        copy(value, sz, p, len);
    return p != NULL;
}

bool siptext_param(const char *value, const char *name, char *out, size_t sz)
{
    size_t len = strlen(name);

    for (const char *p = strcasestr(value, name); p; p = strcasestr(p + 1, name)) {
        if ((p > value && !strchr(" ,;", p[-1])) || p[len] != '=')
            continue;
        p += len + 1;
        if (*p == '"')
            copy(out, sz, p + 1, strcspn(p + 1, "\""));
        else
            copy(out, sz, p, strcspn(p, " ,;>\r\n"));
        return true;
    }
    return false;
}

bool siptext_bracket(const char *value, char *out, size_t sz)
{
    const char *p = strchr(value, '<');

    if (p)
        copy(out, sz, p + 1, strcspn(p + 1, ">"));
    return p != NULL;
}

void siptext_copy(struct buf *out, const struct siptext *m, const char *name)
{
    size_t len;
    const char *p;

    for (unsigned n = 0; (p = find(m, name, n, &len)); n++)
        buf_printf(out, "%s: %.*s\r\n", name, (int)len, p);
}

bool siptext_authorize(struct buf *out, const struct siptext *challenge, const char *user,
                       const char *password, const char *method, const char *uri)
{
    bool proxy = challenge->status == 407;
    char value[SIP_VALUE_MAX], realm[128], nonce[256], alg[32], cnonce[17];
    char ha1[MD5_HEXLEN], ha2[MD5_HEXLEN], response[MD5_HEXLEN];

    for (unsigned n = 0;; n++) {
        if (!siptext_header(challenge, proxy ? "Proxy-Authenticate" : "WWW-Authenticate", n, value,
                            sizeof(value)))
            return false;
        if (!siptext_param(value, "algorithm", alg, sizeof(alg)) || !strcasecmp(alg, "MD5"))
            break;
    }
    if (!siptext_param(value, "realm", realm, sizeof(realm)) ||
        !siptext_param(value, "nonce", nonce, sizeof(nonce)))
        return false;
    rnd_str(cnonce, sizeof(cnonce), 16);
    hash_ha1_md5(ha1, user, realm, password);
    hash_joined_md5(ha2, (const char *const[]){method, uri}, 2);
    hash_joined_md5(response, (const char *const[]){ha1, nonce, "00000001", cnonce, "auth", ha2}, 6);
    buf_printf(out,
               "%s: Digest username=\"%s\", realm=\"%s\", nonce=\"%s\", uri=\"%s\", response=\"%s\", "
               "algorithm=MD5, qop=auth, cnonce=\"%s\", nc=00000001\r\n",
               proxy ? "Proxy-Authorization" : "Authorization", user, realm, nonce, uri, response, cnonce);
    return true;
}

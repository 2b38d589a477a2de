#include "call/testid.h"
#include "core/rnd.h"
#include "crypto/hash.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX "~selftest-"

enum { RANDOM_LEN = 20, MAC_MAX = 48, TEXT_MAX = 128, DIGITS_MAX = 12 };

/* what: which of its uses, so that a word of one is none of another. */
static void mac_make(char out[MAC_MAX], const uint8_t key[TESTID_KEY_LEN], const char *what, const char *text)
{
    char all[TEXT_MAX + 16];
    uint8_t mac[SHA256_LEN];
    int n = snprintf(all, sizeof(all), "%s:%s", what, text);

    hash_hmac_sha256(mac, key, TESTID_KEY_LEN, all, (size_t)n);
    (void)base64_enc(out, MAC_MAX, mac, sizeof(mac)); /* it fits */
    for (char *p = out; *p; p++)
        *p = *p == '+' ? '-' : *p == '/' ? '_' : *p;
    out[strcspn(out, "=")] = '\0';
}

void testid_make(struct testid *id, const uint8_t key[TESTID_KEY_LEN], int64_t now_s, const char *dn,
                 int64_t link)
{
    const long long expiry = (long long)now_s + TESTID_SECONDS;
    char random[RANDOM_LEN + 1], text[TEXT_MAX], mac[MAC_MAX];

    rnd_str(random, sizeof(random), RANDOM_LEN);
    snprintf(id->user, sizeof(id->user), PREFIX "%lld-%s", expiry, random);
    mac_make(id->password, key, "sip", id->user);
    if (*dn)
        snprintf(text, sizeof(text), "%lld~%s~d%s", expiry, random, dn);
    else
        snprintf(text, sizeof(text), "%lld~%s~l%lld", expiry, random, (long long)link);
    mac_make(mac, key, "session", text);
    snprintf(id->session, sizeof(id->session), "%s~%s", text, mac);
}

bool testid_named(const char *user)
{
    return !strncmp(user, PREFIX, sizeof(PREFIX) - 1);
}

/* Digits up to `end`. */
static bool expiry_read(const char *s, char end, int64_t *expiry)
{
    size_t n = strspn(s, "0123456789");

    if (!n || n > DIGITS_MAX || s[n] != end)
        return false;
    *expiry = strtoll(s, NULL, 10);
    return true;
}

int testid_lookup(struct dn *dn, const uint8_t key[TESTID_KEY_LEN], int64_t now_s, const char *user)
{
    char password[MAC_MAX];
    int64_t expiry;

    if (!testid_named(user) || strlen(user) >= sizeof(dn->dn) ||
        !expiry_read(user + sizeof(PREFIX) - 1, '-', &expiry))
        return ENOENT;
    memset(dn, 0, sizeof(*dn));
    snprintf(dn->dn, sizeof(dn->dn), "%s", user);
    dn->enabled = expiry > now_s;
    mac_make(password, key, "sip", user);
    hash_ha1_md5(dn->ha1_md5, user, DN_REALM, password);
    hash_ha1_sha256(dn->ha1_sha256, user, DN_REALM, password);
    explicit_bzero(password, sizeof(password));
    return 0;
}

static int who_read(const char *who, char dn[DN_MAX], int64_t *link)
{
    *link = 0;
    dn[0] = '\0';
    if (*who == 'l')
        *link = strtoll(who + 1, NULL, 10);
    else if (*who == 'd' && dn_valid(who + 1))
        snprintf(dn, DN_MAX, "%s", who + 1);
    return *dn || *link > 0 ? 0 : EACCES;
}

int testid_session(const uint8_t key[TESTID_KEY_LEN], int64_t now_s, const char *session, char dn[DN_MAX],
                   int64_t *link)
{
    char text[TEXT_MAX], mac[MAC_MAX], *who;
    const char *theirs = strrchr(session, '~');
    int64_t expiry;

    if (!theirs || (size_t)(theirs - session) >= sizeof(text) || !expiry_read(session, '~', &expiry))
        return EACCES;
    snprintf(text, sizeof(text), "%.*s", (int)(theirs - session), session);
    theirs++;
    mac_make(mac, key, "session", text);
    who = strrchr(text, '~');
    if (strlen(theirs) != strlen(mac) || !hash_equal(theirs, mac, strlen(mac)) || !who)
        return EACCES;
    return expiry > now_s ? who_read(who + 1, dn, link) : ETIME;
}

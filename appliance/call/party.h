/*
 * call/party: who calls, and whom: read off an INVITE, and written into ours (RFC 3261 25.1, 3323, 3325, 3966, 7315 4.2). Text and
 * numbers are without escapes here; what is written is escaped again. Pure functions.
 */
#ifndef CALL_PARTY_H
#define CALL_PARTY_H

#include <re.h>
#include <stdbool.h>
#include <stddef.h>

enum { PARTY_MAX = 128, PARTY_URI_MAX = 512 };

#define PARTY_ANONYMOUS_NAME "Anonymous"
#define PARTY_ANONYMOUS_URI "sip:anonymous@anonymous.invalid"

struct party {
    char number[PARTY_MAX]; /* "" = nobody said */
    char name[PARTY_MAX];   /* as a person reads it */
    struct pl
        host; /* inside the message; a caller's is From's if it can be; empty for tel: and what is no host */
    int host_af;
    bool withheld; /* the number is the operator's to know, not the called person's */
};

/*
 * Who calls, by a trunk's INVITE: P-Asserted-Identity before From; of several identities the first that is a telephone number. Its
 * name, else From's.
 */
void party_caller(struct party *p, const struct sip_msg *msg);
/* Which number was dialled: the trunk's own P-Called-Party-ID, else To, else the request URI. */
void party_called(struct party *p, const struct sip_msg *msg);
/* Does it ask to withhold who sends it? Privacy (RFC 3323 4.2, 3325 9.3), or From anonymous and nothing asserted. */
bool party_private(const struct sip_msg *msg);
/* Does Privacy name this value? */
bool party_privacy(const struct sip_msg *msg, const char *value);

/* A URI's user: without escapes, parameters and (tel:, user=phone) visual separators; "" when it is too long for sz. */
void party_number(char *dst, size_t sz, const struct uri *uri);
/*
 * Text as a person may see it: valid UTF-8 without control characters, those of writing direction included, with single blanks
 * between words; cut between two characters. escapes: a backslash stands before what is meant (RFC 3261 25.1 quoted-pair).
 */
void party_text(char *dst, size_t sz, const struct pl *src, bool escapes);
/* For between two quotes: " and \ escaped. */
void party_quote(char *dst, size_t sz, const char *text);
/* "sip:NUMBER@HOST", the number escaped as a user part is, "sip:HOST" without one; af: of the host. */
void party_uri(char *dst, size_t sz, const char *number, const struct pl *host, int af);
/* Our Contact for it at an address as addr_str() writes it; params: ";transport=…" or "". */
void party_contact(char *dst, size_t sz, const char *number, const char *self, const char *params);

#endif

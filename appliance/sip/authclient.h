/*
 * sip/authclient: our credentials for a peer that challenges us with 401 or 407: digest of RFC 7616 and 8760, MD5 and SHA-256.
 * (libre's client knows MD5 only, and gives up on a challenge that offers both.) Owner: signalling thread.
 */
#ifndef SIP_AUTHCLIENT_H
#define SIP_AUTHCLIENT_H

#include <re.h>

struct authclient;

/* Copies both; a libre object: mem_deref() wipes the password. ENOMEM. */
int authclient_alloc(struct authclient **ap, const char *user, const char *password);
/* Takes the challenge of a 401 or 407. ENOTSUP: none that we can answer. */
int authclient_take(struct authclient *a, const struct sip_msg *msg);
/* Adds a header line for each kind of challenge there was. */
int authclient_encode(struct mbuf *mb, struct authclient *a, const char *met, const char *uri);

#endif

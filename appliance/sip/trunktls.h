/*
 * sip/trunktls: TLS towards trunks: what we show (the box's certificate, or tls_cert of the trunk), whom we believe (tls_ca; else whom this
 * machine trusts) and by which name (tls_name; else the host), RFC 5922.
 *
 *   we connect      the server must be the trunk of this address; a next hop that is no trunk's address (a dialog's Contact or Route) must
 *                   show the certificate of a trunk that has a CA of its own
 *   it connects     from a trunk's address: a certificate is asked for and not needed, as by UDP and TCP; one that is shown must be right.
 *                   From anywhere else: it must be that of a trunk that has a CA of its own
 *
 * Files are looked at before each connection and read again when they have changed; what cannot be used leaves what was there in use.
 * They are small and local; the longest, this machine's CAs, is read once, at the first connection that needs it (some 10 ms).
 *
 * Private to sip/. Owner: signalling thread.
 */
#ifndef SIP_TRUNKTLS_H
#define SIP_TRUNKTLS_H

#include "sip/trunks_priv.h"

/* TLS asks t from now on. */
void trunktls_start(struct trunks *t);
void trunktls_stop(struct trunks *t);
/* The trunk goes. */
void trunktls_forget(struct peer *pr);

#endif

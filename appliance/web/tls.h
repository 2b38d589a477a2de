/*
 * web/tls: the certificate that https.port and wss.port show, and its replacement while connections are open. WEB thread.
 *
 * The files are looked at every second; when they have stopped changing and check out, listeners pause, handshakes under way
 * finish (libwebsockets' mbedtls wrapper shares the certificate between its context and them, and frees the old one on
 * replacement), the certificate is swapped, listeners go on. Established connections never notice. Files that do not check
 * out are refused with one line, and the old certificate stays.
 */
#ifndef WEB_TLS_H
#define WEB_TLS_H

#include "web/server.h"

/* Reads the files and makes the TLS virtual host. ENOENT, EBADMSG … with why. */
int tls_open(struct tls **tp, struct web *w, char *why, size_t whysz);
void tls_close(struct tls *t);
struct lws_vhost *tls_vhost(const struct tls *t);
/* libwebsockets offers the context that it made. 0 = loaded. */
int tls_context_h(struct web *w, void *ssl_ctx);
/* Called every second, and every TLS_DRAIN_TICK_MS while tls_busy(). */
enum { TLS_DRAIN_TICK_MS = 20 };
void tls_tick(struct tls *t, uint64_t now_ms);
/* Is it one that the certificate is for? t may be NULL. */
bool tls_has_name(const struct tls *t, const char *name);
bool tls_busy(const struct tls *t);
/* Does not wait for the files to settle. */
void tls_reload(struct tls *t);

#endif

/*
 * web/certfile: the certificate that https.port, wss.port and turns.port show, and its replacement while connections are open. WEB thread.
 *
 * The files are looked at every second; when they have stopped changing and check out, connections that begin from then on show the
 * new certificate. Those that are open, and handshakes under way, keep what they began with (crypto/tls). Files that do not check out
 * are refused with one line, and the old certificate stays.
 */
#ifndef WEB_CERTFILE_H
#define WEB_CERTFILE_H

#include "web/server.h"

struct tls_server;

/* Reads the files. ENOENT, EBADMSG … with why. */
int certfile_open(struct certfile **cp, struct web *w, char *why, size_t whysz);
void certfile_close(struct certfile *f);
/* What a new session shows; refer to it before it is looked for again. */
struct tls_server *certfile_server(const struct certfile *f);
/* Called every second. */
void certfile_tick(struct certfile *f, uint64_t now_ms);
/* Is it one that the certificate is for? f may be NULL. */
bool certfile_has_name(const struct certfile *f, const char *name);
/* Does not wait for the files to settle. */
void certfile_reload(struct certfile *f);

#endif

/*
 * service/syslog: entries of the audit as syslog messages (RFC 5424) over one TLS connection, with octet counting (RFC 5425). Owner: one
 * thread, which may be held up for some seconds.
 *
 *   LEN <109>1 2026-11-28T09:35:00.123Z gw1 dngate 1 audit - {"time":…,"id":…,"who":…,"before":{…},"after":{…},"reason":…}
 *
 * The message is JSON as `dngate audit --json` has it: nested values need no structured data, whose names would need a registered number.
 */
#ifndef SERVICE_SYSLOG_H
#define SERVICE_SYSLOG_H

#include "core/buf.h"
#include "store/audit.h"

enum { SYSLOG_PORT = 6514, SYSLOG_WHY_MAX = 256 };

struct syslog_link;

/* server: HOST or HOST:PORT; ca: a PEM file, "" = whom the machine trusts. On error why is one line. */
int syslog_open(struct syslog_link **lp, const char *server, const char *ca, char *why, size_t whysz);
void syslog_close(struct syslog_link *l);
/* 0 or EPIPE. */
int syslog_send(struct syslog_link *l, const struct audit_entry *e);
/* Readable once the peer has something to say, which is only that it goes. */
int syslog_fd(const struct syslog_link *l);
/* Did it go? */
bool syslog_gone(struct syslog_link *l);
/* One message with its length before it. */
void syslog_format(struct buf *out, const struct audit_entry *e, const char *host, int pid);

#endif

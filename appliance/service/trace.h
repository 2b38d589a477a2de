/* service/trace: what calls left of themselves besides their record. Errors: service/service.h. */
#ifndef SERVICE_TRACE_H
#define SERVICE_TRACE_H

#include "service/verdict.h"
#include "store/cdr.h"

struct buf;

enum { SERVICE_TRACE_MAX = 4 * 1024 * 1024 };

/* The trace of a call that runs or has ended, as JSON (call/trace.h). ENOENT: there is none. */
int service_trace(struct service *sv, const char *id, struct buf *out);
/* The same as a capture file (service/pcap). */
int service_trace_pcap(struct service *sv, const char *id, struct buf *out);
/* All that somebody who is asked for help needs of one call, without secrets: one JSON object with version, settings that differ from their
 * default, record, verdict, trace (with the log's lines about the call; null: there is none) and metrics. ENOENT: no such record. */
int service_trace_bundle(struct service *sv, const char *id, struct buf *out);
/* With what its trace knows, when it has one. */
void service_trace_verdict(struct service *sv, const struct cdr *c, struct verdict *v);

/* DNs under watch (setting trace.watch). h true = stop. */
typedef bool(service_watch_h)(const char *dn, void *arg);
int service_watch_each(struct service *sv, service_watch_h *h, void *arg);
/* EINVAL: no DN; EEXIST, ENOENT; EPERM: the setting is fixed by -o or the environment. Main thread. */
int service_watch_add(struct service *sv, const char *dn);
int service_watch_remove(struct service *sv, const char *dn);

#endif

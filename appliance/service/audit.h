/* service/audit: who changed what. Errors: service/service.h. */
#ifndef SERVICE_AUDIT_H
#define SERVICE_AUDIT_H

#include "core/buf.h"
#include "service/service.h"
#include "store/audit.h"

/* Entries that fit, until h returns true, read a page at a time, so that h may be as slow as a person who reads. f->limit 0: all. EINVAL: the
 * time ends before it begins. */
int service_audit_each(struct service *sv, const struct audit_filter *f, audit_h *h, void *arg);
int service_audit_count(struct service *sv, const struct audit_filter *f, int64_t *count);
/* The newest one's number; 0: there is none. */
int service_audit_newest(struct service *sv, int64_t *id);
/* ENOENT. */
int service_audit_get(struct service *sv, int64_t id, audit_h *h, void *arg);

/* What became another, for people: "name Ada → Eve, enabled yes → no"; of what came or went, all of it: "name Ada, enabled yes". "" when
 * nothing is known. */
void service_audit_change(struct buf *out, const struct audit_entry *e);
/* `"id":…,"who":…,…,"reason":…`: the members of the entry but its time. */
void service_audit_members(struct buf *out, const struct audit_entry *e);
/* A line of CSV, or with NULL its head. */
void service_audit_csv(struct buf *out, const struct audit_entry *e);

#endif

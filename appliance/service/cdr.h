/* service/cdr: the call records. Errors: service/service.h. */
#ifndef SERVICE_CDR_H
#define SERVICE_CDR_H

#include "service/service.h"
#include "store/cdr.h"

#include <stdbool.h>
#include <stddef.h>

struct buf;
struct trace_facts;

struct service_cdr_filter { /* NULL or 0: any */
    const char *dn;
    const char *number;     /* part of who called or who was called */
    const char *text;       /* part of any text of the record */
    const char *direction;  /* "in", "out", or as the database says it: "inbound", "outbound" */
    int64_t from_ms, to_ms; /* Unix ms: began then or later, began before then */
    const char *result;     /* as cdr_result_name() says it */
    const char *
        path; /* as cdr_path_name() says it; "relay": any of those, "none": no way was found, or it is not known */
    const char *trunk;
    int64_t min_s, max_s; /* seconds that they talked */
    int64_t min_ring_s;   /* seconds that it rang */
    double max_mos;       /* of the side that was heard worse */
    const char *before;   /* older than the record of this id: where a next page goes on */
    size_t limit;
};

/* Newest first, until h returns true. EINVAL: there is no such result, path, direction, or span. Read a page at a time, so that h may be as
 * slow as a person who reads, without a snapshot that holds up the writer. */
int service_cdr_each(struct service *sv, const struct service_cdr_filter *f, cdr_h *h, void *arg);
/* One page, by who must not wait: where nothing fits it looks no longer than some ten milliseconds. next: where the next page goes on, ""
 * when there is nothing older; a page that found little, or nothing, in its time has one, too. */
/* facts: of its trace; NULL: none is kept. */
typedef bool(service_cdr_h)(const struct cdr *c, const struct trace_facts *facts, void *arg);
int service_cdr_page(struct service *sv, const struct service_cdr_filter *f, service_cdr_h *h, void *arg,
                     char next[40]);
/* Sums of what fits (limit and before do not count); since_ms is set when some hundred milliseconds were not enough for all. */
int service_cdr_sum(struct service *sv, const struct service_cdr_filter *f, struct cdr_sum *out);
/* Of the inbound calls; of the answered calls; 0 when there are none. */
double service_cdr_abandoned_percent(const struct cdr_sum *s);
double service_cdr_average_s(const struct cdr_sum *s);
/* ENOENT. */
int service_cdr_get(struct service *sv, const char *id, struct cdr *out);

/* ---- a record, field by field ---- */

enum service_cdr_kind {
    SERVICE_CDR_TEXT,
    SERVICE_CDR_FOREIGN, /* text that somebody outside chose */
    SERVICE_CDR_NUMBER   /* "" when it is not known */
};
typedef void(service_cdr_field_h)(const char *name, enum service_cdr_kind kind, const char *text, void *arg);
void service_cdr_fields(const struct cdr *c, service_cdr_field_h *h, void *arg);
/* The line of names, and the line of a record, with their line ends (RFC 4180). Text that a spreadsheet would take for a formula gets a '
 * before it. */
void service_cdr_csv_head(struct buf *out);
void service_cdr_csv(struct buf *out, const struct cdr *c);
/* "in", "out" */
const char *service_cdr_direction(enum cdr_direction d);
/* "", "agent", "trunk", "gateway" */
const char *service_cdr_party(enum cdr_party p);
/* Milliseconds that they talked, and that it rang. */
int64_t service_cdr_talked_ms(const struct cdr *c);
int64_t service_cdr_rang_ms(const struct cdr *c);
/* Of the side that was heard worse; 0 = not known. */
double service_cdr_mos(const struct cdr *c);

#endif

/*
 * store/trace: traces of calls that are kept, as JSON (call/trace.h), bounded in bytes and age: the oldest go. Written by the writer
 * thread, one at a time and never in the way of call records; one that finds it behind is dropped and counted.
 */
#ifndef STORE_TRACE_H
#define STORE_TRACE_H

#include "store/store.h"

struct buf;

enum { STORE_TRACES_MAX = 64 /* that wait for the writer */ };

struct store_trace { /* by value; json is the receiver's */
    char id[40];     /* of the call */
    char why[12];    /* it is kept: failed, bad, watch, sample */
    int64_t time_ms; /* when the call began */
    char *json;
    size_t len;
    int64_t bytes_max, age_max_ms; /* of all that are kept; 0 = no limit */
};

/* Any thread; takes json, whatever becomes of it. */
void store_trace_put(struct store *s, const struct store_trace *t);
/* ENOENT. */
int store_trace_get(struct store_reader *r, const char *id, struct buf *out);
/* Its facts alone. ENOENT. */
int store_trace_facts(struct store_reader *r, const char *id, struct buf *out);

/* ---- for store.c and the writer ---- */
int store_traces_alloc(struct store *s);
void store_traces_free(struct store *s);
/* Writer thread: writes what waits. */
void store_traces_service(struct store *s);

#endif

/*
 * store/cdr: one row per call attempt, written once, when it has ended. Never dropped. Calls that run are noted, too (cdr_note), so
 * that a call which a crash cut off gets its record at the next start (cdr_close_left).
 */
#ifndef STORE_CDR_H
#define STORE_CDR_H

#include "store/store.h"

#define CDR_ID_TIME "%012llx" /* an id begins with start_ms so: whatever began later has a greater one */

enum cdr_direction { CDR_OUTBOUND /* agent → trunk */, CDR_INBOUND /* trunk → agent */ };
/* The way of the media between browser and gateway: direct, or by a TURN server: ours, as the browser reaches it, or another. */
enum cdr_path {
    CDR_PATH_NONE,
    CDR_PATH_DIRECT,
    CDR_PATH_RELAY_UDP,
    CDR_PATH_RELAY_TCP,
    CDR_PATH_RELAY_TLS,
    CDR_PATH_RELAY_OTHER,
    CDR_PATHS
};
enum cdr_party { CDR_NOBODY, CDR_AGENT, CDR_TRUNK, CDR_GATEWAY };

struct cdr_stream { /* one direction of the audio as it reached us */
    char codec[16];
    uint64_t packets, bytes;
    uint32_t lost;
    double jitter_ms;
    double mos; /* 1.0..4.5; 0 = unknown */
};

struct cdr {     /* passed by value */
    char id[40]; /* ours: unique, sorts by time */
    enum cdr_direction direction;
    char dn[64]; /* the agent's DN */
    char caller[128], callee[128];
    char caller_name[128];
    char trunk[64];
    char call_uuid[64];                           /* X-Genesys-CallUUID, last seen */
    char sip_call_id[256];                        /* of the trunk leg */
    int64_t start_ms, ring_ms, answer_ms, end_ms; /* Unix ms; 0 = did not happen */
    uint16_t code;                                /* SIP result: 200 answered … */
    char reason[128];                             /* Reason phrase or Reason header text */
    enum cdr_party hangup;                        /* who ended it */
    struct cdr_stream from_browser, from_trunk;
    char remote_ice[64]; /* browser's address at the end: ip:port; by our relay that of its client */
    double rtt_ms;
    enum cdr_path path;    /* at the end */
    uint32_t path_changes; /* how often it, or the address, became another in mid-call */
    char candidate[8];     /* "host", "srflx", "prflx", "relay" */
};

/* How a call went. */
enum cdr_result {
    CDR_ANSWERED,
    CDR_BUSY,
    CDR_NO_ANSWER,
    CDR_CANCELLED,
    CDR_REFUSED,
    CDR_FAILED,
    CDR_RESULTS
};
enum cdr_result cdr_result(const struct cdr *c);
/* "answered", "busy", "no_answer", "cancelled", "refused", "failed". */
const char *cdr_result_name(enum cdr_result r);
/* "direct", "relay-udp", "relay-tcp", "relay-tls", "relay-other"; "" for CDR_PATH_NONE. */
const char *cdr_path_name(enum cdr_path p);

/* Any thread; copies; never blocks, and touches no file. A record that finds STORE_WAITING_MAX before it, because the disk hangs,
 * is in the log as one line of JSON. */
void cdr_write(struct store *s, const struct cdr *c);
/* A call runs, this much is known of it; once or more often before its cdr_write. c->id is set. Any thread; copies; never blocks; one
 * that finds the writer behind is let go, which matters only if a crash follows. */
void cdr_note(struct store *s, const struct cdr *c);
/*
 * Calls that were noted and never written become records: ended by the gateway when it was last seen alive, code 500 unless they had
 * been answered, with this reason. Only the server may, once, before its first call. *count: how many.
 */
int cdr_close_left(struct store *s, const char *reason, size_t *count);
/* Waits until everything written before is committed (tests, shutdown). */
int cdr_flush(struct store *s);
typedef bool(cdr_h)(const struct cdr *c, void *arg);
#define CDR_PATH_ANY_RELAY "relay" /* in place of a path's name: any whose name begins so … */
#define CDR_PATH_NO_NAME "none"    /* … CDR_PATH_NONE */
struct cdr_filter {                /* NULL or 0: any */
    const char *dn;
    const char *number;     /* part of who called or who was called */
    const char *text;       /* part of any text of the record: "search" */
    const char *direction;  /* "inbound", "outbound" */
    int64_t from_ms, to_ms; /* began then or later, before then */
    const char *result;     /* a name */
    const char *path;       /* a name, or one of the two above */
    const char *trunk;
    int64_t min_ms, max_ms; /* how long they talked */
    int64_t min_ring_ms;
    double max_mos;        /* of the side that was heard worse; a call without one is none of these */
    size_t limit;          /* 0 = 100 */
    const char *before_id; /* cursor: older than this id */
};
int cdr_each(struct store_reader *r, const struct cdr_filter *f, cdr_h *h, void *arg); /* newest first */
/*
 * The same for who must not wait: looks for patience_ms or a little longer. next: where a next page goes on (its before_id), "" when there
 * is nothing older; a page that found little in its time has a next, too.
 */
int cdr_page(struct store_reader *r, const struct cdr_filter *f, unsigned patience_ms, cdr_h *h, void *arg,
             char next[40]);

struct cdr_sum {
    int64_t calls, answered, inbound, outbound;
    int64_t abandoned; /* inbound, and the caller gave up before the answer */
    int64_t failed;    /* cdr_result: CDR_FAILED */
    int64_t talk_ms;
    double mos; /* mean of the worse side of each; 0 = unknown */
    int64_t
        since_ms; /* of calls that began then or later; 0: of all that are meant. The time was not enough for the older ones */
};
/* Adds them up, the newest day first, for patience_ms or a little longer; before_id and limit do not count. */
int cdr_sum(struct store_reader *r, const struct cdr_filter *f, unsigned patience_ms, struct cdr_sum *out);
int cdr_get(struct store_reader *r, const char *id, struct cdr *out); /* ENOENT */

#endif

/*
 * sip/siplog: SIP messages in the log, for whoever looks for a fault: at log level sip=debug a line a message, at sip=trace its header fields
 * and SDP as well, a log line for each. What is secret is blanked: credentials, keys of media, and bodies that are not SDP (they hold the
 * digits that were pressed, for one). Owner: signalling thread.
 */
#ifndef SIP_SIPLOG_H
#define SIP_SIPLOG_H

#include "core/addr.h"
#include <stdbool.h>
#include <stddef.h>

struct sip;

/* Logs all that this stack sends and gets from now on. */
void siplog_start(struct sip *sip);

/* Hands each message of this thread's stack to h besides, as it was on the wire: nothing is masked yet. NULL: no more. */
struct siplog_seen {
    bool out;
    const char *transport; /* "udp" … */
    struct addr us, peer;
    const char *p;
    size_t len;
};
typedef void(siplog_tap_h)(const struct siplog_seen *m, void *arg);
void siplog_tap(siplog_tap_h *h, void *arg);

/* Hands over a message line by line as it may be shown (at most SIPLOG_LINE_MAX - 1 bytes of each), for siplog itself and its tests. */
enum { SIPLOG_LINE_MAX = 1024 };
typedef void(siplog_line_h)(const char *line, void *arg);
void siplog_lines(const char *p, size_t len, siplog_line_h *h, void *arg);
/* The same with the empty line that ends the head. */
void siplog_message(const char *p, size_t len, siplog_line_h *h, void *arg);

#endif

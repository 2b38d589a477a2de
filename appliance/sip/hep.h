/*
 * sip/hep: SIP messages to a Homer server (setting trace.hep): HEP3 over UDP, with their true addresses, masked as in the log (sip/siplog),
 * both legs of a call tied together by its id. A thread of its own looks the server up and sends; messages that it is too slow for are
 * dropped and counted. Owner of all but hep_encode: signalling thread.
 */
#ifndef SIP_HEP_H
#define SIP_HEP_H

#include "core/addr.h"
#include "sip/siplog.h"
#include <stddef.h>
#include <stdint.h>

struct buf;
struct conf;
struct hep;

enum { HEP_QUEUE = 256, HEP_PACKET_MAX = 60000 };

int hep_alloc(struct hep **hp);
void hep_free(struct hep *h);
/* The setting as it is now. */
void hep_retarget(struct hep *h, const struct conf *conf);
/* Masks and queues it, if there is a server. correlation: the call's id or "". */
void hep_send(struct hep *h, const struct siplog_seen *m, const char *correlation);
/* One packet, of a message that is masked already; wall_ms: when it was seen. EMSGSIZE. */
int hep_encode(struct buf *out, const struct siplog_seen *m, const char *text, size_t len, int64_t wall_ms,
               const char *correlation);

#endif

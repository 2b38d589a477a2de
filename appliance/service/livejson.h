/*
 * service/livejson: what goes on now as JSON, one way of writing for the command line, REST and the live push. The shapes are those of
 * GET /status, /calls, /registrations, /trunks/{name}/live, /bans and /history. All but livejson_history write
 * the members of an object without its braces, since the command line adds some of its own.
 */
#ifndef SERVICE_LIVEJSON_H
#define SERVICE_LIVEJSON_H

#include "core/buf.h"
#include "core/guard.h"
#include "service/status.h"

/* parts as an array, or by_name as an object. */
void livejson_status(struct buf *out, const struct service *sv, const struct service_status *st,
                     bool by_name);
void livejson_call(struct buf *out, const struct call_info *ci);
void livejson_registration(struct buf *out, const struct service_registration *r);
void livejson_trunk(struct buf *out, const struct service_trunk *t, bool addresses);
void livejson_ban(struct buf *out, const struct guard_ban *b, int64_t now_ms);
void livejson_history(struct buf *out, const struct service_history *h);
void livejson_happening(struct buf *out, const struct happening *h);
/* "192.0.2.1", "2001:db8:1:2::/64" */
enum { LIVEJSON_SOURCE_MAX = ADDR_STRLEN + 8 };
const char *livejson_source(const struct guard_ban *b, char buf[LIVEJSON_SOURCE_MAX]);
/* suspect is nobody's word outside: "unknown". */
const char *livejson_trunk_state(const char *state);

#endif

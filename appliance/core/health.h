/* core/health: what each part says of itself, shown by /readyz. Any thread. */
#ifndef CORE_HEALTH_H
#define CORE_HEALTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

enum health_state { HEALTH_DOWN, HEALTH_DEGRADED, HEALTH_UP };

/* Sets a part's state; reason in plain words, copied (at most 199 bytes; 16 parts). Parts: store, web, sip, trunk, media, disk, certificate,
 * clock, drain. A part that is DOWN makes the box not ready; DEGRADED is shown but ready. */
void health_set(const char *part, enum health_state st, const char *reason_fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* No part is DOWN, and at least one has spoken. */
bool health_ready(void);
/* {"ready":true,"parts":{"store":{"state":"up","reason":""},…}} */
int health_json(struct buf *out);
enum { HEALTH_PARTS_MAX = 16, HEALTH_PART_LEN = 24, HEALTH_REASON_LEN = 200 };
struct health_part {
    char name[HEALTH_PART_LEN];
    enum health_state state;
    char reason[HEALTH_REASON_LEN];
    int64_t since_ms; /* it has been in this state, Unix ms */
};
/* What each part says, in the order in which they first spoke. Returns how many. */
size_t health_parts(struct health_part parts[static HEALTH_PARTS_MAX]);
/* "down", "degraded", "up". */
const char *health_state_name(enum health_state st);
/* Forgets all parts (tests). */
void health_reset(void);

#endif

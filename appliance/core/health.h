/* core/health: what each part says of itself, shown by /readyz. Any thread. */
#ifndef CORE_HEALTH_H
#define CORE_HEALTH_H

#include <stdbool.h>

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
/* Forgets all parts (tests). */
void health_reset(void);

#endif

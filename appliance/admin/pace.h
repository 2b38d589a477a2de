/*
 * admin/pace: how often somebody may do something: so many at once, then one each so many seconds. Kept in a table of a fixed size, by a hash of
 * who it is; when two meet at a place, the one that came last has it. WEB thread.
 */
#ifndef ADMIN_PACE_H
#define ADMIN_PACE_H

#include <stdbool.h>
#include <stdint.h>

enum { PACE_PLACES = 1024 };

struct pace {
    uint32_t burst, every_ms;
    struct {
        uint64_t who, empty_ms; /* when all of the burst is there again */
    } v[PACE_PLACES];
};

void pace_init(struct pace *p, uint32_t burst, uint32_t every_ms);
/* False, and *wait_ms says how long, when it is too often. */
bool pace_take(struct pace *p, const char *who, uint64_t now_ms, uint32_t *wait_ms);

#endif

/*
 * media/path_away: the browser's page is away (it reloads, or its computer sleeps) and may come back: meanwhile the far end hears a soft beep each
 * five seconds, so that whoever waits there knows that the line lives. It begins when nothing was heard from the browser for a moment, and
 * gives way to whatever comes from it: being told too early does no harm. See path.h.
 */
#ifndef MEDIA_PATH_AWAY_H
#define MEDIA_PATH_AWAY_H

#include "media/path_state.h"

void path_away_tick(struct path *p, uint64_t now_us);
uint64_t path_away_due_us(const struct path *p);

#endif

/* admin/live: the nouns status, history, calls, registrations and bans, and what goes on at one DN or trunk. */
#ifndef ADMIN_LIVE_H
#define ADMIN_LIVE_H

int admin_live_routes(void); /* ENOSPC */

#endif

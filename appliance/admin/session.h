/* admin/session: the nouns session, login, logout and sessions: signing in to the console, and who is. */
#ifndef ADMIN_SESSION_H
#define ADMIN_SESSION_H

#include <stdbool.h>

struct admin_session;

/* What the page wants to know of the box besides. lab: it runs with --lab. ENOMEM, ENOSPC. */
int admin_session_alloc(struct admin_session **ap, bool lab);
void admin_session_free(struct admin_session *a);

#endif

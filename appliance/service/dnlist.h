/*
 * service/dnlist: the list of DNs as a console wants it: searched, filtered, sorted and cut here, each with what it does just now. The rows
 * are kept between two questions for as long as the database is the same, and what goes on for PRESENCE_MS, so that many readers cost
 * signalling one question a second. Owner: the main thread. Errors: service/service.h.
 */
#ifndef SERVICE_DNLIST_H
#define SERVICE_DNLIST_H

#include "core/addr.h"
#include "service/service.h"
#include "store/dn.h"

enum { PRESENCE_MS = 1000, DNLIST_CURSOR_MAX = 256 };

enum dn_state { DN_STATE_OFF, DN_STATE_READY, DN_STATE_RINGING, DN_STATE_ON_CALL, DN_STATES };
const char *dn_state_name(enum dn_state s); /* "off", "ready", "ringing", "on_call" */

struct dn_presence { /* what a DN does */
    char dn[DN_MAX];
    enum dn_state state;
    int64_t since_ms;
    char address[ADDR_STRLEN], browser[128]; /* it is signed in from; "" when it is not */
};

enum dn_sort { DN_SORT_DN, DN_SORT_NAME, DN_SORT_STATE, DN_SORT_CHANGED, DN_SORTS };
struct dnlist_query {
    const char *q;             /* part of the DN or the name, in any case; NULL or "": any */
    const char *state, *codec; /* NULL: any */
    const bool *enabled;       /* NULL: any */
    enum dn_sort sort;
    bool down; /* last first */
    size_t limit;
    const char *cursor; /* `next` of the page before; NULL: the first one */
};

struct dnlist_row {
    const struct dn *dn;            /* its secrets are left out */
    const struct dn_presence *live; /* NULL: off */
};
struct dnlist_page { /* valid until the list is asked again */
    const struct dnlist_row *v;
    size_t count, total;          /* of the page; of all pages */
    char next[DNLIST_CURSOR_MAX]; /* "": it is the last one */
};

struct dnlist;
int dnlist_alloc(struct dnlist **lp, struct store *store);
void dnlist_free(struct dnlist *l);
/* EINVAL with sv->why: no such state, codec or cursor. */
int dnlist_ask(struct dnlist *l, struct service *sv, const struct dnlist_query *q, struct dnlist_page *out);

#endif

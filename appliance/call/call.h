/* call/call: one call: its two legs, its media path, its record, and the moves between its states. Owner: signalling thread. For the files of call/ only. */
#ifndef CALL_CALL_H
#define CALL_CALL_H

#include "call/callfsm.h"
#include "call/callhdr.h"
#include "call/callrebind.h"
#include "call/callset.h"
#include "call/report.h"
#include "call/sdp.h"
#include "call/tracer.h"
#include "sip/registrar.h"
#include "sip/trunks.h"
#include "store/cdr.h"
#include "store/dn.h"

enum { CALL_TRIES_MAX = 8 }; /* trunks that are tried for one call */

enum call_by { /* who wants the page to do something with its call */
               CALL_BY_NOBODY,
               CALL_BY_DESKTOP,
               CALL_BY_HEADER,
               CALL_BY_DN
};

struct call {
    struct le le;
    uint64_t start_ms; /* monotonic; its wall time is cdr.start_ms */
    struct calls *calls;
    uint8_t state; /* enum call_state: call_move() */
    struct cdr cdr;
    char label[112];
    enum dn_codec dn_codec;
    uint32_t dn_limit;         /* the DN's own; 0: call.limit_per_dn */
    bool withheld;             /* who calls does not want to be known */
    struct session *session;   /* the browser's, held to the end of the call */
    struct leg *agent, *trunk; /* agent: NULL while the page is away and its dialog is gone */
    struct call_rebind rebind;
    struct transfer *transfer; /* under way: call/callrefer; NULL: none */
    bool transferred;          /* one came to its end: the record's reason says so */
    uint8_t refers;            /* REFERs of the trunk so far */
    struct tmr tmr;

    struct traced *traced; /* NULL: it is not */
    struct media_path *path;
    uint32_t path_id;
    uint64_t way_ms; /* monotonic: since when media take the way of cdr.path */
    struct media_local local;
    uint64_t sdp_id;

    struct media_browser browser;
    enum media_dir agent_dir;       /* as the browser says it */
    uint8_t hold_said, hold_agreed; /* what the trunk was told of it: call/callhold */

    struct addr trunk_addr;
    struct sdp_order order;
    struct sdp *trunk_lines, *agent_lines; /* of their dialogs, when they have more than the one m= line */
    struct media_trunk tm;                 /* what the media has of the trunk: call_trunk_known() */

    struct trunk_target tries[CALL_TRIES_MAX]; /* outbound: in the order they are tried */
    size_t try_count, try_next;
    uint64_t tries_until_ms;   /* monotonic */
    struct call_report report; /* the page's, the last one */
    struct {                   /* the page is to answer by itself: call/callevent */
        uint8_t by;            /* enum call_by */
        bool rings, told;      /* it can be asked; it was */
        unsigned after_s;
        struct tmr tmr;
    } ask;
    struct buf hdrs; /* outbound: what the agent's INVITE passes on */
};

int call_new(struct call **cp, struct calls *cs, enum cdr_direction dir);
void call_move(struct call *c, enum call_state to);
/* Both legs are answered: the record's time, the state, the log line, and what hold means from now on. */
void call_answered(struct call *c);
/* Wall time for the call's record, counted from its start: in order and true in length whatever is done to the clock meanwhile. */
int64_t call_wall_ms(const struct call *c);
/* Draining, total and per-DN limit: 0 or the code to refuse with. */
uint16_t call_admit(const struct call *c, const char **phrase);
int call_media_open(struct call *c, bool controlling);
/* The browser on this connection carries the call: its session is held until call_session_drop(). */
void call_session_take(struct call *c, uint64_t ws_conn);
void call_session_drop(struct call *c);
/* callhdr_pass() with the setting of now. */
int call_pass(const struct call *c, struct buf *out, const struct sip_msg *msg, enum callhdr_way way);
/* Notes the CallUUID that this message names for the record; an agent's counts if it may send one. */
void call_note_uuid(struct call *c, const struct sip_msg *msg, enum callhdr_way way);
/* "id=… dn=…", what log lines of the call begin with; valid while c is. */
const char *call_label(struct call *c);
bool call_trunk_known(const struct call *c); /* it has described itself */
bool call_trunk_holds(const struct call *c);
/* Hold by either side, or its end, as the media and the state show it. */
void call_hold_update(struct call *c);

#endif

/*
 * call/callrebind: a call whose page is away (it reloads, crashed, its computer sleeps, its network is gone), and how it comes back to its page
 * or to another one. The trunk is never told: it keeps its dialog and its media, and whoever is there hears a soft beep
 * (media_path_away). Owner: signalling thread. For the files of call/ only.
 *
 *            connection gone              REGISTER: no calls            200                DTLS up
 *   home ─────────────────────► away ─────────────────────► calling ─────────► joining ──────────► home
 *    ▲ │                        │ ▲ ▲                        │ │                    │
 *    │ └────────────────────────┼─┼─┼── REGISTER: no calls ──┘ │ ▲                  │
 *    └── REGISTER: has its calls┘ └─┴── connection gone ───────┴─┼──────────────────┘
 *                                                                └ reloaded once more: from joining
 *
 * A page that has its dialogs still (its network changed) goes on with them, as ever: call/callmid. One that has none says so in
 * REGISTER (`X-Dngate-Calls: none`, sip/registrar): the call that ran on its session gets a new dialog there, by an INVITE of
 * ours with
 *
 *   X-Dngate-Rebind: yes;answered=SECONDS;direction=in|out[;held]
 *
 * which the page answers without a click; one that shows its agent's hold says `X-Dngate-Rebind: held` in the answer, and its next re-INVITE is the
 * one that counts; else the hold is over. The path stays; ICE credentials are new, and so is the DTLS association. The old dialog
 * is ended without a word to anybody but its page. A call that rings (inbound) rings anew. One that the agent still dials ends.
 *
 * Who may get a call: the session it ran on, which only the DN's password together with the same +sip.instance comes back to; or, when the
 * REGISTER asks for it (`X-Dngate-Take-Over: calls`), another page that proves the DN's password. The old page gets BYE.
 */
#ifndef CALL_CALLREBIND_H
#define CALL_CALLREBIND_H

#include <re.h>
#include <stdbool.h>
#include <stdint.h>

struct binding;
struct call;
struct calls;
struct leg;

enum rebind_state {
    REBIND_HOME,
    REBIND_AWAY,
    REBIND_CALLING, /* our INVITE is with the page */
    REBIND_JOINING  /* it answered; there is no audio yet */
};

struct call_rebind {
    uint8_t state;    /* enum rebind_state */
    uint64_t away_ms; /* monotonic: since when nothing is heard of the page, nor from its microphone */
    uint64_t packets; /* of the browser's audio, when that was looked at last */
    struct tmr tmr;
};

/* The connection of its leg has gone. */
void call_rebind_lost(struct call *c);
/* A page has signed in: moves the calls of its session there, or, when it has no dialogs, calls it anew. */
void call_rebind_signed_in(struct calls *cs, const struct binding *b);
/* Its page is back with the dialog that it had. */
void call_rebind_home(struct call *c);
/* The audio to the browser is encrypted: it is back. */
void call_rebind_joined(struct call *c);
/* The call ends. */
void call_rebind_over(struct call *c);
/* It waits for its page: silence of the browser is to be expected, and requests do not reach it. */
bool call_rebind_waits(const struct call *c);
/* Its leg has somebody at the other end. */
bool call_rebind_reached(const struct call *c);
/* For so many seconds; 0: it does not wait. */
uint32_t call_rebind_seconds(const struct call *c);

#endif

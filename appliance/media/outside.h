/*
 * media/outside: what a worker's UDP port says besides calls: it asks STUN servers outside what they see of it, and answers the doctor's
 * Binding requests (stun/doctor). Both go by id 0, which is no path's: at the head of a transaction id, or of a user name.
 *
 * Who is asked is remembered until a response with the request's transaction id comes from that address, or others have taken its place;
 * whatever else comes is nobody's. Owner: the worker thread. Private to media/.
 */
#ifndef MEDIA_OUTSIDE_H
#define MEDIA_OUTSIDE_H

#include "stun/doctor.h"
#include "stun/seen.h"
#include "stun/stun.h"

enum { OUTSIDE_ASKED_MAX = 16, OUTSIDE_MSG_MAX = 128 };

struct outside_asked {
    struct addr server;
    uint8_t tid[STUN_TID_LEN];
};

struct media_outside {
    uint8_t doctor[STUN_DOCTOR_KEY_LEN]; /* all 0: nobody is answered */
    struct outside_asked asked[OUTSIDE_ASKED_MAX];
    size_t next;
};

/* The request for the server, OUTSIDE_MSG_MAX bytes of room; returns its length. Once more with the same id is a repetition. */
size_t media_outside_ask(struct media_outside *o, const struct outside_asked *ask, uint8_t *room);
/* A response: false when nobody asked for it. */
bool media_outside_seen(struct media_outside *o, const struct stun_view *m, const struct addr *src,
                        struct stun_seen *seen);
/* The answer to a request, OUTSIDE_MSG_MAX bytes of room; 0: it is not the doctor's. */
size_t media_outside_reply(const struct media_outside *o, const struct stun_view *m, const struct addr *src,
                           uint8_t *room);

#endif

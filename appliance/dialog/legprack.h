/*
 * dialog/legprack: provisional responses that must arrive (RFC 3262), on both sides. Ours are reliable only where the INVITE requires 100rel.
 *
 *   server   18x with RSeq goes again after T1, 2 T1, 4 T1 … until its PRACK; none within 64 T1: 504, and the leg is lost. One at a time: what
 *            comes meanwhile is not said. An INVITE without SDP has our offer in the first one, and its PRACK the answer (RFC 3262 5);
 *            a 2xx waits for that PRACK.
 *   client   each new 18x with RSeq gets its PRACK; those that come again, or before their turn, are nobody's business (RFC 3262 4)
 *
 * For the files of dialog/ only. Owner: signalling thread.
 */
#ifndef DIALOG_LEGPRACK_H
#define DIALOG_LEGPRACK_H

#include "dialog/legpriv.h"

/* Server: this INVITE wants them reliable; from leg_accept(). ENOMEM. */
int leg_rel_begin(struct leg *leg, const struct sip_msg *msg);
/* Sends one; hdrs and sdp as leg_progress() has them. EAGAIN: the one before still waits for its PRACK. */
int leg_rel_progress(struct leg *leg, uint16_t code, const char *phrase, const char *hdrs, const char *sdp);
/* True: the 2xx has been put aside until the PRACK comes. Else nothing is sent again from now on. */
bool leg_rel_answer(struct leg *leg, const char *hdrs, const char *sdp);
/* A PRACK came; answers it. */
void leg_rel_prack(struct leg *leg, const struct sip_msg *msg);

/* Client: whether this 18x counts; sends its PRACK. */
enum leg_rel { LEG_REL_NONE, LEG_REL_NEW, LEG_REL_OLD };
enum leg_rel leg_rel_take(struct leg *leg, const struct sip_msg *msg);

#endif

/* dialog/leginvite: the INVITE of ours that opens a dialog (RFC 3261 13.2). For the files of dialog/ only. */
#ifndef DIALOG_LEGINVITE_H
#define DIALOG_LEGINVITE_H

#include "dialog/legpriv.h"

/* Once; nothing when it is answered already. */
int leg_send_cancel(struct leg *leg);
/* The INVITE goes no more. leg_given_up() undoes what still comes of it: CANCEL, ACK, or ACK and BYE. */
void leg_give_up(struct leg *leg);
void leg_given_up(struct leg *leg, const struct sip_msg *msg);
/* A 2xx to our INVITE from another branch of a fork: ACK and BYE. */
void leg_refuse_fork(struct leg *leg, const struct sip_msg *msg);

#endif

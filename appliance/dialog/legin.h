/* dialog/legin: what libre shows of incoming messages; arg is struct legs. For the files of dialog/ only. */
#ifndef DIALOG_LEGIN_H
#define DIALOG_LEGIN_H

#include "dialog/legpriv.h"

bool leg_cancel_seen(const struct sip_msg *msg, void *arg);
bool leg_request_h(const struct sip_msg *msg, void *arg);
bool leg_response_h(const struct sip_msg *msg, void *arg);

#endif

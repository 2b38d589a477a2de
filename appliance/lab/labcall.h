/*
 * lab/labcall: the lab SIP Server's calls: what a dialled number does, calls back to a DN, and agent-to-agent calls.
 * Owner: the lab thread.
 */
#ifndef LAB_LABCALL_H
#define LAB_LABCALL_H

#include <re.h>

struct labua {
    struct sip *sip;
    struct sipsess_sock *sock;
    struct sip_lsnr *lsnr;
    struct sa laddr;   /* where we listen */
    struct sa gateway; /* where the gateway listens */
    struct list calls;
    struct list callbacks; /* promised, not yet started */
    bool closing;
};

/* sipsess_conn_h: an INVITE from the gateway. */
void labcall_invite_h(const struct sip_msg *msg, void *arg);
/* Ends all calls. */
void labcall_flush(struct labua *ua);

#endif

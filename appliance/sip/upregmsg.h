/*
 * sip/upregmsg: one REGISTER towards SIP Server (RFC 3261 10.2), and what its answer says. Owner: signalling thread.
 */
#ifndef SIP_UPREGMSG_H
#define SIP_UPREGMSG_H

#include "core/addr.h"
#include <re.h>

struct authclient;
struct sip_stack;

enum { UPREG_CALLID_LEN = 33 };

struct upregmsg {          /* what is sent; all of it is copied */
    const char *dn, *host; /* of the address of record */
    const struct addr *to, *self;
    int transport; /* 0 udp, 1 tcp, 2 tls */
    const char *callid;
    uint32_t cseq, expires;
    struct authclient *auth; /* NULL: nothing was asked for yet */
};

/* h gets each answer, and an error when there is none; *req is NULL then. */
int upregmsg_send(struct sip_request **req, struct sip_stack *st, const struct upregmsg *m, sip_resp_h *h,
                  void *arg);

struct upreganswer {
    uint32_t expires;     /* granted to our Contact; 0 = none */
    uint32_t min_expires; /* 423; 0 = it does not say */
    uint32_t retry_after; /* seconds; 0 = it does not say */
};
/* self: our address as it stood in the Contact; asked: what holds when the answer names our Contact without a time, or no Contact at all. */
void upreganswer_read(struct upreganswer *a, const struct sip_msg *msg, const struct addr *self,
                      uint32_t asked);
/* The code in words: "SIP Server does not know the DN". */
const char *upreganswer_words(uint16_t code);

#endif

/*
 * dialog/legterms: the terms of a session timer as the two sides put them into headers (RFC 4028 4, 5, 7-9). For the files of
 * dialog/ only. Owner: signalling thread.
 */
#ifndef DIALOG_LEGTERMS_H
#define DIALOG_LEGTERMS_H

#include <re.h>
#include <stdbool.h>
#include <stdint.h>

struct leg;

enum { LEG_SE_MIN = 90, LEG_SE_MAX = 7200 };

struct leg_terms {
    uint32_t expires; /* seconds; 0 = none */
    uint32_t min;     /* the peer's Min-SE; 0 = it named none */
    bool we_refresh;
    bool peer_can; /* it said `Supported: timer` in the request that we answer */
};

/* Takes the terms of an INVITE or UPDATE of the peer; false: 422 was answered. */
bool leg_terms_asked(struct leg *leg, const struct sip_msg *msg);
/* That request was refused: what held before it holds. */
void leg_terms_restore(struct leg *leg);
/* Takes the terms of a 2xx to an INVITE or UPDATE of ours. */
void leg_terms_agreed(struct leg *leg, const struct sip_msg *msg);
/* A 422 came: takes its Min-SE for the next try. False: it asks for nothing that we have not offered. */
bool leg_terms_raise(struct leg *leg, const struct sip_msg *msg);
/* Header lines: of a 2xx of ours, and of an INVITE or UPDATE of ours. */
int leg_terms_print(struct re_printf *pf, const struct leg *leg);
int leg_terms_print_request(struct re_printf *pf, const struct leg *leg);

#endif

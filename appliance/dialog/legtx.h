/* dialog/legtx: client transactions of a leg, over libre's. For the files of dialog/ only. */
#ifndef DIALOG_LEGTX_H
#define DIALOG_LEGTX_H

#include "dialog/legpriv.h"

enum { LEG_TXS_MAX = 32, LEG_RAISES_MAX = 4 };

struct leg_tx { /* a client transaction of a leg */
    struct le le;
    struct leg *leg;
    struct sip_ctrans *ct;
    struct sip_dialog *dlg;
    char *met, *branch;
    struct mbuf *tail; /* headers and body after the dialog's */
    struct mbuf *sent; /* the whole request */
    sip_resp_h *resph;
    void *arg;
    void *owned;     /* dropped with the transaction: who asked for it; NULL: we did */
    bool retried[2]; /* after a 401, after a 407 */
    unsigned raised; /* times that a 422 made it ask for a longer session */
};

/* Headers of ours, hdrs (whole lines) and a body (NULL: none): what a request has after the dialog's own headers. */
int leg_tail(struct mbuf **mbp, const struct leg *leg, const char *hdrs, const char *ctype, const char *body);
/* Sends it, again with credentials after 401 and 407 and for a longer session after 422. EINVAL: no dialog; ENOSPC. */
int leg_tx_send(struct leg *leg, struct sip_dialog *dlg, const char *met, struct mbuf *tail,
                sip_resp_h *resph, void *arg, struct leg_tx **txp);
/* A request to the address, and with the branch, of another that we sent: its CANCEL or ACK (RFC 3261 9.1, 17.1.1.3). */
int leg_tx_hop(struct leg *leg, const struct leg_tx *tx, const char *met, const struct pl *to);
/* ACK of a 2xx; keep: to be sent again when the 2xx is. */
void leg_send_ack(struct leg *leg, struct sip_dialog *dlg, uint32_t cseq, bool keep);
/* The leg is dead then, with the BYE under way. */
int leg_bye(struct leg *leg);

#endif

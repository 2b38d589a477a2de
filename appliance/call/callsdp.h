/* call/callsdp: what a call says and hears in SDP, and what the media path is told of it. Owner: signalling thread. For the files of call/ only. */
#ifndef CALL_CALLSDP_H
#define CALL_CALLSDP_H

#include "call/call.h"

struct call_refusal { /* what an INVITE or a request within a dialog is refused with */
    uint16_t code;
    const char *phrase;
    char hdrs[192];
};

enum media_codec call_want(const struct call *c); /* what the DN's setting wants the browser to speak */
/* Which of the trunk's codecs comes first for it, whatever the trunk's order: then nothing has to be transcoded. MEDIA_NONE: its order counts. */
enum media_codec call_first(const struct call *c);
/* The trunk's codecs and packets as its setting has them; peer NULL: the usual ones. */
void call_order(struct call *c, const struct trunk_peer *peer);
int call_trunk_offer(struct call *c, char **sdp);
/* Takes the trunk's description and tells the media; answer: to an offer of ours. The errors of sip/body and call/sdp: ENOENT: no SDP. */
int call_trunk_take(struct call *c, const struct sip_msg *msg, bool answer, struct sdp *out);
int call_trunk_answer(struct call *c, const struct sdp *offer, char **sdp);
int call_agent_offer(struct call *c, uint64_t ws_conn, char **sdp); /* to this browser */
/* Reads the browser's description, with the same errors; call_agent_take() then tells the media. */
int call_agent_read(const struct call *c, const struct sip_msg *msg, bool offer, struct sdp *s);
int call_agent_take(struct call *c, const struct sdp *s, enum media_codec want, bool offer);
/* Where a browser finds us: best first, the address that fits it best, the others that we are known by, the one that it reached us at on
 * this connection, the machine's others that we listen on. */
void call_cands(const struct calls *cs, const struct media_local *own, uint64_t ws_conn,
                struct sdp_ice_own *ice);
int call_agent_answer(struct call *c, const struct sdp *offer, char **sdp);

/* What there is to say about a description, or a body, that cannot be served, by the error: 488 with Warning, 415 … */
void call_refusal(struct call_refusal *r, int err);
/* What call_refusal() makes of err, as the answer to a request within a dialog. */
void call_refuse(struct leg *leg, const struct sip_msg *msg, int err);

#endif

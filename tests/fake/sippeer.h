/*
 * fake/sippeer: one end of SIP dialogs for tests, as plain text: says what the test tells it to, and waits for what it must hear.
 * Its transport is a pair of functions: fake/trunk (UDP) and fake/wsagent (WebSocket) are made of it. One thread.
 */
#ifndef FAKE_SIPPEER_H
#define FAKE_SIPPEER_H

#include <stdbool.h>
#include <stddef.h>

enum { SIPPEER_MSG_MAX = 16384, SIPPEER_MS = 5000 };

struct sipmsg {
    char text[SIPPEER_MSG_MAX];
    size_t len;
};

struct sippeer {
    int (*send)(struct sippeer *p, const char *text, size_t len);
    /* 0, or ETIMEDOUT */
    int (*recv)(struct sippeer *p, struct sipmsg *m, int ms);
    const char *via; /* transport name: "UDP", "WS" */
    char host[64];   /* of Via and Contact */
    char user[64];
    char tag[24];          /* To-tag of all its answers */
    char uri_params[24];   /* of its Contact */
    const char *from, *to; /* of its INVITEs, without tag; NULL: "Peer" with its user, and the request URI */
    const char *ctype;     /* of the bodies of its INVITEs, ACKs and answers; NULL = application/sdp */
    unsigned cseq, branch;
};

/* A dialog as this peer sees it. */
struct sipdlg {
    char callid[128], local[256], remote[256], target[256];
    unsigned cseq;
    unsigned invite_cseq;
    char branch[64];
};

/* First header of that name, "" when absent; buf is returned. */
const char *sipmsg_hdr(const struct sipmsg *m, const char *name, char *buf, size_t sz);
bool sipmsg_has(const struct sipmsg *m, const char *text);
int sipmsg_code(const struct sipmsg *m); /* 0 = a request */
const char *sipmsg_body(const struct sipmsg *m);

/*
 * Waits for a message that is `what`: a code ("180", or "180 BYE" when it must answer that method) or a method. Others are passed over;
 * the gateway's OPTIONS are answered. False after ms (0 = 5 s).
 */
bool sippeer_expect(struct sippeer *p, struct sipmsg *m, const char *what, int ms);
/*
 * What the gateway sent before it read what we sent last is passed over: we ask something in the confirmed dialog d and wait for the
 * answer. For where a repeated message would be taken for a new one.
 */
bool sippeer_caught_up(struct sippeer *p, struct sipdlg *d);
/* Nothing like `what` may come within ms. */
bool sippeer_hears_no(struct sippeer *p, const char *what, int ms);

/* Answers a request; hdrs: whole lines; sdp NULL = none. */
void sippeer_reply(struct sippeer *p, const struct sipmsg *req, int code, const char *phrase,
                   const char *hdrs, const char *sdp);
/* The dialog of an INVITE that came, answered with our tag. */
void sipdlg_of_invite(struct sipdlg *d, const struct sippeer *p, const struct sipmsg *invite);
/* Sends the INVITE of a new dialog; to: URI. */
void sippeer_invite(struct sippeer *p, struct sipdlg *d, const char *to, const char *hdrs, const char *sdp);
/* Takes To-tag and Contact of an answer to our INVITE. */
void sipdlg_take(struct sipdlg *d, const struct sipmsg *resp);
void sippeer_ack(struct sippeer *p, struct sipdlg *d, const char *sdp);
/* ACK of a failure, on the INVITE's branch. */
void sippeer_ack_failure(struct sippeer *p, struct sipdlg *d, const struct sipmsg *resp, const char *ruri);
void sippeer_cancel(struct sippeer *p, struct sipdlg *d, const char *ruri, const char *hdrs);
void sippeer_request(struct sippeer *p, struct sipdlg *d, const char *method, const char *hdrs,
                     const char *ctype, const char *body);

#endif

/*
 * web/request: serves a connection's requests: who may ask, what it asks for, its body, the answer's coming, the next one. WEB thread.
 */
#ifndef WEB_REQUEST_H
#define WEB_REQUEST_H

#include "web/conn.h"

/* A whole head is in c->in. */
void request_begin(struct conn *c);
/* Bytes of the body; how many were taken. */
size_t request_body(struct conn *c, const uint8_t *p, size_t n);
/* A handler has returned, an answer or a delay's end has come: what is next? */
void request_go_on(struct conn *c);
/* All that was queued of the answer is sent. False: close. */
bool request_sent(struct conn *c);

#endif

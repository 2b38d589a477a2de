/*
 * web/answer: queues what goes back on a connection: errors in the form that fits the path, pages, handlers' answers, whole or piece by
 * piece; and the line of the access log. WEB thread.
 */
#ifndef WEB_ANSWER_H
#define WEB_ANSWER_H

#include "web/conn.h"

struct www_file;

/* extra = further header lines or ""; detail NULL = the usual words. */
void answer_error(struct conn *c, int status, const char *extra, const char *detail);
/* The same where the framing of what follows cannot be trusted: and close. */
void answer_refuse(struct conn *c, int status);
void answer_page(struct conn *c, const struct www_file *f);
/* Another place for the same request. */
void answer_redirect(struct conn *c, const char *location);
/* What the handler wrote into c->x. */
void answer_exchange(struct conn *c);
/* The piece that is in c->x, or the end of the answer. */
void answer_piece(struct conn *c);
/* One line per request. */
void answer_log(struct conn *c);

#endif

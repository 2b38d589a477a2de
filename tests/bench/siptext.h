/* bench/siptext: just enough of SIP's text for both ends of the bench, which meet a well-behaved peer only. */
#ifndef BENCH_SIPTEXT_H
#define BENCH_SIPTEXT_H

#include "core/buf.h"
#include <stdbool.h>
#include <stddef.h>

enum { SIP_VALUE_MAX = 1024 };

struct siptext {
    const char *p;   /* a whole message, 0-terminated */
    int status;      /* of a response; 0 = request */
    char method[16]; /* of a request, else of the CSeq */
    char uri[256];
    const char *body;
};

bool siptext_read(struct siptext *m, const char *p);
/* The n-th header of this name (both as written in RFC 3261's long form); false when there is none. */
bool siptext_header(const struct siptext *m, const char *name, unsigned n, char *value, size_t sz);
/* name="value" or name=value out of a header's value. */
bool siptext_param(const char *value, const char *name, char *out, size_t sz);
/* The URI between < and >. */
bool siptext_bracket(const char *value, char *out, size_t sz);
/* Copies every header of this name to out, as a response must. */
void siptext_copy(struct buf *out, const struct siptext *m, const char *name);
/* Authorization for a challenge, with MD5 and qop=auth; false when the challenge cannot be met. */
bool siptext_authorize(struct buf *out, const struct siptext *challenge, const char *user,
                       const char *password, const char *method, const char *uri);

#endif

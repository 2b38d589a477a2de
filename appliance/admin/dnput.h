/* admin/dnput: what the tables of dns.c and dnmany.c share. */
#ifndef ADMIN_DNPUT_H
#define ADMIN_DNPUT_H

#include "admin/api.h"
#include "service/dn.h"

#define DN_CODECS "auto|opus|pcmu|pcma"
/* Of a DN that is to be made or changed. */
#define DN_BODY_VALUES                                                                                       \
    {.name = "codec", .type = API_TEXT, .choices = DN_CODECS, .help = "What the browser's side prefers."},   \
        {.name = "enabled", .type = API_BOOL, .help = "It may register and call."},                          \
        {.name = "auto_answer",                                                                              \
         .type = API_BOOL,                                                                                   \
         .help = "The page answers each call by itself, after a beep to the agent."},                        \
    {                                                                                                        \
        .name = "call_limit", .type = API_INT, .max = DN_CALL_LIMIT_MAX,                                     \
        .help = "Most calls at a time; 0: as call.limit_per_dn says."                                        \
    }

/* Its members, without braces. */
void dnput_dn(struct buf *out, const struct dn *d);
/* The body's values into what is there; what it does not name stays. */
void dnput_read(const struct json_val *body, enum dn_codec *codec, bool *enabled, bool *auto_answer,
                uint32_t *call_limit);

#endif

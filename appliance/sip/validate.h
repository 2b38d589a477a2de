/*
 * sip/validate: looks at every message before libre does, on every transport, because libre takes requests without From, To, Call-ID
 * or CSeq and believes any Content-Length. No allocation, no state, any thread (the counters are atomic). RFC 3261 7, 8.1.1, 18.3,
 * 20; RFC 4475 has the torture tests that shaped it.
 *
 * Refused rather than repaired: bare CR or LF, control characters, duplicates. Folded lines are joined first (sip_unfold), so that
 * nobody behind it meets one. Accepted because Genesys sends it: From and To without angle brackets, Via without rport, no
 * Max-Forwards.
 */
#ifndef SIP_VALIDATE_H
#define SIP_VALIDATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SIP_MESSAGE_MAX = 65535, SIP_HEADERS_MAX = 128, SIP_LINE_MAX = 8192 };

enum sip_verdict {
    SIP_MSG_OK,
    SIP_MSG_DROP, /* not even an error answer can be trusted to reach its sender */
    SIP_MSG_REJECT, /* a request whose Via, From, To, Call-ID and CSeq are usable: answer 400, or 505, with the reason's words */
};

/* id, label of dngate_sip_dropped_total{reason=…}, words of the 400 (NULL: always dropped) */
#define SIP_REASONS(X)                                                                                       \
    X(TOO_LARGE, "too_large", NULL)                                                                          \
    X(START_LINE, "start_line", NULL)                                                                        \
    X(LINE_LENGTH, "line_length", NULL)                                                                      \
    X(LINE_END, "line_end", NULL)                                                                            \
    X(CONTROL, "control_character", NULL)                                                                    \
    X(HEADER_SYNTAX, "header_syntax", NULL)                                                                  \
    X(HEADER_COUNT, "header_count", NULL)                                                                    \
    X(NO_VIA, "no_via", NULL)                                                                                \
    X(NO_FROM, "no_from", NULL)                                                                              \
    X(NO_TO, "no_to", NULL)                                                                                  \
    X(NO_CALL_ID, "no_call_id", NULL)                                                                        \
    X(NO_CSEQ, "no_cseq", NULL)                                                                              \
    X(BAD_VIA, "bad_via", NULL)                                                                              \
    X(BAD_CSEQ, "bad_cseq", NULL)                                                                            \
    X(BAD_CALL_ID, "bad_call_id", NULL)                                                                      \
    X(DUPLICATE, "duplicate_header", NULL)                                                                   \
    X(DUPLICATE_OTHER, "duplicate_length", "Duplicate Header")                                               \
    X(FOLDED, "folded_start_line", "Folded Start Line")                                                      \
    X(CSEQ_METHOD, "cseq_method", "CSeq Method Does Not Match")                                              \
    X(VERSION, "version", "Version Not Supported")                                                           \
    X(FROM_TAG, "from_tag", "Missing From Tag")                                                              \
    X(TO_TAG, "to_tag", "Empty To Tag")                                                                      \
    X(MAX_FORWARDS, "max_forwards", "Bad Max-Forwards")                                                      \
    X(CONTENT_LENGTH, "content_length", "Bad Content-Length")                                                \
    X(CONTENT_MISSING, "content_missing", "Content-Length Larger Than The Message")                          \
    X(RECORD_ROUTE, "record_route", "Record-Route From A User Agent")                                        \
    X(DECODE, "decode", "Malformed Message")                                                                 \
    X(UNKNOWN_SOURCE, "unknown_source", NULL)                                                                \
    X(BANNED, "banned_source", NULL)                                                                         \
    X(CONN_LIMIT, "connection_limit", NULL)                                                                  \
    X(UNMATCHED, "unmatched_response", NULL)

enum sip_reason {
    SIP_REASON_NONE,
#define SIP_REASON_ENUM(id, label, words) SIP_REASON_##id,
    SIP_REASONS(SIP_REASON_ENUM)
#undef SIP_REASON_ENUM
        SIP_REASON_COUNT
};

enum sip_carrier { SIP_DATAGRAM, SIP_STREAM, SIP_WEBSOCKET };

struct sip_check {
    enum sip_verdict verdict;
    enum sip_reason reason;
    bool request;
    size_t start_len; /* start line with its CRLF */
    size_t head_len;  /* start line, headers and the empty line */
    size_t len;       /* the whole message: head and body; what follows in a datagram is not part of it */
};

/*
 * Joins the folded header lines of a head in place (RFC 3261 7.3.1): CRLF before a blank becomes two blanks, so that the length stays.
 * What follows the empty line is left alone, and the start line, which cannot be folded.
 */
void sip_unfold(void *p, size_t len);

void sip_validate(struct sip_check *c, const void *p, size_t len, enum sip_carrier carrier);

/* Where the first message of a stream, unfolded, ends. 0 and *len; EAGAIN: more bytes are needed; EBADMSG, EMSGSIZE: close the stream. */
int sip_stream_frame(const void *p, size_t n, size_t *len);

const char *sip_reason_label(enum sip_reason r);
const char *sip_reason_words(enum sip_reason r); /* NULL: never answered */
/* Counts it in dngate_sip_dropped_total. */
void sip_reason_count(enum sip_reason r);

#endif

/* What is let through to libre, what gets a 400 and what nothing: one table, each row on every carrier. */
#include "testing.h"

#include "sip/validate.h"

#include <errno.h>

#define LINE "INVITE sip:5001@192.0.2.1 SIP/2.0\r\n"
#define VIA "Via: SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bK1\r\n"
#define FROM "From: <sip:1003@192.0.2.9>;tag=a\r\n"
#define TO "To: <sip:5001@192.0.2.1>\r\n"
#define CALL_ID "Call-ID: 1@192.0.2.9\r\n"
#define CSEQ "CSeq: 1 INVITE\r\n"
#define LEN "Content-Length: 0\r\n"
#define BASE VIA FROM TO CALL_ID CSEQ
#define STATUS "SIP/2.0 200 OK\r\n"

static const struct row {
    const char *text;
    enum sip_reason reason;
    enum sip_verdict verdict;
} rows[] = {
    {LINE BASE LEN "\r\n", SIP_REASON_NONE, SIP_MSG_OK},
    {STATUS BASE LEN "\r\n", SIP_REASON_NONE, SIP_MSG_OK},
    /* the forms that Genesys SIP Server and JsSIP send */
    {LINE "Via: SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bK0AF-1\r\nFrom: "
          "sip:1003@192.0.2.9:5060;tag=6A-0\r\nTo: sip:5001@192.0.2.1:5060\r\n" CALL_ID CSEQ LEN "\r\n",
     SIP_REASON_NONE, SIP_MSG_OK},
    {LINE "v: SIP/2.0/WSS x.invalid;branch=z9hG4bK7\r\nf: \"A;tag=no\" <sip:5001@h;x=y>;tag=q\r\nt: "
          "<sip:600@h>\r\ni: abc\r\n" CSEQ "l: 0\r\n\r\n",
     SIP_REASON_NONE, SIP_MSG_OK},
    {LINE BASE LEN "X-Genesys-CallUUID: 00JQ\r\nMax-Forwards: 0\r\nSubject: caf\xc3\xa9\t!\r\n\r\n",
     SIP_REASON_NONE, SIP_MSG_OK},
    {"SIP/2.0 180\r\n" BASE LEN "\r\n", SIP_REASON_NONE, SIP_MSG_OK},

    {"", SIP_REASON_LINE_END, SIP_MSG_DROP},
    {"INVITE\r\n" BASE LEN "\r\n", SIP_REASON_START_LINE, SIP_MSG_DROP},
    {"INVITE  SIP/2.0\r\n" BASE LEN "\r\n", SIP_REASON_START_LINE, SIP_MSG_DROP},
    {"INVITE sip:a b SIP/2.0\r\n" BASE LEN "\r\n", SIP_REASON_START_LINE, SIP_MSG_DROP},
    {"INVITE sip:a SIP/3.0\r\n" BASE LEN "\r\n", SIP_REASON_VERSION, SIP_MSG_REJECT},
    {"INVITE sip:a sip/7.10\r\n" BASE LEN "\r\n", SIP_REASON_VERSION, SIP_MSG_REJECT},
    {"ACK sip:a SIP/7.0\r\n" BASE LEN "\r\n", SIP_REASON_VERSION, SIP_MSG_DROP},
    {"INVITE sip:a SIP/2.\r\n" BASE LEN "\r\n", SIP_REASON_START_LINE, SIP_MSG_DROP},
    {"INVITE sip:a SIP/2\r\n" BASE LEN "\r\n", SIP_REASON_START_LINE, SIP_MSG_DROP},
    {"INVITE sip:a SIP2.0\r\n" BASE LEN "\r\n", SIP_REASON_START_LINE, SIP_MSG_DROP},
    {"INV(TE sip:a SIP/2.0\r\n" BASE LEN "\r\n", SIP_REASON_START_LINE, SIP_MSG_DROP},
    {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", SIP_REASON_START_LINE, SIP_MSG_DROP},
    {"SIP/2.0 2x0 OK\r\n" BASE LEN "\r\n", SIP_REASON_START_LINE, SIP_MSG_DROP},
    {"SIP/2.0 999 OK\r\n" BASE LEN "\r\n", SIP_REASON_START_LINE, SIP_MSG_DROP},
    {"SIP/2.0 2000 OK\r\n" BASE LEN "\r\n", SIP_REASON_START_LINE, SIP_MSG_DROP},
    {LINE FROM TO CALL_ID CSEQ LEN "\r\n", SIP_REASON_NO_VIA, SIP_MSG_DROP},
    {LINE VIA TO CALL_ID CSEQ LEN "\r\n", SIP_REASON_NO_FROM, SIP_MSG_DROP},
    {LINE VIA FROM CALL_ID CSEQ LEN "\r\n", SIP_REASON_NO_TO, SIP_MSG_DROP},
    {LINE VIA FROM TO CSEQ LEN "\r\n", SIP_REASON_NO_CALL_ID, SIP_MSG_DROP},
    {LINE VIA FROM TO "Call-ID:\r\n" CSEQ LEN "\r\n", SIP_REASON_NO_CALL_ID, SIP_MSG_DROP},
    {LINE VIA FROM TO CALL_ID LEN "\r\n", SIP_REASON_NO_CSEQ, SIP_MSG_DROP},
    {STATUS VIA FROM TO CALL_ID LEN "\r\n", SIP_REASON_NO_CSEQ, SIP_MSG_DROP},
    {LINE "Via: SIP/2.0/UDP 192.0.2.9\r\n" FROM TO CALL_ID CSEQ LEN "\r\n", SIP_REASON_BAD_VIA, SIP_MSG_DROP},
    {LINE "Via: SIP/2.0/UDP 192.0.2.9;branch=\r\n" FROM TO CALL_ID CSEQ LEN "\r\n", SIP_REASON_BAD_VIA,
     SIP_MSG_DROP},
    {LINE "Via: HTTP/1.1 192.0.2.9;branch=z9hG4bK\r\n" FROM TO CALL_ID CSEQ LEN "\r\n", SIP_REASON_BAD_VIA,
     SIP_MSG_DROP},
    {LINE VIA FROM TO "Call-ID: a b\r\n" CSEQ LEN "\r\n", SIP_REASON_BAD_CALL_ID, SIP_MSG_DROP},
    {LINE VIA FROM TO CALL_ID "CSeq: INVITE\r\n" LEN "\r\n", SIP_REASON_BAD_CSEQ, SIP_MSG_DROP},
    {LINE VIA FROM TO CALL_ID "CSeq: 4294967296 INVITE\r\n" LEN "\r\n", SIP_REASON_BAD_CSEQ, SIP_MSG_DROP},
    {LINE VIA FROM TO CALL_ID "CSeq: -1 INVITE\r\n" LEN "\r\n", SIP_REASON_BAD_CSEQ, SIP_MSG_DROP},
    {LINE VIA FROM TO CALL_ID "CSeq: 1 BYE\r\n" LEN "\r\n", SIP_REASON_CSEQ_METHOD, SIP_MSG_REJECT},
    {"ACK sip:a SIP/2.0\r\n" BASE LEN "\r\n", SIP_REASON_CSEQ_METHOD, SIP_MSG_DROP},
    {LINE VIA "From: <sip:1003@192.0.2.9>\r\n" TO CALL_ID CSEQ LEN "\r\n", SIP_REASON_FROM_TAG,
     SIP_MSG_REJECT},
    {LINE VIA "From: <sip:1003@192.0.2.9;tag=in-uri>\r\n" TO CALL_ID CSEQ LEN "\r\n", SIP_REASON_FROM_TAG,
     SIP_MSG_REJECT},
    {LINE VIA FROM "To: <sip:5001@h>;tag=\r\n" CALL_ID CSEQ LEN "\r\n", SIP_REASON_TO_TAG, SIP_MSG_REJECT},
    {LINE BASE LEN "Max-Forwards: 256\r\n\r\n", SIP_REASON_MAX_FORWARDS, SIP_MSG_REJECT},
    {LINE BASE LEN "Max-Forwards: seventy\r\n\r\n", SIP_REASON_MAX_FORWARDS, SIP_MSG_REJECT},
    {LINE BASE "Content-Length: -1\r\n\r\n", SIP_REASON_CONTENT_LENGTH, SIP_MSG_REJECT},
    {LINE BASE "Content-Length: 0x10\r\n\r\n", SIP_REASON_CONTENT_LENGTH, SIP_MSG_REJECT},
    {LINE BASE "Content-Length: 18446744073709551617\r\n\r\n", SIP_REASON_CONTENT_LENGTH, SIP_MSG_REJECT},
    {LINE BASE "Content-Length:\r\n\r\n", SIP_REASON_CONTENT_LENGTH, SIP_MSG_REJECT},
    {STATUS BASE "Content-Length: -1\r\n\r\n", SIP_REASON_CONTENT_LENGTH, SIP_MSG_DROP},
    {LINE BASE "Content-Length: 10\r\n\r\nshort", SIP_REASON_CONTENT_MISSING, SIP_MSG_REJECT},
    {LINE BASE LEN "Content-Length: 0\r\n\r\n", SIP_REASON_DUPLICATE_OTHER, SIP_MSG_REJECT},
    {LINE BASE LEN "l: 0\r\n\r\n", SIP_REASON_DUPLICATE_OTHER, SIP_MSG_REJECT},
    {LINE BASE FROM LEN "\r\n", SIP_REASON_DUPLICATE, SIP_MSG_DROP},
    {LINE BASE "t: <sip:other@h>\r\n" LEN "\r\n", SIP_REASON_DUPLICATE, SIP_MSG_DROP},
    {LINE BASE CSEQ LEN "\r\n", SIP_REASON_DUPLICATE, SIP_MSG_DROP},
    /* folded lines are joined, in the headers that are read here, too; the start line cannot be folded */
    {LINE BASE "Subject: a\r\n b\r\n" LEN "\r\n", SIP_REASON_NONE, SIP_MSG_OK},
    {LINE BASE "Subject:\r\n\tb\r\n \r\n  c\r\n" LEN "\r\n", SIP_REASON_NONE, SIP_MSG_OK},
    {STATUS "Via:\r\n SIP/2.0\r\n /UDP\r\n\t192.0.2.9:5060\r\n ;\r\n branch\r\n =\r\n z9hG4bK1\r\n"
            "From:\r\n <sip:1003@192.0.2.9>\r\n ;tag=a\r\nTo\t:\r\n <sip:5001@192.0.2.1>\r\n"
            "Call-ID:\r\n 1@192.0.2.9\r\nCSeq: 1\r\n\tINVITE\r\nContent-Length:\r\n 0\r\n\r\n",
     SIP_REASON_NONE, SIP_MSG_OK},
    {"INVITE sip:5001@192.0.2.1\r\n SIP/2.0\r\n" BASE LEN "\r\n", SIP_REASON_START_LINE, SIP_MSG_DROP},
    {"INVITE sip:5001@192.0.2.1 SIP/2.0\r\n \r\n" BASE LEN "\r\n", SIP_REASON_FOLDED, SIP_MSG_REJECT},
    {"SIP/2.0 200\r\n OK\r\n" BASE LEN "\r\n", SIP_REASON_FOLDED, SIP_MSG_DROP},
    /* blanks where the grammar has them, names and the version in any case */
    {"INVITE sip:a sip/2.0\r\n" BASE LEN "\r\n", SIP_REASON_NONE, SIP_MSG_OK},
    {LINE "VIA : sip / 2.0 / udp [2001:db8::9] : 5060 ; Branch = z9hG4bK1 ; rport\r\n"
          "from\t: <sip:1003@h> ; TAG = a\r\n" TO CALL_ID "CSeq : 1\tINVITE\r\n" LEN "\r\n",
     SIP_REASON_NONE, SIP_MSG_OK},
    {LINE "Via: SIP/2.0/X.25-new!  host.example  ;branch=b, SIP/2.0/SCTP other;branch=c\r\n" FROM TO CALL_ID
         CSEQ LEN "\r\n",
     SIP_REASON_NONE, SIP_MSG_OK},
    {LINE "Via: SIP/2.0/UDP;branch=z9hG4bK1\r\n" FROM TO CALL_ID CSEQ LEN "\r\n", SIP_REASON_BAD_VIA,
     SIP_MSG_DROP},
    {LINE "Via: SIP/2.0/ host;branch=z9hG4bK1\r\n" FROM TO CALL_ID CSEQ LEN "\r\n", SIP_REASON_BAD_VIA,
     SIP_MSG_DROP},
    {LINE "Via: SIP/3.0/UDP host;branch=z9hG4bK1\r\n" FROM TO CALL_ID CSEQ LEN "\r\n", SIP_REASON_BAD_VIA,
     SIP_MSG_DROP},
    {LINE "Via: SIP/2.0/UDP host;x, SIP/2.0/UDP other;branch=c\r\n" FROM TO CALL_ID CSEQ LEN "\r\n",
     SIP_REASON_BAD_VIA, SIP_MSG_DROP},
    {LINE "Via: SIP/2.0/UDP host:99999;branch=z9hG4bK1\r\n" FROM TO CALL_ID CSEQ LEN "\r\n",
     SIP_REASON_BAD_VIA, SIP_MSG_DROP},
    /* names that share a hash with Via, From, To, Call-ID, CSeq, Content-Length, Max-Forwards, Content-Type, Record-Route */
    {LINE BASE "Ms-Client-Diagnostics: 52085\r\nDC-Info: a b\r\nAufq: x\r\nAerk: x\r\nAerk: y\r\nAdnk: "
               "x\r\nAael: a b\r\n"
               "Ahwb: x\r\nAbfz: -1\r\nAurq: 999\r\nAgda: x\r\nAump: x\r\n" LEN "\r\n",
     SIP_REASON_NONE, SIP_MSG_OK},
    {STATUS BASE "Adnk: \"\r\nAael:\r\nAufq:\r\n" LEN "\r\n", SIP_REASON_NONE, SIP_MSG_OK},
    {LINE BASE "NoColon\r\n" LEN "\r\n", SIP_REASON_HEADER_SYNTAX, SIP_MSG_DROP},
    {LINE BASE ": empty\r\n" LEN "\r\n", SIP_REASON_HEADER_SYNTAX, SIP_MSG_DROP},
    {LINE BASE "Bad Name: x\r\n" LEN "\r\n", SIP_REASON_HEADER_SYNTAX, SIP_MSG_DROP},
    {LINE BASE "Subject: a\nX: b\r\n" LEN "\r\n", SIP_REASON_LINE_END, SIP_MSG_DROP},
    {LINE BASE "Subject: a\rb\r\n" LEN "\r\n", SIP_REASON_LINE_END, SIP_MSG_DROP},
    {LINE BASE "Subject: a\001b\r\n" LEN "\r\n", SIP_REASON_CONTROL, SIP_MSG_DROP},
    {LINE BASE "Subject: a\177\r\n" LEN "\r\n", SIP_REASON_CONTROL, SIP_MSG_DROP},
    {LINE BASE LEN, SIP_REASON_LINE_END, SIP_MSG_DROP},
};

static void check(const struct row *r, enum sip_carrier carrier)
{
    size_t n = strlen(r->text);
    struct sip_check c;
    char *copy = malloc(n ? n : 1); /* so that a byte too far is seen */

    memcpy(copy, r->text, n);
    sip_unfold(copy, n);
    sip_validate(&c, copy, n, carrier);
    free(copy);
    if (c.verdict != r->verdict || c.reason != r->reason)
        testing_fail(__FILE__, __LINE__, "row %zu carrier %d: %d %s, want %d %s", (size_t)(r - rows),
                     (int)carrier, (int)c.verdict, sip_reason_label(c.reason), (int)r->verdict,
                     sip_reason_label(r->reason));
}

TEST(every_row_on_every_carrier)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        for (int carrier = SIP_DATAGRAM; carrier <= SIP_WEBSOCKET; carrier++)
            check(&rows[i], (enum sip_carrier)carrier);
}

static struct sip_check validate(const char *text, size_t n, enum sip_carrier carrier)
{
    struct sip_check c;

    sip_validate(&c, text, n, carrier);
    return c;
}

#define VALIDATE(text, carrier) validate(text, sizeof(text) - 1, carrier)

TEST(a_nul_byte_in_the_head)
{
    CHECK_EQ_INT(VALIDATE(LINE BASE "Subject: a\0b\r\n" LEN "\r\n", SIP_DATAGRAM).reason, SIP_REASON_CONTROL);
    CHECK_EQ_INT(VALIDATE("INVITE\0 sip:a SIP/2.0\r\n" BASE LEN "\r\n", SIP_DATAGRAM).reason,
                 SIP_REASON_CONTROL);
}

TEST(carriers_differ)
{
    CHECK_EQ_INT(VALIDATE(LINE BASE "\r\n", SIP_DATAGRAM).verdict, SIP_MSG_OK);
    CHECK_EQ_INT(VALIDATE(LINE BASE "\r\n", SIP_WEBSOCKET).verdict, SIP_MSG_OK);
    CHECK_EQ_INT(VALIDATE(LINE BASE "\r\n", SIP_STREAM).reason, SIP_REASON_CONTENT_LENGTH);
    CHECK_EQ_INT(VALIDATE(LINE BASE "Record-Route: <sip:[100::1];lr>\r\n\r\n", SIP_DATAGRAM).verdict,
                 SIP_MSG_OK);
    CHECK_EQ_INT(VALIDATE(LINE BASE "Record-Route: <sip:[100::1];lr>\r\n\r\n", SIP_WEBSOCKET).reason,
                 SIP_REASON_RECORD_ROUTE);
}

TEST(what_follows_the_body_is_cut)
{
    const char text[] = LINE BASE "Content-Length: 4\r\n\r\nbodyrest";

    CHECK_EQ_INT(VALIDATE(text, SIP_DATAGRAM).verdict, SIP_MSG_OK);
    CHECK_EQ_INT(VALIDATE(text, SIP_DATAGRAM).len, sizeof(text) - 1 - 4);
}

TEST(limits)
{
    static char text[SIP_MESSAGE_MAX + 8192];
    char *p = text;

    p += snprintf(p, 1024, "%s", LINE BASE LEN);
    for (int i = 6; i < SIP_HEADERS_MAX; i++)
        p += snprintf(p, 32, "X-%d: y\r\n", i);
    CHECK_EQ_INT(validate(text, (size_t)(snprintf(p, 8, "\r\n") + p - text), SIP_DATAGRAM).verdict,
                 SIP_MSG_OK);
    CHECK_EQ_INT(
        validate(text, (size_t)(snprintf(p, 32, "X-Last: y\r\n\r\n") + p - text), SIP_DATAGRAM).reason,
        SIP_REASON_HEADER_COUNT);
    p = text + snprintf(text, 1024, "%s", LINE BASE LEN "X-Long: ");
    memset(p, 'a', SIP_LINE_MAX);
    memcpy(p + SIP_LINE_MAX, "\r\n\r\n", 4);
    CHECK_EQ_INT(validate(text, (size_t)(p - text) + SIP_LINE_MAX + 4, SIP_DATAGRAM).reason,
                 SIP_REASON_LINE_LENGTH);
    CHECK_EQ_INT(validate(text, SIP_MESSAGE_MAX + 1, SIP_DATAGRAM).reason, SIP_REASON_TOO_LARGE);
}

TEST(every_truncation_is_refused)
{
    const char text[] = LINE BASE "Content-Length: 4\r\n\r\nbody";

    for (size_t n = 0; n < sizeof(text) - 1; n++)
        CHECK(validate(text, n, SIP_DATAGRAM).verdict != SIP_MSG_OK);
}

/* Joined in place: the length stays, the body and the start line are left alone, and doing it twice changes nothing. */
TEST(folded_lines_are_joined)
{
    char text[] = "A b\r\n c\r\nD: e\r\n\tf\r\n \r\n  g\r\nH: i\n j\r\n\r\nbody\r\n more";
    static const char want[] = "A b\r\n c\r\nD: e  \tf       g\r\nH: i\n j\r\n\r\nbody\r\n more";

    for (int i = 0; i < 2; i++) {
        sip_unfold(text, sizeof(text) - 1);
        CHECK_STR(text, want);
    }
    for (size_t n = 0; n < sizeof(text); n++) { /* however much of it has come */
        char *part = malloc(n + 1);

        memcpy(part, text, n);
        sip_unfold(part, n);
        free(part);
    }
}

static int frame(const char *text, size_t *len)
{
    return sip_stream_frame(text, strlen(text), len);
}

TEST(frames_of_a_stream)
{
    const char one[] = LINE BASE "Content-Length: 4\r\n\r\nbody";
    size_t len = 0;

    CHECK_EQ_INT(frame(LINE BASE "Content-Length: 4\r\n\r\nbodySIP/2.0 200", &len), 0);
    CHECK_EQ_INT(len, sizeof(one) - 1);
    for (size_t n = 0; n < sizeof(one) - 1; n++)
        CHECK_EQ_INT(sip_stream_frame(one, n, &len), EAGAIN);
    CHECK_EQ_INT(frame(LINE BASE "\r\n", &len), EBADMSG);
    CHECK_EQ_INT(frame(LINE BASE "Content-Length: 4\r\nl: 5\r\n\r\n", &len), EBADMSG);
    CHECK_EQ_INT(frame(LINE BASE "Content-Length: 70000\r\n\r\n", &len), EBADMSG);
    CHECK_EQ_INT(frame(LINE BASE "Content-Length: 65500\r\n\r\n", &len), EMSGSIZE);
    CHECK_EQ_INT(frame(LINE BASE "Content-Length: +4\r\n\r\n", &len), EBADMSG);
}

TEST(a_stream_without_end)
{
    static char text[SIP_MESSAGE_MAX + 2];
    size_t len;

    memset(text, 'a', sizeof(text));
    CHECK_EQ_INT(sip_stream_frame(text, SIP_MESSAGE_MAX, &len), EAGAIN);
    CHECK_EQ_INT(sip_stream_frame(text, SIP_MESSAGE_MAX + 1, &len), EMSGSIZE);
}

/* SIP messages as the log shows them: everything that helps to find a fault, nothing that is secret. */
#include "testing.h"

#include "core/buf.h"
#include "sip/siplog.h"

static struct buf shown;

static void shown_h(const char *line, void *arg)
{
    (void)arg;
    buf_printf(&shown, "%s\n", line);
}

static const char *show(const char *p, size_t len)
{
    buf_reset(&shown);
    buf_init(&shown, 65536);
    buf_puts(&shown, "");
    siplog_lines(p, len, shown_h, NULL);
    return shown.data;
}

#define SHOW(text) show(text, sizeof(text) - 1)

TEST(a_message_is_shown_line_by_line)
{
    CHECK_STR(SHOW("INVITE sip:600@10.0.0.81 SIP/2.0\r\nCall-ID: abc\r\nX-Genesys-CallUUID: 0AB\r\n"
                   "Content-Type: application/sdp\r\n\r\nv=0\r\na=fingerprint:sha-256 AA\r\n"),
              "INVITE sip:600@10.0.0.81 SIP/2.0\nCall-ID: abc\nX-Genesys-CallUUID: 0AB\nContent-Type: "
              "application/sdp\n"
              "v=0\na=fingerprint:sha-256 AA\n");
    CHECK_STR(SHOW("SIP/2.0 200 OK\nCSeq: 1 INVITE\n\n"), "SIP/2.0 200 OK\nCSeq: 1 INVITE\n");
    CHECK_STR(SHOW(""), "");
    buf_reset(&shown);
}

TEST(credentials_are_blanked_however_they_are_written)
{
    static const char *const lines[] = {
        "Authorization: Digest username=\"5001\", response=\"SECRET\"",
        "authorization:Digest username=\"5001\",response=\"SECRET\"",
        "AUTHORIZATION \t: Basic SECRET",
        "Proxy-Authorization: Digest response=\"SECRET\"",
        "Authorization: Digest username=\"5001\",\r\n response=\"SECRET\"",
        "Authorization:\r\n\tBasic SECRET\r\n SECRET",
        "Authentication-Info: rspauth=\"SECRET\"",
        "Proxy-Authentication-Info: rspauth=\"SECRET\"",
        "X: 1\rAuthorization: Basic SECRET",
        "Authorizatio\xffn: Digest response=\"SECRET\"",
        "To: <sip:5001:SECRET@10.0.0.1>",
        "Contact: <SIPS:5001:SECRET@10.0.0.1;transport=tcp>, <sip:a:SECRET@b>",
        "Content-Type: application/sdp\r\n\r\na=ice-pwd:SECRET\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 "
        "inline:SECRET",
        "Content-Type: application/sdp\r\n\r\nk=clear:SECRET\r\na=key-mgmt:mikey SECRET",
        "Content-Type: application/dtmf-relay\r\n\r\nSignal=SECRET",
        "c: application/dtmf\r\n\r\nSECRET",
        "Content-Length: 6\r\n\r\nSECRET",
        "a=ice-pwd:SECRET",
        "Content-Type: application/sdp\r\n\r\nAuthorization: Basic SECRET",
    };
    char message[1024];

    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        int n = snprintf(message, sizeof(message),
                         "REGISTER sip:dngate SIP/2.0\r\n%s\r\nCSeq: 7 REGISTER\r\n\r\n", lines[i]);
        const char *text = show(message, (size_t)n);

        if (strstr(text, "SECRET"))
            testing_fail(__FILE__, __LINE__, "shown:\n%s", text);
        CHECK(strstr(text, "REGISTER sip:dngate SIP/2.0\n"));
        CHECK(strstr(lines[i], "\r\n\r\n") || strstr(text, "CSeq: 7 REGISTER\n"));
    }
    CHECK_STR(SHOW("A\r\nAuthorization: Digest a,\r\n b\r\nTo: c\r\n\r\n"),
              "A\nAuthorization: (not shown)\n(not shown)\nTo: c\n");
    CHECK_STR(
        SHOW("INFO x\r\nContent-Type: application/dtmf-relay\r\n\r\nSignal=5\r\n"),
        "INFO x\nContent-Type: application/dtmf-relay\n10 bytes of application/dtmf-relay (not shown)\n");
    CHECK_STR(SHOW("X\r\nTo: <sip:5001:pw@h:5060>\r\n\r\n"), "X\nTo: <sip:5001:**@h:5060>\n");
    CHECK_STR(SHOW("X\r\nTo: <sip:h:5060>, \"a@b\" <sip:c@d>\r\n\r\n"),
              "X\nTo: <sip:h:5060>, \"a@b\" <sip:c@d>\n");
    buf_reset(&shown);
}

TEST(anything_can_be_shown)
{
    static char long_line[5000];

    memset(long_line, 'a', sizeof(long_line));
    memcpy(long_line, "Authorization: ", 15);
    CHECK_STR(show(long_line, sizeof(long_line)), "Authorization: (not shown)\n");
    memset(long_line, ':', sizeof(long_line));
    CHECK_EQ_INT(strlen(show(long_line, sizeof(long_line))), SIPLOG_LINE_MAX);
    CHECK_STR(show("a\0b\r\n", 5), "a?b\n");
    CHECK_STR(show("\r\n", 2), "");
    buf_reset(&shown);
}

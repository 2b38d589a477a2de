/* Bodies of several parts, as gateways, SBCs and emergency callers send them. */
#include "sip/body.h"
#include "testing.h"
#include <errno.h>

#define SESSION "Content-Type: application/sdp\r\n"
#define ISUP "Content-Type: application/isup;version=itu-t92+\r\n"

static char found[256];

static int find(const char *ctype, const char *disposition, const char *content)
{
    struct body b = {
        {ctype, strlen(ctype)}, {"", 0}, {disposition, strlen(disposition)}, {content, strlen(content)}};
    struct pl sdp;
    int err = body_find_sdp(&sdp, &b);

    found[0] = '\0';
    if (!err)
        (void)pl_strcpy(&sdp, found, sizeof(found));
    return err;
}

#define MIXED "multipart/mixed;boundary=b"

TEST(one_part_is_found_wherever_it_stands)
{
    static const char *bodies[] = {
        "--b\r\n" SESSION "\r\nv=0\r\n\r\n--b--\r\n",
        "--b\r\n" SESSION "\r\nv=0\r\n\r\n--b--",
        "for whom cannot read this\r\n--b \t\r\n" SESSION "\r\nv=0\r\n\r\n--b--\r\nepilogue\r\n--b\r\n",
        "--b\r\n" ISUP "Content-Disposition: signal;handling=optional\r\n\r\n\x01\x02H\r\n--b\r\n" SESSION
        "Content-Disposition: session;handling=required\r\n\r\nv=0\r\n\r\n--b--\r\n",
        "--b\r\ncontent-type :  Application / SDP ;charset=\"utf-8\"\r\n\r\nv=0\r\n\r\n--b--\r\n",
        "--b\r\nContent-Type:\r\n application/sdp\r\nContent-Disposition: session\r\n "
        ";handling=required\r\n\r\n"
        "v=0\r\n\r\n--b--\r\n",
        "--b\n"
        "Content-Type: application/sdp\n\nv=0\r\n\n--b--\n",
        "--b\r\n\r\nplain text has no Content-Type\r\n--b\r\n" SESSION "\r\nv=0\r\n\r\n--b--\r\n",
        "--b\r\n" SESSION
        "Content-Disposition: early-session;handling=optional\r\n\r\nv=1\r\n\r\n--b\r\n" SESSION
        "\r\nv=0\r\n\r\n--b--\r\n",
        "--b\r\n" SESSION "\r\nv=0\r\n\r\n--b\r\n" SESSION "\r\nv=9\r\n\r\n--b--\r\n",
        "--b\r\n" SESSION "Content-Transfer-Encoding: binary\r\n\r\nv=0\r\n\r\n--b--\r\n",
        "--b\r\n" SESSION "\r\nv=0\r\n", /* its end was forgotten */
    };

    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        CHECK_EQ_INT(find(MIXED, "", bodies[i]), 0);
        CHECK_STR(found, "v=0\r\n");
    }
}

TEST(the_boundary_as_its_grammar_allows)
{
    static const char *types[] = {
        "multipart/mixed; boundary=b", "Multipart/Mixed;charset=x ; BOUNDARY = \"b\"",
        "multipart / related;type=\"a;boundary=c\";boundary=b", "multipart/something-new;boundary=b"};

    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        CHECK_EQ_INT(find(types[i], "", "--bb\r\n\r\n--b\r\n" SESSION "\r\nv=0\r\n--b--\r\n"), 0);
        CHECK_STR(found, "v=0");
    }
    CHECK_EQ_INT(
        find("multipart/mixed;boundary=\"a b:c/d\"", "", "--a b:c/d\r\n" SESSION "\r\nv=0\r\n--a b:c/d--"),
        0);
}

TEST(of_alternatives_the_last_that_is_understood)
{
#define ALT "multipart/alternative;boundary=b"
    CHECK_EQ_INT(find(ALT, "",
                      "--b\r\n" SESSION "\r\nv=1\r\n--b\r\n" SESSION "\r\nv=2\r\n--b\r\n" ISUP
                      "\r\nx\r\n--b--"),
                 0);
    CHECK_STR(found, "v=2");
    CHECK_EQ_INT(find(ALT, "",
                      "--b\r\n" SESSION "\r\nv=1\r\n--b\r\nContent-Type: "
                      "multipart/mixed;boundary=in\r\n\r\n"
                      "--in\r\n" SESSION "\r\nv=3\r\n--in--\r\n--b--"),
                 0);
    CHECK_STR(found, "v=3");
    CHECK_EQ_INT(find(ALT, "", "--b\r\n" ISUP "\r\nx\r\n--b--"), EMEDIUMTYPE);
    CHECK_EQ_INT(find(ALT, "session;handling=optional", "--b\r\n" ISUP "\r\nx\r\n--b--"), ENOENT);
    CHECK_EQ_INT(find(MIXED, "",
                      "--b\r\n"
                      "Content-Type: multipart/alternative; "
                      "boundary=\"in\"\r\n\r\n--in\r\n\r\nhello\r\n--in\r\n" SESSION
                      "\r\nv=4\r\n--in--\r\n--b--"),
                 0);
    CHECK_STR(found, "v=4");
}

TEST(what_must_be_understood_and_is_not)
{
#define WITH(headers) "--b\r\n" SESSION "\r\nv=0\r\n--b\r\n" headers "\r\nx\r\n--b--"
    CHECK_EQ_INT(find(MIXED, "", WITH(ISUP "Content-Disposition: signal;handling=required\r\n")),
                 EMEDIUMTYPE);
    CHECK_EQ_INT(find(MIXED, "", WITH(ISUP "Content-Disposition: signal; Handling = \"REQUIRED\"\r\n")),
                 EMEDIUMTYPE);
    CHECK_EQ_INT(find(MIXED, "", WITH(ISUP "Content-Disposition: signal\r\n")),
                 EMEDIUMTYPE); /* RFC 3261 20.11 */
    CHECK_EQ_INT(find(MIXED, "", WITH(ISUP "Content-Disposition: signal;handling=optional\r\n")), 0);
    CHECK_EQ_INT(find(MIXED, "", WITH(ISUP)), 0);
#define INNER(headers)                                                                                       \
    WITH("Content-Type: multipart/mixed;boundary=in\r\n" headers "\r\n--in\r\n" ISUP                         \
         "Content-Disposition: signal;handling=required\r\n\r\nx\r\n--in--\r\n")
    CHECK_EQ_INT(find(MIXED, "", INNER("")), EMEDIUMTYPE); /* the mixed part is required, too */
    CHECK_EQ_INT(find(MIXED, "", INNER("Content-Disposition: render;handling=optional\r\n")), 0);
    CHECK_EQ_INT(find("text/plain", "", "hello"), EMEDIUMTYPE);
    CHECK_EQ_INT(find("", "", "v=0\r\n"), EMEDIUMTYPE);
    CHECK_EQ_INT(find("text/plain", "render;handling=optional", "hello"), ENOENT);
    CHECK_EQ_INT(find("application/sdp", "early-session", "v=0"), EMEDIUMTYPE);
    CHECK_EQ_INT(find("application/sdp", "", ""), ENOENT);
    CHECK_EQ_INT(find(MIXED, "", "--b\r\n" ISUP "\r\nx\r\n--b--"), ENOENT);
}

TEST(encoded_bodies_are_not_understood)
{
    struct body b = {{"application/sdp", 15}, {"gzip", 4}, {"", 0}, {"v=0", 3}};
    struct pl sdp;

    CHECK_EQ_INT(body_find_sdp(&sdp, &b), EMEDIUMTYPE);
    pl_set_str(&b.encoding, "Identity");
    CHECK_EQ_INT(body_find_sdp(&sdp, &b), 0);
    CHECK_EQ_INT(find(MIXED, "",
                      "--b\r\n" SESSION
                      "Content-Disposition: session\r\nContent-Encoding: gzip\r\n\r\nx\r\n--b--"),
                 EMEDIUMTYPE);
    CHECK_EQ_INT(find(MIXED, "",
                      "--b\r\n" SESSION
                      "Content-Disposition: session\r\nContent-Transfer-Encoding: base64\r\n\r\nx\r\n--b--"),
                 EMEDIUMTYPE);
}

TEST(nonsense_is_refused_without_harm)
{
    char deep[1024] = "", many[4096] = "";

    CHECK_EQ_INT(find("multipart/mixed", "", "--b\r\n\r\n--b--"), EILSEQ);
    CHECK_EQ_INT(find("multipart/mixed;boundary=\"\"", "", "--\r\n\r\n----"), EILSEQ);
    CHECK_EQ_INT(find(MIXED, "", "no delimiter at all"), EILSEQ);
    CHECK_EQ_INT(find(MIXED, "", "--b--\r\n"), ENOENT);
    CHECK_EQ_INT(find(MIXED, "", "--b\r\n"), ENOENT);
    for (int i = 0; i < 10; i++)
        (void)snprintf(deep + strlen(deep), sizeof(deep) - strlen(deep),
                       "--b\r\nContent-Type: " MIXED "%d\r\n\r\n", i);
    (void)find(MIXED, "", deep);
    for (int i = 0; i < BODY_PARTS_MAX + 1; i++)
        (void)snprintf(many + strlen(many), sizeof(many) - strlen(many), "--b\r\n\r\n%d\r\n", i);
    CHECK_EQ_INT(find(MIXED, "", many), EILSEQ);
    (void)snprintf(deep, sizeof(deep),
                   "--b\r\nContent-Type: multipart/mixed;boundary=c\r\n\r\n--c\r\nContent-Type: "
                   "multipart/mixed;boundary=d\r\n\r\n--d\r\nContent-Type: "
                   "multipart/mixed;boundary=e\r\n\r\n--e\r\n" SESSION "\r\nv=0");
    CHECK_EQ_INT(find(MIXED, "", deep), EILSEQ);
}

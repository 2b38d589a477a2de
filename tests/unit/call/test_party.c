/* Who calls and whom, from what trunks really write: tables of headers and what a person reads of them. */
#include "testing.h"

#include "call/callhdr.h"
#include "call/party.h"

#include <re.h>

static struct sip_msg *invite(const char *ruri, const char *from, const char *to, const char *more)
{
    struct mbuf *mb = mbuf_alloc(1024);
    struct sip_msg *msg = NULL;

    (void)mbuf_printf(
        mb,
        "INVITE %s SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9\r\nFrom: %s;tag=f\r\nTo: %s\r\nCall-ID: c\r\n"
        "CSeq: 1 INVITE\r\n%sContent-Length: 0\r\n\r\n",
        ruri, from, to, more);
    mb->pos = 0;
    if (sip_msg_decode(&msg, mb))
        msg = NULL;
    mem_deref(mb);
    return msg;
}

#define PAI(val) "P-Asserted-Identity: " val "\r\n"

static const struct {
    const char *from, *more;
    const char *number, *name, *host;
    bool withheld;
} callers[] = {
    {"<sip:7001@h>", "", "7001", "", "h", false},
    {"Bob the Builder <sip:7001@h>", "", "7001", "Bob the Builder", "h", false},
    {"\"J\xc3\xb6rg \xe6\xa0\xaa\" <sip:7001@h>", "", "7001", "J\xc3\xb6rg \xe6\xa0\xaa", "h", false},
    {"\"a \\\"b\\\" \\\\ c\" <sip:7001@h>", "", "7001", "a \"b\" \\ c", "h", false},
    {"\"  two\t  words \" <sip:7001@h>", "", "7001", "two words", "h", false},
    {"sip:7001@h:5060", "", "7001", "", "h", false},
    {"<sip:%2B49%2030@h>", "", "+49 30", "", "h", false},
    {"<sip:+49-30-123;ext=2@h>", "", "+49-30-123", "", "h", false},
    {"<sip:+49-30-(123);ext=2@h;user=phone>", "", "+4930123", "", "h", false},
    {"Bob <tel:+49-30-123;isub=1>", "", "+4930123", "Bob", "", false},
    {"tel:(030)123.4", "", "0301234", "", "", false},
    {"<sip:gw.example>", "", "", "", "gw.example", false},
    /* a host that is none would make an unreadable From of ours */
    {"<sip:7001@g-w_1.3com.x9>", "", "7001", "", "g-w_1.3com.x9", false},
    {"<sip:7001@[2001:db8::1]:5060>", "", "7001", "", "2001:db8::1", false},
    {"<sip:7001@10.0.0.1>", "", "7001", "", "10.0.0.1", false},
    {"<sip:7001@0>", "", "7001", "", "", false},
    {"<sip:7001@10.0.0.1.5>", "", "7001", "", "", false},
    {"<sip:7001@[::1>", "", "7001", "", "", false},
    {"<sip:7001@-gw->", "", "7001", "", "", false},
    {"<sip:7001@gw..x>", "", "7001", "", "", false},
    {"<sip:7001@gw.1x>", "", "7001", "", "", false},
    {"<sip:7001@g\xc3\xa4>", "", "7001", "", "", false},
    {"<sip:7001@%41>", PAI("<sip:7001@x>"), "7001", "", "x", false},
    /* RFC 3325: what is asserted comes before From, a number before a name, in one header or in two */
    {"Bob <sip:7001@h>", PAI("\"Robert\" <sip:+4930@x>"), "+4930", "Robert", "h", false},
    {"Bob <sip:7001@h>", PAI("<sip:+4930@x>"), "+4930", "Bob", "h", false},
    {"Bob <sip:7001@h>", PAI("<tel:+49-30>"), "+4930", "Bob", "h", false},
    {"<sip:7001@h>", PAI("\"Doe, J.\" <sip:john@x>, <tel:+4930>"), "+4930", "Doe, J.", "h", false},
    {"<sip:7001@h>", PAI("<sip:john@x>") PAI("\"J\" <tel:+4930>"), "+4930", "J", "h", false},
    {"<sip:7001@h>", PAI("<tel:+4930>, <sip:+4931@x>"), "+4930", "", "h", false},
    {"<sip:7001@h>", PAI("<sip:john@x>"), "john", "", "h", false},
    {"<sip:7001@h>", PAI("<sip:>") "P-Asserted-Identity:\r\n", "7001", "", "h", false},
    /* withheld: RFC 3323 4.2, 3325 9.3 */
    {"Bob <sip:7001@h>", "Privacy: id\r\n", "7001", "Bob", "h", true},
    {"Bob <sip:7001@h>", "Privacy: ID;critical\r\n", "7001", "Bob", "h", true},
    {"Bob <sip:7001@h>", "Privacy: session ; header\r\n", "7001", "Bob", "h", true},
    {"Bob <sip:7001@h>", "Privacy: user\r\n" PAI("<sip:+4930@x>"), "+4930", "Bob", "h", true},
    {"Bob <sip:7001@h>", "Privacy: critical\r\n", "7001", "Bob", "h", true},
    {"Bob <sip:7001@h>", "Privacy: session\r\nPrivacy: critical;id\r\n", "7001", "Bob", "h", true},
    {"Bob <sip:7001@h>", "Privacy: none\r\n", "7001", "Bob", "h", false},
    {"Bob <sip:7001@h>", "Privacy: session\r\n", "7001", "Bob", "h", false},
    {"Bob <sip:7001@h>", "Privacy: identity\r\n", "7001", "Bob", "h", false},
    {"\"Anonymous\" <sip:anonymous@anonymous.invalid>", "", "", "", "anonymous.invalid", true},
    {"<sip:Anonymous@192.0.2.1>", "", "", "", "192.0.2.1", true},
    {"<sip:anonymous@anonymous.invalid>", "Privacy: id\r\n" PAI("<sip:+4930@x>"), "+4930", "", "x", true},
    {"<sip:anonymous@anonymous.invalid>", PAI("\"R\" <sip:+4930@x>"), "+4930", "R", "x", false},
};

TEST(who_calls)
{
    for (size_t i = 0; i < ARRAY_SIZE(callers); i++) {
        struct sip_msg *msg = invite("sip:5001@g", callers[i].from, "<sip:5001@g>", callers[i].more);
        struct party p;

        CHECK(msg);
        party_caller(&p, msg);
        if (strcmp(p.number, callers[i].number) || strcmp(p.name, callers[i].name) ||
            (callers[i].host[0] ? pl_strcmp(&p.host, callers[i].host) : p.host.l > 0) ||
            p.withheld != callers[i].withheld)
            testing_fail(__FILE__, __LINE__, "row %zu %s: number=%s name=%s host=%.*s withheld=%d", i,
                         callers[i].from, p.number, p.name, (int)p.host.l, p.host.p, p.withheld);
        mem_deref(msg);
    }
}

static const struct {
    const char *ruri, *to, *more, *number, *dn;
} calleds[] = {
    {"sip:5001@g", "<sip:5001@g>", "", "5001", "5001"},
    {"sip:5001@g", "<sip:+4930@g>", "", "+4930", "5001"},
    {"sip:5001@g", "<sip:%2B4930@g>", "", "+4930", "5001"},
    {"sip:5001@g", "<tel:+49-30>", "", "+4930", "5001"},
    {"sip:5001@g", "<sip:+4930@g>", "P-Called-Party-ID: \"x\" <tel:+49-31>\r\n", "+4931", "5001"},
    {"sip:5001@g", "<sip:+4930@g>", "P-Called-Party-ID: <sip:>\r\n", "+4930", "5001"},
    {"sip:5001@g", "<sip:g>", "", "5001", "5001"},
    {"tel:5001", "<sip:g>", "", "5001", "5001"},
    {"tel:50-01;phone-context=+49", "<tel:5001>", "", "5001", "5001"},
    {"sip:5001;phone-context=+49@g;user=phone", "<sip:g>", "", "5001", "5001"},
    {"sip:50.01@g;user=phone", "<sip:g>", "", "5001", "5001"},
    {"sip:a-b.c@g", "<sip:g>", "", "a-b.c", "a-b.c"},
    {"sip:%35001@g", "<sip:g>", "", "5001", "5001"},
};

TEST(who_is_called)
{
    for (size_t i = 0; i < ARRAY_SIZE(calleds); i++) {
        struct sip_msg *msg = invite(calleds[i].ruri, "<sip:7001@h>", calleds[i].to, calleds[i].more);
        struct party p;
        char dn[64];

        CHECK(msg);
        party_called(&p, msg);
        party_number(dn, sizeof(dn), &msg->uri);
        if (strcmp(p.number, calleds[i].number) || strcmp(dn, calleds[i].dn))
            testing_fail(__FILE__, __LINE__, "row %zu: number=%s dn=%s", i, p.number, dn);
        mem_deref(msg);
    }
}

TEST(a_number_too_long_is_none)
{
    static char user[600], ruri[700];
    struct sip_msg *msg;
    char dn[64];

    memset(user, '1', sizeof(user) - 1);
    for (size_t n = 60; n < sizeof(user); n += 3) {
        snprintf(ruri, sizeof(ruri), "sip:%.*s@g", (int)n, user);
        msg = invite(ruri, "<sip:7001@h>", "<sip:g>", "");
        CHECK(msg);
        party_number(dn, sizeof(dn), &msg->uri);
        CHECK_EQ_INT(strlen(dn), n < sizeof(dn) ? n : 0);
        mem_deref(msg);
    }
}

/* --- text --- */

static const struct {
    const char *in, *out;
} texts[] = {
    {"plain", "plain"},
    {"a\001b\177c", "abc"},
    {"a\xc2\x85\xc2\x9f"
     "b",
     "ab"}, /* C1 */
    {"\xe2\x80\xae"
     "evil\xe2\x80\xac",
     "evil"},                                                               /* U+202E, U+202C */
    {"\xe2\x80\xaa\xe2\x80\xab\xe2\x80\xad\xe2\x80\x8e\xe2\x80\x8fx", "x"}, /* U+202A, B, D, U+200E, F */
    {"\xe2\x81\xa6\xe2\x81\xa7\xe2\x81\xa8y\xe2\x81\xa9\xd8\x9c", "y"},     /* U+2066..2069, U+061C */
    {"a\xe2\x80\xa8"
     "b\xef\xbb\xbf",
     "ab"},                                     /* U+2028, U+FEFF */
    {"bad\xff\xc3 utf\xed\xa0\x80", "bad utf"}, /* what is no UTF-8, a surrogate */
    {"\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d \xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x92\xbb",
     "\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d \xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x92\xbb"}, /* Hebrew; joined signs stay */
    {"a\xe2\x80\x8b\xc2\xad\xe1\xa0\x8e"
     "b\xf3\xa0\x81\x81",
     "ab"}, /* U+200B, AD, 180E, E0041: of no width */
    {" \t ", ""},
};

TEST(what_a_person_may_see)
{
    char out[PARTY_MAX], small[6];
    struct pl pl;

    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        pl_set_str(&pl, texts[i].in);
        party_text(out, sizeof(out), &pl, false);
        if (strcmp(out, texts[i].out))
            testing_fail(__FILE__, __LINE__, "row %zu: \"%s\"", i, out);
    }
    pl_set_str(&pl, "abc\xe6\xa0\xaa");
    party_text(small, sizeof(small), &pl, false); /* not within a character */
    CHECK_STR(small, "abc");
}

TEST(what_is_written_is_escaped_again)
{
    struct pl v4 = {"192.0.2.1:5060", 14}, v6 = {"2001:db8::1", 11};
    char out[PARTY_URI_MAX], full[PARTY_MAX];

    party_uri(out, sizeof(out), "+49 30#7*", &v4, AF_UNSPEC);
    CHECK_STR(out, "sip:+49%2030%237*@192.0.2.1:5060");
    party_uri(out, sizeof(out), "j\xc3\xb6@\">", &v6, AF_INET6);
    CHECK_STR(out, "sip:j%C3%B6%40%22%3E@[2001:db8::1]");
    party_uri(out, sizeof(out), "", &v4, AF_UNSPEC);
    CHECK_STR(out, "sip:192.0.2.1:5060");
    party_contact(out, sizeof(out), "50#1", "192.0.2.1:5060", ";transport=tcp");
    CHECK_STR(out, "sip:50%231@192.0.2.1:5060;transport=tcp");
    party_quote(out, sizeof(out), "a \"b\" \\");
    CHECK_STR(out, "a \\\"b\\\" \\\\");
    memset(full, '"', sizeof(full));
    full[PARTY_MAX - 1] = '\0';
    party_quote(out, 2 * PARTY_MAX, full);
    CHECK_EQ_INT(strlen(out), 2 * (PARTY_MAX - 1));
}

/* --- what is passed on --- */

static void passed(const char *hdrs, enum callhdr_way way, const char *want)
{
    struct sip_msg *msg = invite("sip:5001@g", "<sip:7001@h>", "<sip:5001@g>", hdrs);
    struct buf b;

    CHECK(msg);
    buf_init(&b, 1024);
    (void)callhdr_pass(&b, msg, way, "");
    CHECK_STR(b.data ? b.data : "", want);
    buf_reset(&b);
    mem_deref(msg);
}

TEST(what_is_private_is_not_passed_to_the_agent)
{
    passed(PAI("<sip:1@x>") "Reason: a\r\n", CALLHDR_TO_AGENT, PAI("<sip:1@x>") "Reason: a\r\n");
    passed(PAI("<sip:1@x>") "Privacy: id\r\nReason: a\r\n", CALLHDR_TO_AGENT, "Reason: a\r\n");
    passed("Privacy: none\r\n" PAI("<sip:1@x>"), CALLHDR_TO_AGENT, PAI("<sip:1@x>"));
    passed("Privacy: history\r\nHistory-Info: <sip:1@x>\r\n", CALLHDR_TO_AGENT, "");
    passed("History-Info: <sip:1@x?Privacy=history>;index=1\r\n"
           "History-Info: <sip:2@x?Privacy=none>;index=2\r\n",
           CALLHDR_TO_AGENT, "History-Info: <sip:2@x?Privacy=none>;index=2\r\n");
    passed("Diversion: <sip:1@x>;privacy=full\r\nDiversion: <sip:2@x>; Privacy = \"uri\"\r\n"
           "Diversion: <sip:3@x>;privacy=off;reason=no-answer\r\n",
           CALLHDR_TO_AGENT, "Diversion: <sip:3@x>;privacy=off;reason=no-answer\r\n");
    passed("Diversion: <sip:1@x>;PRIVACY=FULL\r\nHistory-Info: <sip:2@x?PRIVACY=History>;index=1\r\n"
           "Diversion: <sip:3@x>;pRivacy=OFF\r\nDiversion: <sip:4@x>;privacy\r\n",
           CALLHDR_TO_AGENT, "Diversion: <sip:3@x>;pRivacy=OFF\r\nDiversion: <sip:4@x>;privacy\r\n");
    passed("Privacy: user\r\nCall-Info: <http://x/1.png>;purpose=icon\r\n", CALLHDR_TO_AGENT, "");
    passed("Call-Info: \xe2\x80\xae<a>\xff\tb\r\n", CALLHDR_TO_AGENT, "Call-Info: <a> b\r\n");
    passed(PAI("<sip:1@x>") "Reason: a\r\n", CALLHDR_TO_AGENT_WITHHELD, "Reason: a\r\n");
    passed(PAI("<sip:1@x>"), CALLHDR_TO_TRUNK, "");
}

TEST(what_the_far_end_gives_as_its_reason_is_text)
{
    struct sip_msg *msg = invite("sip:5001@g", "<sip:7001@h>", "<sip:5001@g>",
                                 "Reason: Q.850;cause=17;text=\"\xff<b>\xc3\xbc\xe2\x80\xae\\n\"\r\n"
                                 "X-Genesys-CallUUID: a\xc3\xbc\xff\"b\r\n");
    char text[32], small[4];

    CHECK(msg);
    callhdr_reason_text(text, sizeof(text), msg);
    CHECK_STR(text, "b\xc3\xbcn");
    callhdr_reason_text(small, sizeof(small), msg);
    CHECK_STR(small, "b\xc3\xbc");
    callhdr_call_uuid(small, sizeof(small), msg);
    CHECK_STR(small, "a\xc3\xbc");
    mem_deref(msg);
}
